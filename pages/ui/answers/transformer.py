"""What is so about where an encoder looks, and about the way back through it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pages.ui.figures.vanishing_gradients import power
from pages.ui.questions import Truth


def looking_ahead(later: np.ndarray, n_tokens: int) -> Truth:
    """Say how much attention goes to later tokens, which a decoder may not see.

    Args:
        later: The share of it, by block, 0 to 1.
        n_tokens: In the sentence.
    """
    share = 100 * float(later.mean())
    shares = {
        "later": share,
        "none": 0.0,
        "even": 100 * (n_tokens - 1) / (2 * n_tokens),
        "rest": 100 - share,
    }
    return Truth(
        "later",
        numbers={name: f"{share:.0f}" for name, share in shares.items()},
        measured=shares,
    )


def crowd(encoder: Mapping[int, np.ndarray], recurrent: Mapping[int, np.ndarray]) -> Truth | None:
    """Say what comes back to the first of many tokens; nothing is asked where it is not less.

    Args:
        encoder: By length: log10 of the gradient, by distance.
        recurrent: The same for a recurrent network.
    """
    short, long = min(encoder), max(encoder)
    same, crowded = (float(encoder[length][-1]) for length in (short, long))
    if crowded >= same:
        return None
    decades = {
        "crowded": crowded,
        "same": same,
        "even": same + float(np.log10(short / long)),
        "recurrent": float(recurrent[long][-1]),
    }
    return Truth(
        "crowded",
        numbers={name: power(value) for name, value in decades.items()}
        | {"short": short, "long": long, "times": long // short},
        measured={name: 10**value for name, value in decades.items()},
    )
