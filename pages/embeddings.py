"""Embeddings: what a token's number stands for, and which words lie close."""

import streamlit as st

from core.alignment import shared_tokens
from core.embeddings import (
    Embeddings,
    cosine_similarity,
    find_word,
    look_up,
    most_misleading_pair,
    nearest_rows,
    principal_components,
    random_cosines,
    word_by_stage,
)
from pages.ui import bar, compare
from pages.ui.answers import embeddings as answers
from pages.ui.cached import embeddings as cached
from pages.ui.cached import model
from pages.ui.controls import embeddings as controls
from pages.ui.controls.cell import Axis, counted
from pages.ui.figure import figure
from pages.ui.figures import embeddings as figures
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

lesson = Lesson("embeddings")
sentence = bar.sentence()
theme = bar.theme()
reading = model.reading(sentence)

lesson.say("lookup")
place = controls.looked_up_token(reading)
token, token_id = reading.tokens[place], reading.token_ids[place]
rows = cached.embedding_rows(sentence, place)
figure(
    "embeddings-lookup",
    f"What does the model read for {quoted(token)}?",
    figures.look_for_lookup(rows, token, token_id, place),
    figures.lookup_strips(rows, token_id, place, theme),
    lambda: figures.lookup_table(rows),
    "Five strips of 384 coloured cells: the rows of token, position and segment, their sum, "
    "and the sum normalised.",
)
lesson.numbers(
    lambda dimension: figures.lookup_arithmetic(rows, dimension, *cached.norm_weights(dimension)),
    Axis("lookup_dimension", "Dimension", counted(rows.shape[1])),
)
lesson.code(Embeddings, look_up)

lesson.say("neighbours")
word = controls.word("Any English word", "near", "dog")
pieces = cached.pieces(word)
near = cached.neighbours(word)
band = figures.random_band(cached.random_cosines())
figure(
    "embeddings-neighbours",
    f"Which of the 30,522 rows lie nearest to {quoted(word)}?",
    figures.look_for_neighbours(word, pieces, near.tokens, near.cosines, band),
    figures.neighbour_bars(near.tokens, near.cosines, band, theme),
    lambda: figures.neighbour_table(near.tokens, near.cosines),
    f"Bars with the cosines of the {figures.N_BARS} tokens nearest to the word, beside the "
    "band where random pairs lie.",
    lesson.predict(
        "nearest",
        answers.nearest(word, pieces, near.tokens, near.cosines, cached.spelled_alike(word)),
    ),
)
lesson.code(cosine_similarity, nearest_rows, random_cosines)

lesson.say("cosines")
compared = controls.compared_words(sentence)
if len(compared) > 1:
    cosines = cached.cosine_matrix(compared)
    figure(
        "embeddings-cosines",
        "Which of these words lie close?",
        figures.look_for_cosines(compared, cosines, band)
        + figures.notes_on_pieces(compared, tuple(map(cached.pieces, compared))),
        figures.cosine_heatmap(compared, cosines, theme),
        lambda: figures.cosine_table(compared, cosines),
        "Heat map of the cosine of every pair of words.",
    )
    one, other = figures.closest_words(cosines)
    lesson.numbers(
        lambda a, b: figures.cosine_arithmetic(
            (compared[a], compared[b]), *cached.product_and_norms(compared[a], compared[b])
        ),
        Axis("cosine_of", "Cosine of", compared, one),
        Axis("cosine_and", "and", compared, other),
    )
else:
    st.info("Give at least two words to compare.")

lesson.say("analogy")
words = controls.analogy()
inputs = tuple(map(cached.pieces, words))
found = cached.analogy(*words)
figure(
    "embeddings-analogy",
    "What is {} − {} + {}?".format(*map(quoted, words)),
    figures.look_for_analogy(words, inputs, found.tokens, found.cosines),
    figures.analogy_bars(inputs, found.tokens, found.cosines, theme),
    lambda: figures.neighbour_table(found.tokens, found.cosines),
    "Bars with the cosines of the tokens nearest to the result; words that went in are grey.",
    lesson.predict("analogy", answers.analogy(inputs, found.tokens, found.cosines)),
)

lesson.say("map")
mapped, seen_from, n_axes = controls.word_map(sentence, compared, word)
if len(mapped) > 2:
    true_cosines = cached.cosine_matrix(mapped)
    points, shares, misleading = cached.word_map(mapped, n_axes)
    figure(
        "embeddings-map",
        f"Which words lie together? ({n_axes} axes keep {shares.sum():.0%} of the variance)",
        figures.look_for_map(mapped, points, true_cosines[seen_from], seen_from),
        figures.word_map(mapped, points, shares, true_cosines[seen_from], seen_from, theme),
        lambda: figures.map_table(mapped, points, true_cosines[seen_from], mapped[seen_from]),
        f"Map of {len(mapped)} words on {n_axes} axes; colour is the true cosine with one of them.",
    )
    figure(
        "embeddings-distances",
        "How far can this map be trusted?",
        figures.look_for_distances(mapped, true_cosines, misleading),
        figures.distance_dots(mapped, points, true_cosines, misleading, theme),
        lambda: figures.distance_table(mapped, points, true_cosines),
        "A dot for every pair of words: its distance on the map, and its true cosine.",
        lesson.predict(
            "misleading-pair", answers.misleading_pair(mapped, true_cosines, misleading)
        ),
    )
else:
    st.info("A map needs at least three words; choose another group.")
lesson.code(principal_components, most_misleading_pair)

lesson.say("meanings")
*two_sentences, shared = controls.two_sentences()
learner = cached.cosine_by_stage(*two_sentences, shared)
ready = cached.meanings()
figure(
    "embeddings-meanings",
    "When does the model tell two meanings apart?",
    figures.look_for_meanings(*ready, shared, learner),
    figures.meaning_lines(*ready, learner, theme),
    lambda: figures.meaning_table(*ready, learner),
    f"Lines of the cosine of {ready.word} between two sentences, from the table to the last block.",
)
lesson.code(word_by_stage, find_word)

lesson.say("compare")
second = compare.second_sentence()
stage = controls.compared_stage()
both = cached.shared_cosines(sentence, second, stage) if second else None
if both:
    figure(
        "embeddings-compare",
        "How close are the words that two sentences share?",
        figures.look_for_shared(*both, stage),
        figures.shared_heatmaps(*both, theme),
        lambda: figures.shared_table(*both),
        "Heat maps of the cosines of the shared tokens in each sentence, and of the difference.",
    )
elif second:
    st.info("A second sentence that shares two words with yours has something to compare.")
lesson.code(shared_tokens)

lesson.snippet(SENTENCE=sentence, PLACE=place, WORD=word)
lesson.next()
