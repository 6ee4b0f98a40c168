"""Figures of sequential cost: steps, ways and memory, three measures of one job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.style import Theme

Table = dict[str, list[object]]


class Curve(NamedTuple):
    """Seconds that one layer took, over the length: quartiles."""

    lengths: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


class Counted(NamedTuple):
    """What one layer costs without any clock, over the length."""

    lengths: np.ndarray
    path: np.ndarray  # products that wait for each other
    operations: np.ndarray
    distance: np.ndarray  # from the first token to the last
    memory: np.ndarray  # numbers


# Colour, dash and marker of each layer: they are told apart without colour, too.
LOOKS = {
    "RNN": ("RNN", "solid", "circle"),
    "GRU": ("GRU", "dash", "square"),
    "LSTM": ("LSTM", "dashdot", "diamond"),
    "attention": ("attention", "solid", "triangle-up"),
    "fused attention": ("attention", "dot", "triangle-up-open"),
}
# The rows of Table 1 take the looks of the layers they stand for.
TYPE_LOOKS = {
    "Recurrent": LOOKS["RNN"],
    "Self-attention": LOOKS["attention"],
    "Self-attention (restricted)": ("output", "dash", "square"),
    "Convolutional": ("position", "dashdot", "diamond"),
}


def duration(seconds: float) -> str:
    """Write a time with the unit that suits it: 2.1 µs, 42 ms, 1.3 s."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def look_for_steps(n_tokens: int, n_products: int) -> str:
    """Say how many steps each way of reading takes, and which is through first."""
    tokens = f"{n_tokens} tokens" if n_tokens > 1 else "1 token"
    counts = (
        f"For your {tokens} the recurrent layer takes {n_tokens} steps, one after the other; the "
        f"attention block takes {n_products}, and takes {n_products} for any length."
    )
    if n_tokens < n_products:
        return f"{counts} So here the recurrent layer is through first."
    return f"{counts} Twice the tokens: {2 * n_tokens} against {n_products}."


def steps_table(tokens: Sequence[str], products: Sequence[str]) -> Table:
    """Write what each layer does in each step."""
    steps = [*zip_longest(tokens, products, fillvalue="done")]
    return {
        "step": list(range(1, len(steps) + 1)),
        "recurrent layer reads": [token for token, _ in steps],
        "attention block computes, for all tokens": [product for _, product in steps],
    }


def ways_and_memory(
    ways: Mapping[str, np.ndarray],
    counted: Mapping[str, Counted],
    n_tokens: int,
    theme: Theme,
) -> go.Figure:
    """Show how far the last token is from the first, and what has to be kept, over the length.

    Args:
        ways: Of each type of layer in Table 1: steps from the first token to the last.
        counted: Of each layer, at the same lengths: the numbers it keeps.
        n_tokens: Of the learner's sentence, marked.
        theme: Light or dark.
    """
    lengths = counted["RNN"].lengths
    lines = [
        _line(lengths, way, TYPE_LOOKS[name], theme, name, f"{name}, %{{x:,}} tokens: %{{y:,}}")
        for name, way in ways.items()
    ] + [
        _line(
            row.lengths,
            row.memory,
            LOOKS[name],
            theme,
            name,
            f"{name}, %{{x:,}} tokens: %{{y:,}} numbers",
            yaxis="y2",
            showlegend=False,
        )
        for name, row in counted.items()
    ]
    ends = [
        _end(text, counted[name].memory[-1], LOOKS[name], theme)
        for text, name in (
            ("recurrent", "RNN"),
            ("attention", "attention"),
            ("fused", "fused attention"),
        )
    ]
    return style.drawn(
        lines,
        theme,
        560,
        showlegend=True,
        legend={"y": 1.06},
        xaxis=_length_axis("y2", (0.9, 2_600), right=0.78),
        yaxis={"domain": [0.56, 1], "type": "log", "title": "steps", "dtick": 1},
        yaxis2={"domain": [0, 0.42], "type": "log", "title": "numbers kept", "dtick": 2},
        shapes=[_sentence_mark(n_tokens, theme)],
        annotations=[
            *ends,
            _heading("From the first token to the last", 1),
            _heading("What is kept of the text", 0.42),
        ],
    )


