"""Figures of positional encoding: two word orders, waves, clocks, the learned table, its size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.comparison import comparison
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

Table = dict[str, list[object]]

ZERO = 1e-9  # where 0 is drawn on a logarithmic axis
DASHES = ("solid", "dot", "dash", "dashdot", "longdash", "longdashdot")
QUANTITIES = ("position", "q", "k", "v", "scores", "output")


def scientific(value: float) -> str:
    """Write a number by its power of ten: 6 · 10⁻⁷."""
    if value == 0:
        return "0"
    digit, exponent = f"{value:.0e}".split("e")
    power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digit} · 10{power}"


def depths(n_depths: int) -> list[str]:
    """Name the stages of the model: the embeddings, then each block."""
    return ["embeddings", *(f"block {block}" for block in range(1, n_depths))]


SWITCHES = ("with positions", "without")


def order_lines(token_distance: np.ndarray, mean_difference: np.ndarray, theme: Theme) -> go.Figure:
    """Show how far two orders of the same words are apart, stage by stage.

    Args:
        token_distance: Between the two vectors of the token that moved most: (with positions,
            without; stage), or with positions alone.
        mean_difference: Largest difference in a dimension of the sentence vector, likewise.
        theme: Light or dark.
    """
    stages = depths(token_distance.shape[1])
    lines = [
        go.Scatter(
            x=stages,
            y=np.maximum(row, ZERO),
            customdata=row,
            name=f"{positions}: {what}",
            mode="lines+markers",
            line={"color": style.COLORS[quantity][theme], "width": 3, "dash": dash},
            marker={"size": 8},
            hovertemplate=f"{what}, {positions}: %{{customdata:.2g}}<extra></extra>",
        )
        for positions, quantity, *rows in zip(
            SWITCHES, ("position", "token"), token_distance, mean_difference, strict=False
        )
        for what, dash, row in zip(
            ("farthest token", "sentence vector"), ("solid", "dot"), rows, strict=True
        )
    ]
    return style.drawn(
        lines,
        theme,
        400,
        yaxis={
            "type": "log",
            "title": "difference between the orders",
            "range": [np.log10(ZERO) - 0.4, 1.5],
            "tickvals": [ZERO, 1e-7, 1e-5, 1e-3, 1e-1, 10],
            "ticktext": ["0", "10⁻⁷", "10⁻⁵", "0.001", "0.1", "10"],
        },
    )


def look_for_order(mean_cosine: np.ndarray, mean_difference: np.ndarray) -> str:
    """Say how far two orders are apart as the model was trained to read them.

    Args:
        mean_cosine: Between the two sentence vectors: (with positions, without; stage).
        mean_difference: Their largest difference in one dimension, likewise.
    """
    return (
        f"In a dimension of the sentence vector they differ by up to {mean_difference[0, 0]:.3f} "
        f"before the first block, and by up to {mean_difference[0, -1]:.2f} after the last; the "
        f"cosine of the two is {mean_cosine[0, -1]:.3f} there. The model notices."
    )


def look_for_orders(mean_cosine: np.ndarray, mean_difference: np.ndarray) -> str:
    """Say what is left of the difference when positions are switched off."""
    return (
        f"Without positions the two sentence vectors differ by at most "
        f"{scientific(mean_difference[1, -1])} in any dimension: rounding, nothing else. With "
        f"positions they differ by up to {mean_difference[0, -1]:.2f}, cosine "
        f"{mean_cosine[0, -1]:.3f}."
    )


def look_for_shuffle(
    shuffled: str,
    orders: tuple[np.ndarray, np.ndarray, np.ndarray],
    eaten_difference: np.ndarray,
) -> str:
    """Say what positions do for the learner's words, and for the student and the apple.

    Args:
        shuffled: The learner's words in another order.
        orders: How far the two orders are apart, as `order_table` takes it.
        eaten_difference: Of the two sentence vectors of the course's example.
    """
    _, mean_cosine, mean_difference = orders
    return (
        f"Shuffled: {quoted(shuffled)}  \n"
        f"{look_for_orders(mean_cosine, mean_difference)} The student and the apple without "
        f"positions: {scientific(eaten_difference[1, -1])}."
    )


def order_table(
    token_distance: np.ndarray, mean_cosine: np.ndarray, mean_difference: np.ndarray
) -> Table:
    """Write the differences between two orders as a table, one line per stage."""
    columns = {
        f"{what}, {positions}": [float(f"{value:.4g}") for value in row]
        for positions, *rows in zip(
            SWITCHES, token_distance, mean_difference, mean_cosine, strict=False
        )
        for what, row in zip(
            (
                "farthest token",
                "largest difference in the sentence vector",
                "cosine of the sentence vectors",
            ),
            rows,
            strict=True,
        )
    }
    return {"after": depths(token_distance.shape[1]), **columns}


def encoding_heatmap(
    encoding: np.ndarray, theme: Theme, limit: float, height: int = 380
) -> go.Figure:
    """Show a table of positions, one row each: (position, dimension), coloured up to ±limit."""
    bounded = float(np.abs(encoding).max()) <= limit
    ends = (f"−{limit:g}", f"{limit:g}") if bounded else (f"≤ −{limit:g}", f"≥ {limit:g}")
    heatmap = go.Heatmap(
        z=encoding.astype(np.float32),
        zmin=-limit,
        zmax=limit,
        colorscale=style.diverging_scale(theme),
        colorbar={
            "title": "value",
            "thickness": 12,
            "tickvals": [-limit, 0, limit],
            "ticktext": [ends[0], "0", ends[1]],
        },
        hovertemplate="position %{y}, dimension %{x}: %{z:.3f}<extra></extra>",
    )
    return style.drawn(
        heatmap,
        theme,
        height,
        xaxis={"title": "dimension (from 0)", "showgrid": False},
        yaxis={"title": "position (from 0)", "autorange": "reversed", "showgrid": False},
    )


def look_for_encoding(wavelengths: np.ndarray, length: int) -> str:
    """Say how fast the dimensions turn, and how many never finish a turn."""
    n_slow = int((wavelengths > length).sum())
    consequence = (
        "so positions far apart stay apart."
        if n_slow
        else "so positions far apart begin to look alike."
    )
    return (
        f"Dimensions 0 and 1 repeat every {wavelengths[0]:.1f} tokens, the last two every "
        f"{wavelengths[-1]:,.0f}. Within {length} positions {n_slow} of {len(wavelengths)} pairs "
        f"do not finish a turn, {consequence}"
    )


def rows_table(rows: np.ndarray) -> Table:
    """Write a table of positions as numbers: a line per position."""
    columns = {
        f"{column}": np.round(rows[:, column], 4).tolist() for column in range(rows.shape[1])
    }
    return {"position": list(range(len(rows))), **columns}


def waves(encoding: np.ndarray, dimensions: Sequence[int], theme: Theme) -> go.Figure:
    """Show single dimensions of the encoding as they run over the positions."""
    lines = [
        go.Scatter(
            y=encoding[:, dimension].astype(np.float32),
            name=f"dimension {dimension}",
            mode="lines+markers",
            line={"color": style.COLORS[quantity][theme], "dash": dash},
            marker={"size": 5},
            hovertemplate=f"position %{{x}}, dimension {dimension}: %{{y:.3f}}<extra></extra>",
        )
        for dimension, quantity, dash in zip(dimensions, QUANTITIES, DASHES, strict=False)
    ]
    return style.drawn(
        lines,
        theme,
        320,
        showlegend=True,
        xaxis={"title": "position (from 0)"},
        yaxis={"title": "value", "range": [-1.1, 1.1]},
    )


def look_for_waves(wavelengths: np.ndarray, dimensions: Sequence[int]) -> str:
    """Say which wave each chosen dimension is, and its length in tokens."""
    described = (
        f"{dimension} ({'cosine' if dimension % 2 else 'sine'}) every "
        f"{wavelengths[dimension // 2]:,.1f} tokens"
        for dimension in dimensions
    )
    return f"Each dimension repeats: {', '.join(described)}."


def wavelength_table(wavelengths: np.ndarray) -> Table:
    """Write the wavelength of every pair of dimensions as a table."""
    pairs = range(len(wavelengths))
    return {
        "dimensions": [f"{2 * pair} and {2 * pair + 1}" for pair in pairs],
        "wavelength in tokens": np.round(wavelengths, 2).tolist(),
    }


def encoding_arithmetic(encoding: np.ndarray, base: float, position: int, dimension: int) -> str:
    """Compute one value of the encoding from its formula.

    Args:
        encoding: (position, dimension).
        base: Of the wavelengths.
        position: Which row, counted from 0.
        dimension: Which column, counted from 0.
    """
    d_model = encoding.shape[1]
    wave, even = ("cos", dimension - 1) if dimension % 2 else ("sin", dimension)
    divisor = base ** (even / d_model)
    return (
        f"Position {position}, dimension {dimension}: ${base:.0f}^{{{even}/{d_model}}} = "
        f"{divisor:.4g}$, so "
        f"$\\{wave}({position} / {divisor:.4g}) = \\{wave}({position / divisor:.4f}) = "
        f"{encoding[position, dimension]:.4f}$."
    )


def profile_lines(
    profiles: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    unit: str,
    theme: Theme,
) -> go.Figure:
    """Show products of positions over their distance: the mean, and the range over all places.

    Args:
        profiles: Name -> (mean, lowest, highest) at distance 0, 1, 2 …
        unit: What is measured, the title of the axis.
        theme: Light or dark.
    """
    traces: list[go.Scatter] = []
    for (name, (mean, lowest, highest)), quantity in zip(
        profiles.items(), ("position", "output"), strict=False
    ):
        colour = style.COLORS[quantity][theme]
        distances = np.arange(len(mean))
        traces += [
            go.Scatter(
                x=np.concatenate([distances, distances[::-1]]),
                y=np.concatenate([highest, lowest[::-1]]).astype(np.float32),
                fill="toself",
                fillcolor=_transparent(colour),
                line={"width": 0},
                hoverinfo="skip",
                name=f"{name}: lowest to highest",
            ),
            go.Scatter(
                x=distances,
                y=mean.astype(np.float32),
                mode="lines",
                line={"color": colour, "width": 3},
                customdata=np.column_stack([lowest, highest]).astype(np.float32),
                hovertemplate=f"{name}, distance %{{x}}: %{{y:.3f}}<br>between "
                "%{customdata[0]:.3f} and %{customdata[1]:.3f}<extra></extra>",
                name=f"{name}: mean",
            ),
        ]
    return style.drawn(
        traces,
        theme,
        340,
        showlegend=True,
        xaxis={"title": "distance (tokens)"},
        yaxis={"title": unit, "rangemode": "tozero"},
    )


def _transparent(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.25)"


def look_for_products(mean: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> str:
    """Say how little the place matters, and how the product falls with the distance."""
    n_positions = len(mean)
    return (
        f"All {n_positions * (n_positions + 1) // 2:,} pairs of {n_positions} positions lie on one "
        f"curve: at equal distance two of them differ by {scientific((highest - lowest).max())} "
        f"at most, which is rounding. From {mean[0]:.0f} at distance 0 the product falls to "
        f"{mean[1]:.0f} at 1 and {mean[10]:.0f} at 10."
    )


def profile_table(mean: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> Table:
    """Write a curve over the distance as a table."""
    return {
        "distance": list(range(len(mean))),
        "mean": np.round(mean, 5).tolist(),
        "lowest": np.round(lowest, 5).tolist(),
        "highest": np.round(highest, 5).tolist(),
    }


CLOCKS_IN_A_ROW = 4
CLOCK_WIDTH, CLOCK_HEIGHT = 2.7, 3.5  # in radii, with the space between them


def clocks(
    start: np.ndarray,
    turned: np.ndarray,
    target: np.ndarray,
    wavelengths: np.ndarray,
    theme: Theme,
) -> go.Figure:
    """Show pairs of dimensions as hands of clocks: before, after the rotation, and where to be.

    Args:
        start: (pair, 2): sine and cosine at the position.
        turned: The same after the rotation.
        target: The same at the position that lies further on.
        wavelengths: Of each pair, in tokens.
        theme: Light or dark.
    """
    rows, columns = np.divmod(np.arange(len(start)), CLOCKS_IN_A_ROW)
    centres = np.column_stack([CLOCK_WIDTH * columns, -CLOCK_HEIGHT * rows])
    angles = np.linspace(0, 2 * np.pi, 49)
    rims = centres[:, None] + np.column_stack([np.sin(angles), np.cos(angles)])
    marks = (
        ("PE(pos)", start, "token", {"symbol": "circle", "size": 9}),
        ("PE(pos) turned", turned, "position", {"symbol": "circle", "size": 10}),
        ("PE(pos + k)", target, "q", {"symbol": "circle-open", "size": 17, "line": {"width": 2}}),
    )
    rim = go.Scatter(
        **_strokes(rims),
        mode="lines",
        line={"color": style.GRID[theme], "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    hands = [
        go.Scatter(
            **_strokes(np.stack([centres, centres + values], axis=1)),
            mode="lines",
            line={"color": style.COLORS[quantity][theme], "width": 3},
            hoverinfo="skip",
            showlegend=False,
        )
        for _, values, quantity, _ in marks[:2]
    ]
    tips = [
        go.Scatter(
            x=(centres + values)[:, 0],
            y=(centres + values)[:, 1],
            name=name,
            mode="markers",
            marker={"color": style.COLORS[quantity][theme], **marker},
            customdata=np.column_stack([wavelengths, values]).astype(np.float32),
            hovertemplate=f"{name}, wavelength %{{customdata[0]:.1f}} tokens:<br>sine "
            "%{customdata[1]:.4f}, cosine %{customdata[2]:.4f}<extra></extra>",
        )
        for name, values, quantity, marker in marks
    ]
    names = go.Scatter(
        x=centres[:, 0],
        y=centres[:, 1] - 1.6,
        text=[f"{length:,.0f}" for length in wavelengths],
        mode="text",
        hoverinfo="skip",
        showlegend=False,
    )
    return style.drawn(
        [rim, *hands, *tips, names],
        theme,
        400,
        showlegend=True,
        xaxis={"visible": False, "constrain": "domain"},
        yaxis={
            "visible": False,
            "range": [centres[-1, 1] - 2.1, 1.4],
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
        },
    )


def _strokes(lines: np.ndarray) -> dict[str, np.ndarray]:
    """Put many polylines (line, point, 2) into one trace, with gaps between them."""
    gaps = np.full((len(lines), 1, 2), np.nan)
    points = np.concatenate([lines, gaps], axis=1).reshape(-1, 2).astype(np.float32)
    return {"x": points[:, 0], "y": points[:, 1]}


def look_for_rotation(offset: int, error: float, n_positions: int, n_entries: int) -> str:
    """Say how exactly one rotation moves every position."""
    return (
        f"The turned hand lands in the ring on every clock (below each: its wavelength in tokens). "
        f"One matrix moves all {n_positions} positions on by {offset}; over all {n_entries:,} "
        f"numbers the largest error is {scientific(error)}."
    )


def rotation_table(
    start: np.ndarray, turned: np.ndarray, target: np.ndarray, wavelengths: np.ndarray
) -> Table:
    """Write the hands of the clocks as a table."""
    columns = {
        f"{name}, {wave}": np.round(values[:, place].astype(float), 6).tolist()
        for name, values in (("PE(pos)", start), ("turned", turned), ("PE(pos + k)", target))
        for place, wave in enumerate(("sine", "cosine"))
    }
    return {"wavelength in tokens": np.round(wavelengths, 2).tolist(), **columns}


LEARNED_LIMIT = 0.06  # 99 of 100 learned values lie within; row 0 goes to 1.9


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Compare the directions of two vectors."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def look_for_learned(table: np.ndarray) -> str:
    """Say how alike positions are, and which row stands out."""
    norms = np.linalg.norm(table, axis=1)
    near, far, farther = (cosine(table[5], table[place]) for place in (6, 10, 50))
    largest = int(norms.argmax())
    return (
        f"Rows 5 and 6 have a cosine of {near:.2f}, 5 and 10 of {far:.2f}, 5 and 50 of "
        f"{farther:.2f}. Row {largest} stands out: its length is {norms[largest]:.2f}, the middle "
        f"one {np.median(norms):.2f}."
    )


def look_for_cosines(
    learned: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> str:
    """Say how much the place matters in the learned table."""
    mean, lowest, highest = learned
    return (
        f"Neighbours have a cosine of {mean[1]:.2f} on average, but between {lowest[1]:.2f} and "
        f"{highest[1]:.2f} depending on where they stand; at distance 10 between {lowest[10]:.2f} "
        f"and {highest[10]:.2f}. The waves leave no such band."
    )


def cosine_table(
    profiles: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> Table:
    """Write both curves of cosines as a table."""
    columns = {
        f"{name}, {what}": np.round(values, 4).tolist()
        for name, profile in profiles.items()
        for what, values in zip(("mean", "lowest", "highest"), profile, strict=True)
    }
    return {"distance": list(range(len(next(iter(columns.values()))))), **columns}


def relative_scores(rotary: np.ndarray, slopes: np.ndarray, theme: Theme) -> go.Figure:
    """Show what rotary encoding and ALiBi make of the distance.

    Args:
        rotary: Score of a query that meets its equal, at distance 0, 1, 2 …
        slopes: Of ALiBi's heads, steepest first.
        theme: Light or dark.
    """
    distances = np.arange(len(rotary))
    penalties = np.stack([np.column_stack([distances, -slope * distances]) for slope in slopes])
    heads = np.column_stack([np.arange(1, len(slopes) + 1), slopes])
    alibi_lines = go.Scatter(
        **_strokes(penalties),
        yaxis="y2",
        mode="lines",
        line={"color": style.COLORS["scores"][theme], "width": 2},
        customdata=np.repeat(heads, len(rotary) + 1, axis=0).astype(np.float32),
        hovertemplate="ALiBi, head %{customdata[0]}, slope %{customdata[1]:.4f}<br>"
        "distance %{x}: %{y:.2f}<extra></extra>",
        showlegend=False,
    )
    rotary_line = go.Scatter(
        x=distances,
        y=rotary.astype(np.float32),
        mode="lines",
        line={"color": style.COLORS["position"][theme], "width": 3},
        hovertemplate="rotary, distance %{x}: %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    titles = (
        ("Rotary: score of a query with its equal", 1),
        (f"ALiBi: added to the score, one line per head ({len(slopes)})", 0.44),
    )
    return style.drawn(
        [rotary_line, alibi_lines],
        theme,
        480,
        margin={"t": 32},
        xaxis={"title": "distance (tokens)", "anchor": "y2"},
        yaxis={"domain": [0.56, 1], "title": "score"},
        yaxis2={"domain": [0, 0.44], "title": "penalty", "range": [-16, 0.8]},
        annotations=[
            {
                "text": title,
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": y,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
            }
            for title, y in titles
        ],
    )


def look_for_relative(rotary: np.ndarray, spread: float, slopes: np.ndarray) -> str:
    """Say how both treat near and far."""
    return (
        f"Rotary: 1.00 at distance 0, {rotary[5]:.2f} at 5, {rotary[50]:.2f} at 50; wherever the "
        f"two stand, it changes by {scientific(spread)} at most. ALiBi at distance 50 takes off "
        f"{50 * slopes[0]:.0f} in its steepest head and {50 * slopes[-1]:.1f} in its flattest."
    )


def relative_table(rotary: np.ndarray, slopes: np.ndarray) -> Table:
    """Write rotary scores and ALiBi's penalties over the distance as a table."""
    distances = np.arange(len(rotary))
    heads = {
        f"ALiBi, head {head}": np.round(-slope * distances, 4).tolist()
        for head, slope in enumerate(slopes.tolist(), 1)
    }
    return {"distance": distances.tolist(), "rotary": np.round(rotary, 4).tolist(), **heads}


