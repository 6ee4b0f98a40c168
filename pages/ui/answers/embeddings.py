"""What is so about rows of the table: what lies near, what a sum gives, what a map hides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pages.ui.figures.embeddings import Misleading, answer
from pages.ui.questions import Truth


def nearest(
    word: str, pieces: Sequence[str], tokens: Sequence[str], cosines: np.ndarray, spelled: str
) -> Truth | None:
    """Say which row lies nearest to a word; asked only of words of letters with a row each.

    Args:
        word: The word.
        pieces: The tokens it is cut into.
        tokens: The tokens nearest to it, nearest first.
        cosines: Theirs.
        spelled: A word that stands beside it in a dictionary.
    """
    if len(pieces) > 1 or not pieces[0].isalpha() or cosines[0] == cosines[1]:
        return None
    first, third = cosines[0], cosines[2]
    return Truth(
        "nearest",
        words={"word": word, "nearest": tokens[0], "third": tokens[2], "spelled": spelled},
        numbers={"nearest_cosine": f"{first:.2f}", "third_cosine": f"{third:.2f}"},
        measured={"nearest": float(first), "third": float(third)},
    )


def analogy(
    pieces: Sequence[Sequence[str]], tokens: Sequence[str], cosines: np.ndarray
) -> Truth | None:
    """Say what is nearest to start − minus + plus, the words that went in not left out.

    Asked only of words that have a row each.

    Args:
        pieces: The tokens of start, minus and plus.
        tokens: The tokens nearest to the result, nearest first.
        cosines: Theirs.
    """
    if any(len(cut) > 1 for cut in pieces):
        return None
    start, minus, plus = (cut[0] for cut in pieces)
    found = answer((start, minus, plus), tokens)
    if found is None or cosines[0] == cosines[1]:
        return None
    options = {"found": tokens[found], "plus": plus, "start": start}
    right = next((name for name, token in options.items() if token == tokens[0]), None)
    if right is None:
        return None
    near = dict(zip(tokens, cosines.tolist(), strict=True))
    return Truth(
        right,
        words={**options, "minus": minus},
        numbers={"found_cosine": f"{cosines[found]:.2f}"},
        measured={name: near[token] for name, token in options.items() if token in near},
    )


def misleading_pair(
    words: Sequence[str], cosines: np.ndarray, misleading: Misleading
) -> Truth | None:
    """Say how close a pair really is that a map puts side by side; of a true map nothing."""
    first, second, on_map, by_cosine, n_pairs = misleading
    if on_map == by_cosine or cosines.min() > 0.999:  # the same row again and again
        return None
    ranks = {"closer": max(1, on_map // 3), "map": on_map + 1, "cosine": by_cosine + 1}
    return Truth(
        "cosine",
        words={"first": words[first], "second": words[second]},
        numbers={name: f"{rank:,}" for name, rank in ranks.items()} | {"n_pairs": f"{n_pairs:,}"},
        measured=ranks,
    )
