"""Two texts beside each other: which of their tokens are the same."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def shared_tokens(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Pair the places of equal tokens, in the order in which both texts have them.

    What stands between is different in the two texts and belongs to no pair. The blocks found are
    those of Ratcliff and Obershelp (Ratcliff and Metzener, 1988), the longest first.

    Args:
        first: The tokens of one text.
        second: The tokens of the other.

    Returns:
        Pairs (place in the first, place in the second), both increasing.
    """
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]


def aligned_places(
    first: Sequence[str], second: Sequence[str]
) -> list[tuple[int | None, int | None]]:
    """Lay two texts side by side: a place in each where they share a token, else in one of them."""
    rows: list[tuple[int | None, int | None]] = []
    i = j = 0
    for a, b in [*shared_tokens(first, second), (len(first), len(second))]:
        rows += [(k, None) for k in range(i, a)]
        rows += [(None, k) for k in range(j, b)]
        if a < len(first):
            rows.append((a, b))
        i, j = a + 1, b + 1
    return rows
