"""A second sentence, read beside the first; all pages that compare share it."""

from __future__ import annotations

import streamlit as st

from pages.ui.text import MAX_CHARACTERS, cleaned

DEFAULT = "The animal didn't cross the street because it was too wide."


def second_sentence() -> str:
    """Ask for the sentence to compare with; without one, say what to do and give ""."""
    typed = st.text_input(
        "Compare with",
        value=DEFAULT,
        key="second",
        bind="query-params",
        persist_state="session",
        max_chars=20 * MAX_CHARACTERS,
        placeholder="Type a second sentence: change one word of the first",
    )
    text, notes = cleaned(typed)
    for note in notes:
        st.caption(f":material/info: {note}")
    if not text:
        st.info("Type a second sentence: the first with one word changed shows most.")
    return text


def nothing_shared() -> None:
    """Say what to do where two sentences leave nothing to lay side by side."""
    st.info("The two sentences share no word. Change one word of the first, and keep the rest.")
