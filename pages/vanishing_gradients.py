"""Vanishing gradients: how little of the loss reaches the first words of a recurrent network."""

import streamlit as st

from core.alignment import shared_tokens
from core.attention_block import attention_gradients
from core.gradients import hidden_gradients, log_norms, norms, parameter_gradients
from core.jacobians import jacobian_product, mean_field_slope, pascanu_bound
from core.recurrent_training import RecurrentModel, clipped
from core.rnn import lstm_step, with_forget_bias
from core.vanishing_gradients import gradient_by_distance, latch
from pages.ui import bar, compare, strips
from pages.ui.answers import vanishing_gradients as answers
from pages.ui.cached import vanishing_gradients as cached
from pages.ui.components.gradient_view import asked_for_more, gradient_view
from pages.ui.components.token_strips import token_strips
from pages.ui.controls import training
from pages.ui.controls import vanishing_gradients as controls
from pages.ui.controls.cell import Axis, numbered
from pages.ui.figure import figure
from pages.ui.figures import comparison, style
from pages.ui.figures import vanishing_gradients as figures
from pages.ui.lesson import Lesson
from pages.ui.training import live_training

lesson = Lesson("vanishing_gradients")
sentence = bar.sentence()
theme, colors = bar.theme(), style.colors(bar.theme())

lesson.say("sentence")
reach = cached.sentence_reach(sentence)
figure(
    "gradients-sentence",
    "Which of your words does the loss still reach?",
    figures.look_for_reach(reach.decades, reach.tokens),
    lambda: token_strips(
        reach.tokens,
        strips.reach_strips(reach),
        label="The sentence, once for each network",
        colors=colors,
        key="gradients-sentence",
    ),
    lambda: figures.reach_table(reach.decades, reach.tokens),
    "The sentence in six rows; in the recurrent rows the first words have no colour left.",
)
lesson.numbers(
    lambda place: figures.reach_arithmetic(reach.decades, reach.tokens, place),
    Axis("reached", "Token", numbered(reach.tokens), figures.first_reached(reach.decades)),
)
lesson.code(hidden_gradients)

lesson.say("distance")


@st.fragment
def distance() -> None:
    """Draw gradients over the distance, for sizes to choose."""
    setting = controls.setting()
    position = controls.position()
    found = cached.curves(setting, position, more=asked_for_more("gradients-lab"))
    gain, bias = cached.GAINS[position.gain], cached.BIASES[position.bias]
    theory = cached.theory(setting)
    figure(
        "gradients-distance",
        "How does the gradient change with every step back?",
        figures.look_for_distance(found.seen, gain, bias, theory[position.gain]),
        lambda: gradient_view(
            found.lines,
            cached.GAINS,
            cached.BIASES,
            theory,
            position,
            complete=found.complete,
            colors=colors,
            key="gradients-lab",
            on_move=lambda: controls.keep_position("gradients-lab"),
        ),
        lambda: figures.distance_table(found.seen),
        "Lines over the distance on a logarithmic scale: straight down for tanh and ReLU, nearly "
        "level for gates held open and for attention.",
    )


distance()
lesson.code(gradient_by_distance)

lesson.say("gates")
gates = cached.gates()
figure(
    "gradients-gates",
    "Is it enough to have gates?",
    figures.look_for_gates(gates, cached.BIASES, cached.NOTICE),
    figures.gate_points(gates, cached.BIASES, cached.NOTICE, theme),
    lambda: figures.gate_table(gates, cached.BIASES),
    "Points that rise with the bias of the gate, from far below to nearly no loss at all.",
    lesson.predict("default-gates", answers.default_gates(gates, cached.NOTICE)),
)
lesson.code(lstm_step, with_forget_bias)

lesson.say("attention")
dilution = cached.dilution()
figure(
    "gradients-attention",
    "What does attention lose, with distance and with length?",
    figures.look_for_dilution(dilution),
    figures.dilution_lines(dilution, theme),
    lambda: figures.dilution_table(dilution),
    "Level lines over the distance, one for each length; the longer, the lower.",
)
lesson.numbers(lambda: figures.dilution_arithmetic(dilution))
lesson.code(attention_gradients)

lesson.say("theory")


