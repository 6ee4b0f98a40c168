"""What is so about a sentence on its way through blocks, and about stacks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pages.ui.questions import Truth

MOVED = 1e-5  # of a vector's length; what moves less may be rounding


def firing(activations: np.ndarray, tokens: Sequence[str], token: int) -> Truth | None:
    """Say how many units fire for a token; where it is no small part of them, nothing is asked.

    Args:
        activations: Of the feed-forward layer of one block: (token, unit).
        tokens: As the model reads them.
        token: Which one.
    """
    n_firing, n_units = int((activations[token] > 0).sum()), activations.shape[1]
    if not 0.01 < n_firing / n_units < 0.4:
        return None
    return Truth(
        "few",
        words={"token": tokens[token]},
        numbers={"n_units": f"{n_units:,}"},
        measured={"one": 1, "few": n_firing, "half": n_units // 2, "all": n_units},
    )


def reach(distance: np.ndarray, tokens: Sequence[str], left_out: int) -> Truth | None:
    """Say how many vectors change within one block when a word is left out at the start.

    Args:
        distance: How far each vector moves, relative to its length: (depth, token).
        tokens: As the model reads them.
        left_out: Whose word is missing.
    """
    n_others = len(tokens) - 1
    moved = np.delete(distance[1] > MOVED, left_out)
    counts = {
        "all": n_others,
        "later": n_others - left_out,
        "near": (left_out > 0) + (left_out < n_others),
        "none": 0,
    }
    if moved.sum() != n_others:
        return None
    return Truth(
        "all",
        words={"token": tokens[left_out]},
        numbers={f"n_{name}": n for name, n in counts.items()},
        measured=counts,
    )


def without(part: str, intact: np.ndarray, broken: np.ndarray) -> tuple[str, Truth]:
    """Say how alike the tokens are after the last block when a part is missing.

    Args:
        part: What is missing.
        intact: Mean cosine between the tokens, by depth.
        broken: The same with the part missing.

    Returns:
        The question, one for each part, and what is so.
    """
    cosines = {"broken": float(broken[-1]), "intact": float(intact[-1]), "one": 1.0, "zero": 0.0}
    return f"without-{part.replace(' ', '-')}", Truth(
        "broken",
        numbers={name: f"{cosine + 0.0:.2f}" for name, cosine in cosines.items()},
        measured=cosines,
    )


def gradient(log_grad_norm: Mapping[str, np.ndarray]) -> Truth | None:
    """Say how much of a gradient comes back through bare blocks, if they are drawn.

    Args:
        log_grad_norm: By wiring: (depth, seed), log10.
    """
    if "neither" not in log_grad_norm:
        return None
    values = log_grad_norm["neither"]
    decades = float(np.median(values[0] - values[-1]))
    orders = ("all", "tenth", "hundredth", "less")
    return Truth(orders[min(max(round(-decades), 0), 3)])
