"""The data in the figures of sentence meaning, and the sentences about them."""

from math import log

import numpy as np
import pytest

from pages.ui.figures import numbers, style
from pages.ui.figures import sentence_meaning as figures

THEMES = ("light", "dark")
TOKENS = ("[CLS]", "the", "the", "<s>", "[SEP]")
OFFSETS = ((0, 0), (0, 3), (4, 7), (8, 11), (0, 0))
SHARES = np.array([0.1, 0.5, 0.3, -0.1, 0.2])
LINES = ["<b>A dog</b> barks.", "A puppy yelps.", "Stocks fell."]
COSINES = np.array([[1, 0.63, -0.004], [0.63, 1, 0.25], [-0.004, 0.25, 1]])
TRIPLES = [
    ("negation", "It is good.", "I like it.", "It is not good.", 0.6, 0.8),
    ("negation", "Go.", "Leave.", "Do not go.", 0.7, 0.65),
    ("numbers", "2 dogs", "two dogs", "9 dogs", 0.9, 0.95),
]


def notes(figure):
    return [note.text for note in figure.layout.annotations]


def luminance(color):
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


# Tokens


@pytest.mark.parametrize("theme", THEMES)
def test_every_token_has_a_bar_and_special_ones_are_grey(theme):
    figure = figures.share_bars(SHARES, TOKENS, OFFSETS, theme)
    (bars,) = figure.data
    np.testing.assert_allclose(bars.x, SHARES, rtol=1e-6)
    assert len(set(bars.y)) == len(TOKENS)  # equal tokens are kept apart
    grey = style.COLORS["segment"][theme]
    assert [color == grey for color in bars.marker.color] == [True, False, False, False, True]
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == pytest.approx(1 / 5)
    assert figure.layout.yaxis.autorange == "reversed"


def test_long_texts_do_not_grow_without_end():
    long = figures.share_bars(np.full(128, 1 / 128), ["a"] * 128, [(0, 1)] * 128, "light")
    assert long.layout.height == figures.MAX_HEIGHT


def test_shares_name_the_most_the_least_and_what_nobody_typed():
    said = figures.look_for_shares(SHARES, TOKENS, OFFSETS)
    assert said == (
        "`the` gives most, 50.0%, and `<s>` least, −10.0%; an even share would be 20.0%. "
        "Tokens that nobody typed (grey) give 30.0% in all."
    )
    assert figures.share_table(SHARES, TOKENS)["token"] == [
        "1 [CLS]",
        "2 the",
        "3 the",
        "4 <s>",
        "5 [SEP]",
    ]


def test_a_text_of_special_tokens_only_says_so():
    said = figures.look_for_shares(np.array([0.4, 0.6]), ("[CLS]", "[SEP]"), ((0, 0), (0, 0)))
    assert said == "There are only special tokens here; they give 100.0%."


# Cosines


@pytest.mark.parametrize("theme", THEMES)
def test_every_cosine_stands_in_one_cell_and_each_line_above_its_row(theme):
    figure = figures.cosine_heatmap(LINES, COSINES, theme)
    weak, strong = (np.array(cells.z) for cells in figure.data)
    assert np.array_equal(np.isnan(weak), ~np.isnan(strong))
    np.testing.assert_allclose(np.where(np.isnan(weak), strong, weak), COSINES, rtol=1e-6)
    shown = np.char.add(*(cells.text.astype(str) for cells in figure.data))
    assert shown.tolist() == [["1", ".63", ".00"], [".63", "1", ".25"], [".00", ".25", "1"]]
    assert notes(figure) == [style.plot_text(line) for line in LINES]
    assert [note.y for note in figure.layout.annotations] == [0.5, 1.5, 2.5]
    assert "&lt;b&gt;" in notes(figure)[0]
    assert figure.layout.coloraxis.cmid == 0


