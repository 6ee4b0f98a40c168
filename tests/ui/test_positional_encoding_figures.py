"""The data in the figures of positional encoding."""

import numpy as np
import pytest

from pages.ui.figures import positional_encoding as figures

DISTANCE = np.array([[3.0, 5.0, 4.0], [0.0, 2e-6, 3e-6]])
COSINE = np.array([[1.0, 0.98, 0.9652], [1.0, 1.0, 1.0]])
DIFFERENCE = np.array([[0.003, 0.1, 0.2461], [0.0, 3e-7, 4.6e-7]])


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (4.6e-7, "5 · 10⁻⁷"), (1.2e-4, "1 · 10⁻⁴"), (30, "3 · 10¹")]
)
def test_small_numbers_are_written_by_their_power_of_ten(value, text):
    assert figures.scientific(value) == text


def test_order_lines_show_every_stage_and_draw_zero_at_the_foot():
    chart = figures.order_lines(DISTANCE, DIFFERENCE, "light")
    lines = {line.name: line for line in chart.data}
    assert list(lines["without: farthest token"].x) == ["embeddings", "block 1", "block 2"]
    assert lines["with positions: sentence vector"].y == pytest.approx(DIFFERENCE[0])
    assert lines["without: farthest token"].y == pytest.approx([figures.ZERO, 2e-6, 3e-6])
    assert lines["without: farthest token"].customdata[0] == 0


def test_with_positions_alone_there_is_one_pair_of_lines_and_no_word_of_the_other():
    names = [line.name for line in figures.order_lines(DISTANCE[:1], DIFFERENCE[:1], "dark").data]
    assert names == ["with positions: farthest token", "with positions: sentence vector"]
    assert "without" not in "".join(figures.order_table(DISTANCE[:1], COSINE, DIFFERENCE))
    said = figures.look_for_order(COSINE, DIFFERENCE)
    assert "up to 0.003 before the first block, and by up to 0.25 after the last" in said
    assert "ithout" not in said


def test_a_shuffle_is_quoted_and_the_example_of_the_course_stands_beside_it():
    orders = (DISTANCE, COSINE, DIFFERENCE)
    said = figures.look_for_shuffle("b *a*", orders, np.array([[0, 0.2], [0, 3e-7]]))
    assert "`b *a*`" in said
    assert "The student and the apple without positions: 3 · 10⁻⁷." in said


def test_look_for_orders_holds_both_measurements():
    sentence = figures.look_for_orders(COSINE, DIFFERENCE)
    assert "5 · 10⁻⁷" in sentence
    assert "up to 0.25, cosine 0.965" in sentence


def test_order_table_keeps_small_differences():
    table = figures.order_table(DISTANCE, COSINE, DIFFERENCE)
    assert table["after"] == ["embeddings", "block 1", "block 2"]
    assert table["farthest token, without"] == [0.0, 2e-6, 3e-6]
    assert table["cosine of the sentence vectors, with positions"][-1] == 0.9652


def test_heatmap_says_whether_values_lie_beyond_its_colours():
    values = np.array([[0.5, -0.1, 0.0], [0.2, 0.1, -0.3]])
    within = figures.encoding_heatmap(values, "dark", limit=1).data[0]
    beyond = figures.encoding_heatmap(values, "dark", limit=0.4).data[0]
    assert np.asarray(within.z) == pytest.approx(values)
    assert within.colorbar.ticktext == ("−1", "0", "1")
    assert beyond.colorbar.ticktext == ("≤ −0.4", "0", "≥ 0.4")


def test_slow_pairs_are_counted_and_without_them_far_positions_look_alike():
    wavelengths = np.array([6.28, 62.8, 628.3])
    assert "Within 64 positions 1 of 3 pairs" in figures.look_for_encoding(wavelengths, 64)
    assert "look alike" in figures.look_for_encoding(wavelengths, 700)


def test_waves_are_columns_and_told_apart_without_colour():
    rows = np.random.default_rng(2).normal(size=(11, 6))
    chart = figures.waves(rows, [0, 5, 3], "light")
    assert [line.name for line in chart.data] == ["dimension 0", "dimension 5", "dimension 3"]
    assert chart.data[1].y == pytest.approx(rows[:, 5].astype(np.float32))
    assert len({line.line.dash for line in chart.data}) == 3


