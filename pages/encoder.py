"""The encoder: what each block does to a vector, and why blocks can be stacked."""

import streamlit as st

from core.alignment import shared_tokens
from core.deep_stack import StackLearner, watch_stack, wire
from core.encoder import EncoderBlock
from core.residual_stream import (
    compare_streams,
    follow_unit,
    mean_token_cosine,
    read_out,
    sentence_cosines,
    stream,
    vector_statistics,
    vectors_without_word,
)
from pages.ui import bar, compare
from pages.ui.answers import encoder as answers
from pages.ui.cached import encoder as cached
from pages.ui.cached import model
from pages.ui.controls import encoder as controls
from pages.ui.controls.cell import Axis, counted
from pages.ui.figure import figure
from pages.ui.figures import embeddings as words
from pages.ui.figures import encoder as figures
from pages.ui.lesson import Lesson
from pages.ui.text import quoted
from pages.ui.training import live_training

lesson = Lesson("encoder")
sentence = bar.sentence()
theme = bar.theme()

lesson.say("stream")
tokens = model.reading(sentence).tokens
token = controls.followed_token(model.reading(sentence))
name = quoted(tokens[token])
way = cached.stream(sentence)
by_measure = dict(
    zip(controls.MEASURES, (way.cosine_to_start, way.cosine_to_end, way.norm), strict=True)
)


@st.fragment
def follow() -> None:
    """Draw one measure of every vector, block by block."""
    measure = controls.measure()
    figure(
        "encoder-stream",
        f"What happens to {name} on its way?",
        figures.look_for_stream(way.norm, way.cosine_to_start, tokens, token),
        figures.stream_lines(by_measure[measure], tokens, token, measure, theme),
        lambda: figures.table_by_depth(tokens, by_measure),
        f"Lines over the blocks, one per token: {measure}; one line is highlighted.",
    )


follow()
lesson.code(stream)

lesson.say("block")
attention, feed_forward = way.attention_share[:, token], way.feed_forward_share[:, token]
figure(
    "encoder-shares",
    f"What do the two parts add to {name}?",
    figures.look_for_shares(attention, feed_forward, tokens[token]),
    figures.share_bars(attention, feed_forward, theme),
    lambda: figures.share_table(attention, feed_forward),
    "Two bars per block: the length of what attention and the feed-forward layer add.",
)
lesson.numbers(
    lambda part, block: figures.share_arithmetic(
        *cached.additions(sentence, block, token)[part], tokens[token], block, part
    ),
    Axis("added_by", "Added by", ("attention", "feed-forward layer")),
    Axis("added_in", "In block", counted(bar.N_BLOCKS), int(attention.argmax())),
)


@st.fragment
def stages() -> None:
    """Draw the vectors at the five stages of one block."""
    block = controls.block("enc_block", 1)
    found = cached.stages(sentence, block)
    figure(
        "encoder-stages",
        f"What does normalisation change in block {block + 1}?",
        figures.look_for_stages(found.spread, block),
        figures.stage_points(found.spread, tokens, theme),
        lambda: figures.stage_table(*found, tokens),
        "Five marks per token on a logarithmic scale, one for each stage of the block.",
    )
    lesson.numbers(
        lambda entry: figures.norm_arithmetic(
            *cached.normalised_entry(sentence, block, token, entry),
            entry=entry,
            token=tokens[token],
        ),
        Axis(
            "enc_entry",
            "Dimension",
            counted(controls.D_MODEL),
            cached.largest_entry(sentence, block, token),
        ),
    )


stages()
lesson.code(EncoderBlock.forward, vector_statistics)

lesson.say("units")


@st.fragment
def units() -> None:
    """Draw the units of one block, and what one of them answers to."""
    block, unit = controls.unit()
    activations = cached.activations(sentence, block)
    figure(
        "encoder-units",
        f"Which units of block {block + 1} fire for your words?",
        figures.look_for_units(activations, tokens, token),
        figures.unit_heatmap(activations, tokens, theme),
        lambda: figures.unit_table(activations, tokens),
        f"Heat map of tokens by the {figures.SHOWN_UNITS} strongest units: few cells are coloured.",
        lesson.predict("firing", answers.firing(activations, tokens, token)),
    )
    found = cached.unit(block, unit)
    figure(
        "encoder-unit",
        f"What does unit {unit} of block {block + 1} answer to?",
        figures.look_for_unit(*found),
        figures.ranked_bars(found.tokens, found.activations, "activation", "feed_forward", theme),
        lambda: figures.ranking_table(found.tokens, found.activations, found.sentences),
        "Bars for the tokens of the sample sentences that excite this unit most.",
    )


units()
lesson.code(follow_unit)

