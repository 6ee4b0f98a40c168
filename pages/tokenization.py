"""Tokenization: how a text becomes numbers, and where the pieces come from."""

import streamlit as st

from core.alignment import aligned_places
from core.merges import byte_pair_encoding
from core.pieces import cut_into, divided_words
from core.tokenization import Reader, replay_merges, train_tokenizer
from pages.ui import bar, compare, strips
from pages.ui.answers import tokenization as answers
from pages.ui.cached import model
from pages.ui.cached import tokenization as cached
from pages.ui.components.token_strips import token_strips
from pages.ui.controls import tokenization as controls
from pages.ui.controls.cell import Axis
from pages.ui.figure import figure
from pages.ui.figures import style
from pages.ui.figures import tokenization as figures
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

lesson = Lesson("tokenization")
sentence = cached.read_part(bar.sentence())
theme, colors = bar.theme(), style.colors(bar.theme())
characters = strips.characters(sentence)
units = cached.cuts(sentence)
letters, tokens = cut_into("characters", sentence), units["tokens"]

lesson.say("tokens")
figure(
    "tokenization-tokens",
    "What does the model read?",
    figures.look_for_tokens(
        letters, tokens, cached.normalized(sentence), divided_words(model.reading(sentence))
    ),
    lambda: token_strips(
        characters,
        [strips.strip(letters), strips.strip(tokens, show_ids=True)],
        label="The characters of your sentence, and the tokens that the model reads",
        colors=colors,
        key="tokens",
    ),
    lambda: figures.pieces_table([tokens]),
    "Two rows: the characters of the sentence, and below them the tokens with their ids.",
)
lesson.code(Reader)

lesson.say("units")


def draw_units() -> None:
    """Draw the sentence in pieces of every size, and count them."""
    token_strips(
        characters,
        [strips.strip(cut) for cut in units.values()],
        label="Your sentence in sentences, words, tokens, characters and bytes",
        colors=colors,
        key="units",
    )
    st.table(figures.units_table(units), border="horizontal")


figure(
    "tokenization-units",
    "How large should a piece be?",
    figures.look_for_units(units),
    draw_units,
    lambda: figures.pieces_table(units.values()),
    "Five rows: the sentence cut into sentences, words, tokens, characters and bytes.",
    lesson.predict(
        "whole-words",
        answers.whole_words(
            sentence, len(units["words"].pieces), len(divided_words(model.reading(sentence)))
        ),
    ),
)
lesson.numbers(
    lambda place: figures.pairs_arithmetic(units, list(units)[place]),
    Axis("pairs_of", "Pieces", list(units), len(units) - 1),
)
lesson.code(cut_into)

lesson.say("methods")
methods = cached.methods(sentence, controls.vocab_size())
figure(
    "tokenization-methods",
    "How do four methods cut your sentence?",
    figures.look_for_methods(methods),
    lambda: token_strips(
        characters,
        [strips.strip(cut) for cut in methods],
        label="Your sentence cut by four methods",
        colors=colors,
        key="methods",
    ),
    lambda: figures.pieces_table(methods),
    "Four rows: the sentence cut by WordPiece, BPE, Unigram and byte-level BPE.",
)
st.table(figures.methods_table(methods), border="horizontal")
lesson.code(train_tokenizer)

lesson.say("train")
training = controls.training()
own = cached.trained_cut(sentence, training)
figure(
    "tokenization-train",
    "How does your vocabulary cut your sentence?",
    figures.look_for_training(own, training.vocab_size, training.corpus == cached.alice()),
    lambda: token_strips(
        characters,
        [strips.strip(own), strips.strip(tokens, "this model")],
        label="Your sentence cut by the vocabulary just learned, and by the model's",
        colors=colors,
        key="train",
    ),
    lambda: figures.pieces_table([own]),
    "Two rows: the sentence cut by the vocabulary just learned, and by that of the model.",
)

lesson.say("merges")
word = controls.merged_word(units["words"].pieces or characters)
replay = cached.replay(word, training)
step = controls.merge_step(len(replay.steps))
figure(
    "tokenization-merges",
    f"How is {quoted(word)} put together?",
    figures.look_for_merge(replay, step),
    lambda: token_strips(
        replay.rows[0],
        strips.merge_strips(replay, step),
        label="The pieces of the word after each merge",
        colors=colors,
        key="merges",
    ),
    lambda: figures.merges_table(replay),
    "Rows of pieces: the single characters of the word, and the pieces after each merge.",
)
if step:
    counted = replay.counts[step - 1]
    figure(
        "tokenization-counts",
        "Why this pair?",
        figures.look_for_counts(counted),
        figures.count_bars(counted, theme),
        lambda: figures.counts_table(counted),
        "Bars: how often this pair and the next most frequent ones stood side by side.",
        lesson.predict("next-pair", answers.next_pair(counted)),
    )
lesson.code(byte_pair_encoding, replay_merges)

lesson.say("compare")
second = cached.read_part(compare.second_sentence())
if second:
    others = cached.cuts(second)["tokens"]
    places = aligned_places(tokens.pieces, others.pieces)
    figure(
        "tokenization-compare",
        "Which tokens do two sentences share?",
        figures.look_for_shared(tokens, others, places),
        lambda: token_strips(
            [" "] * len(places),
            strips.aligned_strips(tokens, others, places),
            label="The tokens of your sentence, and those of the second one",
            colors=colors,
            key="compare-tokens",
        ),
        lambda: figures.shared_table(tokens, others, places),
        "Two rows of tokens, one for each sentence; those in only one of them are marked.",
    )
lesson.code(aligned_places)

lesson.snippet(SENTENCE=sentence)
lesson.next()
