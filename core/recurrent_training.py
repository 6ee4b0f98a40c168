"""Networks that learn to remember, watched at every update: loss, accuracy, and every gradient.

Several models take turns, each as `n_seeds` networks at once, all of them reading the same
sequences. Sources: Pascanu et al. (2013), algorithm 1 (clipping); Kingma & Ba (2015), algorithm 1
(Adam); Tallec & Ollivier (2018) (chrono bias); Vaswani et al. (2017) (attention).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, Protocol

import torch
from jaxtyping import Float, Float64
from torch import Generator, Tensor

from core.attention_block import AttentionBlock, draw_block, embed, last_output, normalise
from core.gradients import backpropagate, norms, parameter_gradients
from core.rnn import Cell, Kind, draw_cell, run, with_chrono_bias, with_forget_bias, with_gain
from core.tasks import TASKS, Examples, Score, Task, TaskName
from core.training import Frame

D_HIDDEN = 32
BATCH = 32
N_HEADS = 4
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as its authors propose
N_BATCHES = 10  # over which the accuracy is taken
SERIES = ("loss", "accuracy", "gradient norm", "clipped gradient norm")  # of a frame


@dataclass(frozen=True)
class Recipe:
    """A model and how it learns.

    Attributes:
        kind: The recurrent cell, or "attention" for one block that sees all steps at once.
        learning_rate: Of Adam or plain gradient descent.
        forget: For LSTM and GRU: the bias of the gate that keeps, or "chrono", drawn to fit the
            length of the task.
        init: How the recurrent matrices are drawn.
        gain: Multiplies the recurrent matrix.
        optimizer: How a gradient becomes an update.
        clip: The largest norm of a gradient that is let through; None lets all through.
    """

    kind: Kind | Literal["attention"]
    learning_rate: float
    forget: float | Literal["chrono"] = 0.0
    init: Literal["gaussian", "orthogonal"] = "orthogonal"
    gain: float = 1.0
    optimizer: Literal["adam", "sgd"] = "adam"
    clip: float | None = 1.0


# The learning rates that did best of 0.001, 0.003 and 0.01 at recalling over 40 symbols.
RECIPES = {
    "tanh": Recipe("tanh", 1e-2),
    "lstm": Recipe("lstm", 3e-3, forget=1.0),
    "lstm_chrono": Recipe("lstm", 1e-2, forget="chrono"),
    "gru_chrono": Recipe("gru", 1e-2, forget="chrono"),
    "attention": Recipe("attention", 3e-3),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """What one batch says to a model, for every seed."""

    score: Score
    grad: Float[Tensor, "seed parameter"]  # ∂loss/∂weights
    reach: Float64[Tensor, "seed length"]  # ‖∂loss/∂h_t‖ over all sequences of the batch


class Model(Protocol):
    """Networks, one per seed, each with all its weights in one row."""

    parameters: Float[Tensor, "seed parameter"]

    def measure(self, task: Task, examples: Examples) -> Measured:
        """Answer a batch, and follow the loss back to every weight and every step."""
        ...


class RecurrentModel:
    """A recurrent cell whose last hidden state is read out: answer = h_T W + b."""

    def __init__(
        self, recipe: Recipe, task: Task, length: int, n_seeds: int, generator: Generator
    ) -> None:
        if recipe.kind == "attention":
            raise ValueError(f"kind={recipe.kind!r} is no recurrent cell")
        cell = draw_cell(
            recipe.kind, n_seeds, task.d_input, D_HIDDEN, generator, recipe.init, task.input_gain
        )
        cell = with_gain(cell, recipe.gain)
        if recipe.forget == "chrono":
            cell = with_chrono_bias(cell, length, generator)
        elif recipe.forget:
            cell = with_forget_bias(cell, recipe.forget)
        w_answer = drawn_matrix(generator, n_seeds, D_HIDDEN, task.d_answer)
        weights = [*cell.weights, w_answer, torch.zeros(n_seeds, task.d_answer)]
        self.kind: Kind = recipe.kind
        self.shapes = [weight.shape[1:] for weight in weights]
        self.parameters = in_rows(weights)

    def measure(self, task: Task, examples: Examples) -> Measured:
        """Answer a batch, and follow the loss back by hand: every ∂L/∂h_t on the way."""
        *cell_weights, w_answer, b_answer = views(self.parameters, self.shapes)
        cell = Cell(self.kind, *cell_weights)
        states = run(cell, examples.inputs)
        last = states.hidden[-1]
        score = task.score(last @ w_answer + b_answer[:, None], examples.targets)
        gradients = backpropagate(cell, states, score.grad_answers @ w_answer.mT)
        grad = in_rows(
            [
                *parameter_gradients(cell, examples.inputs, states, gradients).weights,
                last.mT @ score.grad_answers,
                score.grad_answers.sum(dim=1),
            ]
        )
        return Measured(score, grad, norms(gradients.hidden[1:].flatten(2)).T)


class AttentionModel:
    """One pre-LN Transformer block; what the last position makes of all steps is read out."""

    def __init__(self, task: Task, n_seeds: int, generator: Generator) -> None:
        block = draw_block(n_seeds, task.d_input, D_HIDDEN, N_HEADS, generator)
        w_x, *others = block.weights
        w_answer = drawn_matrix(generator, n_seeds, D_HIDDEN, task.d_answer)
        b_answer = torch.zeros(n_seeds, task.d_answer)
        weights = [sqrt(task.d_input) * w_x, *others, w_answer, b_answer]  # x as large as PE
        self.shapes = [weight.shape[1:] for weight in weights]
        self.parameters = in_rows(weights)

    def measure(self, task: Task, examples: Examples) -> Measured:
        """Answer a batch, and let autograd follow the loss back; x_t + PE(t) stands in for h_t."""
        with torch.enable_grad():
            parameters = self.parameters.detach().requires_grad_()
            *block_weights, w_answer, b_answer = views(parameters, self.shapes)
            block = AttentionBlock(N_HEADS, *block_weights)
            embedded = embed(block, examples.inputs)
            last = normalise(last_output(block, embedded))
            score = task.score(last @ w_answer + b_answer[:, None], examples.targets)
            grad, grad_x = torch.autograd.grad(score.loss.sum(), (parameters, embedded))
        detached = (part.detach() for part in (score.loss, score.accuracy, score.grad_answers))
        return Measured(Score(*detached), grad, norms(grad_x.transpose(1, 2).flatten(2)))


def drawn_matrix(
    generator: Generator, n_seeds: int, d_in: int, d_out: int
) -> Float[Tensor, "seed d_in d_out"]:
    """Draw matrices from N(0, 1/d_in): what goes in with variance 1 comes out with it."""
    return torch.randn(n_seeds, d_in, d_out, generator=generator) / sqrt(d_in)


def in_rows(weights: Sequence[Float[Tensor, "seed ..."]]) -> Float[Tensor, "seed parameter"]:
    """Write all weights of a seed into one row."""
    return torch.cat([weight.flatten(1) for weight in weights], dim=1)


def views(
    rows: Float[Tensor, "seed parameter"], shapes: Sequence[torch.Size]
) -> list[Float[Tensor, "seed ..."]]:
    """Look at the weights in those rows again, each in its shape."""
    parts = rows.split([shape.numel() for shape in shapes], dim=1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]


def clipped(
    grad: Float[Tensor, "seed parameter"], largest: float | None
) -> Float[Tensor, "seed parameter"]:
    """Shorten each seed's gradient to the largest norm allowed (Pascanu et al., algorithm 1).

    g · min(1, largest / ‖g‖); its direction stays.
    """
    if largest is None:
        return grad
    return grad * (largest / norms(grad)).clamp(max=1)[:, None].to(grad.dtype)


class GradientDescent:
    """θ ← θ − η g."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def change(self, grad: Float[Tensor, "seed parameter"]) -> Float[Tensor, "seed parameter"]:
        """Turn a gradient into what is added to the parameters."""
        return -self.learning_rate * grad


