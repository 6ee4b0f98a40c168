"""Why gradients vanish or explode: the product of Jacobians, its bounds and its mean-field theory.

Sources: Pascanu et al. (2013), "On the Difficulty of Training Recurrent Neural Networks", section
2.1 (bound); Poole et al. (2016), "Exponential Expressivity in Deep Neural Networks Through
Transient Chaos", and Schoenholz et al. (2017), "Deep Information Propagation" (mean field).

Everything here is about one state per step, h_t = φ(x_t W_x + h_{t−1} W_h + b) with φ = tanh, ReLU
or nothing, and is given as natural logarithms: the numbers themselves pass beyond what a float
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from core.gradients import slopes
from core.rnn import Cell


@dataclass(frozen=True, eq=False)
class JacobianProduct:
    """What ∂h_T/∂h_{T−d} does to the length of a gradient, for some distances d.

    Singular values more than 10¹⁶ times below the largest one are lost in rounding.
    """

    distances: Int[Tensor, "distance"]  # d, in steps
    log_singular_values: Float64[Tensor, "seed distance d_hidden"]  # descending
    log_root_mean_square: Float64[Tensor, "seed distance"]  # of them: ln(‖P‖_F / √d_hidden)


def jacobians(
    cell: Cell, hidden: Float[Tensor, "seed length d_hidden"]
) -> Float64[Tensor, "seed length d_hidden d_hidden"]:
    """Differentiate each step: ∂h_t/∂h_{t−1} = diag(φ′) W_hᵀ.

    Args:
        cell: The networks.
        hidden: Their states, `HiddenGradients.hidden`.

    Returns:
        Rows: units of h_t; columns: units of h_{t−1}.

    Raises:
        ValueError: If the cell has gates.
    """
    return slopes(cell, hidden.double())[..., None] * cell.w_h.double().mT[:, None]


def jacobian_product(
    cell: Cell, hidden: Float[Tensor, "seed length d_hidden"], n_distances: int = 16
) -> JacobianProduct:
    """Multiply the Jacobians from the last step back, and measure the product on the way.

    P_d = J_T J_{T−1} … J_{T−d+1}; a gradient ∂L/∂h_T arrives at h_{T−d} as ∂L/∂h_T P_d, at most
    the largest singular value times as long. In float64; the product is divided by its norm after
    each step.

    Args:
        cell: The networks.
        hidden: Their states, `HiddenGradients.hidden`.
        n_distances: Distances at which singular values are computed, evenly spread on a
            logarithmic scale from 1 to length − 1; short sequences have fewer.

    Raises:
        ValueError: If the cell has gates or there are fewer than 2 steps.
    """
    length, d_hidden = hidden.shape[1:]
    if length < 2:
        raise ValueError(f"{length=} is below 2; there is no step between two states")
    distances = log_spaced(length - 1, n_distances)
    product = torch.eye(d_hidden, dtype=torch.float64, device=hidden.device).expand(
        cell.n_seeds, -1, -1
    )
    log_scale = torch.zeros(cell.n_seeds, dtype=torch.float64, device=hidden.device)
    w_back = cell.w_h.double().mT
    reached, log_scales = [], []
    for distance, slope in enumerate(slopes(cell, hidden.double()).flip(1).unbind(1)[:-1], 1):
        product = (product * slope[:, None]) @ w_back
        norm = torch.linalg.matrix_norm(product, keepdim=True)
        product = product / norm.where(norm > 0, 1)
        log_scale = log_scale + norm[:, 0, 0].log()
        if distance in distances:
            reached.append(product)
            log_scales.append(log_scale)
    log_scale = torch.stack(log_scales, dim=1)
    singular_values = torch.linalg.svdvals(torch.stack(reached, dim=1))
    return JacobianProduct(
        torch.tensor(distances, device=hidden.device),
        singular_values.log() + log_scale[..., None],
        log_scale - log(d_hidden) / 2,
    )


def log_spaced(longest: int, count: int) -> list[int]:
    """List up to `count` whole numbers from 1 to `longest`, evenly on a logarithmic scale."""
    return sorted({round(number) for number in np.geomspace(1, longest, count)})


def log_step_norms(
    cell: Cell, hidden: Float[Tensor, "seed length d_hidden"]
) -> Float64[Tensor, "seed length"]:
    """Compute ln ‖∂h_t/∂h_{t−1}‖₂ of each step: their sum bounds the product's largest value.

    Raises:
        ValueError: If the cell has gates.
    """
    return torch.linalg.matrix_norm(jacobians(cell, hidden), ord=2).log()


def pascanu_bound(cell: Cell) -> Float64[Tensor, "seed"]:
    """Bound the growth of the gradient per step: ln(σ_max(W_h) γ).

    No step lengthens a gradient by more than σ_max(W_h) γ, where γ bounds φ′: 1 for tanh, ReLU and
    no φ. Below 0 gradients must vanish (sufficient); above 0 they may explode (necessary).

    Raises:
        ValueError: If the cell has gates.
    """
    require_one_state(cell)
    return torch.linalg.matrix_norm(cell.w_h.double(), ord=2).log()


def spectral_radius(cell: Cell) -> Float64[Tensor, "seed"]:
    """Find the largest |eigenvalue| of W_h: in a linear network, the growth per step in the end.

    Raises:
        ValueError: If the cell has gates.
    """
    require_one_state(cell)
    return torch.linalg.eigvals(cell.w_h.double()).abs().amax(dim=-1)


def require_one_state(cell: Cell) -> None:
    """Refuse cells with gates, whose recurrent weights are several matrices."""
    slopes(cell, cell.w_h[:0])


def mean_field_slope(gain: float, input_std: float) -> float:
    """Predict ln ‖∂L/∂h_{t−1}‖ − ln ‖∂L/∂h_t‖ of a wide tanh network with random weights: ½ ln χ.

    In a wide network z_t is Gaussian, of variance q = gain² E[tanh²(√q ξ)] + input_std² with
    ξ ~ N(0, 1); each step back then multiplies the squared gradient by
    χ = gain² E[tanh′(√q ξ)²] (Poole et al., 2016; Schoenholz et al., 2017).

    Args:
        gain: Recurrent weights are N(0, gain²/d_hidden).
        input_std: Standard deviation of x_t W_x + b.

    Returns:
        Natural logarithm per step: below 0 gradients vanish, above 0 they explode.

    Raises:
        ValueError: If an argument is negative.
    """
    if min(gain, input_std) < 0:
        raise ValueError(f"{gain=} or {input_std=} is negative")
    xi = np.linspace(-8, 8, 4001)
    weights = np.exp(-(xi**2) / 2)
    weights /= weights.sum()  # E[f(ξ)] = Σ weight f(ξ)
    q, before = gain**2 + input_std**2, 0.0  # what it would be if every unit were saturated
    while abs(q - before) > 1e-9:
        before = q
        q = gain**2 * float(weights @ np.tanh(sqrt(before) * xi) ** 2) + input_std**2
    chi = gain**2 * float(weights @ (1 - np.tanh(sqrt(q) * xi) ** 2) ** 2)
    return log(chi) / 2 if chi > 0 else float("-inf")
