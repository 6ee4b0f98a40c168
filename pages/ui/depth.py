"""How much a page shows (story, numbers or code), and whether it asks before it shows."""

from __future__ import annotations

import streamlit as st

DEPTHS = {
    "Story": "Pictures and words",
    "Numbers": "Values in the cells, and the arithmetic with your sentence's numbers",
    "Code": "The functions that computed what you see, and a script that prints the same",
}


def controls() -> None:
    """Let the visitor choose the depth, and whether figures are preceded by questions."""
    with st.container(horizontal=True, vertical_alignment="center", key="depth-controls"):
        st.segmented_control(
            "Depth",
            list(DEPTHS),
            default="Story",
            key="depth",
            bind="query-params",
            persist_state="session",
            label_visibility="collapsed",
            help=" · ".join(f"**{name}**: {what}" for name, what in DEPTHS.items()),
        )
        st.toggle(
            "Ask me first",
            value=True,
            key="ask",
            bind="query-params",
            persist_state="session",
            help="Some figures ask what you expect before they show what is so.",
        )


def shows(depth: str) -> bool:
    """Say whether the page is read at this depth."""
    return (st.session_state.get("depth") or "Story") == depth


def asks() -> bool:
    """Say whether figures ask before they show."""
    return st.session_state.get("ask", True)
