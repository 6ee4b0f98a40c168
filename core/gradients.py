"""How much of the loss reaches each step of a recurrent network: ∂L/∂h_t for all t.

Sources: Bengio et al. (1994), "Learning Long-Term Dependencies with Gradient Descent is
Difficult"; Pascanu et al. (2013), "On the Difficulty of Training Recurrent Neural Networks",
section 2. The way back in time is linear in the gradient: every factor it is multiplied by is
known from the states. So all factors are computed at once, and the loop over time, which nothing
can spare, is one product with w_hᵀ and a few multiplications in place per step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from core.rnn import Cell, GRUStates, LSTMStates, States, per_seed, run, run_plainly

STEPS_PER_RESCALING = 8  # float32 holds factors up to 10^4 and down to 10^-4 for so many steps


@dataclass(frozen=True, eq=False)
class HiddenGradients:
    """The states h_1 … h_T of each network and what the loss says to them; index t − 1 is h_t."""

    hidden: Float[Tensor, "seed length d_hidden"]
    grad_hidden: Float[Tensor, "seed length d_hidden"]  # ∂L/∂h_t
    norms: Float64[Tensor, "seed length"]  # ‖∂L/∂h_t‖


@dataclass(frozen=True, eq=False)
class StateGradients:
    """The gradients of everything a run goes through; index t is time t, 0 the start."""

    hidden: Float[Tensor, "time seed batch d_hidden"]  # ∂L/∂h_t
    recurrent: Float[Tensor, "time seed batch columns"]  # ∂L/∂(h_{t−1} W_h); 0 at time 0
    projected: Float[Tensor, "time seed batch columns"]  # ∂L/∂(x_t W_x + b): the same, but in GRUs
    memory: Float[Tensor, "time seed batch d_hidden"] | None = None  # LSTM: ∂L/∂c_t


def hidden_gradients(
    cell: Cell, inputs: Float[Tensor, "length d_input"], grad_last: Float[Tensor, "*seed d_hidden"]
) -> HiddenGradients:
    """Follow a gradient from the last hidden state back to every earlier one.

    Args:
        cell: Networks that all read the same sequence.
        inputs: The sequence.
        grad_last: ∂L/∂h_T, for all networks or one for each.

    Returns:
        The trace. Where a float32 gradient is too small to be held (below 10⁻⁴⁵) it is exactly 0;
        `log_norms` goes on.

    Raises:
        ValueError: If inputs or grad_last do not fit the cell.
    """
    states = run(cell, inputs)
    gradients = backpropagate(cell, states, for_each_seed(cell.w_h, grad_last))
    return trace(states.hidden[1:, :, 0], gradients.hidden[1:, :, 0])


def hidden_gradients_by_autograd(
    cell: Cell, inputs: Float[Tensor, "length d_input"], grad_last: Float[Tensor, "*seed d_hidden"]
) -> HiddenGradients:
    """Do the same as everyone does: the plain loop, `retain_grad` on each state, `backward`."""
    with torch.inference_mode(False), torch.enable_grad():
        weights = [w.detach().clone().requires_grad_() for w in cell.weights]
        history = run_plainly(Cell(cell.kind, *weights), inputs)
        for hidden in history:
            hidden.retain_grad()
        history[-1].backward(for_each_seed(cell.w_h, grad_last))
    grads = [hidden.grad for hidden in history if hidden.grad is not None]
    return trace(torch.stack(history).detach()[:, :, 0], torch.stack(grads)[:, :, 0])


def trace(
    hidden: Float[Tensor, "length seed d_hidden"], grad: Float[Tensor, "length seed d_hidden"]
) -> HiddenGradients:
    """Put seeds first and add the norms; copies, which autograd may use again."""
    hidden, grad = hidden.transpose(0, 1).clone(), grad.transpose(0, 1).clone()
    return HiddenGradients(hidden, grad, norms(grad))


def norms(gradient: Float[Tensor, "*batch width"]) -> Float64[Tensor, "*batch"]:
    """Compute ‖gradient‖ with squares in float64.

    In float32 the squares are 0 when the gradient is below 10⁻²³, though it lives to 10⁻⁴⁵.
    """
    return torch.linalg.vector_norm(gradient, dim=-1, dtype=torch.float64)


def for_each_seed(
    w_h: Float[Tensor, "seed d_hidden columns"], grad_last: Float[Tensor, "*gradient"]
) -> Float[Tensor, "seed 1 d_hidden"]:
    """Give each network its own gradient to start from.

    Raises:
        ValueError: If the shape does not fit the weights.
    """
    n_seeds, d_hidden, _ = w_h.shape
    if grad_last.shape not in {(d_hidden,), (n_seeds, d_hidden)}:
        raise ValueError(
            f"grad_last of shape {tuple(grad_last.shape)} does not fit {n_seeds=}, {d_hidden=}"
        )
    return grad_last.expand(n_seeds, d_hidden)[:, None]


@torch.no_grad()
def log_norms(
    cell: Cell, inputs: Float[Tensor, "length d_input"], grad_last: Float[Tensor, "*seed d_hidden"]
) -> Float64[Tensor, "seed length"]:
    """Compute ln ‖∂L/∂h_t‖ however small or large it is.

    The way back is linear, so every few steps the gradient is divided by its largest entry, whose
    logarithm is added up.

    Returns:
        Natural logarithms; −inf where the gradient is exactly 0, as with a gain of 0.
    """
    states = run(cell, inputs)
    grad, grad_memory = for_each_seed(cell.w_h, grad_last), None
    log_scale = torch.zeros(cell.n_seeds, dtype=torch.float64, device=grad.device)
    pieces: list[Tensor] = []
    for end in range(len(inputs), 0, -STEPS_PER_RESCALING):
        part = states.between(max(end - STEPS_PER_RESCALING, 0), end)
        gradients = backpropagate(cell, part, grad, grad_memory)
        pieces.insert(0, norms(gradients.hidden[1:, :, 0]).log() + log_scale)
        scale = gradients.hidden[0].abs().amax(dim=(1, 2), keepdim=True)
        scale = scale.where(scale > 0, 1)
        grad = gradients.hidden[0] / scale
        grad_memory = None if gradients.memory is None else gradients.memory[0] / scale
        log_scale = log_scale + scale[:, 0, 0].double().log()
    return torch.cat(pieces).T


@torch.inference_mode()
def backpropagate(
    cell: Cell,
    states: States,
    grad_last: Float[Tensor, "seed batch d_hidden"],
    grad_memory: Float[Tensor, "seed batch d_hidden"] | None = None,
) -> StateGradients:
    """Go back through a run, step by step, without autograd.

    Args:
        cell: The networks that ran.
        states: What `run` returned.
        grad_last: ∂L/∂h_T.
        grad_memory: An LSTM's ∂L/∂c_T beside the way through h_T; None stands for 0.

    Returns:
        The gradient of the loss for every state, and what `parameter_gradients` needs.
    """
    match states:
        case LSTMStates():
            return backpropagate_lstm(cell, states, grad_last, grad_memory)
        case GRUStates():
            return backpropagate_gru(cell, states, grad_last)
        case _:
            return backpropagate_simple(cell, states, grad_last)


def backpropagate_simple(
    cell: Cell, states: States, grad_last: Float[Tensor, "seed batch d_hidden"]
) -> StateGradients:
    """Go back through h_t = φ(z_t): ∂L/∂z_t = φ′(z_t) ⊙ ∂L/∂h_t, ∂L/∂h_{t−1} = ∂L/∂z_t W_hᵀ."""
    grad_z = slopes(cell, states.hidden)  # φ′; becomes ∂L/∂z
    grad_h = torch.empty_like(states.hidden)
    grad_h[-1] = grad_last
    w_back = cell.w_h.mT.contiguous()
    z, h = grad_z.unbind(), grad_h.unbind()
    for t in range(len(h) - 1, 0, -1):
        torch.bmm(z[t].mul_(h[t]), w_back, out=h[t - 1])
    grad_z[0] = 0
    return StateGradients(grad_h, grad_z, grad_z)


def slopes(
    cell: Cell, hidden: Float[Tensor, "*batch d_hidden"]
) -> Float[Tensor, "*batch d_hidden"]:
    """Compute φ′ from the states: tanh′ = 1 − h², ReLU′ = 1 where h > 0, and 1 without φ."""
    match cell.kind:
        case "tanh":
            return 1 - hidden * hidden
        case "relu":
            return (hidden > 0).to(hidden.dtype)
        case "linear":
            return torch.ones_like(hidden)
        case _:
            raise ValueError(f"a cell of kind={cell.kind!r} has gates, not one slope per unit")


def backpropagate_lstm(
    cell: Cell,
    states: LSTMStates,
    grad_last: Float[Tensor, "seed batch d_hidden"],
    grad_memory: Float[Tensor, "seed batch d_hidden"] | None,
) -> StateGradients:
    """Go back through h = o ⊙ tanh c and c = f ⊙ c_{t−1} + i ⊙ g.

    ∂L/∂c_t gains ∂L/∂h_t ⊙ o ⊙ (1 − tanh² c_t); what leaves for c_{t−1} is f ⊙ ∂L/∂c_t.
    """
    o, i, f, g = states.gates.chunk(4, dim=-1)
    tanh_c = states.memory.tanh()
    c_before = states.memory.roll(1, dims=0)
    factors = (tanh_c * o * (1 - o), g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g))
    grad_z = torch.cat(factors, dim=-1)  # ∂h/∂z_o, ∂c/∂z_i, ∂c/∂z_f, ∂c/∂z_g; becomes ∂L/∂z
    grad_h = torch.empty_like(states.hidden)
    grad_c = torch.zeros_like(states.memory)
    grad_h[-1] = grad_last
    if grad_memory is not None:
        grad_c[-1] = grad_memory
    w_back = cell.w_h.mT.contiguous()
    gates = grad_z.unflatten(-1, (4, -1))
    z, z_o, z_ifg = grad_z.unbind(), gates[..., 0, :].unbind(), gates[..., 1:, :].unbind()
    to_memory, forget = (o * (1 - tanh_c * tanh_c)).unbind(), f.unbind()
    h, c = grad_h.unbind(), grad_c.unbind()
    for t in range(len(h) - 1, 0, -1):
        c[t].addcmul_(h[t], to_memory[t])
        z_o[t].mul_(h[t])
        z_ifg[t].mul_(c[t].unsqueeze(-2))
        torch.mul(c[t], forget[t], out=c[t - 1])
        torch.bmm(z[t], w_back, out=h[t - 1])
    grad_z[0] = 0
    return StateGradients(grad_h, grad_z, grad_z, grad_c)


def backpropagate_gru(
    cell: Cell, states: GRUStates, grad_last: Float[Tensor, "seed batch d_hidden"]
) -> StateGradients:
    """Go back through h = z ⊙ h_{t−1} + (1 − z) ⊙ n.

    h_{t−1} is reached directly, through z, and through the three columns of h_{t−1} W_h.
    """
    r, z, h_n = states.gates.chunk(3, dim=-1)
    n = states.candidate
    h_before = states.hidden.roll(1, dims=0)
    to_n = (1 - z) * (1 - n * n)
    factors = (to_n * h_n * r * (1 - r), (h_before - n) * z * (1 - z), to_n * r)
    grad_recurrent = torch.stack(factors, dim=-2)
    grad_h = torch.empty_like(states.hidden)
    grad_h[-1] = grad_last
    w_back = cell.w_h.mT.contiguous()
    columns, product = grad_recurrent.unbind(), grad_recurrent.flatten(-2).unbind()
    h, keep = grad_h.unbind(), z.unbind()
    for t in range(len(h) - 1, 0, -1):
        columns[t].mul_(h[t].unsqueeze(-2))
        torch.bmm(product[t], w_back, out=h[t - 1]).addcmul_(h[t], keep[t])
    grad_recurrent[0] = 0
    grad_projected = grad_recurrent.clone()
    grad_projected[1:, ..., 2, :] = (to_n * grad_h)[1:]  # x_t W_n is not multiplied by r
    return StateGradients(grad_h, grad_recurrent.flatten(-2), grad_projected.flatten(-2))


@torch.no_grad()
def parameter_gradients(
    cell: Cell,
    inputs: Float[Tensor, "length d_input"] | Float[Tensor, "length seed batch d_input"],
    states: States,
    gradients: StateGradients,
) -> Cell:
    """Add up what all steps say to the weights they share: one matrix product for each weight.

    ∂L/∂W_h = Σ_t h_{t−1}ᵀ ∂L/∂z_t, ∂L/∂W_x = Σ_t x_tᵀ ∂L/∂z_t, ∂L/∂b = Σ_t ∂L/∂z_t.

    Args:
        cell: The networks.
        inputs: What they read.
        states: What `run` returned for it.
        gradients: What `backpropagate` returned for that.

    Returns:
        The gradient of each weight in that weight's place.
    """
    x = rows(per_seed(cell.w_x, inputs))
    recurrent, projected = rows(gradients.recurrent[1:]), rows(gradients.projected[1:])
    grad_w_h = rows(states.hidden[:-1]).mT @ recurrent
    grad_b_n = None if cell.b_n is None else recurrent.sum(dim=1)[:, -cell.d_hidden :]
    return Cell(cell.kind, x.mT @ projected, grad_w_h, projected.sum(dim=1), grad_b_n)


def rows(x: Float[Tensor, "length seed batch width"]) -> Float[Tensor, "seed row width"]:
    """Put all steps of all sequences of a seed under each other."""
    return x.transpose(0, 1).flatten(1, 2)
