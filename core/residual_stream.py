"""What each token's vector goes through from block to block, and how to read it on the way.

Sources: Vaswani et al. (2017), section 3.1 (each part of a block adds to what came in); Elhage et
al. (2021), "A Mathematical Framework for Transformer Circuits" (the residual stream);
nostalgebraist (2020), "Interpreting GPT: the logit lens" (reading vectors between the blocks with
the vocabulary); Geva et al. (2021), "Transformer Feed-Forward Layers Are Key-Value Memories" (units
and the texts that excite them); Dong et al. (2021), "Attention is Not All You Need" (tokens that
become one). Depth 0 is what enters the first block, depth n what leaves the n-th.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from core.attribution import check_token
from core.embeddings import cosine_similarity
from core.encoder import BlockTrace, Encoder, EncoderConfig, EncoderTrace
from core.positional_encoding import vectors_by_depth
from core.sentence_meaning import sentence_vector


@dataclass(frozen=True, eq=False)
class StreamTrace:
    """The way of each token's vector through the blocks."""

    norm: Float[Tensor, "depth seq"]
    attention_share: Float[Tensor, "block seq"]  # ‖what attention adds‖ ÷ ‖what it is added to‖
    feed_forward_share: Float[Tensor, "block seq"]  # likewise
    cosine_to_start: Float[Tensor, "depth seq"]
    cosine_to_end: Float[Tensor, "depth seq"]


@dataclass(frozen=True, eq=False)
class VectorStatistics:
    """What a normalisation looks at, for each vector."""

    norm: Float[Tensor, "*batch"]
    mean: Float[Tensor, "*batch"]  # of its entries
    spread: Float[Tensor, "*batch"]  # their standard deviation


@dataclass(frozen=True, eq=False)
class StreamDifference:
    """How far the vectors of a changed run are from those of the intact one."""

    distance: Float[Tensor, "depth seq"]  # ‖changed − intact‖ ÷ ‖intact‖
    cosine: Float[Tensor, "depth seq"]


@dataclass(frozen=True, eq=False)
class ReadOut:
    """A token's vector at every depth, read with the table of input vectors."""

    token_ids: Int[Tensor, "depth row"]  # nearest first
    cosines: Float[Tensor, "depth row"]
    own_cosine: Float[Tensor, "depth"]  # with the token's own row
    own_rank: Int[Tensor, "depth"]  # so many rows are nearer than its own


class ActiveToken(NamedTuple):
    """A token of some texts, and how strongly a unit answers to it."""

    text: int
    place: int
    activation: float


@dataclass(frozen=True)
class UnitTrace:
    """What a unit of a feed-forward layer answers to."""

    most_active: tuple[ActiveToken, ...]  # most active first
    firing_share: float  # of all tokens


# The stream


def stream(trace: EncoderTrace) -> StreamTrace:
    """Follow each token's vector: how long it is, what is added, where it turns."""
    vectors = vectors_by_depth(trace)
    return StreamTrace(
        vectors.norm(dim=-1),
        torch.stack([relative_norm(block.attention_update, block.input) for block in trace.blocks]),
        torch.stack(
            [
                relative_norm(block.feed_forward_update, block.attention_output)
                for block in trace.blocks
            ]
        ),
        torch.cosine_similarity(vectors, vectors[:1], dim=-1),
        torch.cosine_similarity(vectors, vectors[-1:], dim=-1),
    )


def relative_norm(
    update: Float[Tensor, "*batch d_model"], x: Float[Tensor, "*batch d_model"]
) -> Float[Tensor, "*batch"]:
    """Compare the length of an update with the length of what it is added to: ‖u‖ / ‖x‖."""
    return update.norm(dim=-1) / x.norm(dim=-1).clamp_min(1e-12)


def vector_statistics(x: Float[Tensor, "*batch d_model"]) -> VectorStatistics:
    """Measure what layer normalisation takes away: the mean of the entries, and their spread.

    LayerNorm(x) = γ (x − mean) / √(spread² + ε) + β (Ba et al., 2016, equation 3).
    """
    return VectorStatistics(x.norm(dim=-1), x.mean(dim=-1), x.std(dim=-1, correction=0))


def block_statistics(block: BlockTrace) -> VectorStatistics:
    """Measure each token at the five stages of a block: (stage, seq).

    What comes in, the sum with attention before and after its normalisation, the sum with the
    feed-forward layer before and after its own.
    """
    stages = (
        block.input,
        block.attention_sum,
        block.attention_output,
        block.feed_forward_sum,
        block.output,
    )
    return vector_statistics(torch.stack(stages))


def mean_token_cosine(x: Float[Tensor, "*batch seq d_model"]) -> Float64[Tensor, "*batch"]:
    """Compare all pairs of different tokens: 1 when all point the same way.

    The mean over i ≠ j of cos(x_i, x_j) = (‖Σ_i u_i‖² − n) / (n (n − 1)) with u_i = x_i / ‖x_i‖.

    Raises:
        ValueError: If there are fewer than two tokens.
    """
    n = x.shape[-2]
    if n < 2:
        raise ValueError(f"seq={n} tokens have no pairs; give 2")
    vectors = x.double()  # in which no square of a float32 is 0 or infinite
    directions = vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    return (directions.sum(dim=-2).square().sum(dim=-1) - n) / (n * (n - 1))


