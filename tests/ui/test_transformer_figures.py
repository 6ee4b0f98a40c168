import numpy as np
import pytest

from pages.ui.answers import transformer as answers
from pages.ui.components.transformer_map import KINDS, Window
from pages.ui.figures import transformer as figures

DECADES = {
    "tanh RNN": {2: np.array([0.0, -1.0]), 3: np.array([0.0, -1.0, -26.0])},
    "LSTM, bias 1": {2: np.array([0.0, -0.5]), 3: np.array([0.0, -0.5, -9.0])},
    "Transformer encoder": {2: np.array([0.0, -0.3]), 3: np.array([0.0, -0.6, -1.0])},
}
LAYERS = {"RNN, LSTM": [2, 3], "Transformer encoder": [6, 6]}
WEIGHTS = np.array([[0.2, 0.8, 0.0], [0.1, 0.7, 0.2], [0.0, 0.9, 0.1]])
WINDOWS = {
    "attention": Window(WEIGHTS, "5 heads × 3 × 3 weights", "length 2", "", signed=False),
    "embedding": Window(np.ones((3, 7)), "3 tokens × 7 numbers", "length 1", ""),
}


def test_lengths_are_told_by_mean_and_range():
    assert figures.lengths(np.array([[3.0, 4.0], [0.0, 1.0]])) == (
        "length 3.00 on average (1.00 to 5.00)"
    )


def test_the_token_that_is_looked_at_most_is_named():
    said = figures.look_for_map(WINDOWS, ["a", "<b>`", "c"], 4)
    assert "3 tokens enter and 3 vectors leave" in said
    assert "in block 5 they look most at `` <b>` ``, with 80% of their attention" in said


def test_the_table_of_the_map_follows_the_reading():
    table = figures.map_table(WINDOWS)
    assert table["box"] == ["Input embedding", "Multi-head attention"]
    assert table["shape"] == ["3 tokens × 7 numbers", "5 heads × 3 × 3 weights"]
    assert table["vectors"] == ["length 1", "length 2"]


@pytest.mark.parametrize(
    ("name", "kept", "share"),
    [
        ("encoder-only", "keep 8 of 19 boxes", "25% goes to *later* tokens"),
        ("decoder-only", "GPT keeps 9 of 19 boxes", "that is 25% of the attention"),
        ("both", "keeps all 19 boxes", "that is 25% of the attention"),
    ],
)
def test_a_kind_is_told_by_what_it_keeps_and_what_its_mask_takes(name, kept, share):
    said = figures.look_for_kind(name, KINDS[name], np.array([0.2, 0.3]))
    assert kept in said
    assert share in said


def test_the_share_of_later_tokens_is_listed_by_block():
    assert figures.kind_table(np.array([0.2, 0.31239])) == {
        "block": [1, 2],
        "attention to later tokens": [0.2, 0.3124],
    }


def test_a_line_of_the_path_is_one_network_at_one_length():
    lines = figures.path_lines(DECADES, 3, "light").data
    assert [line.name for line in lines] == list(DECADES)
    assert lines[0].y == pytest.approx([0, -1, -26])
    assert list(lines[2].x) == [0, 1, 2]
    said = figures.look_for_path(DECADES, 3)
    assert "last of 3 tokens, the first one, 2 back" in said
    assert "**tanh RNN** 10⁻²⁶" in said
    assert "**Transformer encoder** 0.1" in said
    table = figures.path_table(DECADES, 3)
    assert table["distance"] == [0, 1, 2]
    assert table["LSTM, bias 1 (log10)"] == [0.0, -0.5, -9.0]


def test_growth_is_drawn_by_the_first_token_of_each_length():
    lines = figures.growth_lines(DECADES, "dark").data
    assert [list(line.x) for line in lines] == [[2, 3]] * 3
    assert lines[1].y == pytest.approx([-0.5, -9])
    said = figures.look_for_growth(DECADES)
    assert "From 2 to 3 tokens: **tanh RNN** from 0.1 to 10⁻²⁶" in said
    assert "**Transformer encoder** from 0.5 to 0.1" in said
    assert figures.growth_table(DECADES)["tanh RNN (log10)"] == [-1.0, -26.0]


def test_layers_are_counted_against_the_length():
    lines = figures.layer_lines((2, 3), LAYERS, "light").data
    assert [list(line.y) for line in lines] == [[2, 3], [6, 6]]
    assert lines[0].line.dash != lines[1].line.dash
    said = figures.look_for_layers((2, 3), LAYERS)
    assert "At 3 tokens: **RNN, LSTM** 3, **Transformer encoder** 6" in said
    assert "has 6 at every length" in said
    assert figures.layer_table((2, 3), LAYERS) == {"tokens": [2, 3], **LAYERS}


def test_every_network_has_a_colour_and_a_dash():
    assert set(figures.LINES) == {*DECADES, *LAYERS}


def test_the_arithmetic_of_attention_is_the_mean_of_a_column():
    said = figures.attention_arithmetic(WEIGHTS, ["a", "<b>`", "c"], 4, 1)
    assert "What `` <b>` `` gets of it in block 5" in said
    assert said.endswith("$(0.80 + 0.70 + 0.90) / 3 = 0.80$.")
    many = figures.attention_arithmetic(np.full((7, 7), 1 / 7), list("abcdefg"), 0, 0)
    assert many.endswith(r"$(0.14 + 0.14 + 0.14 + 0.14 + \dots + 0.14) / 7 = 0.14$.")


def test_the_factor_of_a_step_and_of_a_block_multiply_to_what_comes_back():
    said = figures.path_arithmetic(DECADES, 3, 2, 2)
    assert r"tanh RNN: $1.0\cdot 10^{-26} = f^{2}$, so $f = 10^{-26.00/2} = 0.00$" in said
    assert "Transformer encoder: $0.1 = f^{2}$, so $f = 10^{-1.00/2} = 0.32$" in said


SHARED = figures.Shared(
    ("<b>`", "the", "the"),
    np.array([[0.5, 1.2, 0.3], [0.1, 0.2, 0.3]]),
    np.array([[0.5, 1.3, 0.2], [0.4, 0.2, 0.3]]),
)


def test_two_sentences_are_drawn_token_by_block_with_their_difference():
    one, other, difference = figures.shared_heatmaps(SHARED, "light").data
    assert np.asarray(one.z) == pytest.approx(SHARED.first.T)
    assert np.asarray(other.z) == pytest.approx(SHARED.second.T)
    assert np.asarray(difference.z) == pytest.approx((SHARED.second - SHARED.first).T, abs=1e-6)
    assert len(set(one.y)) == 3
    said = figures.look_for_shared(SHARED)
    assert "enters block 2, `` <b>` `` gets 0.10 in your sentence and 0.40 in the second" in said
    table = figures.shared_table(SHARED)
    assert table["entering block"] == [1, 1, 1, 2, 2, 2]
    assert table["difference"] == pytest.approx([0, 0.1, -0.1, 0.3, 0, 0])
    same = SHARED._replace(second=SHARED.first)
    assert figures.look_for_shared(same).startswith("Nothing differs")


def test_nothing_is_asked_of_an_encoder_that_loses_nothing_as_the_text_grows():
    level = {2: np.array([0.0, -0.3]), 3: np.array([0.0, -0.2, -0.3])}
    assert answers.crowd(level, DECADES["tanh RNN"]) is None
    assert answers.crowd(DECADES["Transformer encoder"], DECADES["tanh RNN"]).right == "crowded"
