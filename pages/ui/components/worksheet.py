"""A printable worksheet of a page, made in the browser, where the figures are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components"
_mount = component(
    "worksheet",
    js=(_FILES / "worksheet/index.js").read_text(encoding="utf-8"),
    css="".join(
        (_FILES / f"{name}/style.css").read_text(encoding="utf-8")
        for name in ("figure_tools", "worksheet")
    ),
)
STYLE = (_FILES / "worksheet/sheet.css").read_text(encoding="utf-8")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def worksheet(
    figures: Sequence[str], sheet: Callable[[], Mapping[str, object]], *, key: str
) -> None:
    """Offer the worksheet as a file.

    Args:
        figures: Keys of the figures that belong on it.
        sheet: Makes what is written on it; called only when a file is wanted, so that it is never
            older than the figures.
        key: Name of the worksheet, unique in the app.
    """
    wanted = (st.session_state.get(key) or {}).get("wanted")
    written = {**sheet(), "style": STYLE, "policy": POLICY} if wanted else None
    data = {"figures": list(figures), "wanted": wanted, "sheet": written}
    _mount(data=data, key=key, on_wanted_change=lambda: None)