@pytest.mark.parametrize("theme", THEMES)
def test_the_numbers_in_the_cells_can_be_read(theme):
    strong, on_weak, on_strong = figures.NUMBERS[theme]
    none = style.BACKGROUND[theme]
    for cosine in np.linspace(-0.7, 1, 35):
        most = style.COLORS["positive" if cosine > 0 else "negative"][theme]
        channels = ((int(none[i : i + 2], 16), int(most[i : i + 2], 16)) for i in (1, 3, 5))
        shade = "#" + "".join(f"{round(a + abs(cosine) * (b - a)):02x}" for a, b in channels)
        assert contrast(shade, on_strong if abs(cosine) >= strong else on_weak) > 4.3, cosine


@pytest.mark.parametrize(
    ("cosine", "written"), [(1, "1"), (0.834, ".83"), (-0.07, "−.07"), (-0.001, ".00"), (-1, "−1")]
)
def test_a_cell_number_is_short(cosine, written):
    assert figures.cell_number(cosine) == written


def test_the_most_and_the_least_alike_lines_are_named():
    assert figures.look_for_similarity(LINES, COSINES) == (
        "Most alike, 0.63: `<b>A dog</b> barks.` (line 1) and `A puppy yelps.` (line 2). "
        "Least alike, 0.00: `<b>A dog</b> barks.` (line 1) and `Stocks fell.` (line 3)."
    )
    table = figures.similarity_table(LINES, COSINES)
    assert table["sentence"] == LINES
    assert table["line 2"] == [0.63, 1, 0.25]


def test_two_lines_are_one_pair():
    said = figures.look_for_similarity(LINES[:2], COSINES[:2, :2])
    assert said.startswith("Most alike, 0.63")
    assert "Least" not in said


def test_bars_run_from_the_top_with_their_text_above():
    figure = figures.cosine_bars(LINES, np.array([0.7, 0.2, -0.1]), "light")
    (bars,) = figure.data
    assert sorted(zip(bars.y, bars.x, bars.text, strict=True), reverse=True) == [
        (2, pytest.approx(0.7), "0.70"),
        (1, pytest.approx(0.2), "0.20"),
        (0, pytest.approx(-0.1), "−0.10"),
    ]
    heights = {note.text: note.y for note in figure.layout.annotations}
    assert heights[style.plot_text(LINES[0])] == pytest.approx(2.2)
    assert figure.layout.xaxis.range[0] < -0.1
    assert not figure.layout.showlegend


def test_equal_texts_have_a_bar_each():
    (bars,) = figures.cosine_bars(["dup", "dup"], np.array([0.4, 0.4]), "dark").data
    assert sorted(bars.y) == [0, 1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a" * 40, "a" * 40), ("a" * 41, "a" * 39 + "…"), ("猫" * 20, "猫" * 20)],
)
def test_a_long_text_is_cut_to_the_width_of_a_phone(text, shown):
    assert figures.short(text) == shown


def test_wide_characters_count_twice():
    assert len(figures.short("猫" * 30)) == 20


def test_a_search_says_which_words_are_shared():
    said = figures.look_for_search(
        "A dog, too", ["The DOG was too tired.", "x"], np.array([0.7, 0.2])
    )
    assert said == (
        "Nearest to `A dog, too` is `The DOG was too tired.`, 0.70, 0.50 ahead of the next. "
        "Words in common: `dog`, `too`."
    )
    alone = figures.look_for_search("Shares", ["Stocks fell."], np.array([0.6]))
    assert alone == "Nearest to `Shares` is `Stocks fell.`, 0.60. They have no word in common."


def test_a_label_wins_by_a_margin():
    said = figures.look_for_labels(["food", "*x*"], np.array([0.42, 0.30]))
    assert said == "`food` wins with 0.42, 0.12 ahead of `*x*`."
    assert figures.ranking_table(["food", "*x*"], np.array([0.42, 0.30])) == {
        "rank": [1, 2],
        "text": ["food", "*x*"],
        "cosine": [0.42, 0.3],
    }


# The probe


