"""What is so about masks, about the division by √d_k, and about temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pages.ui.figures.self_attention import Link
from pages.ui.questions import Truth


def forbidden(scores: Mapping[str, np.ndarray], tokens: Sequence[str], link: Link) -> Truth | None:
    """Say which masks forbid the earlier of two tokens to look at the later one.

    Args:
        scores: Under one mask after the other, the last that for padding (which a decoder adds to
            its own): (query, key).
        tokens: As the model reads them.
        link: The two tokens, in either order.
    """
    padding = np.isinf(list(scores.values())[-1])
    earlier, later = sorted((link.query, link.key))
    filling = np.flatnonzero(padding[-1])  # the last token may look back at all that is text
    if earlier == later or not len(filling):
        return None
    return Truth(
        "both" if later in filling else "causal",
        words={"earlier": tokens[earlier], "later": tokens[later]},
        numbers={
            "earlier_place": earlier + 1,
            "later_place": later + 1,
            "first_filling": int(filling[0]) + 1,
            "n_tokens": len(tokens),
        },
    )


def gradient(
    widths: Sequence[int], unscaled: Mapping[str, np.ndarray], scaled: Mapping[str, np.ndarray]
) -> Truth | None:
    """Say how much gradient is lost without the division, in the widest vectors.

    Asked where it is far more than the factor by which the scores are divided.

    Args:
        widths: The d_k that were tried, growing.
        unscaled: What was measured at each, by name.
        scaled: The same with the division.
    """
    width, root = widths[-1], round(widths[-1] ** 0.5)
    loss = scaled["gradient_norm"][-1] / max(unscaled["gradient_norm"][-1], 1e-300)
    if not loss > 10 * max(root, 100):
        return None
    lost = float(f"{loss:.0e}")
    return Truth("lost", numbers={"width": f"{width:,}", "root": root, "lost": f"{lost:,.0f}"})


def heated(
    usual: np.ndarray, changed: np.ndarray, tokens: Sequence[str], row: int, temperature: float
) -> Truth | None:
    """Say where a token looks on the other side of temperature 1.

    At 1 it is not asked, nor where two keys tie, or one has all the weight.

    Args:
        usual: Its weights at temperature 1.
        changed: Its weights at the other.
        tokens: As the model reads them.
        row: The token.
        temperature: The other.
    """
    if temperature == 1 or len(usual) < 2:
        return None
    second, most = (int(place) for place in np.argsort(usual)[-2:])
    ties = usual[most] - usual[second] < 0.005 or tokens[most] == tokens[second]
    if ties or usual[most] > 0.99:
        return None
    right, other = ("more", "less") if temperature < 1 else ("less", "more")
    opposite = usual.astype(np.float64) ** temperature  # the weights at 1/T
    return Truth(
        right,
        words={"token": tokens[row], "most": tokens[most], "second": tokens[second]},
        numbers={
            "side": "below" if temperature < 1 else "above",
            "usual_weight": f"{usual[most]:.2f}",
            "second_weight": f"{usual[second]:.2f}",
        },
        measured={
            right: float(changed[most]),
            other: float(opposite[most] / opposite.sum()),
            "second": float(changed[second]),
            "usual": float(usual[most]),
        },
    )
