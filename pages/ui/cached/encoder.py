"""Cached calls of the lesson on the encoder. Keys are text and small numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.ui.cached.model import AT_ONCE, common_tokens, encoder, encoder_trace, reader
from pages.ui.cached.texts import sample_sentences

if TYPE_CHECKING:
    from core.deep_stack import Stack
    from core.encoder import EncoderTrace


class Stream(NamedTuple):
    """`core.residual_stream.StreamTrace` as arrays: (depth, token), shares (block, token)."""

    norm: np.ndarray
    attention_share: np.ndarray
    feed_forward_share: np.ndarray
    cosine_to_start: np.ndarray
    cosine_to_end: np.ndarray


PARTS = ("skip connections", "normalisation", "attention", "feed-forward")


def trace_without(part: str, text: str) -> EncoderTrace:
    """Read a text without one of `PARTS`, and do not keep that reading; intact without a name."""
    if not part:
        return encoder_trace(text)
    from core.encoder import Ablation
    from core.residual_stream import all_heads

    ablations = {
        "skip connections": Ablation(residual=False),
        "normalisation": Ablation(norm=False),
        "attention": Ablation(heads=all_heads(encoder().config)),
        "feed-forward": Ablation(feed_forward=False),
    }
    with AT_ONCE:
        return encoder().trace(text, ablations[part])


@st.cache_resource(max_entries=256, show_spinner=False)
def stream(text: str, without: str = "") -> Stream:
    """Follow each token's vector through the blocks."""
    from core import residual_stream

    found = residual_stream.stream(trace_without(without, text))
    return Stream(
        found.norm.numpy(),
        found.attention_share.numpy(),
        found.feed_forward_share.numpy(),
        found.cosine_to_start.numpy(),
        found.cosine_to_end.numpy(),
    )


class Stages(NamedTuple):
    """What a normalisation looks at, at the five stages of a block: (stage, token)."""

    norm: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


def stages(text: str, block: int) -> Stages:
    """Measure each token before and after both normalisations of a block."""
    from core.residual_stream import block_statistics

    found = block_statistics(encoder_trace(text).blocks[block])
    return Stages(found.norm.numpy(), found.mean.numpy(), found.spread.numpy())


class Addition(NamedTuple):
    """The length of what one part of a block adds to a token, and of what it is added to."""

    added: float
    before: float


def additions(text: str, block: int, token: int) -> tuple[Addition, Addition]:
    """Measure what attention adds to a token in one block, and what the feed-forward layer does."""
    found = encoder_trace(text).blocks[block]
    pairs = (
        (found.attention_update, found.input),
        (found.feed_forward_update, found.attention_output),
    )
    first, second = (
        Addition(added[token].norm().item(), before[token].norm().item()) for added, before in pairs
    )
    return first, second


class NormalisedEntry(NamedTuple):
    """One entry of a vector on its way through the last normalisation of a block."""

    value: float
    mean: float  # of all entries of the vector
    spread: float  # √(their variance + ε)
    weight: float  # γ, learned
    shift: float  # β, learned
    result: float


def largest_entry(text: str, block: int, token: int) -> int:
    """Find the entry of a token's vector that leaves a block largest."""
    return int(encoder_trace(text).blocks[block].output[token].abs().argmax())


def normalised_entry(text: str, block: int, token: int, place: int) -> NormalisedEntry:
    """Follow one entry of a token's vector through the last normalisation of a block."""
    model = encoder()
    norm, found = model.blocks[block].feed_forward_norm, encoder_trace(text).blocks[block]
    vector, result = found.feed_forward_sum[token], found.output[token]
    spread = (vector.var(correction=0) + model.config.norm_eps).sqrt()
    numbers = (vector[place], vector.mean(), spread, norm.weight[place], norm.bias[place])
    return NormalisedEntry(*(number.item() for number in (*numbers, result[place])))


# Units


def activations(text: str, block: int) -> np.ndarray:
    """Give what every unit of a feed-forward layer answers: (token, unit)."""
    return encoder_trace(text).blocks[block].activations.numpy()


@st.cache_resource(show_spinner="Reading the sample sentences")
def sample_traces() -> tuple[EncoderTrace, ...]:
    """Read all sample sentences; kept apart, so that no learner's sentence has to make room."""
    with AT_ONCE:
        return tuple(encoder().trace(text) for text in sample_sentences())


class Unit(NamedTuple):
    """The tokens of the sample sentences that excite one unit most, most active first."""

    tokens: tuple[str, ...]
    activations: np.ndarray
    sentences: tuple[str, ...]
    firing_share: float  # of all tokens


N_TOKENS = 12


@st.cache_resource(max_entries=1_000, show_spinner=False)
def unit(block: int, number: int) -> Unit:
    """Find what excites a unit of a block."""
    from core.residual_stream import follow_unit

    traces, texts = sample_traces(), list(sample_sentences())
    found = follow_unit(traces, block, number, N_TOKENS)
    return Unit(
        tuple(traces[token.text].tokens[token.place] for token in found.most_active),
        np.array([token.activation for token in found.most_active]),
        tuple(texts[token.text] for token in found.most_active),
        found.firing_share,
    )


