"""What is so about translators: who holds on, what a vector keeps, what width buys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pages.ui.figures.rnn_memory import TRAINED_LENGTH, found_beyond_guessing
from pages.ui.questions import Truth

USUAL_LENGTH = 12  # asked about where the learner's number is no longer than those of the training
SHORTEST = 6  # words of a number whose thirds are compared
CLEAR = 0.05  # difference below which nothing is asked


def best_beyond(
    lengths: np.ndarray, accuracy: Mapping[str, np.ndarray], n_words: int
) -> Truth | None:
    """Say who is most often right on sources longer than any in training: (seed, length) each."""
    if n_words <= TRAINED_LENGTH or n_words not in lengths:
        n_words = USUAL_LENGTH
    place = list(lengths).index(n_words)
    means = {
        kind: float(accuracy[kind][:, place].mean())
        for kind in ("fixed", "attention", "transformer")
    }
    numbers = {"n_words": n_words, "trained": TRAINED_LENGTH}
    return _clear(max(means, key=means.__getitem__), means, numbers=numbers)


def least_found(source: Sequence[str], accuracy: np.ndarray, guessing: np.ndarray) -> Truth | None:
    """Say in which third of a number the words are read back least, beyond what a guess finds."""
    if len(source) < SHORTEST:
        return None
    names = ("first", "middle", "last")
    found = np.array_split(found_beyond_guessing(accuracy, guessing), 3)
    means = {name: float(np.nanmean(part)) for name, part in zip(names, found, strict=True)}
    words = np.array_split(np.array(source), 3)
    return _clear(
        min(means, key=means.__getitem__),
        means,
        words={name: " ".join(part) for name, part in zip(names, words, strict=True)},
    )


def twice_as_wide(curves: Mapping[str, np.ndarray]) -> Truth | None:
    """Say what twice the width makes of one vector at the end of the training: (seed, update)."""
    ends = {name: float(curves[name][:, -1].mean()) for name in ("fixed", "wide", "attention")}
    written = {name: f"{value:.2f}" for name, value in ends.items()}
    return _clear("wide", ends, numbers={**written, "trained": TRAINED_LENGTH})


def _clear(
    right: str,
    measured: Mapping[str, float],
    words: Mapping[str, str] | None = None,
    numbers: Mapping[str, object] | None = None,
) -> Truth | None:
    """Ask only where the right option stands apart from all others."""
    others = [value for name, value in measured.items() if name != right]
    if min(abs(measured[right] - value) for value in others) < CLEAR:
        return None
    return Truth(right, words=words or {}, numbers=numbers or {}, measured=measured)
