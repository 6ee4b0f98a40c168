"""Figures of sentence meaning: shares of the tokens, cosines of texts, a probe, pairs that fail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from math import log
from typing import NamedTuple
from unicodedata import east_asian_width

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.embeddings import closest_pairs, number
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

Table = dict[str, list[object]]
Offsets = Sequence[tuple[int, int]]  # of tokens in the text; (0, 0) for those nobody typed
# Kind, sentence, the same meaning in other words, another meaning in almost the same words, and the
# cosine of the sentence with either.
Triple = tuple[str, str, str, str, float, float]

ROW_HEIGHT = 46  # pixels, of a bar with its text above
MAX_HEIGHT = 1_500  # pixels; the names of more than 60 tokens are thinned out
# From which cosine on a cell needs the other colour for its number, and both colours: with these
# the contrast is above 4.3:1 at any cosine from -0.7 to 1.
NUMBERS = {"light": (0.75, "#000000", "#ffffff"), "dark": (0.6, "#ffffff", "#000000")}


def short(text: str, most: int = 40) -> str:
    """Cut a text so that it fits a phone; a Chinese character takes the room of two letters."""
    ends = accumulate(2 if east_asian_width(character) in "WF" else 1 for character in text)
    kept = sum(end < most for end in ends)
    return text if kept + 1 >= len(text) else f"{text[:kept].rstrip()}…"


def named(text: str) -> str:
    """Quote a text in a sentence, cut where it would become too long to read."""
    return quoted(short(text, 90))


def typed_tokens(offsets: Offsets) -> np.ndarray:
    """Say for each token whether the learner typed it: (token,) of booleans."""
    start, end = np.array(offsets).T
    return start < end


# What each token gives


def share_bars(
    shares: np.ndarray, tokens: Sequence[str], offsets: Offsets, theme: Theme
) -> go.Figure:
    """Show how much of the sentence vector each token gives; special tokens are grey."""
    shades, even = style.colors(theme), 1 / len(tokens)
    return _token_bars(
        shares,
        tokens,
        [shades["output" if typed else "segment"] for typed in typed_tokens(offsets)],
        "share",
        f"dotted: an even share, {percent(even)}",
        theme,
        shapes=[_dotted(theme, x0=even, x1=even, y0=0, y1=1, yref="paper")],
    )


def _token_bars(
    values: np.ndarray,
    tokens: Sequence[str],
    colors: Sequence[str],
    unit: str,
    note: str,
    theme: Theme,
    **layout: object,
) -> go.Figure:
    """Draw a bar per token, the first at the top, with a note above them."""
    bars = go.Bar(
        x=values.astype(np.float32),
        y=style.plot_labels(tokens),
        orientation="h",
        marker={"color": colors},
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    return style.drawn(
        bars,
        theme,
        min(90 + 22 * len(tokens), MAX_HEIGHT),
        margin={"t": 26},
        annotations=[_note(note, y=1, yref="paper")],
        xaxis={"title": {"text": unit}, "tickformat": ".0%", "nticks": 6},
        yaxis={"autorange": "reversed", "showgrid": False},
        **layout,
    )


def look_for_shares(shares: np.ndarray, tokens: Sequence[str], offsets: Offsets) -> str:
    """Name the tokens that give most and least, and say what the special ones give."""
    typed = np.flatnonzero(typed_tokens(offsets))
    special = percent(1 - shares[typed].sum())
    if not typed.size:
        return f"There are only special tokens here; they give {special}."
    most, least = (typed[place] for place in (shares[typed].argmax(), shares[typed].argmin()))
    return (
        f"{quoted(tokens[most])} gives most, {percent(shares[most])}, and {quoted(tokens[least])} "
        f"least, {percent(shares[least])}; an even share would be {percent(1 / len(tokens))}. "
        f"Tokens that nobody typed (grey) give {special} in all."
    )


def percent(value: float) -> str:
    """Write a share with one decimal and a true minus."""
    return f"{round(100 * float(value), 1) + 0.0:.1f}%".replace("-", "−")


def share_table(shares: np.ndarray, tokens: Sequence[str]) -> Table:
    """Write the share of each token."""
    names = [f"{place} {token}" for place, token in enumerate(tokens, 1)]
    return {"token": names, "share": np.round(shares, 4).tolist()}


def largest_share(projections: np.ndarray, offsets: Offsets) -> int:
    """Find the typed token that gives most; of any, if nobody typed one."""
    typed = np.flatnonzero(typed_tokens(offsets))
    places = typed if typed.size else np.arange(len(projections))
    return int(places[projections[places].argmax()])


def share_arithmetic(
    tokens: Sequence[str], place: int, projections: np.ndarray, mean_length: float
) -> str:
    """Compute the share of one token."""
    length, n = projections[place], len(tokens)
    return (
        f"The vector of {quoted(tokens[place])} reaches $x_t \\cdot s = {length:.3f}$ the way of "
        f"the sentence vector; the mean of all {n} is $\\lVert m \\rVert = {mean_length:.3f}$ "
        f"long. The share: $x_t \\cdot s / (n \\lVert m \\rVert) = {length:.3f} / ({n} \\cdot "
        f"{mean_length:.3f}) = {length / (n * mean_length):.4f}$."
    )


# Sentences compared


def cosine_heatmap(lines: Sequence[str], cosines: np.ndarray, theme: Theme) -> go.Figure:
    """Show the cosine of every pair of lines with its value, each line above its row."""
    strong, on_weak, on_strong = NUMBERS[theme]
    values = np.array([[cell_number(cosine) for cosine in row] for row in cosines])
    full = [style.plot_text(short(line, 90)) for line in lines]
    cells = [
        go.Heatmap(
            z=np.where(shown, cosines, np.nan).astype(np.float32),
            text=np.where(shown, values, ""),
            texttemplate="%{text}",
            textfont={"color": color, "size": 12},
            customdata=[[f"{one}<br>{other}" for other in full] for one in full],
            hovertemplate="%{customdata}<br>cosine %{z:.3f}<extra></extra>",
            hoverongaps=False,
            coloraxis="coloraxis",
            x0=1,
            y0=1,
            xgap=1,
            ygap=22,
        )
        for shown, color in (
            (np.abs(cosines) < strong, on_weak),
            (np.abs(cosines) >= strong, on_strong),
        )
    ]
    texts = [
        _note(style.plot_text(short(line)), y=place - 0.5, yanchor="middle")
        for place, line in enumerate(lines, 1)
    ]
    axis = {"showgrid": False, "zeroline": False, "dtick": 1, "fixedrange": True}
    return style.drawn(
        cells,
        theme,
        130 + ROW_HEIGHT * len(lines),
        annotations=texts,
        xaxis={**axis, "title": {"text": "line"}},
        yaxis={**axis, "range": [len(lines) + 0.3, 0.2]},
        coloraxis={
            "cmin": -1,
            "cmax": 1,
            "cmid": 0,
            "colorscale": style.diverging_scale(theme),
            "colorbar": {
                "title": {"text": "cosine", "side": "top", "font": {"size": 13}},
                "tickvals": [-1, 0, 1],
                "orientation": "h",
                "thickness": 10,
                "ypad": 0,
                "outlinewidth": 0,
                "len": 0.6,
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
            },
        },
    )


def cell_number(cosine: float) -> str:
    """Write a cosine as short as twelve columns on a phone need it: .83."""
    return number(cosine).replace("1.00", "1").removeprefix("0").replace("−0", "−")


def look_for_similarity(lines: Sequence[str], cosines: np.ndarray) -> str:
    """Name the most and the least alike pair of lines."""
    pairs = closest_pairs(cosines, len(lines) ** 2)
    sentences = [
        f"{how} alike, {number(cosine)}: {named(lines[first])} (line {first + 1}) and "
        f"{named(lines[second])} (line {second + 1})."
        for how, (first, second, cosine) in (("Most", pairs[0]), ("Least", pairs[-1]))
    ]
    return " ".join(sentences if len(pairs) > 1 else sentences[:1])


def most_alike(cosines: np.ndarray) -> tuple[int, int]:
    """Find the two lines that are most alike."""
    first, second, _ = closest_pairs(cosines, 1)[0]
    return int(first), int(second)


def cosine_arithmetic(first: np.ndarray, second: np.ndarray, texts: tuple[str, str]) -> str:
    """Multiply the vectors of two texts, of length 1, entry by entry, and add the products."""
    products = " + ".join(
        rf"{factor(one)} \cdot {factor(other)}"
        for one, other in zip(first[:3], second[:3], strict=True)
    )
    return (
        f"The vectors of {named(texts[0])} and {named(texts[1])} have length 1, so their cosine is "
        f"the sum of the products of their {len(first)} entries: "
        rf"$s \cdot s' = {products} + \dots = {first @ second:.4f}$."
    )


def factor(value: float) -> str:
    """Write a factor of a product, in brackets if it is below 0."""
    return f"({value:.3f})" if value < 0 else f"{value:.3f}"


def similarity_table(lines: Sequence[str], cosines: np.ndarray) -> Table:
    """Write the cosines, one line each."""
    columns = {f"line {i}": np.round(row, 4).tolist() for i, row in enumerate(cosines, 1)}
    return {"line": list(range(1, len(lines) + 1)), "sentence": list(lines), **columns}


# Texts ranked


class Row(NamedTuple):
    """A text above a bar as long as its cosine; a heading has none."""

    text: str
    cosine: float | None
    quantity: str = "output"


def cosine_bars(texts: Sequence[str], cosines: np.ndarray, theme: Theme) -> go.Figure:
    """Show texts from the top down, each above the bar of its cosine."""
    return _bars(list(map(Row, texts, cosines.tolist())), {"output": "cosine"}, theme)


def _bars(rows: Sequence[Row], names: dict[str, str], theme: Theme) -> go.Figure:
    """Draw rows from the top down, one colour and one name in the legend per quantity."""
    with_bar = [(i, row) for i, row in enumerate(reversed(rows)) if row.cosine is not None]
    traces = [
        go.Bar(
            x=np.array([row.cosine for _, row in shown], dtype=np.float32),
            y=[height for height, _ in shown],
            width=0.42,
            orientation="h",
            name=name,
            marker={"color": style.COLORS[quantity][theme]},
            text=[number(row.cosine) for _, row in shown],
            textposition="outside",
            cliponaxis=False,
            customdata=[style.plot_text(short(row.text, 90)) for _, row in shown],
            hovertemplate="%{customdata}<br>cosine %{x:.3f}<extra></extra>",
        )
        for quantity, name in names.items()
        for shown in ([(height, row) for height, row in with_bar if row.quantity == quantity],)
    ]
    lowest = min(0.0, *(row.cosine for _, row in with_bar))
    return style.drawn(
        traces,
        theme,
        80 + ROW_HEIGHT * len(rows),
        showlegend=len(traces) > 1,
        annotations=[_text_of(row, height) for height, row in enumerate(reversed(rows))],
        xaxis={"title": {"text": "cosine"}, "range": [1.2 * lowest, 1.12]},
        yaxis={"visible": False, "range": [-0.4, len(rows) - 0.1]},
    )


def _text_of(row: Row, height: int) -> dict[str, object]:
    """Write the text of a row above its bar, and a heading, in bold, where the bar would be."""
    text = style.plot_text(short(row.text))
    if row.cosine is None:
        return _note(f"<b>{text}</b>", y=height - 0.2)
    return _note(text, y=height + 0.2)


def _note(text: str, **place: object) -> dict[str, object]:
    """Write a text that begins at the left and stands on its place."""
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        **place,
    }


def _dotted(theme: Theme, **ends: object) -> dict[str, object]:
    """Draw a dotted line to compare with."""
    return {"line": {"color": style.TEXT[theme], "dash": "dot", "width": 1.5}, **ends}


def common_words(first: str, second: str) -> list[str]:
    """List the words that two texts share, in the order of the first."""
    in_second = set(re.findall(r"\w+", second.lower()))
    return [word for word in dict.fromkeys(re.findall(r"\w+", first.lower())) if word in in_second]


def look_for_search(query: str, ranked: Sequence[str], cosines: np.ndarray) -> str:
    """Name the best line, how far it is ahead, and which words it shares with the query."""
    shared = ", ".join(map(quoted, common_words(query, ranked[0])))
    words = f"Words in common: {shared}." if shared else "They have no word in common."
    lead = f", {number(cosines[0] - cosines[1])} ahead of the next" if len(ranked) > 1 else ""
    return f"Nearest to {quoted(query)} is {quoted(ranked[0])}, {number(cosines[0])}{lead}. {words}"


def look_for_labels(ranked: Sequence[str], cosines: np.ndarray) -> str:
    """Name the winning label and how far it is ahead."""
    return (
        f"{named(ranked[0])} wins with {number(cosines[0])}, {number(cosines[0] - cosines[1])} "
        f"ahead of {named(ranked[1])}."
    )


def ranking_table(texts: Sequence[str], cosines: np.ndarray) -> Table:
    """Write ranked texts with their cosines."""
    return {
        "rank": list(range(1, len(texts) + 1)),
        "text": list(texts),
        "cosine": np.round(cosines, 4).tolist(),
    }


# The probe


def loss_lines(
    loss: np.ndarray, left_out_loss: np.ndarray, n_labels: int, theme: Theme
) -> go.Figure:
    """Show both losses over the steps of the training, beside that of guessing."""
    lines = [
        go.Scatter(
            y=losses.astype(np.float32),
            mode="lines+markers" if len(losses) <= 11 else "lines",
            name=name,
            line={"color": style.COLORS[quantity][theme], "width": 3, "dash": dash},
            hovertemplate=f"{name}, step %{{x}}: %{{y:.3f}}<extra></extra>",
        )
        for losses, name, quantity, dash in (
            (loss, "examples", "positive", "solid"),
            (left_out_loss, "left-out lines", "negative", "dash"),
        )
    ]
    guess = log(n_labels)
    return style.drawn(
        lines,
        theme,
        320,
        shapes=[_dotted(theme, x0=0, x1=1, xref="paper", y0=guess, y1=guess)],
        annotations=[_note("guessing", x=1, xanchor="right", y=guess)],
        xaxis={"title": {"text": "step"}},
        yaxis={"title": {"text": "loss (nats)"}, "rangemode": "tozero"},
    )


def look_for_training(
    loss: np.ndarray, left_out_right: np.ndarray, n_examples: int, n_labels: int
) -> str:
    """Say how well the examples are learned, and how many left-out lines are labelled right."""
    return (
        f"After {len(loss) - 1} steps the loss on the examples has fallen from {loss[0]:.2f} to "
        f"{loss[-1]:.2f}. Of the {n_examples} lines, each judged without having been learned, "
        f"{round(float(left_out_right[-1]) * n_examples)} get their own label; guessing would get "
        f"about {n_examples / n_labels:.0f}."
    )


def training_table(
    loss: np.ndarray, left_out_loss: np.ndarray, left_out_right: np.ndarray
) -> Table:
    """Write the training, one line per step."""
    return {
        "step": list(range(len(loss))),
        "loss on the examples": np.round(loss, 4).tolist(),
        "loss on left-out lines": np.round(left_out_loss, 4).tolist(),
        "left-out lines right": np.round(left_out_right, 4).tolist(),
    }


def ranked_probabilities(labels: Sequence[str], probabilities: np.ndarray) -> str:
    """Write the three most probable labels."""
    order = probabilities.argsort()[::-1]
    named = ", ".join(f"{quoted(labels[i])} {percent(probabilities[i])}" for i in order[:3])
    return f"The probe says: {named}."


def weight_bars(weights: Sequence[tuple[str, int, int]], theme: Theme) -> go.Figure:
    """Show which share of the weights of each part changed.

    Args:
        weights: Part, changed weights, all weights; the probe last, the rest is the encoder.
        theme: Light or dark.
    """
    parts, changed, n = zip(*weights, strict=True)
    shades = style.colors(theme)
    bars = go.Bar(
        x=(np.array(changed) / np.array(n)).astype(np.float32),
        y=list(parts),
        orientation="h",
        marker={"color": shades["output"]},
        text=[f" {one:,} of {all_:,}" for one, all_ in zip(changed, n, strict=True)],
        textposition=["outside"] * (len(parts) - 1) + ["auto"],
        cliponaxis=False,
        hovertemplate="%{y}: %{text} weights<extra></extra>",
    )
    return style.drawn(
        bars,
        theme,
        90 + 28 * len(parts),
        xaxis={
            "title": {"text": "share of the weights that changed"},
            "range": [0, 1.03],
            "tickformat": ".0%",
        },
        yaxis={"autorange": "reversed", "showgrid": False},
    )


def look_for_weights(weights: Sequence[tuple[str, int, int]], n_examples: int) -> str:
    """Count the weights of encoder and probe that are not as they were at the beginning."""
    *encoder, (_, probe_changed, n_probe) = weights
    n_changed, n = (sum(part[place] for part in encoder) for place in (1, 2))
    return (
        f"After your sentence and {n_examples} examples, {n_changed:,} of the {n:,} weights of the "
        f"encoder differ from the file as published. Of the probe, which began with zeros, "
        f"{probe_changed:,} of {n_probe:,} have changed; they are kept apart, in memory only."
    )


def weight_table(weights: Sequence[tuple[str, int, int]]) -> Table:
    """Write how many weights of each part changed."""
    parts, changed, n = zip(*weights, strict=True)
    return {"part": list(parts), "changed": list(changed), "weights": list(n)}


def effect_bars(effects: np.ndarray, tokens: Sequence[str], label: str, theme: Theme) -> go.Figure:
    """Show what each token did for the label; those never left out have no bar."""
    shades = style.colors(theme)
    return _token_bars(
        effects,
        tokens,
        [shades["negative" if effect < 0 else "positive"] for effect in effects],
        "probability that the token brought",
        f"to the right: speaks for {style.plot_text(short(label, 20))}",
        theme,
    )


def look_for_effects(
    labels: Sequence[str], probabilities: np.ndarray, effects: np.ndarray, tokens: Sequence[str]
) -> str:
    """Say what the probe decides, and which tokens spoke most for it and against it."""
    said = ranked_probabilities(labels, probabilities)
    if np.isnan(effects).all():
        return f"{said} There is no token to leave out."
    most, least = int(np.nanargmax(effects)), int(np.nanargmin(effects))
    winner, label = float(probabilities.max()), quoted(labels[probabilities.argmax()])
    if effects[most] > 0:
        said += (
            f" Without {quoted(tokens[most])}, {label} would have "
            f"{percent(winner - effects[most])}: that token spoke most for it."
        )
    if effects[least] < 0:
        said += (
            f" Without {quoted(tokens[least])}, {label} would have "
            f"{percent(winner - effects[least])}: that token spoke most against it."
        )
    return said


def effect_table(effects: np.ndarray, tokens: Sequence[str]) -> Table:
    """Write what each token did for the winning label; nothing for those never left out."""
    return {
        "token": [f"{place} {token}" for place, token in enumerate(tokens, 1)],
        "probability it brought": [
            None if np.isnan(effect) else round(float(effect), 4) for effect in effects
        ],
    }


# Limits


def limit_bars(
    triples: Sequence[Triple], pair: tuple[str, str], cosine: float, theme: Theme
) -> go.Figure:
    """Show the first triple of each kind as two bars, and below them the learner's own pair."""
    first = {kind: triple for kind, *triple in reversed(triples)}
    rows = [
        row
        for kind, (sentence, paraphrase, changed, same, other) in reversed(first.items())
        for row in (
            Row(f"{kind}: {sentence}", None),
            Row(paraphrase, same, "positive"),
            Row(changed, other, "negative"),
        )
    ]
    rows += [Row(f"yours: {pair[0]}", None), Row(pair[1], cosine, "output")]
    names = {
        "positive": "same meaning",
        "negative": "other meaning",
        "output": "your pair",
    }
    return _bars(rows, names, theme)


