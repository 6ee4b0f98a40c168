"""Scaled dot-product attention: the function, one step at a time."""

import streamlit as st

from core.alignment import shared_tokens
from core.attention import apply_mask, scaled_dot_product_attention
from core.scaling import compare_scaling, output_gradients
from pages.ui import bar, compare, matrices
from pages.ui.answers import scaled_dot_product as answers
from pages.ui.cached import model
from pages.ui.cached import scaled_dot_product as cached
from pages.ui.components.matrix_view import CellSelection, matrix_view
from pages.ui.controls import scaled_dot_product as controls
from pages.ui.controls.cell import Axis, numbered
from pages.ui.figure import figure
from pages.ui.figures import scaled_dot_product as figures
from pages.ui.figures import style
from pages.ui.figures.self_attention import (
    TWO,
    comparison_table,
    head_comparison,
    look_for_difference,
    matrix_table,
    strongest_link,
)
from pages.ui.lesson import Lesson
from pages.ui.text import quoted

lesson = Lesson("scaled_dot_product")
sentence, speaker = bar.sentence(), bar.speaker()
theme, colors = bar.theme(), style.colors(bar.theme())
block, head = bar.block_and_head()
name = matrices.head_name(block, head)
tokens = model.labels(model.reading(sentence, speaker.id))
intact = cached.head_attention(sentence, speaker.id, block, head)
link = strongest_link(intact.weights.numpy(), tokens)

lesson.say("steps")
with st.container(horizontal=True, vertical_alignment="bottom"):
    typed = controls.own_numbers()
    mask, scaled = controls.mask(speaker.causal and not typed), controls.scaled()
numbers = controls.typed_matrices() if typed else None
if numbers:
    attention = cached.typed_attention(**numbers, mask=mask, scale=scaled)
    labels, start = [f"row {row}" for row in range(1, len(numbers["q"]) + 1)], (0, 0)
else:
    attention = cached.head_attention(sentence, speaker.id, block, head, mask, scaled)
    labels, start = tokens, (link.query, link.key)
parts, relations = matrices.attention_matrices(attention, labels, scaled, colors)
figure(
    "attention-steps",
    "How do vectors become attention?" if numbers else f"What does head {name} compute?",
    figures.look_for_steps(attention.weights.numpy(), labels, start[0]),
    lambda: matrix_view(
        parts,
        relations,
        matrices.STEPS,
        controls.cell("cell", parts, matrices.STEPS, CellSelection("raw_scores", *start)),
        colors=colors,
        key="cell",
        on_change=lambda: controls.keep_cell("cell", parts, matrices.STEPS),
    ),
    lambda: figures.pairs_table({part.id: part.values for part in parts[2:6]}, labels),
    "The matrices Q, K, V, the scores, the weights and the output, step by step.",
)
difference = cached.fused_difference(attention, scaled)
st.caption(f"PyTorch's fused function gives the same output; largest difference {difference:.0e}.")
lesson.code(scaled_dot_product_attention)

lesson.say("masks")
scores = cached.mask_scores(sentence, speaker, block, head)
figure(
    "attention-masks",
    "What does each mask forbid?",
    figures.look_for_masks(scores, tokens),
    lambda: matrix_view(
        matrices.masked_matrices(scores, tokens, colors), colors=colors, key="masks"
    ),
    lambda: figures.pairs_table(scores, tokens),
    f"Scores of head {name} under these masks: {', '.join(scores)}.",
    lesson.predict("forbidden", answers.forbidden(scores, tokens, link)),
)
figure(
    "attention-masked",
    f"Where does {quoted(tokens[link.query])} look under each mask?",
    figures.look_for_masked(scores, tokens, link.query),
    figures.masked_bars(scores, tokens, link.query, theme),
    lambda: figures.masked_table(scores, tokens, link.query),
    "Bars per token: the weights of one token under each mask.",
)
lesson.numbers(
    lambda key: figures.masked_arithmetic(scores, tokens, (link.query, key)),
    Axis("masked_key", "Looked at", numbered(tokens), figures.never_forbidden(scores, link.query)),
)
lesson.code(apply_mask)

lesson.say("scaling")
with st.container(horizontal=True, vertical_alignment="bottom"):
    sweep = cached.scaling(controls.n_keys(), controls.seed())
