"""What is so about positions: what their absence does, what changes, what can be read back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pages.ui.figures.positional_encoding import most_changed
from pages.ui.questions import Truth


def without_positions(sentence: str, mean_difference: np.ndarray) -> Truth | None:
    """Say how far two orders of the same words are apart without positions.

    Args:
        sentence: One of the two orders.
        mean_difference: Of their sentence vectors: (with positions, without; stage).
    """
    intact, broken = map(float, mean_difference[:, -1])
    if not intact > 100 * broken:
        return None
    return Truth(
        "nothing",
        words={"sentence": sentence},
        measured={"same": intact, "half": intact / 2, "nothing": broken},
    )


def exchange(
    place: int, position: np.ndarray, attention: np.ndarray, tokens: Sequence[str]
) -> Truth | None:
    """Say which additions change for a token when a word elsewhere is exchanged.

    Asked of the word to which attention adds something new most of all.
    """
    other = most_changed(place, attention, tokens)
    if position[other] > 0 or attention[other] < 0.005:
        return None
    return Truth(
        "attention",
        words={"word": tokens[place], "other": tokens[other]},
        numbers={"place": other + 1, "attention": f"{attention[other]:.0%}"},
    )


def read_back(
    word: np.ndarray,
    other_word: np.ndarray,
    position: np.ndarray,
    other_position: np.ndarray,
    _other_tokens: Sequence[str],
) -> Truth:
    """Say how many words can be read back from the sums: own cosine above that of all others."""
    n_tokens, n_read = len(word), int((word > other_word).sum())
    return Truth(
        "read",
        numbers={
            "n_tokens": n_tokens,
            "n_read": n_read,
            "half": n_tokens // 2,
            "n_positions": int((position > other_position).sum()),
        },
        measured={"read": n_read, "half": n_tokens // 2, "none": 0},
    )
