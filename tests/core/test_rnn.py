from math import log, sqrt, tanh
from typing import get_args

import pytest
import torch
from torch import nn

from core.rnn import (
    GATES,
    Cell,
    Init,
    Kind,
    draw_cell,
    gru_step,
    linear_step,
    lstm_step,
    relu_step,
    run,
    run_plainly,
    stack,
    tanh_step,
    with_chrono_bias,
    with_forget_bias,
    with_gain,
)

KINDS = get_args(Kind)
N_SEEDS, D_INPUT, D_HIDDEN, LENGTH, BATCH = 5, 7, 11, 13, 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def a_cell(kind, init="pytorch", n_seeds=N_SEEDS, d_input=D_INPUT, d_hidden=D_HIDDEN, seed=0):
    """A float64 cell; "pytorch" is the draw in which no bias is 0."""
    return draw_cell(kind, n_seeds, d_input, d_hidden, generator(seed), init).to(torch.float64)


def random(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def one_number_cell(kind, w_x, w_h, b, b_n=None):
    """One network with one unit and one input; a list has one number per gate."""
    weights = [torch.tensor([[w_x]]), torch.tensor([[w_h]]), torch.tensor([b])]
    return Cell(kind, *weights, None if b_n is None else torch.tensor([[b_n]]))


def numbers(*values):
    return [torch.tensor([[[value]]]) for value in values]


def sigmoid(x):
    return 1 / (1 + 2.718281828459045**-x)


@pytest.mark.parametrize(
    ("step", "kind", "expected"),
    [
        (tanh_step, "tanh", tanh(0.5 * 3 - 2 * 0.25 + 0.1)),
        (relu_step, "relu", 1.1),
        (linear_step, "linear", 1.1),
    ],
)
def test_a_step_is_what_a_hand_computes(step, kind, expected):
    cell = one_number_cell(kind, [0.5], [-2.0], [0.1])
    assert step(cell, *numbers(3.0, 0.25)).item() == pytest.approx(expected)


def test_relu_cuts_off_what_is_negative():
    assert relu_step(one_number_cell("relu", [1.0], [1.0], [0.0]), *numbers(-3.0, 1.0)).item() == 0


def test_an_lstm_step_is_what_a_hand_computes():
    cell = one_number_cell("lstm", [1.0, 2.0, -1.0, 0.5], [0.5, 0.0, 1.0, 2.0], [0.1, 0.2, 0.3, 0])
    x, hidden, memory = 0.4, -0.6, 1.5
    o, i, f = sigmoid(0.4 - 0.3 + 0.1), sigmoid(0.8 + 0.2), sigmoid(-0.4 - 0.6 + 0.3)
    new_memory = f * memory + i * tanh(0.2 - 1.2)
    found_hidden, found_memory = lstm_step(cell, *numbers(x, hidden, memory))
    assert found_memory.item() == pytest.approx(new_memory)
    assert found_hidden.item() == pytest.approx(o * tanh(new_memory))


def test_a_gru_step_is_what_a_hand_computes():
    cell = one_number_cell("gru", [1.0, 2.0, -1.0], [0.5, 1.0, 2.0], [0.1, 0.2, 0.3], 0.7)
    x, hidden = 0.4, -0.6
    r, z = sigmoid(0.4 - 0.3 + 0.1), sigmoid(0.8 - 0.6 + 0.2)
    n = tanh(-0.4 + 0.3 + r * (-1.2 + 0.7))
    found = gru_step(cell, *numbers(x, hidden))
    assert found.item() == pytest.approx(z * hidden + (1 - z) * n)


@pytest.mark.parametrize("init", get_args(Init))
@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_run_equals_the_plain_loop(kind, init):
    cell = a_cell(kind, init)
    for inputs in (random(LENGTH, D_INPUT), random(LENGTH, N_SEEDS, BATCH, D_INPUT)):
        states = run(cell, inputs)
        torch.testing.assert_close(states.hidden[1:], torch.stack(run_plainly(cell, inputs)))
        assert (states.hidden[0] == 0).all()


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("tanh", nn.RNNCell(D_INPUT, D_HIDDEN)),
        ("relu", nn.RNNCell(D_INPUT, D_HIDDEN, nonlinearity="relu")),
        ("lstm", nn.LSTMCell(D_INPUT, D_HIDDEN)),
        ("gru", nn.GRUCell(D_INPUT, D_HIDDEN)),
    ],
)
def test_each_network_equals_torchs_cell_with_its_weights(kind, module):
    cell, inputs = a_cell(kind), random(LENGTH, D_INPUT)
    states = run(cell, inputs)
    for seed in range(N_SEEDS):
        give_weights(module.double(), cell, seed)
        hidden = memory = torch.zeros(1, D_HIDDEN, dtype=torch.float64)
        for t, x in enumerate(inputs, 1):
            if kind == "lstm":
                hidden, memory = module(x[None], (hidden, memory))
            else:
                hidden = module(x[None], hidden)
            torch.testing.assert_close(states.hidden[t, seed], hidden.detach())