unscaled, rescaled = cached.arrays(sweep.unscaled), cached.arrays(sweep.scaled)
figure(
    "attention-scaling",
    "What becomes of softmax when the vectors get wider?",
    figures.look_for_saturation(sweep.widths, unscaled, rescaled),
    figures.saturation(sweep.widths, unscaled, rescaled, sweep.expected_spread.numpy(), theme),
    lambda: figures.saturation_table(sweep.widths, unscaled, rescaled),
    "Spread of scores, entropy of weights and gradient against d_k, scaled and unscaled.",
    lesson.predict("gradient", answers.gradient(sweep.widths, unscaled, rescaled)),
)
lesson.numbers(
    lambda place: figures.saturation_arithmetic(sweep.widths, unscaled, place),
    Axis("d_k", "Width d_k", [str(width) for width in sweep.widths], sweep.widths.index(64)),
)
divided, allowed = intact.weights.numpy(), cached.mask_of(intact).numpy()
undivided = cached.head_attention(sentence, speaker.id, block, head, scale=False).weights.numpy()
figure(
    "attention-unscaled",
    f"And head {name}, on your sentence?",
    figures.look_for_unscaled(divided, undivided),
    head_comparison(divided, undivided, tokens, allowed, figures.DIVISION, theme),
    lambda: comparison_table(divided, undivided, tokens, allowed, figures.DIVISION),
    f"Weights of head {name}: with the division by √d_k, without it, and the difference.",
)
lesson.code(compare_scaling)

lesson.say("temperature")
temperature = controls.temperature()
usual = intact.weights[link.query].numpy()
heated = cached.head_attention(sentence, speaker.id, block, head, temperature=temperature)
changed = heated.weights[link.query].numpy()
seen = link.query + 1 if speaker.causal else len(tokens)
figure(
    "attention-temperature",
    f"Where does {quoted(tokens[link.query])} look at temperature {temperature:g}?",
    figures.look_for_temperature(usual, changed, tokens, link.query),
    figures.temperature_bars(usual[:seen], changed[:seen], tokens[:seen], temperature, theme),
    lambda: figures.temperature_table(usual[:seen], changed[:seen], tokens[:seen], temperature),
    "Bars: the weights of one token at two temperatures.",
    lesson.predict(
        "heated",
        answers.heated(usual[:seen], changed[:seen], tokens, link.query, temperature),
    ),
)

lesson.say("gradient")
row, column = controls.output_cell(tokens, intact.output.shape[1], link.query)
gradients = cached.output_gradients(sentence, speaker.id, block, head, row, column)
figure(
    "attention-gradient",
    f"What would move column {column + 1} of {quoted(tokens[row])}?",
    figures.look_for_gradient(gradients, intact.weights.numpy(), tokens, row),
    lambda: matrix_view(
        matrices.gradient_matrices(gradients, tokens, colors), colors=colors, key="gradient"
    ),
    lambda: matrix_table(gradients["v"], tokens),
    "Gradients of one output number with respect to Q, K and V.",
)
lesson.code(output_gradients)

lesson.say("compare")
second = compare.second_sentence()
settings = compare.settings(
    lambda reading: (controls.mask(speaker.causal, reading), controls.scaled(reading))
)
shared = cached.shared(sentence, second, speaker.id, block, head, settings) if second else None
if shared:
    figure(
        "attention-scores",
        f"Which scores of head {name} differ in the second sentence?",
        look_for_difference(*shared.scores, shared.tokens, shared.allowed.all(axis=0), "score"),
        head_comparison(*shared.scores, shared.tokens, shared.allowed, TWO, theme, "scores"),
        lambda: comparison_table(*shared.scores, shared.tokens, shared.allowed.all(axis=0), TWO),
        f"Scores of head {name} among shared tokens: both sentences, and the difference.",
    )
elif second:
    compare.nothing_shared()
lesson.code(shared_tokens)

if speaker == model.MINILM:
    lesson.snippet(
        SENTENCE=sentence,
        BLOCK=block + 1,
        HEAD=head + 1,
        QUERY=link.query + 1,
        CAUSAL=mask == "causal",
    )
lesson.next()
