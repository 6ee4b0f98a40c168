"""Figures of the lesson on vanishing gradients: gradients in decades, over the distance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

Table = dict[str, list[object]]

FADED = 6  # decades below the last word, where a word has no colour left
DECADES = {"tickprefix": "10<sup>", "ticksuffix": "</sup>"}  # labels of an axis of logarithms


def power(decades: float) -> str:
    """Write 10 to that power: plainly from a thousandth to a thousand, else by its exponent."""
    if np.isnan(decades):
        return "too large"
    if np.isneginf(decades):
        return "0"
    if -3 < decades < 3:
        return f"{10**decades:.2g}" if decades < 2 else f"{10**decades:.0f}"
    return f"10{superscript(round(decades))}"


def superscript(number: int) -> str:
    """Write a whole number as an exponent."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def levels(decades: np.ndarray) -> list[float]:
    """Say how much colour each word gets: 1 as much as the last one, 0 at a millionth of that."""
    return np.clip(1 + np.nan_to_num(decades, nan=0.0) / FADED, 0, 1).tolist()


def look_for_reach(decades: Mapping[str, np.ndarray], tokens: Sequence[str]) -> str:
    """Compare what reaches the first word in the first reader and in attention."""
    if len(tokens) == 1:
        return "One token, no way back: read a longer sentence to see what reaches its first word."
    first = {name: power(values[0]) for name, values in decades.items()}
    return (
        f"Per unit of gradient at {quoted(tokens[-1])}, the first token {quoted(tokens[0])} gets "
        f"{first['tanh RNN']} in the tanh RNN, {first['LSTM']} in the LSTM as PyTorch draws it, "
        f"{first['LSTM, bias 3']} when its forget gate is held open (bias 3), and "
        f"{first['attention']} in attention."
    )


def reach_table(decades: Mapping[str, np.ndarray], tokens: Sequence[str]) -> Table:
    """Write what reaches each word as a table: a line per word, a column per reader."""
    columns = {
        f"{name}, gradient": [float(f"{10**value:.3g}") for value in values]
        for name, values in decades.items()
    }
    return {"token": list(tokens), **columns}


def tex(decades: float) -> str:
    """Write 10 to that power as a formula: 0.32, or 4.5 times a power of ten."""
    if -2 < decades < 3:
        return f"{10**decades:.3g}"
    exponent = int(np.floor(decades))
    return rf"{10 ** (decades - exponent):.1f}\cdot 10^{{{exponent}}}"


def first_reached(decades: Mapping[str, np.ndarray]) -> int:
    """Find the first token that the gradient reaches in the tanh RNN: before it float32 has 0."""
    return int(np.isfinite(decades["tanh RNN"]).argmax())


def reach_arithmetic(decades: Mapping[str, np.ndarray], tokens: Sequence[str], place: int) -> str:
    """Compute the factor by which each step back multiplies the gradient, in two readers."""
    n_steps = len(tokens) - 1 - place
    if n_steps == 0:
        return f"{quoted(tokens[place])} is the last token: nothing is multiplied yet."
    steps = f"{n_steps} step{'s' if n_steps > 1 else ''}"
    factors = [
        f"{name}: ${tex(values[place])} = f^{{{n_steps}}}$, so "
        f"$f = 10^{{{values[place]:.2f}/{n_steps}}} = {10 ** (values[place] / n_steps):.3f}$"
        if np.isfinite(values[place])
        else f"{name}: nothing arrives, $0$ in float32"
        for name, values in ((name, decades[name]) for name in ("tanh RNN", "LSTM, bias 3"))
    ]
    return (
        f"{quoted(tokens[place])} stands {steps} before the end. If every step multiplied by the "
        f"same factor $f$: {'; '.join(factors)}."
    )


class Shared(Protocol):
    """What reaches the tokens that two sentences share: log10, (reader, token)."""

    tokens: list[str]
    first: np.ndarray
    second: np.ndarray
    n_after: list[tuple[int, int]]


def look_for_two_sentences(shared: Shared, readers: Iterable[str]) -> str:
    """Say where two sentences differ most in what reaches the tokens that they share."""
    difference = shared.second - shared.first
    reader, token = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    if abs(difference[reader, token]) < 0.01:
        return "No network tells the two apart: each shared token gets the same from both."
    more, which = (
        (difference[reader, token], "second")
        if difference[reader, token] > 0
        else (-difference[reader, token], "first")
    )
    after = shared.n_after[token]
    follow = (
        f"{after[0]} tokens follow it in both"
        if after[0] == after[1]
        else f"{after[0]} tokens follow it in the first, {after[1]} in the second"
    )
    return (
        f"The largest difference is at {quoted(shared.tokens[token])}, {[*readers][reader]}: "
        f"{power(more)} times as much in the {which} sentence; {follow}."
    )