def test_waves_are_named_sine_or_cosine_with_their_length():
    sentence = figures.look_for_waves(np.array([6.28, 62.8]), [0, 3])
    assert "0 (sine) every 6.3 tokens, 3 (cosine) every 62.8 tokens" in sentence


def test_the_band_of_a_profile_runs_along_highest_and_back_along_lowest():
    mean, lowest, highest = np.array([[3.0, 2.0, 1.0], [3.0, 1.5, 0.5], [3.0, 2.5, 1.5]])
    band, line = figures.profile_lines({"waves": (mean, lowest, highest)}, "cosine", "light").data
    assert list(band.y) == [3.0, 2.5, 1.5, 0.5, 1.5, 3.0]
    assert list(band.x) == [0, 1, 2, 2, 1, 0]
    assert list(line.y) == [3.0, 2.0, 1.0]


def test_all_pairs_of_positions_are_counted_and_the_largest_spread_is_named():
    mean = np.arange(13, 0, -1.0)
    spread = np.full(13, 1e-5)
    spread[4] = 3e-5
    sentence = figures.look_for_products(mean, mean - spread, mean)
    assert "All 91 pairs of 13 positions" in sentence
    assert "3 · 10⁻⁵" in sentence
    assert "From 13 at distance 0 the product falls to 12 at 1 and 3 at 10" in sentence


def hands(angles):
    return np.column_stack([np.sin(angles), np.cos(angles)])


def test_turned_hands_and_their_targets_are_drawn_at_the_same_place():
    angles = np.linspace(0.1, 2, 5)
    start, target = hands(angles), hands(angles + 0.3)
    chart = figures.clocks(start, target, target, np.arange(5) + 6.0, "light")
    tips = {trace.name: np.column_stack([trace.x, trace.y]) for trace in chart.data if trace.name}
    assert tips["PE(pos) turned"] == pytest.approx(tips["PE(pos + k)"])
    centres = tips["PE(pos)"] - start
    assert centres[0] == pytest.approx([0, 0])
    assert len({tuple(np.round(centre, 6)) for centre in centres}) == 5
    assert chart.data[-1].text[0] == "6"


def test_cosines_of_learned_rows_are_computed_from_the_table():
    table = np.zeros((53, 3))
    table[:, 0] = 1
    table[0] = [7, 0, 0]
    table[10] = [1, 1, 0]
    table[50] = [0, 2, 0]
    sentence = figures.look_for_learned(table)
    assert "6 have a cosine of 1.00, 5 and 10 of 0.71, 5 and 50 of 0.00" in sentence
    assert "Row 0 stands out: its length is 7.00, the middle one 1.00" in sentence


def test_alibi_lines_fall_by_their_slopes():
    chart = figures.relative_scores(np.ones(7), np.array([0.5, 0.25]), "dark")
    rotary, alibi = chart.data
    assert list(rotary.y) == [1.0] * 7
    steep, flat = np.array(alibi.y).reshape(2, 8)[:, :7]
    assert steep == pytest.approx(-0.5 * np.arange(7))
    assert flat == pytest.approx(-0.25 * np.arange(7))
    assert alibi.customdata[9].tolist() == [2, 0.25]


def test_relative_table_has_one_column_per_head():
    table = figures.relative_table(np.ones(7), np.array([0.5, 0.25, 0.125]))
    assert list(table) == ["distance", "rotary", "ALiBi, head 1", "ALiBi, head 2", "ALiBi, head 3"]
    assert table["ALiBi, head 3"][6] == -0.75


def test_norms_name_the_token_where_the_position_weighs_most():
    words, positions = np.array([1.0, 2.0, 1.5]), np.array([0.4, 1.8, 0.5])
    sentence = figures.look_for_norms(words, positions, ["a", "<b>", "c"])
    assert "`<b>`: 0.90 times" in sentence
    assert "position is 0.50, of a word 1.50" in sentence
    assert figures.norm_table(words, positions, ["a", "<b>", "c"])["position ÷ word"][1] == 0.9


