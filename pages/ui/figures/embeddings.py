"""Figures of embeddings: rows of the table, neighbours, cosines, maps, one word in two meanings.

A cosine is read against what random pairs of words have: the tables and sentences here say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.comparison import comparison
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

Table = dict[str, list[object]]

PARTS = ("token", "position", "segment", "sum", "output")
STAGES = ("table", "+ position", *(f"block {block}" for block in range(1, 7)))
N_BARS = 12
N_ANSWERS = 6
MAX_NUMBERED = 14  # words whose cosines fit into the cells as numbers


def number(value: float) -> str:
    """Write a cosine with two decimals and a true minus."""
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")


def short(text: str) -> str:
    """Cut a long word, so that its label leaves room for the picture."""
    return text if len(text) <= 16 else f"{text[:15]}…"


def labels(words: Sequence[str]) -> list[str]:
    """Write words as the names along an axis."""
    return style.plot_labels(map(short, words))


def note_on_pieces(word: str, pieces: Sequence[str]) -> str:
    """Say which row stands for a word that has none of its own; nothing if it has one."""
    if pieces == ("[UNK]",):
        return f" {quoted(word)} is unknown to the model: it gets the row of `[UNK]`."
    if len(pieces) > 1:
        cut = " ".join(map(quoted, pieces))
        return f" {quoted(word)} has no row: it is read as {cut}, and their mean row is used."
    return ""


def notes_on_pieces(words: Sequence[str], pieces: Sequence[Sequence[str]]) -> str:
    """Write the notes on the first three words without a row, and count the others."""
    notes = [note for note in map(note_on_pieces, words, pieces) if note]
    others = f" {len(notes) - 3} more words have no row." if len(notes) > 3 else ""
    return "".join(notes[:3]) + others


def lookup_strips(rows: np.ndarray, token_id: int, place: int, theme: Theme) -> go.Figure:
    """Show what is looked up and added for one token as aligned strips of colour.

    Args:
        rows: (token, position, segment, sum, output; d_model).
        token_id: The token's row in the table.
        place: The token's place in the text, counted from 0.
        theme: The theme to draw for.
    """
    norms = np.linalg.norm(rows, axis=1)
    names = (
        f"row {token_id:,} of the token table",
        f"+ position {place + 1}",
        "+ segment 1",
        "= sum",
        "sum, normalised: what block 1 reads",
    )
    notes = [
        {
            "text": f"{name} · norm {norm:.2f}",
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": height,
            "yshift": 15,
            "yanchor": "bottom",
            "showarrow": False,
        }
        for height, name, norm in zip((4, 3, 2, 1, 0), names, norms, strict=True)
    ]
    return style.drawn(
        [
            _strips(rows[:4], (4, 3, 2, 1), 0.25, "value, rows and sum", 0, theme),
            _strips(rows[4:], (0,), 2.0, "value, normalised", 0.55, theme),
        ],
        theme,
        420,
        margin={"r": 18},
        annotations=notes,
        xaxis={
            "title": {"text": "dimension"},
            "tickvals": [1, 96, 192, 288, 384],
            "showgrid": False,
        },
        yaxis={"visible": False, "range": [-0.35, 4.8], "fixedrange": True},
    )


def _strips(
    rows: np.ndarray,
    heights: Sequence[int],
    limit: float,
    title: str,
    left: float,
    theme: Theme,
) -> go.Heatmap:
    """Draw rows as strips around the given heights; its colour bar begins at `left`."""
    return go.Heatmap(
        z=rows.astype(np.float32),
        x0=1,
        dx=1,
        y=heights,
        zmin=-limit,
        zmax=limit,
        zmid=0,
        colorscale=style.diverging_scale(theme),
        ygap=26,
        hovertemplate="dimension %{x}: %{z:.3f}<extra></extra>",
        colorbar={
            **_bar_above(title, 0.45),
            "x": left,
            "tickvals": [-limit, 0, limit],
            "ticktext": [f"≤ −{limit:g}", "0", f"≥ {limit:g}"],
        },
    )


def _bar_above(title: str, length: float) -> dict[str, object]:
    """Place a colour bar above the picture, where it leaves a phone its whole width."""
    return {
        "title": {"text": title, "side": "top", "font": {"size": 13}},
        "orientation": "h",
        "thickness": 10,
        "ypad": 0,
        "outlinewidth": 0,
        "len": length,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
    }


def look_for_lookup(rows: np.ndarray, token: str, token_id: int, place: int) -> str:
    """Say which row was looked up, and how large each part of the sum is."""
    norms = dict(zip(PARTS, np.linalg.norm(rows, axis=1), strict=True))
    return (
        f"{quoted(token)} has the number {token_id:,}, so the model takes row {token_id:,}: "
        f"{rows.shape[1]} numbers, norm {norms['token']:.2f}. Position {place + 1} adds a row of "
        f"norm {norms['position']:.2f}; the segment adds {norms['segment']:.2f}, "
        f"the same for every token."
    )


def lookup_table(rows: np.ndarray) -> Table:
    """Write the strips as numbers, one line per dimension."""
    values = {part: np.round(row, 4).tolist() for part, row in zip(PARTS, rows, strict=True)}
    return {"dimension": list(range(1, rows.shape[1] + 1)), **values}


def lookup_arithmetic(rows: np.ndarray, dimension: int, factor: float, shift: float) -> str:
    """Add and normalise one dimension of a token.

    Args:
        rows: (token, position, segment, sum, output; d_model).
        dimension: Which, counted from 0.
        factor: What the normalisation multiplies this dimension by.
        shift: What it adds to it.
    """
    token, position, segment, total, output = rows[:, dimension]
    mean, deviation = rows[3].mean(), rows[3].std()
    return (
        f"Dimension {dimension + 1}, cell {dimension + 1} of each strip: "
        f"${token:.4f} + ({position:.4f}) + ({segment:.4f}) = {total:.4f}$. The mean of the whole "
        f"sum is ${mean:.4f}$, its standard deviation ${deviation:.4f}$; the trained factor and "
        f"shift of this dimension are ${factor:.3f}$ and ${shift:.3f}$:\n\n"
        f"$\\dfrac{{{total:.4f} - ({mean:.4f})}}{{{deviation:.4f}}} \\cdot {factor:.3f} + "
        f"({shift:.3f}) = {output:.2f}$"
    )


class RandomBand(NamedTuple):
    """Where the cosines of random pairs of words lie."""

    mean: float
    low: float  # 1 of 100 pairs is below
    high: float  # 1 of 100 pairs is above


def random_band(cosines: np.ndarray) -> RandomBand:
    """Describe the cosines of random pairs: their mean and the range of 98 in 100."""
    low, high = np.quantile(cosines, (0.01, 0.99))
    return RandomBand(float(cosines.mean()), float(low), float(high))


def neighbour_bars(
    tokens: Sequence[str], cosines: np.ndarray, band: RandomBand, theme: Theme
) -> go.Figure:
    """Show the nearest tokens as bars beside the band of random pairs."""
    grey = style.COLORS["segment"][theme]
    return style.drawn(
        _cosine_bars(tokens[:N_BARS], cosines[:N_BARS], style.COLORS["embedding"][theme]),
        theme,
        430,
        margin={"t": 30},
        shapes=[
            {
                "type": "rect",
                "x0": band.low,
                "x1": band.high,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"width": 0},
                "fillcolor": grey,
                "opacity": 0.35,
                "layer": "below",
            }
        ],
        annotations=[
            {
                "text": "grey: where 98 in 100 random pairs lie",
                "x": band.low,
                "xanchor": "left",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
            }
        ],
        xaxis={"title": {"text": "cosine"}, "range": [min(band.low, 0) - 0.02, 1.08]},
        yaxis={"autorange": "reversed"},
    )


def _cosine_bars(tokens: Sequence[str], cosines: np.ndarray, colors: str | Sequence[str]) -> go.Bar:
    """Draw one bar per token with its cosine at the end."""
    return go.Bar(
        x=cosines.astype(np.float32),
        y=labels(tokens),
        orientation="h",
        marker={"color": colors},
        texttemplate="%{x:.2f}",
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )


def look_for_neighbours(
    word: str,
    pieces: Sequence[str],
    tokens: Sequence[str],
    cosines: np.ndarray,
    band: RandomBand,
) -> str:
    """Say what is nearest to a word and how far that is above chance."""
    own = sum(token in pieces for token in tokens[:N_BARS])
    warning = f" {own} of the {N_BARS} bars are these pieces themselves." if own else ""
    return (
        f"Nearest to {quoted(word)} is {quoted(tokens[0])}, {number(cosines[0])}. Two random words "
        f"have {number(band.mean)} on average, and 98 in 100 pairs lie between {number(band.low)} "
        f"and {number(band.high)}: close means far above that."
        + note_on_pieces(word, pieces)
        + warning
    )


def neighbour_table(tokens: Sequence[str], cosines: np.ndarray) -> Table:
    """Write tokens and their cosines."""
    return {"token": list(tokens), "cosine": np.round(cosines, 4).tolist()}


def cosine_heatmap(words: Sequence[str], cosines: np.ndarray, theme: Theme) -> go.Figure:
    """Show the cosine of every pair of words."""
    names = labels(words)
    strong = np.abs(cosines) >= 0.6
    axis = {"showgrid": False, "dtick": 1}
    cells = [
        go.Heatmap(
            z=np.where(shown, cosines, np.nan).astype(np.float32),
            x=names,
            y=names,
            coloraxis="coloraxis",
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2f}" if len(words) <= MAX_NUMBERED else None,
            textfont={"color": colour},
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        )
        for shown, colour in ((~strong, style.TEXT[theme]), (strong, style.BACKGROUND[theme]))
    ]
    return style.drawn(
        cells,
        theme,
        max(340, min(680, 150 + 34 * len(words))),
        xaxis=axis,
        yaxis={**axis, "autorange": "reversed"},
        coloraxis={
            "cmin": -1,
            "cmax": 1,
            "cmid": 0,
            "colorscale": style.diverging_scale(theme),
            "colorbar": _bar_above("cosine", 0.6),
        },
    )


class Pair(NamedTuple):
    """Two words, by their place in a list, and their cosine."""

    first: int
    second: int
    cosine: float


def closest_pairs(cosines: np.ndarray, n_pairs: int) -> list[Pair]:
    """List the closest pairs of different words, closest first."""
    first, second = np.triu_indices(len(cosines), 1)
    order = cosines[first, second].argsort()[::-1][:n_pairs]
    return [Pair(int(first[i]), int(second[i]), float(cosines[first[i], second[i]])) for i in order]


def look_for_cosines(words: Sequence[str], cosines: np.ndarray, band: RandomBand) -> str:
    """Name the closest pairs, and say how many of all lie above chance."""
    named = ", ".join(
        f"{quoted(words[first])}–{quoted(words[second])} {number(cosine)}"
        for first, second, cosine in closest_pairs(cosines, 6)
    )
    pairs = cosines[np.triu_indices(len(words), 1)]
    above = int((pairs > band.high).sum())
    return (
        f"The closest: {named}. Of all {len(pairs)} pairs, {above} are above {band.high:.2f}, "
        f"where only 1 in 100 random pairs lies."
    )


def cosine_table(words: Sequence[str], cosines: np.ndarray) -> Table:
    """Write the cosines with one line per word."""
    columns = {word: np.round(cosines[:, i], 4).tolist() for i, word in enumerate(words)}
    return {"cosine of": list(words), **columns}


def closest_words(cosines: np.ndarray) -> tuple[int, int]:
    """Find the closest two words of a list."""
    (pair,) = closest_pairs(cosines, 1)
    return pair.first, pair.second


def cosine_arithmetic(words: tuple[str, str], product: float, first: float, second: float) -> str:
    """Divide the product of two words' rows by their norms."""
    return (
        f"{quoted(words[0])} and {quoted(words[1])}: the products of all 384 pairs of numbers sum "
        f"to ${product:.3f}$; the norms are ${first:.3f}$ and ${second:.3f}$. "
        f"$\\cos = {product:.3f} / ({first:.3f} \\cdot {second:.3f}) = "
        f"{product / (first * second):.2f}$"
    )


