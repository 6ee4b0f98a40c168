"""The map of a Transformer: every step of the reading, and how short the way through it is."""

import streamlit as st

from core.alignment import shared_tokens
from core.encoder import Encoder
from core.path_length import by_distance, encoder_gradients, recurrent_input_gradients
from core.sequential_cost import count_cost
from pages.ui import bar, compare, maps
from pages.ui.answers import transformer as answers
from pages.ui.cached import model
from pages.ui.cached import transformer as cached
from pages.ui.components.transformer_map import READING
from pages.ui.controls import transformer as controls
from pages.ui.controls.cell import Axis, counted, numbered
from pages.ui.figure import figure
from pages.ui.figures import transformer as figures
from pages.ui.lesson import Lesson

lesson = Lesson("transformer")
sentence = bar.sentence()
theme = bar.theme()

lesson.say("map")
tokens = model.reading(sentence).tokens


@st.fragment
def whole() -> None:
    """Draw the map with the sentence inside, at one block."""
    block = controls.block()
    windows = cached.windows(sentence, block)
    figure(
        "transformer-map",
        "What is your sentence, at every step?",
        figures.look_for_map(windows, tokens, block),
        lambda: maps.show_map("transformer-map", READING, theme, tokens, windows),
        lambda: figures.map_table(windows),
        "Two columns of boxes with arrows upwards: the encoder, with pictures of values, and the "
        "decoder, without.",
    )
    weights = windows["attention"].values
    lesson.numbers(
        lambda key: figures.attention_arithmetic(weights, tokens, block, key),
        Axis("map_token", "Looked at", numbered(tokens), int(weights.mean(axis=0).argmax())),
    )


whole()
lesson.code(Encoder.trace, Encoder.run_blocks)

lesson.say("kinds")


@st.fragment
def kinds() -> None:
    """Grey out what a kind of Transformer leaves away."""
    name, kind = controls.kind()
    later = cached.later_shares(sentence)
    figure(
        "transformer-kinds",
        "What does each family keep?",
        figures.look_for_kind(name, kind, later),
        lambda: maps.show_map("transformer-kinds", kind, theme),
        lambda: figures.kind_table(later),
        f"The same two columns of boxes, small; what {name} leaves away is grey and dashed.",
        lesson.predict("looking-ahead", answers.looking_ahead(later, len(tokens))),
    )


kinds()

lesson.say("path")
found = cached.paths(sentence)
figure(
    "transformer-layers",
    "How many layers lie between the first token and the last?",
    figures.look_for_layers(cached.LENGTHS, found.layers),
    figures.layer_lines(cached.LENGTHS, found.layers, theme),
    lambda: figures.layer_table(cached.LENGTHS, found.layers),
    "Two lines over the length: one doubles with every doubling, the other is level.",
)
figure(
    "transformer-length",
    "How much comes back to the first token, as the text grows?",
    figures.look_for_growth(found.decades),
    figures.growth_lines(found.decades, theme),
    lambda: figures.growth_table(found.decades),
    "Three lines over the length: RNN and LSTM plunge, the encoder sinks slowly.",
    lesson.predict(
        "crowd", answers.crowd(found.decades[cached.ENCODER], found.decades["tanh RNN"])
    ),
)


@st.fragment
def back() -> None:
    """Draw the gradient over the distance, for a length to choose."""
    length = controls.length()
    figure(
        "transformer-path",
        "And to each token between?",
        figures.look_for_path(found.decades, length),
        figures.path_lines(found.decades, length, theme),
        lambda: figures.path_table(found.decades, length),
        "Three lines over the distance on a logarithmic scale: RNN and LSTM fall straight down, "
        "the encoder stays nearly level.",
    )
    n_blocks = found.layers[cached.ENCODER][-1]
    lesson.numbers(
        lambda place: figures.path_arithmetic(found.decades, length, n_blocks, place + 1),
        Axis("map_distance", "Tokens back", counted(length - 1), length - 2),
    )


back()
lesson.code(encoder_gradients, recurrent_input_gradients, by_distance, count_cost)

lesson.say("compare")
second = compare.second_sentence()
if second:
    shared = cached.shared(sentence, second)
    if shared:
        figure(
            "transformer-compare",
            "How much comes back to each token, block by block?",
            figures.look_for_shared(shared),
            figures.shared_heatmaps(shared, theme),
            lambda: figures.shared_table(shared),
            "Heat maps of shared token by block: the gradient in each sentence; the difference.",
        )
    else:
        compare.nothing_shared()
lesson.code(shared_tokens)

lesson.snippet(SENTENCE=sentence)
lesson.next()