def two_sentences_table(shared: Shared, readers: Iterable[str]) -> Table:
    """Write both sentences' gradients as a table: a line per reader and shared token."""
    names = list(readers)
    cells = [(i, j) for i in range(len(names)) for j in range(len(shared.tokens))]
    return {
        "network": [names[i] for i, _ in cells],
        "token": [shared.tokens[j] for _, j in cells],
        "first (log10)": [round(float(shared.first[cell]), 3) for cell in cells],
        "second (log10)": [round(float(shared.second[cell]), 3) for cell in cells],
    }


def first(condition: np.ndarray) -> int | None:
    """Find the first place where something holds."""
    return int(condition.argmax()) if condition.any() else None


def rounded(decades: Sequence[float] | np.ndarray) -> list[object]:
    """Write logarithms for a table: those of 0 and of numbers too large in words."""
    words = {"-inf": "exactly 0", "nan": "too large"}
    return [words.get(f"{value}", round(float(value), 3)) for value in decades]


def line(
    x: np.ndarray,
    decades: np.ndarray,
    name: str,
    quantity: str,
    theme: Theme,
    dash: str = "solid",
    axis: str = "distance",
    width: int = 3,
) -> go.Scatter:
    """Draw logarithms as a line that ends where a gradient is 0 or too large."""
    return go.Scatter(
        x=x,
        y=np.where(np.isfinite(decades), decades, np.nan).astype(np.float32),
        name=name,
        mode="lines",
        line={"color": style.COLORS[quantity][theme], "width": width, "dash": dash},
        hovertemplate=f"{name}, {axis} %{{x}}: 10<sup>%{{y:.1f}}</sup><extra></extra>",
    )


# The lab


def look_for_distance(
    curves: Mapping[str, np.ndarray], gain: float, bias: float, slope: float
) -> str:
    """Say what arrives at the first step in every network.

    Args:
        curves: By network: log10, (10 %, median, 90 % of the networks; distance).
        gain: Of the recurrent matrix of tanh and ReLU.
        bias: Of the gate that keeps, in LSTM and GRU.
        slope: Decades per step that theory predicts for tanh.
    """
    last = curves["tanh RNN"].shape[1] - 1
    if last == 0:
        return "One step only: the last step is the first, and nothing is lost. Choose more steps."
    ends = {name: power(curve[1, -1]) for name, curve in curves.items()}
    arrives = (
        f"What reaches the first step, {last} back: tanh {ends['tanh RNN']}, ReLU "
        f"{ends['ReLU RNN']} (gain {gain:g}); LSTM {ends['LSTM']}, GRU {ends['GRU']} (bias "
        f"{bias:g}); attention {ends['attention']}."
    )
    if gain == 0:
        return f"{arrives} With gain 0 no step of tanh and ReLU hears of the one before."
    return (
        f"{arrives} Each step multiplies tanh's gradient by about the same factor, in theory "
        f"{10**slope:.2f}: that is why its line is straight."
    )


def distance_table(curves: Mapping[str, np.ndarray]) -> Table:
    """Write the curves as a table of logarithms: a line per distance."""
    columns = {
        f"{name}, {share} (log10)": rounded(curve[row])
        for name, curve in curves.items()
        for row, share in ((1, "median"), (0, "10 %"), (2, "90 %"))
    }
    n_distances = next(iter(curves.values())).shape[1]
    return {"distance": list(range(n_distances)), **columns}


# Gates


