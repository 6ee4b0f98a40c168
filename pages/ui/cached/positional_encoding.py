"""Cached calls of the lesson on positional encoding. Keys are text and small numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.ui.cached.model import AT_ONCE, encoder, encoder_trace, reader, reading

if TYPE_CHECKING:
    from torch import Tensor


N_POSITIONS = 128  # as many as the model reads


class WordOrders(NamedTuple):
    """How far apart two orders of the same words are: (with positions, without; stage)."""

    token_distance: np.ndarray
    mean_cosine: np.ndarray
    mean_difference: np.ndarray


@st.cache_resource(max_entries=256, show_spinner=False)
def word_orders(first: str, second: str) -> WordOrders | None:
    """Compare two orders of the same words, with and without positions.

    None if the words are cut into other tokens in the other order.
    """
    from core.encoder import Ablation
    from core.positional_encoding import compare_word_orders

    if sorted(reading(first).tokens) != sorted(reading(second).tokens):
        return None
    both = [
        compare_word_orders(encoder_trace(first, ablation), encoder_trace(second, ablation))
        for ablation in (None, Ablation(positions=False))
    ]
    return WordOrders(
        np.stack([orders.token_distance.numpy() for orders in both]),
        np.stack([orders.mean_cosine.numpy() for orders in both]),
        np.stack([orders.mean_difference.numpy() for orders in both]),
    )


@st.cache_resource(max_entries=512, show_spinner=False)
def shuffled(text: str, seed: int) -> tuple[str, str]:
    """Give the part of a text that the model reads, and the same words in another order."""
    import torch

    from core.positional_encoding import shuffle_words

    read = text[: max(end for _, end in reading(text).offsets)]
    return read, shuffle_words(read, torch.Generator().manual_seed(seed))


@st.cache_resource(max_entries=64, show_spinner=False)
def sinusoidal_encoding(length: int, d_model: int, base: float) -> np.ndarray:
    """Write positions as sines and cosines: (position, dimension)."""
    from core import positional_encoding

    return positional_encoding.sinusoidal_encoding(length, d_model, base).numpy()


@st.cache_resource(max_entries=64, show_spinner=False)
def wavelengths(d_model: int, base: float) -> np.ndarray:
    """Measure after how many tokens each pair of dimensions starts again."""
    from core import positional_encoding

    return positional_encoding.wavelengths(d_model, base).numpy()


Profile = tuple[np.ndarray, np.ndarray, np.ndarray]  # mean, lowest, highest at distance 0, 1, 2 …


def _profile(vectors: Tensor) -> Profile:
    from core.positional_encoding import distance_profile

    profile = distance_profile(vectors @ vectors.T)
    ahead = profile.distances >= 0
    return tuple(part[ahead].numpy() for part in (profile.mean, profile.lowest, profile.highest))


@st.cache_resource(show_spinner=False)
def sinusoidal_products() -> Profile:
    """Multiply all pairs of sinusoidal positions as wide as the model's, by distance."""
    from core.positional_encoding import sinusoidal_encoding

    return _profile(sinusoidal_encoding(N_POSITIONS, encoder().config.d_model))


class Rotation(NamedTuple):
    """Some pairs of dimensions at a position, turned, and where they should arrive: (pair, 2)."""

    start: np.ndarray
    turned: np.ndarray
    target: np.ndarray
    wavelengths: np.ndarray
    error: float  # the largest, over all positions and dimensions
    n_entries: int


@st.cache_resource(max_entries=256, show_spinner=False)
def rotation(position: int, offset: int) -> Rotation:
    """Move all positions on by one rotation, and show eight pairs of dimensions of one."""
    from core import positional_encoding

    d_model = encoder().config.d_model
    rows = positional_encoding.sinusoidal_encoding(N_POSITIONS + offset, d_model)
    turned = rows[:N_POSITIONS] @ positional_encoding.relative_rotation(offset, d_model)
    pairs = slice(0, 128, 16)
    start, arrived, target = (
        row.unflatten(-1, (-1, 2))[pairs].numpy()
        for row in (rows[position], turned[position], rows[position + offset])
    )
    return Rotation(
        start,
        arrived,
        target,
        positional_encoding.wavelengths(d_model)[pairs].numpy(),
        (turned - rows[offset:]).abs().max().item(),
        turned.numel(),
    )


@st.cache_resource(show_spinner=False)
def learned_positions() -> np.ndarray:
    """Take the rows of the model's own table of positions: (position, d_model)."""
    return encoder().embeddings.position[:N_POSITIONS].numpy()