def norm_bars(
    word_norms: np.ndarray, position_norms: np.ndarray, tokens: Sequence[str], theme: Theme
) -> go.Figure:
    """Show the length of each token's word vector beside that of its position vector."""
    labels = style.plot_labels(tokens)
    bars = [
        go.Bar(
            x=labels,
            y=norms.astype(np.float32),
            name=name,
            marker={"color": style.COLORS[quantity][theme]},
            hovertemplate=f"%{{x}}, {name}: %{{y:.2f}}<extra></extra>",
        )
        for name, norms, quantity in (
            ("word", word_norms, "token"),
            ("position", position_norms, "position"),
        )
    ]
    return style.drawn(
        bars,
        theme,
        340,
        barmode="group",
        xaxis={"title": "token"},
        yaxis={"title": "length of the vector"},
    )


def look_for_norms(
    word_norms: np.ndarray, position_norms: np.ndarray, tokens: Sequence[str]
) -> str:
    """Say how large a position is beside a word, and where it weighs most."""
    ratios = position_norms / word_norms
    most = int(ratios.argmax())
    return (
        f"The middle length of a position is {np.median(position_norms):.2f}, of a word "
        f"{np.median(word_norms):.2f}. Against its word the position weighs most at "
        f"{quoted(tokens[most])}: {ratios[most]:.2f} times as long."
    )


