"""The data in the figures of vanishing gradients."""

import numpy as np
import pytest

from pages.ui import strips
from pages.ui.cached.vanishing_gradients import Reach, SharedReach
from pages.ui.components.token_strips import Strip, strips_payload
from pages.ui.figures import style
from pages.ui.figures import vanishing_gradients as figures

INF, NAN = float("inf"), float("nan")
READERS = ("tanh RNN", "ReLU RNN", "LSTM", "LSTM, bias 3", "GRU", "attention")


@pytest.mark.parametrize(
    ("decades", "text"),
    [
        (0, "1"),
        (-1.5, "0.032"),
        (-2.9, "0.0013"),
        (-3, "10⁻³"),
        (-26.4, "10⁻²⁶"),
        (1.0, "10"),
        (2.5, "316"),
        (13.2, "10¹³"),
        (-INF, "0"),
        (NAN, "too large"),
    ],
)
def test_gradients_are_written_plainly_or_by_their_exponent(decades, text):
    assert figures.power(decades) == text


def test_a_millionth_has_no_colour_and_more_than_the_last_word_has_all():
    assert figures.levels(np.array([-INF, -7, -6, -3, 0, 2])) == [0, 0, 0, 0.5, 1, 1]


def reach(*decades):
    return Reach(["<b>", "b", "<b>"], {name: np.array(decades) for name in READERS})


def test_every_network_has_a_strip_in_which_equal_tokens_stay_apart():
    rows = strips.reach_strips(reach(-12.0, -3.0, 0.0))
    assert [row.name for row in rows] == list(READERS)
    assert (rows[0].starts, rows[0].ends) == ([0, 1, 2], [1, 2, 3])
    assert rows[0].notes == ["10⁻¹²", "10⁻³", "1"]
    assert rows[0].levels == [0, 0.5, 1]


def test_a_strip_needs_a_note_and_a_level_for_every_piece():
    for part in ({"notes": ["1"]}, {"levels": [1.0]}):
        row = Strip("x", ["a", "b"], [0, 1], [1, 2], **part)
        with pytest.raises(ValueError, match="different lengths"):
            strips_payload(["a", "b"], [row], "rows", style.colors("light"))


def test_what_reaches_the_first_word_is_said_and_one_word_has_no_way_back():
    found = reach(-12.0, -3.0, 0.0)
    sentence = figures.look_for_reach(found.decades, found.tokens)
    assert "first token `<b>` gets 10⁻¹² in the tanh RNN" in sentence
    alone = {name: np.zeros(1) for name in READERS}
    assert "no way back" in figures.look_for_reach(alone, ["word"])
    assert figures.reach_table(found.decades, found.tokens)["GRU, gradient"] == [1e-12, 1e-3, 1.0]


def curves(length, per_step=-0.2):
    row = per_step * np.arange(length)
    return {name: np.stack([row - 1, row, row + 1]) for name in READERS if name != "LSTM, bias 3"}


def test_the_first_step_of_the_lab_is_told_with_the_sliders_places():
    sentence = figures.look_for_distance(curves(128), 1.0, 3.0, -0.2)
    assert "127 back: tanh 10⁻²⁵" in sentence
    assert "(bias 3)" in sentence
    assert "in theory 0.63" in sentence


def test_a_lab_without_recurrence_or_without_a_way_back_says_so():
    dead = curves(17)
    dead["tanh RNN"][:, 1:] = -INF
    assert "tanh 0," in figures.look_for_distance(dead, 0.0, 3.0, -INF)
    assert "With gain 0 no step" in figures.look_for_distance(dead, 0.0, 3.0, -INF)
    assert "One step only" in figures.look_for_distance(curves(1), 1.0, 3.0, -0.2)


def test_a_table_says_zero_and_too_large_in_words():
    found = curves(3)
    found["GRU"][1] = [0, -INF, NAN]
    table = figures.distance_table(found)
    assert table["GRU, median (log10)"] == [0, "exactly 0", "too large"]
    assert table["distance"] == [0, 1, 2]


def test_gates_show_every_network_and_compare_the_default_with_the_open_gate():
    found = {
        "tanh RNN": np.full((1, 5), -15.0),
        "LSTM": np.array([[-11.0] * 5, [-0.7] * 5]),
        "GRU": np.array([[-10.0] * 5, [-0.2] * 5]),
    }
    chart = figures.gate_points(found, (0.0, 5.0), 50, "light")
    assert chart.data[0].y == pytest.approx(found["LSTM"].ravel(), rel=1e-6)
    assert list(chart.data[-1].y) == [-15, -15]
    sentence = figures.look_for_gates(found, (0.0, 5.0), 50)
    assert "(bias 0) the LSTM passes 10⁻¹¹ over 50 steps" in sentence
    assert "With bias 5 it passes 0.2, and the GRU 0.63" in sentence
    assert figures.gate_table(found, (0.0, 5.0))["LSTM, median (log10)"] == [-11.0, -0.7]