lesson.say("depth")
distance = cached.travel(sentence, token)
figure(
    "encoder-travel",
    f"How far does {name} travel?",
    figures.look_for_travel(distance, tokens, token),
    figures.distance_heatmap(distance, tokens, theme),
    lambda: figures.table_by_depth(tokens, {"change": distance}),
    "Heat map of depth by token: at the start only one column is coloured, then all of them.",
    lesson.predict("reach", answers.reach(distance, tokens, token)),
)


@st.fragment
def depth() -> None:
    """Read the followed token after some block."""
    place = controls.depth()
    read = cached.read_out(sentence, token)
    near, cosines = read.tokens[place], read.cosines[place]
    figure(
        "encoder-neighbours",
        f"What does {name} look like there?",
        figures.look_for_neighbours(near, cosines, tokens[token], read.own_rank[place], place),
        figures.ranked_bars(near, cosines, "cosine", "output", theme),
        lambda: words.neighbour_table(near, cosines),
        "Bars with the cosines of the nearest rows of the input table.",
    )


depth()
lesson.code(vectors_without_word, read_out)

lesson.say("break")


@st.fragment
def take_away() -> None:
    """Compare the intact model with one that misses a part."""
    part = controls.missing_part()
    found = cached.broken(sentence, part)
    figure(
        "encoder-break",
        f"What becomes of the tokens without {part}?",
        figures.look_for_break(found.intact_likeness, found.likeness, found.norm, found.cosine),
        figures.break_lines(found.intact_likeness, found.likeness, theme),
        lambda: figures.break_table(found.intact_likeness, found.likeness, found.distance),
        "Two lines over the blocks: how alike the tokens are, intact and broken.",
        lesson.predict(*answers.without(part, found.intact_likeness, found.likeness)),
    )
    figure(
        "encoder-difference",
        "Where does the broken run leave the intact one?",
        figures.look_for_difference(found.distance, tokens),
        figures.distance_heatmap(found.distance, tokens, theme),
        lambda: figures.table_by_depth(tokens, {"change": found.distance}),
        "Heat map of depth by token: the deeper, the farther from the intact vector.",
    )


take_away()
lesson.code(compare_streams, mean_token_cosine)

lesson.say("stack")


@st.fragment
def deep() -> None:
    """Draw gradients and likeness of tokens in fresh stacks."""
    n_blocks, wirings = controls.stack()
    gradients, likeness = cached.stacks(wirings, n_blocks)
    figure(
        "encoder-gradients",
        f"How much of the gradient comes back through {n_blocks} blocks?",
        figures.look_for_stack(gradients),
        figures.stack_lines(gradients, "gradient at this depth", True, theme),
        lambda: figures.stack_table(gradients, likeness),
        "Lines over the blocks on a logarithmic scale, one per wiring, with the band of 8 seeds.",
        lesson.predict("gradient", answers.gradient(gradients)),
    )
    figure(
        "encoder-likeness",
        "Are the tokens still several?",
        figures.look_for_collapse(likeness),
        figures.stack_lines(likeness, "cosine between the tokens", False, theme),
        lambda: figures.stack_table(gradients, likeness),
        "Lines over the blocks from 0 to 1, one per wiring: at 1 all tokens are the same vector.",
    )


deep()
lesson.code(wire, watch_stack)

lesson.say("train")


@st.fragment
def learn() -> None:
    """Train stacks of all wirings at once, while the learner watches."""
    live_training(
        "encoder-train",
        controls.training(),
        "Who learns to name the symbol before?",
        "Four pictures that grow with every update: accuracy, likeness of the tokens, the gradient "
        "by depth, and loss; one thin line for each stack.",
        theme,
    )


learn()
lesson.code(StackLearner.update)

lesson.say("compare")
second = compare.second_sentence()
parts = compare.settings(controls.left_away)
if second:
    by_depth = cached.similarity(sentence, second, *parts)
    figure(
        "encoder-similarity",
        "How alike are the two sentences, read after each block?",
        figures.look_for_similarity(by_depth),
        figures.similarity_line(by_depth, theme),
        lambda: figures.similarity_table(by_depth),
        "A line over the blocks: the cosine of the two sentences.",
    )
    shared = cached.shared(sentence, second, *parts)
    if shared:
        figure(
            "encoder-compare",
            "Does a token turn alike in both sentences?",
            figures.look_for_shared(shared.first, shared.second, shared.tokens),
            figures.shared_heatmaps(shared.first, shared.second, shared.tokens, theme),
            lambda: figures.shared_table(shared.first, shared.second, shared.tokens),
            "Heat maps of token by block: cosine to the start in each sentence; the difference.",
        )
    else:
        compare.nothing_shared()
lesson.code(sentence_cosines, shared_tokens)

lesson.snippet(SENTENCE=sentence)
lesson.next()
