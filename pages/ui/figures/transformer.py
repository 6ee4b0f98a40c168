"""The map of a Transformer, and how far it is from its last token back to the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from pages.ui.components.transformer_map import BOXES, Kind, Window
from pages.ui.figures import style
from pages.ui.figures.comparison import comparison
from pages.ui.figures.style import Theme
from pages.ui.figures.vanishing_gradients import DECADES, line, power, rounded, tex
from pages.ui.text import quoted

Table = dict[str, list[object]]
Decades = Mapping[str, Mapping[int, np.ndarray]]  # by network and length: log10, by distance

LINES = {  # how each network is drawn: colour, dashes
    "tanh RNN": ("RNN", "dash"),
    "LSTM, bias 1": ("LSTM", "dashdot"),
    "Transformer encoder": ("Transformer", "solid"),
    "RNN, LSTM": ("RNN", "dash"),
}


# The map


def lengths(vectors: np.ndarray) -> str:
    """Say how long the vectors of the tokens are."""
    norms = np.linalg.norm(vectors, axis=1)
    return f"length {norms.mean():.2f} on average ({norms.min():.2f} to {norms.max():.2f})"


def look_for_map(windows: Mapping[str, Window], tokens: Sequence[str], block: int) -> str:
    """Say what enters a block and what leaves it, for the token that is looked at most."""
    weights = windows["attention"].values
    received = weights.mean(axis=0)
    most = int(received.argmax())
    return (
        f"{len(tokens)} tokens enter and {len(tokens)} vectors leave: no box takes one away, and "
        f"all go up side by side. Only attention lets them look at each other; in block "
        f"{block + 1} they look most at {quoted(tokens[most])}, with "
        f"{100 * received[most]:.0f}% of their attention."
    )


def attention_arithmetic(weights: np.ndarray, tokens: Sequence[str], block: int, key: int) -> str:
    """Take the mean of what all tokens give to one.

    Args:
        weights: Mean of the heads of a block: (who looks, who is looked at).
        tokens: As the model reads them.
        block: Counted from 0.
        key: Who is looked at.
    """
    column = [f"{weight:.2f}" for weight in weights[:, key]]
    terms = column if len(column) <= 6 else [*column[:4], r"\dots", column[-1]]
    return (
        f"Each of the {len(column)} tokens spends 1 on all of them. What {quoted(tokens[key])} "
        f"gets of it in block {block + 1}, on average over the heads: "
        f"$({' + '.join(terms)}) / {len(column)} = {weights[:, key].mean():.2f}$."
    )


def map_table(windows: Mapping[str, Window]) -> Table:
    """List what is in every box of the reading model, in the order of reading."""
    names = [name for name in BOXES if name in windows]
    return {
        "box": [BOXES[name].name for name in names],
        "shape": [windows[name].shape for name in names],
        "vectors": [windows[name].length for name in names],
    }


# Kinds

MADE_FOR = {
    "encoder-only": "BERT and the model that reads here keep {kept} of {all} boxes, to read",
    "decoder-only": "GPT keeps {kept} of {all} boxes, to write",
    "both": "The original keeps all {all} boxes, to translate",
}


def look_for_kind(name: str, kind: Kind, later: np.ndarray) -> str:
    """Say what a kind keeps, and what its mask would take from this sentence.

    Args:
        name: One of `KINDS`.
        kind: What it leaves away.
        later: The share of attention on later tokens, by block.
    """
    kept = MADE_FOR[name].format(kept=len(BOXES) - len(kind.left_out), all=len(BOXES))
    share = f"{100 * later.mean():.0f}%"
    if name == "encoder-only":
        return (
            f"{kept}. Of the reading model's attention on your sentence {share} goes to *later* "
            "tokens, which a decoder may not see."
        )
    return (
        f"{kept}. Its mask forbids to look ahead: that is {share} of the attention "
        "the reading model spends on your sentence."
    )


def kind_table(later: np.ndarray) -> Table:
    """Write the share of attention on later tokens as a table: a line per block."""
    return {
        "block": list(range(1, len(later) + 1)),
        "attention to later tokens": np.round(later, 4).tolist(),
    }


# The path


def path_lines(decades: Decades, length: int, theme: Theme) -> go.Figure:
    """Show what comes back to each distance, a line per network."""
    distances = np.arange(length)
    traces = [
        line(distances, by_length[length], name, LINES[name][0], theme, LINES[name][1])
        for name, by_length in decades.items()
    ]
    return style.drawn(
        traces,
        theme,
        380,
        xaxis={"title": "distance: tokens back from the last one"},
        yaxis={"title": "gradient ÷ that of the last token", **DECADES},
    )


def look_for_path(decades: Decades, length: int) -> str:
    """Compare what reaches the first token in every network."""
    ends = (
        f"**{name}** {power(float(by_length[length][-1]))}" for name, by_length in decades.items()
    )
    return (
        f"Per unit of gradient at the last of {length} tokens, the first one, {length - 1} back, "
        f"gets: {', '.join(ends)}."
    )


def path_arithmetic(decades: Decades, length: int, n_blocks: int, distance: int) -> str:
    """Compute the factor of one step of a recurrent network, and that of one block.

    Args:
        decades: What comes back, by network, length and distance.
        length: Of the text, in tokens.
        n_blocks: Of the encoder.
        distance: How many tokens lie between the end and the token that is looked at.
    """
    factors = []
    for name, by_length in decades.items():
        back = float(by_length[length][distance])
        n = n_blocks if name == "Transformer encoder" else distance
        factors.append(
            f"{name}: ${tex(back)} = f^{{{n}}}$, so "
            f"$f = 10^{{{back:.2f}/{n}}} = {10 ** (back / n):.2f}$"
        )
    return (
        f"Token {length - distance} of {length}, if every step, and every block, multiplied by "
        f"the same factor $f$: {'; '.join(factors)}. What sets them apart is how often they "
        "multiply."
    )


def path_table(decades: Decades, length: int) -> Table:
    """Write the lines as a table of logarithms: a line per distance."""
    columns = {f"{name} (log10)": rounded(by_length[length]) for name, by_length in decades.items()}
    return {"distance": list(range(length)), **columns}


def growth_lines(decades: Decades, theme: Theme) -> go.Figure:
    """Show what comes back to the first token against the length."""
    traces = []
    for name, by_length in decades.items():
        ends = np.array([values[-1] for values in by_length.values()])
        color, dash = LINES[name]
        traces.append(line(np.array(list(by_length)), ends, name, color, theme, dash, "length"))
        traces[-1].mode = "lines+markers"
    return style.drawn(
        traces,
        theme,
        360,
        xaxis=_length_axis(list(next(iter(decades.values())))),
        yaxis={"title": "gradient at the first token", **DECADES},
    )


def _length_axis(lengths: Sequence[int]) -> dict[str, object]:
    return {"title": "tokens (logarithmic)", "type": "log", "tickvals": list(lengths)}


def look_for_growth(decades: Decades) -> str:
    """Say what becomes of the first token's gradient between the shortest and the longest text."""
    lost = []
    for name, by_length in decades.items():
        shortest, longest = by_length[min(by_length)][-1], by_length[max(by_length)][-1]
        lost.append(f"**{name}** from {power(float(shortest))} to {power(float(longest))}")
    lengths = list(next(iter(decades.values())))
    return (
        f"From {min(lengths)} to {max(lengths)} tokens: {', '.join(lost)}. The encoder loses no "
        "factor with every token, but a share to the crowd: the more there are, the less "
        "attention is left for each."
    )