@st.fragment
def theory() -> None:
    """Draw a gradient beside everything that bounds or predicts it."""
    chain = cached.chain(*controls.activation_and_gain())
    figure(
        "gradients-theory",
        "Does the recurrent matrix tell whether gradients vanish?",
        figures.look_for_chain(chain.distances, chain.lines),
        figures.chain_lines(*chain, theme),
        lambda: figures.chain_table(chain.distances, chain.lines),
        "Lines over the distance, from the bound at the top to the gradient at the foot.",
    )


theory()
lesson.code(jacobian_product, pascanu_bound, mean_field_slope)

lesson.say("activation")
activations, gains, way = cached.by_activation(), cached.GAINS[1:], cached.CHAIN_LENGTH - 1
figure(
    "gradients-activation",
    "Is it tanh that makes gradients vanish?",
    figures.look_for_activations(gains, activations, low=0.75, high=1.5),
    figures.activation_lines(gains, activations, way, theme),
    lambda: figures.activation_table(gains, activations),
    "Three rising lines over the gain: without an activation the highest, it passes 1 where the "
    "gain does; tanh the lowest.",
    lesson.predict("no-activation", answers.no_activation(gains, activations, 0.75, way)),
)

lesson.say("zero")
measures = cached.three_measures()
figure(
    "gradients-zero",
    "From where on is the gradient zero?",
    figures.look_for_measures(measures),
    figures.measure_lines(measures, theme),
    lambda: figures.measure_table(measures),
    "Three lines that fall together; the first ends early, the second later, the third never.",
)
lesson.code(norms, log_norms)

lesson.say("latch")
switch = cached.latch()
figure(
    "gradients-latch",
    "What is left of the first input?",
    figures.look_for_latch(*switch),
    figures.latch_lines(*switch, theme),
    lambda: figures.latch_table(*switch),
    "Above, two lines of the state that stay near +1 and −1; below, the gradient, falling straight "
    "from the last step to the first.",
    lesson.predict("latched", answers.latched(*switch)),
)
lesson.code(latch)

lesson.say("weights")
weights, first_step = cached.weight_gradients()
figure(
    "gradients-weights",
    "Would you notice it in the gradient of the weights?",
    figures.look_for_weights(cached.GAINS, weights, first_step),
    figures.weight_lines(cached.GAINS, weights, first_step, theme),
    lambda: figures.weight_table(cached.GAINS, weights, first_step),
    "Two lines over the gain: that of the first step climbs all the way, that of the weights only "
    "at the end.",
)
lesson.code(parameter_gradients)

lesson.say("train")


@st.fragment
def train() -> None:
    """Train several networks at once to remember, while the learner watches."""
    live_training(
        "gradients-train",
        training.memory_training(),
        "Who learns to remember?",
        "Four pictures that grow with every update: the gradient by distance, accuracy, loss, and "
        "the gradient of the weights; one thin line for each network.",
        theme,
    )


train()
lesson.code(RecurrentModel.measure)

lesson.say("clip")


@st.fragment
def clip() -> None:
    """Let gradients explode, with clipping and without."""
    live_training(
        "gradients-clip",
        training.exploding_training(),
        "What does an explosion do, and what does clipping?",
        "Two pictures of the same networks trained twice; crosses mark where one was lost.",
        theme,
    )


clip()
lesson.code(clipped)

lesson.say("device")


@st.fragment
def device() -> None:
    """Measure the time of a step on every device of this machine."""
    st.markdown(figures.device_names(cached.devices()))
    if not controls.measure_now():
        return
    seconds = cached.seconds_per_step()
    figure(
        "gradients-device",
        "How long does a step take, there and back?",
        figures.look_for_devices(seconds),
        figures.device_bars(seconds, theme),
        lambda: figures.device_table(seconds),
        "Bars per network and device.",
    )


device()

lesson.say("compare")
second = compare.second_sentence()
if second:
    shared = cached.shared_reach(sentence, second)
    if shared.tokens:
        figure(
            "gradients-compare",
            "What do two sentences let through?",
            figures.look_for_two_sentences(shared, cached.READERS),
            comparison.comparison(
                shared.first.T,
                shared.second.T,
                shared.tokens,
                list(cached.READERS),
                ("first", "second"),
                "RNN",
                theme,
                measure="log10",
                axis="",
            ),
            lambda: figures.two_sentences_table(shared, cached.READERS),
            "Three heat maps of shared tokens by networks: the gradient in the first sentence, in "
            "the second, and the difference.",
        )
    else:
        st.info("The two sentences share no token. Change one word of the first instead.")
lesson.code(shared_tokens)

lesson.snippet(SENTENCE=sentence)
lesson.next()
