"""Downloads of a figure (SVG, PNG) and the link to it, made in the browser."""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/figure_tools"
_mount = component(
    "figure_tools",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


def figure_tools(figure: str) -> None:
    """Offer the downloads and the link of the figure with this key."""
    _mount(data={"figure": figure}, key=f"tools-{figure}")
