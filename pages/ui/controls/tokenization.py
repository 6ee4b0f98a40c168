"""The widgets of the lesson on tokenization; a widget's key is its name in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ui.cached import tokenization as cached
from pages.ui.text import cleaned, quoted

DEFAULT_METHOD = "BPE"


MAX_OWN_TEXT = 20_000  # characters


def vocab_size() -> int:
    """Ask how many pieces the four methods may learn."""
    chosen = st.segmented_control(
        "Vocabulary size",
        (300, 1000, 2000),
        default=1000,
        required=True,
        key="methods_size",
        bind="query-params",
    )
    return chosen or 1_000  # an address that names none leaves none


def training() -> cached.Training:
    """Ask what to learn a vocabulary from, and learn it when the button is pressed.

    What cannot be learned is refused with a sentence; BPE on Alice stands in for it.
    """
    default = cached.Training(cached.alice(), 1_000, DEFAULT_METHOD)
    with st.form("training"):
        typed = st.text_area(
            "Learn from a text of your own",
            key="own_text",
            max_chars=MAX_OWN_TEXT,
            placeholder="Leave it empty to learn from Alice in Wonderland, chapters I to VII",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = st.slider(
                "Vocabulary size",
                100,
                5_000,
                value=1_000,
                step=100,
                key="train_size",
                bind="query-params",
                width=260,
            )
            method = st.segmented_control(
                "Method",
                list(cached.METHODS),
                default=DEFAULT_METHOD,
                required=True,
                key="train_method",
                bind="query-params",
                wrap=True,
            )
            st.form_submit_button("Learn it", icon=":material/model_training:")
    own_text = typed.strip()[:MAX_OWN_TEXT]
    asked = cached.Training(own_text or cached.alice(), size, method or DEFAULT_METHOD)
    try:
        with st.spinner("Learning a vocabulary"):
            cached.trained_reader(asked)
    except ValueError as error:
        st.warning(
            f"That cannot be learned: {quoted(str(error)[:200])}. "
            f"Below is what {DEFAULT_METHOD} learns from Alice."
        )
        return default
    return asked


def merged_word(words: Sequence[str]) -> str:
    """Ask for the word to put together; an empty box stands for the longest of the sentence."""
    typed = st.text_input(
        "A word",
        key="merge_word",
        bind="query-params",
        max_chars=40,
        placeholder="Empty: the longest word of your sentence",
        width=360,
    )
    return cleaned(typed).text or max(words, key=len)[:40]


def merge_step(n_steps: int) -> int:
    """Ask how many merges to show; 0 if there is none."""
    if not n_steps:
        return 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, change in (("Back", -1), ("Next", 1)):
            st.button(label, key=f"merge-{label}", on_click=_move_merge, args=(change, n_steps))
        return st.slider(
            "Merges made", 0, n_steps, value=1, key="merge", bind="query-params", width=360
        )


def _move_merge(change: int, n_steps: int) -> None:
    st.session_state["merge"] = min(max(st.session_state["merge"] + change, 0), n_steps)
