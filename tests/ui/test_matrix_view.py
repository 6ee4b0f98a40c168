"""What matrix_view sends to the browser, and what it accepts from it."""

import json
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

from pages.ui.components.matrix_view import (
    CellSelection,
    Divide,
    Mask,
    Matrix,
    Product,
    Softmax,
    Step,
    matrix_payload,
    reported_cell,
    valid_cell,
)

N_QUERIES, N_KEYS, D_K = 3, 5, 7
COLORS = {"positive": "#3d3f9e", "negative": "#a34a00"}
HOSTILE = ("<script>alert(1)</script>", "مرحبا", "👩‍👩‍👧", " ", "\ud800")


def matrix(name: str, n_rows: int, n_columns: int, seed: int = 11, **changes: object) -> Matrix:
    values = np.random.default_rng(seed).normal(size=(n_rows, n_columns))
    plain = Matrix(name, name.upper(), name, values, None, None, "row", "column", "#2b59c3")
    return replace(plain, **changes)


Q, K = matrix("q", N_QUERIES, D_K), matrix("k", N_KEYS, D_K)
RAW = matrix("raw", N_QUERIES, N_KEYS, columns=HOSTILE)
STEP = Step("QKᵀ", ("q", "k", "raw"), "raw")
PRODUCT = Product("raw", "q", "k", right_transposed=True)


def payload(matrices=(Q, K, RAW), relations=(PRODUCT,), steps=(STEP,), selected=None) -> bytes:
    return matrix_payload(matrices, relations, steps, selected or CellSelection(), COLORS)


def unpacked(message: bytes) -> tuple[dict, np.ndarray]:
    """Read a payload as the browser does."""
    start = 4 + int.from_bytes(message[:4], "little")
    assert start % 4 == 0
    return json.loads(message[4:start]), np.frombuffer(message[start:], "<f4")


def test_every_value_arrives_as_float32_where_the_header_says():
    header, values = unpacked(payload())
    assert values.size == N_QUERIES * D_K + N_KEYS * D_K + N_QUERIES * N_KEYS
    for sent, described in zip((Q, K, RAW), header["matrices"], strict=True):
        shape = (described["n_rows"], described["n_columns"])
        cells = values[described["offset"] :][: sent.values.size].reshape(shape)
        np.testing.assert_array_equal(cells, sent.values.astype(np.float32))


def test_a_transposed_view_is_sent_row_by_row():
    turned = replace(Q, values=Q.values.T)
    _, values = unpacked(payload([turned], [], []))
    np.testing.assert_array_equal(values[:N_QUERIES], Q.values[:, 0].astype(np.float32))


def test_masked_and_undefined_cells_arrive_unchanged():
    cells = np.array([[-np.inf, 2.0, np.nan]])
    header, values = unpacked(payload([matrix("scores", 1, 3, values=cells)], [], []))
    np.testing.assert_array_equal(values, cells[0].astype(np.float32))
    assert "Infinity" not in json.dumps(header)


def test_labels_arrive_letter_by_letter_and_half_a_character_becomes_a_question_mark():
    header, _ = unpacked(payload())
    assert header["matrices"][2]["columns"] == [*HOSTILE[:-1], "?"]
    assert header["matrices"][0]["columns"] is None


def test_relations_steps_and_selection_arrive_by_name():
    scores = [matrix(name, N_QUERIES, N_KEYS) for name in ("scaled", "masked", "weights")]
    relations = [
        PRODUCT,
        Divide("scaled", "raw", 7**0.5, "√7"),
        Mask("masked", "scaled"),
        Softmax("weights", "masked"),
    ]
    header, _ = unpacked(
        payload([Q, K, RAW, *scores], relations, [STEP], CellSelection("raw", 2, 4))
    )
    assert [relation["kind"] for relation in header["relations"]] == [
        "product",
        "divide",
        "mask",
        "softmax",
    ]
    assert header["relations"][0]["right_transposed"] and header["relations"][0]["bias"] is None
    assert header["relations"][1]["by"] == pytest.approx(7**0.5)
    assert header["steps"] == [{"title": "QKᵀ", "show": ["q", "k", "raw"], "result": "raw"}]
    assert header["selected"] == {"matrix": "raw", "row": 2, "column": 4, "step": 0}
    assert header["colors"] == COLORS


