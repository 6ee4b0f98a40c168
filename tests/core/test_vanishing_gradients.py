"""Experiments at initialisation: what is measured, and what theory and the papers say of it."""

import math
from itertools import pairwise

import pytest
import torch

from core.rnn import with_forget_bias, with_gain
from core.vanishing_gradients import (
    chain_of_bounds,
    draw_model,
    gradient_by_distance,
    latch,
    mean_field_decades,
    measure_three_ways,
    over_seeds,
    random_sequence,
    seconds_per_step,
    standardised,
    weight_gradients,
)

LENGTH, D_INPUT, WIDTH, SEEDS = 53, 7, 32, 5


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def median_decades(kind, gain=1.0, bias=0.0, length=LENGTH, width=WIDTH):
    model = draw_model(kind, SEEDS, D_INPUT, width)
    if kind in ("tanh", "relu", "linear"):
        model = with_gain(model, gain)
    elif kind != "attention":
        model = with_forget_bias(model, bias)
    inputs = random_sequence(length, D_INPUT)
    return over_seeds(gradient_by_distance(model, inputs))[1].log10()


def test_the_same_networks_and_inputs_are_drawn_again():
    first, again = (draw_model("gru", 3, D_INPUT, 5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.weights, again.weights, strict=True))
    assert torch.equal(random_sequence(11, 3), random_sequence(11, 3))


def test_gradients_are_told_relative_to_the_last_step():
    for kind in ("tanh", "lstm", "attention"):
        assert float(median_decades(kind)[0]) == 0


@pytest.mark.parametrize("kind", ["tanh", "relu"])
def test_gradients_of_simple_networks_shrink_exponentially_in_every_seed(kind):
    """Claim 1.3: twice the distance, twice the decades."""
    model = draw_model(kind, SEEDS, D_INPUT, WIDTH)
    decades = gradient_by_distance(model, random_sequence(LENGTH, D_INPUT)).log10()
    assert bool((decades[:, 52] < -6).all())
    assert (decades[:, 52] / decades[:, 26] - 2).abs().max() < 0.5


@pytest.mark.parametrize(("kind", "gain"), [("tanh", 3.0), ("relu", 2.0)])
def test_gradients_of_simple_networks_explode_in_every_seed(kind, gain):
    """Claim 1.3, the other way."""
    model = with_gain(draw_model(kind, SEEDS, D_INPUT, WIDTH), gain)
    decades = gradient_by_distance(model, random_sequence(101, D_INPUT)).log10()
    assert bool((decades[:, 100] > 3).all())


def test_gates_vanish_when_shut_and_carry_when_open():
    """Claim 1.4, and its condition: the bias of the gate that keeps."""
    for kind in ("lstm", "gru"):
        shut, open_ = (float(median_decades(kind, bias=bias)[-1]) for bias in (0.0, 5.0))
        assert shut < -8
        assert open_ > -1.6


def test_attention_loses_nothing_with_distance_and_much_with_length():
    """Claim 2.1: flat, but diluted."""
    long = median_decades("attention", length=257)
    assert abs(float(long[1:30].median() - long[-30:].median())) < 0.3
    short = median_decades("attention", length=17)
    assert float(short[1:].median() - long[1:].median()) > 0.8


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_mean_field_theory_predicts_the_slope_of_tanh(gain):
    cell = with_gain(draw_model("tanh", SEEDS, D_INPUT, 128), gain)
    decades = over_seeds(gradient_by_distance(cell, random_sequence(LENGTH, D_INPUT)))[1].log10()
    slope = float(decades[41] - decades[1]) / 40
    assert slope == pytest.approx(mean_field_decades(cell), abs=0.03)


def test_states_too_large_for_float32_give_no_number_and_count_as_largest():
    relu = with_gain(draw_model("relu", SEEDS, D_INPUT, WIDTH), 40.0)
    assert gradient_by_distance(relu, random_sequence(LENGTH, D_INPUT)).isnan().all()
    values = torch.tensor([[3.0], [math.nan], [0.0], [2.0], [1.0]], dtype=torch.float64)
    low, middle, high = over_seeds(values)[:, 0]
    assert (float(low), float(middle)) == (0, 2)
    assert high.isnan()


def test_without_a_recurrent_matrix_nothing_passes():
    assert median_decades("tanh", gain=0.0)[1:].isneginf().all()


def test_one_step_has_one_distance():
    for kind in ("tanh", "relu", "lstm", "gru", "attention"):
        assert median_decades(kind, length=1).tolist() == [0]