def norm_table(word_norms: np.ndarray, position_norms: np.ndarray, tokens: Sequence[str]) -> Table:
    """Write the lengths and their ratio as a table."""
    return {
        "token": [f"{place} {token}" for place, token in enumerate(tokens, 1)],
        "word": np.round(word_norms, 4).tolist(),
        "position": np.round(position_norms, 4).tolist(),
        "position ÷ word": np.round(position_norms / word_norms, 4).tolist(),
    }


def exchange_bars(
    place: int,
    position: np.ndarray,
    attention: np.ndarray,
    tokens: Sequence[str],
    theme: Theme,
) -> go.Figure:
    """Show how much of what is added to each token changes with a word elsewhere.

    Args:
        place: Of the token that was exchanged; it gets no bar.
        position: Change of the vector of each position, in shares of its length.
        attention: Change of what attention adds in block 1, likewise.
        tokens: The text as it was.
        theme: Light or dark.
    """
    labels = style.plot_labels(tokens)
    labels[place] = style.plot_text(f"{tokens[place]} → [MASK]")
    bars = [
        go.Bar(
            x=labels,
            y=np.where(np.arange(len(tokens)) == place, np.nan, change).astype(np.float32),
            name=name,
            marker={"color": style.COLORS[quantity][theme]},
            hovertemplate=f"%{{x}}, {name}: changes by %{{y:.1%}}<extra></extra>",
        )
        for name, change, quantity in (
            (f"its position's vector (at most {position.max():.0%})", position, "position"),
            ("what attention adds in block 1", attention, "weights"),
        )
    ]
    return style.drawn(
        bars,
        theme,
        360,
        barmode="group",
        xaxis={"title": "token", "type": "category"},
        yaxis={"title": "change, share of its length", "tickformat": ".0%", "rangemode": "tozero"},
    )


