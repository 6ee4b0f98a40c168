"""Linked matrices with worked arithmetic: point at a cell, and what made it lights up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

ASSETS = Path(__file__).parents[3] / "assets" / "components" / "matrix_view"

_mount = component(
    "matrix_view",
    css=(ASSETS / "style.css").read_text(encoding="utf-8"),
    js=(ASSETS / "index.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, eq=False)
class Matrix:
    """One matrix of the figure.

    Attributes:
        id: The name by which relations, steps and selections mean it.
        symbol: How it is written in an equation, such as "QKᵀ".
        title: What it is called in words.
        values: Its cells; -inf stands for a masked cell.
        rows: A label for each row; None counts them from 1.
        columns: A label for each column; None counts them from 1.
        row_axis: What a row stands for, such as "query".
        column_axis: What a column stands for, such as "key".
        colour: The colour of its quantity, "#rrggbb".
        scale: "diverging" colours by sign around 0; "sequential" is for values from 0 up.
    """

    id: str
    symbol: str
    title: str
    values: np.ndarray
    rows: Sequence[str] | None
    columns: Sequence[str] | None
    row_axis: str
    column_axis: str
    colour: str
    scale: Literal["sequential", "diverging"] = "diverging"

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or 0 in self.values.shape:
            raise ValueError(f"values of {self.id!r} has shape {self.values.shape}; give n x m")
        for name, labels, size in zip(
            ("rows", "columns"), (self.rows, self.columns), self.values.shape, strict=True
        ):
            if labels is not None and len(labels) != size:
                raise ValueError(f"{name} of {self.id!r} has {len(labels)} labels for {size}")
        if self.scale == "sequential" and (self.values < 0).any():
            raise ValueError(f"values of {self.id!r} go below 0; a sequential scale starts there")


@dataclass(frozen=True)
class Product:
    """result = left · right + bias; with `right_transposed`, result = left · rightᵀ + bias."""

    result: str
    left: str
    right: str
    right_transposed: bool = False
    bias: str | None = None  # a matrix of one row
    kind: Literal["product"] = "product"


@dataclass(frozen=True)
class Divide:
    """result = source ÷ by, cell by cell; `by_text` is how the number is written, such as "√32"."""

    result: str
    source: str
    by: float
    by_text: str
    kind: Literal["divide"] = "divide"


@dataclass(frozen=True)
class Mask:
    """result = source, with -inf where the mask forbids looking."""

    result: str
    source: str
    kind: Literal["mask"] = "mask"


@dataclass(frozen=True)
class Softmax:
    """result = softmax of each row of source."""

    result: str
    source: str
    kind: Literal["softmax"] = "softmax"


Relation = Product | Divide | Mask | Softmax


@dataclass(frozen=True)
class Step:
    """One step of the calculation: the matrices on screen, and which of them it makes."""

    title: str
    show: tuple[str, ...]
    result: str


@dataclass(frozen=True)
class CellSelection:
    """A chosen cell, counted from 0. Without a matrix it is a cell of what the step makes."""

    matrix: str | None = None
    row: int = 0
    column: int = 0
    step: int = 0


def matrix_view(
    matrices: Sequence[Matrix],
    relations: Sequence[Relation] = (),
    steps: Sequence[Step] = (),
    selected: CellSelection | None = None,
    *,
    colors: Mapping[str, str],
    key: str,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Show matrices, and write out the arithmetic of the chosen cell.

    Args:
        matrices: In the order in which they are shown.
        relations: How results are made; a matrix without a relation is given.
        steps: What is shown when; with () everything shows at once.
        selected: The cell to show; give back what `reported_cell` reads, or the learner's choice
            stays where it is until this changes.
        colors: The palette of the current theme; "positive" and "negative" are used.
        key: Name of the figure on its page.
        on_change: Called before the rerun when the learner has chosen a cell.
    """
    _mount(
        data=matrix_payload(matrices, relations, steps, selected or CellSelection(), colors),
        key=key,
        on_selected_change=on_change,
    )


