"""Experiments with networks as they are drawn: how much of the loss reaches each earlier step.

Sources: Bengio et al. (1994), "Learning Long-Term Dependencies with Gradient Descent is
Difficult"; Pascanu et al. (2013), "On the Difficulty of Training Recurrent Neural Networks",
section 2. The loss is L = v · h_T with a direction v of length 1, so ‖∂L/∂h_T‖ = 1. Distances are
steps back from the last one; index 0 is the last step itself. Logarithms are to base 10: decades.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from statistics import median
from time import perf_counter
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float, Float64, Int
from torch import Generator, Tensor

from core.attention_block import AttentionBlock, attention_gradients, draw_block
from core.gradients import (
    backpropagate,
    for_each_seed,
    hidden_gradients,
    log_norms,
    norms,
    parameter_gradients,
)
from core.jacobians import (
    jacobian_product,
    log_step_norms,
    mean_field_slope,
    pascanu_bound,
    spectral_radius,
)
from core.rnn import Cell, Init, Kind, draw_cell, run

Model: TypeAlias = Cell | AttentionBlock
N_HEADS = 4


def draw_model(
    kind: Kind | Literal["attention"],
    n_seeds: int,
    d_input: int,
    width: int,
    init: Init = "gaussian",
) -> Model:
    """Draw the same networks for everyone who asks for the same.

    Args:
        kind: A recurrent cell, or "attention": a block with 4 heads, which knows no `init`.
        n_seeds: Networks, each with its own weights.
        d_input: Width of the inputs.
        width: Of the state.
        init: How the recurrent matrices are drawn.
    """
    generator = Generator().manual_seed(1)
    if kind == "attention":
        return draw_block(n_seeds, d_input, width, N_HEADS, generator)
    return draw_cell(kind, n_seeds, d_input, width, generator, init)


def random_sequence(length: int, d_input: int) -> Float[Tensor, "length d_input"]:
    """Draw a sequence of noise, N(0, 1), the same for everyone who asks for that size."""
    return torch.randn(length, d_input, generator=Generator().manual_seed(2))


def standardised(rows: Float[Tensor, "length d_input"]) -> Float[Tensor, "length d_input"]:
    """Shift and scale the vectors of a text so that their entries have mean 0 and variance 1."""
    return (rows - rows.mean()) / rows.std(correction=0)


def directions(n: int, width: int) -> Float[Tensor, "direction width"]:
    """Draw the v of losses L = v · h_T: gradients of length 1 to start from."""
    drawn = torch.randn(n, width, generator=Generator().manual_seed(3))
    return drawn / drawn.norm(dim=-1, keepdim=True)


def direction(width: int) -> Float[Tensor, "width"]:
    """Draw one such v."""
    return directions(1, width)[0]


def gradient_by_distance(
    model: Model, inputs: Float[Tensor, "length d_input"]
) -> Float64[Tensor, "seed distance"]:
    """Measure ‖∂L/∂h_{T−d}‖ ÷ ‖∂L/∂h_T‖ for each distance d, in float32.

    Args:
        model: Networks that all read the same sequence.
        inputs: The sequence.

    Returns:
        0 where the gradient is too small for float32; NaN for a network whose states or gradients
        are too large for it.
    """
    if isinstance(model, AttentionBlock):
        trace = attention_gradients(model, inputs, direction(model.w_q.shape[1]).to(inputs.device))
    else:
        trace = hidden_gradients(model, inputs, direction(model.d_hidden).to(inputs.device))
    by_distance = trace.norms.flip(1)
    held = trace.hidden.isfinite().all(-1).all(-1, keepdim=True) & by_distance.isfinite()
    return (by_distance / by_distance[:, :1]).where(held, float("nan"))


def over_seeds(values: Float64[Tensor, "seed distance"]) -> Float64[Tensor, "share distance"]:
    """Order the networks at each distance: those a tenth, half and nine tenths of the way up.

    What is shown is always one of the values; NaN, for too large, counts as the largest.
    """
    places = [round(share * (len(values) - 1)) for share in (0.1, 0.5, 0.9)]
    return values.sort(dim=0).values[places]


def mean_field_decades(cell: Cell) -> float:
    """Predict the decades per step that a wide tanh network with such weights gains or loses.

    The input is taken to have variance 1; see `mean_field_slope`.
    """
    gain = sqrt(cell.d_hidden * float(cell.w_h.square().mean()))
    input_variance = cell.w_x.shape[1] * cell.w_x.square().mean() + cell.b.square().mean()
    return mean_field_slope(gain, sqrt(float(input_variance))) / log(10)


# The same gradient, measured three ways


@dataclass(frozen=True, eq=False)
class ThreeMeasures:
    """‖∂L/∂h_{T−d}‖ in decades; −inf where a measure says 0."""

    careless: Float64[Tensor, "seed distance"]  # squares in float32: 0 below 10^-23
    careful: Float64[Tensor, "seed distance"]  # squares in float64: 0 where every entry is
    rescaled: Float64[Tensor, "seed distance"]  # the gradient made longer again on its way


def measure_three_ways(cell: Cell, inputs: Float[Tensor, "length d_input"]) -> ThreeMeasures:
    """Measure a float32 gradient as most code does, with care, and without losing it."""
    grad_last = direction(cell.d_hidden)
    grad = hidden_gradients(cell, inputs, grad_last).grad_hidden.flip(1)
    return ThreeMeasures(
        careless=grad.norm(dim=-1).double().log10(),
        careful=norms(grad).log10(),
        rescaled=log_norms(cell, inputs, grad_last).flip(1) / log(10),
    )


# The product of Jacobians and what bounds it


@dataclass(frozen=True, eq=False)
class Chain:
    """From the gradient up to its bounds, in decades, for some distances.

    In each network: gradient ≤ largest singular value of the product ≤ product of the norms ≤
    Pascanu's bound.
    """

    distances: Int[Tensor, "distance"]
    gradient: Float64[Tensor, "seed distance"]
    singular_values: Float64[Tensor, "seed distance d_hidden"]  # of ∏ ∂h_t/∂h_{t−1}, descending
    step_norms: Float64[Tensor, "seed distance"]  # ∏ ‖∂h_t/∂h_{t−1}‖
    bound: Float64[Tensor, "seed distance"]  # (σ_max(W_h) γ)^d
    radius: Float64[Tensor, "seed distance"]  # ρ(W_h)^d


def chain_of_bounds(cell: Cell, inputs: Float[Tensor, "length d_input"]) -> Chain:
    """Follow a gradient back beside everything that is said to bound or predict it.

    Raises:
        ValueError: If the cell has gates or there are fewer than 2 inputs.
    """
    grad_last = direction(cell.d_hidden)
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    product = jacobian_product(cell, hidden)
    distances = product.distances
    steps = log_step_norms(cell, hidden).flip(1).cumsum(1)[:, distances - 1]
    gradient = log_norms(cell, inputs, grad_last).flip(1)[:, distances]
    growth = (pascanu_bound(cell)[:, None] * distances, spectral_radius(cell).log()[:, None])
    return Chain(
        distances,
        gradient / log(10),
        product.log_singular_values / log(10),
        steps / log(10),
        growth[0] / log(10),
        growth[1] * distances / log(10),
    )


# The gradient of the weights


def weight_gradients(
    cell: Cell, inputs: Float[Tensor, "length d_input"]
) -> tuple[Float64[Tensor, "seed"], Float64[Tensor, "seed"]]:
    """Measure ‖∂L/∂W_h‖ beside ‖∂L/∂h_1‖, both in decades."""
    grad_last = direction(cell.d_hidden)
    states = run(cell, inputs)
    gradients = backpropagate(cell, states, for_each_seed(cell.w_h, grad_last))
    weights = parameter_gradients(cell, inputs, states, gradients).w_h
    return norms(weights.flatten(1)).log10(), log_norms(cell, inputs, grad_last)[:, 0] / log(10)


# What a state keeps while its gradient vanishes


@dataclass(frozen=True, eq=False)
class Latch:
    """Two runs of one unit that differ in their first input, +1 or −1; index t − 1 is h_t."""

    states: Float[Tensor, "run length"]
    gradient: Float64[Tensor, "run length"]  # |∂h_T/∂h_t| in decades


def latch(weight: float, length: int, noise: float = 0.1) -> Latch:
    """Set a switch, h_t = tanh(weight h_{t−1} + x_t), and read noise after it.

    With a weight above 1 the unit has two stable states. What keeps it there against noise makes
    small pushes die out, and the gradient with them (Bengio et al., 1994, section IV).

    Args:
        weight: Of the unit's own last state.
        length: Steps, the first input included.
        noise: Standard deviation of all inputs but the first.
    """
    cell = Cell("tanh", torch.ones(1, 1, 1), torch.full((1, 1, 1), weight), torch.zeros(1, 1))
    states: list[Tensor] = []
    gradients: list[Tensor] = []
    for first in (1.0, -1.0):
        inputs = noise * random_sequence(length, 1)
        inputs[0] = first
        states.append(run(cell, inputs).hidden[1:, 0, 0, 0])
        gradients.append(log_norms(cell, inputs, torch.ones(1))[0] / log(10))
    return Latch(torch.stack(states), torch.stack(gradients))


# How long it takes


def seconds_per_step(
    model: Model, inputs: Float[Tensor, "length d_input"], repetitions: int = 3
) -> float:
    """Time a step of the sequence, there and back, on the device that holds the model (median)."""
    gradient_by_distance(model, inputs)  # the first time prepares kernels and memory
    seconds: list[float] = []
    for _ in range(repetitions):
        start = perf_counter()
        gradient_by_distance(model, inputs)[0, 0].item()  # waits for the device
        seconds.append(perf_counter() - start)
    return median(seconds) / len(inputs)
