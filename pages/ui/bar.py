"""The bar that all lessons share: the sentence, and block and head where a lesson has them.

Every widget decides what is shown; its key is its name in the address.
"""

from __future__ import annotations

import streamlit as st

from pages.ui.cached import model, texts
from pages.ui.figures.style import Theme
from pages.ui.menu import Topic
from pages.ui.text import MAX_CHARACTERS, cleaned

N_BLOCKS, N_HEADS = 6, 12  # of the reading model


DEFAULT_SENTENCE = "The animal didn't cross the street because it was too tired."


def bar(topic: Topic) -> None:
    """Draw the controls that pages share: the sentence, and block and head where a lesson has them.

    `app.py` draws them, so that they keep their values on the way from page to page.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Your sentence",
            value=DEFAULT_SENTENCE,
            key="sentence",
            bind="query-params",
            max_chars=20 * MAX_CHARACTERS,
            placeholder="Type a sentence and press Enter",
        )
        st.menu_button(
            "Samples", list(texts.sample_sentences()), key="sample", on_click=_read_sample
        )
        if topic.has_heads:
            _number("Block", "block", N_BLOCKS, default=4)
            _number("Head", "head", N_HEADS, default=2)
    for note in sentence_notes():
        st.caption(f":material/info: {note}")


def sentence_notes() -> list[str]:
    """Say what was changed or left out before the model read the sentence."""
    text, notes = cleaned(st.session_state["sentence"])
    if not text:
        return [*notes, "Nothing to read yet. Here is the first sample; type a sentence above."]
    why = texts.sample_sentences().get(text)
    if why and text != DEFAULT_SENTENCE:
        notes.append(why)
    left_out = model.reading(text).n_left_out
    if left_out:
        notes.append(f"The model reads 128 tokens; the last {left_out} of this text are left out.")
    return notes


def sentence() -> str:
    """Give the sentence to read: the learner's, cleaned, or the default if there is none."""
    return cleaned(st.session_state["sentence"]).text or DEFAULT_SENTENCE


def theme() -> Theme:
    """Name the theme that the visitor's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def block_and_head() -> tuple[int, int]:
    """Give the block and head to look at, counted from 0."""
    return st.session_state["block"] - 1, st.session_state["head"] - 1


def choose(**choices: int) -> None:
    """Set controls from what was chosen inside a figure (counted from 0); call it in a callback."""
    for key, value in choices.items():
        st.session_state[key] = value + 1


def _number(label: str, key: str, last: int, default: int) -> None:
    """Ask for a number from 1 to `last`."""
    st.selectbox(
        label,
        range(1, last + 1),
        index=default - 1,
        key=key,
        bind="query-params",
        persist_state="session",
        width=90,
    )


def _read_sample() -> None:
    """Make the chosen sample the sentence that all pages read."""
    st.session_state["sentence"] = st.session_state["sample"]
