"""The widgets of the lesson on scaled dot-product attention; a key is a name in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ui.cached import scaled_dot_product as cached
from pages.ui.compare import Which, key_of
from pages.ui.components.matrix_view import CellSelection, Matrix, Step, reported_cell, valid_cell
from pages.ui.controls.cell import counted, numbered
from pages.ui.text import parse_matrix, whole_number


def own_numbers() -> bool:
    """Ask whether to attend on the sentence or on small matrices that the learner types."""
    source = st.segmented_control(
        "Attend on",
        ("my sentence", "my own numbers"),
        default="my sentence",
        required=True,
        key="source",
        bind="query-params",
    )
    return source == "my own numbers"


def typed_matrices() -> dict[str, cached.Rows] | None:
    """Ask for small matrices Q, K and V; None, with a sentence why, if they do not fit together."""
    typed: dict[str, cached.Rows] = {}
    defaults = {"q": "1 0; 0 1; 1 1", "k": "2 0; 0 1; -1 1", "v": "1 0 0; 0 1 0; 0 0 1"}
    for column, (name, default) in zip(st.columns(3), defaults.items(), strict=True):
        text = column.text_input(
            f"{name.upper()}: rows between semicolons",
            value=default,
            key=f"typed_{name}",
            bind="query-params",
            max_chars=400,
        )
        try:
            typed[name] = parse_matrix(text)
        except ValueError as error:
            column.warning(f"{error}.")
    if len(typed) < 3:
        return None
    if len(typed["q"][0]) != len(typed["k"][0]):
        st.warning("Q and K need rows of the same length: a query is compared with every key.")
        return None
    if not len(typed["q"]) == len(typed["k"]) == len(typed["v"]):
        st.warning("Q, K and V need the same number of rows: one per token.")
        return None
    return typed


def mask(causal: bool, reading: Which | None = None) -> str:
    """Ask which keys a query may look at; the causal mask of a decoder cannot be taken off."""
    masks = cached.MASKS[1:] if causal else cached.MASKS
    chosen = st.segmented_control(
        "Mask",
        masks,
        default=masks[0],
        required=True,
        key=key_of("mask", reading),
        bind="query-params",
    )
    return chosen or masks[0]


def scaled(reading: Which | None = None) -> bool:
    """Ask whether to divide the scores by √d_k."""
    return st.toggle(
        "Divide by √d_k", value=True, key=key_of("scaled", reading), bind="query-params"
    )


def n_keys() -> int:
    """Ask among how many keys a query chooses."""
    return st.select_slider(
        "Keys to choose from", (8, 16, 64, 128), value=64, key="n_keys", bind="query-params"
    )


def seed() -> int:
    """Ask for the number that decides what is drawn."""
    return st.slider("Seed", 0, 99, value=0, key="seed", bind="query-params", width=260)


def temperature() -> float:
    """Ask by what the scores are divided before softmax."""
    return st.select_slider(
        "Temperature",
        (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        value=0.5,
        key="temperature",
        bind="query-params",
    )


def output_cell(tokens: Sequence[str], n_columns: int, default_row: int) -> tuple[int, int]:
    """Ask for one number of the output: a token and a column, both counted from 0."""
    rows, columns = numbered(tokens), counted(n_columns)
    with st.container(horizontal=True):
        row = st.selectbox(
            "Token", rows, index=default_row, key="out_token", bind="query-params", width=220
        )
        column = st.selectbox("Column", columns, key="out_column", bind="query-params", width=120)
    return rows.index(row), columns.index(column)


def cell(
    key: str, parts: Sequence[Matrix], steps: Sequence[Step], default: CellSelection
) -> CellSelection:
    """Give the cell whose arithmetic is shown, from the address if somebody chose one."""
    named = st.query_params.get(key, "").split("-")
    numbers = [whole_number(number) for number in named[1:]]
    if len(numbers) != 3 or None in numbers:
        return default
    row, column, step = (number - 1 for number in numbers)
    asked = {"matrix": named[0], "row": row, "column": column, "step": step}
    return valid_cell(asked, parts, steps) or default


def keep_cell(key: str, parts: Sequence[Matrix], steps: Sequence[Step]) -> None:
    """Put the cell that was chosen in a figure into the address."""
    chosen = reported_cell(key, parts, steps)
    if chosen:
        place = (chosen.row + 1, chosen.column + 1, chosen.step + 1)
        st.query_params[key] = "-".join([chosen.matrix or "", *map(str, place)])