def answer(inputs: Sequence[str], tokens: Sequence[str]) -> int | None:
    """Find the nearest token that did not go in; None if all of them did."""
    return next((place for place, token in enumerate(tokens) if token not in inputs), None)


def analogy_bars(
    pieces: Sequence[Sequence[str]], tokens: Sequence[str], cosines: np.ndarray, theme: Theme
) -> go.Figure:
    """Show the tokens nearest to start − minus + plus; the words that went in are grey."""
    inputs = [piece for cut in pieces for piece in cut]
    tokens, cosines = tokens[:N_ANSWERS], cosines[:N_ANSWERS]
    grey, colour = style.COLORS["segment"][theme], style.COLORS["embedding"][theme]
    names = [f"{token} (went in)" if token in inputs else token for token in tokens]
    return style.drawn(
        _cosine_bars(names, cosines, [grey if token in inputs else colour for token in tokens]),
        theme,
        260,
        xaxis={"title": {"text": "cosine"}, "range": [0, 1.08]},
        yaxis={"autorange": "reversed"},
    )


def look_for_analogy(
    words: Sequence[str],
    pieces: Sequence[Sequence[str]],
    tokens: Sequence[str],
    cosines: np.ndarray,
) -> str:
    """Say what is nearest to start − minus + plus, with and without the words that went in."""
    inputs = [piece for cut in pieces for piece in cut]
    found = answer(inputs, tokens)
    start, minus, plus = map(quoted, words)
    nearest = (
        f"Nearest to {start} − {minus} + {plus} is {quoted(tokens[0])}, {number(cosines[0])}: "
    )
    if found is None:
        verdict = "like all that are near, a word that went in."
    elif found == 0:
        verdict = "a word that did not go in."
    else:
        verdict = (
            "a word that went in. Leave those out, and it is "
            f"{quoted(tokens[found])}, {number(cosines[found])}."
        )
    return nearest + verdict + notes_on_pieces(words, pieces)


