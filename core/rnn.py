"""Recurrent networks: one step as an equation, and many networks running as one.

Sources: Elman (1990), "Finding Structure in Time" (tanh); Le et al. (2015), "A Simple Way to
Initialize Recurrent Networks of Rectified Linear Units" (ReLU); Hochreiter & Schmidhuber (1997),
"Long Short-Term Memory", with the forget gate of Gers et al. (2000); Cho et al. (2014), section
2.3 (GRU), with the reset gate applied after the matrix, as PyTorch does.

Vectors are rows: a hidden state h is followed by h W_h. The first axis of every weight counts
seeds: independent networks that run side by side in one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from math import sqrt
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Kind = Literal["tanh", "relu", "linear", "lstm", "gru"]
Init = Literal["gaussian", "orthogonal", "identity", "pytorch"]

GATES: dict[Kind, tuple[str, ...]] = {  # the blocks of columns in w_x, w_h and b, in this order
    "tanh": ("hidden",),
    "relu": ("hidden",),
    "linear": ("hidden",),
    "lstm": ("output", "input", "forget", "candidate"),  # three with σ; three that make the memory
    "gru": ("reset", "keep", "candidate"),  # "keep" is the update gate z: at 1, h stays
}


@dataclass(frozen=True, eq=False)
class Cell:
    """The weights of `n_seeds` networks of one kind."""

    kind: Kind
    w_x: Float[Tensor, "seed d_input columns"]  # columns: d_hidden for each of GATES[kind]
    w_h: Float[Tensor, "seed d_hidden columns"]
    b: Float[Tensor, "seed columns"]
    b_n: Float[Tensor, "seed d_hidden"] | None = None  # GRU: added to h W_n before the reset gate

    @property
    def n_seeds(self) -> int:
        """Count the networks."""
        return self.w_h.shape[0]

    @property
    def d_hidden(self) -> int:
        """Count the units of each network."""
        return self.w_h.shape[1]

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """List what training changes: `Cell(kind, *weights)` is the cell again."""
        return tuple(w for w in (self.w_x, self.w_h, self.b, self.b_n) if w is not None)

    def to(self, target: torch.device | torch.dtype) -> Cell:
        """Copy the weights to a device or a precision."""
        return Cell(self.kind, *(w.to(target) for w in self.weights))


@dataclass(frozen=True, eq=False)
class States:
    """Everything a run goes through that its gradients need; index t is time t, 0 the start."""

    hidden: Float[Tensor, "time seed batch d_hidden"]  # h_0 = 0, then h_1 … h_T

    def between(self, start: int, end: int) -> States:
        """Give the run from time `start` to time `end`, both included."""
        return type(self)(*(getattr(self, field.name)[start : end + 1] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class LSTMStates(States):
    """The states of an LSTM."""

    memory: Float[Tensor, "time seed batch d_hidden"]  # c_t
    gates: Float[Tensor, "time seed batch columns"]  # o, i, f and g side by side


@dataclass(frozen=True, eq=False)
class GRUStates(States):
    """The states of a GRU."""

    gates: Float[Tensor, "time seed batch columns"]  # r, z and h_{t−1} W_n + b_n side by side
    candidate: Float[Tensor, "time seed batch d_hidden"]  # n


# Drawing weights


def draw_cell(
    kind: Kind,
    n_seeds: int,
    d_input: int,
    d_hidden: int,
    generator: Generator,
    init: Init = "gaussian",
    input_gain: float = 1.0,
) -> Cell:
    """Draw the weights of many independent networks.

    Args:
        kind: What is computed at each step.
        n_seeds: Networks, each with its own weights.
        d_input: Width of the inputs.
        d_hidden: Units of each network.
        generator: Makes the draws and says on which device.
        init: How each gate's recurrent matrix is drawn. "gaussian": N(0, 1/d_hidden), its
            spectral radius is about 1; "orthogonal": uniformly among all rotations and
            reflections; "identity": h W_h = h (Le et al., 2015). With these, biases are 0 and w_x
            is N(0, input_gain²/d_input): inputs of variance 1 arrive with variance input_gain².
            "pytorch": everything as in nn.RNN, nn.LSTM and nn.GRU, U(±1/√d_hidden).
        input_gain: Multiplies w_x.

    Raises:
        ValueError: If a kind or init is unknown or a size is below 1.
    """
    if kind not in get_args(Kind) or init not in get_args(Init):
        raise ValueError(f"{kind=}, {init=}: known are {get_args(Kind)} and {get_args(Init)}")
    if min(n_seeds, d_input, d_hidden) < 1:
        raise ValueError(f"{n_seeds=}, {d_input=}, {d_hidden=}: each must be at least 1")
    n_gates = len(GATES[kind])
    columns = n_gates * d_hidden
    draw = Draws(generator)
    if init == "pytorch":
        bound = 1 / sqrt(d_hidden)
        w_x = draw.uniform(bound, n_seeds, d_input, columns)
        w_h = draw.uniform(bound, n_seeds, d_hidden, columns)
        b_x, b_h = draw.uniform(bound, 2, n_seeds, columns)
    else:
        w_x = draw.normal(n_seeds, d_input, columns) / sqrt(d_input)
        w_h = torch.cat([draw.square(init, n_seeds, d_hidden) for _ in range(n_gates)], dim=-1)
        b_x, b_h = torch.zeros(2, n_seeds, columns, device=generator.device)
    if kind != "gru":
        return Cell(kind, input_gain * w_x, w_h, b_x + b_h)
    reset_and_keep, b_n = b_h.tensor_split([2 * d_hidden], dim=-1)
    b = b_x + torch.cat([reset_and_keep, torch.zeros_like(b_n)], dim=-1)
    return Cell(kind, input_gain * w_x, w_h, b, b_n)


@dataclass(frozen=True)
class Draws:
    """Random tensors on the generator's device."""

    generator: Generator

    def normal(self, *shape: int) -> Tensor:
        """Draw from N(0, 1)."""
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def uniform(self, bound: float, *shape: int) -> Tensor:
        """Draw from U(−bound, bound)."""
        unit = torch.rand(shape, generator=self.generator, device=self.generator.device)
        return bound * (2 * unit - 1)

    def square(self, init: Init, n_seeds: int, size: int) -> Float[Tensor, "seed size size"]:
        """Draw one square matrix per seed."""
        if init == "identity":
            return torch.eye(size, device=self.generator.device).expand(n_seeds, -1, -1)
        normals = self.normal(n_seeds, size, size)
        if init == "gaussian":
            return normals / sqrt(size)
        q, r = torch.linalg.qr(normals)
        return q * r.diagonal(dim1=-2, dim2=-1).sign()[:, None]  # makes all rotations alike likely