def test_a_product_with_bias_is_accepted():
    w, b, y = matrix("w", D_K, N_KEYS), matrix("b", 1, N_KEYS), matrix("y", N_QUERIES, N_KEYS)
    header, _ = unpacked(payload([Q, w, b, y], [Product("y", "q", "w", bias="b")], []))
    assert header["relations"][0]["bias"] == "b"


@pytest.mark.parametrize(
    ("matrices", "relations", "steps", "selected", "message"),
    [
        ([Q, Q], [], [], None, r"ids \['q', 'q'\] name a matrix twice"),
        ([Q, RAW], [PRODUCT], [], None, r"no matrix has the id \['k'\]"),
        ([Q], [], [Step("v", ("q", "v"), "q")], None, r"no matrix has the id \['v'\]"),
        ([Q], [], [], CellSelection("v"), r"no matrix has the id \['v'\]"),
        ([Q, K, RAW], [Product("raw", "q", "k")], [], None, r"product of \[\(3, 7\), \(5, 7\)\]"),
        (
            [Q, K],
            [Softmax("k", "q")],
            [],
            None,
            r"softmax of \[\(3, 7\)\] cannot give 'k'=\(5, 7\)",
        ),
        (
            [Q, K, RAW],
            [replace(PRODUCT, bias="q")],
            [],
            None,
            r"product of .*\(3, 7\)\] cannot give",
        ),
    ],
)
def test_what_does_not_fit_is_refused(matrices, relations, steps, selected, message):
    with pytest.raises(ValueError, match=message):
        payload(matrices, relations, steps, selected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.zeros(3)}, r"values of 'q' has shape \(3,\); give n x m"),
        ({"values": np.zeros((0, 3))}, r"values of 'q' has shape \(0, 3\)"),
        ({"rows": ("one", "two")}, "rows of 'q' has 2 labels for 3"),
        ({"columns": ("one", "two")}, "columns of 'q' has 2 labels for 7"),
        ({"scale": "sequential"}, "values of 'q' go below 0"),
    ],
)
def test_a_matrix_that_cannot_be_drawn_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(Q, **changes)


def test_the_cell_that_a_browser_reports_is_read():
    sent = {"matrix": "raw", "row": 2, "column": 4, "step": 0}
    assert valid_cell(sent, [Q, K, RAW], [STEP]) == CellSelection("raw", 2, 4, 0)
    assert valid_cell(MappingProxyType(sent), [Q, K, RAW]) == CellSelection("raw", 2, 4, 0)


@pytest.mark.parametrize(
    "forged",
    [
        {"row": 3},
        {"row": -1},
        {"column": 5},
        {"step": 1},
        {"row": True},
        {"row": 1.0},
        {"row": float("nan")},
        {"column": 10**400},
        {"row": "0"},
        {"matrix": "v"},
        {"matrix": ["raw"]},
        {"matrix": None},
    ],
)
def test_a_forged_cell_is_no_cell(forged):
    sent = {"matrix": "raw", "row": 2, "column": 4, "step": 0}
    assert valid_cell(sent | forged, [Q, K, RAW], [STEP]) is None


anything = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=3),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=6), inner),
    max_leaves=6,
)
fields = some.fixed_dictionaries(
    {}, optional=dict.fromkeys(("matrix", "row", "column", "step"), anything)
)


@given(anything | fields)
def test_no_report_raises_or_leaves_the_matrices(sent):
    cell = valid_cell(sent, [Q, K, RAW], [STEP])
    assert cell is None or (cell.matrix in {"q", "k", "raw"} and cell.step == 0)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, None),
        ({"view": None}, None),
        ({"view": "text"}, None),
        ({"view": {}}, None),
        ({"view": {"selected": 3}}, None),
        (
            {"view": {"selected": {"matrix": "q", "row": 1, "column": 6, "step": 0}}},
            CellSelection("q", 1, 6, 0),
        ),
    ],
)
def test_the_state_of_the_session_is_read_with_care(monkeypatch, state, expected):
    monkeypatch.setattr(st, "session_state", state)
    assert reported_cell("view", [Q, K, RAW], [STEP]) == expected
