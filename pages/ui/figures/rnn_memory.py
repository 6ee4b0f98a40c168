"""Figures of the lesson on memory: answers, accuracy by length, alignment, what words leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.style import Theme

Table = dict[str, list[object]]

NAMES = {
    "fixed": "one vector",
    "attention": "attention",
    "transformer": "Transformer",
    "wide": "one vector, twice as wide",
}
COLORS = {"fixed": "LSTM", "attention": "attention", "transformer": "Transformer", "wide": "LSTM"}
DASHES = {"fixed": "solid", "attention": "dash", "transformer": "dot", "wide": "dashdot"}
SYMBOLS = {"fixed": "circle", "attention": "square", "transformer": "diamond", "wide": "cross"}
TRAINED_LENGTH = 9  # source words
MISSING = "–"


class Cell(NamedTuple):
    """What an answer says where the truth has a word."""

    text: str
    right: bool


def compared(answer: Sequence[str], truth: Sequence[str]) -> list[Cell]:
    """Lay an answer beside the truth, word by word.

    A word that was left out is a dash; words too many stand with the word before them.

    Returns:
        One cell per word of the truth; all are right only if the answer is.
    """
    cells: list[Cell] = []
    surplus: list[str] = []  # before the first word
    for what, i, j, k, end in SequenceMatcher(None, answer, truth, autojunk=False).get_opcodes():
        words, n_places = list(answer[i:j]), end - k
        if what == "equal":
            cells += [Cell(word, True) for word in words]
        elif not n_places and not cells:
            surplus = words
        elif not n_places:
            cells[-1] = Cell(" ".join([cells[-1].text, *words]), False)
        else:
            shown = [*words[: n_places - 1], " ".join(words[n_places - 1 :])][:n_places]
            shown += [""] * (n_places - len(shown))
            cells += [Cell(text or MISSING, False) for text in shown]
    if surplus:
        cells[0] = Cell(" ".join([*surplus, cells[0].text]), False)
    return cells


def answers_grid(
    truth: Sequence[str], answers: Mapping[str, Sequence[str]], theme: Theme
) -> go.Figure:
    """Show the true German words from top to bottom, and beside each what was written."""
    columns = {kind: compared(answer, truth) for kind, answer in answers.items()}
    texts = [
        [style.plot_text(word), *(marked(cells[row]) for cells in columns.values())]
        for row, word in enumerate(truth)
    ]
    wrong = [
        [0.0, *(float(not cells[row].right) for cells in columns.values())]
        for row in range(len(truth))
    ]
    grid = go.Heatmap(
        z=wrong,
        x=["German", *(NAMES[kind] for kind in answers)],
        text=texts,
        texttemplate="%{text}",
        textfont={"size": 14, "color": style.TEXT[theme]},
        zmin=0,
        zmax=1,
        colorscale=[[0, style.BACKGROUND[theme]], [1, WRONG[theme]]],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverinfo="skip",
    )
    return style.drawn(
        grid,
        theme,
        60 + 27 * len(truth),
        xaxis={"side": "top", "showgrid": False, "ticks": ""},
        yaxis={"autorange": "reversed", "showgrid": False, "showticklabels": False, "ticks": ""},
    )


WRONG: dict[Theme, str] = {"light": "#f8d3cd", "dark": "#6b2620"}


def marked(cell: Cell) -> str:
    """Write a cell with its mark."""
    return f"{'✓' if cell.right else '✗'} {style.plot_text(cell.text)}"


def look_for_answers(
    source: Sequence[str], truth: Sequence[str], answers: Mapping[str, Sequence[str]]
) -> str:
    """Say who is right, and how many words are not."""
    verdicts = []
    for kind, answer in answers.items():
        n_wrong = sum(not cell.right for cell in compared(answer, truth))
        verdict = f"{n_wrong} of {len(truth)} words wrong" if n_wrong else "all right"
        verdicts.append(f"**{NAMES[kind]}**: {verdict}")
    n_words = len(source)
    range_ = (
        "within what was trained" if n_words <= TRAINED_LENGTH else "longer than any trained on"
    )
    return f"*{' '.join(source)}* has {n_words} words, {range_}. {', '.join(verdicts)}."


def answers_table(truth: Sequence[str], answers: Mapping[str, Sequence[str]]) -> Table:
    """Write the answers word by word."""
    columns = {NAMES[kind]: compared(answer, truth) for kind, answer in answers.items()}
    marks = {
        name: [("" if c.right else "✗ ") + c.text for c in cells] for name, cells in columns.items()
    }
    return {"German": list(truth), **marks}


def accuracy_lines(
    x: np.ndarray,
    accuracy: Mapping[str, np.ndarray],
    theme: Theme,
    x_title: str,
    **layout: object,
) -> go.Figure:
    """Show the share of right translations: the mean over the seeds, and a band over all of them.

    Args:
        x: Lengths, or updates.
        accuracy: Name -> (seed, x).
        theme: Light or dark.
        x_title: What runs to the right.
        layout: What is particular to this figure.
    """
    traces: list[go.Scatter] = []
    for name, table in accuracy.items():
        colour = style.COLORS[COLORS[name]][theme]
        mean, low, high = table.mean(axis=0), table.min(axis=0), table.max(axis=0)
        traces += [
            go.Scatter(
                x=np.concatenate([x, x[::-1]]),
                y=np.concatenate([high, low[::-1]]),
                fill="toself",
                fillcolor=f"rgba{(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)), 0.2)}",
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            ),
            go.Scatter(
                x=x,
                y=mean,
                customdata=np.column_stack([low, high]),
                name=NAMES[name],
                mode="lines+markers",
                line={"color": colour, "width": 3, "dash": DASHES[name]},
                marker={"size": 8, "symbol": SYMBOLS[name]},
                hovertemplate=f"{NAMES[name]}, %{{x}}: %{{y:.2f}}<br>seeds from "
                "%{customdata[0]:.2f} to %{customdata[1]:.2f}<extra></extra>",
            ),
        ]
    return style.drawn(
        traces,
        theme,
        400,
        xaxis={"title": x_title},
        yaxis={"title": "share of right translations", "range": [-0.04, 1.04]},
        **layout,
    )


def length_lines(
    lengths: np.ndarray, accuracy: Mapping[str, np.ndarray], length: int, theme: Theme
) -> go.Figure:
    """Show accuracy over the length of the source, with the learner's own length marked."""
    kinds = {name: table for name, table in accuracy.items() if name != "wide"}
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1}
    return accuracy_lines(
        lengths,
        kinds,
        theme,
        "words of the source (English)",
        shapes=[
            line | {"x0": TRAINED_LENGTH + 0.5, "x1": TRAINED_LENGTH + 0.5,
                    "line": {"color": style.TEXT[theme], "dash": "dash", "width": 1}},
            line | {"x0": length, "x1": length,
                    "line": {"color": style.COLORS["position"][theme], "width": 6},
                    "opacity": 0.35},
        ],
        annotations=[
            {"x": length, "y": 1, "yref": "paper", "yanchor": "bottom", "text": "yours",
             "showarrow": False, "font": {"color": style.COLORS["position"][theme]}},
            {"x": TRAINED_LENGTH + 0.5, "y": 0.1, "yref": "paper", "xanchor": "right",
             "text": "trained up to 9 words ", "showarrow": False},
        ],
    )  # fmt: skip


