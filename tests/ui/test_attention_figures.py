"""The data in the figures of self-attention and scaled dot-product."""

import numpy as np
import pytest

from pages.ui.figures import scaled_dot_product, self_attention, style
from pages.ui.text import parse_matrix

TOKENS = ("[CLS]", "it", "<b>", "it", "[SEP]")
WEIGHTS = np.array(
    [
        [0.9, 0.1, 0.0, 0.0, 0.0],
        [0.5, 0.1, 0.3, 0.0, 0.1],
        [0.2, 0.2, 0.2, 0.2, 0.2],
        [0.6, 0.0, 0.1, 0.2, 0.1],
        [1.0, 0.0, 0.0, 0.0, 0.0],
    ],
    dtype=np.float32,
)
ALL = np.ones((5, 5), bool)  # every token may look at every other
CAUSAL = np.tril(ALL)


def test_the_strongest_link_joins_two_words_not_special_tokens():
    link = self_attention.strongest_link(WEIGHTS, TOKENS)
    assert (link.query, link.key) == (1, 2)
    assert link.weight == pytest.approx(0.3)


def test_the_strongest_link_of_special_tokens_alone_is_between_them():
    link = self_attention.strongest_link(np.array([[0.4, 0.6], [0.7, 0.3]]), ("[CLS]", "[SEP]"))
    assert (link.query, link.key) == (1, 0)


def test_comparison_draws_the_difference_around_a_fixed_zero():
    changed = WEIGHTS[::-1].copy()
    figure = self_attention.head_comparison(WEIGHTS, changed, TOKENS, ALL, ("a", "b"), "light")
    np.testing.assert_allclose(figure.data[2].z, changed - WEIGHTS)
    assert figure.layout.coloraxis2.cmin == -figure.layout.coloraxis2.cmax
    assert "<b>" not in "".join(figure.data[0].x)


def test_comparison_table_starts_with_the_largest_change():
    changed = WEIGHTS.copy()
    changed[2, 3] = 0.9
    table = self_attention.comparison_table(WEIGHTS, changed, TOKENS, ALL)
    assert (table["looks from"][0], table["looks at"][0]) == ("3 <b>", "4 it")
    assert table["difference"][0] == pytest.approx(0.7)
    assert len(table["intact"]) == WEIGHTS.size


def test_where_a_token_may_not_look_is_a_gap_on_grey_and_no_zero():
    figure = self_attention.head_comparison(WEIGHTS, WEIGHTS, TOKENS, CAUSAL, ("a", "b"), "light")
    for heatmap in figure.data:
        np.testing.assert_array_equal(np.isnan(heatmap.z), ~CAUSAL)
    assert figure.layout.plot_bgcolor == style.GRID["light"]
    assert figure.layout.xaxis2.title.text == "grey: may not look"
    table = self_attention.comparison_table(WEIGHTS, 1 - WEIGHTS, TOKENS, CAUSAL)
    pairs = zip(table["looks from"], table["looks at"], strict=True)
    assert len(table["intact"]) == 15
    assert all(int(query[0]) >= int(key[0]) for query, key in pairs)
    cells = self_attention.weights_table(WEIGHTS, TOKENS, CAUSAL)
    assert cells["3 <b>"] == [None, None, pytest.approx(0.2), pytest.approx(0.1), 0]


def test_a_weight_is_computed_from_its_query_and_key():
    q, k = np.array([[1.0, -2], [0.5, 3]]), np.array([[2.0, 1], [-1, 1]])
    scores = q @ k.T / np.sqrt(2)
    said = self_attention.weight_arithmetic(q, k, scores[1], ("a", "b"), (1, 0))
    assert "0.50 \\cdot 2.00 + 3.00 \\cdot 1.00 + \\dots = 4.00$ (2 products)" in said
    assert "4.00 / 1.41 = 2.83" in said
    powers = np.exp(scores[1])
    share = powers[0] / powers.sum()
    assert f"{powers[0]:.2f} / {powers.sum():.2f} = {share:.2f}$" in said
    masked = np.array([1, -np.inf])
    alone = self_attention.weight_arithmetic(q, k, masked, ("a", "b"), (0, 0))
    assert "2.72 / 2.72 = 1.00" in alone
    forbidden = self_attention.weight_arithmetic(q, k, masked, ("a", "b"), (0, 1))
    assert "`a` may not look at `b`" in forbidden


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.5, "0.50"), (12345.6, "12{,}345.60"), (0.00012, r"1.2 \cdot 10^{-4}"), (0, "0.0")],
)
def test_numbers_of_any_size_are_written_for_a_formula(value, written):
    assert self_attention.number(value).startswith(written)


def test_what_a_token_receives_is_the_mean_of_the_weights_on_it():
    weights = np.stack([WEIGHTS, WEIGHTS[::-1]])
    said = self_attention.received_arithmetic(weights, TOKENS, 0, 3)
    assert "In block 4" in said
    assert "$6.40 / (2 \\cdot 5) = 0.64$" in said


