"""The widgets of the lesson on embeddings; a widget's key is its name in the address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.cached import embeddings as cached
from pages.ui.cached import model
from pages.ui.controls.cell import numbered
from pages.ui.figures import embeddings as figures
from pages.ui.text import MAX_CHARACTERS, cleaned

if TYPE_CHECKING:
    from core.tokenization import Reading


MAX_WORDS = 30  # more names than that no longer fit beside a matrix


DEFAULT_WORDS = "dog, puppy, cat, car, van, king, queen, good, bad, apple, banana"


def looked_up_token(reading: Reading) -> int:
    """Ask for a token of the sentence, counted from 0; at first its rarest word."""
    names = numbered(reading.tokens)
    chosen = st.selectbox(
        "Token",
        names,
        index=rarest_word(reading),
        key="lookup",
        bind="query-params",
        width=260,
    )
    return names.index(chosen)


def rarest_word(reading: Reading) -> int:
    """Find the place of the rarest word of a text; the first token if there is none."""
    rarity = [
        token_id if token.isalpha() else 0  # ids run from frequent to rare
        for token, token_id in zip(reading.tokens, reading.token_ids, strict=True)
    ]
    return rarity.index(max(rarity))


def word(label: str, key: str, default: str) -> str:
    """Ask for one word; the default stands in for what no tokenizer can read."""
    typed = st.text_input(label, value=default, key=key, bind="query-params", max_chars=40)
    text = cleaned(typed).text
    return text if cached.pieces(text) else default


def analogy() -> tuple[str, str, str]:
    """Ask for three words: start − minus + plus."""
    start, minus, plus = st.columns(3)
    with start:
        first = word("Start from", "analogy_start", "king")
    with minus:
        second = word("Take away", "analogy_minus", "man")
    with plus:
        third = word("Add", "analogy_plus", "woman")
    return first, second, third


def compared_words(sentence: str) -> tuple[str, ...]:
    """Ask for a list of words; an empty list stands for the words of the sentence."""
    typed = st.text_input(
        "Words, with commas between them",
        value=DEFAULT_WORDS,
        key="compare",
        bind="query-params",
        max_chars=400,
        placeholder="The words of your sentence",
    )
    words = tuple(dict.fromkeys(cleaned(word).text[:40] for word in re.split("[,;،、，]", typed)))
    readable = tuple(word for word in words if cached.pieces(word))
    return readable[:MAX_WORDS] or sentence_words(sentence)


def sentence_words(sentence: str) -> tuple[str, ...]:
    """List the different tokens of the sentence that hold a letter or a digit."""
    reading = model.reading(sentence)
    inside = [
        token
        for token, (start, end) in zip(reading.tokens, reading.offsets, strict=True)
        if any(character.isalnum() for character in sentence[start:end])
    ]
    return tuple(dict.fromkeys(inside))[:MAX_WORDS]


def word_map(
    sentence: str, compared: tuple[str, ...], word: str
) -> tuple[tuple[str, ...], int, int]:
    """Ask what a map shows: a ready group or words chosen above, the word to measure from, axes."""
    groups = {
        **{name: tuple(words) for name, words in cached.word_groups().items()},
        "the list above": compared,
        "your sentence": sentence_words(sentence),
        "neighbours of the word above": (word, *cached.neighbours(word).tokens),
    }
    group, seen_from, solid = st.columns((3, 2, 1), vertical_alignment="bottom")
    with group:
        words = groups[st.selectbox("Words on the map", groups, key="map", bind="query-params")]
    with seen_from:
        centre = st.selectbox("Measure cosines from", words, key="map_from", bind="query-params")
    with solid:
        n_axes = 3 if st.toggle("3-D", key="map_3d", bind="query-params") else 2
    return words, words.index(centre) if words else 0, n_axes


def two_sentences() -> tuple[str, str, str]:
    """Ask for two sentences and a word that both hold."""
    first, second, shared = st.columns((2, 2, 1))
    texts = [
        column.text_input(
            label, value=default, key=key, bind="query-params", max_chars=MAX_CHARACTERS
        )
        for column, label, key, default in (
            (first, "Sentence one", "bank_one", "Ducks sleep on the bank of the river."),
            (second, "Sentence two", "bank_two", "Robbers stole the gold from the bank."),
        )
    ]
    with shared:
        word_in_both = word("Word in both", "bank_word", "bank")
    return *(cleaned(text).text for text in texts), word_in_both


def compared_stage() -> int:
    """Ask at which stage of the reading two sentences are compared, counted from the table."""
    stages = figures.STAGES
    return stages.index(
        st.select_slider(
            "Stage of the reading", stages, value=stages[-1], key="stage", bind="query-params"
        )
    )
