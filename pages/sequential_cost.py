"""Sequential cost: what must wait, what is computed in all, and what the clock says."""

import streamlit as st

from core.sequential_cost import (
    BLOCK_PRODUCTS,
    TransformerBlock,
    count_cost,
    layer_types,
    time_layers,
    time_one_product,
)
from pages.ui import bar
from pages.ui.answers import sequential_cost as answers
from pages.ui.cached import model
from pages.ui.cached import sequential_cost as cached
from pages.ui.components.steps_view import steps_view
from pages.ui.controls import sequential_cost as controls
from pages.ui.controls.cell import Axis
from pages.ui.figure import figure
from pages.ui.figures import sequential_cost as figures
from pages.ui.figures.style import colors
from pages.ui.lesson import Lesson

lesson = Lesson("sequential_cost")
sentence = bar.sentence()
theme = bar.theme()
tokens = model.reading(sentence).tokens

lesson.say("steps")
figure(
    "cost-steps",
    "How long is the queue?",
    figures.look_for_steps(len(tokens), len(BLOCK_PRODUCTS)),
    lambda: steps_view(tokens, BLOCK_PRODUCTS, colors=colors(theme), key="cost-steps-view"),
    lambda: figures.steps_table(tokens, BLOCK_PRODUCTS),
    "The tokens twice: above filled one after the other, below all together.",
)
lesson.code(count_cost)

lesson.say("counts")
width = controls.width()
figure(
    "cost-counts",
    "How far is the first token from the last, and what is kept of it?",
    figures.look_for_ways(cached.counted(width, lengths=(len(tokens), cached.COUNTED_LENGTHS[-1]))),
    figures.ways_and_memory(
        cached.ways(cached.COUNTED_LENGTHS, width),
        cached.counted(width, lengths=cached.COUNTED_LENGTHS),
        len(tokens),
        theme,
    ),
    lambda: figures.layer_type_table(cached.layer_types(len(tokens), width)),
    "Two charts over the length: steps rise with n for a recurrent layer and stay at 1 for "
    "attention; what is kept stays the same for the recurrent layer and rises with n² for "
    "attention written out.",
    lesson.predict(
        "weights-pass-state",
        answers.where_weights_pass_the_state(cached.counted(width, lengths=(len(tokens),))),
    ),
)
lesson.code(layer_types)

lesson.say("work")
work = cached.work(cached.COUNTED_LENGTHS, width)
figure(
    "cost-work",
    "Which layer has more to compute?",
    figures.look_for_work(len(tokens), width),
    figures.work_lines(work, cached.COUNTED_LENGTHS, len(tokens), theme),
    lambda: figures.work_table(work, cached.COUNTED_LENGTHS),
    "Four rising lines over the length; that of self-attention is the steepest and crosses the "
    "recurrent one where the length equals the width.",
)
lesson.numbers(lambda: figures.work_arithmetic(len(tokens), width))

lesson.say("measured")
setting = controls.setting(width)
running = controls.measure(setting)
counted = cached.counted(width, setting.batch)


@st.fragment(run_every="1s" if running else None)
def measured() -> None:
    """Show the newest timings, again and again while they are being taken."""
    controls.progress(setting, running)
    controls.source(setting)
    curves = cached.curves(setting)
    figure(
        "cost-measured",
        "What grows with the length, and how fast?",
        figures.look_for_measures(curves, counted),
        figures.three_measures(curves, counted, theme),
        lambda: figures.measures_table(curves, counted),
        "Three charts over the length, below one another: measured time, operations, and products "
        "that wait for each other; the last is flat for attention and a rising line for the rest.",
        lesson.predict(
            "fastest", answers.fastest(curves, width, setting.batch, cached.device_name(setting))
        ),
    )


measured()
lesson.code(TransformerBlock, time_layers)

lesson.say("why")
lengths = [str(length) for length in counted["RNN"].lengths]
lesson.numbers(
    lambda place: figures.operations_arithmetic(width, setting.batch, int(lengths[place])),
    Axis("cost_length", "Length", lengths, len(lengths) - 1),
)

lesson.say("parallel")
curves, product = cached.curves(setting), cached.product_seconds(setting)
if product is None:
    st.info("Measure this setting first, above: the model needs the time of one product.")
else:
    figure(
        "cost-parallel",
        "What if nothing waited without need?",
        figures.look_for_parallel(counted, product),
        figures.time_if_parallel(curves, counted, product, theme),
        lambda: figures.parallel_table(counted, product),
        "Measured times that rise with the length, and two dashed lines of the model: a rising one "
        "for recurrent layers, a flat one far below for attention.",
    )
lesson.code(time_one_product)

lesson.say("limits")
lesson.snippet(WIDTH=width, BATCH=setting.batch)
lesson.next()