@st.cache_resource(show_spinner=False)
def position_cosines() -> dict[str, Profile]:
    """Compare all pairs of positions by distance, in the learned table and in the waves.

    Row 0, which only [CLS] ever gets, is left out of the learned table.
    """
    from torch.nn.functional import normalize

    from core.positional_encoding import sinusoidal_encoding

    model = encoder()
    return {
        "learned": _profile(normalize(model.embeddings.position[1 : N_POSITIONS + 1], dim=-1)),
        "waves": _profile(
            normalize(sinusoidal_encoding(N_POSITIONS, model.config.d_model), dim=-1)
        ),
    }


class RelativeScores(NamedTuple):
    """What encodings of the distance do to a score, for each distance from 0."""

    rotary: np.ndarray  # of a query that meets its equal, 1 at distance 0
    spread: float  # the largest difference between two places at the same distance
    slopes: np.ndarray  # of ALiBi's heads


@st.cache_resource(show_spinner=False)
def relative_scores() -> RelativeScores:
    """Compute rotary scores for heads as wide as the model's, and the slopes of ALiBi's 8 heads."""
    import torch

    from core.positional_encoding import alibi_slopes, rotary_scores, rotate

    config = encoder().config
    d_k = config.d_model // config.n_heads
    query = torch.full((d_k,), d_k**-0.5)
    positions = torch.arange(N_POSITIONS)
    _, lowest, highest = _profile(rotate(query.expand(N_POSITIONS, -1), positions))
    return RelativeScores(
        rotary_scores(query, query, positions).numpy(),
        float((highest - lowest).max()),
        alibi_slopes(8).numpy(),
    )


class Exchange(NamedTuple):
    """One token replaced by [MASK], and what that changes of what is added to every token."""

    place: int
    position: np.ndarray
    attention: np.ndarray


@st.cache_resource(max_entries=256, show_spinner=False)
def exchange(text: str) -> Exchange:
    """Replace the last word that is one token by [MASK], and see what changes for the others."""
    from core.positional_encoding import exchange_token

    tokens = reading(text).tokens
    words = [
        place
        for place, (token, following) in enumerate(pairwise(tokens))
        if token.isalnum() and not following.startswith("##")
    ]
    others = [place for place, token in enumerate(tokens[:-1]) if token != "[MASK]"]
    place = (words or others)[-1]
    mask = reader().tokenizer.token_to_id("[MASK]")
    with AT_ONCE:
        changed = exchange_token(encoder(), encoder_trace(text), place, mask)
    return Exchange(place, changed.position.numpy(), changed.attention.numpy())


class ReadBack(NamedTuple):
    """Words and positions found again in their sums: cosine with the own row, and with another."""

    word: np.ndarray
    other_word: np.ndarray
    position: np.ndarray
    other_position: np.ndarray
    other_tokens: tuple[str, ...]  # whose rows are the nearest of all others


@st.cache_resource(max_entries=64, show_spinner=False)
def read_back(text: str) -> ReadBack:
    """Look for the word and the position of every token in the sum of the two."""
    import torch

    from core import embeddings

    trace, tables = encoder_trace(text), encoder().embeddings
    token_ids, places = torch.tensor(trace.token_ids), torch.arange(len(trace.tokens))
    with AT_ONCE:
        words = embeddings.read_back(trace.embeddings.sum, tables.token, token_ids)
        positions = embeddings.read_back(trace.embeddings.sum, tables.position, places)
    name = reader().tokenizer.id_to_token
    return ReadBack(
        words.own.numpy(),
        words.other.numpy(),
        positions.own.numpy(),
        positions.other.numpy(),
        tuple(map(name, words.other_row.tolist())),
    )


def sum_and_rows(text: str, place: int) -> np.ndarray:
    """Give the sum that one token becomes, its word's row and its position's: (3, d_model)."""
    trace = encoder_trace(text).embeddings
    return np.stack([part[place].numpy() for part in (trace.sum, trace.token, trace.position)])


class PositionEffects(NamedTuple):
    """How far each token that two texts share moves without positions: (token, stage)."""

    tokens: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray


def position_effects(first: str, second: str) -> PositionEffects | None:
    """Switch the positions off in two texts, and compare what that does to the same tokens.

    None if the texts share no token but those that are added to every text.
    """
    from core.alignment import shared_tokens
    from core.encoder import Ablation
    from core.positional_encoding import distances_by_depth

    tokens = [reading(text).tokens for text in (first, second)]
    shared = shared_tokens(*tokens)
    if len(shared) < 3:
        return None
    effects = [
        distances_by_depth(encoder_trace(text), encoder_trace(text, Ablation(positions=False)))
        for text in (first, second)
    ]
    return PositionEffects(
        tuple(tokens[0][place] for place, _ in shared),
        *(
            effect.T[list(places)].numpy()
            for effect, places in zip(effects, zip(*shared, strict=True), strict=True)
        ),
    )


def embedding_norms(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Measure how long each token's row is, and how long the row of its position."""
    trace = encoder_trace(text).embeddings
    return trace.token.norm(dim=-1).numpy(), trace.position.norm(dim=-1).numpy()