def give_weights(module, cell, seed):
    """Put one network's weights where PyTorch has them: transposed, an LSTM's gates as i f g o."""
    order = [1, 2, 3, 0] if cell.kind == "lstm" else range(len(GATES[cell.kind]))
    columns = torch.cat([torch.arange(D_HIDDEN) + gate * D_HIDDEN for gate in order])
    with torch.no_grad():
        module.weight_ih.copy_(cell.w_x[seed][:, columns].T)
        module.weight_hh.copy_(cell.w_h[seed][:, columns].T)
        module.bias_ih.copy_(cell.b[seed][columns])
        module.bias_hh.zero_()
        if cell.b_n is not None:
            module.bias_hh[-D_HIDDEN:] = cell.b_n[seed]


def test_a_gru_without_the_inner_bias_runs_as_with_zeros():
    cell, inputs = a_cell("gru"), random(LENGTH, D_INPUT)
    without = Cell("gru", *cell.weights[:3])
    zeros = Cell("gru", *cell.weights[:3], torch.zeros_like(cell.b_n))
    torch.testing.assert_close(run(without, inputs).hidden, run(zeros, inputs).hidden)
    plain = torch.stack(run_plainly(without, inputs))
    torch.testing.assert_close(run(without, inputs).hidden[1:], plain)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_and_sequences_do_not_touch_each_other(kind):
    cell, inputs = a_cell(kind), random(LENGTH, N_SEEDS, BATCH, D_INPUT)
    together = run(cell, inputs).hidden
    alone = Cell(kind, *(w[2:3] for w in cell.weights))
    single = run(alone, inputs[:, 2:3, 1:2]).hidden
    torch.testing.assert_close(together[:, 2:3, 1:2], single)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_depends_on_what_came_before_it_only(kind):
    cell, inputs = a_cell(kind), random(LENGTH, D_INPUT)
    changed = inputs.clone()
    changed[8] += 1
    before, after = run(cell, inputs).hidden, run(cell, changed).hidden
    assert torch.equal(before[:9], after[:9])
    assert (before[9] != after[9]).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_a_run_holds_the_states_of_its_times(kind):
    states = run(a_cell(kind), random(LENGTH, D_INPUT))
    part = states.between(3, 8)
    assert type(part) is type(states)
    for name, tensor in vars(part).items():
        assert torch.equal(tensor, getattr(states, name)[3:9])


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_gaussian_weights_have_the_spread_they_promise(kind):
    cell = draw_cell(kind, 5, 101, 103, generator(), input_gain=1.7)
    assert cell.w_h.std().item() == pytest.approx(1 / sqrt(103), rel=0.01)
    assert cell.w_x.std().item() == pytest.approx(1.7 / sqrt(101), rel=0.01)
    assert (cell.b == 0).all()


def test_orthogonal_matrices_keep_lengths_in_every_gate():
    blocks = a_cell("gru", "orthogonal").w_h.unflatten(-1, (3, D_HIDDEN)).transpose(1, 2)
    identity = torch.eye(D_HIDDEN, dtype=torch.float64).expand_as(blocks)
    torch.testing.assert_close(blocks @ blocks.mT, identity, atol=1e-6, rtol=0)
    assert len({round(block.trace().item(), 3) for block in blocks.flatten(0, 1)}) == 3 * N_SEEDS
    assert {round(d.item()) for d in torch.linalg.det(blocks.flatten(0, 1))} == {-1, 1}


def test_identity_matrices_hand_the_state_on():
    cell = a_cell("relu", "identity")
    state = random(N_SEEDS, BATCH, D_HIDDEN).abs()
    unmoved = relu_step(cell, torch.zeros(N_SEEDS, BATCH, D_INPUT).double(), state)
    torch.testing.assert_close(unmoved, state)


@pytest.mark.parametrize("kind", KINDS)
def test_pytorchs_weights_are_even_between_their_bounds(kind):
    cell = draw_cell(kind, 7, 31, 37, generator(), "pytorch")
    bound = 1 / sqrt(37)
    for w in (cell.w_x, cell.w_h):
        assert w.abs().max().item() == pytest.approx(bound, rel=0.01)
        assert w.std().item() == pytest.approx(bound / sqrt(3), rel=0.02)
    single = cell.b[:, 74:] if kind == "gru" else cell.b[:, :0]  # beside b_n, which has the other
    double = cell.b[:, :74] if kind == "gru" else cell.b
    assert bound < double.abs().max() <= 2 * bound
    assert (single.abs() <= bound).all()
    if kind == "gru":
        assert 0 < cell.b_n.abs().max() <= bound


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_one_alone():
    state = torch.random.get_rng_state()
    first, again, other = (a_cell("gru", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.weights, again.weights, strict=True))
    assert not torch.equal(first.w_h, other.w_h)


def test_a_gain_multiplies_the_recurrent_matrix_of_the_same_draw():
    cell = a_cell("tanh", "gaussian")
    gained = with_gain(cell, 1.5)
    torch.testing.assert_close(gained.w_h, 1.5 * cell.w_h)
    assert gained.w_x is cell.w_x
    assert gained.b is cell.b


