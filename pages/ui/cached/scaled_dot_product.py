"""Cached calls of the lesson on scaled dot-product attention. Keys are text and small numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.ui.cached.model import AT_ONCE, encoder_trace

if TYPE_CHECKING:
    from torch import Tensor

    from core.attention import AttentionTrace
    from core.scaling import ScalingTrace, SoftmaxStatistics


MASKS = ("none", "causal", "padding")


Rows = tuple[tuple[float, ...], ...]  # a small matrix that was typed


def mask_for(name: str, length: int) -> Tensor | None:
    """Make a mask; for padding, as if the last quarter of the text only filled up a batch."""
    from core import attention

    if name == "causal":
        return attention.causal_mask(length)
    if name == "padding":
        return attention.padding_mask(length - length // 4, length)
    return None


@st.cache_resource(max_entries=64, show_spinner=False)
def head_attention(
    text: str, block: int, head: int, mask: str = "none", scale: bool = True, temperature: float = 1
) -> AttentionTrace:
    """Let one head attend again, with a mask, without scaling, or at another temperature."""
    from core.attention import scaled_dot_product_attention

    trace = encoder_trace(text).blocks[block].attention
    q, k, v = trace.q[head] / temperature, trace.k[head], trace.v[head]
    return scaled_dot_product_attention(q, k, v, mask_for(mask, len(q)), scale)


@st.cache_resource(max_entries=64, show_spinner=False)
def typed_attention(q: Rows, k: Rows, v: Rows, mask: str, scale: bool) -> AttentionTrace:
    """Attend with matrices that a learner typed."""
    import torch

    from core.attention import scaled_dot_product_attention

    tensors = (torch.tensor(rows) for rows in (q, k, v))
    return scaled_dot_product_attention(*tensors, mask_for(mask, len(q)), scale)


def fused_difference(trace: AttentionTrace, mask: str, scale: bool) -> float:
    """Measure how far PyTorch's fused attention is from the one shown: the largest difference."""
    from core.attention import fused_attention

    fused = fused_attention(trace.q, trace.k, trace.v, mask_for(mask, len(trace.q)), scale)
    return (fused - trace.output).abs().max().item()


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
    text: str, block: int, head: int, query: int, dimension: int
) -> dict[str, np.ndarray]:
    """Follow one number of a head's output back to its queries, keys and values."""
    from core.scaling import output_gradients as gradients

    trace = encoder_trace(text).blocks[block].attention
    grads = gradients(trace.q[head], trace.k[head], trace.v[head], query, dimension)
    return {name: grad.numpy() for name, grad in zip("qkv", grads, strict=True)}
