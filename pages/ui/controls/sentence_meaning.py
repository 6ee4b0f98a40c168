"""The widgets of the lesson on sentence meaning; a widget's key is its name in the address."""

from __future__ import annotations

import re

import streamlit as st

from pages.ui.cached import model
from pages.ui.cached import sentence_meaning as cached
from pages.ui.text import MAX_CHARACTERS, cleaned, quoted

MAX_LINES = 12  # more no longer fit a matrix with numbers
MAX_EXAMPLES = 24
MAX_LABELS = 12
MAX_LABEL = 40  # characters
MAX_TEXT = 20_000  # characters
FREE_TOKENS = 40  # reading a longer text without each of its tokens is asked for


def parse_lines(typed: str, most: int) -> tuple[list[str], list[str]]:
    """Cut a text into lines that the model can read; give them, and a sentence for every change.

    Empty lines are dropped and not counted.
    """
    lines = [line for line in map(cleaned, typed.splitlines()) if line.text]
    notes: list[str] = []
    if len(lines) > most:
        notes.append(f"Only the first {most} of {len(lines)} lines are read.")
    for place, (text, changes) in enumerate(lines[:most], 1):
        notes += [f"Line {place}: {change}" for change in changes]
        if left_out := model.reading(text).n_left_out:
            notes.append(
                f"Line {place}: the model reads 128 tokens; the last {left_out} are left out."
            )
    return [line.text for line in lines[:most]], notes


def parse_examples(typed: str) -> tuple[tuple[cached.Example, ...], list[str]]:
    """Read lines that are a label, a colon and a sentence; others are named and skipped."""
    texts, notes = parse_lines(typed, MAX_EXAMPLES)
    examples: list[cached.Example] = []
    for place, text in enumerate(texts, 1):
        parts = re.fullmatch(r"([^:：]*[^:：\s])\s*[:：]\s*(.+)", text)
        if parts:
            examples.append(cached.Example(parts[1][:MAX_LABEL], parts[2]))
        else:
            notes.append(
                f"Line {place} is skipped, for it is not a label, a colon and a sentence: "
                f"{quoted(text[:60])}"
            )
    return tuple(examples), notes


def _say(notes: list[str]) -> None:
    for note in notes:
        st.caption(f":material/info: {note}")


def lines() -> list[str]:
    """Ask for the sentences to compare, one per line."""
    with st.form("lines-form"):
        typed = st.text_area(
            f"Sentences, one per line (2 to {MAX_LINES})",
            value=cached.defaults()["lines"],
            key="lines",
            max_chars=MAX_TEXT,
            persist_state="session",
            height=220,
        )
        st.form_submit_button("Compare them", icon=":material/compare_arrows:")
    texts, notes = parse_lines(typed, MAX_LINES)
    _say(notes)
    return texts


def query(sentence: str) -> str:
    """Ask what to search for; an empty box stands for the learner's sentence."""
    typed = st.text_input(
        "Search for",
        key="query",
        bind="query-params",
        max_chars=MAX_CHARACTERS,
        placeholder="Empty: your sentence at the top of the page",
    )
    return cleaned(typed).text or sentence


def labels() -> list[str]:
    """Ask for labels, different from each other."""
    typed = st.text_input(
        "Labels, with commas between them",
        value=cached.defaults()["labels"],
        key="labels",
        bind="query-params",
        max_chars=400,
    )
    names = dict.fromkeys(cleaned(label).text for label in re.split("[,;،、，]", typed))
    different = [name for name in names if name]
    if len(different) > MAX_LABELS:
        _say([f"Only the first {MAX_LABELS} of {len(different)} labels are compared."])
    return different[:MAX_LABELS]


def examples() -> tuple[cached.Example, ...]:
    """Ask for labelled sentences, one per line."""
    with st.form("examples-form"):
        typed = st.text_area(
            f"Examples, one per line: label, colon, sentence (up to {MAX_EXAMPLES})",
            value=cached.defaults()["examples"],
            key="examples",
            max_chars=MAX_TEXT,
            persist_state="session",
            height=330,
        )
        st.form_submit_button("Train the probe", icon=":material/model_training:")
    read, notes = parse_examples(typed)
    _say(notes)
    return read


def n_steps() -> int:
    """Ask how long to train."""
    return st.select_slider(
        "Steps of training",
        (1, 3, 10, 30, 100, 200, 400),
        value=200,
        key="probe_steps",
        bind="query-params",
    )


def wants_effects(n_tokens: int) -> bool:
    """Ask whether to compute what takes long for a long sentence."""
    return n_tokens <= FREE_TOKENS or st.toggle(
        f"Read it again without each of its {n_tokens} tokens (about {0.0003 * n_tokens**2:.1f} s)",
        key="effects",
        bind="query-params",
    )


def pair() -> tuple[str, str]:
    """Ask for two sentences to compare; the default stands in for an empty one."""
    defaults = {"pair_one": "Open the window.", "pair_two": "Never open the window."}
    typed = [
        column.text_input(
            label, value=default, key=key, bind="query-params", max_chars=MAX_CHARACTERS
        )
        for column, label, (key, default) in zip(
            st.columns(2), ("Your pair: one", "Your pair: two"), defaults.items(), strict=True
        )
    ]
    first, second = (
        cleaned(text).text or default
        for text, default in zip(typed, defaults.values(), strict=True)
    )
    return first, second