def most_changed(place: int, attention: np.ndarray, tokens: Sequence[str]) -> int:
    """Find the other word to which attention adds something new most of all.

    Where there is no other word, a sign counts as one.
    """
    others = [number for number in range(len(tokens)) if number != place]
    words = [number for number in others if tokens[number].isalnum()] or others
    return max(words, key=lambda number: attention[number])


def look_for_exchange(
    place: int, position: np.ndarray, attention: np.ndarray, tokens: Sequence[str]
) -> str:
    """Say what changes for the others, and what does not."""
    most = most_changed(place, attention, tokens)
    return (
        f"{quoted(tokens[place])} became `[MASK]`. The vectors of the other positions change by "
        f"{np.delete(position, place).max():.0%}; what attention adds changes for all of them, for "
        f"{quoted(tokens[most])} at place {most + 1} by {attention[most]:.0%} of its length."
    )


def exchange_table(
    place: int, position: np.ndarray, attention: np.ndarray, tokens: Sequence[str]
) -> Table:
    """Write both changes as shares; the exchanged token has a line as well."""
    names = [f"{number} {token}" for number, token in enumerate(tokens, 1)]
    names[place] += " (became [MASK])"
    return {
        "token": names,
        "change of the position's vector": np.round(position, 4).tolist(),
        "change of what attention adds": np.round(attention, 4).tolist(),
    }


