"""A second sentence, read beside the first; all pages that compare share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import streamlit as st

from pages.ui.text import MAX_CHARACTERS, cleaned

Which = Literal["first", "second"]
Setting = TypeVar("Setting")

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


def settings(choose: Callable[[Which], Setting]) -> tuple[Setting, Setting]:
    """Let each of the two readings have a setting of its own.

    Args:
        choose: Draws the widgets of one of them, whose keys end with its name, and gives what was
            chosen.
    """
    yours, second = st.columns(2)
    with yours:
        st.caption("How yours is read")
        first_setting = choose("first")
    with second:
        st.caption("How the second is read")
        return first_setting, choose("second")


def key_of(name: str, reading: Which | None) -> str:
    """Name a widget: of one of two readings, or of the page's own."""
    return f"{name}_{reading}" if reading else name


def nothing_shared() -> None:
    """Say what to do where two sentences leave nothing to lay side by side."""
    st.info("The two sentences share no word. Change one word of the first, and keep the rest.")
