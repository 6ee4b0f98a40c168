"""Figures of scaled dot-product attention: saturation by width, temperature, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.self_attention import number
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

DIVISION = ("÷ √d_k", "not divided")


def look_for_steps(weights: np.ndarray, tokens: Sequence[str], row: int) -> str:
    """Say what the chosen row of scores has become in the end."""
    most = int(weights[row].argmax())
    return (
        f"Follow {quoted(tokens[row])} through the steps: it ends with {weights[row, most]:.2f} of "
        f"its attention on {quoted(tokens[most])}. Every row of weights sums to 1."
    )


def pairs_table(
    quantities: dict[str, np.ndarray], tokens: Sequence[str]
) -> dict[str, list[object]]:
    """Write quantities of shape (query, key) as a table, a row per pair of tokens."""
    n_tokens = len(tokens)
    names = [f"{place} {token}" for place, token in enumerate(tokens, 1)]
    return {
        "query": [name for name in names for _ in range(n_tokens)],
        "key": names * n_tokens,
        **{name: np.round(values, 4).ravel().tolist() for name, values in quantities.items()},
    }


def look_for_masks(scores: dict[str, np.ndarray], tokens: Sequence[str]) -> str:
    """Say how many of the pairs each mask forbids."""
    *_, causal, padding = (int(np.isinf(values).sum()) for values in scores.values())
    alone = "no mask" in scores  # a model without a mask of its own
    also = f"the padding mask {padding} (whole columns)" if alone else f"both masks {padding}"
    return (
        f"Of {len(tokens) ** 2} pairs, the causal mask forbids {causal} (a triangle), {also}. "
        "After softmax, their weight is exactly 0."
    )


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn each row of scores into shares that sum to 1."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def masked_bars(
    scores: Mapping[str, np.ndarray], tokens: Sequence[str], row: int, theme: Theme
) -> go.Figure:
    """Show the weights of one token under each mask."""
    marks = (("token", ""), ("weights", "/"), ("scores", "x"))[-len(scores) :]
    return style.drawn(
        [
            go.Bar(
                x=style.plot_labels(tokens),
                y=softmax(values[row]).astype(np.float32),
                name=name,
                marker={"color": style.COLORS[colour][theme], "pattern": {"shape": pattern}},
                hovertemplate="%{x}: %{y:.3f}<extra></extra>",
            )
            for (name, values), (colour, pattern) in zip(scores.items(), marks, strict=True)
        ],
        theme,
        320,
        barmode="group",
        yaxis={"title": "weight", "rangemode": "tozero"},
    )


def look_for_masked(scores: Mapping[str, np.ndarray], tokens: Sequence[str], row: int) -> str:
    """Say how much one token has left to look at under each mask, and what becomes of the rest."""
    left = ", ".join(
        f"{np.isfinite(values[row]).sum()} ({name})" for name, values in scores.items()
    )
    first, *others = (softmax(values[row]) for values in scores.values())
    most = int(first.argmax())
    now = " and ".join(f"{weights[most]:.2f}" for weights in others)
    return (
        f"Of {len(tokens)} tokens {quoted(tokens[row])} has left to look at: {left}. What was on "
        f"the others is shared out among these: {quoted(tokens[most])} has {first[most]:.2f} at "
        f"first, then {now}."
    )


def never_forbidden(scores: Mapping[str, np.ndarray], query: int) -> int:
    """Find the key with the largest score of a query that no mask forbids."""
    return int(np.minimum.reduce([values[query] for values in scores.values()]).argmax())


def masked_arithmetic(
    scores: Mapping[str, np.ndarray], tokens: Sequence[str], link: tuple[int, int]
) -> str:
    """Compute one weight, of a query and a key, under each mask."""
    query, key = link
    lines = []
    for name, values in scores.items():
        score, total = float(values[query, key]), float(np.exp(values[query]).sum())
        power = float(np.exp(score))
        exponent = f"{score:.2f}" if np.isfinite(score) else r"-\infty"
        written = number(power) if power else "0"
        lines.append(
            f"$e^s / \\sum_j e^{{s_j}} = e^{{{exponent}}} / {number(total)} = {written} / "
            f"{number(total)} = {power / total:.2f}$ ({name})"
        )
    return f"{quoted(tokens[query])} looks at {quoted(tokens[key])}:\n\n" + "\n\n".join(lines)


def masked_table(
    scores: Mapping[str, np.ndarray], tokens: Sequence[str], row: int
) -> dict[str, list[object]]:
    """Write the weights of one token under each mask."""
    return {
        "token": list(tokens),
        **{name: np.round(softmax(values[row]), 4).tolist() for name, values in scores.items()},
    }


PANELS = (
    ("spread", "standard deviation of the scores", "log"),
    ("entropy", "entropy of the weights ÷ ln n", "linear"),
    ("gradient_norm", "gradient at the query", "log"),
)


def saturation(
    widths: Sequence[int],
    unscaled: dict[str, np.ndarray],
    scaled: dict[str, np.ndarray],
    expected_spread: np.ndarray,
    theme: Theme,
) -> go.Figure:
    """Show spread, entropy and gradient against d_k, with and without the division."""
    lines = (("without ÷ √d_k", unscaled, "k", "circle"), ("with ÷ √d_k", scaled, "q", "square"))
    traces = [
        go.Scatter(
            x=list(widths),
            y=values[quantity].astype(np.float32),
            yaxis=f"y{panel}",
            name=name,
            legendgroup=name,
            showlegend=panel == 1,
            mode="lines+markers",
            marker={"symbol": symbol, "size": 7},
            line={"color": style.COLORS[colour][theme]},
            hovertemplate=f"d_k = %{{x}}: {title} %{{y:.3g}}<extra>{name}</extra>",
        )
        for panel, (quantity, title, _) in enumerate(PANELS, 1)
        for name, values, colour, symbol in lines
    ]
    theory = go.Scatter(
        x=list(widths),
        y=expected_spread.astype(np.float32),
        name="theory: √d_k",
        mode="lines",
        line={"color": style.TEXT[theme], "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )
    domains = ([0.74, 0.96], [0.39, 0.61], [0.02, 0.26])
    layout: dict[str, object] = {
        "xaxis": {
            "anchor": "y3",
            "type": "log",
            "title": "d_k",
            "tickvals": [1, 4, 16, 64, 256, 1024, 4096],
        },
        "annotations": [
            {
                "text": title,
                "x": 0,
                "y": domain[1],
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
            }
            for (_, title, _), domain in zip(PANELS, domains, strict=True)
        ],
    }
    for panel, ((_, _, kind), domain) in enumerate(zip(PANELS, domains, strict=True), 1):
        layout[f"yaxis{panel}"] = {
            "domain": domain,
            "type": kind,
            "exponentformat": "power",
            "dtick": (1, 0.5, 2)[panel - 1],
        }
    return style.drawn([*traces, theory], theme, 620, **layout)


def look_for_saturation(
    widths: Sequence[int], unscaled: dict[str, np.ndarray], scaled: dict[str, np.ndarray]
) -> str:
    """Say what happens at the width of many models, and far above."""
    usual, wide = list(widths).index(64), len(widths) - 1
    loss = scaled["gradient_norm"][wide] / max(unscaled["gradient_norm"][wide], 1e-300)
    helped = [
        width
        for width, with_it, without in zip(
            widths, scaled["gradient_norm"], unscaled["gradient_norm"], strict=True
        )
        if without > with_it
    ]
    return (
        f"At d_k = 64 the unscaled weights keep {unscaled['entropy'][usual]:.2f} of their possible "
        f"entropy, the scaled ones {scaled['entropy'][usual]:.2f}. At d_k = {widths[wide]:,} the "
        f"gradient is {loss:,.0f} times smaller without the division. Up to d_k = "
        f"{max(helped, default=0)} it is larger without it: the harm comes with width."
    )


def saturation_table(
    widths: Sequence[int], unscaled: dict[str, np.ndarray], scaled: dict[str, np.ndarray]
) -> dict[str, list[object]]:
    """Write all measured quantities against d_k as a table."""
    return {
        "d_k": list(widths),
        **{f"{name}, unscaled": values.tolist() for name, values in unscaled.items()},
        **{f"{name}, scaled": values.tolist() for name, values in scaled.items()},
    }


def saturation_arithmetic(
    widths: Sequence[int], unscaled: Mapping[str, np.ndarray], place: int
) -> str:
    """Compute the spread of the scores of one width, expected and measured."""
    width, measured = widths[place], float(unscaled["spread"][place])
    root = width**0.5
    return (
        f"$q \\cdot k$ is a sum of {width} products, each with variance 1: variance ${width}$, "
        f"standard deviation $\\sqrt{{{width}}} = {root:.2f}$. Measured: ${measured:.2f}$, and "
        f"after the division ${measured:.2f} / {root:.2f} = {measured / root:.2f}$."
    )


def look_for_unscaled(scaled: np.ndarray, unscaled: np.ndarray) -> str:
    """Say how much the strongest weight of a token has, on average, with the division and without.

    Args:
        scaled: Weights with the division by √d_k: (query, key).
        unscaled: Without.
    """
    return (
        f"Without the division a token's largest weight is {unscaled.max(axis=1).mean():.2f} on "
        f"average, with it {scaled.max(axis=1).mean():.2f}. The model learned with it."
    )


def temperature_bars(
    usual: np.ndarray, changed: np.ndarray, tokens: Sequence[str], temperature: float, theme: Theme
) -> go.Figure:
    """Show one token's weights at temperature 1 and at another."""
    labels = style.plot_labels(tokens)
    bars = (
        (usual, "temperature 1", style.COLORS["token"][theme], ""),
        (changed, f"temperature {temperature:g}", style.COLORS["weights"][theme], "/"),
    )
    return style.drawn(
        [
            go.Bar(
                x=labels,
                y=values.astype(np.float32),
                name=name,
                marker={"color": colour, "pattern": {"shape": pattern}},
                hovertemplate="%{x}: %{y:.3f}<extra></extra>",
            )
            for values, name, colour, pattern in bars
        ],
        theme,
        340,
        barmode="group",
        yaxis={"title": "weight", "rangemode": "tozero"},
    )


