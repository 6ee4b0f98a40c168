"""Positional encoding: how a model that sees all words at once is told their order."""

import streamlit as st

from core.embeddings import read_back
from core.positional_encoding import (
    alibi_slopes,
    compare_word_orders,
    distance_profile,
    distances_by_depth,
    exchange_token,
    relative_rotation,
    rotary_scores,
    shuffle_words,
    sinusoidal_encoding,
)
from pages.ui import bar, compare
from pages.ui.answers import positional_encoding as answers
from pages.ui.cached import model
from pages.ui.cached import positional_encoding as cached
from pages.ui.controls import positional_encoding as controls
from pages.ui.controls.cell import Axis, counted, numbered
from pages.ui.figure import figure
from pages.ui.figures import positional_encoding as figures
from pages.ui.lesson import Lesson

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
    figures.look_for_order(eaten.mean_cosine, eaten.mean_difference),
    figures.order_lines(eaten.token_distance[:1], eaten.mean_difference[:1], theme),
    lambda: figures.order_table(eaten.token_distance[:1], *eaten[1:]),
    "Two lines over the blocks of the model: how far the readings of the two orders are apart.",
)
lesson.code(compare_word_orders)

lesson.say("shuffle")


@st.fragment
def shuffle() -> None:
    """Take the positions away, and compare the sentence with another order of its words."""
    read, shuffled = cached.shuffled(sentence, controls.shuffle_seed())
    orders = cached.word_orders(read, shuffled) if read != shuffled else None
    if orders is None:
        st.info("Your words have no other order made of the same tokens; here is the student.")
        read, shuffled, orders = STUDENT, APPLE, eaten
    figure(
        "positions-shuffle",
        "And if nothing were added for the positions?",
        figures.look_for_shuffle(shuffled, orders, eaten.mean_difference),
        figures.order_lines(orders.token_distance, orders.mean_difference, theme),
        lambda: figures.order_table(*orders),
        "Lines over the blocks: far up the differences with positions, at the foot those without.",
        lesson.predict(
            "without-positions", answers.without_positions(read, orders.mean_difference)
        ),
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
    lesson.numbers(
        lambda position, dimension: figures.encoding_arithmetic(rows, base, position, dimension),
        Axis("pe_row", "Position", counted(length, 0), 3),
        Axis("pe_column", "Dimension", counted(d_model, 0), dimensions[-1]),
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

lesson.say("kind")
tokens = model.reading(sentence).tokens
exchanged = cached.exchange(sentence)
figure(
    "positions-kind",
    "What changes for the others when one word changes?",
    figures.look_for_exchange(*exchanged, tokens),
    figures.exchange_bars(*exchanged, tokens, theme),
    lambda: figures.exchange_table(*exchanged, tokens),
    "Bars per token: the change of its position's vector, nothing, and of what attention adds.",
    lesson.predict("exchange", answers.exchange(*exchanged, tokens)),
)
lesson.code(exchange_token)

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
words, positions = cached.embedding_norms(sentence)
figure(
    "positions-size",
    "How long is a position beside its word?",
    figures.look_for_norms(words, positions, tokens),
    figures.norm_bars(words, positions, tokens, theme),
    lambda: figures.norm_table(words, positions, tokens),
    "Bars per token: the length of its word vector and of its position vector.",
)
found = cached.read_back(sentence)
figure(
    "positions-addition",
    "Can the word still be told from the sum?",
    figures.look_for_read_back(*found, tokens),
    figures.read_back_marks(*found, tokens, theme),
    lambda: figures.read_back_table(*found, tokens),
    "Four marks per token: the cosine of the sum with its own word and position, and with the "
    "nearest others, which lie below.",
    lesson.predict("read-back", answers.read_back(*found)),
)
lesson.numbers(
    lambda place: figures.read_back_arithmetic(cached.sum_and_rows(sentence, place), tokens[place]),
    Axis("sum_of", "Token", numbered(tokens), 1),
)
lesson.code(read_back)

lesson.say("compare")
second = compare.second_sentence()
effects = cached.position_effects(sentence, second) if second else None
if effects:
    figure(
        "positions-compare",
        "How far does a position move the words that two sentences share?",
        figures.look_for_effects(*effects),
        figures.effect_heatmaps(*effects, theme),
        lambda: figures.effect_table(*effects),
        "Heat maps, shared tokens by blocks: the distance between the readings with positions and "
        "without, in each sentence, and the difference.",
    )
elif second:
    st.info("A second sentence that shares a word with yours has something to compare.")
lesson.code(distances_by_depth)

lesson.snippet(SENTENCE=sentence)
lesson.next()