def read_back_marks(
    word: np.ndarray,
    other_word: np.ndarray,
    position: np.ndarray,
    other_position: np.ndarray,
    other_tokens: Sequence[str],
    tokens: Sequence[str],
    theme: Theme,
) -> go.Figure:
    """Show how the sum of each token compares with what went into it, and with all else.

    Args:
        word: Cosine of the sum with the row of its own word.
        other_word: With the nearest row of all other words.
        position: With the row of its own position.
        other_position: With the nearest row of all other positions.
        other_tokens: The nearest other words.
        tokens: The text.
        theme: Light or dark.
    """
    colors = style.colors(theme)
    marks = [
        go.Scatter(
            x=style.plot_labels(tokens),
            y=cosines.astype(np.float32),
            customdata=style.plot_labels(names),
            name=name,
            mode="markers",
            marker={
                "color": colors[quantity],
                "symbol": symbol,
                "size": 9,
                "line": {"width": 2, "color": colors[quantity]},
            },
            hovertemplate=f"%{{x}}, {name} %{{customdata}}: %{{y:.2f}}<extra></extra>",
        )
        for name, cosines, quantity, symbol, names in (
            ("its word", word, "token", "circle", tokens),
            ("nearest other word", other_word, "token", "circle-open", other_tokens),
            ("its position", position, "position", "diamond", [""] * len(tokens)),
            (
                "nearest other position",
                other_position,
                "position",
                "diamond-open",
                [""] * len(tokens),
            ),
        )
    ]
    return style.drawn(
        marks,
        theme,
        400,
        xaxis={"title": "token", "type": "category"},
        yaxis={"title": "cosine with the sum", "rangemode": "tozero"},
    )


