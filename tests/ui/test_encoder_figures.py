"""The data in the figures of the encoder."""

import numpy as np
import pytest

from pages.ui.figures import encoder as figures

TOKENS = ("[CLS]", "<b>", "the", "the", "[SEP]")
NORM = np.linspace(9, 12, 20).reshape(4, 5)
COSINE = np.array([[1.0] * 5, [0.9] * 5, [0.7] * 5, [0.5, 0.2, 0.4, 0.6, 0.3]])
SPREAD = np.arange(25.0).reshape(5, 5) / 10
RANDOM = np.random.default_rng(0)


def test_the_chosen_token_is_drawn_over_all_others():
    others, chosen = figures.stream_lines(NORM, TOKENS, 2, "length", "light").data
    assert chosen.y == pytest.approx(NORM[:, 2])
    assert list(chosen.x) == ["embeddings", "block 1", "block 2", "block 3"]
    drawn = np.array(others.y).reshape(4, 5)
    assert drawn[:, :4] == pytest.approx(NORM[:, [0, 1, 3, 4]].T)
    assert np.isnan(drawn[:, 4]).all()
    assert others.text[5] == "\u2068&lt;b&gt;\u2069"


def test_the_stream_is_described_by_length_and_direction():
    sentence = figures.look_for_stream(NORM, COSINE, TOKENS, 3)
    assert "`the` stays between 9.5 and 11.8 long" in sentence
    assert "0.90 after block 1 and 0.60 after block 3. `<b>` turns most, to 0.20" in sentence


def test_a_table_by_depth_has_a_line_per_depth_and_token():
    table = figures.table_by_depth(TOKENS, {"length": NORM})
    assert table["after"][4:6] == ["embeddings", "block 1"]
    assert table["token"] == list(TOKENS) * 4
    assert table["length"] == np.round(NORM, 4).ravel().tolist()


def test_both_parts_of_each_block_have_a_bar():
    attention, feed_forward = np.array([0.4, 0.5]), np.array([1.1, 0.2])
    bars = figures.share_bars(attention, feed_forward, "dark").data
    assert [bar.name for bar in bars] == ["attention", "feed-forward layer"]
    assert bars[1].y == pytest.approx(feed_forward)
    sentence = figures.look_for_shares(attention, feed_forward, "it")
    assert "attention adds most in block 2, a vector 0.50 times" in sentence
    assert "layer adds most in block 1, a vector 1.10 times" in sentence
    assert figures.share_table(attention, feed_forward)["block"] == [1, 2]


def test_all_stages_of_a_block_are_told_apart_without_colour():
    points = figures.stage_points(SPREAD, TOKENS, "light").data
    assert len({(mark.marker.symbol, mark.name) for mark in points}) == 5
    assert points[3].y == pytest.approx(SPREAD[3])
    assert len(set(points[0].x)) == 5  # equal tokens stay apart
    sentence = figures.look_for_stages(SPREAD, 0)
    assert "between 1.50 and 1.90; normalised again, between 2.00 and 2.40" in sentence
    table = figures.stage_table(NORM, NORM, SPREAD[:4], TOKENS)
    assert table["stage"][5] == "attention added"
    assert table["spread"][5] == 0.5


def test_only_the_strongest_units_are_drawn():
    activations = np.full((5, 100), -0.1)
    activations[3, 70], activations[1, 20] = 2.0, 1.0
    units = figures.strongest_units(activations)
    assert len(units) == figures.SHOWN_UNITS
    assert {20, 70} <= set(units)
    heatmap = figures.unit_heatmap(activations, TOKENS, "dark").data[0]
    column = list(heatmap.x).index("70")
    assert np.asarray(heatmap.z)[3, column] == 2.0
    sentence = figures.look_for_units(activations, TOKENS, 3)
    assert "1 of 100 units fire; unit 70 most, with 2.00" in sentence
    assert figures.unit_table(activations, TOKENS)["unit 20"][1] == 1.0