def with_gain(cell: Cell, gain: float) -> Cell:
    """Multiply the recurrent matrix: the same draw, its spectral radius `gain` times as large."""
    return replace(cell, w_h=gain * cell.w_h)


def with_forget_bias(cell: Cell, bias: float) -> Cell:
    """Raise the bias of the gate that decides what stays: an LSTM's forget, a GRU's keep gate.

    A large bias holds the gate open and the memory as it is (Gers et al., 2000; Jozefowicz et
    al., 2015).

    Raises:
        ValueError: If the cell has no such gate.
    """
    b = cell.b.clone()
    forget_columns(cell, b).add_(bias)
    return replace(cell, b=b)


def with_chrono_bias(cell: Cell, longest: int, generator: Generator) -> Cell:
    """Give the units memories of all lengths up to `longest` steps.

    b_f = ln u, u ~ U(1, longest − 1), and for an LSTM b_i = −b_f (Tallec & Ollivier, 2018,
    section 2): a forget gate of σ(ln u) forgets over about u steps.

    Raises:
        ValueError: If `longest` is below 2 or the cell has no gate that keeps.
    """
    if longest < 2:
        raise ValueError(f"{longest=} is below 2; there is nothing to remember")
    b = cell.b.clone()
    forget = forget_columns(cell, b)
    unit = torch.rand(forget.shape, generator=generator, device=generator.device)
    forget.copy_((1 + unit * (longest - 2)).log())
    if cell.kind == "lstm":
        b.unflatten(-1, (4, -1))[:, GATES["lstm"].index("input")] = -forget
    return replace(cell, b=b)


def forget_columns(cell: Cell, b: Float[Tensor, "seed columns"]) -> Float[Tensor, "seed d_hidden"]:
    """Point at the biases of the gate that decides what stays."""
    gates = GATES[cell.kind]
    for name in ("forget", "keep"):
        if name in gates:
            return b.unflatten(-1, (len(gates), -1))[:, gates.index(name)]
    raise ValueError(f"a cell of kind={cell.kind!r} has no gate that forgets")


def stack(cells: Sequence[Cell]) -> Cell:
    """Put cells of one kind and size on one seed axis, so that they run as one.

    The whole range of a slider is one run: `stack([with_gain(cell, gain) for gain in gains])`.

    Raises:
        ValueError: If there is no cell, or they are of different kinds.
    """
    kinds = {cell.kind for cell in cells}
    if len(kinds) != 1:
        raise ValueError(f"cells of kinds {sorted(kinds)} cannot be stacked; give one kind")
    weights = zip(*(cell.weights for cell in cells), strict=True)
    return Cell(cells[0].kind, *(torch.cat(tensors) for tensors in weights))