def gate_points(
    found: Mapping[str, np.ndarray], biases: Sequence[float], distance: int, theme: Theme
) -> go.Figure:
    """Show gradients after some steps against the bias of the gate: a point per network.

    Args:
        found: By network: log10, (bias, seed); one row for tanh, which has no gate.
        biases: Of the gate that keeps.
        distance: In steps.
        theme: Light or dark.
    """
    traces: list[go.Scatter] = []
    for name, quantity, aside in (("LSTM", "LSTM", -0.04), ("GRU", "GRU", 0.04)):
        x = np.array(biases) + aside
        colour = style.COLORS[quantity][theme]
        traces += [
            go.Scatter(
                x=np.repeat(x, found[name].shape[1]),
                y=found[name].ravel().astype(np.float32),
                mode="markers",
                marker={"color": colour, "size": 6, "opacity": 0.5},
                name=f"{name}, each network",
                hovertemplate=f"{name}: 10<sup>%{{y:.1f}}</sup><extra></extra>",
            ),
            line(
                x, np.median(found[name], axis=1), f"{name}, median", quantity, theme, axis="bias"
            ),
        ]
    ends = np.array([biases[0], biases[-1]])
    plain = np.full(2, np.median(found["tanh RNN"]))
    traces.append(line(ends, plain, "tanh RNN, no gate", "RNN", theme, "dash", "bias"))
    return style.drawn(
        traces,
        theme,
        400,
        xaxis={"title": "bias of the gate that keeps (forget gate, keep gate)"},
        yaxis={"title": f"gradient {distance} steps back", **DECADES},
    )


def look_for_gates(found: Mapping[str, np.ndarray], biases: Sequence[float], distance: int) -> str:
    """Compare LSTMs as they are drawn by default with those whose gate is held open."""
    lstm, gru = (np.median(found[name], axis=1) for name in ("LSTM", "GRU"))
    plain = np.median(found["tanh RNN"])
    return (
        f"As PyTorch draws it (bias {biases[0]:g}) the LSTM passes {power(lstm[0])} over "
        f"{distance} steps: better than tanh with {power(plain)}, but nothing to learn from. With "
        f"bias {biases[-1]:g} it passes {power(lstm[-1])}, and the GRU {power(gru[-1])} instead of "
        f"{power(gru[0])}."
    )


def gate_table(found: Mapping[str, np.ndarray], biases: Sequence[float]) -> Table:
    """Write the median and the range of the networks as a table of logarithms."""
    columns = {
        f"{name}, {share} (log10)": rounded(measure(found[name], axis=1))
        for name in ("LSTM", "GRU")
        for share, measure in (("lowest", np.min), ("median", np.median), ("highest", np.max))
    }
    return {"bias": list(biases), **columns}


# Attention


def dilution_lines(found: Mapping[int, np.ndarray], theme: Theme) -> go.Figure:
    """Show what attention passes to each distance, a line per length (log10 of the median)."""
    dashes = ("solid", "dash", "dot", "dashdot")
    traces = [
        line(shown, decades[shown], f"{length} steps", "attention", theme, dash)
        for (length, decades), dash in zip(found.items(), dashes, strict=True)
        for shown in (np.unique(np.geomspace(1, length - 1, 24).round().astype(int)),)
    ]
    return style.drawn(
        traces,
        theme,
        360,
        showlegend=True,
        xaxis={"title": "distance (logarithmic)", "type": "log", "tickvals": [1, 10, 100, 500]},
        yaxis={
            "title": "gradient ÷ that of the last step",
            "range": [-3.4, 0],
            "dtick": 1,
            **DECADES,
        },
    )


def look_for_dilution(found: Mapping[int, np.ndarray]) -> str:
    """Say that nothing is lost with distance, and what is lost with length."""
    shortest, longest = min(found), max(found)
    parts = (found[longest][1:11], found[longest][-10:], found[shortest][1:], found[longest][1:])
    near, far, few, many = (10 ** float(np.median(part)) for part in parts)
    return (
        f"Among {longest} steps the nearest ten get {near:.2g} and the farthest ten {far:.2g}: "
        f"distance costs nothing. But a step gets about {few:.2g} among {shortest} and {many:.2g} "
        f"among {longest}: all share one sum of weights, 1."
    )


def dilution_arithmetic(found: Mapping[int, np.ndarray]) -> str:
    """Compute the even share of each step beside what a step in the middle was measured to get."""
    parts = [
        f"${length}$ steps: $1/{length} = {1 / length:.2g}$, measured "
        f"${10 ** float(np.median(decades[1:])):.2g}$"
        for length, decades in found.items()
    ]
    return f"If the weights were spread evenly, each step would have $1/n$. {'; '.join(parts)}."


def dilution_table(found: Mapping[int, np.ndarray]) -> Table:
    """Write the lines as a table of logarithms, at distances that are powers of 2."""
    rows = [
        (length, distance, round(float(decades[distance]), 3))
        for length, decades in found.items()
        for distance in (0, *(2**n for n in range(10) if 2**n < length), length - 1)
    ]
    lengths, distances, values = zip(*rows, strict=True)
    return {"length": list(lengths), "distance": list(distances), "log10": list(values)}


