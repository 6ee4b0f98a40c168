"""Figures of tokenization: sentences and tables about cuts of a text, counts behind a merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

Counted = Sequence[tuple[tuple[str, str], int]]  # pairs of pieces, and how often they were seen

MAX_QUOTED = 200  # characters of a text inside a sentence
UNKNOWN = "[UNK]"


class Cut(Protocol):
    """A text cut into pieces, as `core.pieces.Cut` describes it."""

    name: str
    text: str
    pieces: Sequence[str]
    labels: Sequence[str]
    offsets: Sequence[tuple[int, int]]
    ids: Sequence[int | None] | None
    vocab_size: int
    n_unknown: int


class Merge(Protocol):
    """One merge, as `core.tokenization.MergeStep` describes it."""

    rank: int
    position: int


class Replay(Protocol):
    """A word put together merge by merge, as `pages.ui.cached.tokenization.Replay` describes it."""

    rows: Sequence[Sequence[str]]
    steps: Sequence[Merge]
    counts: Sequence[Counted]
    n_rules: int


def n(count: int, thing: str) -> str:
    """Write a count and its noun: 1 word, 2 words."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def shortened(text: str) -> str:
    """Quote a text, only its beginning if it is long."""
    return quoted(text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…")


def look_for_tokens(
    characters: Cut, tokens: Cut, normalized: str, divided: Sequence[tuple[str, Sequence[int]]]
) -> str:
    """Say how many tokens there are, how the text was changed first, and what was cut or lost.

    Args:
        characters: The text as it was typed.
        tokens: What the model reads.
        normalized: The text as its vocabulary sees it.
        divided: The words that take several tokens, each with the places of its tokens.
    """
    sizes = n(len(characters.pieces), "character"), n(len(tokens.pieces), "token")
    said = [f"{sizes[0]} became {sizes[1]}; `[CLS]` and `[SEP]` are added at the ends."]
    if normalized.split() != tokens.text.split():
        said.append(f"The vocabulary sees {shortened(normalized)}: small letters, no accents.")
    if divided:
        word, places = max(divided, key=lambda item: len(item[1]))
        shown = " ".join(quoted(tokens.pieces[place]) for place in places[:8])
        more = " …" if len(places) > 8 else ""
        said.append(f"{shortened(word)} takes {len(places)} tokens: {shown}{more}.")
    if tokens.n_unknown:
        place = tokens.labels.index(UNKNOWN)
        start, end = tokens.offsets[place]
        said.append(
            f"{shortened(tokens.text[start:end])} has no token, so the model reads `[UNK]`: "
            "what was there is lost."
        )
    return " ".join(said)


def look_for_units(cuts: Mapping[str, Cut]) -> str:
    """Say how many pieces of each size there are, and which words no vocabulary of Alice holds."""
    sizes = [n(len(cut.pieces), unit.removesuffix("s")) for unit, cut in cuts.items()]
    words = cuts["words"]
    missing = [
        label
        for label, word_id in zip(words.labels, words.ids or (), strict=False)
        if word_id is None
    ]
    said = f"One text: {', '.join(sizes[:-1])} or {sizes[-1]}. "
    if not missing:
        return f"{said}All its words occur in Alice."
    some = ", ".join(map(shortened, list(dict.fromkeys(missing))[:3]))
    more = " …" if len(set(missing)) > 3 else ""
    return (
        f"{said}Not in Alice, and so lost to a vocabulary of its words: {some}{more} "
        f"({len(missing)} of {n(len(words.pieces), 'word')})."
    )


def units_table(cuts: Mapping[str, Cut]) -> dict[str, list[str]]:
    """Compare the sizes of piece: how many, from how large a vocabulary, how many outside it."""
    return {
        "cut into": list(cuts),
        "pieces": [f"{len(cut.pieces):,}" for cut in cuts.values()],
        "vocabulary": [f"{cut.vocab_size:,}" for cut in cuts.values()],
        "unknown": [f"{cut.n_unknown:,}" for cut in cuts.values()],
    }


def look_for_methods(cuts: Sequence[Cut]) -> str:
    """Say which method needs fewest and most pieces, and which meet something unknown."""
    sizes = [len(cut.pieces) for cut in cuts]
    fewest, most = (
        ", ".join(cut.name for cut in cuts if len(cut.pieces) == size)
        for size in (min(sizes), max(sizes))
    )
    said = f"Fewest pieces, {min(sizes)}: {fewest}. Most, {max(sizes)}: {most}."
    if min(sizes) == max(sizes):
        said = f"All four need {n(max(sizes), 'piece')}."
    lost = ", ".join(cut.name for cut in cuts if cut.n_unknown)
    if lost:
        said += f" Characters that never occur in Alice are lost to {lost}."
    return said


def methods_table(cuts: Sequence[Cut]) -> dict[str, list[str]]:
    """Compare the methods: pieces needed, vocabulary learned, pieces outside it."""
    return {
        "method": [cut.name for cut in cuts],
        "pieces": [f"{len(cut.pieces):,}" for cut in cuts],
        "vocabulary": [f"{cut.vocab_size:,}" for cut in cuts],
        "unknown": [f"{cut.n_unknown:,}" for cut in cuts],
    }


def pieces_table(cuts: Iterable[Cut]) -> dict[str, list[object]]:
    """Write every piece as a row: where it stands (characters from 1) and its id."""
    rows = [
        (cut.name, number, label, start + 1 if end > start else None, end or None, token_id)
        for cut in cuts
        for number, (label, (start, end), token_id) in enumerate(
            zip(cut.labels, cut.offsets, cut.ids or [None] * len(cut.labels), strict=True), 1
        )
    ]
    names = ("cut into", "number", "piece", "from", "to", "id")
    return {name: [row[column] for row in rows] for column, name in enumerate(names)}


def look_for_training(cut: Cut, asked: int, from_alice: bool) -> str:
    """Say what was learned, why it may be less than asked for, and how many pieces it takes."""
    source = "Alice" if from_alice else "your text"
    learned = f"{cut.name} learned {n(cut.vocab_size, 'piece')} from {source}"
    if cut.vocab_size < asked:
        learned += f", not {asked:,}: then nothing was left that occurs often enough"
    unknown = f", {cut.n_unknown} of them unknown" if cut.n_unknown else ""
    return f"{learned}. Your sentence takes {n(len(cut.pieces), 'piece')} of them{unknown}."


def look_for_merge(replay: Replay, step: int) -> str:
    """Say which pair this step merges, and which rule of the vocabulary that is."""
    n_steps = len(replay.steps)
    start = n(len(replay.rows[0]), "single character")
    if not n_steps:
        return (
            f"It stays {start}: none of the {replay.n_rules:,} rules merges two neighbours of it."
        )
    if not step:
        return f"It begins as {start}; {n(n_steps, 'merge')} will follow. Press Next."
    merge = replay.steps[step - 1]
    left, right = replay.rows[step - 1][merge.position : merge.position + 2]
    return (
        f"Merge {step} of {n_steps}: {quoted(left)} and {quoted(right)} become "
        f"{quoted(replay.rows[step][merge.position])}. Of all rules that fit, it is the one "
        f"learned first: number {merge.rank + 1:,} of {replay.n_rules:,}."
    )


def merges_table(replay: Replay) -> dict[str, list[object]]:
    """Write the pieces after each merge, and the number of the rule."""
    return {
        "merge": list(range(len(replay.rows))),
        "rule": [None, *(merge.rank + 1 for merge in replay.steps)],
        "pieces": [" | ".join(row) for row in replay.rows],
    }


def look_for_counts(counted: Counted) -> str:
    """Say why this pair was merged and not another one."""
    (pair, count), *others = counted
    said = (
        f"When this rule was learned, {quoted(pair[0])} stood before {quoted(pair[1])} "
        f"{n(count, 'time')} in the corpus"
    )
    if not others:
        return f"{said}, and no other pair was left."
    (second, second_count), *_ = others
    rival = f"{quoted(second[0])} before {quoted(second[1])}"
    if second_count == count:
        return f"{said}, as often as {rival}; of equals, the older pieces go first."
    return f"{said}. Next was {rival}, {n(second_count, 'time')}."


def count_bars(counted: Counted, theme: Theme) -> go.Figure:
    """Show how often the merged pair and the next most frequent ones were counted."""
    colors = style.colors(theme)
    counts = [count for _, count in counted]
    bars = go.Bar(
        x=counts,
        y=style.plot_labels(f"{left} + {right}" for (left, right), _ in counted),
        orientation="h",
        marker={"color": [colors["output"], *[colors["segment"]] * (len(counts) - 1)]},
        text=[f"{count:,}" for count in counts],
        hovertemplate="%{y}: %{x:,} times<extra></extra>",
    )
    return style.drawn(
        bars,
        theme,
        90 + 36 * len(counts),
        xaxis={"title": "times side by side in the corpus", "rangemode": "tozero"},
        yaxis={"autorange": "reversed"},
    )


def counts_table(counted: Counted) -> dict[str, list[object]]:
    """Write the counts of the pairs as a table."""
    return {
        "pair": [f"{left} + {right}" for (left, right), _ in counted],
        "count": [count for _, count in counted],
    }


def pairs_arithmetic(cuts: Mapping[str, Cut], unit: str) -> str:
    """Compute how many pairs attention compares, for tokens and for other pieces."""
    n_tokens, n_pieces = len(cuts["tokens"].pieces), len(cuts[unit].pieces)
    return (
        "Attention compares every piece with every other. Tokens: "
        f"${n_tokens}^2 = {n_tokens**2:,}$ pairs. {unit.capitalize()}: "
        f"${n_pieces}^2 = {n_pieces**2:,}$, which is "
        f"$({n_pieces}/{n_tokens})^2 = {(n_pieces / n_tokens) ** 2:.2g}$ times as many."
    )


Places = Sequence[tuple[int | None, int | None]]  # of a token in two texts, None where it is in one


def look_for_shared(first: Cut, second: Cut, places: Places) -> str:
    """Say how many tokens two texts share, and which are only in one."""
    n_shared = sum(None not in row for row in places)
    said = f"{n(n_shared, 'token')} of {len(first.labels)} and {len(second.labels)} are shared."
    alone = {
        "first": [first.labels[i] for i, j in places if i is not None and j is None],
        "second": [second.labels[j] for i, j in places if j is not None and i is None],
    }
    for which, labels in alone.items():
        if labels:
            some = " ".join(map(shortened, labels[:6])) + (" …" if len(labels) > 6 else "")
            said += f" Only in the {which}: {some}."
    return said


def shared_table(first: Cut, second: Cut, places: Places) -> dict[str, list[object]]:
    """Write the tokens of two texts as a table; those they share stand in one row."""
    columns: dict[str, list[object]] = {}
    for number, (which, cut) in enumerate((("first", first), ("second", second))):
        column = [row[number] for row in places]
        columns[which] = [None if i is None else cut.labels[i] for i in column]
        columns[f"id of the {which}"] = [None if i is None else (cut.ids or ())[i] for i in column]
    return columns