def test_masked_weights_are_softmax_of_what_is_left():
    scores = np.log(WEIGHTS + 0.01)
    masked = {"no mask": scores, "causal": np.where(CAUSAL, scores, -np.inf)}
    figure = scaled_dot_product.masked_bars(masked, TOKENS, 1, "light")
    left = np.array([0.51, 0.11, 0, 0, 0]) / 0.62
    np.testing.assert_allclose(figure.data[1].y, left, atol=1e-3)
    assert "5 (no mask), 2 (causal)" in scaled_dot_product.look_for_masked(masked, TOKENS, 1)
    table = scaled_dot_product.masked_table(masked, TOKENS, 1)
    assert table["causal"] == pytest.approx(left, abs=1e-3)


def test_a_weight_under_each_mask_is_computed_where_none_forbids_it():
    scores = np.array([[1.0, 2.0, 3.0]])
    masked = {"no mask": scores, "causal": np.where([True, True, False], scores, -np.inf)}
    assert scaled_dot_product.never_forbidden(masked, 0) == 1
    said = scaled_dot_product.masked_arithmetic(masked, ("a", "b", "c"), (0, 1))
    powers = np.exp(scores[0])
    assert said.startswith("`a` looks at `b`")
    for sum_left in (powers.sum(), powers[:2].sum()):
        assert f"= 7.39 / {sum_left:.2f} = {powers[1] / sum_left:.2f}$" in said
    assert "= e^{-\\infty} / 10.11 = 0 / 10.11 = 0.00$ (causal)" in (
        scaled_dot_product.masked_arithmetic(masked, ("a", "b", "c"), (0, 2))
    )


def test_the_spread_of_scores_is_computed_for_one_width():
    said = scaled_dot_product.saturation_arithmetic((1, 64), {"spread": np.array([1, 8.4])}, 1)
    assert "= 8.00$. Measured: $8.40$" in said
    assert "8.40 / 8.00 = 1.05" in said


def test_two_sentences_that_are_read_alike_have_no_difference():
    args = (WEIGHTS, WEIGHTS, TOKENS, ALL, "weight")
    assert "no weight differs" in self_attention.look_for_difference(*args)
    other = WEIGHTS.copy()
    other[1, 2] += 0.4
    said = self_attention.look_for_difference(WEIGHTS, other, TOKENS, ALL, "weight")
    assert "that of `it` for `<b>`: 0.30 in yours, 0.70 in the second" in said


def test_an_even_share_counts_only_those_who_may_look():
    received = np.array([[0.2, 0.5, 0.1, 0.1, 0.1]])
    said = "`it` receives 0.50 of all attention; an even share would be "
    assert self_attention.look_for_sink(received, TOKENS, ALL) == f"{said}0.20."
    share = (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5
    assert self_attention.look_for_sink(received, TOKENS, CAUSAL) == f"{said}{share:.2f}."


def test_telling_heads_hold_every_head_that_changes_sides():
    weights = np.random.default_rng(0).random((2, 3, 4, 2)).astype(np.float32)
    changes = np.zeros((3, 4), int)
    changes[2, 1] = 1
    links = self_attention.telling_heads(weights, changes)
    assert "L3H2" in links.names
    place = links.names.index("L3H2")
    np.testing.assert_array_equal(links.weights[:, place], weights[:, 2, 1])


def test_measures_say_whether_looking_and_mattering_agree():
    shares = np.array([[0.1, 0.2, 0.7], [0, 0, 1], [0, 0, 1], [np.nan, 0.9, np.nan]])
    said = self_attention.look_for_measures(shares, ("[CLS]", "cat", "it"), 2)
    assert said.startswith("Apart from itself it looks most at `cat`. It is also `cat`")


def test_pairs_table_has_a_row_per_pair():
    table = scaled_dot_product.pairs_table({"weights": WEIGHTS}, TOKENS)
    assert len(table["query"]) == len(table["key"]) == len(table["weights"]) == 25
    row = table["query"].index("2 it") + table["key"].index("3 <b>")
    assert table["weights"][row] == pytest.approx(0.3)


def test_saturation_draws_measured_values_and_theory():
    widths = (1, 64, 4096)
    values = {name: np.array([1.0, 0.5, 0.25]) for name in ("spread", "entropy", "gradient_norm")}
    figure = scaled_dot_product.saturation(widths, values, values, np.sqrt(widths), "dark")
    assert len(figure.data) == 7
    np.testing.assert_allclose(figure.data[-1].y, [1, 8, 64])


@pytest.mark.parametrize(
    ("typed", "matrix"),
    [("1 2; 3 4", ((1, 2), (3, 4))), ("1,2", ((1, 2),)), ("-1e1;2;", ((-10,), (2,)))],
)
def test_small_matrices_are_read(typed, matrix):
    assert parse_matrix(typed) == matrix


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Write 1 to 8 rows"),
        ("1 a", "Write numbers only"),
        ("1 2; 3", "Every row needs as many numbers"),
        ("1e9", "between -1000 and 1000"),
        ("nan", "between -1000 and 1000"),
        (";".join("123456789"), "Write 1 to 8 rows"),
    ],
)
def test_what_is_no_small_matrix_is_refused_in_words(typed, reason):
    with pytest.raises(ValueError, match=reason):
        parse_matrix(typed)
