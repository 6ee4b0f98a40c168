"""The end of what has been computed: the next section follows when the reader comes near."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/read_on"
_mount = component(
    "read_on",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


def read_on(key: str, on_near: Callable[[], None]) -> None:
    """Call `on_near`, perhaps more than once, when the reader comes near this place."""
    _mount(key=f"read-on-{key}", on_near_change=on_near)
