"""The data in the figures of sequential cost, and what the component of its steps is told."""

import numpy as np
import pytest

from core.sequential_cost import count_cost
from pages.ui.figures import sequential_cost as figures
from pages.ui.figures.sequential_cost import LOOKS, Counted, Curve

LENGTHS = np.array([16, 32, 64])
LSTM, FUSED = np.array([2.0, 3.0, 5.0]), np.array([1.0, 4.0, 7.0])  # milliseconds


def curve(milliseconds):
    middle = milliseconds / 1e3
    return Curve(LENGTHS, 0.9 * middle, middle, 1.5 * middle)


CURVES = {
    "RNN": curve(10 * LSTM),
    "GRU": curve(20 * LSTM),
    "LSTM": curve(LSTM),
    "attention": curve(2 * FUSED),
    "fused attention": curve(FUSED),
}


def counted(lengths=LENGTHS):
    flat = np.ones_like(lengths)
    recurrent = Counted(lengths, 2 * lengths, 100 * lengths, lengths, 192 * flat)
    attention = Counted(lengths, 12 * flat, 700 * lengths, flat, lengths * lengths)
    return {name: recurrent if "att" not in name else attention for name in LOOKS}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.8e-6, "1.8 µs"), (2.19e-5, "21.9 µs"), (0.0229, "22.9 ms"), (1.3, "1.3 s"), (1e-3, "1 ms")],
)
def test_times_are_written_with_the_unit_that_suits_them(seconds, text):
    assert figures.duration(seconds) == text


def test_the_queue_of_a_sentence_is_as_long_as_the_sentence_and_that_of_attention_is_not():
    assert figures.look_for_steps(16, 6) == (
        "For your 16 tokens the recurrent layer takes 16 steps, one after the other; the attention "
        "block takes 6, and takes 6 for any length. Twice the tokens: 32 against 6."
    )


def test_a_sentence_shorter_than_the_queue_of_attention_is_read_faster_one_by_one():
    assert "recurrent layer is through first" in figures.look_for_steps(3, 6)
    assert "through first" not in figures.look_for_steps(6, 6)


def test_the_table_of_steps_says_who_is_done():
    table = figures.steps_table(["[CLS]", "hi", "[SEP]"], ["scores", "values"])
    assert table["step"] == [1, 2, 3]
    assert table["recurrent layer reads"] == ["[CLS]", "hi", "[SEP]"]
    assert table["attention block computes, for all tokens"] == ["scores", "values", "done"]


def test_ways_and_memory_are_drawn_over_the_length_with_the_sentence_marked():
    ways = {"Recurrent": LENGTHS, "Self-attention": np.ones(3)}
    chart = figures.ways_and_memory(ways, counted(), 16, "light")
    steps, kept = ([line for line in chart.data if line.yaxis == axis] for axis in (None, "y2"))
    assert [list(line.y) for line in steps] == [[16, 32, 64], [1, 1, 1]]
    assert {line.name: list(line.y) for line in kept}["attention"] == [256, 1024, 4096]
    assert {line.name: list(line.y) for line in kept}["LSTM"] == [192, 192, 192]
    assert chart.layout.shapes[0].x0 == 16


def test_the_weights_of_attention_grow_and_the_state_does_not():
    sentence = figures.look_for_ways(counted(np.array([14, 2048])))
    assert "your 14 tokens to the last a recurrent layer takes 14 steps, attention 1" in sentence
    assert "14 × 14 = 196 weights, the RNN a state of 192 numbers" in sentence
    assert "At 2,048 tokens: 4,194,304 weights, still 192." in sentence


def test_table_1_is_written_by_columns():
    table = figures.layer_type_table([("Self-attention", 405, 1, 1), ("Recurrent", 225, 9, 9)])
    assert table["layer"] == ["Self-attention", "Recurrent"]
    assert [*table.values()][1:] == [[405, 225], [1, 9], [1, 9]]


def test_the_three_measures_share_one_axis_of_lengths():
    chart = figures.three_measures(CURVES, counted(), "dark")
    by_axis = {axis: [] for axis in (None, "y2", "y3")}
    for line in chart.data:
        by_axis[line.yaxis].append(line)
        assert list(line.x) == [16, 32, 64]
    assert [len(lines) for lines in by_axis.values()] == [5, 5, 5]
    lstm = by_axis[None][2]
    assert lstm.y == pytest.approx(LSTM)
    assert lstm.error_y.array == pytest.approx(0.5 * LSTM)
    assert lstm.error_y.arrayminus == pytest.approx(0.1 * LSTM)
    assert list(by_axis["y2"][3].y) == [11_200, 22_400, 44_800]
    assert list(by_axis["y3"][0].y) == [32, 64, 128]
    assert list(by_axis["y3"][4].y) == [12, 12, 12]
    assert {line.name for line in chart.data if line.showlegend is not False} == set(LOOKS)