def test_losses_run_from_step_0_beside_that_of_guessing():
    loss, left_out = np.array([log(3), 0.5, 0.2]), np.array([log(3), 1.2, 0.9])
    figure = figures.loss_lines(loss, left_out, 3, "light")
    np.testing.assert_allclose(figure.data[0].y, loss, rtol=1e-6)
    np.testing.assert_allclose(figure.data[1].y, left_out, rtol=1e-6)
    assert figure.data[0].line.dash != figure.data[1].line.dash  # told apart without colour
    assert figure.layout.shapes[0].y0 == pytest.approx(log(3))


def test_a_training_is_summed_up_by_lines_it_never_saw():
    loss, right = np.array([1.0986, 0.5, 0.2]), np.array([0.3, 0.5, 10 / 12])
    assert figures.look_for_training(loss, right, 12, 3) == (
        "After 2 steps the loss on the examples has fallen from 1.10 to 0.20. Of the 12 lines, "
        "each judged without having been learned, 10 get their own label; guessing would get "
        "about 4."
    )
    assert figures.training_table(loss, loss, right)["step"] == [0, 1, 2]


def test_tokens_left_out_have_bars_to_either_side_and_others_none():
    effects = np.array([np.nan, 0.3, -0.1, 0.0, np.nan])
    (bars,) = figures.effect_bars(effects, TOKENS, "<b>food</b>", "light").data
    np.testing.assert_allclose(bars.x, effects, rtol=1e-6)
    for_it, against = (style.COLORS[name]["light"] for name in ("positive", "negative"))
    assert list(bars.marker.color[1:4]) == [for_it, against, for_it]
    assert "&lt;b&gt;" in notes(figures.effect_bars(effects, TOKENS, "<b>food</b>", "light"))[0]
    table = figures.effect_table(effects, TOKENS)
    assert table["probability it brought"] == [None, 0.3, -0.1, 0, None]


def test_a_decision_names_the_tokens_for_and_against_it():
    said = figures.look_for_effects(
        ["food", "fun"],
        np.array([0.8, 0.2]),
        np.array([np.nan, 0.3, -0.1, 0, np.nan]),
        ("[CLS]", "apple", "game", "a", "[SEP]"),
    )
    assert said == (
        "The probe says: `food` 80.0%, `fun` 20.0%. Without `apple`, `food` would have 50.0%: "
        "that token spoke most for it. Without `game`, `food` would have 90.0%: that token spoke "
        "most against it."
    )


def test_a_decision_without_opponents_or_tokens_says_no_more():
    labels, probabilities = ["food", "fun"], np.array([0.2, 0.8])
    one_sided = figures.look_for_effects(
        labels, probabilities, np.array([np.nan, 0.3, np.nan]), ("[CLS]", "game", "[SEP]")
    )
    assert one_sided.startswith("The probe says: `fun` 80.0%, `food` 20.0%.")
    assert "against" not in one_sided
    empty = figures.look_for_effects(labels, probabilities, np.full(2, np.nan), ("[CLS]", "[SEP]"))
    assert empty.endswith("There is no token to leave out.")


def test_only_the_three_most_probable_labels_are_named():
    said = figures.ranked_probabilities(list("abcd"), np.array([0.1, 0.4, 0.2, 0.3]))
    assert said == "The probe says: `b` 40.0%, `d` 30.0%, `c` 20.0%."


# Limits


@pytest.mark.parametrize("theme", THEMES)
def test_the_first_example_of_each_kind_is_drawn_above_the_learners_pair(theme):
    figure = figures.limit_bars(TRIPLES, ("<i>One", "Two"), 0.5, theme)
    assert [text.replace("\u2068", "").replace("\u2069", "") for text in notes(figure)][::-1] == [
        "<b>negation: It is good.</b>",
        "I like it.",
        "It is not good.",
        "<b>numbers: 2 dogs</b>",
        "two dogs",
        "9 dogs",
        "<b>yours: &lt;i&gt;One</b>",
        "Two",
    ]
    same, other, own = figure.data
    assert list(same.y) == [3, 6]
    np.testing.assert_allclose(same.x, [0.9, 0.6], rtol=1e-6)
    np.testing.assert_allclose(other.x, [0.95, 0.8], rtol=1e-6)
    np.testing.assert_allclose(own.x, [0.5], rtol=1e-6)
    assert (own.y[0], figure.layout.showlegend) == (0, True)


