"""Positional encoding: how a model that sees all words at once is told their order."""

import streamlit as st

from core.positional_encoding import (
    alibi_slopes,
    compare_word_orders,
    distance_profile,
    relative_rotation,
    rotary_scores,
    shuffle_words,
    sinusoidal_encoding,
)
from pages.ui import bar
from pages.ui.cached import model
from pages.ui.cached import positional_encoding as cached
from pages.ui.controls import positional_encoding as controls
from pages.ui.figure import figure
from pages.ui.figures import positional_encoding as figures
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

STUDENT = "The student is eating an apple"
APPLE = "An apple is eating the student"

lesson = Lesson("positional_encoding")
sentence = bar.sentence()
theme = bar.theme()

lesson.say("order")
eaten = cached.word_orders(STUDENT, APPLE)
figure(
    "positions-order",
    "Does the model notice who eats whom?",
    figures.look_for_orders(eaten.mean_cosine, eaten.mean_difference),
    figures.order_lines(eaten.token_distance, eaten.mean_difference, theme),
    lambda: figures.order_table(*eaten),
    "Lines over the blocks of the model: far up the differences with positions, at the foot, near "
    "zero, those without.",
)
lesson.code(compare_word_orders)

lesson.say("shuffle")


@st.fragment
def shuffle() -> None:
    """Compare the sentence with another order of its words."""
    read, shuffled = cached.shuffled(sentence, controls.shuffle_seed())
    orders = cached.word_orders(read, shuffled)
    if read == shuffled or orders is None:
        st.info("These words, told apart by spaces, have no other order made of the same tokens.")
        return
    figure(
        "positions-shuffle",
        "What does the model make of your words in another order?",
        f"Shuffled: {quoted(shuffled)}  \n"
        + figures.look_for_orders(orders.mean_cosine, orders.mean_difference),
        figures.order_lines(orders.token_distance, orders.mean_difference, theme),
        lambda: figures.order_table(*orders),
        "Lines over the blocks of the model: differences between the sentence and its shuffle.",
    )


shuffle()
lesson.code(shuffle_words)

lesson.say("encoding")


@st.fragment
def encoding() -> None:
    """Draw the encoding for sizes to choose."""
    length, d_model, base = controls.sinusoid()
    rows = cached.sinusoidal_encoding(length, d_model, base)
    wavelengths = cached.wavelengths(d_model, base)
    figure(
        "positions-encoding",
        "What does the address of each position look like?",
        figures.look_for_encoding(wavelengths, length),
        figures.encoding_heatmap(rows, theme, limit=1),
        lambda: figures.rows_table(rows),
        "Heat map of position by dimension: fast stripes on the left, slow change on the right.",
    )
    dimensions = controls.dimensions(d_model)
    figure(
        "positions-waves",
        "How does one dimension run through the text?",
        figures.look_for_waves(wavelengths, dimensions),
        figures.waves(rows, dimensions, theme),
        lambda: figures.wavelength_table(wavelengths),
        "Waves of the chosen dimensions over the positions.",
    )


encoding()
lesson.code(sinusoidal_encoding)

lesson.say("distance")
products = cached.sinusoidal_products()
figure(
    "positions-distance",
    "What is the product of two positions?",
    figures.look_for_products(*products),
    figures.profile_lines({"waves": products}, "dot product", theme),
    lambda: figures.profile_table(*products),
    "A curve that falls with the distance; the band over all places is too thin to be seen.",
)


@st.fragment
def rotation() -> None:
    """Turn one position into a later one."""
    position, offset = controls.step_of_positions()
    moved = cached.rotation(position, offset)
    figure(
        "positions-rotation",
        f"How do you get from position {position} to {position + offset}?",
        figures.look_for_rotation(offset, moved.error, cached.N_POSITIONS, moved.n_entries),
        figures.clocks(moved.start, moved.turned, moved.target, moved.wavelengths, theme),
        lambda: figures.rotation_table(moved.start, moved.turned, moved.target, moved.wavelengths),
        "Eight clocks, from fast to slow: each hand turned by its own angle lands on its target.",
    )


rotation()
lesson.code(relative_rotation, distance_profile)

lesson.say("learned")
learned = cached.learned_positions()
figure(
    "positions-learned",
    "Which addresses did this model learn?",
    figures.look_for_learned(learned),
    figures.encoding_heatmap(learned, theme, limit=figures.LEARNED_LIMIT),
    lambda: figures.rows_table(learned),
    "Heat map of the first 128 rows of the learned table: faint stripes, no regular waves.",
)
cosines = cached.position_cosines()
figure(
    "positions-cosines",
    "Does only the distance count here, too?",
    figures.look_for_cosines(cosines["learned"]),
    figures.profile_lines(cosines, "cosine", theme),
    lambda: figures.cosine_table(cosines),
    "Two curves of cosine over distance: the learned one with a wide band, the waves with none.",
)

lesson.say("relative")
rotary, spread, slopes = cached.relative_scores()
figure(
    "positions-relative",
    "What do rotary encoding and ALiBi make of the distance?",
    figures.look_for_relative(rotary, spread, slopes),
    figures.relative_scores(rotary, slopes, theme),
    lambda: figures.relative_table(rotary, slopes),
    "Above a curve that falls in ripples, below eight straight lines that fall at different rates.",
)
lesson.code(rotary_scores, alibi_slopes)

lesson.say("size")
tokens = model.reading(sentence).tokens
words, positions = cached.embedding_norms(sentence)
figure(
    "positions-size",
    "How long is a position beside its word?",
    figures.look_for_norms(words, positions, tokens),
    figures.norm_bars(words, positions, tokens, theme),
    lambda: figures.norm_table(words, positions, tokens),
    "Bars per token: the length of its word vector and of its position vector.",
)
lesson.next()
