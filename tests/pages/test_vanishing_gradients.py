"""The page on vanishing gradients: what it measures, and what the address decides."""

import numpy as np
import pytest
import torch

from core.alignment import shared_tokens
from core.vanishing_gradients import direction, random_sequence
from pages.ui.answers import vanishing_gradients as answers
from pages.ui.cached import vanishing_gradients as cached
from pages.ui.components.gradient_view import Position


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_each_claim_is_seen_with_default_settings(open_page):
    found = looked_for(open_page("vanishing_gradients"))
    sentence, lab, gates, attention, theory, activation, zero, latch, weights, *_ = found
    assert "`the` gets 10⁻⁶ in the tanh RNN" in sentence
    assert "127 back: tanh 10⁻²⁶" in lab
    assert "(bias 0) the LSTM passes 10⁻¹¹ over 50 steps" in gates
    assert "distance costs nothing" in attention
    assert "must explode, and this one vanishes" in theory
    assert "10⁻⁷ at gain 0.75 and 10¹² at gain 1.5: the matrix alone" in activation
    assert "all 0 from 108 on" in zero
    assert "the first input is not forgotten. Yet 10⁻³⁹ of the gradient" in latch
    assert "At gain 3 both explode: 10¹³" in weights


def test_the_address_decides_what_the_lab_shows(open_page):
    address = {"steps": "64", "units": "32", "networks": "4", "init": "orthogonal"}
    app = open_page("vanishing_gradients", gain="3", forget="0", **address)
    lab = looked_for(app)[1]
    assert "63 back" in lab
    assert "(gain 3)" in lab
    assert "(bias 0)" in lab


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"gain": "0"}, "With gain 0 no step"),
        ({"steps": "1"}, "One step only"),
        ({"networks": "1", "forget": "9999"}, "(bias 5)"),
        ({"gain": "2.4"}, "(gain 2.5)"),
        ({"gain": "nan", "forget": "1e309"}, "(gain 1)"),
        ({"gain": "x" * 5_000, "forget": ""}, "(gain 1)"),
        ({"steps": "-5", "units": "1e309", "networks": "nan", "init": ""}, "127 back"),
        ({"steps": "4096", "units": "1024", "device": "cuda:7"}, "127 back"),
    ],
)
def test_bad_settings_give_a_picture_and_a_sentence(open_page, address, said):
    assert said in looked_for(open_page("vanishing_gradients", **address))[1]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"chain_gain": "0.0"}, "Gain 0: the recurrent matrix is 0"),
        ({"activation": "none", "chain_gain": "1.25"}, "must explode, and this one explodes"),
        ({"activation": "", "chain_gain": "-1"}, "vanishes"),
    ],
)
def test_the_theory_follows_activation_and_gain(open_page, address, said):
    assert said in looked_for(open_page("vanishing_gradients", **address))[4]


@pytest.mark.parametrize("sentence", ["word", "\u0301", "🎈", "the " * 300])
def test_sentences_of_one_token_or_too_many_are_read(open_page, sentence):
    assert len(looked_for(open_page("vanishing_gradients", sentence=sentence))) >= 7


def test_too_much_at_once_is_cut_down_and_said(open_page):
    app = open_page("vanishing_gradients", steps="256", units="256", networks="64")
    assert any("more than one visitor gets here; 2 are shown" in note.value for note in app.caption)


def test_no_setting_asks_for_more_than_the_ceiling():
    for kind, ceiling in cached.CEILING.items():
        largest = cached.LARGEST[kind]._replace(device=kind)
        setting = cached.affordable(largest)
        assert setting.n_seeds >= 1
        assert setting.length * setting.width**2 * setting.n_seeds <= ceiling


def test_what_is_seen_comes_first_and_the_rest_when_asked_for():
    setting, position = cached.Setting(7, 8, 3), Position(2, 1)
    seen = cached.curves(setting, position, more=False)
    assert not seen.complete
    assert [list(line.curves) for line in seen.lines] == [[2], [2], [1], [1], [0]]
    while not (rest := cached.curves(setting, position, more=True)).complete:
        assert len(rest.lines[0].curves) >= 1
    assert [len(line.curves) for line in rest.lines] == [13, 13, 8, 8, 1]
    for name, curve in seen.seen.items():
        assert curve is rest.seen[name]


def test_the_time_on_this_device_is_measured_only_when_asked_for(open_page):
    assert not any("takes longest" in text for text in looked_for(open_page("vanishing_gradients")))
    times = cached.seconds_per_step()
    assert list(times) == list(cached.devices().values())
    assert all(seconds > 0 for networks in times.values() for seconds in networks.values())