def test_attention_is_flat_but_diluted_in_words_too():
    found = {length: np.full(length, -np.log10(length)) for length in (16, 64, 256, 512)}
    sentence = figures.look_for_dilution(found)
    assert "nearest ten get 0.002 and the farthest ten 0.002" in sentence
    assert "about 0.062 among 16 and 0.002 among 512" in sentence
    chart = figures.dilution_lines(found, "dark")
    assert [(line.x[0], line.x[-1]) for line in chart.data] == [
        (1, 15),
        (1, 63),
        (1, 255),
        (1, 511),
    ]
    assert len({line.line.dash for line in chart.data}) == 4
    table = figures.dilution_table(found)
    assert (table["length"][-1], table["distance"][-1]) == (512, 511)


def chain(gradient, radius):
    distances = np.array([1, 10])
    ends = {
        "Pascanu's bound": 4.0,
        "product of the norms": 3.0,
        "spectral radius to the power": 10 * np.log10(radius),
        "largest singular value": gradient + 0.5,
        "gradient": gradient,
        "mean-field theory": gradient + 0.1,
    }
    return distances, {name: np.array([0.0, end]) for name, end in ends.items()}


def test_a_radius_that_promises_one_thing_is_compared_with_what_happened():
    sentence = figures.look_for_chain(*chain(-7.0, 1.25))
    assert "radius of 1.25 sounds as if gradients must explode, and this one vanishes" in sentence
    assert "10⁻⁷, within what Pascanu's bound allows, 10⁴" in sentence
    assert "must explode, and this one explodes" in figures.look_for_chain(*chain(3.0, 2.0))
    assert "Gain 0" in figures.look_for_chain(*chain(-INF, 1e-9))


def test_the_chain_is_drawn_with_gaps_where_nothing_is_left():
    distances, lines = chain(-INF, 1e-9)
    chart = figures.chain_lines(distances, lines, np.full((2, 3), -INF), "light")
    by_name = {trace.name: trace for trace in chart.data}
    assert np.isnan(by_name["gradient"].y[-1])
    assert np.isfinite(chart.layout.yaxis.range).all()
    assert figures.chain_table(distances, lines)["gradient (log10)"][-1] == "exactly 0"


def measures():
    decades = -10.0 * np.arange(9)
    careless, careful = decades.copy(), decades.copy()
    careless[3:], careful[5:] = -INF, -INF
    return careless, careful, decades


def test_three_measures_end_where_each_says_zero():
    chart = figures.measure_lines(measures(), "light")
    crosses = {trace.text: trace.x[0] for trace in chart.data if trace.text}
    assert crosses == {"0 from distance 3": 3, "0 from distance 5": 5}
    sentence = figures.look_for_measures(measures())
    assert "0 from distance 3 on, where the gradient is 10⁻³⁰" in sentence
    assert "all 0 from 5 on" in sentence
    assert "10⁻⁸⁰ at 8" in sentence
    assert figures.measure_table(measures())["float32, .norm() (log10)"][3] == "exactly 0"


def test_the_gradient_of_the_weights_is_compared_at_both_ends():
    gains = (0.0, 0.5, 1.0, 3.0)
    weights = np.array([[0.5], [0.5], [0.6], [13.0]])
    first = np.array([[-INF], [-61.0], [-26.0], [12.0]])
    sentence = figures.look_for_weights(gains, weights, first)
    assert "From gain 0.5 to 1" in sentence
    assert "the first step gets 10⁻⁶¹ and 10⁻²⁶. At gain 3 both explode: 10¹³" in sentence
    chart = figures.weight_lines(gains, weights, first, "dark")
    assert np.isnan(chart.data[1].y[0])
    assert (
        figures.weight_table(gains, weights, first)["of the first step (log10)"][0] == "exactly 0"
    )