def look_for_ways(counted: Mapping[str, Counted]) -> str:
    """Say how far apart the ends of the sentence are, and what either layer keeps of it.

    Args:
        counted: Of each layer, at the length of the sentence and at the longest one.
    """
    rnn, attention = counted["RNN"], counted["attention"]
    (n_tokens, longest), (weights, most_weights) = rnn.lengths, attention.memory
    return (
        f"From the first of your {n_tokens} tokens to the last a recurrent layer takes "
        f"{rnn.distance[0]} steps, attention {attention.distance[0]}. Written out, attention keeps "
        f"{n_tokens} × {n_tokens} = {weights:,} weights, the RNN a state of {rnn.memory[0]:,} "
        f"numbers. At {longest:,} tokens: {most_weights:,} weights, still {rnn.memory[1]:,}."
    )


def work_lines(
    work: Mapping[str, np.ndarray], lengths: Sequence[int], n_tokens: int, theme: Theme
) -> go.Figure:
    """Show the operations of table 1 over the length, with the learner's sentence marked.

    Args:
        work: Of each type of layer in table 1, without constants.
        lengths: In tokens.
        n_tokens: Of the learner's sentence.
        theme: Light or dark.
    """
    lines = [
        _line(
            np.array(lengths),
            operations,
            TYPE_LOOKS[name],
            theme,
            name,
            f"{name}, %{{x:,}} tokens: %{{y:.3s}}",
        )
        for name, operations in work.items()
    ]
    return style.drawn(
        lines,
        theme,
        400,
        showlegend=True,
        xaxis=_length_axis("y", (0.9, 2_600)),
        yaxis={
            "type": "log",
            "title": "operations, without constants",
            "dtick": 1,
            "exponentformat": "power",
        },
        shapes=[_sentence_mark(n_tokens, theme)],
    )


def look_for_work(n_tokens: int, width: int) -> str:
    """Say which of the two has more to compute for the sentence, and where that turns round."""
    attention, recurrent = n_tokens**2 * width, n_tokens * width**2
    more = "less than" if attention < recurrent else "more than"
    more = "as much as" if attention == recurrent else more
    return (
        f"For your {n_tokens} tokens self-attention computes {attention:,}, {more} a recurrent "
        f"layer with {recurrent:,}. The two lines cross where the text is as long as a token is "
        f"wide, at {width}."
    )


def grouped(number: int) -> str:
    """Write a whole number for a formula, its thousands apart: 16{,}384."""
    return f"{number:,}".replace(",", "{,}")


def work_arithmetic(n_tokens: int, width: int) -> str:
    """Work out table 1 for the two layers, with the learner's length."""
    attention, recurrent = grouped(n_tokens**2 * width), grouped(n_tokens * width**2)
    return (
        rf"Self-attention: $n^2 d = {n_tokens}^2 \cdot {width} = {attention}$. Recurrent: "
        rf"$n d^2 = {n_tokens} \cdot {width}^2 = {recurrent}$. Their ratio is "
        rf"$n/d = {n_tokens}/{width} = {n_tokens / width:.2f}$. The table leaves out the "
        "projections of attention, $n d^2$ each."
    )


