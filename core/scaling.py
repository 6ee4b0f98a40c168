"""Why the scores are divided by √d_k: what softmax and its gradient do without.

Source: Vaswani et al. (2017), section 3.2.1 and its footnote 4: for q and k of independent
components with mean 0 and variance 1, q·k has variance d_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from core.attention import scaled_dot_product_attention

WIDTHS = tuple(2**power for power in range(13))  # 1 … 4096: from 256 on, softmax is saturated


@dataclass(frozen=True, eq=False)
class SoftmaxStatistics:
    """What softmax makes of scores, for each width; medians over the draws.

    (Means would be decided by the few draws in which two keys come first together.)
    """

    spread: Float[Tensor, "width"]  # standard deviation of the scores, over all draws and keys
    entropy: Float[Tensor, "width"]  # of the weights; 0: all on one key, 1: even
    largest_weight: Float[Tensor, "width"]
    jacobian_norm: Float[Tensor, "width"]  # Frobenius norm of ∂weights/∂scores
    gradient_norm: Float[Tensor, "width"]  # ‖∂L/∂q‖ for L = weights · v


@dataclass(frozen=True, eq=False)
class ScalingTrace:
    """The same draws with and without the division by √d_k."""

    widths: tuple[int, ...]  # d_k
    expected_spread: Float[Tensor, "width"]  # √d_k, what theory says of the unscaled scores
    unscaled: SoftmaxStatistics
    scaled: SoftmaxStatistics


def compare_scaling(
    generator: Generator,
    widths: Sequence[int] = WIDTHS,
    n_keys: int = 64,
    n_draws: int = 40,
) -> ScalingTrace:
    """Draw queries and keys of growing width and watch softmax saturate.

    All components are independent, with mean 0 and variance 1. A narrow query is the beginning
    of a wide one, so that the curves differ by the width and not by luck.

    Args:
        generator: Makes the draws; its device is where they are computed.
        widths: The d_k to try.
        n_keys: Keys that each query chooses from.
        n_draws: Queries, each with keys of its own.

    Raises:
        ValueError: If there is no width, a width below 1, or fewer than 2 keys or draws.
    """
    if not widths or min(widths) < 1:
        raise ValueError(f"widths={tuple(widths)} are not one or more numbers above 0")
    if n_keys < 2 or n_draws < 2:
        raise ValueError(f"{n_keys=} or {n_draws=} is below 2; there is nothing to compare")
    device = generator.device
    q = torch.randn(n_draws, max(widths), generator=generator, device=device)
    k = torch.randn(n_draws, n_keys, max(widths), generator=generator, device=device)
    v = torch.randn(n_draws, n_keys, generator=generator, device=device).double()
    unscaled, scaled = [], []
    for d_k in widths:
        raw_scores = (k[..., :d_k] @ q[:, :d_k, None]).squeeze(-1).double()
        unscaled.append(softmax_statistics(raw_scores, k[..., :d_k], v, 1))
        scaled.append(softmax_statistics(raw_scores, k[..., :d_k], v, 1 / sqrt(d_k)))
    return ScalingTrace(
        tuple(widths),
        torch.tensor(widths, device=device).double().sqrt(),
        SoftmaxStatistics(*torch.stack(unscaled).T),
        SoftmaxStatistics(*torch.stack(scaled).T),
    )


def softmax_statistics(
    raw_scores: Float[Tensor, "draw key"],
    k: Float[Tensor, "draw key d_k"],
    v: Float[Tensor, "draw key"],
    factor: float,
) -> Float[Tensor, "statistic"]:
    """Measure one width: the fields of `SoftmaxStatistics`, in their order.

    ∂L/∂q = factor · Kᵀ J v, with J the Jacobian of softmax.
    """
    scores = raw_scores * factor
    weights = scores.softmax(dim=-1)
    jacobian = softmax_jacobian(weights)
    grad_scores = (jacobian @ v[..., None]).to(k.dtype)
    grad_q = factor * (k.mT @ grad_scores).squeeze(-1).double()
    return torch.stack(
        [
            scores.std(),
            torch.special.entr(weights).sum(dim=-1).median() / log(weights.shape[-1]),
            weights.amax(dim=-1).median(),
            torch.linalg.matrix_norm(jacobian).median(),
            grad_q.norm(dim=-1).median(),
        ]
    )


def softmax_jacobian(weights: Float[Tensor, "*batch key"]) -> Float[Tensor, "*batch key key"]:
    """Differentiate softmax: how weight i answers to score j.

    ∂p_i/∂s_j = −p_i p_j for i ≠ j, and ∂p_i/∂s_i = p_i (1 − p_i). The 1 − p_i is taken as the sum
    of the other weights: subtracted, it would be rounding alone once a weight is nearly 1.

    Returns:
        A symmetric matrix whose rows sum to 0.
    """
    own = torch.eye(weights.shape[-1], dtype=torch.bool, device=weights.device)
    others = weights[..., None, :].masked_fill(own, 0).sum(dim=-1)
    products = -weights[..., :, None] * weights[..., None, :]
    return torch.where(own, (weights * others)[..., None], products)


def output_gradients(
    q: Float[Tensor, "query d_k"],
    k: Float[Tensor, "key d_k"],
    v: Float[Tensor, "key d_v"],
    query: int,
    dimension: int,
    mask: Bool[Tensor, "query key"] | None = None,
    scale: bool = True,
) -> tuple[Float[Tensor, "query d_k"], Float[Tensor, "key d_k"], Float[Tensor, "key d_v"]]:
    """Follow one number of an attention's output back to the queries, keys and values.

    Args:
        q: One query per token that looks.
        k: One key per token that can be looked at.
        v: What each of those tokens hands over.
        query: Row of the output.
        dimension: Column of the output.
        mask: As in `scaled_dot_product_attention`.
        scale: As in `scaled_dot_product_attention`.

    Returns:
        ∂output[query, dimension] / ∂q, ∂k and ∂v.

    Raises:
        ValueError: If the output has no such row or column.
    """
    if not (0 <= query < len(q) and 0 <= dimension < v.shape[-1]):
        raise ValueError(
            f"output[{query=}, {dimension=}] is outside {len(q)} rows x {v.shape[-1]} columns"
        )
    with torch.inference_mode(False), torch.enable_grad():
        inputs = [tensor.detach().clone().requires_grad_() for tensor in (q, k, v)]
        output = scaled_dot_product_attention(*inputs, mask, scale).output
        return torch.autograd.grad(output[query, dimension], inputs)
