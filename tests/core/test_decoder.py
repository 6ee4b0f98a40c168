from math import pi, sqrt

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from core.decoder import INTACT
from core.encoder import Ablation
from core.pieces import display_labels
from core.pretrained import load_decoder
from tests.core.hugging_face import (
    END_OF_TEXT,
    gpt2_quantities,
    largest_deviation,
    load_gpt2,
    save_small_gpt2,
    trace_quantities,
)

TEXT = "the cat sat on a mat"
TEXTS = [
    TEXT,
    "a",
    " ",
    "  the  cat\n\tsat ",
    "the dog " * 11,
    "The capital of France",
    "我喜欢猫",
    "👩‍👧 ok",
    "e\u0301 \x00 \u200b",
    "مرحبا",
    f"the cat{END_OF_TEXT}the dog",
    "<script>alert('x')</script>",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_small_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="module")
def decoder(folder):
    return load_decoder(folder)


@pytest.fixture(scope="module")
def gpt2(folder):
    return load_gpt2(folder)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_every_tensor_of_the_trace_equals_hugging_face(decoder, gpt2, folder, text):
    trace = decoder.trace(text)
    encoding = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text)
    assert list(trace.token_ids) == encoding.ids[:41]
    assert list(trace.tokens) == encoding.tokens[:41]
    expected = gpt2_quantities(gpt2, trace.token_ids)
    assert largest_deviation(trace_quantities(trace), expected) < 1e-5


@pytest.mark.parametrize("sizes", [{"n_inner": None}, {"n_head": 1}, {"n_layer": 1, "n_embd": 55}])
def test_a_decoder_of_other_sizes_equals_hugging_face(tmp_path, sizes):
    folder = save_small_gpt2(tmp_path, **sizes)
    trace = load_decoder(folder).trace(TEXT)
    expected = gpt2_quantities(load_gpt2(folder), trace.token_ids)
    assert largest_deviation(trace_quantities(trace), expected) < 1e-5


def test_logits_equal_hugging_face(decoder, folder):
    trace = decoder.trace(TEXT)
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = model(torch.tensor([trace.token_ids])).logits[0]
    with torch.inference_mode():
        found = decoder.logits(trace.output)
    assert found.shape == (len(trace.tokens), 293)
    assert largest_deviation({"logits": found}, {"logits": expected}) < 1e-5


def test_no_token_looks_at_a_later_one(decoder):
    for block in decoder.trace(TEXT).blocks:
        later = torch.ones(block.attention.scores.shape).triu(1).bool()
        assert torch.equal(block.attention.scores == float("-inf"), later)
        assert (block.attention.weights[later] == 0).all()
        assert (block.attention.weights[~later] > 0).all()


def test_later_tokens_change_nothing_earlier(decoder):
    first, second = decoder.trace("the cat sat on"), decoder.trace("the cat dog 猫 mat")
    shared = 2
    assert first.tokens[:shared] == second.tokens[:shared]
    assert first.tokens[shared] != second.tokens[shared]
    for block, other in zip(first.blocks, second.blocks, strict=True):
        torch.testing.assert_close(block.output[:shared], other.output[:shared])
        assert not torch.allclose(block.output[shared], other.output[shared], atol=1e-2)


def test_earlier_tokens_change_what_comes_later(decoder):
    first, second = decoder.trace("a cat"), decoder.trace("猫 cat")
    assert first.tokens[-1] == second.tokens[-1]
    assert not torch.allclose(first.output[-1], second.output[-1], atol=1e-2)


def test_the_parts_of_a_trace_hang_together(decoder):
    trace = decoder.trace(TEXT)
    assert torch.equal(trace.blocks[0].input, trace.embeddings.output)
    for block, following in zip(trace.blocks, trace.blocks[1:], strict=False):
        assert torch.equal(following.input, block.output)
    n_tokens = len(trace.tokens)
    assert trace.weights.shape == (3, 5, n_tokens, n_tokens)
    assert torch.equal(trace.weights[2, 3], trace.blocks[2].attention.weights[3])
    assert "".join(TEXT[start:end] for start, end in trace.offsets) == TEXT


def test_tokens_are_readable_on_screen(decoder):
    trace = decoder.trace(f"the cat 👍{END_OF_TEXT}")
    assert trace.tokens[:2] == ("the", "Ġcat")
    labels = ("the", "▁cat", "▁", "👍 1/4 · F0", "👍 2/4 · 9F", "👍 3/4 · 91", "👍 4/4 · 8D")
    assert display_labels(trace.reading) == (*labels, END_OF_TEXT)


def test_a_text_longer_than_the_table_of_positions_is_cut(decoder):
    whole = decoder.reader.tokenizer.encode("the dog " * 50).ids
    trace = decoder.trace("the dog " * 50)
    assert list(trace.token_ids) == whole[:41]
    assert trace.reading.n_left_out == len(whole) - 41