def test_devices_are_named_and_compared():
    assert "no GPU" in figures.device_names({"cpu": "CPU, 1 thread"})
    assert "`NVIDIA H200`, beside `CPU" in figures.device_names(
        {"cuda:0": "NVIDIA H200", "cpu": "CPU, 1 thread"}
    )
    seconds = {"NVIDIA H200": {"GRU": 3e-5, "LSTM": 4e-5}, "CPU": {"GRU": 2e-4, "LSTM": 5e-4}}
    sentence = figures.look_for_devices(seconds)
    assert (
        "a step of the LSTM takes longest: 40 µs there and back. On `CPU` it takes 500" in sentence
    )
    bars = figures.device_bars(seconds, "light").data
    assert list(bars[1].y) == pytest.approx([200, 500])
    assert figures.device_table(seconds)["µs per step"] == [30, 40, 200, 500]


def test_powers_are_written_as_formulas():
    assert figures.tex(-0.5) == "0.316"
    assert figures.tex(-6.21) == r"6.2\cdot 10^{-7}"
    assert figures.tex(4.0) == r"1.0\cdot 10^{4}"


def test_the_factor_per_step_is_worked_out_from_the_first_word_that_is_reached():
    found = reach(-12.0, -3.0, 0.0)
    assert figures.first_reached(found.decades) == 0
    text = figures.reach_arithmetic(found.decades, found.tokens, 0)
    assert "`<b>` stands 2 steps before the end" in text
    assert r"$1.0\cdot 10^{-12} = f^{2}$, so $f = 10^{-12.00/2} = 0.000$" in text
    lost = reach(-INF, -3.0, 0.0).decades
    assert figures.first_reached(lost) == 1
    text = figures.reach_arithmetic(lost, found.tokens, 1)
    assert "`b` stands 1 step before the end" in text
    assert "$f = 10^{-3.00/1} = 0.001$" in text
    assert "tanh RNN: nothing arrives, $0$ in float32" in figures.reach_arithmetic(
        lost, found.tokens, 0
    )
    assert "is the last token" in figures.reach_arithmetic(lost, found.tokens, 2)


def test_the_even_share_stands_beside_the_measured_one():
    found = {length: np.full(length, -np.log10(length)) for length in (16, 512)}
    text = figures.dilution_arithmetic(found)
    assert "$16$ steps: $1/16 = 0.062$, measured $0.062$" in text
    assert "$512$ steps: $1/512 = 0.002$" in text


def test_activations_are_compared_below_and_above_gain_1():
    gains = (0.5, 2.0)
    found = {
        "tanh": np.array([-30.0, 1.0]),
        "ReLU": np.array([-28.0, 12.0]),
        "none": np.array([-18.0, 19.0]),
    }
    sentence = figures.look_for_activations(gains, found, 0.5, 2.0)
    assert "is 10⁻¹⁸ at gain 0.5 and 10¹⁹ at gain 2" in sentence
    assert "to 10⁻³⁰ and 10" in sentence
    chart = figures.activation_lines(gains, found, 63, "dark")
    assert {trace.name: list(trace.y) for trace in chart.data}["none"] == [-18, 19]
    assert len({trace.line.dash for trace in chart.data}) == 3
    assert figures.activation_table(gains, found)["ReLU (log10)"] == [-28, 12]


def test_a_switch_keeps_its_state_and_loses_its_gradient():
    states = np.array([[0.7, 0.9, 0.96], [-0.7, -0.9, -0.95]])
    decades = np.array([[-38.6, -19.0, 0.0]] * 2)
    chart = figures.latch_lines(states, decades, "light")
    assert [trace.yaxis for trace in chart.data] == [None, None, "y2"]
    assert list(chart.data[2].y) == pytest.approx([-38.6, -19, 0])
    sentence = figures.look_for_latch(states, decades)
    assert "After 2 steps of noise the two runs are at 0.96 and -0.95" in sentence
    assert "Yet 10⁻³⁹ of the gradient" in sentence
    assert figures.latch_table(states, decades)["state, first input −1"] == [-0.7, -0.9, -0.95]


def test_two_sentences_are_told_apart_where_they_differ_most():
    shared = SharedReach(
        ["a", "b"],
        np.array([[-3.0, 0.0], [-1.0, 0.0]]),
        np.array([[-5.0, 0.0], [-1.0, 0.0]]),
        [(4, 9), (0, 0)],
    )
    sentence = figures.look_for_two_sentences(shared, ["tanh RNN", "GRU"])
    assert (
        "at `a`, tanh RNN: 100 times as much in the first sentence; 4 tokens follow it" in sentence
    )
    table = figures.two_sentences_table(shared, ["tanh RNN", "GRU"])
    assert table["second (log10)"] == [-5, 0, -1, 0]
    same = shared._replace(second=shared.first)
    assert "No network tells" in figures.look_for_two_sentences(same, ["tanh RNN", "GRU"])
