from math import sqrt

import pytest
import torch

from core.attention import causal_mask, scaled_dot_product_attention
from core.scaling import (
    WIDTHS,
    compare_scaling,
    output_gradients,
    softmax_jacobian,
    softmax_statistics,
    sum_of_others,
)

# SCIENCE's table for unscaled scores of 64 keys: d_k -> spread, entropy / ln n, largest weight,
# Frobenius norm of the Jacobian, gradient at q. Medians over other draws of the same experiment.
MEASURED = {
    1: (1, 0.951, 0.06, 0.148, 0.10),
    4: (2, 0.707, 0.22, 0.258, 0.36),
    16: (4, 0.319, 0.58, 0.323, 0.84),
    64: (8, 0.111, 0.88, 0.176, 0.76),
    256: (16, 0.018, 0.987, 0.026, 0.23),
}


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module")
def sweep():
    return compare_scaling(torch.Generator().manual_seed(0), n_sequences=16)


def at_width(statistics, width):
    return [float(values[WIDTHS.index(width)]) for values in vars(statistics).values()]


@pytest.mark.parametrize("width", MEASURED)
def test_unscaled_softmax_saturates_as_measured(sweep, width):
    spread, entropy, largest, jacobian, gradient = at_width(sweep.unscaled, width)
    expected = MEASURED[width]
    assert spread == pytest.approx(expected[0], rel=0.05)
    assert entropy == pytest.approx(expected[1], abs=0.03)
    assert largest == pytest.approx(expected[2], abs=0.05)
    assert jacobian == pytest.approx(expected[3], rel=0.25)
    assert gradient == pytest.approx(expected[4], rel=0.35)


@pytest.mark.parametrize(
    ("width", "jacobian", "gradient"), [(1024, 3.0e-4, 3.7e-3), (4096, 5.9e-8, 3.4e-6)]
)
def test_unscaled_gradients_die_as_measured(sweep, width, jacobian, gradient):
    # The median over different draws differs by a factor here: gaps between two keys decide.
    found = at_width(sweep.unscaled, width)
    assert jacobian / 10 < found[3] < jacobian * 10
    assert gradient / 10 < found[4] < gradient * 10


@pytest.mark.parametrize("width", [16, 64, 256, 1024, 4096])
def test_scaled_softmax_stays_alive_at_any_width(sweep, width):
    found = at_width(sweep.scaled, width)
    expected = (1.0, 0.89, 0.096, 0.179, 0.165)
    assert found == pytest.approx(expected, rel=0.1)


def test_scores_spread_as_theory_says(sweep):
    torch.testing.assert_close(sweep.unscaled.spread, sweep.expected_spread, rtol=0.05, atol=0)
    torch.testing.assert_close(sweep.scaled.spread, torch.ones(13).double(), rtol=0.05, atol=0)
    assert sweep.expected_spread[-1] == 64


def test_the_unscaled_jacobian_falls_a_hundredfold_from_64_to_1024(sweep):
    norms = sweep.unscaled.jacobian_norm
    assert norms[WIDTHS.index(64)] > 100 * norms[WIDTHS.index(1024)]


def test_the_same_seed_gives_the_same_sweep_and_leaves_the_global_one_alone():
    state = torch.random.get_rng_state()
    first, again, other = (
        compare_scaling(torch.Generator().manual_seed(seed), (1, 7), 5, 3) for seed in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.unscaled.gradient_norm, again.unscaled.gradient_norm)
    assert not torch.equal(first.unscaled.gradient_norm, other.unscaled.gradient_norm)


@pytest.mark.parametrize("scale", [True, False])
def test_statistics_equal_those_of_autograd(scale):
    q, k, v = random(3, 5, 7), random(3, 11, 7, seed=1), random(3, 11, 1, seed=2)
    found = softmax_statistics(q, k, v, scale)
    q.requires_grad_()
    trace = scaled_dot_product_attention(q, k, v, scale=scale)
    (grad_q,) = torch.autograd.grad(trace.output.sum(), q)
    p = trace.weights.detach()
    jacobian = torch.diag_embed(p) - p[..., :, None] * p[..., None, :]
    entropy = -(p * p.log()).sum(dim=-1) / torch.log(torch.tensor(11.0))
    expected = [
        trace.scores.std(),
        entropy.median(),
        p.amax(dim=-1).median(),
        torch.linalg.matrix_norm(jacobian).median(),
        grad_q.norm(dim=-1).median(),
    ]
    torch.testing.assert_close(found, torch.stack(expected).detach())


