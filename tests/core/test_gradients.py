from math import log
from typing import get_args

import pytest
import torch

from core.gradients import (
    STEPS_PER_RESCALING,
    backpropagate,
    hidden_gradients,
    hidden_gradients_by_autograd,
    log_norms,
    norms,
    parameter_gradients,
)
from core.rnn import (
    Cell,
    Init,
    Kind,
    draw_cell,
    run,
    run_plainly,
    stack,
    with_forget_bias,
    with_gain,
)

KINDS = get_args(Kind)
GAINS = (0.5, 1.0, 1.5)
N_SEEDS, D_INPUT, D_HIDDEN, LENGTH, BATCH = 5, 7, 11, 19, 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, generator=generator(seed), dtype=dtype)


def a_cell(kind, init="pytorch", gain=1.0, dtype=torch.float64, d_hidden=D_HIDDEN):
    """Weights with no bias 0, unless another draw is asked for."""
    cell = draw_cell(kind, N_SEEDS, D_INPUT, d_hidden, generator(), init)
    return with_gain(cell, gain).to(dtype)


def one_unit(kind, weight):
    """One network with one unit, which reads its input as it is."""
    weights = torch.ones(1, 1, 1), torch.full((1, 1, 1), weight), torch.zeros(1, 1)
    return Cell(kind, *weights).to(torch.float64)


def lab(kind, n_seeds=16, length=128, d_hidden=64, gain=1.0, init="gaussian", seed=0):
    """The networks of the lesson: inputs and their projections of variance 1, ‖∂L/∂h_T‖ = 1."""
    draws = generator(seed)
    cell = with_gain(draw_cell(kind, n_seeds, 32, d_hidden, draws, init), gain)
    inputs = torch.randn(length, 32, generator=draws)
    grad_last = torch.nn.functional.normalize(torch.randn(d_hidden, generator=draws), dim=0)
    return cell, inputs, grad_last


def decades(cell, inputs, grad_last, distance):
    """log₁₀ ‖∂L/∂h_{T−distance}‖, seed by seed, for a start of norm 1."""
    return log_norms(cell, inputs, grad_last)[:, -1 - distance] / log(10)


