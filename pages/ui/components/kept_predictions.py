"""What a browser remembers of its visitor's predictions, handed over when a session begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/kept_predictions"
_mount = component("kept_predictions", js=(_FILES / "index.js").read_text(encoding="utf-8"))


def kept_predictions(on_kept: Callable[[], None]) -> None:
    """Call `on_kept` if this browser remembers predictions; they are the component's `kept`."""
    _mount(key="kept-predictions", on_kept_change=on_kept)
