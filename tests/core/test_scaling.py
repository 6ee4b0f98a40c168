from math import sqrt
from statistics import median

import pytest
import torch

from core.attention import causal_mask, scaled_dot_product_attention
from core.scaling import (
    WIDTHS,
    compare_scaling,
    output_gradients,
    softmax_statistics,
    sum_of_others,
)

# Measured once with other draws of the same experiment (64 keys, no scaling): d_k -> spread of the
# scores, entropy / ln n, largest weight, Frobenius norm of the Jacobian, gradient at q.
MEASURED = {
    1: (1, 0.951, 0.06, 0.148, 0.10),
    4: (2, 0.707, 0.22, 0.258, 0.36),
    16: (4, 0.319, 0.58, 0.323, 0.84),
    64: (8, 0.111, 0.88, 0.176, 0.76),
    256: (16, 0.018, 0.987, 0.026, 0.23),
    1024: (32, 0.0, 0.9998, 3.0e-4, 3.7e-3),
    4096: (65, 0.0, 1.0, 5.9e-8, 3.4e-6),
}


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module")
def sweeps():
    widths = tuple(MEASURED)
    return [compare_scaling(torch.Generator().manual_seed(seed), widths) for seed in range(8)]


def median_over_seeds(sweeps, kind, width):
    """Statistics of one width, in the order of MEASURED."""
    column = list(MEASURED).index(width)
    fields = ("spread", "entropy", "largest_weight", "jacobian_norm", "gradient_norm")
    return [
        median(float(getattr(getattr(sweep, kind), field)[column]) for sweep in sweeps)
        for field in fields
    ]


@pytest.mark.parametrize("width", MEASURED)
def test_unscaled_softmax_saturates_as_measured(sweeps, width):
    spread, entropy, largest, jacobian, gradient = MEASURED[width]
    found = median_over_seeds(sweeps, "unscaled", width)
    assert found[0] == pytest.approx(spread, rel=0.03)
    assert found[1] == pytest.approx(entropy, abs=0.03)
    assert found[2] == pytest.approx(largest, abs=0.04)
    # In the far tail the gap between the two largest scores decides, and medians differ by factors.
    factor = 1.25 if width <= 256 else 4
    assert jacobian / factor < found[3] < jacobian * factor
    assert gradient / factor < found[4] < gradient * factor


@pytest.mark.parametrize("width", [16, 64, 256, 1024, 4096])
def test_scaled_softmax_stays_alive_at_any_width(sweeps, width):
    found = median_over_seeds(sweeps, "scaled", width)
    assert found == pytest.approx([1.0, 0.89, 0.096, 0.179, 0.165], rel=0.06)


def test_scores_spread_as_theory_says(sweeps):
    for sweep in sweeps:
        expected = sweep.expected_spread
        torch.testing.assert_close(sweep.unscaled.spread, expected, rtol=0.1, atol=0)
        scaled = sweep.unscaled.spread / expected
        torch.testing.assert_close(sweep.scaled.spread, scaled)
    assert sweeps[0].expected_spread.tolist() == [1, 2, 4, 8, 16, 32, 64]


def test_the_unscaled_jacobian_falls_a_hundredfold_from_64_to_1024(sweeps):
    before, after = (median_over_seeds(sweeps, "unscaled", width)[3] for width in (64, 1024))
    assert before > 100 * after


def test_a_sweep_reaches_from_1_to_4096_unless_asked_otherwise():
    assert WIDTHS[0] == 1
    assert WIDTHS[-1] == 4096
    assert compare_scaling(torch.Generator(), n_keys=3, n_sequences=1).widths == WIDTHS


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
    expected = (
        torch.zeros(5, 7).double(),
        torch.outer(grad_scores, q[3]),
        torch.zeros(5, 3).double(),
    )
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


def test_gradients_are_found_on_the_device_of_the_inputs():
    x = torch.empty(5, 7, device="meta")
    assert softmax_statistics(x, x, x[:, :1], True).device.type == "meta"
    assert output_gradients(x, x, x, 3, 1)[0].device.type == "meta"