class Adam:
    """Kingma & Ba (2015), algorithm 1: each parameter's step is measured by its own gradients."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.n_updates = 0
        self.mean = self.mean_square = torch.zeros(())

    def change(self, grad: Float[Tensor, "seed parameter"]) -> Float[Tensor, "seed parameter"]:
        """Turn a gradient into what is added to the parameters."""
        self.n_updates += 1
        self.mean = BETA_1 * self.mean + (1 - BETA_1) * grad
        self.mean_square = BETA_2 * self.mean_square + (1 - BETA_2) * grad.square()
        mean = self.mean / (1 - BETA_1**self.n_updates)
        mean_square = self.mean_square / (1 - BETA_2**self.n_updates)
        return -self.learning_rate * mean / (mean_square.sqrt() + EPSILON)


class MemoryRun:
    """Several models learn one task, in turns; the seed decides everything.

    Args:
        task: What is to be learned.
        length: Steps of each sequence.
        recipes: The models.
        n_seeds: Networks of each model, with weights and sequences of their own.
        seed: The same seed makes the same run, bit for bit on one device.
        device: Where it is computed. What is drawn does not depend on it.

    Raises:
        ValueError: If there is no recipe, or `length` or `n_seeds` is too small.
    """

    def __init__(
        self,
        task: TaskName,
        length: int,
        recipes: Sequence[Recipe],
        n_seeds: int,
        seed: int,
        device: torch.device | None = None,
    ) -> None:
        if not recipes or n_seeds < 1:
            raise ValueError(f"{len(recipes)} recipes and {n_seeds=}: at least one of each")
        self.learners = [
            Learner(TASKS[task], length, recipe, n_seeds, seed, device or torch.device("cpu"))
            for recipe in recipes
        ]
        self.n_models = len(recipes)
        self.n_steps = 0

    def step(self) -> Frame:
        """Update the model whose turn it is."""
        n_updates, model = divmod(self.n_steps, self.n_models)
        self.n_steps += 1
        series, reach = self.learners[model].update()
        return Frame(model, n_updates + 1, series.cpu().numpy(), reach.float().cpu().numpy())


class Learner:
    """One model, its optimizer, and the sequences that it reads."""

    def __init__(
        self,
        task: Task,
        length: int,
        recipe: Recipe,
        n_seeds: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.task, self.length, self.recipe, self.device = task, length, recipe, device
        self.sequences = Generator().manual_seed(2 * seed)  # every model reads the same
        weights = Generator().manual_seed(2 * seed + 1)
        if recipe.kind == "attention":
            self.model: Model = AttentionModel(task, n_seeds, weights)
        else:
            self.model = RecurrentModel(recipe, task, length, n_seeds, weights)
        self.model.parameters = self.model.parameters.to(device)
        optimizer = Adam if recipe.optimizer == "adam" else GradientDescent
        self.optimizer = optimizer(recipe.learning_rate)
        self.accuracies: deque[Tensor] = deque(maxlen=N_BATCHES)

    def update(self) -> tuple[Float[Tensor, "series seed"], Float64[Tensor, "seed length"]]:
        """Read fresh sequences, learn from them, and tell what was measured on the way.

        Returns:
            `SERIES`; and by distance to the last step, from 0, the norm of the gradient there
            divided by that at the last step.
        """
        parameters = self.model.parameters
        drawn = self.task.draw(self.length, len(parameters), BATCH, self.sequences)
        examples = Examples(drawn.inputs.to(self.device), drawn.targets.to(self.device))
        measured = self.model.measure(self.task, examples)
        grad = clipped(measured.grad, self.recipe.clip)
        self.model.parameters = parameters + self.optimizer.change(grad)
        self.accuracies.append(measured.score.accuracy)
        series = [
            measured.score.loss,
            torch.stack([*self.accuracies]).mean(dim=0),
            norms(measured.grad).float(),
            norms(grad).float(),
        ]
        return torch.stack(series), measured.reach.flip(1) / measured.reach[:, -1:]
