from math import log

import pytest
import torch

from core.tasks import TASKS, TOLERANCE, draw_adding, draw_recall, score_sums, score_symbols

LENGTH, N_SEEDS, BATCH = 11, 3, 5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_recall_asks_for_the_first_of_its_one_hot_symbols():
    examples = draw_recall(LENGTH, N_SEEDS, BATCH, generator())
    assert examples.inputs.shape == (LENGTH, N_SEEDS, BATCH, 8)
    assert (examples.inputs.sum(dim=-1) == 1).all()
    assert torch.equal(examples.inputs[0].argmax(dim=-1), examples.targets)


def test_recall_uses_every_symbol_alike_everywhere():
    examples = draw_recall(7, 2, 8_000, generator())
    shares = examples.inputs.mean(dim=2)
    torch.testing.assert_close(shares, torch.full_like(shares, 1 / 8), atol=0.015, rtol=0)


@pytest.mark.parametrize("length", [2, 3, LENGTH, 20])
def test_adding_marks_one_value_in_each_half_and_asks_for_their_sum(length):
    examples = draw_adding(length, N_SEEDS, BATCH, generator())
    values, markers = examples.inputs.unbind(dim=-1)
    assert examples.inputs.shape == (length, N_SEEDS, BATCH, 2)
    assert set(markers.unique().tolist()) <= {0, 1}
    assert (markers[: length // 2].sum(dim=0) == 1).all()
    assert (markers[length // 2 :].sum(dim=0) == 1).all()
    torch.testing.assert_close((values * markers).sum(dim=0), examples.targets)
    assert values.min() >= 0
    assert values.max() <= 1


def test_adding_marks_every_place_of_a_half_alike():
    markers = draw_adding(6, 1, 30_000, generator()).inputs[..., 1]
    shares = markers.mean(dim=(1, 2))
    torch.testing.assert_close(shares, torch.full((6,), 1 / 3), atol=0.01, rtol=0)


@pytest.mark.parametrize("name", TASKS)
def test_the_same_seed_draws_the_same_examples_and_goes_on_to_fresh_ones(name):
    draws, again = generator(), generator()
    first, second = (TASKS[name].draw(LENGTH, N_SEEDS, BATCH, draws) for _ in range(2))
    assert torch.equal(first.inputs, TASKS[name].draw(LENGTH, N_SEEDS, BATCH, again).inputs)
    assert not torch.equal(first.inputs, second.inputs)
    assert not torch.equal(first.inputs[:, 0], first.inputs[:, 1])


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("length", [1, 0, -3])
def test_too_short_a_sequence_is_refused(name, length):
    with pytest.raises(ValueError, match=f"length={length} is below 2"):
        TASKS[name].draw(length, N_SEEDS, BATCH, generator())


def test_guessing_at_recall_is_right_once_in_eight_and_loses_ln_8():
    task = TASKS["recall"]
    examples = task.draw(2, 1, 40_000, generator())
    score = task.score(torch.zeros(1, 40_000, 8), examples.targets)
    assert task.guessing_loss == log(8)
    assert score.loss.item() == pytest.approx(log(8), abs=1e-5)
    assert score.accuracy.item() == pytest.approx(task.guessing_accuracy, abs=0.005)


def test_answering_1_to_every_sum_loses_a_sixth():
    task = TASKS["adding"]
    examples = task.draw(9, 1, 100_000, generator())
    score = task.score(torch.ones(1, 100_000, 1), examples.targets)
    assert task.guessing_loss == 1 / 6
    assert score.loss.item() == pytest.approx(1 / 6, abs=0.003)
    assert score.accuracy.item() == pytest.approx(task.guessing_accuracy, abs=0.005)


def test_scores_match_a_computation_by_hand():
    score = score_symbols(
        torch.tensor([[[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]]), torch.tensor([[1, 2]])
    )
    shares = [torch.tensor(row).softmax(dim=0) for row in ([0.0, 2.0, 1.0], [3.0, 0.0, 0.0])]
    assert score.loss.item() == pytest.approx(-(log(shares[0][1]) + log(shares[1][2])) / 2)
    assert score.accuracy.item() == 0.5
    sums = score_sums(torch.tensor([[[1.0], [0.5]]]), torch.tensor([[1.0 + TOLERANCE / 2, 1.5]]))
    assert sums.loss.item() == pytest.approx((0.02**2 + 1) / 2)
    assert sums.accuracy.item() == 0.5


@pytest.mark.parametrize("name", TASKS)
def test_gradients_of_the_answers_equal_autograd(name):
    task = TASKS[name]
    targets = task.draw(LENGTH, N_SEEDS, BATCH, generator()).targets
    answers = torch.randn(N_SEEDS, BATCH, task.d_answer, generator=generator(1)).requires_grad_()
    score = task.score(answers, targets)
    (expected,) = torch.autograd.grad(score.loss.sum(), answers)
    torch.testing.assert_close(score.grad_answers, expected)


@pytest.mark.parametrize("name", TASKS)
def test_what_is_no_number_stays_none(name):
    task = TASKS[name]
    targets = task.draw(LENGTH, N_SEEDS, BATCH, generator()).targets
    answers = torch.zeros(N_SEEDS, BATCH, task.d_answer)
    answers[1] = float("nan")
    score = task.score(answers, targets)
    assert score.loss.isnan().tolist() == [False, True, False]
    assert score.accuracy[1] == 0
