"""Two tasks that ask for a long memory, with fresh examples for every update.

Sources: Hochreiter & Schmidhuber (1997), "Long Short-Term Memory", section 5.4 (adding; here in the
form of Le et al., 2015, section 4.1, with sequences of one length), and its simplest relative:
recalling the first symbol. What is trained on is never seen again, so the accuracy on it is that
on examples held out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn.functional import one_hot

TaskName = Literal["recall", "adding"]

N_SYMBOLS = 8  # of the recall task
TOLERANCE = 0.04  # an answer to the adding task counts as right up to here (H&S, section 5.4)


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences and what is to be answered at their end."""

    inputs: Float[Tensor, "length seed batch d_input"]
    targets: Int[Tensor, "seed batch"] | Float[Tensor, "seed batch"]


@dataclass(frozen=True, eq=False)
class Score:
    """How good some answers are, for every seed."""

    loss: Float[Tensor, "seed"]
    accuracy: Float[Tensor, "seed"]  # share of right answers
    grad_answers: Float[Tensor, "seed batch d_answer"]  # ∂loss/∂answers


@dataclass(frozen=True)
class Task:
    """A task: how examples are drawn, how answers are scored, and what guessing achieves.

    Attributes:
        draw: (length, n_seeds, batch, generator) -> examples.
        score: (answers, targets) -> score.
        d_input: Width of an input.
        d_answer: Width of an answer.
        input_gain: Brings the part of the inputs in the hidden units to a variance of about ¼.
        guessing_loss: Of the best answer for somebody who has read nothing.
        guessing_accuracy: The same answer's.
    """

    draw: Callable[[int, int, int, Generator], Examples]
    score: Callable[[Tensor, Tensor], Score]
    d_input: int
    d_answer: int
    input_gain: float
    guessing_loss: float
    guessing_accuracy: float


def draw_recall(length: int, n_seeds: int, batch: int, generator: Generator) -> Examples:
    """Draw symbols, one-hot; the answer is the first, all others are there to distract.

    Args:
        length: Symbols of a sequence.
        n_seeds: Networks that each read sequences of their own.
        batch: Sequences for each.
        generator: Makes the draws.

    Raises:
        ValueError: If `length` is below 2.
    """
    require_length(length)
    device = generator.device
    symbols = torch.randint(N_SYMBOLS, (length, n_seeds, batch), generator=generator, device=device)
    return Examples(one_hot(symbols, N_SYMBOLS).float(), symbols[0])


def draw_adding(length: int, n_seeds: int, batch: int, generator: Generator) -> Examples:
    """Draw pairs (value from U(0, 1), marker); the answer is the sum of the two marked values.

    One marker stands in the first half of the sequence, one in the second.

    Args:
        length: Pairs of a sequence.
        n_seeds: As in `draw_recall`.
        batch: As in `draw_recall`.
        generator: As in `draw_recall`.

    Raises:
        ValueError: If `length` is below 2.
    """
    require_length(length)
    device = generator.device
    values = torch.rand(length, n_seeds, batch, generator=generator, device=device)
    halves = ((0, length // 2), (length // 2, length))
    places = torch.stack(
        [
            torch.randint(start, end, (n_seeds, batch), generator=generator, device=device)
            for start, end in halves
        ]
    )
    markers = torch.zeros_like(values).scatter_(0, places, 1.0)
    return Examples(torch.stack([values, markers], dim=-1), values.gather(0, places).sum(dim=0))


def require_length(length: int) -> None:
    """Refuse a sequence in which nothing lies between question and answer."""
    if length < 2:
        raise ValueError(f"{length=} is below 2; there is nothing to remember")


def score_symbols(
    answers: Float[Tensor, "seed batch d_answer"], targets: Int[Tensor, "seed batch"]
) -> Score:
    """Score logits by their cross-entropy in nats; the largest logit is the answer."""
    log_shares = answers.log_softmax(dim=-1)
    right = one_hot(targets, answers.shape[-1])
    chosen = (answers.argmax(dim=-1) == targets) & answers.isfinite().all(dim=-1)
    return Score(
        -(log_shares * right).sum(dim=-1).mean(dim=-1),
        chosen.float().mean(dim=-1),
        (log_shares.exp() - right) / targets.shape[-1],
    )


def score_sums(
    answers: Float[Tensor, "seed batch d_answer"], targets: Float[Tensor, "seed batch"]
) -> Score:
    """Score sums by their squared error; up to `TOLERANCE` away counts as right."""
    error = answers[..., 0] - targets
    return Score(
        error.square().mean(dim=-1),
        (error.abs() <= TOLERANCE).float().mean(dim=-1),
        (2 * error / targets.shape[-1])[..., None],
    )


TASKS: dict[TaskName, Task] = {
    "recall": Task(
        draw_recall,
        score_symbols,
        d_input=N_SYMBOLS,
        d_answer=N_SYMBOLS,
        input_gain=0.5 * sqrt(N_SYMBOLS),
        guessing_loss=log(N_SYMBOLS),
        guessing_accuracy=1 / N_SYMBOLS,
    ),
    "adding": Task(
        draw_adding,
        score_sums,
        d_input=2,
        d_answer=1,
        input_gain=0.5,
        guessing_loss=1 / 6,  # variance of the sum of two values from U(0, 1)
        guessing_accuracy=1 - (1 - TOLERANCE) ** 2,  # of answering 1, the mean
    ),
}
