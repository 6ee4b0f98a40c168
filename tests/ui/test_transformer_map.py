"""The map's payload: what is sent to the browser is what the model computed."""

import json
import re

import numpy as np
import pytest

from pages.ui import menu
from pages.ui.cached import model
from pages.ui.cached import transformer as cached
from pages.ui.components.transformer_map import (
    _FILES,
    BOXES,
    KINDS,
    READING,
    Window,
    map_payload,
)
from pages.ui.figures.style import colors

SENTENCE = "The animal didn't cross the street because it was too tired."
LESSONS = {lesson.name: lesson.title for lesson in menu.LESSONS}


def packed(windows, tokens=("[CLS]", "<b>", "\ud800"), kind=READING):
    return map_payload(kind, LESSONS, tokens, windows, colors("light"))


def unpacked(payload):
    """Read a payload as the browser does: the header, and the values of every window."""
    size = int.from_bytes(payload[:4], "little")
    header = json.loads(payload[4 : 4 + size])
    start, values = 4 + size, {}
    for box in header["boxes"]:
        if "window" in box:
            window = box["window"]
            end = start + window["rows"] * window["columns"]
            steps = np.frombuffer(payload[start:end], np.uint8).astype(float)
            shares = (steps - 128) / 127 if window["signed"] else steps / 255
            shape = window["rows"], window["columns"]
            values[box["id"]] = (window["limit"] * shares).reshape(shape)
            start = end
    assert start == len(payload)
    return header, values


def test_every_box_of_the_reading_model_shows_the_values_of_the_trace():
    trace = model.encoder_trace(SENTENCE)
    block = trace.blocks[2]
    expected = {
        "embedding": trace.embeddings.token[:, : cached.COLUMNS],
        "position": trace.embeddings.position[:, : cached.COLUMNS],
        "attention": block.attention.weights.mean(dim=0),
        "attention_norm": block.attention_output[:, : cached.COLUMNS],
        "feed_forward": block.feed_forward_update[:, : cached.COLUMNS],
        "feed_forward_norm": block.output[:, : cached.COLUMNS],
        "output": trace.output[:, : cached.COLUMNS],
    }
    header, values = unpacked(packed(cached.windows(SENTENCE, 2), trace.tokens))
    assert header["tokens"] == list(trace.tokens)
    assert set(values) == set(expected)
    for name, tensor in expected.items():
        step = tensor.abs().max().item() / (255 if name == "attention" else 127)
        np.testing.assert_allclose(values[name], tensor.numpy(), rtol=0, atol=0.51 * step)


def test_no_box_of_the_decoder_has_values():
    header, values = unpacked(packed(cached.windows(SENTENCE, 0)))
    halves = {box["id"]: box["half"] for box in header["boxes"]}
    assert {halves[name] for name in values} == {"encoder"}
    assert {box["half"] for box in header["boxes"] if box["left_out"]} == {"decoder"}


def test_the_payload_of_128_tokens_is_below_a_fifth_of_a_megabyte():
    text = "word " * 200
    tokens = model.reading(text).tokens
    assert len(tokens) == 128
    assert len(packed(cached.windows(text, 5), tokens)) < 200_000


def test_shape_and_length_are_told_in_words():
    windows = cached.windows(SENTENCE, 0)
    norms = model.encoder_trace(SENTENCE).output.norm(dim=-1)
    assert windows["output"].shape == "16 tokens × 384 numbers"
    assert windows["output"].length.startswith(f"length {norms.mean():.2f} on average")
    assert windows["attention"].shape == "12 heads × 16 × 16 weights"


def test_a_window_of_zeros_stays_zero():
    zeros = Window(np.zeros((3, 5)), "", "", "")
    _, values = unpacked(packed({"embedding": zeros}))
    assert values["embedding"].tolist() == np.zeros((3, 5)).tolist()


def test_tokens_travel_unchanged_and_a_map_without_windows_is_small():
    header, _ = unpacked(packed({}))
    assert header["tokens"] == ["[CLS]", "<b>", "\ud800"]
    assert header["small"]
    assert not unpacked(packed(cached.windows(SENTENCE, 0)))[0]["small"]


def test_every_box_leads_to_a_lesson_and_has_a_place_in_the_drawing():
    assert {box.topic for box in BOXES.values()} <= set(LESSONS)
    source = (_FILES / "index.js").read_text(encoding="utf-8")
    slots = re.search(r"const SLOTS = \{(.+?)\n\};", source, re.DOTALL).group(1)
    for half in ("encoder", "decoder"):
        names = re.search(half + r": \[(.+?)\]", slots, re.DOTALL).group(1)
        assert re.findall(r'"(\w+)"', names) == [n for n, b in BOXES.items() if b.half == half]


@pytest.mark.parametrize(
    ("name", "kept", "left_out"),
    [
        ("encoder-only", {"attention", "output"}, {"masked_attention", "softmax"}),
        ("decoder-only", {"masked_attention", "softmax"}, {"attention", "cross_attention"}),
        ("both", set(BOXES), set()),
    ],
)
def test_each_kind_leaves_away_what_it_does_without(name, kept, left_out):
    kind = KINDS[name]
    assert left_out <= kind.left_out
    assert not kept & kind.left_out
    header, _ = unpacked(packed({}, kind=kind))
    assert {box["id"] for box in header["boxes"] if box["left_out"]} == kind.left_out
    assert header["halves"] == {"encoder": kind.encoder, "decoder": kind.decoder}
