"""Figures of the encoder: the stream, one block, units, depth, what breaks, deep stacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.comparison import comparison
from pages.ui.figures.positional_encoding import depths
from pages.ui.figures.style import Theme
from pages.ui.figures.training import LATEST, History
from pages.ui.figures.vanishing_gradients import rounded
from pages.ui.text import quoted

Table = dict[str, list[object]]

STAGES = (  # of a block: name, colour, marker
    ("comes in", "token", "circle-open"),
    ("attention added", "attention", "triangle-up"),
    ("normalised", "attention", "triangle-up-open"),
    ("feed-forward added", "feed_forward", "square"),
    ("normalised again", "feed_forward", "square-open"),
)
WIRINGS = {  # how each way to put blocks together is drawn: colour, dashes
    "pre-norm": ("Transformer", "solid"),
    "post-norm": ("LSTM", "dash"),
    "no norm": ("ReLU", "dashdot"),
    "no skip": ("RNN", "solid"),
    "neither": ("token", "dot"),
}
SHOWN_UNITS = 32
FULL_COLOUR = 3.0  # of a unit; for [CLS] single units reach several times that
ONE = 0.99  # from this cosine on tokens count as one
ACCURACY = 1  # its place in the series of an update, as in core
DECADES = {"tickprefix": "10<sup>", "ticksuffix": "</sup>"}  # labels of an axis of logarithms


def table_by_depth(tokens: Sequence[str], values: Mapping[str, np.ndarray]) -> Table:
    """Write quantities (depth, token) as a table: a line per depth and token."""
    n_depths = len(next(iter(values.values())))
    columns = {name: np.round(value, 4).ravel().tolist() for name, value in values.items()}
    stages = [name for name in depths(n_depths) for _ in tokens]
    return {"after": stages, "token": list(tokens) * n_depths, **columns}


# The stream


def stream_lines(
    values: np.ndarray, tokens: Sequence[str], chosen: int, unit: str, theme: Theme
) -> go.Figure:
    """Follow a quantity of every token through the blocks, one token highlighted.

    Args:
        values: (depth, token).
        tokens: As the model reads them.
        chosen: Which one is highlighted.
        unit: What is measured, the title of the axis.
        theme: Light or dark.
    """
    names = depths(len(values))
    labels = style.plot_labels(tokens)
    others = [place for place in range(len(tokens)) if place != chosen]
    gap = np.full((len(others), 1), np.nan)
    traces = [
        go.Scatter(
            x=[*names, None] * len(others),
            y=np.concatenate([values[:, others].T, gap], axis=1).ravel().astype(np.float32),
            text=[labels[place] for place in others for _ in range(len(values) + 1)],
            name="other tokens",
            mode="lines",
            line={"color": style.COLORS["token"][theme], "width": 1},
            opacity=0.5,
            hovertemplate="%{text}, %{x}: %{y:.2f}<extra></extra>",
        ),
        go.Scatter(
            x=names,
            y=values[:, chosen].astype(np.float32),
            name=labels[chosen],
            mode="lines+markers",
            line={"color": style.COLORS["output"][theme], "width": 4},
            marker={"size": 9},
            hovertemplate=f"{labels[chosen]}, %{{x}}: %{{y:.2f}}<extra></extra>",
        ),
    ]
    return style.drawn(
        traces, theme, 340, showlegend=True, yaxis={"title": unit, "rangemode": "tozero"}
    )


def look_for_stream(
    norm: np.ndarray, cosine_to_start: np.ndarray, tokens: Sequence[str], chosen: int
) -> str:
    """Say how little the length of the chosen vector changes, and how much its direction.

    Args:
        norm: (depth, token).
        cosine_to_start: Likewise.
        tokens: As the model reads them.
        chosen: Which one.
    """
    own = norm[:, chosen]
    last = cosine_to_start[-1]
    turned = int(last.argmin())
    return (
        f"The vector of {quoted(tokens[chosen])} stays between {own.min():.1f} and "
        f"{own.max():.1f} long, but turns: its cosine with what entered is "
        f"{cosine_to_start[1, chosen]:.2f} after block 1 and {last[chosen]:.2f} after block "
        f"{len(norm) - 1}. {quoted(tokens[turned])} turns most, to {last[turned]:.2f}."
    )


# One block


def share_bars(attention: np.ndarray, feed_forward: np.ndarray, theme: Theme) -> go.Figure:
    """Compare what the two parts of each block add to a token, relative to what was there."""
    names = depths(len(attention) + 1)[1:]
    bars = [
        go.Bar(
            x=names,
            y=values.astype(np.float32),
            name=name,
            marker={"color": style.COLORS[quantity][theme], "pattern": {"shape": pattern}},
            hovertemplate=f"{name}, %{{x}}: %{{y:.2f}}<extra></extra>",
        )
        for name, values, quantity, pattern in (
            ("attention", attention, "attention", ""),
            ("feed-forward layer", feed_forward, "feed_forward", "/"),
        )
    ]
    return style.drawn(
        bars, theme, 320, showlegend=True, yaxis={"title": "length added ÷ length before"}
    )


def look_for_shares(attention: np.ndarray, feed_forward: np.ndarray, token: str) -> str:
    """Say where each of the two parts adds most."""
    parts = (
        f"{name} adds most in block {int(values.argmax()) + 1}, a vector {values.max():.2f} times "
        "as long as the one it is added to"
        for name, values in (("attention", attention), ("the feed-forward layer", feed_forward))
    )
    return f"To {quoted(token)} {'; '.join(parts)}."


def share_table(attention: np.ndarray, feed_forward: np.ndarray) -> Table:
    """Write what the two parts add as a table: a line per block."""
    return {
        "block": list(range(1, len(attention) + 1)),
        "attention": np.round(attention, 4).tolist(),
        "feed-forward layer": np.round(feed_forward, 4).tolist(),
    }


def stage_points(spread: np.ndarray, tokens: Sequence[str], theme: Theme) -> go.Figure:
    """Show how far the entries of each token's vector spread, at the five stages of a block.

    Args:
        spread: (stage, token).
        tokens: As the model reads them.
        theme: Light or dark.
    """
    points = [
        go.Scatter(
            x=style.plot_labels(tokens),
            y=values.astype(np.float32),
            name=name,
            mode="markers",
            marker={"color": style.COLORS[quantity][theme], "symbol": symbol, "size": 10},
            hovertemplate=f"%{{x}}, {name}: %{{y:.3f}}<extra></extra>",
        )
        for (name, quantity, symbol), values in zip(STAGES, spread, strict=True)
    ]
    return style.drawn(
        points,
        theme,
        380,
        yaxis={"title": "spread of the entries (logarithmic)", "type": "log", "dtick": "D2"},
    )


def look_for_stages(spread: np.ndarray, block: int) -> str:
    """Say how unlike the tokens are before the last normalisation, and how like after it."""
    before, after = spread[3], spread[4]
    return (
        f"With the answer of the feed-forward layer added, the spread of a token's entries in "
        f"block {block + 1} lies between {before.min():.2f} and {before.max():.2f}; normalised "
        f"again, between {after.min():.2f} and {after.max():.2f}. It is not 1 for all, because a "
        "learned weight scales each entry afterwards."
    )


def stage_table(
    norm: np.ndarray, mean: np.ndarray, spread: np.ndarray, tokens: Sequence[str]
) -> Table:
    """Write what normalisation looks at as a table: a line per stage and token."""
    return {
        "stage": [name for name, _, _ in STAGES for _ in tokens],
        "token": list(tokens) * len(STAGES),
        **{
            name: np.round(values, 4).ravel().tolist()
            for name, values in (("length", norm), ("mean", mean), ("spread", spread))
        },
    }


def share_arithmetic(added: float, before: float, token: str, block: int, part: int) -> str:
    """Divide the length of what a part of a block adds to a token by that of what was there.

    Args:
        added: The length of what it adds.
        before: The length of what it is added to.
        token: The token.
        block: Which block, counted from 0.
        part: 0 for attention, 1 for the feed-forward layer.
    """
    name, function, vector = (("attention", "Attention", "x"), ("the layer", "FFN", "y"))[part]
    return (
        f"What {name} adds to {quoted(token)} in block {block + 1}: "
        rf"$\lVert \mathrm{{{function}}}({vector}) \rVert / \lVert {vector} \rVert = "
        f"{added:.2f} / {before:.2f} = {added / before:.2f}$."
    )


def norm_arithmetic(
    value: float,
    mean: float,
    spread: float,
    weight: float,
    shift: float,
    result: float,
    *,
    entry: int,
    token: str,
) -> str:
    """Normalise one entry of a vector: γ (x − mean) / spread + β."""
    return (
        f"Dimension {entry + 1} of {quoted(token)}, after the feed-forward layer: "
        r"$\gamma\,(x - \mu) / \sigma + \beta = "
        rf"{weight:.3f} \cdot ({value:.3f} {signed(-mean)}) / {spread:.3f} {signed(shift)} = "
        rf"{result:.3f}$. Mean $\mu$ and spread $\sigma$ are those of this vector's "
        r"384 entries; $\gamma$ and $\beta$ were learned."
    )


def signed(value: float) -> str:
    """Write a number that is added: + 0.123, - 0.123."""
    return f"{'-' if value < 0 else '+'} {abs(value):.3f}"


# Units


def strongest_units(activations: np.ndarray) -> np.ndarray:
    """Choose the units with the largest activations of (token, unit), in their own order."""
    return np.sort(activations.max(axis=0).argsort()[::-1][:SHOWN_UNITS])


def unit_heatmap(activations: np.ndarray, tokens: Sequence[str], theme: Theme) -> go.Figure:
    """Show the units that fire most: (token, unit), only the strongest of them drawn."""
    units = strongest_units(activations)
    heatmap = go.Heatmap(
        z=activations[:, units].astype(np.float32),
        x=[f"{unit}" for unit in units],
        y=style.plot_labels(tokens),
        zmin=0,
        zmax=FULL_COLOUR,
        colorscale=style.sequential_scale("feed_forward", theme),
        colorbar={
            "title": "GELU",
            "thickness": 12,
            "tickvals": [0, 1, 2, FULL_COLOUR],
            "ticktext": ["0", "1", "2", f"≥ {FULL_COLOUR:g}"],
        },
        hovertemplate="%{y}, unit %{x}: %{z:.2f}<extra></extra>",
    )
    return style.drawn(
        heatmap,
        theme,
        max(260, 90 + 20 * len(tokens)),
        xaxis={"title": "unit (from 0)", "type": "category", "showgrid": False},
        yaxis={"autorange": "reversed", "showgrid": False, "dtick": 1},
    )


def look_for_units(activations: np.ndarray, tokens: Sequence[str], chosen: int) -> str:
    """Say how few units fire for a token, and which most."""
    own = activations[chosen]
    return (
        f"For {quoted(tokens[chosen])} {(own > 0).sum():,} of {own.size:,} units fire; unit "
        f"{own.argmax()} most, with {own.max():.2f}. Over all tokens a share of "
        f"{(activations > 0).mean():.0%} fires."
    )


def unit_table(activations: np.ndarray, tokens: Sequence[str]) -> Table:
    """Write the strongest units as a table: a line per token, a column per unit."""
    columns = {
        f"unit {unit}": np.round(activations[:, unit], 4).tolist()
        for unit in strongest_units(activations)
    }
    return {"token": list(tokens), **columns}


def look_for_unit(
    tokens: Sequence[str], activations: np.ndarray, sentences: Sequence[str], firing_share: float
) -> str:
    """Say what excites a unit most, and how often it fires at all.

    Args:
        tokens: Those that excite it, most active first.
        activations: Of the unit, for each of them.
        sentences: Where each of them stands.
        firing_share: Of all tokens of all sentences.
    """
    different = ", ".join(quoted(token) for token in dict.fromkeys(tokens))
    return (
        f"Most active for {quoted(tokens[0])}, with {activations[0]:.2f}, in "
        f"{quoted(sentences[0])}. In the {len(tokens)} highest places: {different}. Of all tokens "
        f"{firing_share:.0%} make it fire."
    )


def ranking_table(
    tokens: Sequence[str], activations: np.ndarray, sentences: Sequence[str]
) -> Table:
    """Write what excites a unit as a table: a line per token."""
    return {
        "token": list(tokens),
        "activation": np.round(activations, 4).tolist(),
        "sentence": list(sentences),
    }


def ranked_bars(
    labels: Sequence[str], values: np.ndarray, unit: str, quantity: str, theme: Theme
) -> go.Figure:
    """Show a ranked list of tokens, the first on top."""
    bars = go.Bar(
        x=values.astype(np.float32),
        y=style.plot_labels(labels),
        orientation="h",
        marker={"color": style.COLORS[quantity][theme]},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
    )
    return style.drawn(
        bars,
        theme,
        60 + 28 * len(labels),
        xaxis={"title": unit, "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "type": "category"},
    )


# Depth


def look_for_neighbours(
    tokens: Sequence[str], cosines: np.ndarray, own: str, own_rank: int, depth: int
) -> str:
    """Say what a vector reads as at one depth, and where its own word stands."""
    place = "nothing is nearer" if own_rank == 0 else f"{own_rank:,} others are nearer"
    where = "as it enters" if depth == 0 else f"after block {depth}"
    return (
        f"Read with the input table, {quoted(own)} {where} lies nearest to {quoted(tokens[0])}, "
        f"cosine {cosines[0]:.2f}. Compared with its own row, {place}."
    )


def similarity_line(cosines: np.ndarray, theme: Theme) -> go.Figure:
    """Show how alike two sentences are as read at every depth."""
    names = depths(len(cosines))
    colour = style.COLORS["output"][theme]
    line = go.Scatter(
        x=names,
        y=cosines.astype(np.float32),
        mode="lines+markers",
        line={"color": colour, "width": 3},
        marker={"size": 9},
        hovertemplate="%{x}: %{y:.3f}<extra></extra>",
    )
    return style.drawn(line, theme, 300, yaxis={"title": "cosine of the sentences"})


def look_for_similarity(cosines: np.ndarray) -> str:
    """Compare the similarity of two sentences at the start and the end, and where it is least."""
    lowest = int(cosines.argmin())
    where = f"after block {lowest}" if lowest else "as they enter"
    return (
        f"The two sentences have a cosine of {cosines[0]:.2f} as they enter and of "
        f"{cosines[-1]:.2f} after the last block; it is lowest {where}, {cosines[lowest]:.2f}."
    )


def similarity_table(cosines: np.ndarray) -> Table:
    """Write the similarity of two sentences as a table: a line per depth."""
    return {"after": depths(len(cosines)), "cosine": np.round(cosines, 4).tolist()}


def distance_heatmap(distance: np.ndarray, tokens: Sequence[str], theme: Theme) -> go.Figure:
    """Show how far each token's vector is from that of the intact run: (depth, token)."""
    heatmap = go.Heatmap(
        z=distance.astype(np.float32),
        x=style.plot_labels(tokens),
        y=depths(len(distance)),
        zmin=0,
        zmax=max(0.1, min(2.0, float(np.nanmax(distance)))),
        colorscale=style.sequential_scale("output", theme),
        colorbar={"title": "change", "thickness": 12},
        hovertemplate="%{x}, %{y}: %{z:.3f}<extra></extra>",
    )
    return style.drawn(heatmap, theme, 340, xaxis={"showgrid": False}, yaxis={"showgrid": False})