def word_map(
    words: Sequence[str],
    points: np.ndarray,
    shares: np.ndarray,
    cosines: np.ndarray,
    seen_from: int,
    theme: Theme,
) -> go.Figure:
    """Show words on two or three axes, coloured by their true cosine with one of them.

    Args:
        words: The words.
        points: (word, axis), two axes or three.
        shares: Share of the variance on each axis, in [0, 1].
        cosines: Of each word with the one from which is measured.
        seen_from: The place of that word.
        theme: The theme to draw for.
    """
    names = labels(words)
    symbols = ["circle"] * len(words)
    symbols[seen_from] = "diamond"
    look = {
        "mode": "markers+text",
        "text": names,
        "customdata": cosines.astype(np.float32),
        "meta": names[seen_from],
        "hovertemplate": "%{text}: cosine with %{meta} %{customdata:.2f}<extra></extra>",
        "marker": {
            "size": 11 if points.shape[1] == 2 else 6,
            "symbol": symbols,
            "color": cosines.astype(np.float32),
            "cmin": 0,
            "cmax": 1,
            "colorscale": style.sequential_scale("embedding", theme),
            "line": {"width": 1.5, "color": style.COLORS["embedding"][theme]},
            "colorbar": _bar_above(f"true cosine with {names[seen_from]}", 0.6),
        },
    }
    x, y, *z = points.T.astype(np.float32)
    if z:
        plain = {"backgroundcolor": style.BACKGROUND[theme], "gridcolor": style.GRID[theme]}
        scene = {
            f"{name}axis": {"title": {"text": f"axis {axis} ({share:.0%})"}, **plain}
            for axis, (name, share) in enumerate(zip("xyz", shares, strict=True), 1)
        }
        return style.drawn(
            go.Scatter3d(x=x, y=y, z=z[0], **look),
            theme,
            560,
            scene={
                **scene,
                "aspectmode": "data",
                "camera": {"eye": {"x": 1.4, "y": 1.4, "z": 0.9}, "center": {"z": -0.15}},
            },
        )
    axes = [f"axis {axis} ({share:.0%} of the variance)" for axis, share in enumerate(shares, 1)]
    room = 0.3 * max(float(np.ptp(x)), 1e-6)  # for the words at the edges
    return style.drawn(
        go.Scatter(x=x, y=y, textposition=label_sides(points, words), cliponaxis=False, **look),
        theme,
        580,
        xaxis={"title": {"text": axes[0]}, "range": [x.min() - room, x.max() + room]},
        yaxis={"title": {"text": axes[1]}, "scaleanchor": "x"},
    )


