from dataclasses import replace
from itertools import islice

import pytest
import torch

from core.seq2seq import PAD
from core.seq2seq_training import (
    BATCH_SIZE,
    LEARNING_RATE,
    N_BUCKETS,
    RunConfig,
    Seq2SeqRun,
    batches,
    learner,
    learning_rate,
    update,
)
from core.training import Run
from core.translation_task import NUMBERS, REVERSAL, TRAINED_LENGTH

SMALL = RunConfig(
    ("attention", "fixed"),
    seeds=(3, 5),
    n_steps=7,
    d_model=20,
    test_every=3,
    test_lengths=(1, 2, 4),
    n_test_pairs=11,
)


def frames(config):
    run = Seq2SeqRun(config)
    return [run.step() for _ in range(config.n_steps * run.n_models)]


@pytest.fixture(scope="module")
def trained():
    return frames(SMALL)


def test_models_take_turns_and_every_seed_is_shown(trained):
    assert [(frame.model, frame.step) for frame in trained[:4]] == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert all(frame.series.shape == (2, 2) for frame in trained)


def test_accuracy_by_length_is_measured_every_few_updates(trained):
    measured = [(frame.model, frame.step) for frame in trained if frame.profile is not None]
    assert measured == [(0, 3), (1, 3), (0, 6), (1, 6)]
    assert trained[4].profile.shape == (2, 3)


def test_the_mean_is_over_the_last_updates_of_one_kind():
    run = Seq2SeqRun(replace(SMALL, n_steps=11, test_every=99))
    shown = [run.step() for _ in range(22)]
    losses = [frame.series[0] for frame in shown if frame.model == 1]
    means = [frame.series[1] for frame in shown if frame.model == 1]
    assert means[2] == pytest.approx(sum(losses[:3]) / 3)
    assert means[10] == pytest.approx(sum(losses[3:]) / 8)


def test_a_run_is_one_that_can_be_watched():
    assert isinstance(Seq2SeqRun(SMALL), Run)


def test_the_same_config_gives_the_same_run(trained):
    again = frames(SMALL)
    assert [frame.series.tolist() for frame in again] == [f.series.tolist() for f in trained]


def test_a_seed_alone_does_what_it_does_among_others(trained):
    alone = frames(replace(SMALL, kinds=("fixed",), seeds=(5,)))
    among = [frame.series[0, 1] for frame in trained if frame.model == 1]
    assert [frame.series[0, 0] for frame in alone] == among


def test_a_run_that_is_over_refuses_another_step():
    run = Seq2SeqRun(replace(SMALL, n_steps=1))
    run.step(), run.step()
    with pytest.raises(ValueError, match="has done all of its n_steps=1"):
        run.step()


def test_training_lowers_the_loss():
    run = Seq2SeqRun(RunConfig(("attention",)))
    losses = [run.step().series[0].item() for _ in range(80)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_an_update_is_one_step_of_adam_on_the_clipped_gradient():
    one = learner("fixed", NUMBERS, 20, 0, "cpu")
    before = [parameter.clone() for parameter in one.translator.parameters()]
    update(one, rate=0.01)
    moved = torch.cat(
        [
            (parameter - old).abs().flatten()
            for parameter, old in zip(one.translator.parameters(), before, strict=True)
        ]
    )
    assert moved.max().item() == pytest.approx(0.01, rel=1e-2)  # Adam's first step is its rate
    norm = torch.cat([parameter.grad.flatten() for parameter in one.translator.parameters()]).norm()
    assert norm.item() <= 1.0001


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    rates = [learning_rate(step, 1000) for step in range(1001)]
    assert rates[0] == pytest.approx(LEARNING_RATE / 50)
    assert rates[500] == pytest.approx(LEARNING_RATE / 2)
    assert rates[1000] == pytest.approx(0)
    assert max(rates) == pytest.approx(LEARNING_RATE, rel=0.01)
    assert rates.index(max(rates)) == 49


def test_batches_are_of_trained_lengths_and_sorted_so_that_little_is_filled():
    drawn = [*islice(batches(NUMBERS, torch.Generator().manual_seed(0)), 2 * N_BUCKETS)]
    assert all(len(source) == len(target) == BATCH_SIZE for source, target in drawn)
    n_words = torch.cat([(source != PAD).sum(dim=1) - 1 for source, _ in drawn])
    assert n_words.min() == 1
    assert n_words.max() == TRAINED_LENGTH
    filled = sum((source == PAD).sum() for source, _ in drawn)
    assert filled < 0.15 * sum(source.numel() for source, _ in drawn)


def test_batches_are_fresh():
    drawn = [
        tuple(map(tuple, target.tolist()))
        for _, target in islice(batches(REVERSAL, torch.Generator().manual_seed(0)), 24)
    ]
    assert len(set(drawn)) == 24
