from math import sqrt

import pytest
import torch
from torch.nn import functional
from transformers import AutoTokenizer

from core.encoder import Ablation
from core.pretrained import bundled_folder, load_encoder
from tests.core.hugging_face import (
    bert_quantities,
    largest_deviation,
    load_bert,
    trace_quantities,
)

TEXT = "The animal didn't cross the street because it was too tired."
TEXTS = [
    TEXT,
    "The animal didn't cross the street because it was too wide.",
    "The student is eating an apple.",
    "An apple is eating the student",
    "apple",
    "a",
    "",
    "   \t\n ",
    "word " * 126,  # exactly 128 tokens with [CLS] and [SEP]
    "word " * 127,  # one too many
    "Colourless green ideas sleep furiously, " * 40,
    "antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis",
    "x" * 101,  # longer than a word may be: [UNK]
    "Él niño comió jalapeños en São Paulo; naïve façade.",
    "Москва не сразу строилась.",
    "我喜欢学习机器学习。",
    "こんにちは世界",
    "مرحبا بالعالم",
    "שלום עולם",
    "हिन्दी में लिखो",
    "👩‍👩‍👧‍👦 🎉 ok",
    "e\u0301 i\u0308 n\u0303",  # letters with combining marks
    "A zero\u200bwidth space, a non\u00a0breaking one and a \x00 null.",
    "[MASK] [CLS] [SEP] [PAD] [UNK]",
    "The capital of France is [MASK].",
    "</s> <s> <script>alert('x')</script> &amp;",
    "$1,234.56 + 7.8% = ???",
    "!!!",
    "a. b. c. d. e. f. g.",
    "SHOUTING and whispering",
    "print(f'{x:>10}')  # code",
    "line one\nline two\r\nline three",
    "ﬁ ﬂ № ½ ² ™ Ⅷ",
    "https://example.org/a?b=c&d=e#f",
    "The the THE tHe",
]


@pytest.fixture(scope="module")
def bert():
    return load_bert(bundled_folder())


@pytest.fixture(scope="module")
def precise_encoder():
    return load_encoder().double()


@pytest.fixture(scope="module")
def precise_bert():
    return load_bert(bundled_folder()).double()


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(bundled_folder())


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:20]))
def test_every_tensor_of_the_trace_equals_hugging_face(encoder, bert, tokenizer, text):
    trace = encoder.trace(text)
    expected_ids = tokenizer(text, truncation=True, max_length=128)["input_ids"]
    assert list(trace.token_ids) == expected_ids
    assert list(trace.tokens) == tokenizer.convert_ids_to_tokens(expected_ids)
    deviation = largest_deviation(trace_quantities(trace), bert_quantities(bert, expected_ids))
    assert deviation < 1e-5


def test_texts_of_the_longest_length_are_among_those_compared(encoder):
    readings = [encoder.reader.read(text) for text in TEXTS]
    lengths = {(len(reading.tokens), reading.n_left_out) for reading in readings}
    assert {(3, 0), (128, 0), (128, 1)} <= lengths


def test_the_parts_of_a_trace_hang_together(encoder):
    trace = encoder.trace(TEXT)
    assert torch.equal(trace.output, trace.blocks[-1].output)
    assert torch.equal(trace.blocks[0].input, trace.embeddings.output)
    for block, following in zip(trace.blocks, trace.blocks[1:], strict=False):
        assert torch.equal(following.input, block.output)
    assert trace.weights.shape == (6, 12, 16, 16)
    assert torch.equal(trace.weights[4, 7], trace.blocks[4].attention.weights[7])


def test_offsets_point_at_the_text(encoder):
    trace = encoder.trace(TEXT)
    pieces = [TEXT[start:end].lower() for start, end in trace.offsets]
    assert pieces == ["", *trace.tokens[1:-1], ""]