def look_for_read_back(
    word: np.ndarray,
    other_word: np.ndarray,
    position: np.ndarray,
    other_position: np.ndarray,
    other_tokens: Sequence[str],
    tokens: Sequence[str],
) -> str:
    """Say how many words and positions can be read back, and where it is closest."""
    closest = int((word - other_word).argmin())
    return (
        f"Filled marks lie above the open ones: of {len(tokens)} sums, {(word > other_word).sum()} "
        f"have their own word as the nearest of 30,522 rows, and "
        f"{(position > other_position).sum()} their own position as the nearest of 512. It is "
        f"closest at {quoted(tokens[closest])}: {word[closest]:.2f}, against "
        f"{other_word[closest]:.2f} for {quoted(other_tokens[closest])}."
    )


def read_back_table(
    word: np.ndarray,
    other_word: np.ndarray,
    position: np.ndarray,
    other_position: np.ndarray,
    other_tokens: Sequence[str],
    tokens: Sequence[str],
) -> Table:
    """Write the cosines of every sum."""
    return {
        "token": [f"{place} {token}" for place, token in enumerate(tokens, 1)],
        "its word": np.round(word, 4).tolist(),
        "nearest other word": list(other_tokens),
        "its cosine": np.round(other_word, 4).tolist(),
        "its position": np.round(position, 4).tolist(),
        "nearest other position": np.round(other_position, 4).tolist(),
    }


