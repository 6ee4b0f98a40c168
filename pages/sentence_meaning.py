"""Sentence meaning: one vector for a whole text, what it is good for and where it fails."""

import streamlit as st

from core.alignment import shared_tokens
from core.embeddings import cosine_similarity, nearest_rows
from core.pretrained import changed_weights
from core.sentence_meaning import (
    probe_gradients,
    sentence_vector,
    token_effects,
    token_shares,
    train_probe,
    vectors_without_each,
)
from pages.ui import bar, compare
from pages.ui.answers import sentence_meaning as answers
from pages.ui.cached import model
from pages.ui.cached import sentence_meaning as cached
from pages.ui.controls import sentence_meaning as controls
from pages.ui.controls.cell import Axis, numbered
from pages.ui.figure import figure
from pages.ui.figures import sentence_meaning as figures
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

lesson = Lesson("sentence_meaning")
sentence = bar.sentence()
theme = bar.theme()
reading = model.reading(sentence)
tokens, offsets = reading.tokens, reading.offsets

lesson.say("tokens")
meaning = cached.meaning(sentence)
shares = meaning.shares
figure(
    "meaning-tokens",
    "How much of the sentence vector does each token give?",
    figures.look_for_shares(shares, tokens, offsets),
    figures.share_bars(shares, tokens, offsets, theme),
    lambda: figures.share_table(shares, tokens),
    "Bars: the share of each token in the sentence vector, beside a line at an even share.",
)
lesson.numbers(
    lambda place: figures.share_arithmetic(tokens, place, meaning.projections, meaning.mean_length),
    Axis(
        "share_of", "Token", numbered(tokens), figures.largest_share(meaning.projections, offsets)
    ),
)
lesson.code(sentence_vector, token_shares)

lesson.say("similarity")
lines = controls.lines()
if len(lines) > 1:
    cosines = cached.cosine_matrix(lines)
    figure(
        "meaning-similarity",
        "Which of these sentences are alike?",
        figures.look_for_similarity(lines, cosines),
        figures.cosine_heatmap(lines, cosines, theme),
        lambda: figures.similarity_table(lines, cosines),
        "Heat map of the cosine of every pair of lines.",
    )
    one, other = figures.most_alike(cosines)
    lesson.numbers(
        lambda a, b: figures.cosine_arithmetic(
            cached.entries(lines[a]), cached.entries(lines[b]), (lines[a], lines[b])
        ),
        Axis("cosine_of", "Cosine of", numbered(lines), one),
        Axis("cosine_and", "and", numbered(lines), other),
    )
else:
    st.info("Write at least two sentences, each on a line of its own.")
lesson.code(cosine_similarity)

lesson.say("search")


@st.fragment
def search() -> None:
    """Rank the lines by their cosine with a query."""
    query = controls.query(sentence)
    if not lines:
        st.info("There is nothing to search in: write some lines in the box above.")
        return
    places, nearness = cached.ranking(query, lines)
    ranked = [lines[place] for place in places]
    figure(
        "meaning-search",
        "Which line is nearest to the query?",
        figures.look_for_search(query, ranked, nearness),
        figures.cosine_bars(ranked, nearness, theme),
        lambda: figures.ranking_table(ranked, nearness),
        "Bars: the cosine of every line with the query, best first.",
        lesson.predict("search", answers.search(query, ranked, nearness)),
    )


search()
lesson.code(nearest_rows)

lesson.say("labels")


@st.fragment
def labels() -> None:
    """Give the sentence to the label whose own text lies nearest."""
    names = controls.labels()
    if len(names) < 2:
        st.info("Give at least two labels, with commas between them.")
        return
    places, nearness = cached.ranking(sentence, names)
    ranked = [names[place] for place in places]
    figure(
        "meaning-labels",
        "Which label is nearest to your sentence?",
        figures.look_for_labels(ranked, nearness),
        figures.cosine_bars(ranked, nearness, theme),
        lambda: figures.ranking_table(ranked, nearness),
        "Bars: the cosine of your sentence with the text of every label, best first.",
    )


labels()

lesson.say("probe")


@st.fragment
def probe() -> None:
    """Train a probe on the learner's examples, and let it judge the sentence."""
    examples = controls.examples()
    if len({example.label for example in examples}) < 2:
        st.info("Write examples for at least two labels, for instance food: I like soup.")
        return
    n_steps = controls.n_steps()
    trained = cached.probe(examples, n_steps)
    history = cached.training(trained)
    figure(
        "meaning-training",
        "What has the probe learned?",
        figures.look_for_training(
            history.loss, history.left_out_right, len(examples), len(trained.labels)
        ),
        figures.loss_lines(history.loss, history.left_out_loss, len(trained.labels), theme),
        lambda: figures.training_table(*history),
        "Two falling lines: the loss on the examples, and above it that on left-out lines.",
    )
    weights = cached.weights_now(sentence, examples, n_steps)
    figure(
        "meaning-probe",
        "What did all this change?",
        figures.look_for_weights(weights, len(examples)),
        figures.weight_bars(weights, theme),
        lambda: figures.weight_table(weights),
        "Bars for the parts of the encoder and the probe: the share of their weights that changed.",
        lesson.predict("learned", answers.learned(weights)),
    )
    judged = cached.probabilities(sentence, trained)
    if not controls.wants_effects(len(tokens)):
        st.markdown(figures.ranked_probabilities(trained.labels, judged))
        return
    effects = cached.token_effects(sentence, trained)
    winner = trained.labels[judged.argmax()]
    figure(
        "meaning-decision",
        f"Which tokens made it {quoted(winner)}?",
        figures.look_for_effects(trained.labels, judged, effects, tokens),
        figures.effect_bars(effects, tokens, winner, theme),
        lambda: figures.effect_table(effects, tokens),
        "Bars: what each token of your sentence brought to the probability of the winning label.",
    )


probe()
lesson.code(train_probe, probe_gradients, changed_weights, vectors_without_each, token_effects)

lesson.say("limits")


@st.fragment
def limits() -> None:
    """Compare sentences that say the same with sentences that only look the same."""
    pair = controls.pair()
    own, triples = cached.cosine(*pair), cached.triples()
    figure(
        "meaning-limits",
        "Does the closer sentence say the same?",
        figures.look_for_limits(triples, own),
        figures.limit_bars(triples, pair, own, theme),
        lambda: figures.limit_table(triples, pair, own),
        "Pairs of bars: the cosine of a sentence with a paraphrase, and with another meaning.",
        lesson.predict("pair", answers.pair(*pair, own)),
    )


limits()

lesson.say("compare")
second = compare.second_sentence()
if second:
    shared = cached.shared(sentence, second)
    if shared:
        figure(
            "meaning-compare",
            "Does a token give the same to both sentences?",
            figures.look_for_shared(*shared, cached.cosine(sentence, second)),
            figures.shared_bars(*shared, theme),
            lambda: figures.shared_table(*shared),
            "Bars: the share of each common token in both sentence vectors; the difference.",
        )
    else:
        compare.nothing_shared()
lesson.code(shared_tokens)

lesson.snippet(SENTENCE=sentence, OTHER=second or sentence)
lesson.next()