def by_hand(kind, bias, distance):
    """Go back through PyTorch's own LSTM or RNN cell, network by network: log10 of the median."""
    drawn = cached.model(kind, cached.N_SEEDS, cached.D_INPUT, cached.WIDTH, "pytorch")
    inputs = random_sequence(distance + 1, cached.D_INPUT).double()
    ratios = []
    # Columns are o, i, f, g here, and i, f, g, o in PyTorch.
    order = [1, 2, 3, 0] if kind == "lstm" else [0]
    columns = torch.arange(len(order) * cached.WIDTH).view(len(order), -1)[order].flatten()
    for weights in zip(drawn.w_x, drawn.w_h, drawn.b, strict=True):
        w_x, w_h, b = (tensor[..., columns] for tensor in weights)
        if kind == "lstm":
            b[cached.WIDTH : 2 * cached.WIDTH] += bias
        layer = {"lstm": torch.nn.LSTMCell, "tanh": torch.nn.RNNCell}[kind]
        cell = layer(*w_x.shape[:1], cached.WIDTH, dtype=torch.float64)
        cell.load_state_dict(
            {"weight_ih": w_x.T, "weight_hh": w_h.T, "bias_ih": b, "bias_hh": 0 * b}
        )
        state, history = None, []
        for x in inputs:
            state = cell(x, state)
            history.append(state[0] if kind == "lstm" else state)
            history[-1].retain_grad()
        history[-1].backward(direction(cached.WIDTH).double())
        ratios.append(float(history[0].grad.norm() / history[-1].grad.norm()))
    return np.log10(np.median(ratios))


def test_the_gates_question_is_answered_by_pytorchs_own_cells():
    truth = answers.default_gates(cached.gates(), cached.NOTICE)
    assert truth.right == "default"
    for option, (kind, bias) in {
        "default": ("lstm", 0.0),
        "open": ("lstm", cached.BIASES[-1]),
        "tanh": ("tanh", 0.0),
    }.items():
        assert truth.measured[option] == pytest.approx(by_hand(kind, bias, cached.NOTICE), abs=0.01)
    assert truth.numbers["default"] == "10⁻¹¹"


@pytest.mark.parametrize("gain", [0.5, 0.75, 1.5])
def test_the_question_without_an_activation_is_answered_by_a_power_of_the_matrix(gain):
    way = cached.CHAIN_LENGTH - 1
    truth = answers.no_activation(cached.GAINS[1:], cached.by_activation(), gain, way)
    drawn = cached.model("linear", cached.CHAIN_SEEDS, cached.D_INPUT, cached.WIDTH, "gaussian")
    start = direction(cached.WIDTH).double().numpy()
    lengths = [
        np.linalg.norm(np.linalg.matrix_power(gain * w, way) @ start)
        for w in drawn.w_h.double().numpy()
    ]
    assert truth.right == "none"
    assert truth.measured["none"] == pytest.approx(np.log10(np.median(lengths)), abs=1e-3)
    assert abs(truth.measured["none"]) > 1
    chain = cached.chain("tanh", gain).lines["gradient"][-1]
    assert truth.measured["tanh"] == pytest.approx(chain, abs=1e-6)


def test_where_nothing_is_lost_without_an_activation_nothing_is_asked():
    found = cached.by_activation()
    assert answers.no_activation(cached.GAINS[1:], found, 1.0, 63) is None


@pytest.mark.parametrize("weight", [1.5, 2.0, 0.5])
def test_the_question_about_the_switch_is_answered_by_two_runs(weight):
    from core.vanishing_gradients import latch

    found = latch(weight, 51)
    truth = answers.latched(found.states.numpy(), found.gradient.numpy())
    noise = 0.1 * random_sequence(51, 1)[:, 0].double().numpy()
    ends, slopes = [], []
    for first in (1.0, -1.0):
        state = np.tanh(first)
        for x in noise[1:]:
            state = np.tanh(weight * state + x)
            slopes.append(weight * (1 - state**2))
        ends.append(state)
    assert found.gradient[0, 0] == pytest.approx(np.log10(slopes[:50]).sum(), abs=1e-3)
    if weight < 1:
        assert truth is None
        return
    assert truth.right == "apart"
    assert truth.measured["apart"] == pytest.approx(ends[0] - ends[1], abs=1e-5)
    assert truth.measured["little"] < 1e-6


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The cat sat on the mat.", "The cat sat on a very old mat."),
        ("the the the", "the the 🎈 the"),
    ],
)
def test_two_sentences_are_compared_at_the_tokens_that_they_share(first, second):
    shared = cached.shared_reach(first, second)
    one, other = cached.sentence_reach(first), cached.sentence_reach(second)
    pairs = shared_tokens(one.tokens, other.tokens)
    assert shared.tokens == [other.tokens[place] for _, place in pairs]
    for row, name in enumerate(cached.READERS):
        for column, (i, j) in enumerate(pairs):
            assert shared.first[row, column] == one.decades[name][i]
            assert shared.second[row, column] == other.decades[name][j]
    assert shared.n_after[-1] == (
        len(one.tokens) - 1 - pairs[-1][0],
        len(other.tokens) - 1 - pairs[-1][1],
    )


def test_sentences_without_a_shared_token_are_told_so(open_page):
    app = open_page("vanishing_gradients", sentence="A dog.", second="cats")
    assert "share no token" in app.info[-1].value
    assert not [figure for figure in app.subheader if "two sentences" in figure.value]