def test_an_empty_text_has_no_tokens(decoder):
    trace = decoder.trace("")
    assert trace.tokens == ()
    assert trace.output.shape == (0, 35)
    assert trace.weights.shape == (3, 5, 0, 0)


def test_a_batch_is_read_like_its_texts_alone(decoder):
    traces = [decoder.trace(text) for text in ("the cat sat", "a dog on")]
    with torch.inference_mode():
        embedded = torch.stack([trace.embeddings.output[:3] for trace in traces])
        together = decoder.run_blocks(embedded)
    for row, trace in enumerate(traces):
        torch.testing.assert_close(together[-1].output[row], trace.blocks[-1].output[:3])


def test_weights_in_half_precision_are_read_in_single(tmp_path):
    file = save_small_gpt2(tmp_path) / "model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file)
    trace = load_decoder(tmp_path).trace(TEXT)
    assert trace.output.dtype == torch.float32
    expected = gpt2_quantities(load_gpt2(tmp_path).float(), trace.token_ids)
    assert largest_deviation(trace_quantities(trace), expected) < 1e-5


def test_names_without_the_prefix_of_a_task_model_are_understood(decoder, tmp_path):
    file = save_small_gpt2(tmp_path) / "model.safetensors"
    weights = {name.removeprefix("transformer."): x for name, x in load_file(file).items()}
    assert "wte.weight" in weights
    save_file(weights, file)
    assert torch.equal(load_decoder(tmp_path).trace(TEXT).output, decoder.trace(TEXT).output)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_moved_decoder_reads_the_same(decoder, folder, device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    moved = load_decoder(folder).to(device).trace(TEXT)
    assert moved.output.device.type == device
    found = {name: tensor.cpu() for name, tensor in trace_quantities(moved).items()}
    assert largest_deviation(found, trace_quantities(decoder.trace(TEXT))) < 1e-5


# Ablation: the same formulas, written once more over Hugging Face's parameters.


def ablated_reference(gpt2, token_ids, ablation: Ablation) -> torch.Tensor:
    weights = {name: tensor.double() for name, tensor in gpt2.state_dict().items()}
    n_tokens, heads = len(token_ids), gpt2.config.n_head

    def linear(x, name):
        return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        spread = (centred.square().mean(-1, keepdim=True) + gpt2.config.layer_norm_epsilon).sqrt()
        return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    x = weights["wte.weight"][list(token_ids)]
    if ablation.positions:
        x = x + weights["wpe.weight"][:n_tokens]
    for number in range(gpt2.config.n_layer):
        block = f"h.{number}"
        given = norm(x, f"{block}.ln_1") if ablation.norm else x
        q, k, v = linear(given, f"{block}.attn.c_attn").split(gpt2.config.n_embd, dim=-1)
        mixed = torch.zeros_like(q)
        d_k = q.shape[1] // heads
        for head in set(range(heads)) - {head for b, head in ablation.heads if b == number}:
            part = slice(head * d_k, (head + 1) * d_k)
            for query in range(n_tokens):
                keys = (q if ablation.shared_qk else k)[: query + 1, part]
                scores = keys @ q[query, part] / (sqrt(d_k) if ablation.scale else 1)
                mixed[query, part] = scores.softmax(-1) @ v[: query + 1, part]
        update = linear(mixed, f"{block}.attn.c_proj")
        y = x + update if ablation.residual else update
        hidden = linear(norm(y, f"{block}.ln_2") if ablation.norm else y, f"{block}.mlp.c_fc")
        gelu = hidden / 2 * (1 + torch.tanh(sqrt(2 / pi) * (hidden + 0.044715 * hidden**3)))
        update = linear(gelu, f"{block}.mlp.c_proj") * ablation.feed_forward
        x = y + update if ablation.residual else update
    return norm(x, "ln_f")


@pytest.mark.parametrize(
    "ablation",
    [
        INTACT,
        Ablation(positions=False),
        Ablation(heads={(0, 1), (2, 0), (2, 4)}),
        Ablation(residual=False),
        Ablation(norm=False),
        Ablation(scale=False),
        Ablation(shared_qk=True),
        Ablation(feed_forward=False),
    ],
    ids=str,
)
def test_what_is_taken_away_equals_an_independent_computation(decoder, gpt2, ablation):
    trace = decoder.trace(TEXT, ablation)
    expected = ablated_reference(gpt2, trace.token_ids, ablation).float()
    assert largest_deviation({"output": trace.output}, {"output": expected}) < 2e-5
    if ablation != INTACT:
        assert not torch.allclose(trace.output, decoder.trace(TEXT).output, atol=1e-2)


@pytest.mark.parametrize("head", [(3, 0), (0, 5), (-1, 0)])
def test_a_head_that_does_not_exist_is_refused(decoder, head):
    with pytest.raises(ValueError, match="is outside 3 blocks x 5 heads"):
        decoder.trace(TEXT, Ablation(heads={head}))