def test_ranked_bars_keep_their_order_and_equal_labels_apart():
    chart = figures.ranked_bars(["the", "the", "a"], np.array([3.0, 2.0, 1.0]), "GELU", "q", "dark")
    assert chart.data[0].x == pytest.approx([3, 2, 1])
    assert len(set(chart.data[0].y)) == 3
    assert chart.layout.yaxis.autorange == "reversed"


@pytest.mark.parametrize(
    ("rank", "depth", "said"),
    [(0, 0, "as it enters lies nearest"), (1200, 5, "after block 5 lies nearest")],
)
def test_neighbours_say_where_the_own_word_stands(rank, depth, said):
    sentence = figures.look_for_neighbours(["road"], np.array([0.53]), "street", rank, depth)
    assert said in sentence
    assert ("1,200 others are nearer" in sentence) == bool(rank)


def test_similarity_is_told_at_both_ends_and_where_it_is_least():
    cosines = np.array([0.8, 0.3, 0.4])
    line = figures.similarity_line(cosines, "light").data[0]
    assert line.y == pytest.approx(cosines)
    assert figures.look_for_similarity(cosines) == (
        "The two sentences have a cosine of 0.80 as they enter and of 0.40 after the last block; "
        "it is lowest after block 1, 0.30."
    )


def test_shared_tokens_are_drawn_from_the_first_block_on_with_their_difference():
    second = COSINE + np.array([0, 0, 0, -0.25, 0.1])
    one, other, difference = figures.shared_heatmaps(COSINE, second, TOKENS, "light").data
    assert np.asarray(one.z) == pytest.approx(COSINE[1:].T)
    assert np.asarray(difference.z) == pytest.approx((second - COSINE)[1:].T, abs=1e-6)
    assert list(other.x) == [f"\u2068block {block}\u2069" for block in (1, 2, 3)]
    said = figures.look_for_shared(COSINE, second, TOKENS)
    assert "Of the 5 tokens that both share, `the` differs most" in said
    assert "0.60 in your sentence and 0.35 in the second" in said
    table = figures.shared_table(COSINE, second, TOKENS)
    assert table["difference"][3] == pytest.approx(-0.25)


def test_arithmetic_is_written_with_its_signs():
    said = figures.share_arithmetic(6.0, 8.0, "<b>", 2, 0)
    assert "What attention adds to `<b>` in block 3" in said
    assert said.endswith("= 6.00 / 8.00 = 0.75$.")
    assert r"\mathrm{FFN}(y)" in figures.share_arithmetic(6.0, 8.0, "<b>", 2, 1)
    said = figures.norm_arithmetic(-2.5, 0.5, 1.5, 0.8, -0.1, -1.7, entry=7, token="it")
    assert "Dimension 8 of `it`" in said
    assert r"= 0.800 \cdot (-2.500 - 0.500) / 1.500 - 0.100 = -1.700$" in said


def test_distances_to_the_intact_run_are_drawn_by_depth_and_token():
    distance = np.array([[0, 1, 0, 0, 0], [0.1, 0.9, 0.1, 0.1, 0.1], [0.2, 0.8, 0.4, 0.2, 0.2]])
    heatmap = figures.distance_heatmap(distance, TOKENS, "light").data[0]
    assert np.asarray(heatmap.z) == pytest.approx(distance)
    assert (heatmap.zmin, heatmap.zmax) == (0, 1)
    sentence = figures.look_for_travel(distance, TOKENS, 1)
    assert "by 10% of its length after one block" in sentence
    assert "`[CLS]` least, by 10.00%; and by 25% after 2, `the` most, by 40%" in sentence


@pytest.mark.parametrize(
    ("last", "growth", "said"),
    [
        (0.999, 1, "All tokens have become one: 0.999 instead of 0.30"),
        (0.5, 500, "grown 500 times as long"),
        (0.5, 1, "Between the tokens it is 0.50 instead of 0.30"),
    ],
)
def test_what_a_missing_part_does_is_said_by_what_it_did(last, growth, said):
    intact, broken = np.array([0.1, 0.3]), np.array([0.1, last])
    norm = np.array([[9.0, 9.0], [9.0 * growth] * 2])
    sentence = figures.look_for_break(intact, broken, norm, np.array([[1, 1], [0.2, 0.4]]))
    assert "cosine of 0.30 with the intact one" in sentence
    assert said in sentence
    lines = figures.break_lines(intact, broken, "dark").data
    assert [line.line.dash for line in lines] == ["solid", "dash"]
    table = figures.break_table(intact, broken, norm)
    assert table["cosine between the tokens, broken"] == [0.1, last]