def growth_table(decades: Decades) -> Table:
    """Write what reaches the first token as a table of logarithms: a line per length."""
    columns = {
        f"{name} (log10)": rounded([float(values[-1]) for values in by_length.values()])
        for name, by_length in decades.items()
    }
    return {"tokens": list(next(iter(decades.values()))), **columns}


def layer_lines(
    lengths: Sequence[int], layers: Mapping[str, Sequence[int]], theme: Theme
) -> go.Figure:
    """Show the number of layers between first and last token against the length."""
    traces = [
        go.Scatter(
            x=list(lengths),
            y=list(counts),
            name=name,
            mode="lines+markers",
            line={"color": style.COLORS[LINES[name][0]][theme], "dash": LINES[name][1], "width": 3},
            hovertemplate=f"{name}, %{{x}} tokens: %{{y}} layers<extra></extra>",
        )
        for name, counts in layers.items()
    ]
    return style.drawn(
        traces,
        theme,
        320,
        xaxis=_length_axis(lengths),
        yaxis={
            "title": "layers on the path (logarithmic)",
            "type": "log",
            "tickvals": [6, *lengths],
        },
    )


def look_for_layers(lengths: Sequence[int], layers: Mapping[str, Sequence[int]]) -> str:
    """Compare the counts at the longest text."""
    counts = (f"**{name}** {values[-1]}" for name, values in layers.items())
    (constant,) = {*layers["Transformer encoder"]}
    return (
        f"At {lengths[-1]} tokens: {', '.join(counts)}. The encoder has {constant} at every "
        "length: its blocks, each of which connects all tokens at once."
    )


def layer_table(lengths: Sequence[int], layers: Mapping[str, Sequence[int]]) -> Table:
    """Write the counts as a table: a line per length."""
    return {"tokens": list(lengths), **{name: list(counts) for name, counts in layers.items()}}


# Two sentences


class Shared(NamedTuple):
    """What comes back to the tokens that two sentences share: (block it enters, token)."""

    tokens: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray


def shared_heatmaps(shared: Shared, theme: Theme) -> go.Figure:
    """Show both sentences token by block, and what the second has more."""
    return comparison(
        shared.first.T,
        shared.second.T,
        shared.tokens,
        [f"block {block}" for block in range(1, len(shared.first) + 1)],
        ("yours", "second"),
        "Transformer",
        theme,
        measure="gradient",
        axis="token",
    )


def look_for_shared(shared: Shared) -> str:
    """Say where the two sentences differ most."""
    difference = shared.second - shared.first
    if np.abs(difference).max() < 0.005:
        return "Nothing differs: to both sentences the same comes back."
    block, token = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    return (
        f"Of what enters block {block + 1}, {quoted(shared.tokens[token])} gets "
        f"{shared.first[block, token]:.2f} in your sentence and {shared.second[block, token]:.2f} "
        "in the second, per unit at the last token: no other of the "
        f"{len(shared.tokens)} shared tokens differs more."
    )


def shared_table(shared: Shared) -> Table:
    """Write the gradients of shared tokens as a table: a line per block and token."""
    n_blocks = len(shared.first)
    return {
        "entering block": [block for block in range(1, n_blocks + 1) for _ in shared.tokens],
        "token": list(shared.tokens) * n_blocks,
        "yours": np.round(shared.first, 4).ravel().tolist(),
        "second": np.round(shared.second, 4).ravel().tolist(),
        "difference": np.round(shared.second - shared.first, 4).ravel().tolist(),
    }