def label_sides(points: np.ndarray, words: Sequence[str]) -> list[str]:
    """Choose for each word the side of its point where its label covers least.

    Sizes are those of a map 800 pixels wide: a letter takes 7.5 pixels, a line 17.
    """
    extent = max(np.ptp(points[:, 0]) / 2, np.ptp(points[:, 1]), 1e-9)
    pixels = (points - points.min(axis=0)) * 400 / extent
    covered = [np.array([x - 7, x + 7, y - 7, y + 7]) for x, y in pixels]
    sides = []
    for (x, y), word in zip(pixels, words, strict=True):
        width = 7.5 * len(word)
        boxes = {
            "middle right": np.array([x + 9, x + 9 + width, y - 8, y + 8]),
            "middle left": np.array([x - 9 - width, x - 9, y - 8, y + 8]),
            "top center": np.array([x - width / 2, x + width / 2, y + 9, y + 25]),
            "bottom center": np.array([x - width / 2, x + width / 2, y - 25, y - 9]),
        }
        side = min(boxes, key=lambda side: sum(_overlap(boxes[side], box) for box in covered))
        covered.append(boxes[side])
        sides.append(side)
    return sides


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Measure the area that two boxes (left, right, bottom, top) share."""
    left, right, bottom, top = one
    width = min(right, other[1]) - max(left, other[0])
    height = min(top, other[3]) - max(bottom, other[2])
    return max(width, 0) * max(height, 0)


def nearest_on_map(points: np.ndarray, seen_from: int) -> int:
    """Find the word drawn nearest to another."""
    distances = np.linalg.norm(points - points[seen_from], axis=1)
    distances[seen_from] = np.inf
    return int(distances.argmin())


def look_for_map(
    words: Sequence[str], points: np.ndarray, cosines: np.ndarray, seen_from: int
) -> str:
    """Name the word drawn nearest to one of them, and how close it really is.

    Args:
        words: The words on the map.
        points: (word, axis).
        cosines: Of each word with the one from which is measured.
        seen_from: The place of that word.
    """
    nearest = nearest_on_map(points, seen_from)
    return (
        f"Drawn nearest to {quoted(words[seen_from])} is {quoted(words[nearest])}; their true "
        f"cosine is {number(cosines[nearest])}. The fuller a word's colour, the closer it is to "
        f"{quoted(words[seen_from])} in all 384 dimensions."
    )


def map_table(words: Sequence[str], points: np.ndarray, cosines: np.ndarray, name: str) -> Table:
    """Write where each word lies, and its true cosine with one word."""
    axes = {f"axis {i}": np.round(axis, 4).tolist() for i, axis in enumerate(points.T, 1)}
    return {"word": list(words), **axes, f"cosine with {name}": np.round(cosines, 4).tolist()}


Misleading = tuple[int, int, int, int, int]  # two words, rank on map and by cosine, all pairs


def pair_distances(points: np.ndarray) -> np.ndarray:
    """Measure how far apart every two words are drawn: (pair,), pairs as in `np.triu_indices`."""
    first, second = np.triu_indices(len(points), 1)
    return np.linalg.norm(points[first] - points[second], axis=1)


def distance_dots(
    words: Sequence[str],
    points: np.ndarray,
    cosines: np.ndarray,
    misleading: Misleading,
    theme: Theme,
) -> go.Figure:
    """Show for every pair of words how far apart it is drawn, and how close it is.

    Between rows of length 1 a map without loss would draw the distance √(2 − 2 cos).

    Args:
        words: The words on the map.
        points: (word, axis).
        cosines: (word, word).
        misleading: The pair to mark.
        theme: The theme to draw for.
    """
    first, second = np.triu_indices(len(words), 1)
    names = labels(words)
    colour = style.COLORS["embedding"][theme]
    drawn, true = pair_distances(points).astype(np.float32), cosines[first, second]
    misleads = misleading[2] != misleading[3]
    marked = (first == misleading[0]) & (second == misleading[1]) & misleads
    no_loss = np.linspace(min(true.min(), 0), 1, 60)
    return style.drawn(
        [
            go.Scatter(
                x=np.sqrt(2 - 2 * no_loss),
                y=no_loss,
                mode="lines",
                line={"color": style.COLORS["segment"][theme], "dash": "dash"},
                name="a map without loss",
                hoverinfo="skip",
            ),
            *(
                go.Scatter(
                    x=drawn[shown],
                    y=true[shown].astype(np.float32),
                    mode="markers",
                    marker={"color": colour, "size": size, "symbol": symbol, "opacity": opacity},
                    customdata=[
                        f"{names[i]} and {names[j]}"
                        for i, j in zip(first[shown], second[shown], strict=True)
                    ],
                    hovertemplate="%{customdata}<br>drawn %{x:.2f} apart, cosine %{y:.2f}"
                    "<extra></extra>",
                    name=name,
                )
                for shown, name, size, symbol, opacity in (
                    (~marked, "a pair of words", 6, "circle", 0.5),
                    (
                        marked,
                        f"{names[misleading[0]]} and {names[misleading[1]]}",
                        14,
                        "diamond",
                        1,
                    ),
                )
                if shown.any()
            ),
        ],
        theme,
        400,
        showlegend=True,
        xaxis={"title": {"text": "distance on the map"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "true cosine"}},
    )


def look_for_distances(words: Sequence[str], cosines: np.ndarray, misleading: Misleading) -> str:
    """Name the pair of words that the map puts too close."""
    first, second, on_map, by_cosine, n_pairs = misleading
    if on_map == by_cosine:
        return f"Here the map is true: it ranks all {n_pairs} pairs as their cosines do."
    return (
        "Every dot lies left of the line, or on it: flattening only brings words together. Do not "
        f"trust every distance: {quoted(words[first])} and {quoted(words[second])} are "
        f"number {on_map + 1} of {n_pairs} pairs by closeness on the map, but number "
        f"{by_cosine + 1} by true cosine ({number(cosines[first, second])})."
    )


def distance_table(words: Sequence[str], points: np.ndarray, cosines: np.ndarray) -> Table:
    """Write every pair of words, how far apart it is drawn and its true cosine."""
    first, second = np.triu_indices(len(words), 1)
    return {
        "one word": [words[i] for i in first],
        "other word": [words[j] for j in second],
        "distance on the map": np.round(pair_distances(points), 4).tolist(),
        "true cosine": np.round(cosines[first, second], 4).tolist(),
    }


def meaning_lines(
    word: str,
    same: np.ndarray,
    different: np.ndarray,
    learner: np.ndarray | None,
    theme: Theme,
) -> go.Figure:
    """Show the cosine of a word with itself in another sentence, stage by stage.

    Args:
        word: The word of the ready sentences.
        same: (pair, stage), sentences that mean the same by it.
        different: (pair, stage), sentences that do not.
        learner: (stage,), the learner's two sentences; None if one lacks the word.
        theme: The theme to draw for.
    """
    shades = style.colors(theme)
    kinds = (
        (same, f"{word}, same meaning", shades["positive"], "solid"),
        (different, f"{word}, different meanings", shades["negative"], "dash"),
    )
    lines = [_each_pair(pairs, colour) for pairs, _, colour, _ in kinds]
    for pairs, name, colour, dash in kinds:
        look = {"color": colour, "width": 3, "dash": dash}
        lines.append(_line(pairs.mean(axis=0), f"{name} (mean)", look))
    if learner is not None:
        look = {"color": style.TEXT[theme], "width": 2.5, "dash": "dot"}
        lines.append(_line(learner, "your two sentences", look))
    return style.drawn(
        lines,
        theme,
        440,
        xaxis={"title": {"text": "stage of the reading"}},
        yaxis={"title": {"text": "cosine"}},
    )


def _each_pair(pairs: np.ndarray, colour: str) -> go.Scatter:
    """Draw every pair as a faint line; a gap (NaN) ends each."""
    gap = np.full((len(pairs), 1), np.nan)
    return go.Scatter(
        x=[*STAGES, None] * len(pairs),
        y=np.hstack([pairs, gap]).ravel().astype(np.float32),
        mode="lines",
        line={"color": colour, "width": 1},
        opacity=0.35,
        showlegend=False,
        hoverinfo="skip",
    )


def _line(cosines: np.ndarray, name: str, line: dict[str, object]) -> go.Scatter:
    """Draw one line through all stages."""
    return go.Scatter(
        x=STAGES,
        y=cosines.astype(np.float32),
        mode="lines+markers",
        line=line,
        name=name,
        hovertemplate=f"%{{x}}: %{{y:.2f}}<extra>{name}</extra>",
    )


def look_for_meanings(
    word: str, same: np.ndarray, different: np.ndarray, shared: str, learner: np.ndarray | None
) -> str:
    """Say where two meanings of a word part, and what the learner's two sentences do."""
    gaps = same.mean(axis=0) - different.mean(axis=0)
    widest = int(gaps.argmax())
    ready = (
        f"In the table every {quoted(word)} is the same row. The gap is widest after "
        f"{STAGES[widest]}: {same[:, widest].mean():.2f} within a meaning, "
        f"{different[:, widest].mean():.2f} across."
    )
    if learner is None:
        return f"{ready} {quoted(shared)} is not in both of your sentences, so they have no line."
    return (
        f"{ready} {quoted(shared)} in your two sentences: {learner[0]:.2f} in the table, "
        f"{learner[widest]:.2f} after {STAGES[widest]}, {learner[-1]:.2f} after {STAGES[-1]}."
    )