def look_for_travel(distance: np.ndarray, tokens: Sequence[str], left_out: int) -> str:
    """Say who hears of a word after one block, and who has taken most of it at the end."""
    others = np.delete(np.arange(len(tokens)), left_out)
    first, last = distance[1, others], distance[-1, others]
    least, most = int(others[first.argmin()]), int(others[last.argmax()])
    return (
        f"Without the word {quoted(tokens[left_out])} every other vector changes by "
        f"{first.mean():.0%} of its length after one block, on average, {quoted(tokens[least])} "
        f"least, by {first.min():.2%}; and by {last.mean():.0%} after {len(distance) - 1}, "
        f"{quoted(tokens[most])} most, by {last.max():.0%}."
    )


# Two sentences


def shared_heatmaps(
    first: np.ndarray, second: np.ndarray, tokens: Sequence[str], theme: Theme
) -> go.Figure:
    """Show how far the tokens that two sentences share have turned in each, block by block.

    Args:
        first: Cosine to the start, of the shared tokens in the first sentence: (depth, token).
        second: Likewise in the second.
        tokens: Those that are shared.
        theme: Light or dark.
    """
    return comparison(
        first[1:].T,
        second[1:].T,
        tokens,
        depths(len(first))[1:],
        ("yours", "second"),
        "output",
        theme,
        measure="cosine",
        axis="token",
    )