def test_all_examples_are_counted_kind_by_kind():
    assert figures.look_for_limits(TRIPLES, 0.5) == (
        "In 2 of 3 ready examples the sentence with the other meaning comes closer than the "
        "paraphrase: negation 1 of 2, numbers 1 of 1. Your pair has 0.50."
    )
    table = figures.limit_table(TRIPLES, ("One", "Two"), 0.5)
    assert len(table["kind"]) == 1 + 2 * len(TRIPLES)
    assert [table[name][0] for name in table] == ["yours", "One", "Two", "", 0.5]
    assert [table[name][2] for name in table] == [
        "negation",
        "It is good.",
        "It is not good.",
        "other",
        0.8,
    ]


# Arithmetic, weights, two sentences


def test_the_arithmetic_of_a_share_is_at_first_that_of_the_typed_token_that_gives_most():
    projections = np.array([9.0, 1.5, 3.0, -1.0, 2.0])
    place = figures.largest_share(projections, OFFSETS)
    said = figures.share_arithmetic(TOKENS, place, projections, 2.5)
    assert said.startswith("The vector of `the` reaches")
    assert said.endswith("= 3.000 / (5 \\cdot 2.500) = 0.2400$.")
    assert figures.largest_share(np.ones(2), ((0, 0), (0, 0))) == 0


def test_the_arithmetic_of_a_cosine_adds_products():
    one, other = np.array([0.6, 0.0, -0.8, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    said = figures.cosine_arithmetic(one, other, ("*x*", "y"))
    assert "`*x*` and `y` have length 1" in said
    assert "(-0.800) \\cdot 0.000 + \\dots = 0.6000$" in said
    assert "0.600 \\cdot 1.000 +" in said
    assert figures.most_alike(COSINES) == (0, 1)


WEIGHTS = [("embeddings", 0, 1_200), ("block 1", 3, 300), ("your probe", 60, 60)]


def test_changed_weights_are_drawn_as_shares_and_told_as_counts():
    (bars,) = figures.weight_bars(WEIGHTS, "dark").data
    assert bars.x == pytest.approx([0, 0.01, 1])
    assert bars.text[0].strip() == "0 of 1,200"
    said = figures.look_for_weights(WEIGHTS, 7)
    assert "7 examples, 3 of the 1,500 weights of the encoder differ" in said
    assert "60 of 60 have changed" in said
    assert figures.weight_table(WEIGHTS)["changed"] == [0, 3, 60]


def test_shares_in_two_sentences_stand_beside_their_difference_around_zero():
    second = SHARES + np.array([0, -0.2, 0.1, 0, 0.1])
    figure = figures.shared_bars(TOKENS, SHARES, second, "light")
    one, other, difference = figure.data
    assert one.x == pytest.approx(SHARES)
    assert other.marker.pattern.shape == "/"  # not by colour alone
    assert difference.x == pytest.approx(second - SHARES, abs=1e-6)
    low, high = figure.layout.xaxis2.range
    assert low == -high
    assert high > 0.2
    said = figures.look_for_shared(TOKENS, SHARES, second, -0.5)
    assert "a cosine of −0.50. Of the 5 tokens that both share, `the` differs most" in said
    assert "50.0% of yours and 30.0% of the second" in said
    assert figures.shared_table(TOKENS, SHARES, second)["difference"][1] == -0.2


def test_cells_that_hold_their_number_already_keep_it_at_any_depth():
    figure = figures.cosine_heatmap(LINES, COSINES, "light")
    before = figure.to_dict()
    numbers.write_numbers(figure)
    assert str(figure.to_dict()) == str(before)