@pytest.mark.parametrize(("kind", "block"), [("lstm", 2), ("gru", 1)])
def test_a_forget_bias_raises_one_gate_only(kind, block):
    cell = a_cell(kind)
    raised = with_forget_bias(cell, 3.0).b - cell.b
    expected = torch.zeros(N_SEEDS, len(GATES[kind]), D_HIDDEN).double()
    expected[:, block] = 3
    torch.testing.assert_close(raised, expected.flatten(1))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_huge_forget_bias_keeps_the_memory_as_it_is(kind):
    cell = with_forget_bias(a_cell(kind), 1e3)
    state, x = random(N_SEEDS, BATCH, D_HIDDEN), random(N_SEEDS, BATCH, D_INPUT, seed=2)
    if kind == "gru":
        torch.testing.assert_close(gru_step(cell, x, state), state)
    else:
        closed = cell.b.unflatten(-1, (4, -1)).clone()
        closed[:, 1] = -1e3  # nothing new comes in
        cell = Cell("lstm", cell.w_x, cell.w_h, closed.flatten(1))
        torch.testing.assert_close(lstm_step(cell, x, state, state)[1], state)


def test_chrono_biases_give_memories_of_all_lengths():
    cell = draw_cell("lstm", 13, 3, 101, generator())
    o, i, f, g = with_chrono_bias(cell, 50, generator(1)).b.unflatten(-1, (4, -1)).unbind(1)
    assert 0 <= f.min() < 0.3
    assert log(45) < f.max() <= log(49)
    assert f.exp().mean().item() == pytest.approx(25, rel=0.05)  # even between 1 and 49 steps
    torch.testing.assert_close(i, -f)
    assert (o == 0).all()
    assert (g == 0).all()


def test_chrono_biases_of_a_gru_open_the_keep_gate_alone():
    cell = draw_cell("gru", 13, 3, 101, generator())
    r, z, n = with_chrono_bias(cell, 50, generator(1)).b.unflatten(-1, (3, -1)).unbind(1)
    assert log(45) < z.max() <= log(49)
    assert (r == 0).all()
    assert (n == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_stacked_cells_run_as_each_does_alone(kind):
    cell, inputs = a_cell(kind), random(LENGTH, D_INPUT)
    gains = (0.5, 1.0, 2.0)
    cells = [with_gain(cell, gain) for gain in gains]
    stacked = run(stack(cells), inputs).hidden.unflatten(1, (3, N_SEEDS))
    for number, each in enumerate(cells):
        torch.testing.assert_close(stacked[:, number], run(each, inputs).hidden)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("elman", 1, 1, 1), "kind='elman'"),
        (("tanh", 1, 1, 1), "init='xavier'"),
        (("tanh", 0, 1, 1), "n_seeds=0"),
        (("tanh", 1, 0, 1), "d_input=0"),
        (("tanh", 1, 1, 0), "d_hidden=0"),
    ],
)
def test_a_cell_that_cannot_be_is_refused(arguments, message):
    init = "xavier" if "xavier" in message else "gaussian"
    draw = getattr(draw_cell, "__wrapped__", draw_cell)  # beartype refuses words before we do
    with pytest.raises(ValueError, match=message):
        draw(*arguments, generator(), init)


@pytest.mark.parametrize("kind", ["tanh", "relu", "linear"])
def test_a_cell_without_gates_has_nothing_that_forgets(kind):
    with pytest.raises(ValueError, match=f"kind='{kind}' has no gate that forgets"):
        with_forget_bias(a_cell(kind), 1.0)
    with pytest.raises(ValueError, match=f"kind='{kind}' has no gate that forgets"):
        with_chrono_bias(a_cell(kind), 20, generator())


def test_a_chrono_bias_needs_something_to_remember():
    with pytest.raises(ValueError, match="longest=1 is below 2"):
        with_chrono_bias(a_cell("lstm"), 1, generator())


def test_stacking_nothing_or_two_kinds_is_refused():
    with pytest.raises(ValueError, match=r"kinds \[\] cannot be stacked"):
        stack([])
    with pytest.raises(ValueError, match=r"kinds \['gru', 'tanh'\] cannot be stacked"):
        stack([a_cell("tanh"), a_cell("gru")])


@pytest.mark.parametrize(
    "shape",
    [
        (0, D_INPUT),
        (LENGTH, D_INPUT + 1),
        (LENGTH, N_SEEDS - 1, BATCH, D_INPUT),
        (LENGTH, N_SEEDS, 0, D_INPUT),
    ],
)
def test_inputs_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match="do not fit n_seeds=5 and d_input=7"):
        run(a_cell("tanh"), random(*shape))


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_on_the_device_of_the_cell(kind):
    cell = a_cell(kind).to(torch.device("meta"))
    assert run(cell, random(LENGTH, D_INPUT).to("meta")).hidden.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_computes_the_same_states(kind):
    cell, inputs = a_cell(kind), random(LENGTH, D_INPUT)
    elsewhere = run(cell.to(torch.device("cuda")), inputs.cuda())
    torch.testing.assert_close(elsewhere.hidden.cpu(), run(cell, inputs).hidden)