# Theory

CHAIN = {  # how each line of the chain is drawn: colour, dashes
    "Pascanu's bound": ("negative", "longdash"),
    "product of the norms": ("scores", "dashdot"),
    "spectral radius to the power": ("position", "dash"),
    "largest singular value": ("output", "solid"),
    "gradient": ("RNN", "solid"),
    "mean-field theory": ("token", "dot"),
}


def chain_lines(
    distances: np.ndarray,
    lines: Mapping[str, np.ndarray],
    singular_values: np.ndarray,
    theme: Theme,
) -> go.Figure:
    """Show a gradient beside its bounds, and all singular values of one network's product.

    Args:
        distances: In steps.
        lines: By name, as in CHAIN: log10 at each distance.
        singular_values: log10, (distance, d_hidden).
        theme: Light or dark.
    """
    values = np.where(np.isfinite(singular_values), singular_values, np.nan)
    dots = go.Scatter(
        x=np.repeat(distances, values.shape[1]),
        y=values.ravel().astype(np.float32),
        mode="markers",
        marker={"color": style.COLORS["output"][theme], "size": 3, "opacity": 0.35},
        name="all singular values of one network",
        hoverinfo="skip",
    )
    traces = [
        line(distances, decades, name, CHAIN[name][0], theme, CHAIN[name][1])
        for name, decades in lines.items()
    ]
    top = max([1.0, *(float(line[-1]) for line in lines.values() if np.isfinite(line[-1]))])
    low = min([-1.0, *(float(line[-1]) for line in lines.values() if np.isfinite(line[-1]))])
    return style.drawn(
        [dots, *traces],
        theme,
        460,
        xaxis={"title": "distance: steps back from the last one"},
        yaxis={"title": "factor on the way back", "range": [low - 4, top + 2], **DECADES},
    )


def look_for_chain(distances: np.ndarray, lines: Mapping[str, np.ndarray]) -> str:
    """Say what the spectral radius promised and what happened."""
    last = int(distances[-1])
    ends = {name: float(decades[-1]) for name, decades in lines.items()}
    if np.isneginf(ends["gradient"]):
        return "Gain 0: the recurrent matrix is 0, and so is the gradient one step back."
    bound = power(ends["Pascanu's bound"])
    radius = 10 ** (ends["spectral radius to the power"] / last)
    promised = "explode" if radius > 1 else "vanish"
    happened = "explodes" if ends["gradient"] > 0 else "vanishes"
    verdict = (
        f"a spectral radius of {radius:.2f} sounds as if gradients must {promised}, and this one "
        f"{happened}"
    )
    theory = (
        f" Mean-field theory predicts {power(ends['mean-field theory'])}."
        if "mean-field theory" in ends
        else ""
    )
    return (
        f"Over {last} steps {verdict}: {power(ends['gradient'])}, within what Pascanu's bound "
        f"allows, {bound}.{theory}"
    )


def chain_table(distances: np.ndarray, lines: Mapping[str, np.ndarray]) -> Table:
    """Write the chain as a table of logarithms: a line per distance."""
    columns = {f"{name} (log10)": rounded(decades) for name, decades in lines.items()}
    return {"distance": distances.tolist(), **columns}


def activation_lines(
    gains: Sequence[float], found: Mapping[str, np.ndarray], distance: int, theme: Theme
) -> go.Figure:
    """Show what reaches the first step against the gain, a line per activation (log10)."""
    looks = {"tanh": ("RNN", "solid"), "ReLU": ("ReLU", "dash"), "none": ("token", "dot")}
    traces = [
        line(np.array(gains), decades, name, looks[name][0], theme, looks[name][1], "gain")
        for name, decades in found.items()
    ]
    for trace in traces:
        trace.mode = "lines+markers"
    return style.drawn(
        traces,
        theme,
        380,
        xaxis={"title": "gain of the recurrent matrix"},
        yaxis={"title": f"gradient {distance} steps back", "zeroline": True, **DECADES},
    )


def look_for_activations(
    gains: Sequence[float], found: Mapping[str, np.ndarray], low: float, high: float
) -> str:
    """Compare networks with and without an activation at two gains, one below and one above 1."""
    small, large = (list(gains).index(gain) for gain in (low, high))
    return (
        f"With no activation at all the gradient is {power(found['none'][small])} at gain {low:g} "
        f"and {power(found['none'][large])} at gain {high:g}: the matrix alone makes it vanish or "
        f"explode. tanh only lowers the line, to {power(found['tanh'][small])} and "
        f"{power(found['tanh'][large])}."
    )


