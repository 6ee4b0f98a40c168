"""Cached calls of the lesson on scaled dot-product attention. Keys are text and small numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.ui.cached.model import AT_ONCE, Speaker, common_tokens, trace

if TYPE_CHECKING:
    from torch import Tensor

    from core.attention import AttentionTrace
    from core.scaling import ScalingTrace, SoftmaxStatistics


MASKS = ("none", "causal", "padding")


Rows = tuple[tuple[float, ...], ...]  # a small matrix that was typed


def mask_for(name: str, length: int) -> Tensor:
    """Make a mask; for padding, as if the last quarter of the text only filled up a batch."""
    from core import attention

    if name == "causal":
        return attention.causal_mask(length)
    return attention.padding_mask(length - length // 4 if name == "padding" else length, length)


def mask_of(attention: AttentionTrace) -> Tensor:
    """Find the mask under which a head has attended."""
    return ~attention.scores.isneginf()


@st.cache_resource(max_entries=64, show_spinner=False)
def head_attention(
    text: str,
    model_id: str,
    block: int,
    head: int,
    mask: str = "none",
    scale: bool = True,
    temperature: float = 1,
) -> AttentionTrace:
    """Let one head attend again, with a mask, without scaling, or at another temperature.

    A decoder's own mask stays, whatever is added.
    """
    from core.attention import scaled_dot_product_attention

    attention = one_head(trace(text, model_id).blocks[block].attention, head)
    q, k, v = attention.q / temperature, attention.k, attention.v
    allowed = mask_of(attention) & mask_for(mask, len(q))
    return scaled_dot_product_attention(q, k, v, allowed, scale)


def one_head(attention: AttentionTrace, head: int) -> AttentionTrace:
    """Take one head out of several."""
    return type(attention)(*(quantity[head] for quantity in vars(attention).values()))


def mask_scores(text: str, speaker: Speaker, block: int, head: int) -> dict[str, np.ndarray]:
    """Give the scores of a head without a mask, and under each; a decoder is never without."""
    intact, causal, padding = (
        head_attention(text, speaker.id, block, head, mask).scores.numpy() for mask in MASKS
    )
    if speaker.causal:
        return {"causal": causal, "causal and padding": padding}
    return {"no mask": intact, "causal": causal, "padding": padding}


@st.cache_resource(max_entries=64, show_spinner=False)
def typed_attention(q: Rows, k: Rows, v: Rows, mask: str, scale: bool) -> AttentionTrace:
    """Attend with matrices that a learner typed."""
    import torch

    from core.attention import scaled_dot_product_attention

    tensors = (torch.tensor(rows) for rows in (q, k, v))
    return scaled_dot_product_attention(*tensors, mask_for(mask, len(q)), scale)


def fused_difference(attention: AttentionTrace, scale: bool) -> float:
    """Measure how far PyTorch's fused attention is from the one shown: the largest difference."""
    from core.attention import fused_attention

    allowed = mask_of(attention)
    mask = None if allowed.all() else allowed
    fused = fused_attention(attention.q, attention.k, attention.v, mask, scale)
    return (fused - attention.output).abs().max().item()


@st.cache_resource(max_entries=64, show_spinner=False)
def scaling(n_keys: int, seed: int) -> ScalingTrace:
    """Watch softmax saturate as queries and keys grow wider."""
    import torch

    from core.scaling import compare_scaling

    with AT_ONCE:
        return compare_scaling(torch.Generator().manual_seed(seed), n_keys=n_keys)


def arrays(statistics: SoftmaxStatistics) -> dict[str, np.ndarray]:
    """Hand measured quantities to a figure: name -> one value per width."""
    return {name: tensor.numpy() for name, tensor in vars(statistics).items()}


@st.cache_resource(max_entries=64, show_spinner=False)
def output_gradients(
    text: str, model_id: str, block: int, head: int, query: int, dimension: int
) -> dict[str, np.ndarray]:
    """Follow one number of a head's output back to its queries, keys and values."""
    from core.scaling import output_gradients as gradients

    attention = one_head(trace(text, model_id).blocks[block].attention, head)
    q, k, v = attention.q, attention.k, attention.v
    grads = gradients(q, k, v, query, dimension, mask_of(attention))
    return {name: grad.numpy() for name, grad in zip("qkv", grads, strict=True)}


class Shared(NamedTuple):
    """The scores of one head for the tokens that two sentences share: (sentence, query, key)."""

    tokens: tuple[str, ...]
    allowed: np.ndarray  # whether a token may look at another
    scores: np.ndarray


def shared(
    first: str,
    second: str,
    model_id: str,
    block: int,
    head: int,
    settings: tuple[tuple[str, bool], tuple[str, bool]],
) -> Shared | None:
    """Compare one head on two sentences, each with a mask, and with scaling or without.

    Returns:
        None if they share no more than what nobody typed.
    """
    common = common_tokens(first, second, model_id)
    if common is None:
        return None
    scores = common.of_both(
        *(
            head_attention(text, model_id, block, head, *setting).scores.numpy()
            for text, setting in zip((first, second), settings, strict=True)
        )
    )
    return Shared(common.tokens, ~np.isneginf(scores), scores)