# One step, as the papers write it


def preactivation(
    cell: Cell, x: Float[Tensor, "seed batch d_input"], hidden: Float[Tensor, "seed batch d_hidden"]
) -> Float[Tensor, "seed batch columns"]:
    """Compute x_t W_x + h_{t−1} W_h + b."""
    return x @ cell.w_x + hidden @ cell.w_h + cell.b[:, None]


def tanh_step(
    cell: Cell, x: Float[Tensor, "seed batch d_input"], hidden: Float[Tensor, "seed batch d_hidden"]
) -> Float[Tensor, "seed batch d_hidden"]:
    """Compute h_t = tanh(x_t W_x + h_{t−1} W_h + b)."""
    return torch.tanh(preactivation(cell, x, hidden))


def relu_step(
    cell: Cell, x: Float[Tensor, "seed batch d_input"], hidden: Float[Tensor, "seed batch d_hidden"]
) -> Float[Tensor, "seed batch d_hidden"]:
    """Compute h_t = max(0, x_t W_x + h_{t−1} W_h + b)."""
    return torch.relu(preactivation(cell, x, hidden))


def linear_step(
    cell: Cell, x: Float[Tensor, "seed batch d_input"], hidden: Float[Tensor, "seed batch d_hidden"]
) -> Float[Tensor, "seed batch d_hidden"]:
    """Compute h_t = x_t W_x + h_{t−1} W_h + b: the case that theory solves exactly."""
    return preactivation(cell, x, hidden)


def lstm_step(
    cell: Cell,
    x: Float[Tensor, "seed batch d_input"],
    hidden: Float[Tensor, "seed batch d_hidden"],
    memory: Float[Tensor, "seed batch d_hidden"],
) -> tuple[Float[Tensor, "seed batch d_hidden"], Float[Tensor, "seed batch d_hidden"]]:
    """Compute c_t = f ⊙ c_{t−1} + i ⊙ g and h_t = o ⊙ tanh(c_t).

    The gates o, i, f = σ(…) and the candidate g = tanh(…) each have their own columns of
    x_t W_x + h_{t−1} W_h + b.
    """
    o, i, f, g = preactivation(cell, x, hidden).chunk(4, dim=-1)
    memory = f.sigmoid() * memory + i.sigmoid() * g.tanh()
    hidden = o.sigmoid() * memory.tanh()
    return hidden, memory


def gru_step(
    cell: Cell, x: Float[Tensor, "seed batch d_input"], hidden: Float[Tensor, "seed batch d_hidden"]
) -> Float[Tensor, "seed batch d_hidden"]:
    """Compute h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n, with n = tanh(x_t W_n + r ⊙ (h_{t−1} U_n + b_n)).

    The reset gate r and the keep gate z are σ(…) of their own columns.
    """
    x_r, x_z, x_n = (x @ cell.w_x + cell.b[:, None]).chunk(3, dim=-1)
    h_r, h_z, h_n = (hidden @ cell.w_h).chunk(3, dim=-1)
    if cell.b_n is not None:
        h_n = h_n + cell.b_n[:, None]
    r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
    n = torch.tanh(x_n + r * h_n)
    return z * hidden + (1 - z) * n


# A whole run: the loop everyone writes, and the fast one


def run_plainly(
    cell: Cell,
    inputs: Float[Tensor, "length d_input"] | Float[Tensor, "length seed batch d_input"],
) -> list[Float[Tensor, "seed batch d_hidden"]]:
    """Take one step after another, as every tutorial does; autograd can follow.

    Args:
        cell: The networks.
        inputs: As in `run`.

    Returns:
        h_1 … h_T.
    """
    inputs = per_seed(cell.w_x, inputs)
    hidden = memory = inputs.new_zeros(*inputs.shape[1:3], cell.d_hidden)
    history: list[Tensor] = []
    for x in inputs:
        match cell.kind:
            case "tanh":
                hidden = tanh_step(cell, x, hidden)
            case "relu":
                hidden = relu_step(cell, x, hidden)
            case "linear":
                hidden = linear_step(cell, x, hidden)
            case "lstm":
                hidden, memory = lstm_step(cell, x, hidden, memory)
            case "gru":
                hidden = gru_step(cell, x, hidden)
        history.append(hidden)
    return history