def activation_table(gains: Sequence[float], found: Mapping[str, np.ndarray]) -> Table:
    """Write the lines as a table of logarithms: a line per gain."""
    columns = {f"{name} (log10)": rounded(decades) for name, decades in found.items()}
    return {"gain": list(gains), **columns}


# A switch


def latch_lines(states: np.ndarray, decades: np.ndarray, theme: Theme) -> go.Figure:
    """Show the states of two runs that began apart, and below them the gradient of the first.

    Args:
        states: (run, step), the first set to +1 and the second to −1.
        decades: log10 of |∂h_T/∂h_t|, likewise.
        theme: Light or dark.
    """
    steps = np.arange(1, states.shape[1] + 1)
    runs = [
        go.Scatter(
            x=steps,
            y=row.astype(np.float32),
            name=f"first input {name}",
            mode="lines",
            line={"color": style.COLORS[quantity][theme], "width": 3, "dash": dash},
            hovertemplate=f"first input {name}, step %{{x}}: %{{y:.3f}}<extra></extra>",
        )
        for row, name, quantity, dash in zip(
            states, ("+1", "−1"), ("positive", "negative"), ("solid", "dash"), strict=True
        )
    ]
    gradient = line(steps, decades[0], "gradient", "RNN", theme, "dot", "step")
    gradient.yaxis = "y2"
    return style.drawn(
        [*runs, gradient],
        theme,
        460,
        xaxis={"title": "step", "anchor": "y2"},
        yaxis={"title": "state", "domain": [0.56, 1], "range": [-1.15, 1.15], "dtick": 1},
        yaxis2={"title": "gradient", "domain": [0, 0.46], **DECADES},
    )


def look_for_latch(states: np.ndarray, decades: np.ndarray) -> str:
    """Say what the state has kept, and what is left of the gradient."""
    n_steps = states.shape[1] - 1
    return (
        f"After {n_steps} steps of noise the two runs are at {states[0, -1]:.2f} and "
        f"{states[1, -1]:.2f}: the first input is not forgotten. Yet {power(decades[0, 0])} of the "
        "gradient reaches it, so training could hardly have found this."
    )


def latch_table(states: np.ndarray, decades: np.ndarray) -> Table:
    """Write the states and the gradients as a table: a line per step."""
    return {
        "step": list(range(1, states.shape[1] + 1)),
        "state, first input +1": np.round(states[0], 4).tolist(),
        "state, first input −1": np.round(states[1], 4).tolist(),
        "gradient, first input +1 (log10)": rounded(decades[0]),
    }


# Two traps

MEASURES = {  # name of a measure on screen: colour, width of its line: all three can be seen
    "float32, .norm()": ("position", 3),
    "float32, squares in float64": ("RNN", 9),
    "rescaled on its way": ("token", 15),
}


def measure_lines(measures: Sequence[np.ndarray], theme: Theme) -> go.Figure:
    """Show one gradient as three measures see it; a cross where a measure begins to say 0."""
    traces: list[go.Scatter] = []
    for (name, (quantity, width)), decades in zip(MEASURES.items(), measures, strict=True):
        distances = np.arange(len(decades))
        traces.insert(0, line(distances, decades, name, quantity, theme, width=width))
        end = first(np.isneginf(decades))
        if end:
            traces.append(
                go.Scatter(
                    x=[end],
                    y=[float(decades[end - 1])],
                    mode="markers+text",
                    marker={"symbol": "x", "size": 14, "color": style.COLORS[quantity][theme]},
                    text=f"0 from distance {end}",
                    textposition="top right",
                    cliponaxis=False,
                    showlegend=False,
                    hoverinfo="skip",
                )
            )
    return style.drawn(
        traces,
        theme,
        400,
        xaxis={"title": "distance: steps back from the last one"},
        yaxis={"title": "gradient", **DECADES},
    )


def look_for_measures(measures: Sequence[np.ndarray]) -> str:
    """Say from where on each measure says 0, and how large the gradient is there."""
    careless, careful, rescaled = measures
    died, dead = first(np.isneginf(careless)), first(np.isneginf(careful))
    return (
        f"`.norm()` says 0 from distance {died} on, where the gradient is {power(careful[died])}. "
        f"In float32 it is really all 0 from {dead} on. Rescaled on its way it goes on, down to "
        f"{power(rescaled[-1])} at {len(rescaled) - 1}."
    )