def temperature_table(
    usual: np.ndarray, changed: np.ndarray, tokens: Sequence[str], temperature: float
) -> dict[str, list[object]]:
    """Write one token's weights at both temperatures as a table."""
    return {"token": list(tokens), "at 1": usual.tolist(), f"at {temperature}": changed.tolist()}


def look_for_temperature(
    usual: np.ndarray, changed: np.ndarray, tokens: Sequence[str], row: int
) -> str:
    """Say that the order stays, and how the largest weight changes."""
    most = int(usual.argmax())
    return (
        f"{quoted(tokens[row])} still looks most at {quoted(tokens[most])}: "
        f"{usual[most]:.2f} at temperature 1, {changed[most]:.2f} now. The order of the tokens "
        "never changes; a temperature below 1 makes the weights sharper, one above 1 more even."
    )


def look_for_gradient(
    gradients: dict[str, np.ndarray], weights: np.ndarray, tokens: Sequence[str], row: int
) -> str:
    """Say which rows matter: only one query, and the values by their weights."""
    queries = int((np.abs(gradients["q"]).max(axis=1) > 0).sum())
    most = int(weights[row].argmax())
    return (
        f"Of {len(tokens)} queries only {queries} matters: that of {quoted(tokens[row])}. In V the "
        f"gradient is the weight itself: {gradients['v'].max():.2f} at {quoted(tokens[most])}."
    )
