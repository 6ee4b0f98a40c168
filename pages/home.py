"""The way in: what the course is, and the learner's sentence at every step of it."""

import streamlit as st

from core.sequential_cost import count_cost
from pages.ui import bar, maps, menu
from pages.ui.cached import model, rnn_memory, sentence_meaning, vanishing_gradients
from pages.ui.components.transformer_map import READING
from pages.ui.figures import home as pictures
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

lesson = Lesson("home")
sentence = bar.sentence()
theme = bar.theme()

tokens = model.reading(sentence).tokens

lesson.say("map")
with menu.card("transformer"):
    maps.show_map("home-map", READING, theme)

lesson.say("short")
gradients, memory, cost = st.columns(3)
reach = vanishing_gradients.sentence_reach(sentence)
with gradients, menu.card("vanishing_gradients"):
    st.image(
        pictures.sequential_pixels(pictures.reach_rows(reach.decades), "attention", theme),
        caption="What the end of your sentence still tells each word: " + " · ".join(reach.decades),
        alt="One row per network, one cell per token: the first cells of recurrent rows are empty.",
    )
with memory, menu.card("rnn_memory"):
    st.markdown(pictures.memory_lines(rnn_memory.log().lengths, rnn_memory.log().accuracy))
with cost, menu.card("sequential_cost"):
    st.markdown(
        pictures.cost_lines(
            len(tokens),
            count_cost("RNN", len(tokens), 64).path,
            count_cost("attention", len(tokens), 64).path,
        )
    )

lesson.say("path")
upper, lower = st.columns(3), st.columns(3)
with upper[0], menu.card("tokenization"):
    st.markdown(" ".join(quoted(token) for token in tokens[:24]))
    st.caption(f"Your sentence in {len(tokens)} tokens.")

trace = model.encoder_trace(sentence)
attention = trace.blocks[3].attention
with upper[1], menu.card("embeddings"):
    st.image(
        pictures.diverging_pixels(trace.embeddings.token[:, :48].numpy(), theme),
        caption="One row per token: the first 48 of its 384 numbers.",
        alt="The token embeddings of your sentence as coloured cells.",
    )
with upper[2], menu.card("positional_encoding"):
    st.image(
        pictures.diverging_pixels(trace.embeddings.position[:, :48].numpy(), theme),
        caption="What is added to each row to say where it stands.",
        alt="The position vectors of your sentence as coloured cells.",
    )
with lower[0], menu.card("self_attention"):
    st.image(
        pictures.sequential_pixels(attention.weights[1].numpy(), "weights", theme),
        caption="Who looks at whom: one row per token that looks (block 4, head 2).",
        alt="Attention weights of block 4, head 2 on your sentence.",
    )
with lower[1], menu.card("scaled_dot_product"):
    st.image(
        pictures.diverging_pixels(attention.scaled_scores[1].numpy(), theme),
        caption="The scores behind those weights, before softmax.",
        alt="Attention scores of block 4, head 2 on your sentence.",
    )
with lower[2], menu.card("encoder"):
    st.image(
        pictures.diverging_pixels(trace.output[:, :48].numpy(), theme),
        caption="What leaves the last block: each row now knows its sentence.",
        alt="The output vectors of your sentence as coloured cells.",
    )

lesson.say("uses")
with st.columns(3)[0], menu.card("sentence_meaning"):
    shares = sentence_meaning.meaning(sentence).shares
    st.markdown(pictures.share_line(shares, tokens))

lesson.say("reference")
words, predicted, teaching = st.columns(3)
with words:
    menu.card("glossary")
with predicted:
    menu.card("predictions")
with teaching:
    menu.card("classroom")

lesson.say("model")
