"""Which matrices of a trace stand on screen, and how one is made from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pages.ui.components.matrix_view import Matrix, Product

if TYPE_CHECKING:
    from core.encoder import Encoder, EncoderTrace

Projection = Literal["q", "k", "v"]
NAMES = {"q": "query", "k": "key", "v": "value"}


def projection_matrices(
    encoder: Encoder,
    trace: EncoderTrace,
    block: int,
    head: int,
    which: Projection,
    colors: dict[str, str],
) -> tuple[list[Matrix], list[Product]]:
    """Show how one head's queries, keys or values come from what the block read: X W + b."""
    attention = encoder.blocks[block].attention
    layer = {"q": attention.w_q, "k": attention.w_k, "v": attention.w_v}[which]
    result = getattr(trace.blocks[block].attention, which)[head].numpy()
    d_k = result.shape[1]
    columns = slice(head * d_k, (head + 1) * d_k)  # the head's own part of the layer
    weight = layer.weight[columns].T.numpy()
    bias = layer.bias[columns][None].numpy()
    colour = colors[which]
    return [
        Matrix(
            "x",
            "X",
            "what the block reads",
            trace.blocks[block].input.numpy(),
            trace.tokens,
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
            trace.tokens,
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