def look_for_shared(first: np.ndarray, second: np.ndarray, tokens: Sequence[str]) -> str:
    """Name the shared token that has turned most differently by the end."""
    difference = second[-1] - first[-1]
    most = int(np.abs(difference).argmax())
    return (
        f"Of the {len(tokens)} tokens that both share, {quoted(tokens[most])} differs most: after "
        f"block {len(first) - 1} its cosine with what entered is {first[-1, most]:.2f} in your "
        f"sentence and {second[-1, most]:.2f} in the second."
    )


def shared_table(first: np.ndarray, second: np.ndarray, tokens: Sequence[str]) -> Table:
    """Write the turning of shared tokens as a table: a line per depth and token."""
    return table_by_depth(tokens, {"yours": first, "second": second, "difference": second - first})


# Something taken away


def break_lines(intact: np.ndarray, broken: np.ndarray, theme: Theme) -> go.Figure:
    """Compare how alike the tokens of a text are at every depth, intact and with a part missing."""
    lines = [
        go.Scatter(
            x=depths(len(values)),
            y=values.astype(np.float32),
            name=name,
            mode="lines+markers",
            line={"color": style.COLORS[quantity][theme], "width": 3, "dash": dash},
            marker={"size": 8},
            hovertemplate=f"{name}, %{{x}}: %{{y:.3f}}<extra></extra>",
        )
        for name, values, quantity, dash in (
            ("intact", intact, "Transformer", "solid"),
            ("broken", broken, "RNN", "dash"),
        )
    ]
    return style.drawn(
        lines, theme, 320, yaxis={"title": "cosine between the tokens", "range": [-0.1, 1.05]}
    )


