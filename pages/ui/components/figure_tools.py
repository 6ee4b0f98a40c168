"""Downloads of a figure (SVG, PNG), the link to it, and room for it, made in the browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/figure_tools"
_mount = component(
    "figure_tools",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


def figure_tools(figure: str, room: int) -> None:
    """Offer the downloads and the link of a figure.

    Args:
        figure: Its key.
        room: How many pixels wide it has to be, at least; where there is less, it scrolls.
    """
    _mount(data={"figure": figure, "room": room}, key=f"tools-{figure}")
