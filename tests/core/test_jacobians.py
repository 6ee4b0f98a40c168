from math import log

import pytest
import torch

from core.gradients import hidden_gradients, log_norms
from core.jacobians import (
    jacobian_product,
    jacobians,
    log_spaced,
    log_step_norms,
    mean_field_slope,
    pascanu_bound,
    spectral_radius,
)
from core.rnn import Cell, draw_cell, stack, tanh_step, with_gain

SIMPLE = ("tanh", "relu", "linear")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(kind, init="gaussian", gain=1.0, n_seeds=5, length=31, d_hidden=13, input_gain=1.0):
    """Networks in float64, a sequence and a last gradient of norm 1."""
    draws = generator()
    cell = draw_cell(kind, n_seeds, 7, d_hidden, draws, init, input_gain)
    inputs = torch.randn(length, 7, generator=draws).double()
    grad_last = torch.nn.functional.normalize(torch.randn(d_hidden, generator=draws), dim=0)
    return with_gain(cell, gain).to(torch.float64), inputs, grad_last.double()


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_jacobian_equals_autograds(kind):
    cell, inputs, grad_last = drawn(kind, "pytorch")
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    found = jacobians(cell, hidden)
    for seed in range(5):
        alone = Cell(kind, *(w[seed : seed + 1] for w in cell.weights))

        def step(before, alone=alone):
            z = inputs[17] @ alone.w_x[0] + before @ alone.w_h[0] + alone.b[0]
            return {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda z: z}[kind](z)

        reference = torch.autograd.functional.jacobian(step, hidden[seed, 16])
        torch.testing.assert_close(found[seed, 17], reference)


def test_the_jacobian_belongs_to_the_step_that_the_lesson_shows():
    cell, inputs, grad_last = drawn("tanh")
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    before, shift = hidden[:, 16:17], 1e-7 * torch.ones(5, 1, 13).double()
    moved = tanh_step(cell, inputs[17].expand(5, 1, -1), before + shift)
    predicted = (jacobians(cell, hidden)[:, 17] @ shift.mT).mT
    torch.testing.assert_close(moved - hidden[:, 17:18], predicted, rtol=1e-5, atol=1e-14)


@pytest.mark.parametrize("kind", SIMPLE)
def test_the_product_of_jacobians_is_multiplied_from_the_last_step_back(kind):
    cell, inputs, grad_last = drawn(kind, "pytorch")
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    found = jacobian_product(cell, hidden, n_distances=5)
    assert found.distances.tolist() == [1, 2, 5, 13, 30]
    steps = jacobians(cell, hidden).flip(1)
    for number, distance in enumerate((1, 2, 5)):  # further on, float64 loses the small ones
        product = torch.eye(13).double().expand(5, -1, -1)
        for step in steps[:, :distance].unbind(1):
            product = product @ step
        expected = torch.linalg.svdvals(product)
        kept = expected > 1e-9 * expected[:, :1]
        values = found.log_singular_values[:, number].exp()
        torch.testing.assert_close(values[kept], expected[kept], rtol=1e-5, atol=0)
        mean = expected.square().mean(-1).sqrt()
        torch.testing.assert_close(found.log_root_mean_square[:, number].exp(), mean)


@pytest.mark.parametrize(
    ("init", "gain"), [("gaussian", 0.8), ("gaussian", 1.2), ("gaussian", 2.0), ("orthogonal", 1.0)]
)
@pytest.mark.parametrize("kind", ["tanh", "relu"])
def test_the_chain_of_bounds_holds_at_every_distance_for_every_seed(kind, init, gain):
    """Gradient ≤ σ_max(∏ J) ≤ ∏ ‖J‖ ≤ (σ_max γ)^d, as natural logarithms."""
    cell, inputs, grad_last = drawn(kind, init, gain)
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    product = jacobian_product(cell, hidden, n_distances=100)
    d = product.distances
    assert d.tolist() == list(range(1, 31))
    gradient = log_norms(cell, inputs, grad_last).flip(1)[:, d]
    largest = product.log_singular_values[..., 0]
    step_norms = log_step_norms(cell, hidden).flip(1).cumsum(1)[:, d - 1]
    bound = pascanu_bound(cell)[:, None] * d
    assert (gradient <= largest + 1e-9).all()
    assert (product.log_root_mean_square <= largest + 1e-9).all()
    assert (largest <= step_norms + 1e-9).all()
    assert (step_norms <= bound + 1e-9).all()


def test_the_bound_allows_what_does_not_happen():
    cell, inputs, grad_last = drawn("tanh", gain=1.2, n_seeds=16, length=64, d_hidden=64)
    gradient = log_norms(cell, inputs, grad_last)[:, -51] / log(10)
    bound = 50 * pascanu_bound(cell) / log(10)
    radius = 50 * spectral_radius(cell).log() / log(10)
    assert (gradient < -5).all()  # measured
    assert (radius > 2).all()  # what a spectral radius of 1.2 seems to promise
    assert bound.median().item() == pytest.approx(18.5, abs=0.5)