def test_a_careless_norm_dies_long_before_the_gradient_and_rescaling_goes_on():
    """Trap 1 of SCIENCE.md: nn.RNN(192, 64) as PyTorch draws it."""
    cell = draw_model("tanh", SEEDS, 192, 64, "pytorch")
    found = measure_three_ways(cell, random_sequence(127, 192))
    medians = [over_seeds(values)[1] for values in (found.careless, found.careful, found.rescaled)]
    careless, careful = (int(values.isneginf().nonzero()[0]) for values in medians[:2])
    assert careless == pytest.approx(53, abs=4)
    assert careful == pytest.approx(107, abs=5)
    assert medians[2].isfinite().all()
    torch.testing.assert_close(medians[1][:40], medians[2][:40], rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", ["tanh", "relu", "linear"])
def test_no_bound_of_the_chain_is_broken(kind):
    cell = with_gain(draw_model(kind, 3, D_INPUT, 11), 1.25)
    chain = chain_of_bounds(cell, random_sequence(29, D_INPUT))
    ladder = (chain.gradient, chain.singular_values[..., 0], chain.step_norms, chain.bound)
    for lower, upper in pairwise(ladder):
        assert bool((lower <= upper + 1e-4).all())


def test_a_spectral_radius_above_one_need_not_explode_with_tanh_but_does_without():
    """Trap 4 of SCIENCE.md."""
    ends = {}
    for kind in ("tanh", "linear"):
        cell = with_gain(draw_model(kind, SEEDS, D_INPUT, WIDTH), 1.5)
        chain = chain_of_bounds(cell, random_sequence(LENGTH, D_INPUT))
        assert bool((chain.radius[:, -1] > 5).all())
        ends[kind] = chain.gradient[:, -1]
    assert bool((ends["tanh"] < -2).all())
    assert bool((ends["linear"] > 5).all())


def test_the_weights_hide_vanishing_and_show_explosion():
    """Trap 3 of SCIENCE.md."""
    found = {}
    for gain in (0.5, 3.0):
        cell = with_gain(draw_model("tanh", SEEDS, D_INPUT, WIDTH), gain)
        found[gain] = weight_gradients(cell, random_sequence(61, D_INPUT))
    (weights, first), (exploded, _) = found[0.5], found[3.0]
    assert bool((first < -20).all())
    assert bool((weights > -1).all())
    assert bool((exploded > 3).all())


def test_a_text_is_standardised_as_a_whole():
    rows = standardised(3 + 5 * random_sequence(13, 11))
    assert float(rows.mean()) == pytest.approx(0, abs=1e-6)
    assert float(rows.square().mean()) == pytest.approx(1)


def test_the_time_of_a_step_is_that_of_the_sequence_by_its_steps(monkeypatch):
    readings = iter([0.0, 7.0, 100.0, 114.0, 200.0, 235.0])  # start and end: 7, 14 and 35 s
    monkeypatch.setattr("core.vanishing_gradients.perf_counter", lambda: next(readings))
    assert seconds_per_step(draw_model("gru", 2, 3, 5), random_sequence(7, 3)) == 2  # the median


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_measures_what_the_cpu_measures():
    for kind in ("tanh", "relu", "lstm", "gru", "attention"):
        model, inputs = draw_model(kind, SEEDS, D_INPUT, WIDTH), random_sequence(31, D_INPUT)
        cuda = gradient_by_distance(model.to(torch.device("cuda")), inputs.cuda()).cpu()
        torch.testing.assert_close(
            cuda.log10(), gradient_by_distance(model, inputs).log10(), rtol=0, atol=0.01
        )


def test_a_switch_holds_what_it_was_set_to_and_lets_the_gradient_die():
    found = latch(2.0, 53)
    noise = 0.1 * random_sequence(53, 1)[:, 0]
    for run, first in enumerate((1.0, -1.0)):
        state, factors = torch.tensor(first, dtype=torch.float64).tanh(), []
        assert found.states[run, 0] == pytest.approx(float(state))
        for x in noise[1:].double():
            state = (2 * state + x).tanh()
            factors.append(2 * (1 - state**2))
        assert found.states[run, -1] == pytest.approx(float(state), abs=1e-5)
        steps = torch.stack([*factors, torch.ones_like(state)]).log10()
        expected = steps.flip(0).cumsum(0).flip(0)
        assert found.gradient[run] == pytest.approx(expected, abs=1e-3)
    assert found.states[0, -1] - found.states[1, -1] > 1.5
    assert (found.gradient[:, 0] < -30).all()


def test_a_unit_with_a_weight_below_1_forgets_what_it_was_set_to():
    found = latch(0.5, 53)
    assert abs(float(found.states[0, -1] - found.states[1, -1])) < 1e-6