def look_for_limits(triples: Sequence[Triple], cosine: float) -> str:
    """Count for each kind of change how often the model finds the wrong sentence closer."""
    wrong: dict[str, list[bool]] = {}
    for kind, *_, same, other in triples:
        wrong.setdefault(kind, []).append(other > same)
    counts = ", ".join(f"{kind} {sum(found)} of {len(found)}" for kind, found in wrong.items())
    n_wrong = sum(map(sum, wrong.values()))
    return (
        f"In {n_wrong} of {len(triples)} ready examples the sentence with the other meaning comes "
        f"closer than the paraphrase: {counts}. Your pair has {number(cosine)}."
    )


def limit_table(triples: Sequence[Triple], pair: tuple[str, str], cosine: float) -> Table:
    """Write all triples and the learner's pair, two lines each triple."""
    lines = [("yours", *pair, "", cosine)]
    for kind, sentence, paraphrase, changed, same, other in triples:
        lines += [
            (kind, sentence, paraphrase, "same", same),
            (kind, sentence, changed, "other", other),
        ]
    kinds, sentences, others, meanings, cosines = zip(*lines, strict=True)
    return {
        "kind": list(kinds),
        "sentence": list(sentences),
        "compared with": list(others),
        "meaning": list(meanings),
        "cosine": [round(value, 4) for value in cosines],
    }


