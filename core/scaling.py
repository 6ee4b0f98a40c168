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
    """What softmax makes of scores, for each width; medians over the queries.

    (Means would be decided by the few queries for which two keys tie.)
    """

    spread: Float[Tensor, "width"]  # standard deviation of all scores
    entropy: Float[Tensor, "width"]  # of the weights; 0: all on one key, 1: even
    largest_weight: Float[Tensor, "width"]
    jacobian_norm: Float[Tensor, "width"]  # Frobenius norm of ∂weights/∂scores
    gradient_norm: Float[Tensor, "width"]  # ‖∂output/∂q‖ for values of width 1


@dataclass(frozen=True, eq=False)
class ScalingTrace:
    """The same queries and keys with and without the division by √d_k."""

    widths: tuple[int, ...]  # d_k
    expected_spread: Float[Tensor, "width"]  # √d_k, what theory says of the unscaled scores
    unscaled: SoftmaxStatistics
    scaled: SoftmaxStatistics


def compare_scaling(
    generator: Generator,
    widths: Sequence[int] = WIDTHS,
    n_keys: int = 64,
    n_sequences: int = 8,
) -> ScalingTrace:
    """Draw queries and keys of growing width, let them attend and watch softmax saturate.

    All components are independent, with mean 0 and variance 1. A narrow query is the beginning
    of a wide one, so that neighbouring widths differ by the width more than by luck. In float64,
    because the gradients of interest are far smaller than 1.

    Args:
        generator: Makes the draws; its device is where they are computed.
        widths: The d_k to try.
        n_keys: Length of each sequence: so many queries choose among so many keys.
        n_sequences: Sequences, each with its own queries, keys and values.

    Raises:
        ValueError: If there is no width or one below 1, no sequence, or fewer than 2 keys.
    """
    if not widths or min(widths) < 1:
        raise ValueError(f"widths={tuple(widths)} is not a list of whole numbers above 0")
    if n_keys < 2 or n_sequences < 1:
        raise ValueError(f"{n_keys=} is below 2 or {n_sequences=} below 1; softmax has no choice")

    def draw(width: int) -> Float[Tensor, "sequence key width"]:
        shape = (n_sequences, n_keys, width)
        device = generator.device
        return torch.randn(shape, generator=generator, device=device, dtype=torch.float64)

    q, k, v = draw(max(widths)), draw(max(widths)), draw(1)
    unscaled, scaled = (
        torch.stack([softmax_statistics(q[..., :d_k], k[..., :d_k], v, scale) for d_k in widths])
        for scale in (False, True)
    )
    return ScalingTrace(
        tuple(widths),
        torch.tensor(widths, device=q.device).double().sqrt(),
        SoftmaxStatistics(*unscaled.T),
        SoftmaxStatistics(*scaled.T),
    )


def softmax_statistics(
    q: Float[Tensor, "*batch query d_k"],
    k: Float[Tensor, "*batch key d_k"],
    v: Float[Tensor, "*batch key d_v"],
    scale: bool,
) -> Float[Tensor, "statistic"]:
    """Measure one width: the fields of `SoftmaxStatistics`, in their order.

    With r_i = Σ_{j≠i} p_j the weight of the other keys, the Jacobian J of softmax has
    ‖J‖² = Σ_i p_i² (r_i² + Σ_{j≠i} p_j²) and (J v)_i = p_i (r_i v_i − Σ_{j≠i} p_j v_j);
    the gradient is ∂output/∂q = Kᵀ J v / √d_k (unscaled: Kᵀ J v).
    """
    attention = scaled_dot_product_attention(q, k, v, scale=scale)
    weights, v = attention.weights, v.mT
    rest = sum_of_others(weights)
    jacobian_rows = weights * (rest.square() + sum_of_others(weights.square())).sqrt()
    grad_scores = weights * (rest * v - sum_of_others(weights * v))
    grad_q = grad_scores @ k / (sqrt(q.shape[-1]) if scale else 1)
    return torch.stack(
        [
            attention.scores.std(),
            torch.special.entr(weights).sum(dim=-1).median() / log(weights.shape[-1]),
            weights.amax(dim=-1).median(),
            jacobian_rows.norm(dim=-1).median(),
            grad_q.norm(dim=-1).median(),
        ]
    )


def sum_of_others(x: Float[Tensor, "*batch key"]) -> Float[Tensor, "*batch key"]:
    """Add up all entries but one, for each one.

    For weights this is 1 − p without the subtraction, which leaves nothing but rounding once p is
    nearly 1.
    """
    return x @ (1 - torch.eye(x.shape[-1], dtype=x.dtype, device=x.device))


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
        q, k, v = (tensor.detach().clone().requires_grad_() for tensor in (q, k, v))
        output = scaled_dot_product_attention(q, k, v, mask, scale).output
        grad_q, grad_k, grad_v = torch.autograd.grad(output[query, dimension], (q, k, v))
    return grad_q, grad_k, grad_v