def matrix_payload(
    matrices: Sequence[Matrix],
    relations: Sequence[Relation],
    steps: Sequence[Step],
    selected: CellSelection,
    colors: Mapping[str, str],
) -> bytes:
    """Pack the figure: header length (uint32), header (JSON), values (float32), little-endian.

    Raises:
        ValueError: If two matrices share an id, a relation or a step names an unknown matrix,
            or the shapes of a relation do not fit.
    """
    by_id = {matrix.id: matrix for matrix in matrices}
    if len(by_id) < len(matrices):
        raise ValueError(f"ids {[matrix.id for matrix in matrices]} name a matrix twice")
    named = set() if selected.matrix is None else {selected.matrix}
    for step in steps:
        named |= {step.result, *step.show}
    for relation in relations:
        named |= set(_operands(relation)) | {relation.result}
    if unknown := named - set(by_id):
        raise ValueError(f"no matrix has the id {sorted(unknown)}")
    for relation in relations:
        _check_shapes(relation, by_id)

    offset = 0
    described = []
    for matrix in matrices:
        described.append(_described(matrix, offset))
        offset += matrix.values.size
    header = {
        "matrices": described,
        "relations": [asdict(relation) for relation in relations],
        "steps": [asdict(step) for step in steps],
        "selected": asdict(selected),
        "colors": dict(colors),
    }
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    text += b" " * (-len(text) % 4)
    values = b"".join(matrix.values.astype("<f4").tobytes() for matrix in matrices)
    return len(text).to_bytes(4, "little") + text + values


def reported_cell(
    key: str, matrices: Sequence[Matrix], steps: Sequence[Step] = ()
) -> CellSelection | None:
    """Read the cell that the learner chose; None if there is none, or if it cannot be one."""
    state = st.session_state.get(key)
    return valid_cell(
        state.get("selected") if isinstance(state, Mapping) else None, matrices, steps
    )


def valid_cell(
    reported: Any, matrices: Sequence[Matrix], steps: Sequence[Step] = ()
) -> CellSelection | None:
    """Accept what a browser sent only if it names a cell of these matrices."""
    if not isinstance(reported, Mapping):
        return None
    name, row, column, step = map(reported.get, ("matrix", "row", "column", "step"))
    for matrix in matrices:
        n_rows, n_columns = matrix.values.shape
        if name == matrix.id and _counts(row, n_rows) and _counts(column, n_columns):
            return (
                CellSelection(name, row, column, step) if _counts(step, len(steps) or 1) else None
            )
    return None


def _counts(value: Any, size: int) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < size


def _described(matrix: Matrix, offset: int) -> dict[str, Any]:
    n_rows, n_columns = matrix.values.shape
    return {
        "id": matrix.id,
        "symbol": matrix.symbol,
        "title": matrix.title,
        "rows": None if matrix.rows is None else list(matrix.rows),
        "columns": None if matrix.columns is None else list(matrix.columns),
        "row_axis": matrix.row_axis,
        "column_axis": matrix.column_axis,
        "n_rows": n_rows,
        "n_columns": n_columns,
        "offset": offset,
        "colour": matrix.colour,
        "scale": matrix.scale,
    }


def _operands(relation: Relation) -> list[str]:
    if not isinstance(relation, Product):
        return [relation.source]
    return [relation.left, relation.right] + ([relation.bias] if relation.bias else [])


def _check_shapes(relation: Relation, by_id: Mapping[str, Matrix]) -> None:
    shape = by_id[relation.result].values.shape
    operands = [by_id[name].values.shape for name in _operands(relation)]
    if isinstance(relation, Product):
        (n_rows, n_inner), right = operands[0], operands[1]
        right_inner, n_columns = right[::-1] if relation.right_transposed else right
        fits = n_inner == right_inner and shape == (n_rows, n_columns)
        fits = fits and all(bias == (1, n_columns) for bias in operands[2:])
    else:
        fits = operands[0] == shape
    if not fits:
        raise ValueError(f"{relation.kind} of {operands} cannot give {relation.result!r}={shape}")