def look_for_break(
    intact: np.ndarray, broken: np.ndarray, norm: np.ndarray, cosine: np.ndarray
) -> str:
    """Say what is left of the last vectors when a part is missing.

    Args:
        intact: Mean cosine between the tokens, by depth.
        broken: The same with a part missing.
        norm: Lengths of the vectors then: (depth, token).
        cosine: Of the two vectors of each token: (depth, token).
    """
    said = (
        f"After the last block a token's vector has a cosine of {cosine[-1].mean():.2f} with the "
        f"intact one, on average."
    )
    if broken[-1] > 0.99:
        return (
            f"{said} All tokens have become one: {broken[-1]:.3f} instead of {intact[-1]:.2f} "
            "between them."
        )
    growth = norm[-1].mean() / norm[0].mean()
    if growth > 10:
        return f"{said} The vectors have grown {growth:,.0f} times as long."
    return f"{said} Between the tokens it is {broken[-1]:.2f} instead of {intact[-1]:.2f}."


def look_for_difference(distance: np.ndarray, tokens: Sequence[str]) -> str:
    """Say how far the vectors are from those of the intact run, after one block and at the end."""
    first, last = distance[1], distance[-1]
    most = int(last.argmax())
    return (
        f"After block 1 a vector differs from the intact one by {first.mean():.0%} of its length, "
        f"on average; after block {len(distance) - 1} by {last.mean():,.0%}, "
        f"{quoted(tokens[most])} most, by {last[most]:,.0%}."
    )