def test_layers_are_told_apart_without_colour():
    lines = figures.three_measures(CURVES, counted(), "light").data[:5]
    assert len({(line.line.dash, line.marker.symbol) for line in lines}) == 5


def test_without_a_measurement_the_counts_are_drawn_and_named():
    chart = figures.three_measures({}, counted(), "light")
    assert len(chart.data) == 10
    assert {line.name for line in chart.data if line.showlegend} == set(LOOKS)
    sentence = figures.look_for_measures({}, counted())
    assert sentence.startswith("No time yet. At 64 tokens attention computes 7.0 times as much")


def test_the_measures_are_told_together_with_where_attention_was_faster():
    sentence = figures.look_for_measures(CURVES, counted())
    assert "12 of its products wait for each other, and 128 of the RNN's" in sentence
    assert "The clock: LSTM 5 ms, GRU 100 ms." in sentence
    assert sentence.endswith("Fused attention was faster than the LSTM at 16 tokens.")


@pytest.mark.parametrize(
    ("fused", "told"),
    [([9, 9, 9], "at no length."), ([1, 1, 9], "at 16 and 32 tokens."), ([1, 1, 1], "32 and 64")],
)
def test_where_attention_was_faster_is_read_from_the_timings(fused, told):
    sentence = figures.look_for_measures(
        CURVES | {"fused attention": curve(np.array(fused, float))}, counted()
    )
    assert told in sentence


def test_a_measurement_that_was_stopped_is_told_at_the_longest_length_it_reached():
    short = {name: Curve(*(part[:2] for part in row)) for name, row in CURVES.items()}
    assert "The clock: LSTM 3 ms" in figures.look_for_measures(short, counted())
    table = figures.measures_table(short, counted())
    lstm = [place for place, name in enumerate(table["layer"]) if name == "LSTM"]
    assert [table["milliseconds, median"][place] for place in lstm] == [2.0, 3.0, None]
    assert [table["products that wait"][place] for place in lstm] == [32, 64, 128]
    assert len(table["tokens"]) == 15


def test_the_model_is_the_queue_times_one_product():
    chart = figures.time_if_parallel(CURVES, counted(), 2e-6, "light")
    lines = {line.name: list(line.y) for line in chart.data}
    assert lines["LSTM, measured"] == pytest.approx(LSTM)
    assert lines["any recurrent layer, model"] == pytest.approx([0.064, 0.128, 0.256])
    assert lines["attention, model"] == pytest.approx([0.024] * 3)
    sentence = figures.look_for_parallel(counted(), 2e-6)
    assert "128 × 2 µs = 256 µs, and attention 12 × 2 µs = 24 µs: 11 times less" in sentence
    assert "a model, not a measurement" in sentence
    table = figures.parallel_table(counted(), 2e-6)
    assert table["recurrent: milliseconds by the model"] == pytest.approx([0.064, 0.128, 0.256])


def test_the_work_of_table_1_is_drawn_and_told_with_its_crossing():
    work = {"Self-attention": LENGTHS**2 * 32, "Recurrent": LENGTHS * 32**2}
    chart = figures.work_lines(work, LENGTHS.tolist(), 16, "light")
    assert [list(line.y) for line in chart.data] == [list(row) for row in work.values()]
    assert chart.layout.shapes[0].x0 == 16
    assert "computes 8,192, less than a recurrent layer with 16,384" in figures.look_for_work(
        16, 32
    )
    assert "as much as" in figures.look_for_work(32, 32)
    assert "more than" in figures.look_for_work(64, 32)
    assert r"$n^2 d = 16^2 \cdot 32 = 8{,}192$" in figures.work_arithmetic(16, 32)
    assert "$n/d = 16/32 = 0.50$" in figures.work_arithmetic(16, 32)
    assert figures.work_table(work, LENGTHS.tolist())["Recurrent"] == [16_384, 32_768, 65_536]


@pytest.mark.parametrize(("width", "batch", "length"), [(64, 1, 2048), (128, 4, 48)])
def test_the_operations_worked_out_are_those_that_are_counted(width, batch, length):
    text = figures.operations_arithmetic(width, batch, length).replace("{,}", "")
    rnn, attention = (
        count_cost(layer, length, width, batch).operations for layer in ("RNN", "attention")
    )
    assert f"= {rnn}$. Attention has these" in text
    assert f"in all ${attention}$, ${attention / rnn:.1f}$ times as many" in text
