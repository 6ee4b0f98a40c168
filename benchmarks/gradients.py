"""‖∂L/∂h_t‖ of every step and seed: against the loop everyone writes, and against one batch of it.

"seed by seed" is PyTorch's own cell in a loop, `retain_grad` on each state, `backward`, `.norm()`,
one network after the other. "one batch" is our plain form: all seeds in one loop, and autograd. All
have the same weights and are checked to agree. On the CPU everything runs in one thread and is
timed by that thread's processor time; with a GPU, one more size is timed there by the wall clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from benchmarks.measure import Row, in_turn
from core.gradients import HiddenGradients, hidden_gradients, hidden_gradients_by_autograd
from core.rnn import GATES, Cell, Kind, draw_cell, with_gain

MODULES = {"tanh": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
SIZES = {(64, 32, 8): 9, (128, 64, 16): 5, (512, 64, 16): 3}  # length, width, seeds -> rounds
LIMITS = {(64, 32, 8): 0.033, (128, 64, 16): 0.05, (512, 64, 16): 0.1}  # tanh
GPU_SIZE, GPU_LIMIT = (512, 128, 64), 0.05


def rows() -> Iterator[Row]:
    """Measure tanh, LSTM and GRU networks."""
    torch.set_num_threads(1)
    for kind in MODULES:
        for size, repetitions in SIZES.items():
            lab = Lab.draw(kind, *size, torch.device("cpu"))
            limit = LIMITS[size] if kind == "tanh" else None
            yield from compare(lab, repetitions, limit, time.thread_time)
        if torch.cuda.is_available():
            lab = Lab.draw(kind, *GPU_SIZE, torch.device("cuda"))
            limit = GPU_LIMIT if kind == "tanh" else None
            yield from compare(lab, 3, limit, wall_clock_of_the_gpu)


def wall_clock_of_the_gpu() -> float:
    """Read the clock once the GPU has done what it was asked."""
    torch.cuda.synchronize()
    return time.perf_counter()


@dataclass(frozen=True)
class Lab:
    """Networks, what they read, and where the gradient starts."""

    cell: Cell
    modules: list[nn.RNNCell | nn.LSTMCell | nn.GRUCell]  # the same networks, one by one
    inputs: Tensor
    grad_last: Tensor

    @classmethod
    def draw(
        cls, kind: Kind, length: int, d_hidden: int, n_seeds: int, device: torch.device
    ) -> Lab:
        """Draw networks whose gradients neither vanish nor explode within the length."""
        draws = Generator().manual_seed(0)
        cell = with_gain(draw_cell(kind, n_seeds, d_hidden, d_hidden, draws), 1.5).to(device)
        inputs = torch.randn(length, d_hidden, generator=draws).to(device)
        grad_last = torch.randn(d_hidden, generator=draws).to(device)
        return cls(cell, [as_module(cell, seed) for seed in range(n_seeds)], inputs, grad_last)

    def fast(self) -> HiddenGradients:
        """Use the fast form."""
        return hidden_gradients(self.cell, self.inputs, self.grad_last)

    def one_batch(self) -> HiddenGradients:
        """Use autograd on all seeds at once."""
        return hidden_gradients_by_autograd(self.cell, self.inputs, self.grad_last)

    def seed_by_seed(self) -> list[list[float]]:
        """Use PyTorch's cells and autograd on one seed after the other."""
        return [gradient_norms(module, self.inputs, self.grad_last) for module in self.modules]


def as_module(cell: Cell, seed: int) -> nn.RNNCell | nn.LSTMCell | nn.GRUCell:
    """Build PyTorch's cell with one network's weights: transposed, an LSTM's gates as i f g o."""
    module = MODULES[cell.kind](cell.w_x.shape[1], cell.d_hidden, device=cell.w_h.device)
    order = [1, 2, 3, 0] if cell.kind == "lstm" else list(range(len(GATES[cell.kind])))
    with torch.no_grad():
        for theirs, ours in ((module.weight_ih, cell.w_x), (module.weight_hh, cell.w_h)):
            theirs.copy_(ours[seed].unflatten(-1, (len(order), -1))[:, order].flatten(1).T)
        module.bias_ih.copy_(cell.b[seed].unflatten(-1, (len(order), -1))[order].flatten())
        module.bias_hh.zero_()
    return module


def gradient_norms(module: nn.Module, inputs: Tensor, grad_last: Tensor) -> list[float]:
    """Do what every tutorial does to watch a gradient vanish."""
    hidden = memory = torch.zeros(1, len(grad_last), device=inputs.device)
    history = []
    for x in inputs:
        if isinstance(module, nn.LSTMCell):
            hidden, memory = module(x[None], (hidden, memory))
        else:
            hidden = module(x[None], hidden)
        hidden.retain_grad()
        history.append(hidden)
    history[-1].backward(grad_last[None])
    return [hidden.grad.norm().item() for hidden in history]


def compare(
    lab: Lab, repetitions: int, limit: float | None, clock: Callable[[], float]
) -> Iterator[Row]:
    """Time the three in turn."""
    require_equal(lab)
    ours, seed_by_seed, one_batch = in_turn(
        repetitions, lab.fast, lab.seed_by_seed, lab.one_batch, clock=clock
    )
    (length, d_hidden), n_seeds = lab.inputs.shape, lab.cell.n_seeds
    where = "" if lab.inputs.device.type == "cpu" else " on the GPU"
    name = f"{lab.cell.kind} gradients {length} x {d_hidden}, {n_seeds} seeds{where}: "
    yield Row(f"{name}cells seed by seed", "ms", ours, seed_by_seed, limit=limit)
    yield Row(f"{name}one batch, autograd", "ms", ours, one_batch)


def require_equal(lab: Lab) -> None:
    """Refuse to compare the times of computations that do not agree over the last 50 steps."""
    ours = lab.fast().norms[:, -50:]
    theirs = torch.tensor(lab.seed_by_seed(), device=ours.device).double()[:, -50:]
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=0)
    torch.testing.assert_close(ours, lab.one_batch().norms[:, -50:], rtol=1e-3, atol=0)