def look_for_length(lengths: np.ndarray, accuracy: Mapping[str, np.ndarray], n_pairs: int) -> str:
    """Say how far each kind gets, at the edge of what was trained and beyond."""
    at = {int(length): column for column, length in enumerate(lengths)}
    parts = []
    for kind in ("fixed", "attention", "transformer"):
        means = [f"{accuracy[kind][:, at[n]].mean():.2f}" for n in (6, 9, 12)]
        parts.append(f"**{NAMES[kind]}** {', '.join(means)}")
    return (
        f"Share of right answers at 6, 9 and 12 words: {'; '.join(parts)}. Lines are the mean of "
        f"{len(accuracy['fixed'])} networks, bands hold all of them; {n_pairs} numbers per length."
    )


def length_table(x: np.ndarray, accuracy: Mapping[str, np.ndarray], x_name: str) -> Table:
    """Write the accuracy of every seed."""
    columns = {
        f"{NAMES[name]}, seed {seed + 1}": np.round(row, 3).tolist()
        for name, table in accuracy.items()
        for seed, row in enumerate(table)
    }
    return {x_name: x.tolist(), **columns}


def alignment_heatmap(
    weights: np.ndarray, source: Sequence[str], words: Sequence[str], theme: Theme
) -> go.Figure:
    """Show where the translator looked (columns) while it wrote each word (rows).

    Args:
        weights: (written, source); both end with END, unless the answer never ended.
        source: English words.
        words: What it wrote.
        theme: Light or dark.
    """
    rows, columns = alignment_labels(weights, source, words)
    heatmap = go.Heatmap(
        z=weights.astype(np.float32),
        x=style.plot_labels(columns),
        y=style.plot_labels(rows),
        zmin=0,
        zmax=1,
        colorscale=style.sequential_scale("weights", theme),
        colorbar={"title": "weight", "thickness": 12},
        hovertemplate="%{y} looks at %{x}: %{z:.2f}<extra></extra>",
    )
    return style.drawn(
        heatmap,
        theme,
        140 + 24 * len(rows),
        xaxis={"title": "read", "showgrid": False, "side": "top", "tickangle": -60},
        yaxis={"title": "written", "autorange": "reversed", "showgrid": False},
    )


