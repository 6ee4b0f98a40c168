"""What is so about sentence vectors: what a search finds, what a training changes, what two say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pages.ui.figures.sentence_meaning import common_words, short
from pages.ui.questions import Truth

MOST = 60  # characters of a line that stands on a button


def search(query: str, ranked: Sequence[str], cosines: np.ndarray) -> Truth | None:
    """Say which line is nearest to a query; if two are, nothing is asked.

    Args:
        query: What is searched for.
        ranked: The lines, nearest first.
        cosines: Of each with the query.
    """
    if len(ranked) < 2 or cosines[0] - cosines[1] < 1e-5:
        return None
    common = [len(common_words(query, line)) for line in ranked]
    wordiest = 1 + int(np.argmax(common[1:]))  # of all lines but the nearest
    places = {"first": 0, "second": 1, "last": len(ranked) - 1}
    if common[wordiest]:
        places["words"] = wordiest
    lines = {name: short(ranked[place], MOST) for name, place in places.items()}
    return Truth(
        "first",
        words={"query": short(query, 90), "words": lines["first"], **lines},
        numbers={f"{name}_cosine": f"{cosines[place]:.2f}" for name, place in places.items()},
        measured={name: float(cosines[place]) for name, place in places.items()},
    )


def learned(weights: Sequence[tuple[str, int, int]]) -> Truth | None:
    """Say how many weights of the encoder were changed; only if it is none, it is asked.

    Args:
        weights: Part, changed weights, all weights; the probe last, the rest is the encoder.
    """
    *encoder, (_, _, n_probe) = weights
    n_all = sum(n for _, _, n in encoder)
    if any(n_changed for _, n_changed, _ in encoder):
        return None
    return Truth(
        "none",
        numbers={"n_probe": f"{n_probe:,}", "n_all": f"{n_all:,}"},
        measured={"none": 0, "probe": n_probe, "all": n_all},
    )


def pair(first: str, second: str, cosine: float) -> Truth:
    """Say how alike two texts are to the model."""
    cosines = {"cosine": cosine, "opposite": -cosine, "zero": 0.0, "one": 1.0}
    return Truth(
        "cosine",
        words={"first": short(first, 90), "second": short(second, 90)},
        numbers={name: f"{round(value, 2) + 0.0:.2f}" for name, value in cosines.items()},
        measured=cosines,
    )