@torch.inference_mode()
def run(
    cell: Cell,
    inputs: Float[Tensor, "length d_input"] | Float[Tensor, "length seed batch d_input"],
) -> States:
    """Take all steps, quickly: the same states as `run_plainly`.

    The inputs' part x_t W_x + b of all steps is one matrix product. It is written to where the
    states will be, and each step then adds h_{t−1} W_h and works in place.

    Args:
        cell: The networks.
        inputs: One sequence that all networks read, or a batch of sequences for each.

    Returns:
        `States`, `LSTMStates` or `GRUStates`, whose `hidden[t]` is h_t.

    Raises:
        ValueError: If there is no input or it does not fit the cell.
    """
    projected = project(cell, inputs)
    match cell.kind:
        case "lstm":
            return run_lstm(cell, projected)
        case "gru":
            return run_gru(cell, projected)
        case _:
            return run_simple(cell, projected)


def run_simple(cell: Cell, projected: Float[Tensor, "time seed batch columns"]) -> States:
    """Run h_t = φ(x_t W_x + b + h_{t−1} W_h), with φ = tanh, ReLU or nothing."""
    hidden = projected
    for before, now in pairwise(hidden.unbind()):
        now.baddbmm_(before, cell.w_h)
        if cell.kind == "tanh":
            now.tanh_()
        elif cell.kind == "relu":
            now.relu_()
    return States(hidden)


def run_lstm(cell: Cell, projected: Float[Tensor, "time seed batch columns"]) -> LSTMStates:
    """Run the LSTM; the gates take the place of their preactivations."""
    gates = projected
    hidden, memory = gates.new_zeros(2, *gates.shape[:-1], cell.d_hidden)
    switches = gates[..., : 3 * cell.d_hidden].unbind()  # o, i and f side by side
    o, i, f, g = (gate.unbind() for gate in gates.chunk(4, dim=-1))
    all_gates, h, c = gates.unbind(), hidden.unbind(), memory.unbind()
    for t in range(1, len(h)):
        all_gates[t].baddbmm_(h[t - 1], cell.w_h)
        switches[t].sigmoid_()
        g[t].tanh_()
        torch.mul(f[t], c[t - 1], out=c[t]).addcmul_(i[t], g[t])
        torch.tanh(c[t], out=h[t]).mul_(o[t])
    return LSTMStates(hidden, memory, gates)


def run_gru(cell: Cell, projected: Float[Tensor, "time seed batch columns"]) -> GRUStates:
    """Run the GRU; one product gives h W_r, h W_z and h W_n, of which r gates the last."""
    gates, n_columns = projected, projected[..., 2 * cell.d_hidden :]
    candidate = n_columns.clone()  # x_t W_n, which the reset gate leaves alone
    n_columns.zero_()
    if cell.b_n is not None:
        n_columns += cell.b_n[:, None]
    hidden = torch.zeros_like(candidate)
    switches = gates[..., : 2 * cell.d_hidden].unbind()  # r and z side by side
    r, z, h_n = (gate.unbind() for gate in gates.chunk(3, dim=-1))
    all_gates, h, n = gates.unbind(), hidden.unbind(), candidate.unbind()
    for t in range(1, len(h)):
        all_gates[t].baddbmm_(h[t - 1], cell.w_h)
        switches[t].sigmoid_()
        n[t].addcmul_(r[t], h_n[t]).tanh_()
        torch.lerp(n[t], h[t - 1], z[t], out=h[t])
    return GRUStates(hidden, gates, candidate)


def project(
    cell: Cell,
    inputs: Float[Tensor, "length d_input"] | Float[Tensor, "length seed batch d_input"],
) -> Float[Tensor, "time seed batch columns"]:
    """Compute x_t W_x + b for all steps in one matrix product; index 0, the start, holds zeros."""
    inputs = per_seed(cell.w_x, inputs)
    by_seed = inputs.transpose(0, 1)
    product = torch.baddbmm(cell.b[:, None], by_seed.flatten(1, 2), cell.w_x)
    projected = product.new_zeros(len(inputs) + 1, *inputs.shape[1:3], product.shape[-1])
    projected[1:] = product.unflatten(1, by_seed.shape[1:3]).transpose(0, 1)
    return projected


def per_seed(
    w_x: Float[Tensor, "seed d_input columns"], inputs: Float[Tensor, "*inputs"]
) -> Float[Tensor, "length seed batch d_input"]:
    """Let all networks read a sequence that is given once.

    Raises:
        ValueError: If there is no input or it does not fit the weights.
    """
    n_seeds, d_input, _ = w_x.shape
    if inputs.dim() == 2:
        inputs = inputs[:, None, None].expand(-1, n_seeds, 1, -1)
    if not inputs.numel() or inputs.shape[1] != n_seeds or inputs.shape[-1] != d_input:
        raise ValueError(
            f"inputs of shape {tuple(inputs.shape)} do not fit {n_seeds=} and {d_input=}; "
            "give (length, d_input) or (length, n_seeds, batch, d_input), length at least 1"
        )
    return inputs