def alignment_labels(
    weights: np.ndarray, source: Sequence[str], words: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Name the rows and columns of an alignment."""
    return [*words, "(end)"][: len(weights)], [*source, "(end)"]


def look_for_alignment(
    weights: np.ndarray,
    source: Sequence[str],
    words: Sequence[str],
    dictionary: Mapping[str, str],
) -> str:
    """Say how many words were written while looking at the word they translate."""
    most = [
        source[column] if column < len(source) else "(end)" for column in weights.argmax(axis=1)
    ]
    known = [(word, seen) for word, seen in zip(words, most, strict=False) if word in dictionary]
    hits = sum(dictionary[word] == seen for word, seen in known)
    crossing = next(
        (
            (words[row], words[row + 2])
            for row in range(len(words) - 2)
            if words[row + 1] == "und" and weights[row].argmax() > weights[row + 2].argmax()
        ),
        None,
    )
    turn = (
        f" At *{crossing[0]} und {crossing[1]}* it steps back: ones before tens."
        if crossing
        else ""
    )
    return (
        f"{hits} of {len(known)} words were written while looking most at the English word they "
        f"translate.{turn}"
    )


def alignment_arithmetic(
    weights: np.ndarray, source: Sequence[str], words: Sequence[str], row: int
) -> str:
    """Write the mixture that was made for one word, its three largest parts by name."""
    rows, columns = alignment_labels(weights, source, words)
    shares = weights[row]
    largest = np.argsort(-shares)[:3]
    parts = [rf"{shares[place]:.2f}\,\bar h_{{\text{{{columns[place]}}}}}" for place in largest]
    rest = float(shares.sum() - shares[largest].sum())
    return (
        f"For *{rows[row]}*: $c_{{{row + 1}}} = {' + '.join(parts)} + \\ldots$; the others have "
        f"${rest:.2f}$ together, and all weights sum to ${shares.sum():.2f}$."
    )


def alignment_table(weights: np.ndarray, source: Sequence[str], words: Sequence[str]) -> Table:
    """Write the weights: one row per written word."""
    rows, columns = alignment_labels(weights, source, words)
    cells = {
        f"{place + 1} {word}": np.round(weights[:, place], 3).tolist()
        for place, word in enumerate(columns)
    }
    return {"written": rows, **cells}


def reach_lines(
    trained: np.ndarray, fresh: np.ndarray, source: Sequence[str], theme: Theme
) -> go.Figure:
    """Show how strongly c answers to each word, before and after training."""
    labels = style.plot_labels(source)
    lines = [
        go.Scatter(
            x=labels,
            y=norms,
            name=name,
            mode="lines+markers",
            line={"color": style.COLORS[quantity][theme], "width": 3, "dash": dash},
            marker={"size": 9, "symbol": symbol},
            hovertemplate=f"%{{x}}, {name}: %{{y:.2g}}<extra></extra>",
        )
        for name, norms, quantity, dash, symbol in (
            ("trained", trained, "LSTM", "solid", "circle"),
            ("before training", fresh, "token", "dot", "square"),
        )
    ]
    return style.drawn(
        lines,
        theme,
        360,
        xaxis={"title": "word of the source"},
        yaxis={"title": "‖∂c/∂x‖", "type": "log", "exponentformat": "power", "dtick": 1},
    )


def look_for_reach(trained: np.ndarray, fresh: np.ndarray, source: Sequence[str]) -> str:
    """Say how much of the first word arrives beside the last."""
    if len(source) < 2:
        return f"One word, and nothing after it to push it out of c: ‖∂c/∂x‖ = {trained[0]:.2f}."
    return (
        f"Before training the first word, *{source[0]}*, moves c {fresh[0] / fresh[-1]:.2g} times "
        f"as much as the last, *{source[-1]}*; after training {trained[0] / trained[-1]:.2g} times."
    )


def reach_table(trained: np.ndarray, fresh: np.ndarray, source: Sequence[str]) -> Table:
    """Write the norms: one row per word."""
    return {
        "word": list(source),
        "trained": [float(f"{norm:.4g}") for norm in trained],
        "before training": [float(f"{norm:.4g}") for norm in fresh],
    }


def read_back_bars(
    found: Sequence[str],
    accuracy: np.ndarray,
    guessing: np.ndarray,
    source: Sequence[str],
    theme: Theme,
) -> go.Figure:
    """Show how often each position can be read back from c, and what is found in this c."""
    labels = style.plot_labels(source)
    marks = [marked(Cell(word, word == true)) for word, true in zip(found, source, strict=True)]
    bars = go.Bar(
        x=accuracy,
        y=labels,
        orientation="h",
        text=marks,
        textposition="outside",
        constraintext="none",
        textfont={"color": style.TEXT[theme]},
        marker={"color": style.COLORS["LSTM"][theme]},
        name="read back",
        hovertemplate="%{y}: right in %{x:.2f} of other numbers<br>here: %{text}<extra></extra>",
    )
    guesses = go.Scatter(
        x=guessing,
        y=labels,
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 16,
            "color": style.TEXT[theme],
            "line": {"width": 3},
        },
        name="guessing",
        hovertemplate="%{y}: guessing %{x:.2f}<extra></extra>",
    )
    return style.drawn(
        [bars, guesses],
        theme,
        110 + 28 * len(source),
        xaxis={
            "title": "share read back; beside it, yours",
            "range": [0, 1.6],
            "tickvals": [0, 0.5, 1],
        },
        yaxis={"autorange": "reversed", "dtick": 1},
    )


def look_for_read_back(
    found: Sequence[str], accuracy: np.ndarray, guessing: np.ndarray, source: Sequence[str]
) -> str:
    """Say what is found in the learner's c, and where reading back works best and worst."""
    hits = sum(word == true for word, true in zip(found, source, strict=True))
    gain = accuracy - guessing
    best, worst = int(gain.argmax()), int(np.where(guessing < 1, gain, np.inf).argmin())
    most, least = (
        f"at word {place + 1} ({accuracy[place]:.2f} against {guessing[place]:.2f})"
        for place in (best, worst)
    )
    return (
        f"From the vector of your number {hits} of {len(source)} words are read back. In other "
        f"numbers of this length reading gains most over guessing {most}, least {least}."
    )


def read_back_table(
    found: Sequence[str], accuracy: np.ndarray, guessing: np.ndarray, source: Sequence[str]
) -> Table:
    """Write what is read back: one row per position."""
    return {
        "word": list(source),
        "found in your c": list(found),
        "share read back": np.round(accuracy, 3).tolist(),
        "guessing": np.round(guessing, 3).tolist(),
    }


def found_beyond_guessing(read_back: np.ndarray, guessing: np.ndarray) -> np.ndarray:
    """Compute which share of the words that a guess misses is read back; NaN if it misses none."""
    missed = np.where(guessing < 1, 1 - guessing, np.nan)
    return np.maximum(read_back - guessing, 0) / missed


def probe_heatmap(
    lengths: np.ndarray, read_back: np.ndarray, guessing: np.ndarray, theme: Theme
) -> go.Figure:
    """Show for every length and place how many words are read back that a guess would miss.

    Args:
        lengths: In source words.
        read_back: Share of words read back: (length, place), mean over the seeds.
        guessing: Share of the commonest word, likewise.
        theme: Light or dark.
    """
    heatmap = go.Heatmap(
        z=found_beyond_guessing(read_back, guessing).astype(np.float32),
        x=lengths,
        y=lengths,
        customdata=np.stack([read_back, guessing], axis=-1).astype(np.float32),
        zmin=0,
        zmax=1,
        colorscale=style.sequential_scale("LSTM", theme),
        colorbar={"title": "found", "thickness": 12},
        hoverongaps=False,
        hovertemplate="word %{x} of %{y}: %{z:.2f}<br>read back %{customdata[0]:.2f}, "
        "guessing %{customdata[1]:.2f}<extra></extra>",
    )
    return style.drawn(
        heatmap,
        theme,
        420,
        xaxis={"title": "place of the word", "showgrid": False, "dtick": 2, "tick0": 1},
        yaxis={
            "title": "words of the source",
            "autorange": "reversed",
            "showgrid": False,
            "dtick": 2,
            "tick0": 1,
        },
    )


def look_for_probes(lengths: np.ndarray, read_back: np.ndarray, guessing: np.ndarray) -> str:
    """Compare the first, the middle and the last words of short and of long sources."""
    found = found_beyond_guessing(read_back, guessing)
    parts = []
    for length in (3, 9, 15):
        row = found[list(lengths).index(length), :length]
        first, middle, last = row[0], row[1:-1].mean(), row[-1]
        parts.append(f"of {length} words: first {first:.2f}, between {middle:.2f}, last {last:.2f}")
    return f"Of the words that a guess misses, the readers find, in sources {'; '.join(parts)}."


def probe_arithmetic(
    lengths: Sequence[int], read_back: np.ndarray, guessing: np.ndarray, row: int, place: int
) -> str:
    """Work out one cell: how much of one word is found in sources of one length."""
    if place >= lengths[row]:
        return f"A source of {lengths[row]} words has no word {place + 1}: the cell is empty."
    found, guessed = float(read_back[row, place]), float(guessing[row, place])
    said = (
        f"Word {place + 1} of {lengths[row]}: a guess finds ${guessed:.2f}$ of them, the "
        f"readers ${found:.2f}$."
    )
    if guessed == 1:
        return f"{said} Nothing is missed, so the cell is empty."
    share = float(found_beyond_guessing(np.array(found), np.array(guessed)))
    return (
        f"{said} Of the ${1 - guessed:.2f}$ that a guess misses they find "
        rf"$\max({found:.2f} - {guessed:.2f}, 0) / {1 - guessed:.2f} = {share:.2f}$."
    )


def probe_table(lengths: np.ndarray, read_back: np.ndarray, guessing: np.ndarray) -> Table:
    """Write the shares: one row per length and place."""
    places = [(row, place) for row, length in enumerate(lengths) for place in range(int(length))]
    return {
        "words of the source": [int(lengths[row]) for row, _ in places],
        "place of the word": [place + 1 for _, place in places],
        "read back": [round(float(read_back[cell]), 3) for cell in places],
        "guessing": [round(float(guessing[cell]), 3) for cell in places],
    }


def look_for_cost(
    curves: Mapping[str, np.ndarray], lengths: np.ndarray, accuracy: Mapping[str, np.ndarray]
) -> str:
    """Say what training and width buy the fixed vector."""
    ten = list(lengths).index(10)
    return (
        f"At 9 words the fixed vector climbs from {curves['fixed'][:, 0].mean():.2f} to "
        f"{curves['fixed'][:, -1].mean():.2f} as it trains, and with twice the width to "
        f"{curves['wide'][:, -1].mean():.2f}. At 10 words, one more than trained: "
        f"{accuracy['fixed'][:, ten].mean():.2f}, {accuracy['wide'][:, ten].mean():.2f} with twice "
        f"the width, {accuracy['attention'][:, ten].mean():.2f} with attention."
    )


def look_for_run(history: Sequence[Sequence[np.ndarray]], names: Sequence[str]) -> str:
    """Say how far a training that is watched has come."""
    if all(len(updates) <= 1 for updates in history):
        return (
            "Untrained, all of them guess. Start, and watch which of the curves reaches the long "
            "sources first."
        )
    parts = [
        f"**{name}** {updates[-1][1].mean():.2g}"
        for name, updates in zip(names, history, strict=True)
    ]
    n_updates = max(len(updates) for updates in history)
    return f"Loss after {n_updates:,} updates, in nats per word: {', '.join(parts)}."
