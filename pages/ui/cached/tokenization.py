"""Cached calls of the lesson on tokenization. Keys are text and small numbers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from core.merges import LearnedMerge, learn_merges
from core.pieces import Cut, byte_label, cut_into, cut_into_tokens, piece_ids, visible
from core.tokenization import (
    MergeStep,
    Reader,
    replay_merges,
    starting_pieces,
    train_tokenizer,
    word_counts,
)
from core.tokenization import normalized as normalized_by
from pages.ui.cached.model import AT_ONCE, reader, reading
from pages.ui.cached.texts import ASSETS

UNITS = ("sentences", "words", "tokens", "characters", "bytes")


METHODS = {
    "WordPiece": "wordpiece",
    "BPE": "bpe",
    "Unigram": "unigram",
    "byte-level BPE": "byte-bpe",
}


def read_part(text: str) -> str:
    """Give the part of a text that the model reads, its first 128 tokens."""
    read = reading(text)
    return text[: max(end for _, end in read.offsets)] if read.n_left_out else text


def normalized(text: str) -> str:
    """Give a text as the model's vocabulary sees it: lower case, no accents."""
    return normalized_by(reader().tokenizer, text)


def token_cut(name: str, reader: Reader, text: str) -> Cut:
    """Cut a text into tokens; where it is changed first, they show the vocabulary's own spelling.

    A token that is only a share of a character keeps the label that says so.
    """
    cut = cut_into_tokens(name, reader, text)
    if reader.tokenizer.normalizer is None:
        return cut
    n_tokens = Counter(place for start, end in cut.offsets for place in range(start, end))
    labels = [
        label if any(n_tokens[place] > 1 for place in range(start, end)) else piece
        for label, piece, (start, end) in zip(cut.labels, cut.pieces, cut.offsets, strict=True)
    ]
    return replace(cut, labels=tuple(labels))


@st.cache_resource(show_spinner=False)
def alice() -> str:
    """Read the text from which the lesson learns vocabularies."""
    return (ASSETS / "data/alice.txt").read_text(encoding="utf-8")


@st.cache_resource(show_spinner=False)
def alice_ids(unit: str) -> dict[str, int]:
    """Number the different pieces of Alice."""
    return piece_ids(unit, alice())


@st.cache_resource(max_entries=256, show_spinner=False)
def cuts(text: str) -> dict[str, Cut]:
    """Cut a text into pieces of every size; tokens are the model's, other ids count Alice's."""
    return {
        unit: token_cut(unit, reader(), text)
        if unit == "tokens"
        else cut_into(unit, text, alice_ids(unit))
        for unit in UNITS
    }


class Training(NamedTuple):
    """What a vocabulary is learned from, how many pieces at most, and by which method."""

    corpus: str
    vocab_size: int
    method: str


@st.cache_resource(max_entries=64, show_spinner=False)
def trained_reader(training: Training) -> Reader:
    """Learn a vocabulary, or raise ValueError; the reader that uses it takes any sentence whole."""
    with AT_ONCE:
        tokenizer = train_tokenizer(training.corpus, training.vocab_size, METHODS[training.method])
    return Reader(tokenizer, max_len=10_000)


def trained_cut(text: str, training: Training) -> Cut:
    """Cut a text with a vocabulary that was learned here."""
    return token_cut(training.method, trained_reader(training), text)


def methods(text: str, vocab_size: int) -> tuple[Cut, ...]:
    """Cut a text with the vocabularies that the four methods learn from Alice."""
    return tuple(trained_cut(text, Training(alice(), vocab_size, method)) for method in METHODS)


@st.cache_resource(max_entries=64, show_spinner=False)
def learned_merges(training: Training) -> tuple[LearnedMerge, ...]:
    """Learn the rules of a BPE vocabulary once more, with the counts that decided them."""
    model = json.loads(trained_reader(training).tokenizer.to_str())["model"]
    with AT_ONCE:
        words = word_counts(training.corpus, METHODS[training.method])
        return learn_merges(words, len(model["merges"]))


Counted = tuple[tuple[tuple[str, str], int], ...]  # pairs of pieces, and how often they were seen


class Replay(NamedTuple):
    """A word put together: its pieces as they are shown, and the merge that led to each row."""

    rows: tuple[tuple[str, ...], ...]  # at first, and after each merge
    steps: tuple[MergeStep, ...]
    counts: tuple[Counted, ...]  # for each merge: its pair, then the runners-up
    n_rules: int


@st.cache_resource(max_entries=256, show_spinner=False)
def replay(word: str, training: Training) -> Replay:
    """Put a word together merge by merge, and tell for each merge which counts decided it.

    Vocabularies of the other methods keep no merges: plain BPE learns from the same text.
    """
    if METHODS[training.method] not in ("bpe", "byte-bpe"):
        training = training._replace(method="BPE")
    learner = trained_reader(training)
    label = byte_label if learner.byte_level else visible
    steps = replay_merges(learner.tokenizer, word)
    learned = learned_merges(training)
    states = (starting_pieces(learner.tokenizer, word), *(step.after for step in steps))
    decided = (learned[step.rank] for step in steps)
    return Replay(
        tuple(tuple(map(label, pieces)) for pieces in states),
        steps,
        tuple(
            tuple(
                ((label(left), label(right)), count)
                for (left, right), count in ((merge.pair, merge.count), *merge.runners_up)
            )
            for merge in decided
        ),
        len(learned),
    )
