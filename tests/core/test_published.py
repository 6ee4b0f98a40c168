"""Published figures on long memories, reproduced with the course's own code."""

from math import log

import pytest
import torch
from torch import Generator
from torch.nn.functional import cross_entropy, one_hot

from core import recurrent_training
from core.recurrent_training import BATCH, Learner, Recipe
from core.rnn import draw_cell, run_plainly
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


@pytest.fixture
def sixteen_units(monkeypatch):
    monkeypatch.setattr(recurrent_training, "D_HIDDEN", 16)


def learner(recipe):
    return Learner(ADDING, 100, recipe, N_SEEDS, seed=0, device=torch.device("cpu"))


def wrong(learning):
    examples = draw_marked_pairs(100, N_SEEDS, OF, Generator().manual_seed(97))
    score = learning.model.measure(ADDING, examples).score
    return ((1 - score.accuracy) * OF).round()


@pytest.mark.usefixtures("sixteen_units")
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


@pytest.mark.usefixtures("sixteen_units")
def test_a_tanh_network_has_not_begun_to_add_by_then():
    learning = learner(Recipe("tanh", 1e-2))
    for _ in range(1_200):
        learning.update()
    assert (wrong(learning) > 2_000).all()


# Arjovsky et al. (2016), section 4.1: ten symbols out of eight, a delay of T blanks, a mark, and
# then the ten symbols are to be written again. Without memory one writes blanks, and guesses.

N_COPIED, N_SYMBOLS, DELAY = 10, 8, 20
BLANK, MARK = N_SYMBOLS, N_SYMBOLS + 1
MEMORYLESS = N_COPIED * log(N_SYMBOLS) / (DELAY + 2 * N_COPIED)


def draw_copy(batch, generator):
    symbols = torch.randint(N_SYMBOLS, (N_COPIED, batch), generator=generator)
    blanks = torch.full((DELAY, batch), BLANK)
    blanks_and_mark = blanks.clone()
    blanks_and_mark[-1] = MARK
    inputs = torch.cat([symbols, blanks_and_mark, torch.full((N_COPIED, batch), BLANK)])
    return inputs, torch.cat([torch.full((N_COPIED, batch), BLANK), blanks, symbols])


def test_a_tanh_network_copies_as_well_as_one_without_a_memory():
    generator = Generator().manual_seed(5)
    cell = draw_cell("tanh", 1, MARK + 1, 32, generator)
    weights = [weight.requires_grad_() for weight in cell.weights]
    w_answer = torch.zeros(32, MARK, requires_grad=True)
    b_answer = torch.zeros(MARK, requires_grad=True)
    optimizer = torch.optim.Adam([*weights, w_answer, b_answer], lr=1e-2)

    def loss(batch):
        inputs, targets = draw_copy(batch, generator)
        hidden = torch.stack(run_plainly(cell, one_hot(inputs, MARK + 1)[:, None].float()))
        answers = hidden[:, 0] @ w_answer + b_answer
        return cross_entropy(answers.flatten(0, 1), targets.flatten())

    assert loss(1_000).item() == pytest.approx(log(MARK), abs=1e-5)  # at first any answer
    for _ in range(1_300):
        optimizer.zero_grad()
        loss(32).backward()
        optimizer.step()
    with torch.no_grad():
        assert loss(4_000).item() == pytest.approx(MEMORYLESS, abs=0.005)
    assert pytest.approx(0.5199, abs=1e-4) == MEMORYLESS
