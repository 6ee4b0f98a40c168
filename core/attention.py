"""Scaled dot-product attention, and the multi-head self-attention built from it.

Source: Vaswani et al. (2017), "Attention Is All You Need", sections 3.2.1 and 3.2.2.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import sqrt

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from core.linear import Linear


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """Every quantity of one attention, in the order in which it is computed."""

    q: Float[Tensor, "*batch query d_k"]
    k: Float[Tensor, "*batch key d_k"]
    v: Float[Tensor, "*batch key d_v"]
    raw_scores: Float[Tensor, "*batch query key"]  # Q Kᵀ
    scaled_scores: Float[Tensor, "*batch query key"]  # ÷ √d_k
    scores: Float[Tensor, "*batch query key"]  # -inf where the mask forbids looking
    weights: Float[Tensor, "*batch query key"]  # softmax: every row sums to 1
    output: Float[Tensor, "*batch query d_v"]  # weights · V


def scaled_dot_product_attention(
    q: Float[Tensor, "*batch query d_k"],
    k: Float[Tensor, "*batch key d_k"],
    v: Float[Tensor, "*batch key d_v"],
    mask: Bool[Tensor, "... query key"] | None = None,
    scale: bool = True,
) -> AttentionTrace:
    """Let every query look at every key and bring home a mixture of the values.

    Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V (equation 1).

    Args:
        q: One query per token that looks.
        k: One key per token that can be looked at.
        v: What each of those tokens hands over.
        mask: True where a query may look at a key; None lets all look at all.
        scale: False leaves out the division by √d_k.

    Returns:
        The trace; `weights` are ≥ 0 and sum to 1 over the keys.

    Raises:
        ValueError: If the mask leaves a query nothing to look at.
    """
    raw_scores = q @ k.transpose(-2, -1)
    scaled_scores = raw_scores / sqrt(q.shape[-1]) if scale else raw_scores
    scores = scaled_scores if mask is None else apply_mask(scaled_scores, mask)
    weights = scores.softmax(dim=-1)
    output = weights @ v
    return AttentionTrace(q, k, v, raw_scores, scaled_scores, scores, weights, output)


def fused_attention(
    q: Float[Tensor, "*batch query d_k"],
    k: Float[Tensor, "*batch key d_k"],
    v: Float[Tensor, "*batch key d_v"],
    mask: Bool[Tensor, "... query key"] | None = None,
    scale: bool = True,
) -> Float[Tensor, "*batch query d_v"]:
    """Compute the same output with PyTorch's own function, which keeps no intermediate quantity."""
    return functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, scale=None if scale else 1.0
    )


def apply_mask(
    scores: Float[Tensor, "*batch query key"], mask: Bool[Tensor, "... query key"]
) -> Float[Tensor, "*batch query key"]:
    """Set the scores of forbidden keys to -inf, so that softmax gives them weight 0.

    Raises:
        ValueError: If a query may look at nothing; softmax over nothing is undefined.
    """
    if not mask.any(dim=-1).all():
        raise ValueError("mask forbids a query every key; each query needs at least one")
    return scores.masked_fill(~mask, float("-inf"))


def causal_mask(length: int) -> Bool[Tensor, "length length"]:
    """Allow each position itself and what came before it (section 3.2.3)."""
    return torch.ones(length, length, dtype=torch.bool).tril()


def padding_mask(n_tokens: int, length: int) -> Bool[Tensor, "length length"]:
    """Allow everyone the first `n_tokens` positions; the rest only fill up the batch.

    Raises:
        ValueError: If `n_tokens` is not between 1 and `length`.
    """
    if not 1 <= n_tokens <= length:
        raise ValueError(f"n_tokens={n_tokens} is not between 1 and length={length}")
    return (torch.arange(length) < n_tokens).expand(length, length)


class SelfAttention(nn.Module):
    """Several attentions side by side, each in a subspace of its own.

    MultiHead(X) = Concat(head_1 … head_h) W_o, head_i = Attention(X W_q, X W_k, X W_v)
    (section 3.2.2). Each head reads d_k = d_model / n_heads columns of the projections.
    """

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"{d_model=} is not a multiple of {n_heads=}")
        self.n_heads = n_heads
        self.w_q = Linear(d_model, d_model)
        self.w_k = Linear(d_model, d_model)
        self.w_v = Linear(d_model, d_model)
        self.w_o = Linear(d_model, d_model)

    def forward(
        self,
        x: Float[Tensor, "*batch seq d_model"],
        mask: Bool[Tensor, "... seq seq"] | None = None,
        *,
        heads_off: Collection[int] = (),
        scale: bool = True,
        shared_qk: bool = False,
    ) -> tuple[AttentionTrace, Float[Tensor, "*batch seq d_model"]]:
        """Attend with every head, then mix the heads.

        Args:
            x: One vector per token.
            mask: True where a token may look at another.
            heads_off: Heads (counted from 0) whose output is replaced by zeros.
            scale: False leaves out the division by √d_k.
            shared_qk: True makes the keys with w_q, so that q and k are the same.

        Returns:
            The trace with a head axis, and what the attention adds to each token.
        """
        q = split_heads(self.w_q(x), self.n_heads)
        k = q if shared_qk else split_heads(self.w_k(x), self.n_heads)
        v = split_heads(self.w_v(x), self.n_heads)
        trace = scaled_dot_product_attention(q, k, v, mask, scale)
        if heads_off:
            output = trace.output.clone()
            output[..., sorted(heads_off), :, :] = 0
            trace = replace(trace, output=output)
        return trace, self.w_o(merge_heads(trace.output))


def split_heads(
    x: Float[Tensor, "*batch seq d_model"], n_heads: int
) -> Float[Tensor, "*batch head seq d_k"]:
    """Give each head its own d_k neighbouring columns."""
    return x.unflatten(-1, (n_heads, -1)).transpose(-3, -2)


def merge_heads(
    heads: Float[Tensor, "*batch head seq d_v"],
) -> Float[Tensor, "*batch seq d_model"]:
    """Lay the heads side by side again (Concat in section 3.2.2)."""
    return heads.transpose(-3, -2).flatten(-2)