def test_gradients_of_one_unit_are_what_a_hand_computes():
    cell = one_unit("tanh", 0.5)
    inputs = torch.tensor([[0.3], [-0.2]], dtype=torch.float64)
    trace = hidden_gradients(cell, inputs, torch.full((1,), 2.0).double())
    h_1 = inputs[0, 0].tanh()
    h_2 = (0.5 * h_1 - 0.2).tanh()
    torch.testing.assert_close(trace.hidden[0, :, 0], torch.stack([h_1, h_2]))
    assert trace.grad_hidden[0, 1, 0] == 2
    torch.testing.assert_close(trace.grad_hidden[0, 0, 0], 2 * (1 - h_2**2) * 0.5)
    torch.testing.assert_close(trace.norms, trace.grad_hidden[..., 0].abs())


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("init", get_args(Init))
@pytest.mark.parametrize("kind", KINDS)
def test_hidden_gradients_equal_autograd_at_every_step(kind, init, gain):
    arguments = a_cell(kind, init, gain), random(LENGTH, D_INPUT), random(D_HIDDEN, seed=2)
    require_equal_steps(*arguments, tolerance=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_gradients_equal_autograd_in_float32(kind):
    cell = a_cell(kind, "gaussian", dtype=torch.float32, d_hidden=64)
    inputs, grad_last = (random(*shape, dtype=torch.float32) for shape in ((31, D_INPUT), (64,)))
    require_equal_steps(cell, inputs, grad_last, tolerance=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_over_many_steps_float32_is_about_as_exact_as_autograd(kind):
    """Rounding adds up, in the plain loop as well: float64 is the judge of both."""
    cell, inputs, grad_last = lab(kind)
    arguments = cell.to(torch.float64), inputs.double(), grad_last.double()
    exact = hidden_gradients(*arguments).grad_hidden[:, -50:]
    fast, plain = (
        (norms(form(cell, inputs, grad_last).grad_hidden[:, -50:] - exact) / norms(exact)).median()
        for form in (hidden_gradients, hidden_gradients_by_autograd)
    )
    assert fast < 3e-6
    assert fast < 3 * plain


@pytest.mark.parametrize("kind", KINDS)
def test_each_network_can_start_from_a_gradient_of_its_own(kind):
    arguments = a_cell(kind), random(LENGTH, D_INPUT), random(N_SEEDS, D_HIDDEN, seed=2)
    require_equal_steps(*arguments, tolerance=1e-10)


def require_equal_steps(cell, inputs, grad_last, tolerance):
    fast = hidden_gradients(cell, inputs, grad_last)
    plain = hidden_gradients_by_autograd(cell, inputs, grad_last)
    assert fast.norms.dtype == torch.float64
    assert (plain.norms[:, -1] > 0).all()
    for name in ("hidden", "grad_hidden"):
        expected = getattr(plain, name)
        difference = norms(getattr(fast, name).double() - expected.double())
        assert (difference <= tolerance * norms(expected)).all()
    torch.testing.assert_close(fast.norms, plain.norms, rtol=tolerance, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_can_be_used_with_autograd_again(kind):
    trace = hidden_gradients(a_cell(kind), random(LENGTH, D_INPUT), random(D_HIDDEN))
    assert trace.hidden.requires_grad_().square().sum().requires_grad
    assert trace.grad_hidden.add_(1).requires_grad_().sum().requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_gives_back_the_gradient_it_is_given(kind):
    grad_last = random(D_HIDDEN)
    trace = hidden_gradients(a_cell(kind), random(1, D_INPUT), grad_last)
    assert torch.equal(trace.grad_hidden, grad_last.expand(N_SEEDS, 1, -1))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_linear_in_the_last_one(kind):
    cell, inputs = a_cell(kind), random(LENGTH, D_INPUT)
    first, second = random(D_HIDDEN), random(D_HIDDEN, seed=2)
    one, two, both = (
        hidden_gradients(cell, inputs, g).grad_hidden for g in (first, second, 3 * first - second)
    )
    torch.testing.assert_close(both, 3 * one - two)


@pytest.mark.parametrize("n_steps", [1, STEPS_PER_RESCALING, LENGTH])
@pytest.mark.parametrize("kind", KINDS)
def test_log_norms_are_the_logarithms_of_the_norms(kind, n_steps):
    arguments = a_cell(kind), random(n_steps, D_INPUT), random(D_HIDDEN, seed=2)
    torch.testing.assert_close(log_norms(*arguments), hidden_gradients(*arguments).norms.log())


def test_log_norms_go_on_where_float64_ends():
    for weight in (0.01, 100.0):
        cell = one_unit("linear", weight).to(torch.float32)
        found = log_norms(cell, torch.zeros(257, 1), torch.ones(1))[0].flip(0)
        torch.testing.assert_close(found, torch.arange(257).double() * log(weight))
        assert found[-1].abs() > 1000  # e^1000 is no float64


@pytest.mark.parametrize("kind", ["tanh", "relu", "linear"])
def test_a_gain_of_zero_stops_the_gradient_at_the_first_step(kind):
    arguments = a_cell(kind, gain=0.0), random(LENGTH, D_INPUT), random(D_HIDDEN)
    trace = hidden_gradients(*arguments)
    assert (trace.norms[:, :-1] == 0).all()
    assert (log_norms(*arguments)[:, :-1] == float("-inf")).all()
    assert (trace.norms[:, -1] > 0).all()


@pytest.mark.parametrize("shared", [True, False], ids=["one sequence", "batches"])
@pytest.mark.parametrize("kind", KINDS)
def test_parameter_gradients_equal_autograd_for_every_seed(kind, shared):
    cell = a_cell(kind)
    inputs = random(LENGTH, D_INPUT) if shared else random(LENGTH, N_SEEDS, BATCH, D_INPUT)
    grad_last = random(N_SEEDS, 1 if shared else BATCH, D_HIDDEN, seed=2)
    weights = [w.clone().requires_grad_() for w in cell.weights]
    run_plainly(Cell(kind, *weights), inputs)[-1].backward(grad_last)
    states = run(cell, inputs)
    gradients = backpropagate(cell, states, grad_last)
    assert (gradients.recurrent[0] == 0).all()
    assert (gradients.projected[0] == 0).all()
    found = parameter_gradients(cell, inputs, states, gradients)
    assert found.kind == kind
    for gradient, weight in zip(found.weights, weights, strict=True):
        torch.testing.assert_close(gradient, weight.grad, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_parameter_gradients_predict_what_a_small_step_changes(kind):
    cell, inputs = a_cell(kind), random(LENGTH, D_INPUT)
    grad_last = random(N_SEEDS, 1, D_HIDDEN, seed=2)
    states = run(cell, inputs)
    gradients = parameter_gradients(cell, inputs, states, backpropagate(cell, states, grad_last))
    step = [1e-6 * random(*w.shape, seed=9) for w in cell.weights]
    moved = Cell(kind, *(w + s for w, s in zip(cell.weights, step, strict=True)))
    change = ((run(moved, inputs).hidden[-1] - states.hidden[-1]) * grad_last).sum()
    predicted = sum((g * s).sum() for g, s in zip(gradients.weights, step, strict=True))
    assert change.item() == pytest.approx(predicted.item(), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_can_be_found_within_a_training_loop(kind):
    cell, inputs = a_cell(kind), random(LENGTH, N_SEEDS, BATCH, D_INPUT)
    states = run(cell, inputs)
    gradients = backpropagate(cell, states, states.hidden[-1])
    update = parameter_gradients(cell, inputs, states, gradients)
    for weight, gradient in zip(cell.weights, update.weights, strict=True):
        weight.sub_(0.01 * gradient)
    assert (run(cell, inputs).hidden[-1].norm() < states.hidden[-1].norm()).item()


@pytest.mark.parametrize("shape", [(D_HIDDEN + 1,), (N_SEEDS + 1, D_HIDDEN), (1, D_HIDDEN)])
def test_a_last_gradient_that_does_not_fit_is_refused(shape):
    for function in (hidden_gradients, hidden_gradients_by_autograd, log_norms):
        with pytest.raises(ValueError, match="does not fit n_seeds=5, d_hidden=11"):
            function(a_cell("tanh"), random(LENGTH, D_INPUT), random(*shape))


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit n_seeds=5 and d_input=7"):
        hidden_gradients(a_cell("tanh"), random(LENGTH, D_INPUT + 1), random(D_HIDDEN))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_on_the_device_of_the_cell(kind):
    arguments = [t.to("meta") for t in (random(LENGTH, D_INPUT), random(D_HIDDEN))]
    cell = a_cell(kind).to(torch.device("meta"))
    assert hidden_gradients(cell, *arguments).norms.device.type == "meta"
    assert log_norms(cell, *arguments).device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_finds_the_same_gradients(kind):
    cell, inputs, grad_last = a_cell(kind), random(LENGTH, D_INPUT), random(D_HIDDEN)
    here = hidden_gradients(cell, inputs, grad_last)
    there = hidden_gradients(cell.to(torch.device("cuda")), inputs.cuda(), grad_last.cuda())
    torch.testing.assert_close(there.norms.cpu(), here.norms)


# What the lesson says, on its own networks; every claim for every seed


def test_the_norm_in_float32_dies_long_before_the_gradient():
    cell, inputs, grad_last = default_recurrent_weights("tanh")
    trace = hidden_gradients(cell, inputs, grad_last)
    squared_in_float32 = trace.grad_hidden.norm(dim=-1).flip(1)
    died = (squared_in_float32 == 0).int().argmax(dim=1)
    gone = (trace.norms.flip(1) == 0).int().argmax(dim=1)
    assert died.float().median().item() == pytest.approx(53, abs=4)
    assert gone.float().median().item() == pytest.approx(106, abs=8)
    assert (gone > 1.7 * died).all()


def default_recurrent_weights(kind):
    """PyTorch's U(±1/√d_hidden) within, but biases 0 and projections of variance 1."""
    cell, inputs, grad_last = lab(kind)
    pytorch = draw_cell(kind, 16, 32, 64, generator(), "pytorch")
    return Cell(kind, cell.w_x, pytorch.w_h, cell.b, cell.b_n), inputs, grad_last


@pytest.mark.parametrize(("kind", "slope"), [("tanh", -0.68), ("gru", -0.47), ("lstm", -0.49)])
def test_every_network_vanishes_as_pytorch_draws_it(kind, slope):
    _, inputs, grad_last = lab(kind)
    found = log_norms(draw_cell(kind, 16, 32, 64, generator(), "pytorch"), inputs, grad_last)
    slopes = (found[:, -101] - found[:, -11]) / 90
    assert slopes.median().item() == pytest.approx(slope, abs=0.05)
    assert (slopes < -0.3).all()


@pytest.mark.parametrize("bias", [3.0, 5.0])
def test_an_open_forget_gate_keeps_the_gradient_alive_in_every_seed(bias):
    cell, inputs, grad_last = lab("lstm", init="orthogonal")
    closed = decades(cell, inputs, grad_last, 100)
    opened = decades(with_forget_bias(cell, bias), inputs, grad_last, 100)
    assert (closed < -15).all()
    assert (opened > -3).all()


def test_forget_bias_one_is_not_enough():
    cell, inputs, grad_last = lab("lstm")
    reached = decades(with_forget_bias(cell, 1.0), inputs, grad_last, 100)
    assert (reached < -6).all()


def test_a_spectral_radius_above_one_need_not_explode():
    cell, inputs, grad_last = lab("tanh", gain=1.2)
    radius = torch.linalg.eigvals(cell.w_h).abs().amax(dim=-1)
    assert radius.median().item() == pytest.approx(1.2, rel=0.1)
    reached = decades(cell, inputs, grad_last, 50)
    assert reached.median().item() == pytest.approx(-7.2, abs=0.7)
    assert (reached < -5).all()


def test_a_large_gain_explodes_in_every_seed():
    cell, inputs, grad_last = lab("tanh", gain=3.0)
    assert (decades(cell, inputs, grad_last, 100) > 5).all()


def test_the_parameter_gradient_hides_what_vanishes():
    cell, inputs, grad_last = lab("tanh")
    gains = (0.5, 1.0, 1.5, 3.0)
    cell = stack([with_gain(cell, gain) for gain in gains])
    states = run(cell, inputs)
    gradients = backpropagate(cell, states, grad_last.expand(len(gains) * 16, 1, -1))
    norm = parameter_gradients(cell, inputs, states, gradients).w_h.flatten(1).norm(dim=1)
    half, one, more, three = norm.unflatten(0, (len(gains), 16))
    reached = log_norms(cell, inputs, grad_last)[:, 0].unflatten(0, (len(gains), 16))
    assert (reached[1] - reached[0] > 40).all()  # e^40 times as much arrives at the first step
    assert (one / half < 2).all()
    assert (more / half < 4).all()
    assert (three / one > 100).all()
