"""One vector as memory: what a translator loses when everything must pass through one vector."""

import streamlit as st

from core.context_vector import context_gradients, probe_context, ridge_regression
from core.number_words import DICTIONARY, german
from core.seq2seq import RecurrentTranslator, is_right, translate
from core.seq2seq_training import Seq2SeqRun, update
from pages.ui import bar
from pages.ui.answers import rnn_memory as answers
from pages.ui.cached import rnn_memory as cached
from pages.ui.controls import rnn_memory as controls
from pages.ui.controls.cell import Axis, counted, numbered
from pages.ui.figure import figure
from pages.ui.figures import rnn_memory as figures
from pages.ui.lesson import Lesson
from pages.ui.training import live_training

lesson = Lesson("rnn_memory")
theme = bar.theme()
log = cached.log()

lesson.say("answers")
number, seed = controls.number_and_seed()
source, truth, translations = cached.answers(number, seed)
written = {kind: translation.words for kind, translation in translations.items()}
figure(
    "memory-answers",
    f"How do they write {number:,}?",
    figures.look_for_answers(source, truth, written),
    figures.answers_grid(truth, written, theme),
    lambda: figures.answers_table(truth, written),
    "The German words from top to bottom, and beside them three answers with wrong words marked.",
)
lesson.code(german, translate)

lesson.say("length")
figure(
    "memory-length",
    "How often is the whole answer right?",
    figures.look_for_length(log.lengths, log.accuracy, log.n_pairs),
    figures.length_lines(log.lengths, log.accuracy, len(source), theme),
    lambda: figures.length_table(log.lengths, log.accuracy, "words of the source"),
    "Three falling lines over the length: one vector falls first, then the Transformer, at once, "
    "then attention, slowly.",
    lesson.predict("best-beyond", answers.best_beyond(log.lengths, log.accuracy, len(source))),
)
lesson.code(is_right)

lesson.say("alignment")


@st.fragment
def alignment() -> None:
    """Draw where one of the networks looked."""
    translation = translations[controls.looking()]
    weights = translation.weights.numpy()
    figure(
        "memory-alignment",
        "Where does it look while it writes?",
        figures.look_for_alignment(weights, source, translation.words, DICTIONARY),
        figures.alignment_heatmap(weights, source, translation.words, theme),
        lambda: figures.alignment_table(weights, source, translation.words),
        "Heat map of written by read words: a diagonal with crossings where tens and ones swap.",
    )
    lesson.numbers(
        lambda place: figures.alignment_arithmetic(weights, source, translation.words, place),
        Axis("written", "Written word", numbered(translation.words)),
    )


alignment()
lesson.code(RecurrentTranslator.look_back)

lesson.say("gradient")
reach = cached.reach(number, seed)
figure(
    "memory-gradient",
    "How far does each word move the vector?",
    figures.look_for_reach(*reach, source),
    figures.reach_lines(*reach, source, theme),
    lambda: figures.reach_table(*reach, source),
    "Two lines over the words: before training it falls towards the first, afterwards it is level.",
)
lesson.code(context_gradients)

lesson.say("probe")
read_back = cached.read_back(number, seed)
figure(
    "memory-probe",
    "Which words can be read back from the vector?",
    figures.look_for_read_back(*read_back, source),
    figures.read_back_bars(*read_back, source, theme),
    lambda: figures.read_back_table(*read_back, source),
    "Bars per word: how often it is read back, with a mark for what guessing achieves.",
    lesson.predict(
        "least-found", answers.least_found(source, read_back.accuracy, read_back.guessing)
    ),
)
lesson.code(probe_context, ridge_regression)

lesson.say("probes")
figure(
    "memory-probes",
    "What becomes of each place as the source grows?",
    figures.look_for_probes(log.lengths, log.read_back, log.guessing),
    figures.probe_heatmap(log.lengths, log.read_back, log.guessing, theme),
    lambda: figures.probe_table(log.lengths, log.read_back, log.guessing),
    "Triangle of lengths by places: full at the top, paler downwards, palest in the middle.",
)
lengths = list(log.lengths)
lesson.numbers(
    lambda row, place: figures.probe_arithmetic(lengths, log.read_back, log.guessing, row, place),
    Axis(
        "probed_length",
        "Words of the source",
        [str(n) for n in lengths],
        lengths.index(min(len(source), lengths[-1])),
    ),
    Axis("probed_word", "Word", counted(lengths[-1]), len(source) // 2),
)

lesson.say("cost")
figure(
    "memory-cost",
    "What do training and width buy?",
    figures.look_for_cost(log.curves, log.lengths, log.accuracy),
    figures.accuracy_lines(log.updates, log.curves, theme, "updates, on sources of 9 words"),
    lambda: figures.length_table(log.updates, log.curves, "updates"),
    "Four rising lines: attention and the Transformer reach 1 early, one vector rises slowly.",
    lesson.predict("twice-as-wide", answers.twice_as_wide(log.curves)),
)

lesson.say("train")


@st.fragment
def train() -> None:
    """Train translators while the learner watches."""
    live_training(
        "memory-train",
        controls.training(),
        "Which lengths does each of them learn?",
        "Curves that grow with the training: accuracy by length, and the loss of every network.",
        theme,
    )


train()
lesson.code(Seq2SeqRun.step, update)

lesson.snippet(SOURCE=" ".join(source), SEED=seed)
lesson.next()
