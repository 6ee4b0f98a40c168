"""What is sent to the browser of the gradient lab, and what is believed of what comes back."""

import json

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

from pages.ui.components.gradient_view import (
    Line,
    Position,
    asked_for_more,
    gradient_payload,
    reported_position,
)
from pages.ui.figures import style

COLORS = style.colors("light")
GAINS, BIASES = (0.0, 1.0, 3.0), (0.0, 5.0)
INF, NAN = float("inf"), float("nan")


def curve(start, length=7):
    return (start + np.arange(3.0 * length).reshape(3, length)).astype(np.float32)


def lines():
    return [
        Line("tanh RNN", "RNN", "gain", {1: curve(0), 2: curve(100)}),
        Line("attention", "attention", None, {0: curve(200)}),
    ]


def unpacked(packed):
    size = int.from_bytes(packed[:4], "little")
    assert size % 4 == 0
    return json.loads(packed[4 : 4 + size]), np.frombuffer(packed, "<f4", offset=4 + size)


def payload(found=None, theory=(-INF, -0.2, 0.1), position=None):
    found, position = found or lines(), position or Position(1, 1)
    return unpacked(
        gradient_payload(found, GAINS, BIASES, theory, position, complete=False, colors=COLORS)
    )


def test_curves_travel_in_the_order_of_lines_places_shares_distances():
    header, values = payload()
    assert [line["places"] for line in header["lines"]] == [[1, 2], [0]]
    expected = np.concatenate([curve(start).ravel() for start in (0, 100, 200)])
    assert values == pytest.approx(expected)
    assert header["n_distances"] == 7
    assert header["lines"][0]["color"] == COLORS["RNN"]


def test_zero_and_too_large_survive_the_way():
    _, values = payload([Line("GRU", "GRU", "bias", {0: np.array([[-INF, NAN]] * 3)})])
    assert np.isneginf(values[::2]).all()
    assert np.isnan(values[1::2]).all()


def test_a_slope_that_is_no_number_is_left_out():
    header, _ = payload()
    assert header["theory"] == [None, -0.2, 0.1]


def test_a_position_outside_the_scales_is_moved_inside():
    header, _ = payload(position=Position(99, -3))
    assert header["position"] == {"gain": 2, "bias": 0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([Line("x", "RNN", "gain", {0: curve(0), 1: curve(0, 5)})], "do not fit into one figure"),
        ([Line("x", "RNN", "bias", {2: curve(0)})], "'x' has curves outside 2 places"),
        ([Line("x", "RNN", None, {-1: curve(0)})], "'x' has curves outside 1 places"),
    ],
)
def test_curves_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        payload(wrong)


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=7,
)


@given(json_values | some.fixed_dictionaries({"gain": json_values, "bias": json_values}))
def test_no_report_raises_or_leaves_the_scales(forged):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "session_state", {"lab": {"position": forged}})
        position = reported_position("lab", len(GAINS), len(BIASES))
    assert position is None or (position.gain in range(3) and position.bias in range(2))


def test_a_report_becomes_a_position(monkeypatch):
    state = {"lab": {"position": {"gain": 2, "bias": 1, "at": 1763850000000}, "more": True}}
    monkeypatch.setattr(st, "session_state", state)
    assert reported_position("lab", 3, 2) == Position(2, 1)
    assert asked_for_more("lab")
    assert not asked_for_more("other")
