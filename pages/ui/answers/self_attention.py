"""What is so about a head: what it costs, what becomes of its direction, what its weight says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pages.ui.figures.self_attention import Link
from pages.ui.questions import Truth

APART = 0.05  # scores that differ by less read nearly the same


def heads(d_model: int, n_heads: int) -> Truth | None:
    """Say how many numbers a projection has with twice as many heads; half a column is not asked.

    Args:
        d_model: Width of the vectors that are projected.
        n_heads: Heads that share the projection.
    """
    if d_model % (2 * n_heads):
        return None
    counts = {"same": d_model**2, "double": 2 * d_model**2, "half": d_model**2 // 2}
    return Truth(
        "same",
        numbers={
            "d_model": d_model,
            "n_heads": n_heads,
            "n_more": 2 * n_heads,
            "n_columns": d_model // n_heads,
            "n_fewer": d_model // n_heads // 2,
            **{f"n_{name}": f"{count:,}" for name, count in counts.items()},
        },
        measured=counts,
    )


def direction(
    intact: np.ndarray, changed: np.ndarray, tokens: Sequence[str], link: Link
) -> Truth | None:
    """Say what becomes of the scores of two tokens for each other, if that is that they are equal.

    Args:
        intact: Scores of a head: (query, key).
        changed: The same, with something taken away.
        tokens: As the model reads them.
        link: The two tokens.
    """
    there, back = intact[link.query, link.key], intact[link.key, link.query]
    after = changed[[link.query, link.key], [link.key, link.query]]
    if not np.isfinite([there, back, *after]).all() or abs(there - back) < APART:
        return None
    if abs(after[0] - after[1]) > 1e-3 * max(1, np.abs(after).max()):
        return None
    return Truth(
        "equal",
        words={"query": tokens[link.query], "key": tokens[link.key]},
        numbers={"there": f"{there:.2f}", "back": f"{back:.2f}", "after": f"{after[0]:.2f}"},
    )


def importance(shares: np.ndarray, tokens: Sequence[str], token: int, n_heads: int) -> Truth | None:
    """Say how much the word that a head looks at most counts among those that can be left out.

    Args:
        shares: Four measures of what mattered for one token, as in
            `pages.ui.figures.self_attention.MEASURES`: (measure, token); NaN where none was taken.
        tokens: As the model reads them.
        token: The one that was made of the others.
        n_heads: All heads of the model.
    """
    weights, left_out = shares[0], shares[-1]
    n_left_out = int(np.isfinite(left_out).sum())
    if n_left_out < 2:
        return None
    key = int(np.where(np.isfinite(left_out), weights, -1).argmax())
    measured = {
        "weight": float(weights[key]),
        "share": float(left_out[key]),
        "even": 1 / n_left_out,
    }
    return Truth(
        "share",
        words={"token": tokens[token], "key": tokens[key]},
        numbers={
            "place": key + 1,
            "n_heads": n_heads,
            "n_left_out": n_left_out,
            **{f"{name}_written": f"{value:.2f}" for name, value in measured.items()},
        },
        measured=measured,
    )
