"""A printable worksheet of a page, made in the browser, where the figures are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components"
_mount = component(
    "worksheet",
    js=(_FILES / "worksheet/index.js").read_text(encoding="utf-8"),
    css=(_FILES / "figure_tools/style.css").read_text(encoding="utf-8"),  # the same buttons
)
STYLE = (_FILES / "worksheet/sheet.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
HIDDEN = "worksheet-hidden"  # where figures are drawn out of sight


def hidden_name(figure: str) -> str:
    """Name a figure that is drawn out of sight, beside its frame on the page."""
    return f"{HIDDEN}-{figure}"


def worksheet(sheet: Callable[[], Mapping[str, object]], *, key: str) -> bool:
    """Offer the worksheet as a file.

    Args:
        sheet: Makes what is written on it; called only when a file is wanted, so that it is never
            older than the figures.
        key: Name of the worksheet, unique in the app.

    Returns:
        Whether a file is wanted now, and with it every figure on the sheet.
    """
    wanted = (st.session_state.get(key) or {}).get("wanted")
    written = {**sheet(), "style": STYLE, "policy": POLICY} if wanted else None
    data = {"hidden": HIDDEN, "wanted": wanted, "sheet": written}
    _mount(data=data, key=key, on_wanted_change=lambda: None, on_made_change=lambda: None)
    return wanted is not None