def read_back_arithmetic(rows: np.ndarray, token: str) -> str:
    """Compute the cosine of a sum with its word and with its position.

    Args:
        rows: (sum, word, position; d_model).
        token: The token.
    """
    total, word, position = rows
    norm = np.linalg.norm(total)
    cosines = (
        f"$\\cos(x, \\mathrm{{{name}}}) = {row @ total:.3f} / "
        f"({norm:.3f} \\cdot {np.linalg.norm(row):.3f}) = {cosine(row, total):.2f}$"
        for name, row in (("word", word), ("position", position))
    )
    return (
        f"{quoted(token)} becomes the sum $x$ of three rows, of norm ${norm:.3f}$. "
        f"{', '.join(cosines)}. Between word and position themselves it is "
        f"${cosine(word, position):.2f}$; a right angle has 0."
    )


def effect_heatmaps(
    tokens: Sequence[str], first: np.ndarray, second: np.ndarray, theme: Theme
) -> go.Figure:
    """Show how far the shared tokens of two sentences move when the positions are taken away."""
    return comparison(
        first,
        second,
        tokens,
        depths(first.shape[1]),
        ("your sentence", "the second"),
        "position",
        theme,
        measure="distance",
        axis="shared token",
    )


def look_for_effects(tokens: Sequence[str], first: np.ndarray, second: np.ndarray) -> str:
    """Name the shared token for which the position counts most differently at the end."""
    differences = second[:, -1] - first[:, -1]
    most = int(np.abs(differences).argmax())
    return (
        f"After the last block positions move the {len(tokens)} shared tokens by "
        f"{np.median(first[:, -1]):.1f} in your sentence and by {np.median(second[:, -1]):.1f} in "
        f"the second (medians). They differ most for {quoted(tokens[most])}: "
        f"{first[most, -1]:.1f} and {second[most, -1]:.1f}."
    )


def effect_table(tokens: Sequence[str], first: np.ndarray, second: np.ndarray) -> Table:
    """Write the distances of every shared token, stage by stage."""
    stages = depths(first.shape[1])
    return {
        "token": [f"{i} {token}" for i, token in enumerate(tokens, 1)],
        **{
            f"{name}, {stage}": np.round(values[:, depth], 3).tolist()
            for name, values in (
                ("your sentence", first),
                ("the second", second),
                ("difference", second - first),
            )
            for depth, stage in enumerate(stages)
        },
    }
