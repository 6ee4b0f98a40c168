"""A figure from the paper behind the LSTM, reproduced with the course's own code."""

import pytest
import torch
from torch import Generator

from core import recurrent_training
from core.recurrent_training import BATCH, Learner, Recipe
from core.tasks import Examples, Score, Task

N_SEEDS = 4
SEQUENCES = (
    74_000  # Hochreiter & Schmidhuber (1997), table 7: adding with T = 100, mean of ten runs
)
MOST_WRONG, OF = 3, 2_560  # an answer is wrong if it is more than 0.04 away (section 5.4)
SCALE = 4  # what is learned are the sums themselves, four times the paper's targets


def draw_marked_pairs(length, n_seeds, batch, generator):
    """Draw T to 1.1 T pairs; one of the first ten is marked, another of the first T/2 − 1."""
    n_pairs = length + int(torch.randint(length // 10 + 1, (), generator=generator))
    values = 2 * torch.rand(n_pairs, n_seeds, batch, generator=generator) - 1
    first = torch.randint(10, (n_seeds, batch), generator=generator)
    second = torch.randint(length // 2 - 2, (n_seeds, batch), generator=generator)
    second = second + (second >= first)
    markers = torch.zeros_like(values)
    markers[[0, -1]] = -1
    places = torch.stack([first, second])
    markers.scatter_(0, places, 1.0)
    marked = values.gather(0, places)
    marked = marked.where(places > 0, 0.0)  # the paper sets the very first value to 0 if marked
    targets = 0.5 + marked.sum(dim=0) / 4
    return Examples(torch.stack([values, markers], dim=-1), SCALE * targets)


def score_marked_pairs(answers, targets):
    error = answers[..., 0] - targets
    return Score(
        error.square().mean(dim=-1),
        (error.abs() <= SCALE * 0.04).float().mean(dim=-1),
        (2 * error / targets.shape[-1])[..., None],
    )


ADDING = Task(
    draw_marked_pairs,
    score_marked_pairs,
    d_input=2,
    d_answer=1,
    input_gain=1.0,
    guessing_loss=SCALE**2 / 24,  # variance of a sum of two values from U(−1, 1), over 16
    guessing_accuracy=0.15,
)


@pytest.fixture(autouse=True)
def sixteen_units(monkeypatch):
    monkeypatch.setattr(recurrent_training, "D_HIDDEN", 16)


def learner(recipe):
    return Learner(ADDING, 100, recipe, N_SEEDS, seed=0, device=torch.device("cpu"))


def wrong(learning):
    examples = draw_marked_pairs(100, N_SEEDS, OF, Generator().manual_seed(97))
    score = learning.model.measure(ADDING, examples).score
    return ((1 - score.accuracy) * OF).round()


def test_a_gru_held_open_adds_after_no_more_sequences_than_the_first_lstm_needed():
    learning = learner(Recipe("gru", 3e-2, forget=3.0, init="gaussian"))
    solved = torch.zeros(N_SEEDS, dtype=torch.bool)
    for update in range(1, SEQUENCES // BATCH + 1):
        learning.update()
        if update % 100 == 0 and update >= 800:
            solved |= wrong(learning) <= MOST_WRONG
        if solved.sum() >= 3:
            break
    assert solved.sum() >= 3


def test_a_tanh_network_has_not_begun_to_add_by_then():
    learning = learner(Recipe("tanh", 1e-2))
    for _ in range(1_200):
        learning.update()
    assert (wrong(learning) > 2_000).all()