def break_table(intact: np.ndarray, broken: np.ndarray, distance: np.ndarray) -> Table:
    """Write both runs as a table: a line per depth."""
    return {
        "after": depths(len(intact)),
        "cosine between the tokens, intact": np.round(intact, 4).tolist(),
        "cosine between the tokens, broken": np.round(broken, 4).tolist(),
        "change of a token, on average": np.round(distance.mean(axis=1), 4).tolist(),
    }


# Deep stacks


def stack_lines(
    curves: Mapping[str, np.ndarray], title: str, logarithmic: bool, theme: Theme
) -> go.Figure:
    """Show a quantity at every depth of fresh stacks: the middle seed and the band of all.

    Args:
        curves: By wiring: (depth, seed); logarithms, if the axis is logarithmic.
        title: Of the axis.
        logarithmic: Whether the values are logarithms.
        theme: Light or dark.
    """
    traces: list[go.Scatter] = []
    for name, values in curves.items():
        quantity, dash = WIRINGS[name]
        colour = style.COLORS[quantity][theme]
        held = np.isfinite(values).all(axis=1)
        place = np.arange(len(values))[held]
        low, middle, high = np.quantile(values[held], (0, 0.5, 1), axis=1)
        shown = "10<sup>%{y:.1f}</sup>" if logarithmic else "%{y:.3f}"
        traces += [
            go.Scatter(
                x=np.concatenate([place, place[::-1]]),
                y=np.concatenate([high, low[::-1]]).astype(np.float32),
                fill="toself",
                fillcolor=f"rgba{(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)), 0.2)}",
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            ),
            go.Scatter(
                x=place,
                y=middle.astype(np.float32),
                name=name,
                mode="lines",
                line={"color": colour, "width": 3, "dash": dash},
                hovertemplate=f"{name}, after block %{{x}}: {shown}<extra></extra>",
            ),
        ]
    axis = DECADES if logarithmic else {"range": [-0.05, 1.05]}
    return style.drawn(
        traces,
        theme,
        380,
        showlegend=True,
        xaxis={"title": "after block (0: what enters)"},
        yaxis={"title": title, **axis},
    )