def work_table(work: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Table:
    """Write the operations of table 1: a line per length."""
    return {"tokens": list(lengths), **{name: row.tolist() for name, row in work.items()}}


def layer_type_table(rows: Sequence[tuple[str, int, int, int]]) -> Table:
    """Write table 1 with the numbers of one length."""
    columns = ("layer", "operations, without constants", "steps in a row", "way")
    return {name: list(cells) for name, cells in zip(columns, zip(*rows, strict=True), strict=True)}


def three_measures(
    curves: Mapping[str, Curve], counted: Mapping[str, Counted], theme: Theme
) -> go.Figure:
    """Show time, operations and critical path of the same job over the length, one below another.

    Args:
        curves: Of each layer that was timed.
        counted: Of each layer.
        theme: Light or dark.
    """
    timed = [
        _line(
            curve.lengths,
            1e3 * curve.middle,
            LOOKS[name],
            theme,
            name,
            f"{name}, %{{x:,}} tokens: %{{y:.3g}} ms",
            error_y={
                "array": 1e3 * (curve.high - curve.middle),
                "arrayminus": 1e3 * (curve.middle - curve.low),
                "thickness": 1,
                "width": 4,
            },
        )
        for name, curve in curves.items()
    ]
    counts = [
        _line(
            row.lengths,
            values,
            LOOKS[name],
            theme,
            name,
            f"{name}, %{{x:,}} tokens: %{{y:{form}}} {unit}",
            yaxis=axis,
            showlegend=not curves and axis == "y2",
        )
        for name, row in counted.items()
        for values, axis, form, unit in (
            (row.operations, "y2", ".3s", "operations"),
            (row.path, "y3", ",", "products"),
        )
    ]
    lengths = counted["RNN"].lengths
    return style.drawn(
        [*timed, *counts],
        theme,
        720,
        showlegend=True,
        legend={"y": 1.05},
        xaxis=_length_axis("y3", (lengths[0] / 1.15, lengths[-1] * 1.15)),
        yaxis={"domain": [0.7, 1], "type": "log", "title": "milliseconds", "dtick": 1},
        yaxis2={
            "domain": [0.35, 0.62],
            "type": "log",
            "title": "operations",
            "dtick": 1,
            "exponentformat": "power",
        },
        yaxis3={
            "domain": [0, 0.27],
            "type": "log",
            "title": "products",
            "dtick": 1,
            "range": [0.7, np.log10(3 * lengths[-1])],
        },
        annotations=[
            _heading("Measured time, forward and backward", 1),
            _heading("Counted: operations", 0.62),
            _heading("Counted: products in the queue", 0.27),
        ],
    )


def look_for_measures(curves: Mapping[str, Curve], counted: Mapping[str, Counted]) -> str:
    """Say who was fastest at the longest length, where attention wins, and what was counted."""
    place = len(curves["RNN"].lengths) - 1 if curves else len(counted["RNN"].lengths) - 1
    longest = counted["RNN"].lengths[place]
    work = counted["attention"].operations[place] / counted["RNN"].operations[place]
    counts = (
        f"At {longest:,} tokens attention computes {work:.1f} times as much as the RNN; but "
        f"{counted['attention'].path[place]} of its products wait for each other, and "
        f"{counted['RNN'].path[place]:,} of the RNN's."
    )
    if not curves:
        return f"No time yet. {counts}"
    times = {name: curve.middle[place] for name, curve in curves.items()}
    fastest, slowest = min(times, key=times.__getitem__), max(times, key=times.__getitem__)
    faster = curves["LSTM"].lengths[curves["fused attention"].middle < curves["LSTM"].middle]
    return (
        f"{counts} The clock: {fastest} {duration(times[fastest])}, {slowest} "
        f"{duration(times[slowest])}. Fused attention was faster than the LSTM at "
        f"{_listed(faster.tolist())}."
    )


def operations_arithmetic(width: int, batch: int, length: int) -> str:
    """Work out what the RNN and the written-out attention compute, forward and backward."""
    projected, pairs = 72 * batch * length * width**2, 12 * batch * length**2 * width
    texts = rf"{batch} \cdot " if batch > 1 else ""
    return (
        r"Each of the $12\,d^2$ weights multiplies and adds once for every token, forward, and "
        r"twice backward. RNN: $3 \cdot 2 \cdot 12\,n d^2 = "
        rf"{texts}72 \cdot {length} \cdot {width}^2 = {grouped(projected)}$. Attention has these, "
        rf"and all pairs: $+\,12\,n^2 d = {texts}12 \cdot {length}^2 \cdot {width} = "
        rf"{grouped(pairs)}$, in all ${grouped(projected + pairs)}$, "
        rf"${(projected + pairs) / projected:.1f}$ times as many."
    )


def measures_table(curves: Mapping[str, Curve], counted: Mapping[str, Counted]) -> Table:
    """Write time, operations, path and memory of every layer at every length."""
    rows = [(name, place) for name, row in counted.items() for place in range(len(row.lengths))]
    times = {
        (name, length): (curve.low[place], curve.middle[place], curve.high[place])
        for name, curve in curves.items()
        for place, length in enumerate(curve.lengths.tolist())
    }
    timed = [
        times.get((name, int(counted[name].lengths[place])), (None,) * 3) for name, place in rows
    ]
    return {
        "layer": [name for name, _ in rows],
        "tokens": [int(counted[name].lengths[place]) for name, place in rows],
        **{
            f"milliseconds, {what}": [
                None if row[column] is None else round(1e3 * row[column], 4) for row in timed
            ]
            for column, what in enumerate(("first quartile", "median", "third quartile"))
        },
        "operations": [int(counted[name].operations[place]) for name, place in rows],
        "products that wait": [int(counted[name].path[place]) for name, place in rows],
    }


def time_if_parallel(
    curves: Mapping[str, Curve], counted: Mapping[str, Counted], product: float, theme: Theme
) -> go.Figure:
    """Show what was measured beside a model: critical path × the time of one product.

    Args:
        curves: Of each layer that was timed.
        counted: Of each layer.
        product: Seconds that one product takes that has to wait for another.
        theme: Light or dark.
    """
    measured = [
        _line(
            curves[name].lengths,
            1e3 * curves[name].middle,
            LOOKS[name],
            theme,
            f"{name}, measured",
            f"{name}, %{{x:,}} tokens: %{{y:.3g}} ms, measured",
        )
        for name in ("LSTM", "fused attention")
        if name in curves
    ]
    model = [
        _line(
            counted[name].lengths,
            1e3 * product * counted[name].path,
            (colour, "longdash", marker),
            theme,
            f"{kind}, model",
            f"{kind}, %{{x:,}} tokens: %{{y:.3g}} ms by the model",
        )
        for name, kind, colour, marker in (
            ("LSTM", "any recurrent layer", "RNN", "circle-open"),
            ("attention", "attention", "attention", "square-open"),
        )
    ]
    lengths = counted["LSTM"].lengths
    return style.drawn(
        [*measured, *model],
        theme,
        420,
        showlegend=True,
        xaxis=_length_axis("y", (lengths[0] / 1.15, lengths[-1] * 1.15)),
        yaxis={"type": "log", "title": "milliseconds", "dtick": 1},
    )


def look_for_parallel(counted: Mapping[str, Counted], product: float) -> str:
    """Say what the model makes of the longest length."""
    recurrent, attention = counted["LSTM"].path[-1], counted["attention"].path[-1]
    return (
        f"One product takes {duration(product)} here. If all that does not wait ran at once, "
        f"{counted['LSTM'].lengths[-1]:,} tokens would take a recurrent layer {recurrent:,} × "
        f"{duration(product)} = {duration(recurrent * product)}, and attention {attention} × "
        f"{duration(product)} = {duration(attention * product)}: "
        f"{recurrent / attention:,.0f} times less. That is a model, not a measurement."
    )


def parallel_table(counted: Mapping[str, Counted], product: float) -> Table:
    """Write the model's times."""
    return {
        "tokens": counted["LSTM"].lengths.tolist(),
        **{
            f"{kind}: milliseconds by the model": np.round(
                1e3 * product * counted[name].path, 5
            ).tolist()
            for kind, name in (("recurrent", "LSTM"), ("attention", "attention"))
        },
    }


def _listed(lengths: Sequence[int]) -> str:
    if not lengths:
        return "no length"
    *most, last = [f"{length:,}" for length in lengths]
    return f"{', '.join(most)} and {last} tokens" if most else f"{last} tokens"


def _line(
    x: np.ndarray,
    y: np.ndarray,
    look: tuple[str, str, str],
    theme: Theme,
    name: str,
    hover: str,
    **more: object,
) -> go.Scatter:
    colour, dash, marker = look
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines+markers",
        line={"color": style.COLORS[colour][theme], "width": 2, "dash": dash},
        marker={"symbol": marker, "size": 9},
        hovertemplate=f"{hover}<extra></extra>",
        **more,
    )


def _length_axis(anchor: str, ends: tuple[float, float], right: float = 1) -> dict[str, object]:
    ticks = [2**power for power in range(1, 12, 2)]
    return {
        "title": "length (tokens)",
        "type": "log",
        "anchor": anchor,
        "range": [np.log10(end) for end in ends],
        "domain": [0, right],
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
    }


def _heading(text: str, top: float) -> dict[str, object]:
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
    }


def _end(text: str, value: float, look: tuple[str, str, str], theme: Theme) -> dict[str, object]:
    return {
        "text": text,
        "x": 0.79,
        "xref": "paper",
        "xanchor": "left",
        "y": np.log10(value),
        "yref": "y2",
        "showarrow": False,
        "font": {"color": style.COLORS[look[0]][theme]},
    }


def _sentence_mark(n_tokens: int, theme: Theme) -> dict[str, object]:
    return {
        "type": "line",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "x0": n_tokens,
        "x1": n_tokens,
        "line": {"color": style.COLORS["token"][theme], "width": 2, "dash": "dot"},
        "name": "your sentence",
        "showlegend": True,
    }
