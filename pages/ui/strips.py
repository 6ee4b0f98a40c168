"""Texts cut into pieces, as rows for `token_strips`: they may know core and the component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.pieces import Cut, visible
from core.tokenization import UNKNOWN
from pages.ui.cached.tokenization import Replay
from pages.ui.components.token_strips import Strip
from pages.ui.figures import vanishing_gradients

if TYPE_CHECKING:
    from pages.ui.cached.vanishing_gradients import Reach


def characters(text: str) -> list[str]:
    """Write every character of a text as it is shown inside the text; a space stays one."""
    return [" " if character == " " else visible(f"a{character}")[1:] for character in text]


def strip(cut: Cut, name: str = "", show_ids: bool = False) -> Strip:
    """Make a row of one cut; a piece without an id in a vocabulary is unknown, and so is [UNK]."""
    ids = cut.ids or ()
    return Strip(
        name or cut.name,
        cut.labels,
        [start for start, _ in cut.offsets],
        [end for _, end in cut.offsets],
        cut.ids,
        unknown=[
            place
            for place, (label, token_id) in enumerate(zip(cut.labels, ids, strict=False))
            if label == UNKNOWN or token_id is None
        ],
        show_ids=show_ids,
    )


def aligned_strips(
    first: Cut, second: Cut, places: Sequence[tuple[int | None, int | None]]
) -> list[Strip]:
    """Make a row of each text's tokens: what they share stands below each other.

    A token takes one place, however many characters it has; what is in one text only is marked.
    """
    rows: list[Strip] = []
    for name, cut, number in (("first", first, 0), ("second", second, 1)):
        columns = [place for place, row in enumerate(places) if row[number] is not None]
        alone = [i for i, place in enumerate(columns) if None in places[place]]
        ends = [place + 1 for place in columns]
        rows.append(Strip(name, cut.labels, columns, ends, cut.ids, marked=alone, show_ids=True))
    return rows


def reach_strips(reach: Reach) -> list[Strip]:
    """Make a row per reader of the tokens of a sentence, coloured by what reaches each of them.

    A token takes one place in the text, however many characters it has: the rows stay short.
    """
    places = list(range(len(reach.tokens)))
    return [
        Strip(
            name,
            reach.tokens,
            places,
            [place + 1 for place in places],
            notes=[vanishing_gradients.power(value) for value in decades],
            levels=vanishing_gradients.levels(decades),
        )
        for name, decades in reach.decades.items()
    ]


def merge_strips(replay: Replay, step: int) -> list[Strip]:
    """Make a row of the single characters of a word, and one after each merge up to a step.

    The pair that this step merges is pointed out, and what it becomes.
    """
    widths = [1] * len(replay.rows[0])
    rows = [_merge_strip("characters", replay.rows[0], widths)]
    for number, merge in enumerate(replay.steps[:step], 1):
        place = merge.position
        if number == step:
            rows[-1] = _merge_strip(rows[-1].name, rows[-1].labels, widths, (place, place + 1))
        widths[place : place + 2] = [widths[place] + widths[place + 1]]
        marked = (place,) if number == step else ()
        rows.append(_merge_strip(f"merge {number}", replay.rows[number], widths, marked))
    return rows


def _merge_strip(
    name: str, labels: Sequence[str], widths: Sequence[int], marked: Sequence[int] = ()
) -> Strip:
    starts = [sum(widths[:place]) for place in range(len(widths))]
    ends = [start + width for start, width in zip(starts, widths, strict=True)]
    return Strip(name, labels, starts, ends, marked=marked)
