"""Two matrices of the same tokens side by side, and their difference on a scale with fixed zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.style import Theme


def comparison(
    first: np.ndarray,
    second: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str],
    quantity: str,
    theme: Theme,
    *,
    measure: str,
    axis: str,
    gaps: str = "",
) -> go.Figure:
    """Show two matrices of the same shape, and what the second has more than the first.

    Where there is no number (NaN), the ground shows through, in grey.

    Args:
        first: (row, column).
        second: (row, column).
        rows: What the rows are called.
        columns: What the columns are called.
        names: What the two matrices are called.
        quantity: Whose colour they have, a name of `style.COLORS`.
        theme: Light or dark.
        measure: What their numbers are, for the colour bar.
        axis: What the rows are, for the axis.
        gaps: Why some cells have no number.
    """
    x, y = style.plot_labels(columns), style.plot_labels(rows)
    difference = second - first
    low = min(float(np.nanmin(first)), float(np.nanmin(second)), 0.0)
    high = max(float(np.nanmax(first)), float(np.nanmax(second)), low + 1e-6)
    extent = max(float(np.nanmax(np.abs(difference))), 1e-6)
    has_gaps = bool(np.isnan(difference).any())
    ground = {"plot_bgcolor": style.GRID[theme]} if has_gaps else {}
    legend = {"title": f"grey: {gaps}"} if has_gaps else {}
    panels = (
        (names[0], first, "", "coloraxis", [0, 0.31]),
        (names[1], second, "2", "coloraxis", [0.345, 0.655]),
        ("difference", difference, "3", "coloraxis2", [0.69, 1]),
    )
    bar = {  # above the panels, where it leaves a phone its whole width
        "orientation": "h",
        "len": 0.45,
        "thickness": 10,
        "xanchor": "left",
        "y": 1.08,
        "yanchor": "bottom",
        "ypad": 0,
        "nticks": 4,
    }
    return style.drawn(
        [
            go.Heatmap(
                z=values.astype(np.float32),
                x=x,
                y=y,
                xaxis=f"x{number}",
                coloraxis=colouring,
                hoverongaps=False,
                hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
            )
            for _, values, number, colouring, _ in panels
        ],
        theme,
        470,
        margin={"t": 84},
        **ground,
        **{f"xaxis{number}": {"domain": domain, **legend} for _, _, number, _, domain in panels},
        yaxis={"autorange": "reversed", "title": axis},
        annotations=[
            {
                "text": style.plot_text(title),
                "x": sum(domain) / 2,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "center",
                "yanchor": "bottom",
                "font": {"size": 12},
                "showarrow": False,
            }
            for title, _, _, _, domain in panels
        ],
        coloraxis={
            "colorscale": style.sequential_scale(quantity, theme),
            "cmin": low,
            "cmax": high,
            "colorbar": {"title": {"text": measure, "side": "top"}, "x": 0, **bar},
        },
        coloraxis2={
            "colorscale": style.diverging_scale(theme),
            "cmin": -extent,
            "cmax": extent,
            "colorbar": {"title": {"text": "difference", "side": "top"}, "x": 0.55, **bar},
        },
    )
