"""Training the translators: fresh pairs for every batch, one independent run per seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import cos, pi
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from core.seq2seq import Kind, Seq2SeqConfig, Translator, build, is_right, loss
from core.training import Frame
from core.translation_task import (
    NUMBERS,
    REVERSAL,
    TRAINED_LENGTH,
    Pair,
    Task,
    pairs_of_length,
    pairs_up_to,
)

BATCH_SIZE = 64
LEARNING_RATE = 3e-3
N_WARM_UP = 50  # steps in which the learning rate grows to its full size
MAX_GRADIENT = 1.0  # norm at which the gradient is clipped
N_BUCKETS = 8  # batches sorted by length together, so that few places are filled with PAD

Ids = tuple[Int[Tensor, "batch _"], Int[Tensor, "batch _"]]  # of sources, of targets
SERIES = ("loss", "mean loss of the last 8 updates")  # of a frame: nats per word, before the update
TaskName = Literal["numbers", "reversal"]
TASKS: dict[TaskName, Task] = {"numbers": NUMBERS, "reversal": REVERSAL}


@dataclass(frozen=True)
class RunConfig:
    """What is trained, for how long, and how it is watched.

    Attributes:
        kinds: What a written word sees of the source; these models take turns.
        task: Number words, or letters to reverse.
        seeds: One translator of each kind for each; a seed decides its weights and its pairs.
        n_steps: Updates of each translator; the learning rate falls to 0 at the last.
        d_model: Width of the states, and of the fixed vector.
        test_every: Updates after which the accuracy is measured.
        test_lengths: Source words for which it is measured.
        n_test_pairs: Pairs of each length.
    """

    kinds: Sequence[Kind]
    task: TaskName = "numbers"
    seeds: Sequence[int] = (0,)
    n_steps: int = 3000
    d_model: int = 64
    test_every: int = 50
    test_lengths: Sequence[int] = (3, 6, 9, 12)
    n_test_pairs: int = 100


@dataclass
class Learner:
    """One translator with what its training needs."""

    translator: Translator
    optimizer: torch.optim.Optimizer
    batches: Iterator[Ids]


class Seq2SeqRun:
    """A training that goes one step at a time; the same config gives the same run."""

    def __init__(self, config: RunConfig, device: torch.device | str = "cpu") -> None:
        self.config = config
        self.n_models = len(config.kinds)
        self.n_done = 0
        self.latest: list[deque[list[float]]] = [deque(maxlen=N_BUCKETS) for _ in config.kinds]
        task = TASKS[config.task]
        self.tests = held_out_pairs(task, config.test_lengths, config.n_test_pairs)
        self.learners = [
            [learner(kind, task, config.d_model, seed, device) for seed in config.seeds]
            for kind in config.kinds
        ]

    def step(self) -> Frame:
        """Update one kind once, for every seed.

        Returns:
            `SERIES` of each seed, and every `test_every` updates the share of right translations,
            by length.

        Raises:
            ValueError: If all steps of the run are done.
        """
        step, model = divmod(self.n_done, self.n_models)
        if step == self.config.n_steps:
            raise ValueError(f"the run has done all of its n_steps={step}")
        self.n_done += 1
        learners = self.learners[model]
        rate = learning_rate(step, self.config.n_steps)
        losses = [update(learner, rate) for learner in learners]
        self.latest[model].append(losses)
        profile = None
        if (step + 1) % self.config.test_every == 0:
            profile = np.stack([accuracies(one.translator, self.tests).numpy() for one in learners])
        series = np.array([losses, np.mean(self.latest[model], axis=0)])
        return Frame(model, step + 1, series, profile)


def learner(kind: Kind, task: Task, d_model: int, seed: int, device: torch.device | str) -> Learner:
    """Make one translator with fresh weights; its seed decides them and all its pairs."""
    generator = torch.Generator().manual_seed(seed)
    translator = build(kind, translator_config(task, d_model), generator).to(device)
    optimizer = torch.optim.Adam(translator.parameters(), fused=True)
    return Learner(translator, optimizer, batches(task, generator))


def translator_config(task: Task, d_model: int) -> Seq2SeqConfig:
    """Size a translator for the words of a task."""
    return Seq2SeqConfig(len(task.source_words) + 3, len(task.target_words) + 3, d_model=d_model)


def batches(task: Task, generator: Generator) -> Iterator[Ids]:
    """Draw batches without end, each of pairs of nearly the same length."""
    pairs = pairs_up_to(task, generator, TRAINED_LENGTH)
    while True:
        drawn = sorted(islice(pairs, N_BUCKETS * BATCH_SIZE), key=lengths_of)
        for bucket in torch.randperm(N_BUCKETS, generator=generator).tolist():
            yield task.ids(drawn[bucket * BATCH_SIZE : (bucket + 1) * BATCH_SIZE])


def lengths_of(pair: Pair) -> tuple[int, int]:
    """Count the words of a pair: source, target."""
    return len(pair[0]), len(pair[1])


def learning_rate(step: int, n_steps: int) -> float:
    """Compute the learning rate of a step: a short warm-up, then half a cosine down to 0."""
    warm_up = min(1, (step + 1) / N_WARM_UP)
    return LEARNING_RATE * warm_up * (1 + cos(pi * step / n_steps)) / 2


def update(learner: Learner, rate: float) -> float:
    """Make one step of Adam against the gradient of the loss; return the loss before it."""
    source_ids, target_ids = on_device(next(learner.batches), learner.translator)
    for group in learner.optimizer.param_groups:
        group["lr"] = rate
    surprise = loss(learner.translator, source_ids, target_ids)
    learner.optimizer.zero_grad()
    surprise.backward()
    nn.utils.clip_grad_norm_(learner.translator.parameters(), MAX_GRADIENT)
    learner.optimizer.step()
    return surprise.item()


def held_out_pairs(task: Task, lengths: Sequence[int], n_pairs: int) -> list[Ids]:
    """Draw the pairs of each length on which every translator is tested: always the same."""
    return [
        task.ids(pairs_of_length(task, torch.Generator().manual_seed(1000 + n), n, n_pairs))
        for n in lengths
    ]


def accuracies(translator: Translator, tests: Sequence[Ids]) -> Float[Tensor, "test"]:
    """Measure the share of sources that are translated without a mistake, in each test."""
    shares = [is_right(translator, *on_device(test, translator)).double().mean() for test in tests]
    return torch.stack(shares).cpu()


def on_device(ids: Ids, translator: Translator) -> Ids:
    """Bring ids to where the translator is."""
    source_ids, target_ids = ids
    device = translator.w_s.weight.device
    return source_ids.to(device), target_ids.to(device)
