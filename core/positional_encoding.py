"""How a model that sees all words at once is told their order, and what it misses without.

Sources: Vaswani et al. (2017), section 3.5 (sinusoidal); Su et al. (2021), "RoFormer", section 3.2
(rotary); Press et al. (2022), "Train Short, Test Long", section 3 (ALiBi).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from core.encoder import Ablation, Encoder, EncoderTrace


@dataclass(frozen=True, eq=False)
class DistanceProfile:
    """What is left of a table of positions x positions when only their distance is kept.

    Where lowest and highest are equal, the distance alone decides.
    """

    distances: Int[Tensor, "distance"]  # column − row, in tokens
    mean: Float[Tensor, "distance"]
    lowest: Float[Tensor, "distance"]
    highest: Float[Tensor, "distance"]


@dataclass(frozen=True, eq=False)
class WordOrderTrace:
    """How far apart two orders of the same words are, after each block (0: the embeddings)."""

    token_distance: Float[Tensor, "depth"]  # between the two vectors of one token, the largest
    mean_cosine: Float[Tensor, "depth"]  # of the two sentence vectors (mean over the tokens)
    mean_difference: Float[Tensor, "depth"]  # largest difference in one of their dimensions


@dataclass(frozen=True, eq=False)
class Additions:
    """How much of what is added to each token changes with a word elsewhere, in shares of it."""

    position: Float[Tensor, "seq"]  # the vector of its place
    attention: Float[Tensor, "seq"]  # what attention adds in the first block


def sinusoidal_encoding(
    length: int, d_model: int, base: float = 10000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "length d_model"]:
    """Write each position as sines and cosines of different wavelengths.

    PE(pos, 2i) = sin(pos / base^(2i/d_model)), PE(pos, 2i+1) = cos(the same) (section 3.5).

    Args:
        length: Number of positions, counted from 0.
        d_model: Width of the vectors the encoding is added to.
        base: The longest wavelength is nearly 2π·base tokens.
        dtype: Of the result; the angles are computed in float64.

    Returns:
        One row per position, every value between -1 and 1.

    Raises:
        ValueError: If `d_model` is odd, `length` < 1 or `base` ≤ 1.
    """
    if length < 1:
        raise ValueError(f"{length=} is below 1; there is no position to encode")
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies(d_model, base)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2).to(dtype)


def frequencies(d_model: int, base: float = 10000.0) -> Float[Tensor, "pair"]:
    """Compute the angle by which each pair of dimensions turns from one token to the next.

    ω_i = base^(−2i/d_model), in radians per token (Vaswani, section 3.5; Su, equation 15).

    Raises:
        ValueError: If `d_model` is odd or below 2, or `base` ≤ 1.
    """
    if d_model < 2 or d_model % 2:
        raise ValueError(f"{d_model=} is not an even number above 0; a sine goes with a cosine")
    if not base > 1:
        raise ValueError(f"{base=} is not above 1; wavelengths would not grow")
    return base ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)


def wavelengths(d_model: int, base: float = 10000.0) -> Float[Tensor, "pair"]:
    """Compute after how many tokens each pair of dimensions starts again: 2π / ω_i."""
    return 2 * torch.pi / frequencies(d_model, base)


def relative_rotation(
    offset: int, d_model: int, base: float = 10000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "d_model d_model"]:
    """Build the one matrix that moves every position by the same offset.

    PE(pos + offset) = PE(pos) M, with rows as in `sinusoidal_encoding`. M turns each pair
    (sin, cos) by the angle offset·ω_i and does not depend on pos: "for any fixed offset k,
    PE_{pos+k} can be represented as a linear function of PE_pos" (section 3.5).

    Args:
        offset: In tokens; negative moves back.
        d_model: Width of the encoding.
        base: As in `sinusoidal_encoding`.
        dtype: Of the result; the angles are computed in float64.
    """
    angles = offset * frequencies(d_model, base)
    sin, cos = angles.sin(), angles.cos()
    turns = torch.stack([cos, -sin, sin, cos], dim=-1).unflatten(-1, (2, 2))
    return torch.block_diag(*turns).to(dtype)


def distance_profile(products: Float[Tensor, "position position"]) -> DistanceProfile:
    """Gather a table of positions x positions by distance, from −(n − 1) to n − 1 tokens."""
    positions = torch.arange(len(products), device=products.device)
    diagonal = (positions - positions[:, None] + len(products) - 1).flatten()
    empty = products.new_zeros(2 * len(products) - 1)
    mean, lowest, highest = (
        empty.scatter_reduce(0, diagonal, products.flatten(), how, include_self=False)
        for how in ("mean", "amin", "amax")
    )
    distances = torch.arange(1 - len(products), len(products), device=products.device)
    return DistanceProfile(distances, mean, lowest, highest)


def rotate(
    x: Float[Tensor, "*batch seq d_k"],
    positions: Int[Tensor, "seq"],
    base: float = 10000.0,
) -> Float[Tensor, "*batch seq d_k"]:
    """Turn each pair of dimensions of a query or key by an angle that grows with its position.

    (x_1, x_2) → (x_1 cos mω − x_2 sin mω, x_2 cos mω + x_1 sin mω) for each pair, m the position
    (Su et al., equation 34).
    """
    angles = positions[:, None] * frequencies(x.shape[-1], base).to(x.device)
    sin, cos = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
    first, second = x[..., 0::2], x[..., 1::2]
    turned = torch.stack([first * cos - second * sin, second * cos + first * sin], dim=-1)
    return turned.flatten(-2)


def rotary_scores(
    q: Float[Tensor, "d_k"],
    k: Float[Tensor, "d_k"],
    distances: Int[Tensor, "distance"],
    base: float = 10000.0,
) -> Float[Tensor, "distance"]:
    """Score one query against one key that stands at different distances.

    (R_m q) · (R_n k) = q · (R_{n−m} k): only the distance n − m counts (Su et al., equation 16).

    Args:
        q: The query.
        k: The key.
        distances: Position of the key − position of the query, in tokens.
        base: As in `sinusoidal_encoding`.
    """
    return rotate(k.expand(len(distances), -1), distances, base) @ q


def alibi_slopes(n_heads: int) -> Float[Tensor, "head"]:
    """Choose how steeply each head penalises distance.

    2^(−8/n), 2^(−16/n), … 2^(−8) for n heads. Where n is no power of 2, the slopes for the power
    below it come first, then every other slope for the power above (Press et al., section 3 and
    their published code).

    Raises:
        ValueError: If `n_heads` < 1.
    """
    if n_heads < 1:
        raise ValueError(f"{n_heads=} is below 1")
    below = 2 ** (n_heads.bit_length() - 1)
    exponents = [8 * head / below for head in range(1, below + 1)]
    between = [4 * head / below for head in range(1, 2 * below, 2)]
    return 2.0 ** -torch.tensor((exponents + between)[:n_heads])


def compare_word_orders(first: EncoderTrace, second: EncoderTrace) -> WordOrderTrace:
    """Compare what a model makes of the same words in two orders.

    Each token of one text is matched with the same token of the other (the first *the* with the
    first *the*). Without positions attention treats its input as a set, so that both orders give
    the same vectors, in another order.

    Raises:
        ValueError: If the texts are not made of the same tokens.
    """
    here, there = Counter(first.tokens), Counter(second.tokens)
    if here != there:
        odd = sorted(((here - there) | (there - here)).keys())
        raise ValueError(f"the texts differ in their tokens, not only in the order: {odd}")
    a, b = vectors_by_depth(first), vectors_by_depth(second)
    order_a, order_b = (
        torch.tensor(trace.token_ids, device=a.device).argsort(stable=True)
        for trace in (first, second)
    )
    mean_a, mean_b = a.mean(dim=1), b.mean(dim=1)
    return WordOrderTrace(
        (a[:, order_a] - b[:, order_b]).norm(dim=-1).amax(dim=-1),
        torch.cosine_similarity(mean_a, mean_b, dim=-1),
        (mean_a - mean_b).abs().amax(dim=-1),
    )


@torch.inference_mode()
def exchange_token(encoder: Encoder, trace: EncoderTrace, place: int, token_id: int) -> Additions:
    """Read a text with another token at one place, and see what changes for all tokens.

    Args:
        encoder: The model that made the trace.
        trace: The text as it was read, with positions.
        place: Where the token is exchanged, counted from 0.
        token_id: The token that stands there instead.

    Returns:
        ‖new − old‖ / ‖old‖ of the vector of each position and of what attention adds.

    Raises:
        ValueError: If the text has no such place.
    """
    if not 0 <= place < len(trace.tokens):
        raise ValueError(f"{place=} is outside the {len(trace.tokens)} tokens of the text")
    old, old_update = trace.embeddings, trace.blocks[0].attention_update
    token_ids = torch.tensor(trace.token_ids, device=old.output.device)
    token_ids[place] = token_id
    new = encoder.embeddings(token_ids, torch.arange(len(token_ids), device=token_ids.device))
    new_update = encoder.blocks[0](new.output, Ablation()).attention_update
    return Additions(
        (new.position - old.position).norm(dim=-1) / old.position.norm(dim=-1),
        (new_update - old_update).norm(dim=-1) / old_update.norm(dim=-1),
    )


def distances_by_depth(first: EncoderTrace, second: EncoderTrace) -> Float[Tensor, "depth seq"]:
    """Measure how far two readings of the same tokens are apart, token by token."""
    return (vectors_by_depth(first) - vectors_by_depth(second)).norm(dim=-1)


def vectors_by_depth(trace: EncoderTrace) -> Float[Tensor, "depth seq d_model"]:
    """Stack the vectors of all tokens: after the embeddings, then after each block."""
    return torch.stack([trace.embeddings.output, *(block.output for block in trace.blocks)])


def shuffle_words(text: str, generator: Generator) -> str:
    """Put the words of a text in another order; the punctuation at its end stays there.

    Words are what stands between spaces. A text whose words can be ordered in one way only comes
    back as it is.

    Args:
        text: Anything.
        generator: Decides the order; the same state gives the same order.
    """
    sentence = text.rstrip()
    body = sentence
    while body and unicodedata.category(body[-1]).startswith("P"):
        body = body[:-1]
    ending = sentence[len(body) :]
    words = body.split()
    shuffled = words
    while shuffled == words and len(set(words)) > 1:
        order = torch.randperm(len(words), generator=generator, device=generator.device)
        shuffled = [words[place] for place in order.tolist()]
    return " ".join(shuffled) + ending