# Something taken away


def all_heads(config: EncoderConfig) -> frozenset[tuple[int, int]]:
    """List every head as `Ablation.heads` does; with all of them off no token sees another.

    Attention then adds one vector, its bias, to all tokens alike.
    """
    return frozenset(
        (block, head) for block in range(config.n_layers) for head in range(config.n_heads)
    )


def compare_streams(
    intact: Float[Tensor, "depth seq d_model"], changed: Float[Tensor, "depth seq d_model"]
) -> StreamDifference:
    """Compare two runs over the same tokens, as `vectors_by_depth` gives them."""
    return StreamDifference(
        relative_norm(changed - intact, intact),
        torch.cosine_similarity(changed, intact, dim=-1),
    )


@torch.inference_mode()
def vectors_without_word(
    encoder: Encoder, trace: EncoderTrace, token: int
) -> Float[Tensor, "depth seq d_model"]:
    """Read a text again with one token's word vector left out; its place in the text stays.

    Compared with the intact run it shows how far this word has travelled: at depth 0 only its own
    vector is another, deeper those of all tokens that took something from it.

    Raises:
        ValueError: If the text has no such token.
    """
    check_token(trace, token)
    total = trace.embeddings.sum.clone()
    total[token] -= trace.embeddings.token[token]
    x = encoder.embeddings.norm(total)
    return torch.stack([x, *(block.output for block in encoder.run_blocks(x))])


# Reading on the way


@torch.inference_mode()
def read_out(encoder: Encoder, trace: EncoderTrace, token: int, n_rows: int) -> ReadOut:
    """Find the tokens whose input vectors point most nearly the way of a token's vector.

    The table was trained for what enters the first block. Later vectors live in a space of their
    own, so its answers convince the less, the deeper it is asked.

    Args:
        encoder: The model that made the trace.
        trace: The text as it was read.
        token: Whose vector is read, counted from 0.
        n_rows: How many neighbours.

    Raises:
        ValueError: If the text has no such token.
    """
    check_token(trace, token)
    cosines = cosine_similarity(vectors_by_depth(trace)[:, token], encoder.embeddings.token)
    nearest = cosines.topk(n_rows)
    own = cosines[:, trace.token_ids[token]]
    return ReadOut(nearest.indices, nearest.values, own, (cosines > own[:, None]).sum(dim=-1))


def sentence_cosines(first: EncoderTrace, second: EncoderTrace) -> Float[Tensor, "depth"]:
    """Compare two texts by the mean of their token vectors, as read at every depth."""
    vectors = (sentence_vector(vectors_by_depth(trace)) for trace in (first, second))
    return torch.linalg.vecdot(*vectors)


# Feed-forward units


def firing_share(trace: EncoderTrace) -> Float[Tensor, "block seq"]:
    """Count the units of each feed-forward layer that fire, GELU(x) > 0, as a share of all."""
    return torch.stack([(block.activations > 0).float().mean(dim=-1) for block in trace.blocks])


def follow_unit(traces: Sequence[EncoderTrace], block: int, unit: int, n_tokens: int) -> UnitTrace:
    """Find the tokens that excite one unit most, over several texts; special tokens left out.

    Args:
        traces: The texts as they were read.
        block: Whose feed-forward layer, counted from 0.
        unit: Which of its d_ff units, counted from 0.
        n_tokens: How many tokens.

    Raises:
        ValueError: If there is no such unit, or no token to excite it.
    """
    activations = [unit_activations(trace, block, unit) for trace in traces]
    tokens = [
        ActiveToken(text, place, activation)
        for text, trace in enumerate(traces)
        for place, ((start, end), activation) in enumerate(
            zip(trace.offsets, activations[text].tolist(), strict=True)
        )
        if start < end
    ]
    if not tokens:
        raise ValueError(f"{len(traces)} texts hold no token; give one word")
    tokens.sort(key=lambda token: token.activation, reverse=True)
    n_firing = sum(token.activation > 0 for token in tokens)
    return UnitTrace(tuple(tokens[:n_tokens]), n_firing / len(tokens))


def unit_activations(trace: EncoderTrace, block: int, unit: int) -> Float[Tensor, "seq"]:
    """Give what one unit answers to each token of a text.

    Raises:
        ValueError: If there is no such unit.
    """
    n_blocks, d_ff = len(trace.blocks), trace.blocks[0].activations.shape[-1]
    if not (0 <= block < n_blocks and 0 <= unit < d_ff):
        raise ValueError(f"{block=}, {unit=} is outside {n_blocks} blocks x {d_ff} units")
    return trace.blocks[block].activations[:, unit]
