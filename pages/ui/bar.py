"""The bar that all lessons share: the sentence; model, block and head where a lesson has them.

Every widget decides what is shown; its key is its name in the address.
"""

from __future__ import annotations

import streamlit as st

from pages.ui.cached import model, texts
from pages.ui.figures.style import Theme
from pages.ui.menu import Topic
from pages.ui.text import MAX_CHARACTERS, cleaned, quoted

N_BLOCKS, N_HEADS = model.MINILM.n_blocks, model.MINILM.n_heads


DEFAULT_SENTENCE = "The animal didn't cross the street because it was too tired."


def bar(topic: Topic) -> None:
    """Draw the controls that pages share: the sentence; model, block and head where there are any.

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
        asked = _model_id() if topic.has_heads else model.MINILM.id
        reads = st.session_state["speaker"] = model.speaker(asked) or model.MINILM
        if topic.has_heads:
            _number("Block", "block", reads.n_blocks, default=4)
            _number("Head", "head", reads.n_heads, default=2)
    if reads.id != asked:
        st.warning("That model cannot be read on this server; the default reads instead.")
    if model.listed() and topic.has_heads:
        st.caption(f":material/info: {_introduction(reads)}")
    elif model.listed():
        default_reads()
    for note in sentence_notes():
        st.caption(f":material/info: {note}")


def sentence_notes() -> list[str]:
    """Say what was changed or left out before the model read the sentence."""
    text, notes = cleaned(st.session_state["sentence"])
    if text != sentence():
        return [*notes, "Nothing to read yet. Here is the first sample; type a sentence above."]
    why = texts.sample_sentences().get(text)
    if why and text != DEFAULT_SENTENCE:
        notes.append(why)
    read = model.reading(text, speaker().id)
    if read.n_left_out:
        notes.append(
            f"The model reads {len(read.tokens)} tokens; "
            f"the last {read.n_left_out} of this text are left out."
        )
    return notes


def sentence() -> str:
    """Give the sentence to read: the learner's, cleaned, or the default if it holds nothing."""
    text = cleaned(st.session_state["sentence"]).text
    return text if text and model.reading(text, speaker().id).tokens else DEFAULT_SENTENCE


def speaker() -> model.Speaker:
    """Give the model that reads on this page."""
    return st.session_state["speaker"]


def default_reads() -> None:
    """Say that what follows is read by the default model, whichever was chosen elsewhere."""
    st.caption(f":material/info: The default model, {model.MINILM.label}, reads here.")


def theme() -> Theme:
    """Name the theme that the visitor's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def block_and_head() -> tuple[int, int]:
    """Give the block and head to look at, counted from 0."""
    return int(st.session_state["block"]) - 1, int(st.session_state["head"]) - 1


def choose(**choices: int) -> None:
    """Set controls from what was chosen inside a figure (counted from 0); call it in a callback."""
    for key, value in choices.items():
        st.session_state[key] = value + 1


def _model_id() -> str:
    """Ask which model reads, if the operator lists any."""
    if not model.listed():
        return model.MINILM.id
    return st.selectbox(
        "Model",
        [model.MINILM.id, *model.listed()],
        key="model",
        bind="query-params",
        persist_state="session",
        width=140,
    )


def _introduction(speaker: model.Speaker) -> str:
    """Say which model reads, and what is to be known of it."""
    kind = "a decoder" if speaker.causal else "an encoder"
    looks = "no token looks at a later one" if speaker.causal else "every token looks at all"
    return (
        f"{quoted(speaker.label)} reads here: {kind} of {speaker.n_blocks} blocks with "
        f"{speaker.n_heads} heads each; {looks}."
    )


def _number(label: str, key: str, last: int, default: int) -> None:
    """Ask for a number from 1 to `last`."""
    st.selectbox(
        label,
        [str(number) for number in range(1, last + 1)],
        index=min(default, last) - 1,
        key=key,
        bind="query-params",
        persist_state="session",
        width=90,
    )


def _read_sample() -> None:
    """Make the chosen sample the sentence that all pages read."""
    st.session_state["sentence"] = st.session_state["sample"]
