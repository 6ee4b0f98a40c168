"""Numbers in the cells of heat maps, for those who want to read them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

MOST_CELLS = 1_000  # of a figure; each number is a text of its own for the browser
SHORTEST_ROW = 13  # pixels; numbers in lower rows cannot be read
INKS = ("#000000", "#ffffff")  # one of them is readable on any colour


def write_numbers(figure: go.Figure) -> int:
    """Write the value into every cell of the heat maps that have room for it, and no text yet.

    Plotly has one ink for all cells of a heat map: a second one, which cannot be seen, lies on top
    and holds the numbers in the other ink. Cells without a number hold spaces as wide as one, so
    that both choose the same size of type.

    Returns:
        How many pixels wide the figure has to be for the numbers to be read; 0: there are none.
    """
    heatmaps = [h for h in figure.select_traces({"type": "heatmap"}) if h.text is None]
    if sum(np.size(heatmap.z) for heatmap in heatmaps) > MOST_CELLS:
        return 0
    if len({heatmap.xaxis for heatmap in heatmaps}) > 1:
        _stack(figure, heatmaps)
    room = 0.0
    for heatmap in heatmaps:
        if figure.layout.height / len(heatmap.z) < SHORTEST_ROW:
            continue
        z = np.asarray(heatmap.z, dtype=np.float32)
        places = 2 if np.nanmax(np.abs(z), initial=0) < 100 else 0
        rounded = z.round(places) + 0.0  # no -0.00
        numbers = np.array(
            [["" if np.isnan(v) else f"{v:,.{places}f}" for v in row] for row in rounded]
        )
        blank = np.where(numbers == "", "", "\u2007" * 4)
        on_dark = _cell_luminance(figure, heatmap, z) < 0.179  # where white has the higher contrast
        black, white = (
            {
                "text": np.where(cells, numbers, blank),
                "texttemplate": "%{text}",
                "textfont": {"color": ink},
            }
            for ink, cells in zip(INKS, (~on_dark, on_dark), strict=True)
        )
        heatmap.update(black)
        figure.add_heatmap(
            z=z,
            x=heatmap.x,
            y=heatmap.y,
            xaxis=heatmap.xaxis,
            yaxis=heatmap.yaxis,
            colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]],
            showscale=False,
            hoverinfo="skip",
            **white,
        )
        longest = max(map(len, numbers.ravel()))
        room = max(room, 8 + z.shape[1] * (0.6 + 0.5 * longest))  # ems: labels, cells
    return round(room * _type_size(figure))


def _type_size(figure: go.Figure) -> float:
    return figure.layout.font.size or figure.layout.template.layout.font.size


def _stack(figure: go.Figure, panels: list[go.Heatmap]) -> None:
    """Put panels that stand side by side one below another, so that their cells have room."""
    size, n = _type_size(figure), len(panels)
    high, gap, above, below = 1.8 * size * len(panels[0].z), 7 * size, 7 * size, 6 * size  # pixels
    whole = n * high + (n - 1) * gap
    titles = figure.layout.annotations
    for i, panel in enumerate(panels):
        top, number = 1 - i * (high + gap) / whole, str(i + 1) if i else ""
        panel.yaxis = f"y{number}"
        figure.layout[f"yaxis{number}"] = figure.layout.yaxis
        figure.layout[f"yaxis{number}"].domain = [max(top - high / whole, 0), top]
        figure.layout[f"xaxis{number}"].update(domain=[0, 1], anchor=panel.yaxis)
        titles[i].update(x=0, xanchor="left", y=top, font={"size": size})
    for axis in (figure.layout.coloraxis, figure.layout.coloraxis2):
        axis.colorbar.y = 1 + 2 * size / whole
    figure.update_layout(height=above + whole + below, margin={"t": above, "b": below})


def _cell_luminance(figure: go.Figure, heatmap: go.Heatmap, z: np.ndarray) -> np.ndarray:
    """Compute how light each cell is (relative luminance, WCAG 2.2), as Plotly colours it."""
    axis = figure.layout[heatmap.coloraxis] if heatmap.coloraxis else None
    low, high, middle = (
        (axis.cmin, axis.cmax, axis.cmid) if axis else (heatmap.zmin, heatmap.zmax, heatmap.zmid)
    )
    low = float(np.nanmin(z)) if low is None else low
    high = float(np.nanmax(z)) if high is None else high
    if middle is not None:
        reach = max(high - middle, middle - low)
        low, high = middle - reach, middle + reach
    shares = np.clip((np.nan_to_num(z, nan=low) - low) / ((high - low) or 1), 0, 1)
    places, shades = zip(*(axis or heatmap).colorscale, strict=True)
    rgb = np.array([[int(shade[i : i + 2], 16) / 255 for i in (1, 3, 5)] for shade in shades])
    mixed = np.stack([np.interp(shares, places, rgb[:, channel]) for channel in range(3)], axis=-1)
    linear = np.where(mixed <= 0.04045, mixed / 12.92, ((mixed + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
