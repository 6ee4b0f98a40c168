"""Which matrices of a trace stand on screen, and how one is made from the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from pages.ui.components.matrix_view import (
    Divide,
    Mask,
    Matrix,
    Product,
    Relation,
    Softmax,
    Step,
)

if TYPE_CHECKING:
    from core.attention import AttentionTrace
    from core.decoder import Decoder, DecoderTrace
    from core.encoder import Encoder, EncoderTrace

Projection = Literal["q", "k", "v"]
NAMES = {"q": "query", "k": "key", "v": "value"}


def projection_matrices(
    model: Encoder | Decoder,
    trace: EncoderTrace | DecoderTrace,
    labels: Sequence[str],
    block: int,
    head: int,
    which: Projection,
    colors: dict[str, str],
) -> tuple[list[Matrix], list[Product]]:
    """Show how one head's queries, keys or values come from what the block read: X W + b."""
    attention = model.blocks[block].attention
    layer = {"q": attention.w_q, "k": attention.w_k, "v": attention.w_v}[which]
    result = getattr(trace.blocks[block].attention, which)[head].numpy()
    d_k = result.shape[1]
    columns = slice(head * d_k, (head + 1) * d_k)  # the head's own part of the layer
    weight = layer.weight[columns].T.numpy()
    bias = layer.bias[columns][None].numpy()
    colour = colors[which]
    comes_as_it_is = trace.blocks[block].attention_input is trace.blocks[block].input
    normalised = "" if comes_as_it_is else ", normalised"
    return [
        Matrix(
            "x",
            "X",
            "what the block reads" + normalised,
            trace.blocks[block].attention_input.numpy(),
            labels,
            None,
            "token",
            "dimension",
            colors["embedding"],
            "diverging",
        ),
        Matrix(
            "w",
            f"W_{which}",
            "trained weights",
            weight,
            None,
            None,
            "dimension",
            "column",
            colour,
            "diverging",
        ),
        Matrix("b", f"b_{which}", "bias", bias, None, None, "", "column", colour, "diverging"),
        Matrix(
            which,
            which.upper(),
            f"one {NAMES[which]} per token",
            result,
            labels,
            None,
            "token",
            "column",
            colour,
            "diverging",
        ),
    ], [Product(which, "x", "w", right_transposed=False, bias="b")]


def head_name(block: int, head: int) -> str:
    """Name a head as the literature does, counted from 1: L4H2."""
    return f"L{block + 1}H{head + 1}"


STEPS = (
    Step("QKᵀ", ("q", "k", "raw_scores"), "raw_scores"),
    Step("÷ √d_k", ("raw_scores", "scaled_scores"), "scaled_scores"),
    Step("mask", ("scaled_scores", "scores"), "scores"),
    Step("softmax", ("scores", "weights"), "weights"),
    Step("· V", ("weights", "v", "output"), "output"),
)


def attention_matrices(
    trace: AttentionTrace, labels: Sequence[str], scale: bool, colors: dict[str, str]
) -> tuple[list[Matrix], list[Relation]]:
    """Show one head's attention from q, k, v to its output."""

    def per_token(name: str, symbol: str, title: str, axis: str, quantity: str) -> Matrix:
        values = getattr(trace, name).numpy()
        return Matrix(
            name, symbol, title, values, labels, None, axis, "dimension", colors[quantity]
        )

    def per_pair(name: str, symbol: str, title: str, quantity: str) -> Matrix:
        values = getattr(trace, name).numpy()
        kind = "sequential" if name == "weights" else "diverging"
        return Matrix(
            name, symbol, title, values, labels, labels, "query", "key", colors[quantity], kind
        )

    root = trace.q.shape[-1] ** 0.5
    divisor, written = (root, f"√{trace.q.shape[-1]}") if scale else (1.0, "1 (scaling is off)")
    return [
        per_token("q", "Q", "queries", "query", "q"),
        per_token("k", "K", "keys", "key", "k"),
        per_pair("raw_scores", "QKᵀ", "raw scores", "scores"),
        per_pair("scaled_scores", "QKᵀ/√d_k", "scaled scores", "scores"),
        per_pair("scores", "S", "scores after the mask", "scores"),
        per_pair("weights", "A", "weights", "weights"),
        per_token("v", "V", "values", "key", "v"),
        per_token("output", "AV", "output", "query", "output"),
    ], [
        Product("raw_scores", "q", "k", right_transposed=True),
        Divide("scaled_scores", "raw_scores", divisor, written),
        Mask("scores", "scaled_scores"),
        Softmax("weights", "scores"),
        Product("output", "weights", "v"),
    ]


def masked_matrices(
    scores: dict[str, np.ndarray], labels: Sequence[str], colors: dict[str, str]
) -> list[Matrix]:
    """Show the same scores under several masks."""
    return [
        Matrix(name, "S", name, values, labels, labels, "query", "key", colors["scores"])
        for name, values in scores.items()
    ]


def gradient_matrices(
    gradients: dict[Projection, np.ndarray], labels: Sequence[str], colors: dict[str, str]
) -> list[Matrix]:
    """Show how one number of the output answers to every number of Q, K and V."""
    return [
        Matrix(
            f"grad_{name}",
            f"∂/∂{name.upper()}",
            f"gradient at the {NAMES[name]}",
            values,
            labels,
            None,
            "token",
            "dimension",
            colors[name],
        )
        for name, values in gradients.items()
    ]