def test_the_difference_to_the_intact_run_is_told_early_and_late():
    distance = np.array([[0.0] * 5, [0.1, 0.2, 0.3, 0.2, 0.2], [0.5, 30.0, 0.5, 0.5, 0.5]])
    sentence = figures.look_for_difference(distance, TOKENS)
    assert "by 20% of its length, on average; after block 2 by 640%, `<b>` most" in sentence
    assert sentence.endswith("by 3,000%.")


def test_deep_stacks_show_the_middle_seed_in_the_band_of_all():
    values = RANDOM.normal(size=(7, 3))
    values[6, 1] = np.nan
    band, line = figures.stack_lines({"no norm": values}, "gradient", True, "light").data
    assert line.y == pytest.approx(np.median(values[:6], axis=1))
    assert list(line.x) == list(range(6))  # ends where float32 does
    assert np.array(band.y[:6]) == pytest.approx(values[:6].max(axis=1))
    assert np.array(band.y[:5:-1]) == pytest.approx(values[:6].min(axis=1))


def test_deep_stacks_are_described_by_their_gradient():
    gradients = {"neither": np.array([[-6.8], [0.0]]), "no norm": np.array([[np.nan], [0.0]])}
    cosines = {name: np.array([[0.0], [0.9996]]) for name in gradients}
    sentence = figures.look_for_stack(gradients)
    assert "**neither** 10⁻⁶·⁸;" in sentence
    assert "**no norm** too large" in sentence
    table = figures.stack_table(gradients, cosines)
    assert table["after block"] == [0, 1]
    assert table["neither, gradient (log10)"] == [-6.8, 0.0]
    assert table["no norm, gradient (log10)"][0] == "too large"


def test_a_unit_is_described_by_the_tokens_that_excite_it():
    tokens, sentences = ["not", "`t`", "not"], ["It was *not*.", "Don't.", "Not so."]
    activations = np.array([5.115, 3.0, 2.0])
    sentence = figures.look_for_unit(tokens, activations, sentences, 0.123)
    assert "for `not`, with 5.12, in `It was *not*.`" in sentence
    assert "In the 3 highest places: `not`, `` `t` ``. Of all tokens 12%" in sentence
    table = figures.ranking_table(tokens, activations, sentences)
    assert table["token"] == tokens
    assert table["activation"][0] == 5.115


def test_the_similarity_is_listed_by_depth():
    table = figures.similarity_table(np.array([0.8, 0.6, 0.40001]))
    assert table == {"after": ["embeddings", "block 1", "block 2"], "cosine": [0.8, 0.6, 0.4]}


def test_the_block_is_named_from_which_tokens_are_one():
    cosines = {
        "pre-norm": np.array([[0.0, 0.1], [0.2, 0.3], [0.5, 0.6]]),
        "no skip": np.array([[0.0, 0.1], [0.992, 0.994], [1.0, 1.0]]),
    }
    said = figures.look_for_collapse(cosines)
    assert "**pre-norm** not in this depth; **no skip** from block 1 on" in said


def test_learning_is_told_network_by_network():
    updates = [np.array([[2.5, 2.5], [0.1, 0.1]]), *[np.array([[0, 0.1], [1.0, 0.98]])] * 10]
    names, guessing = ["pre-norm"], 1 / 12
    assert "guess and get 8%" in figures.look_for_learning([updates[:1]], names, guessing)
    sentence = figures.look_for_learning([updates], names, guessing)
    assert "after 11 updates: **pre-norm** 100%, 98%. Guessing gets 8%." in sentence
