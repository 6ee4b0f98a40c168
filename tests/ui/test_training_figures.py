"""The sentences and tables that go with a training."""

import numpy as np

from pages.ui.figures.training import look_for_explosion, look_for_memory, training_table

NAMES = ["tanh RNN", "attention"]


def updates(losses, norm=1.0):
    """One model: for each update its loss of two seeds."""
    return [np.array([loss, [0.5, 0.5], [norm, norm], [1.0, 1.0]]) for loss in losses]


def test_before_training_the_learner_is_told_what_to_watch():
    history = [updates([(2, 2)]), updates([(2, 2)])]
    assert "guess" in look_for_memory(history, names=NAMES, guessing_loss=2.0)
    assert "same weights" in look_for_explosion(history, names=NAMES)


def test_networks_that_learned_are_counted_by_their_loss_over_ten_updates():
    history = [updates([(2, 2)] * 12), updates([(2, 2)] * 2 + [(0.1, 0.9)] * 10)]
    assert look_for_memory(history, names=NAMES, guessing_loss=2.0) == (
        "Networks that have learned the task after 12 updates (their loss is below a tenth of what "
        "guessing has): **tanh RNN** 0 of 2, **attention** 1 of 2."
    )


def test_a_lost_network_has_not_learned():
    history = [updates([(2, np.nan)] * 3), updates([(np.inf, 0.01)] * 3)]
    told = look_for_memory(history, names=NAMES, guessing_loss=2.0)
    assert "**tanh RNN** 0 of 2, **attention** 1 of 2" in told


def test_lost_networks_are_counted_and_the_largest_gradient_is_told():
    history = [updates([(1, 1), (1, np.nan), (np.inf, 1)], norm=3e9), updates([(1, 1)] * 3)]
    assert look_for_explosion(history, names=NAMES) == (
        "**tanh RNN** 2 of 2 networks lost, largest gradient $3.0 \\cdot 10^{9}$; "
        "**attention** 0 of 2 networks lost, largest gradient 1."
    )


def test_gradients_that_are_all_lost_have_no_largest():
    history = [updates([(1, 1), (np.nan, np.nan)], norm=np.inf), updates([(1, 1)] * 2)]
    assert "largest gradient no number" in look_for_explosion(history, names=NAMES)


def test_the_table_has_a_row_per_model_update_and_seed():
    series = ("loss", "accuracy", "norm", "clipped")
    history = [updates([(1, 2), (3, 4), (5, 6)]), updates([(7, 8)])]
    table = training_table(NAMES, series, history, every=2)
    assert list(table) == ["model", "update", "seed", *series]
    assert table["model"] == ["tanh RNN"] * 4 + ["attention"] * 2
    assert table["update"] == [1, 1, 3, 3, 1, 1]
    assert table["seed"] == [1, 2] * 3
    assert table["loss"] == [1, 2, 5, 6, 7, 8]