# Two sentences


def shared_bars(
    tokens: Sequence[str], first: np.ndarray, second: np.ndarray, theme: Theme
) -> go.Figure:
    """Show what the tokens that two sentences share give to each, and the difference.

    Args:
        tokens: Those that are shared.
        first: The share of each in the first sentence.
        second: The same in the second.
        theme: Light or dark.
    """
    shades, labels = style.colors(theme), style.plot_labels(tokens)
    difference = second - first
    largest = max(float(np.abs(difference).max()), 1e-3)
    bars = [
        go.Bar(
            x=shares.astype(np.float32),
            y=labels,
            orientation="h",
            name=name,
            marker={"color": shades[quantity], "pattern": {"shape": pattern}},
            hovertemplate=f"%{{y}}, {name}: %{{x:.1%}}<extra></extra>",
        )
        for name, shares, quantity, pattern in (
            ("yours", first, "output", ""),
            ("second", second, "token", "/"),
        )
    ]
    bars.append(
        go.Bar(
            x=difference.astype(np.float32),
            y=labels,
            xaxis="x2",
            orientation="h",
            showlegend=False,
            marker={"color": [shades["negative" if d < 0 else "positive"] for d in difference]},
            hovertemplate="%{y}, second − yours: %{x:+.1%}<extra></extra>",
        )
    )
    return style.drawn(
        bars,
        theme,
        min(110 + 34 * len(tokens), MAX_HEIGHT),
        showlegend=True,
        xaxis={"title": {"text": "share"}, "domain": [0, 0.58], "tickformat": ".0%", "nticks": 5},
        xaxis2={
            "title": {"text": "second − yours"},
            "domain": [0.66, 1],
            "range": [-1.5 * largest, 1.5 * largest],
            "tickvals": [-largest, largest],
            "tickformat": "+.1%",
            "tickangle": 0,
            "zeroline": True,
            "zerolinecolor": style.TEXT[theme],
        },
        yaxis={"autorange": "reversed", "showgrid": False},
    )


def look_for_shared(
    tokens: Sequence[str], first: np.ndarray, second: np.ndarray, cosine: float
) -> str:
    """Say how alike the sentences are, and which token's share differs most."""
    most = int(np.abs(second - first).argmax())
    return (
        f"The two sentence vectors have a cosine of {number(cosine)}. Of the {len(tokens)} tokens "
        f"that both share, {quoted(tokens[most])} differs most: it gives {percent(first[most])} of "
        f"yours and {percent(second[most])} of the second."
    )


def shared_table(tokens: Sequence[str], first: np.ndarray, second: np.ndarray) -> Table:
    """Write the shares of common tokens in both sentences, and the difference."""
    return {
        "token": [f"{place} {token}" for place, token in enumerate(tokens, 1)],
        "yours": np.round(first, 4).tolist(),
        "second": np.round(second, 4).tolist(),
        "difference": np.round(second - first, 4).tolist(),
    }