def exponent(decades: float) -> str:
    """Write a logarithm as an exponent with one decimal: ⁻⁶·⁸."""
    return f"{decades:.1f}".translate(str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹"))


def look_for_stack(log_grad_norm: Mapping[str, np.ndarray]) -> str:
    """Say what of a gradient reaches the first block, by wiring."""
    parts: list[str] = []
    for name, values in log_grad_norm.items():
        decades = np.median(values[0] - values[-1])
        gradient = f"10{exponent(decades)}" if np.isfinite(decades) else "too large"
        parts.append(f"**{name}** {gradient}")
    return f"Of a gradient of 1 at the end, this reaches the start: {'; '.join(parts)}."


def stack_table(
    log_grad_norm: Mapping[str, np.ndarray], token_cosine: Mapping[str, np.ndarray]
) -> Table:
    """Write the medians over the seeds as a table: a line per depth."""
    table: Table = {"after block": list(range(len(next(iter(log_grad_norm.values())))))}
    for name, values in log_grad_norm.items():
        table[f"{name}, gradient (log10)"] = rounded(np.median(values, axis=1))
        table[f"{name}, cosine"] = np.round(np.median(token_cosine[name], axis=1), 5).tolist()
    return table


def look_for_collapse(token_cosine: Mapping[str, np.ndarray]) -> str:
    """Say from which block on the tokens of a stack are one, by wiring."""
    parts: list[str] = []
    for name, values in token_cosine.items():
        alike = np.median(values, axis=1) > ONE
        where = f"from block {int(alike.argmax())} on" if alike.any() else "not in this depth"
        parts.append(f"**{name}** {where}")
    return f"All tokens are one (a cosine above {ONE:g}): {'; '.join(parts)}."


def look_for_learning(
    history: Sequence[History], names: Sequence[str], guessing_accuracy: float
) -> str:
    """Say who has learned the task: the accuracy of each network, by wiring.

    Args:
        history: Of each wiring.
        names: Of the wirings.
        guessing_accuracy: Of who knows nothing.
    """
    if all(len(updates) <= 1 for updates in history):
        return (
            f"At first all of them guess and get {guessing_accuracy:.0%}. Start, and watch whose "
            "accuracy leaves the dotted line."
        )
    parts: list[str] = []
    for name, updates in zip(names, history, strict=True):
        shares = np.mean([update[ACCURACY] for update in updates[-LATEST:]], axis=0)
        parts.append(f"**{name}** {', '.join(f'{share:.0%}' for share in shares)}")
    n_updates = max(len(updates) for updates in history)
    return (
        f"Right answers after {n_updates:,} updates: {'; '.join(parts)}. Guessing gets "
        f"{guessing_accuracy:.0%}."
    )
