"""How figures look: one colour per quantity, one Plotly layout, one way to write a label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import plotly.graph_objects as go

Theme = Literal["light", "dark"]

BACKGROUND = {"light": "#fdfcfa", "dark": "#14171c"}
TEXT = {"light": "#0f1216", "dark": "#e9e7e2"}
GRID = {"light": "#dddad3", "dark": "#343a43"}

# One colour per quantity, the same on every page. Text in these colours has a contrast of at least
# 4.5:1 with the background of its theme (tests/ui/test_style.py).
COLORS: dict[str, dict[Theme, str]] = {
    "token": {"light": "#475569", "dark": "#b6c2d2"},
    "position": {"light": "#826200", "dark": "#e3c14e"},
    "segment": {"light": "#686868", "dark": "#a6a6a6"},
    "embedding": {"light": "#7a4a2b", "dark": "#d9ae90"},
    "q": {"light": "#2b59c3", "dark": "#8fadff"},
    "k": {"light": "#b04a08", "dark": "#ffac70"},
    "v": {"light": "#18754a", "dark": "#70d4a2"},
    "scores": {"light": "#7a3db5", "dark": "#cca6f6"},
    "weights": {"light": "#b0225c", "dark": "#ff8fb7"},
    "output": {"light": "#0c707c", "dark": "#62d0dd"},
    "negative": {"light": "#a34a00", "dark": "#ffa45c"},
    "positive": {"light": "#3d3f9e", "dark": "#a9aaff"},
    "RNN": {"light": "#b3261e", "dark": "#ff8a80"},
    "ReLU": {"light": "#8a5a00", "dark": "#f0b45a"},
    "GRU": {"light": "#5b6500", "dark": "#c3d160"},
    "LSTM": {"light": "#00639b", "dark": "#7cc4ff"},
    "LSTM_open": {"light": "#00695f", "dark": "#58d1c0"},  # its forget gate held open
    "attention": {"light": "#8a1c8f", "dark": "#f09af5"},
    "Transformer": {"light": "#2f6b1f", "dark": "#9bd67f"},
    "feed_forward": {"light": "#3f6184", "dark": "#9bbcd9"},
}


def colors(theme: Theme) -> dict[str, str]:
    """Name the colour of each quantity in one theme."""
    return {quantity: shades[theme] for quantity, shades in COLORS.items()}


def sequential_scale(quantity: str, theme: Theme) -> list[list[float | str]]:
    """Run from the background (nothing) to the quantity's colour (most)."""
    return [[0.0, BACKGROUND[theme]], [1.0, COLORS[quantity][theme]]]


def diverging_scale(theme: Theme) -> list[list[float | str]]:
    """Run from negative through the background (zero) to positive; use it with `zmid=0`."""
    return [
        [0.0, COLORS["negative"][theme]],
        [0.5, BACKGROUND[theme]],
        [1.0, COLORS["positive"][theme]],
    ]


def plot_text(text: str) -> str:
    """Write any text as a Plotly label: Plotly reads labels as HTML, so `<s>` would vanish."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"\u2068{text}\u2069" if text.strip() else "␣" * max(1, len(text))


def plot_labels(texts: Iterable[str]) -> list[str]:
    """Write texts as the categories of an axis, equal texts kept apart: Plotly merges them."""
    seen: dict[str, int] = {}
    labels = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        labels.append(plot_text(text) + "\u200b" * (seen[text] - 1))
    return labels


def _template(theme: Theme) -> go.layout.Template:
    axis = {
        "gridcolor": GRID[theme],
        "zerolinecolor": GRID[theme],
        "automargin": True,
        "title": {"standoff": 8},
    }
    layout = {
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": BACKGROUND[theme],
        "plot_bgcolor": BACKGROUND[theme],
        "font": {"family": "Source Sans, sans-serif", "size": 14, "color": TEXT[theme]},
        "hoverlabel": {"font": {"size": 14}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": axis,
        "yaxis": axis,
    }
    return go.layout.Template(layout=layout)


TEMPLATES = {"light": _template("light"), "dark": _template("dark")}


def drawn(traces: object, theme: Theme, height: int, **layout: object) -> go.Figure:
    """Make a figure with the look that all figures share.

    The layout is given at once: Plotly takes ten times as long to change one afterwards.

    Args:
        traces: One Plotly trace or several.
        theme: Light or dark.
        height: In pixels.
        layout: What is particular to this figure: `xaxis`, `yaxis`, `annotations` …
    """
    return go.Figure(traces, {"template": TEMPLATES[theme], "height": height, **layout})


LARGER = 20 / 14  # type on a projector beside that of a page


def enlarge(figure: go.Figure) -> None:
    """Make a figure readable from the last row of a classroom."""
    figure.update(_with_larger_type(figure.to_plotly_json()), overwrite=True)
    figure.update_layout(
        font_size=LARGER * 14,
        hoverlabel_font_size=LARGER * 14,
        height=LARGER * figure.layout.height,
    )


def _with_larger_type(part: Any) -> Any:
    """Enlarge whatever is called a font in a part of a figure, but for what all figures share."""
    if isinstance(part, list | tuple):
        return [_with_larger_type(each) for each in part]
    if not isinstance(part, dict):
        return part
    larger = {
        name: value if name == "template" else _with_larger_type(value)
        for name, value in part.items()
    }
    for name, font in part.items():
        if name.endswith("font") and "size" in font:
            larger[name] = font | {"size": max(18, LARGER * font["size"])}
    return larger