def meaning_table(
    word: str, same: np.ndarray, different: np.ndarray, learner: np.ndarray | None
) -> Table:
    """Write the cosines of every pair of sentences, one column each."""
    columns = {
        f"{word}, {kind}, pair {number}": np.round(pair, 4).tolist()
        for kind, pairs in (("same meaning", same), ("different meanings", different))
        for number, pair in enumerate(pairs, 1)
    }
    yours = {} if learner is None else {"your two sentences": np.round(learner, 4).tolist()}
    return {"stage": list(STAGES), **yours, **columns}


def shared_heatmaps(
    tokens: Sequence[str], first: np.ndarray, second: np.ndarray, theme: Theme
) -> go.Figure:
    """Show the cosines of the tokens that two sentences share, in each, and the difference."""
    return comparison(
        first,
        second,
        tokens,
        tokens,
        ("your sentence", "the second"),
        "embedding",
        theme,
        measure="cosine",
        axis="shared token",
    )


def look_for_shared(
    tokens: Sequence[str], first: np.ndarray, second: np.ndarray, stage: int
) -> str:
    """Name the pair of shared tokens whose closeness the sentences change most."""
    rows, columns = np.triu_indices(len(tokens), 1)
    differences = (second - first)[rows, columns]
    most = int(np.abs(differences).argmax())
    i, j = int(rows[most]), int(columns[most])
    if stage == 0:
        return (
            f"In the table all pairs of the {len(tokens)} shared tokens are as close in one "
            "sentence as in the other: the same rows. Move on to the blocks to see them part."
        )
    return (
        f"After {STAGES[stage]} the pair that changes most is {quoted(tokens[i])}–"
        f"{quoted(tokens[j])}: {number(first[i, j])} in your sentence, {number(second[i, j])} in "
        "the second. In the table there is no difference at all."
    )


def shared_table(tokens: Sequence[str], first: np.ndarray, second: np.ndarray) -> Table:
    """Write both cosines of every pair of shared tokens, and the difference."""
    rows, columns = np.triu_indices(len(tokens), 1)
    one, other = first[rows, columns], second[rows, columns]
    return {
        "token": [f"{i + 1} {tokens[i]}" for i in rows],
        "with": [f"{j + 1} {tokens[j]}" for j in columns],
        "your sentence": np.round(one, 4).tolist(),
        "the second": np.round(other, 4).tolist(),
        "difference": np.round(other - one, 4).tolist(),
    }