def test_bars_keep_equal_and_marked_up_tokens_apart():
    bars = figures.norm_bars(np.ones(3), np.ones(3), ["a", "a", "</s>"], "light").data[0]
    assert len(set(bars.x)) == 3
    assert "&lt;/s&gt;" in bars.x[2]


@pytest.mark.parametrize(("dimension", "angle", "wave"), [(2, 3 / 10, np.sin), (3, 3 / 10, np.cos)])
def test_one_value_of_the_encoding_is_computed_from_its_formula(dimension, angle, wave):
    rows = np.zeros((9, 4))
    rows[3, dimension] = wave(angle)
    said = figures.encoding_arithmetic(rows, 100.0, 3, dimension)
    assert "100^{2/4} = 10$" in said
    assert f"{wave.__name__}(0.3000) = {wave(angle):.4f}$" in said


TOKENS = ["[CLS]", "a", "<b>", "a", "[SEP]"]
MOVED = np.array([0.1, 0.5, 1.3, 0.2, 0.9])


def test_the_exchanged_token_has_no_bar_and_all_others_have_two():
    position, attention = figures.exchange_bars(2, np.zeros(5), MOVED, TOKENS, "light").data
    assert "[MASK]" in position.x[2]
    assert list(np.isnan(attention.y)) == [False, False, True, False, False]
    assert attention.y[3] == pytest.approx(0.2)
    assert len(set(position.x)) == 5
    assert figures.exchange_table(2, np.zeros(5), MOVED, TOKENS)["token"][2:4] == [
        "3 <b> (became [MASK])",
        "4 a",
    ]


def test_the_word_for_which_most_is_new_is_named_before_any_sign():
    assert figures.most_changed(2, MOVED, TOKENS) == 1
    assert figures.most_changed(1, MOVED[:3], ["[CLS]", "!", "[SEP]"]) == 2
    said = figures.look_for_exchange(2, np.zeros(5), MOVED, TOKENS)
    assert "other positions change by 0%" in said
    assert "`a` at place 2 by 50% of its length" in said


FOUND = (
    np.array([0.8, 0.9, 0.3]),
    np.array([0.5, 0.7, 0.6]),
    np.array([0.4, 0.5, 0.6]),
    np.array([0.3, 0.1, 0.2]),
    ("x", "y", "<z>"),
)


def test_what_is_read_back_is_counted_and_the_closest_case_named():
    said = figures.look_for_read_back(*FOUND, ["a", "b", "c"])
    assert "of 3 sums, 2 have their own word" in said
    assert "and 3 their own position" in said
    assert "`c`: 0.30, against 0.60 for `<z>`" in said
    marks = figures.read_back_marks(*FOUND, ["a", "b", "c"], "light").data
    assert [mark.marker.symbol for mark in marks] == [
        "circle", "circle-open", "diamond", "diamond-open",
    ]  # fmt: skip
    assert "&lt;z&gt;" in marks[1].customdata[2]
    assert figures.read_back_table(*FOUND, ["a", "b", "c"])["nearest other word"][2] == "<z>"


def test_the_arithmetic_of_the_sum_gives_the_cosines_that_are_drawn():
    word, position = np.array([3.0, 0.0]), np.array([0.0, 4.0])
    said = figures.read_back_arithmetic(np.stack([word + position, word, position]), "*a*")
    assert "9.000 / (5.000 \\cdot 3.000) = 0.60" in said
    assert "16.000 / (5.000 \\cdot 4.000) = 0.80" in said
    assert "it is $0.00$" in said


def test_effects_of_positions_are_drawn_beside_each_other_with_their_difference():
    first, second = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    one, _, difference = figures.effect_heatmaps(["a", "a"], first, second, "dark").data
    assert np.array_equal(one.z, first)
    assert np.array_equal(difference.z, second - first)
    assert next(iter(one.x)).strip("\u2068\u2069") == "embeddings"
    assert "`a`: 5.0 and 1.0" in figures.look_for_effects(["a", "a"], first, second)
    table = figures.effect_table(["a", "a"], first, second)
    assert table["difference, block 2"] == [-1, -4]