def test_a_batch_is_read_like_its_texts_alone(encoder):
    texts = ["The dog bit the old man.", "An apple a day is good."]
    traces = [encoder.trace(text) for text in texts]
    with torch.inference_mode():
        together = encoder.run_blocks(torch.stack([trace.embeddings.output for trace in traces]))
    for row, trace in enumerate(traces):
        torch.testing.assert_close(together[-1].output[row], trace.output, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_moved_encoder_reads_the_same(encoder, small_folder, device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    text = "the cats sat on a mat."
    expected = trace_quantities(load_encoder(small_folder).trace(text))
    moved = load_encoder(small_folder).to(device).trace(text)
    assert moved.output.device.type == device
    found = {name: tensor.cpu() for name, tensor in trace_quantities(moved).items()}
    assert largest_deviation(found, expected) < 1e-5


# Ablation: the same formulas, written once more over Hugging Face's parameters.


def ablated_reference(bert, token_ids, ablation: Ablation) -> dict[str, torch.Tensor]:
    weights = dict(bert.state_dict())
    heads, eps = bert.config.num_attention_heads, bert.config.layer_norm_eps

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def per_head(x):
        return torch.stack(x.chunk(heads, dim=-1))

    word = weights["embeddings.word_embeddings.weight"][list(token_ids)]
    place = weights["embeddings.position_embeddings.weight"][: len(token_ids)]
    place = place if ablation.positions else 0 * place
    segment = weights["embeddings.token_type_embeddings.weight"][:1].expand_as(word)
    total = word + place + segment
    x = norm(total, "embeddings.LayerNorm")
    names = ("token", "position", "segment", "sum", "output")
    values = (word, place, segment, total, x)
    found = {f"embeddings.{name}": value for name, value in zip(names, values, strict=True)}
    for number in range(bert.config.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        found[f"blocks.{number}.input"] = x
        q = per_head(linear(x, f"{layer}.attention.self.query"))
        key = "query" if ablation.shared_qk else "key"
        k = per_head(linear(x, f"{layer}.attention.self.{key}"))
        v = per_head(linear(x, f"{layer}.attention.self.value"))
        raw = torch.einsum("hqd,hkd->hqk", q, k)
        scaled = raw / sqrt(q.shape[-1]) if ablation.scale else raw
        shares = torch.exp(scaled - scaled.amax(-1, keepdim=True))
        shares = shares / shares.sum(-1, keepdim=True)
        output = torch.einsum("hqk,hkd->hqd", shares, v)
        keep = [float((number, head) not in ablation.heads) for head in range(heads)]
        output = output * torch.tensor(keep)[:, None, None]
        update = linear(torch.cat(list(output), dim=-1), f"{layer}.attention.output.dense")
        added = x * ablation.residual + update
        y = norm(added, f"{layer}.attention.output.LayerNorm") if ablation.norm else added
        hidden = linear(y, f"{layer}.intermediate.dense")
        active = hidden * (1 + torch.erf(hidden / sqrt(2))) / 2
        change = linear(active, f"{layer}.output.dense") * ablation.feed_forward
        both = y * ablation.residual + change
        x = norm(both, f"{layer}.output.LayerNorm") if ablation.norm else both
        found |= {
            f"blocks.{number}.attention.{name}": value
            for name, value in {
                "q": q, "k": k, "v": v, "raw_scores": raw, "scaled_scores": scaled,
                "scores": scaled, "weights": shares, "output": output,
            }.items()
        }  # fmt: skip
        found |= {
            f"blocks.{number}.{name}": value
            for name, value in {
                "attention_update": update, "attention_sum": added, "attention_output": y,
                "hidden": hidden, "activations": active, "feed_forward_update": change,
                "feed_forward_sum": both, "output": x,
            }.items()
        }  # fmt: skip
    return found


ABLATIONS = [
    Ablation(),
    Ablation(positions=False),
    Ablation(heads={(2, 5)}),
    Ablation(heads={(0, 0), (0, 11), (3, 4), (5, 1)}),
    Ablation(heads={(block, head) for block in range(6) for head in range(12)}),
    Ablation(residual=False),
    Ablation(norm=False),
    Ablation(scale=False),
    Ablation(shared_qk=True),
    Ablation(feed_forward=False),
    Ablation(heads={(1, 2)}, norm=False, feed_forward=False),
    Ablation(False, {(1, 2)}, False, False, False, True),
]


@pytest.mark.parametrize("ablation", ABLATIONS, ids=str)
def test_every_switch_takes_away_what_it_names_and_nothing_else(
    precise_encoder, precise_bert, ablation
):
    # In float64: without norms or scaling, float32 rounding grows from block to block.
    trace = precise_encoder.trace(TEXT, ablation)
    expected = ablated_reference(precise_bert, trace.token_ids, ablation)
    assert largest_deviation(trace_quantities(trace), expected) < 1e-9


def test_nothing_taken_away_is_the_default_bit_for_bit(encoder):
    intact, default = encoder.trace(TEXT, Ablation()), encoder.trace(TEXT)
    quantities = trace_quantities(intact)
    for name, tensor in trace_quantities(default).items():
        assert torch.equal(tensor, quantities[name]), name


def test_what_comes_before_a_head_that_is_off_stays_bit_for_bit(encoder):
    intact = trace_quantities(encoder.trace(TEXT))
    ablated = trace_quantities(encoder.trace(TEXT, Ablation(heads={(2, 5)})))
    changed = {name for name in intact if not torch.equal(intact[name], ablated[name])}
    before = {name for name in intact if name.startswith(("emb", "blocks.0", "blocks.1"))}
    before |= {"blocks.2.input"}
    before |= {name for name in intact if name.startswith("blocks.2.attention.")}
    assert changed == set(intact) - before | {"blocks.2.attention.output"}
    heads = intact["blocks.2.attention.output"], ablated["blocks.2.attention.output"]
    others = torch.arange(12) != 5
    assert torch.equal(heads[0][others], heads[1][others])
    assert (heads[1][5] == 0).all()


def test_ablations_that_take_away_the_same_are_equal_keys():
    one, other = Ablation(heads={(2, 5), (0, 1)}), Ablation(heads=[(0, 1), (2, 5)])
    assert one == other
    assert hash(one) == hash(other)
    assert one.heads_off(2) == [5]
    assert one.heads_off(1) == []


@pytest.mark.parametrize("head", [(6, 0), (0, 12), (-1, 0), (0, -1)], ids=str)
def test_a_head_that_does_not_exist_is_refused(encoder, head):
    with pytest.raises(ValueError, match="outside 6 blocks x 12 heads") as refusal:
        encoder.trace(TEXT, Ablation(heads={head}))
    assert str(head) in str(refusal.value)


def test_an_encoder_never_trains_by_accident(encoder):
    assert not encoder.training
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_a_text_is_shown_as_shares_by_every_head(encoder):
    for text in TEXTS:
        weights = encoder.trace(text).weights
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))


RIVER = [
    "We sat on the bank of the river and watched the boats.",
    "The bank of the stream was covered with grass.",
    "They pulled the boat onto the muddy bank.",
    "Trees grow along the bank of the lake.",
]
MONEY = [
    "She asked the bank for a loan to buy a house.",
    "The bank raised its interest rates again.",
    "He put his money in the bank.",
    "The bank refused to open an account for him.",
]


def test_two_meanings_of_a_word_part_block_by_block(encoder):
    def directions(texts):
        vectors = []
        for trace in map(encoder.trace, texts):
            place = trace.tokens.index("bank")
            stages = [trace.embeddings.token, *(block.output for block in trace.blocks)]
            vectors.append(torch.stack([stage[place] for stage in stages]))
        return functional.normalize(torch.stack(vectors, dim=1), dim=-1)

    river, money = directions(RIVER), directions(MONEY)
    different = ~torch.eye(4, dtype=torch.bool)
    within = (river @ river.mT + money @ money.mT)[:, different].mean(dim=-1) / 2
    across = (river @ money.mT).mean(dim=(1, 2))
    torch.testing.assert_close(across[0], torch.tensor(1.0))  # one row of the table
    assert (within[3:] - across[3:] > 0.05).all()  # from block 3 on
