"""What is sent to the browser, and what is believed of what comes back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

from pages.ui.components.attention_view import (
    Selection,
    attention_payload,
    reported_selection,
    valid_selection,
)

N_BLOCKS, N_HEADS, N_TOKENS = SIZES = (2, 3, 5)
SHAPE = (N_BLOCKS, N_HEADS, N_TOKENS, N_TOKENS)
TOKENS = ("[CLS]", "<script>alert(1)</script>", "مرحبا", "👩‍👩‍👧", "\ud800")
KINDS = (("previous token", "spread", "mixed"), ("first token", "mixed", "mixed"))
COLORS = {"weights": "#b0225c", "q": "#2b59c3", "k": "#b04a08", "v": "#18754a"}
REPORT = {"block": 1, "head": 2, "token": 4, "view": "grid", "share": 0.5}


def some_weights(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    scores = np.random.default_rng(7).normal(size=shape)
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


def payload(**changed: Any) -> bytes:
    arguments = {
        "weights": some_weights(),
        "tokens": TOKENS,
        "kinds": KINDS,
        "selected": Selection(),
        "off": (),
        "causal": False,
        "colors": COLORS,
    }
    return attention_payload(**(arguments | changed))


def unpacked(packed: bytes) -> tuple[dict[str, Any], np.ndarray]:
    size = int.from_bytes(packed[:4], "little")
    weights = np.frombuffer(packed, np.uint8, offset=4 + size)
    return json.loads(packed[4 : 4 + size]), weights


def test_weights_travel_as_bytes_in_the_order_block_head_query_key() -> None:
    weights = np.zeros(SHAPE)
    weights[1, 0, 3, 2] = 1
    _, sent = unpacked(payload(weights=weights))
    assert sent.reshape(SHAPE)[1, 0, 3, 2] == 255
    assert sent.sum() == 255


def test_weights_are_sent_to_the_nearest_255th() -> None:
    weights = some_weights()
    _, sent = unpacked(payload(weights=weights))
    np.testing.assert_allclose(sent.reshape(SHAPE) / 255, weights, rtol=0, atol=0.5 / 255 + 1e-12)


def test_weights_that_are_not_contiguous_keep_their_order() -> None:
    weights = some_weights().astype(np.float32)
    turned = np.ascontiguousarray(weights.transpose(3, 2, 1, 0)).transpose(3, 2, 1, 0)
    assert payload(weights=turned) == payload(weights=weights)


def test_payload_is_one_byte_a_weight_after_a_header_aligned_to_four_bytes() -> None:
    for tokens in (TOKENS, ("a", "bc", "def", "g", "hi")):
        packed = payload(tokens=tokens)
        size = int.from_bytes(packed[:4], "little")
        assert (4 + size) % 4 == 0
        assert len(packed) == 4 + size + N_BLOCKS * N_HEADS * N_TOKENS**2


def test_header_carries_every_token_unchanged() -> None:
    header, _ = unpacked(payload())
    assert tuple(header["tokens"]) == TOKENS


def test_header_names_sizes_kinds_heads_off_and_the_colours_that_are_used() -> None:
    header, _ = unpacked(payload(off={(1, 2), (0, 1)}))
    assert (header["n_blocks"], header["n_heads"]) == (N_BLOCKS, N_HEADS)
    assert header["kinds"] == [list(block) for block in KINDS]
    assert header["off"] == [[0, 1], [1, 2]]
    assert header["colors"] == {name: COLORS[name] for name in ("weights", "q", "k")}


def test_header_says_whether_no_token_may_look_ahead() -> None:
    assert [unpacked(payload(causal=causal))[0]["causal"] for causal in (False, True)] == [
        False,
        True,
    ]


def test_selection_inside_the_weights_is_sent_as_it_is() -> None:
    header, _ = unpacked(payload(selected=Selection(1, 2, 4, "table", 0.35)))
    assert header["selected"] == {**REPORT, "view": "table", "share": 0.35}


def test_selection_outside_the_weights_is_moved_inside() -> None:
    header, _ = unpacked(payload(selected=Selection(9, -1, 5, "arcs", 0.0)))
    assert header["selected"] == {
        "block": 1,
        "head": 0,
        "token": None,
        "view": "arcs",
        "share": 0.1,
    }


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tokens": TOKENS[:-1]}, "tokens has 4 texts, but weights are between 5"),
        ({"kinds": KINDS[:1]}, r"kinds has \[3\] names, but weights have 2 blocks of 3 heads"),
        ({"kinds": (KINDS[0], ("mixed",))}, r"kinds has \[3, 1\] names"),
        ({"off": {(2, 0)}}, r"off=\(2, 0\) is outside 2 blocks x 3 heads"),
        ({"weights": some_weights() - 0.5}, "not 0 and 1"),
        ({"weights": some_weights() * np.inf}, "not 0 and 1"),
        ({"weights": some_weights() * np.nan}, "not 0 and 1"),
        ({"weights": some_weights((2, 3, 5, 7))}, r"shape \(2, 3, 5, 7\); give \(block, head"),
        ({"weights": some_weights((2, 3, 5))}, r"shape \(2, 3, 5\); give"),
        ({"weights": np.zeros((2, 3, 0, 0)), "tokens": ()}, r"shape \(2, 3, 0, 0\); give"),
    ],
)
def test_payload_refuses_what_does_not_fit_together(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        payload(**changed)


def test_report_of_the_browser_becomes_a_selection() -> None:
    report = {**REPORT, "at": 1763850000000}
    assert valid_selection(report, SHAPE) == Selection(1, 2, 4, "grid", 0.5)
    assert valid_selection({**REPORT, "token": None, "share": 1}, SHAPE) == Selection(
        1, 2, None, "grid", 1.0
    )


@pytest.mark.parametrize(
    ("forged", "share", "place"),
    [
        ({"block": 10**400}, 0.5, (1, 2, 4)),
        ({"head": -1}, 0.5, (1, 0, 4)),
        ({"token": 5}, 0.5, (1, 2, None)),
        ({"token": -1}, 0.5, (1, 2, None)),
        ({"share": 10**400}, 1.0, (1, 2, 4)),
        ({"share": float("-inf")}, 0.1, (1, 2, 4)),
    ],
)
def test_forged_numbers_are_moved_inside(
    forged: dict[str, Any], share: float, place: tuple[int, int, int | None]
) -> None:
    assert valid_selection({**REPORT, **forged}, SHAPE) == Selection(*place, "grid", share)


@pytest.mark.parametrize(
    "forged",
    [
        *({"block": value} for value in (None, True, 1.0, "1", [1], float("nan"))),
        *({"token": value} for value in (False, 0.0, "it")),
        *({"view": value} for value in (None, "ARCS", ["arcs"], {"arcs": 1}, "<script>")),
        *({"share": value} for value in (None, True, "0.5", float("nan"))),
    ],
)
def test_forged_fields_of_another_kind_are_ignored(forged: dict[str, Any]) -> None:
    assert valid_selection({**REPORT, **forged}, SHAPE) is None


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=7,
)


@given(json_values | some.fixed_dictionaries(dict.fromkeys(REPORT, json_values)))
def test_no_report_raises_or_leaves_the_weights(forged: Any) -> None:
    selected = valid_selection(forged, SHAPE)
    assert selected is None or unpacked(payload(selected=selected))[0]["selected"] == {
        "block": selected.block,
        "head": selected.head,
        "token": selected.token,
        "view": selected.view,
        "share": selected.share,
    }


@pytest.mark.parametrize(
    ("state", "selected"),
    [
        ({}, None),
        ({"attention": None}, None),
        ({"attention": "grid"}, None),
        ({"attention": {}}, None),
        ({"attention": {"selected": None}}, None),
        ({"attention": {"selected": REPORT}}, Selection(1, 2, 4, "grid", 0.5)),
    ],
)
def test_selection_is_read_from_the_session(
    state: dict[str, Any], selected: Selection | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(st, "session_state", state)
    assert reported_selection("attention", SHAPE) == selected