@pytest.mark.parametrize("gain", [0.7, 1.3])
def test_a_linear_network_grows_by_its_spectral_radius_in_the_end(gain):
    cell, inputs, grad_last = drawn("linear", gain=gain, length=3001, d_hidden=11)
    found = log_norms(cell, inputs, grad_last)
    slopes = (found[:, 0] - found[:, 1000]) / 1000
    torch.testing.assert_close(slopes, spectral_radius(cell).log(), atol=2e-3, rtol=0)


def test_an_orthogonal_linear_network_keeps_every_length():
    cell, inputs, grad_last = drawn("linear", "orthogonal")
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    assert jacobian_product(cell, hidden).log_singular_values.abs().max() < 1e-5
    assert log_norms(cell, inputs, grad_last).abs().max() < 1e-5
    torch.testing.assert_close(spectral_radius(cell), torch.ones(5).double(), atol=1e-6, rtol=0)


def test_products_beyond_the_range_of_a_float_are_measured():
    cell, inputs, grad_last = drawn("linear", "identity", gain=0.01, length=401)
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    found = jacobian_product(cell, hidden).log_singular_values[:, -1]
    torch.testing.assert_close(
        found, torch.full((5, 13), 400 * log(0.01)).double(), rtol=1e-6, atol=0
    )


def test_a_gain_of_zero_multiplies_to_nothing():
    cell, inputs, grad_last = drawn("tanh", gain=0.0)
    product = jacobian_product(cell, hidden_gradients(cell, inputs, grad_last).hidden)
    assert (product.log_singular_values == float("-inf")).all()
    assert (product.log_root_mean_square == float("-inf")).all()
    assert (pascanu_bound(cell) == float("-inf")).all()


@pytest.mark.parametrize(
    ("input_std", "slopes"),
    [
        (1.0, (-1.096, -0.656, -0.460, -0.310, -0.142, 0.046, 0.268)),
        (0.3, (None, None, -0.178, -0.070, 0.030, 0.142, 0.306)),
    ],
)
def test_the_mean_field_slope_equals_published_theory(input_std, slopes):
    for gain, slope in zip((0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0), slopes, strict=True):
        if slope is not None:
            assert mean_field_slope(gain, input_std) == pytest.approx(slope, abs=2e-3)


def test_without_inputs_the_edge_of_chaos_is_at_gain_one():
    assert mean_field_slope(0.5, 0.0) == pytest.approx(log(0.5), abs=1e-6)
    assert mean_field_slope(1.0, 0.0) == pytest.approx(0, abs=1e-4)
    assert mean_field_slope(1.5, 0.0) > 0.05
    assert mean_field_slope(0.0, 1.0) == float("-inf")


@pytest.mark.parametrize("input_std", [1.0, 0.3])
@pytest.mark.parametrize(
    ("d_hidden", "n_seeds", "gains", "tolerance"),
    [(64, 32, (0.5, 0.8, 1.0, 1.2, 1.5, 2.0), 0.05), (256, 5, (1.0, 1.5, 2.0, 3.0), 0.03)],
)
def test_measured_slopes_follow_mean_field_theory(d_hidden, n_seeds, gains, tolerance, input_std):
    draws = generator()
    cell = draw_cell("tanh", n_seeds, 64, d_hidden, draws, input_gain=input_std)
    inputs = 8 * torch.nn.functional.normalize(torch.randn(129, 64, generator=draws), dim=-1)
    cells = stack([with_gain(cell, gain) for gain in gains])  # projections of variance input_std²
    found = log_norms(cells, inputs, torch.randn(d_hidden, generator=draws))
    slopes = (found[:, 8] - found[:, -9]) / 112
    for gain, slope in zip(gains, slopes.unflatten(0, (-1, n_seeds)), strict=True):
        theory = mean_field_slope(gain, input_std)
        assert slope.median().item() == pytest.approx(theory, abs=tolerance)


def test_distances_are_spread_on_a_logarithmic_scale():
    assert log_spaced(127, 16) == [1, 2, 3, 4, 5, 7, 10, 13, 18, 25, 35, 48, 67, 92, 127]
    assert log_spaced(1, 16) == [1]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_cells_with_gates_are_refused(kind):
    cell, inputs, grad_last = drawn(kind)
    hidden = hidden_gradients(cell, inputs, grad_last).hidden
    message = f"kind='{kind}' has gates"
    for function in (jacobians, jacobian_product, log_step_norms):
        with pytest.raises(ValueError, match=message):
            function(cell, hidden)
    for function in (pascanu_bound, spectral_radius):
        with pytest.raises(ValueError, match=message):
            function(cell)


def test_a_single_step_has_no_product():
    cell, _, _ = drawn("tanh")
    with pytest.raises(ValueError, match="length=1 is below 2"):
        jacobian_product(cell, torch.zeros(5, 1, 13).double())


@pytest.mark.parametrize("arguments", [(-1.0, 1.0), (1.0, -0.1)])
def test_negative_strengths_are_refused(arguments):
    with pytest.raises(ValueError, match="is negative"):
        mean_field_slope(*arguments)
