"""What is so about a text in pieces: words that are one token, the pair that is merged."""

from __future__ import annotations

from pages.ui.figures.tokenization import Counted
from pages.ui.questions import Truth


def whole_words(sentence: str, n_words: int, n_divided: int) -> Truth | None:
    """Say how many words are one token each; of fewer than two words nothing is asked."""
    if n_words < 2:
        return None
    whole = n_words - n_divided
    return Truth(
        "whole",
        words={"sentence": sentence},
        numbers={"n_words": n_words, "n_whole": whole},
        measured={"whole": whole, "all": n_words, "none": 0},
    )


def next_pair(counted: Counted) -> Truth | None:
    """Say which pair was merged; if another was as frequent, nothing is asked."""
    if len(counted) < 3 or counted[0][1] == counted[1][1]:
        return None
    names = ("first", "second", "third")
    top = dict(zip(names, counted, strict=False))
    return Truth(
        "first",
        words={name: f"{left} + {right}" for name, ((left, right), _) in top.items()},
        numbers={f"{name}_count": f"{count:,}" for name, (_, count) in top.items()},
        measured={name: count for name, (_, count) in top.items()},
    )