def test_the_jacobian_of_softmax_equals_autograd():
    scores = random(11)
    reference = torch.autograd.functional.jacobian(lambda s: s.softmax(dim=-1), scores)
    torch.testing.assert_close(softmax_jacobian(scores.softmax(dim=-1)), reference)


def test_the_jacobian_is_symmetric_and_its_rows_sum_to_zero():
    jacobian = softmax_jacobian((3 * random(2, 3, 11)).softmax(dim=-1))
    torch.testing.assert_close(jacobian, jacobian.mT)
    assert jacobian.sum(dim=-1).abs().max() < 1e-15


def test_the_jacobian_keeps_what_one_minus_p_would_round_away():
    weights = torch.tensor([0.0, -50.0]).softmax(dim=-1)  # float32: exactly 1, and 2e-22
    assert weights[0] == 1
    jacobian = softmax_jacobian(weights)
    torch.testing.assert_close(jacobian, weights[1] * torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))


def test_the_sum_of_others_leaves_one_out():
    assert sum_of_others(torch.tensor([1.0, 2.0, 4.0])).tolist() == [6, 5, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((),), r"widths=\(\) is not"),
        (((1, 0),), r"widths=\(1, 0\) is not"),
        (((1,), 1), "n_keys=1 is below 2"),
        (((1,), 2, 0), "n_sequences=0 below 1"),
    ],
)
def test_a_sweep_over_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare_scaling(torch.Generator(), *arguments)


@pytest.mark.parametrize("masked", [False, True], ids=["open", "masked"])
@pytest.mark.parametrize("scale", [True, False], ids=["scaled", "unscaled"])
def test_output_gradients_equal_the_formulas(masked, scale):
    q, k, v = random(5, 7), random(5, 7, seed=1), random(5, 3, seed=2)
    mask = causal_mask(5) if masked else None
    grad_q, grad_k, grad_v = output_gradients(q, k, v, 3, 1, mask, scale)
    weights = scaled_dot_product_attention(q, k, v, mask, scale).weights[3]
    factor = 1 / sqrt(7) if scale else 1
    grad_scores = weights * (v[:, 1] - weights @ v[:, 1]) * factor
    expected = torch.zeros(5, 7).double(), torch.outer(grad_scores, q[3]), torch.zeros(5, 3).double()
    expected[0][3] = grad_scores @ k
    expected[2][:, 1] = weights
    for found, reference in zip((grad_q, grad_k, grad_v), expected, strict=True):
        torch.testing.assert_close(found, reference)


def test_output_gradients_predict_a_small_step():
    q, k, v = random(5, 7), random(11, 7, seed=1), random(11, 3, seed=2)
    gradients = output_gradients(q, k, v, 3, 1)
    steps = [1e-6 * random(*tensor.shape, seed=9) for tensor in (q, k, v)]
    before = scaled_dot_product_attention(q, k, v).output[3, 1]
    moved = scaled_dot_product_attention(q + steps[0], k + steps[1], v + steps[2]).output[3, 1]
    predicted = sum((g * s).sum() for g, s in zip(gradients, steps, strict=True))
    assert float(moved - before) == pytest.approx(float(predicted), rel=1e-4)


def test_gradients_of_a_trace_of_the_real_model_need_no_preparation(encoder):
    attention = encoder.trace("The cat sat.").blocks[2].attention
    q, k, v = attention.q[5], attention.k[5], attention.v[5]
    with torch.inference_mode():
        grad_q, _, grad_v = output_gradients(q, k, v, 1, 0)
    assert (grad_q[1] != 0).any()
    assert (grad_q[[0, 2, 3, 4, 5]] == 0).all()
    torch.testing.assert_close(grad_v[:, 0], attention.weights[5, 1])


@pytest.mark.parametrize(("query", "dimension"), [(5, 0), (-1, 0), (0, 3), (0, -1)])
def test_an_output_that_does_not_exist_is_refused(query, dimension):
    with pytest.raises(ValueError, match="is outside 5 rows x 3 columns"):
        output_gradients(random(5, 7), random(11, 7), random(11, 3), query, dimension)