def measure_table(measures: Sequence[np.ndarray]) -> Table:
    """Write the three measures as a table of logarithms: a line per distance."""
    columns = {
        f"{name} (log10)": rounded(decades)
        for name, decades in zip(MEASURES, measures, strict=True)
    }
    return {"distance": list(range(len(measures[0]))), **columns}


def weight_lines(
    gains: Sequence[float], weights: np.ndarray, first_step: np.ndarray, theme: Theme
) -> go.Figure:
    """Show two gradients against the gain: of the weights, and of the first step (gain, seed)."""
    x = np.array(gains)
    traces = [
        line(
            x,
            np.median(weights, axis=1),
            "of the weights, ‖∂L/∂W‖",
            "weights",
            theme,
            "solid",
            "gain",
        ),
        line(x, np.median(first_step, axis=1), "of the first step", "RNN", theme, "dash", "gain"),
    ]
    for trace in traces:
        trace.mode = "lines+markers"
    return style.drawn(
        traces,
        theme,
        380,
        xaxis={"title": "gain of the recurrent matrix"},
        yaxis={"title": "gradient (median)", **DECADES},
    )


def look_for_weights(gains: Sequence[float], weights: np.ndarray, first_step: np.ndarray) -> str:
    """Compare both gradients where one vanishes and where both explode."""
    ours, theirs = np.median(weights, axis=1), np.median(first_step, axis=1)
    low, one, high = 1, list(gains).index(1.0), len(gains) - 1
    return (
        f"From gain {gains[low]:g} to 1 the gradient of the weights stays between "
        f"{power(ours[low])} and {power(ours[one])}, while the first step gets "
        f"{power(theirs[low])} and {power(theirs[one])}. At gain {gains[high]:g} both explode: "
        f"{power(ours[high])} and {power(theirs[high])}."
    )


def weight_table(gains: Sequence[float], weights: np.ndarray, first_step: np.ndarray) -> Table:
    """Write both gradients as a table of logarithms: a line per gain."""
    return {
        "gain": list(gains),
        "of the weights (log10)": rounded(np.median(weights, axis=1)),
        "of the first step (log10)": rounded(np.median(first_step, axis=1)),
    }


# Devices


def device_names(names: Mapping[str, str]) -> str:
    """Say what computes here, and whether a GPU is among it."""
    gpus = [quoted(name) for device, name in names.items() if device != "cpu"]
    if not gpus:
        return f"Here it is {quoted(names['cpu'])}; this server has no GPU at hand."
    return f"Here it is {', '.join(gpus)}, beside {quoted(names['cpu'])}."


def device_bars(seconds: Mapping[str, Mapping[str, float]], theme: Theme) -> go.Figure:
    """Show microseconds per step there and back: a group per network, a bar per device."""
    patterns = ("", "/", "x", ".")
    bars = [
        go.Bar(
            x=list(networks),
            y=[1e6 * value for value in networks.values()],
            name=style.plot_text(device),
            marker={"color": style.COLORS[quantity][theme], "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:.0f} µs a step<extra></extra>",
        )
        for (device, networks), quantity, pattern in zip(
            seconds.items(), ("output", "token", "k", "v"), patterns, strict=False
        )
    ]
    return style.drawn(
        bars, theme, 340, showlegend=True, yaxis={"title": "µs per step, there and back"}
    )


def look_for_devices(seconds: Mapping[str, Mapping[str, float]]) -> str:
    """Say how long the whole way takes, and which device is quicker at what."""
    device, networks = next(iter(seconds.items()))
    slowest = max(networks, key=networks.__getitem__)
    said = (
        f"On {quoted(device)} a step of the {slowest} takes longest: "
        f"{1e6 * networks[slowest]:.0f} µs there and back."
    )
    for other, times in list(seconds.items())[1:]:
        said += f" On {quoted(other)} it takes {1e6 * times[slowest]:.0f} µs."
    return said


def device_table(seconds: Mapping[str, Mapping[str, float]]) -> Table:
    """Write the times as a table: a line per network and device."""
    rows = [
        (device, network, round(1e6 * value, 1))
        for device, networks in seconds.items()
        for network, value in networks.items()
    ]
    devices, networks, times = zip(*rows, strict=True)
    return {"device": list(devices), "network": list(networks), "µs per step": list(times)}