# Depth


class Read(NamedTuple):
    """The nearest rows of the input table at every depth, and where a token's own row stands."""

    tokens: tuple[tuple[str, ...], ...]  # by depth, nearest first
    cosines: np.ndarray  # (depth, row)
    own_rank: tuple[int, ...]


N_ROWS = 8


@st.cache_resource(max_entries=256, show_spinner=False)
def read_out(text: str, token: int) -> Read:
    """Read a token's vector after every block with the input table."""
    from core import residual_stream

    with AT_ONCE:
        found = residual_stream.read_out(encoder(), encoder_trace(text), token, N_ROWS)
    name = reader().tokenizer.id_to_token
    return Read(
        tuple(tuple(map(name, rows)) for rows in found.token_ids.tolist()),
        found.cosines.numpy(),
        tuple(found.own_rank.tolist()),
    )


class Shared(NamedTuple):
    """The tokens that two sentences share, and the cosine of each to its start: (depth, token)."""

    tokens: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray


def shared(
    first: str, second: str, first_without: str = "", second_without: str = ""
) -> Shared | None:
    """Follow the tokens that two sentences share through both of them, each without some part."""
    common = common_tokens(first, second)
    return common and Shared(
        common.tokens,
        stream(first, first_without).cosine_to_start[:, common.first],
        stream(second, second_without).cosine_to_start[:, common.second],
    )


@st.cache_resource(max_entries=256, show_spinner=False)
def similarity(first: str, second: str, first_without: str, second_without: str) -> np.ndarray:
    """Compare two sentences as read at every depth, each without some part."""
    from core.residual_stream import sentence_cosines

    return sentence_cosines(
        trace_without(first_without, first), trace_without(second_without, second)
    ).numpy()


@st.cache_resource(max_entries=256, show_spinner=False)
def travel(text: str, token: int) -> np.ndarray:
    """Leave one word out and measure how far every vector moves: (depth, token)."""
    from core.positional_encoding import vectors_by_depth
    from core.residual_stream import compare_streams, vectors_without_word

    trace = encoder_trace(text)
    with AT_ONCE:
        without = vectors_without_word(encoder(), trace, token)
    return compare_streams(vectors_by_depth(trace), without).distance.numpy()


# Something taken away


class Broken(NamedTuple):
    """A run that misses a part, beside the intact one."""

    intact_likeness: np.ndarray  # mean cosine between the tokens: (depth,)
    likeness: np.ndarray
    norm: np.ndarray  # (depth, token)
    distance: np.ndarray  # from the intact vectors, likewise
    cosine: np.ndarray


@st.cache_resource(max_entries=256, show_spinner=False)
def broken(text: str, part: str) -> Broken:
    """Measure what becomes of a text that is read with one of `PARTS` taken away."""
    from core.positional_encoding import vectors_by_depth
    from core.residual_stream import compare_streams, mean_token_cosine

    changed = vectors_by_depth(trace_without(part, text))
    intact = vectors_by_depth(encoder_trace(text))
    difference = compare_streams(intact, changed)
    return Broken(
        mean_token_cosine(intact).numpy(),
        mean_token_cosine(changed).numpy(),
        changed.norm(dim=-1).numpy(),
        difference.distance.numpy(),
        difference.cosine.numpy(),
    )


# Deep stacks

MOST_BLOCKS = 48


@st.cache_resource(show_spinner=False)
def deepest_stack() -> Stack:
    """Draw the deepest stack, 75 MB; shallower ones are its first blocks."""
    import torch

    from core.deep_stack import draw_stack

    return draw_stack(MOST_BLOCKS, torch.Generator().manual_seed(0))


class StackCurves(NamedTuple):
    """What passes through fresh stacks of one wiring: (depth, seed)."""

    log_grad_norm: np.ndarray
    token_cosine: np.ndarray


@st.cache_resource(max_entries=256, show_spinner=False)
def stack(wiring: str, n_blocks: int) -> StackCurves:
    """Send a batch through the first blocks of the deepest stack, wired in one way, and back."""
    from core.deep_stack import WIRINGS, watch_stack

    with AT_ONCE:
        deepest = deepest_stack()
        shallower = replace(deepest, blocks=deepest.blocks[:n_blocks])
        found = watch_stack(shallower, WIRINGS[wiring])
    return StackCurves(found.log_grad_norm.numpy(), found.token_cosine.numpy())


def stacks(
    wirings: list[str], n_blocks: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Give the gradients of several wirings, and the likeness of their tokens: (depth, seed)."""
    found = {wiring: stack(wiring, n_blocks) for wiring in wirings}
    return (
        {wiring: curves.log_grad_norm for wiring, curves in found.items()},
        {wiring: curves.token_cosine for wiring, curves in found.items()},
    )
