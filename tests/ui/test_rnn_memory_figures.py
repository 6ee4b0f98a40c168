"""The data in the figures of the lesson on memory."""

import numpy as np
import pytest

from pages.ui.figures import numbers
from pages.ui.figures import rnn_memory as figures
from pages.ui.figures.rnn_memory import compared

TRUTH = ("ein", "und", "vierzig", "tausend", "drei")
LENGTHS = np.array([3, 6, 9, 10, 12, 15])
ACCURACY = {
    "fixed": np.array([[1, 0.9, 0.6, 0.4, 0.1, 0], [1, 0.8, 0.4, 0.2, 0, 0]]),
    "attention": np.array([[1, 1, 1, 1, 0.9, 0.5], [1, 1, 1, 1, 0.8, 0.3]]),
    "transformer": np.array([[1, 1, 1, 0.7, 0, 0], [1, 1, 1, 0.6, 0, 0]]),
    "wide": np.array([[1, 1, 0.9, 0.7, 0.2, 0], [1, 1, 0.9, 0.7, 0.2, 0]]),
}
CURVES = {
    name: np.array([[0.1, high - 0.1], [0.1, high + 0.1]])
    for name, high in (("fixed", 0.5), ("attention", 0.9), ("transformer", 0.9), ("wide", 0.8))
}
SOURCE = ("forty", "one", "thousand", "three")
WEIGHTS = np.array(
    [
        [0.1, 0.8, 0.1, 0.0, 0.0],  # ein looks at one
        [0.6, 0.4, 0.0, 0.0, 0.0],
        [0.9, 0.1, 0.0, 0.0, 0.0],  # vierzig at forty
        [0.0, 0.0, 0.3, 0.7, 0.0],  # tausend at three
        [0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)
DICTIONARY = {"ein": "one", "vierzig": "forty", "tausend": "thousand", "drei": "three"}


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (TRUTH, ["ein", "und", "vierzig", "tausend", "drei"]),
        (
            ("ein", "und", "fünfzig", "tausend", "drei"),
            ["ein", "und", "!fünfzig", "tausend", "drei"],
        ),
        (("ein", "vierzig", "tausend", "drei"), ["ein", "!–", "vierzig", "tausend", "drei"]),
        (
            ("ein", "und", "und", "vierzig", "tausend", "drei"),
            ["!ein und", "und", "vierzig", "tausend", "drei"],
        ),
        (("acht", *TRUTH), ["!acht ein", "und", "vierzig", "tausend", "drei"]),
        ((*TRUTH, "acht"), ["ein", "und", "vierzig", "tausend", "!drei acht"]),
        ((), ["!–"] * 5),
        (("null",), ["!null", "!–", "!–", "!–", "!–"]),
        (("eins",) * 7, ["!eins", "!eins", "!eins", "!eins", "!eins eins eins"]),
    ],
)
def test_an_answer_is_laid_beside_the_truth_word_by_word(answer, texts):
    assert [("" if right else "!") + text for text, right in compared(answer, TRUTH)] == texts


def test_only_a_right_answer_has_no_wrong_cell():
    for answer in (TRUTH, TRUTH[:-1], TRUTH[1:], (*TRUTH, "und"), ("und", *TRUTH)):
        assert all(cell.right for cell in compared(answer, TRUTH)) == (answer == TRUTH)


def test_answers_are_marked_by_sign_and_by_colour():
    answers = {"fixed": ("ein", "und", "acht", "tausend"), "attention": TRUTH}
    (grid,) = figures.answers_grid(TRUTH, answers, "light").data
    assert list(grid.x) == ["German", "one vector", "attention"]
    assert [row[0].strip("\u2068\u2069") for row in grid.text] == list(TRUTH)
    assert [row[1][0] for row in grid.text] == ["✓", "✓", "✗", "✓", "✗"]
    assert [row[1] for row in grid.z] == [0, 0, 1, 0, 1]
    assert [row[2] for row in grid.z] == [0] * 5


def test_look_for_answers_counts_the_wrong_words():
    sentence = figures.look_for_answers(
        SOURCE, TRUTH, {"fixed": ("ein", "und", "acht"), "attention": TRUTH}
    )
    assert "4 words, within what was trained" in sentence
    assert "**one vector**: 3 of 5 words wrong" in sentence
    assert "**attention**: all right" in sentence
    assert "longer than any" in figures.look_for_answers(("one",) * 10, TRUTH, {})


def test_answers_table_marks_the_wrong_words():
    table = figures.answers_table(TRUTH, {"fixed": ("ein", "und", "acht", "tausend")})
    assert table == {
        "German": list(TRUTH),
        "one vector": ["ein", "und", "✗ acht", "tausend", "✗ –"],
    }


def test_length_lines_are_means_with_a_band_over_all_seeds():
    chart = figures.length_lines(LENGTHS, ACCURACY, 10, "dark")
    lines = {line.name: line for line in chart.data if line.name}
    assert [*lines] == ["one vector", "attention", "Transformer"]
    assert lines["one vector"].y == pytest.approx([1, 0.85, 0.5, 0.3, 0.05, 0])
    band = chart.data[0]
    assert list(band.y) == [1, 0.9, 0.6, 0.4, 0.1, 0, 0, 0, 0.2, 0.4, 0.8, 1]
    assert [shape.x0 for shape in chart.layout.shapes] == [9.5, 10]


def test_look_for_length_tells_three_lengths_of_each_kind():
    sentence = figures.look_for_length(LENGTHS, ACCURACY, 500)
    assert "**one vector** 0.85, 0.50, 0.05; **attention** 1.00, 1.00, 0.85" in sentence
    assert "**Transformer** 1.00, 1.00, 0.00" in sentence
    assert "mean of 2 networks" in sentence


def test_length_table_has_a_column_per_seed():
    table = figures.length_table(LENGTHS, ACCURACY, "words")
    assert table["words"] == LENGTHS.tolist()
    assert table["attention, seed 2"] == [1, 1, 1, 1, 0.8, 0.3]
    assert len(table) == 9


def test_alignment_has_written_words_as_rows_and_read_words_as_columns():
    (heatmap,) = figures.alignment_heatmap(WEIGHTS, SOURCE, TRUTH, "light").data
    assert heatmap.z.shape == (len(heatmap.y), len(heatmap.x)) == (6, 5)
    assert "(end)" in heatmap.x[-1]
    assert "(end)" in heatmap.y[-1]
    assert "vierzig" in heatmap.y[2]


def test_an_answer_that_never_ended_has_no_row_for_its_end():
    rows, _ = figures.alignment_labels(WEIGHTS[:5], SOURCE, TRUTH)
    assert rows == list(TRUTH)


def test_look_for_alignment_counts_hits_and_finds_the_crossing():
    sentence = figures.look_for_alignment(WEIGHTS, SOURCE, TRUTH, DICTIONARY)
    assert "3 of 4 words" in sentence
    assert "At *ein und vierzig* it steps back" in sentence
    straight = figures.look_for_alignment(np.eye(2), ("one",), ("eins",), {"eins": "one"})
    assert straight.startswith("1 of 1 words")
    assert "steps back" not in straight


def test_equal_words_stay_apart_in_the_alignment():
    (heatmap,) = figures.alignment_heatmap(np.eye(3), ("one", "one"), ("ein", "ein"), "dark").data
    assert len(set(heatmap.x)) == len(set(heatmap.y)) == 3
    table = figures.alignment_table(np.eye(3), ("one", "one"), ("ein", "ein"))
    assert [*table] == ["written", "1 one", "2 one", "3 (end)"]


def test_reach_is_drawn_for_every_word_before_and_after_training():
    trained, fresh = np.array([0.5, 0.6, 1.0]), np.array([1e-4, 1e-2, 1.0])
    chart = figures.reach_lines(trained, fresh, ("two", "hundred", "six"), "light")
    assert list(chart.data[0].y) == [0.5, 0.6, 1.0]
    assert chart.layout.yaxis.type == "log"
    sentence = figures.look_for_reach(trained, fresh, ("two", "hundred", "six"))
    assert "0.0001 times as much as the last, *six*; after training 0.5 times" in sentence
    assert "One word" in figures.look_for_reach(trained[:1], fresh[:1], ("two",))
    assert figures.reach_table(trained, fresh, ("two", "hundred", "six"))["trained"] == [
        0.5,
        0.6,
        1,
    ]


FOUND, READ, GUESS = ("two", "six"), np.array([0.9, 0.5]), np.array([0.1, 0.4])


def test_read_back_marks_what_is_found_in_the_learners_vector():
    bars, guesses = figures.read_back_bars(FOUND, READ, GUESS, ("two", "ten"), "light").data
    assert [text[0] for text in bars.text] == ["✓", "✗"]
    assert list(bars.x) == [0.9, 0.5]
    assert list(guesses.x) == [0.1, 0.4]
    sentence = figures.look_for_read_back(FOUND, READ, GUESS, ("two", "ten"))
    assert "1 of 2 words are read back" in sentence
    assert "most over guessing at word 1 (0.90 against 0.10)" in sentence
    assert "least at word 2 (0.50 against 0.40)" in sentence
    table = figures.read_back_table(FOUND, READ, GUESS, ("two", "ten"))
    assert table["found in your c"] == ["two", "six"]


def test_a_place_where_guessing_never_misses_is_not_called_the_worst():
    sure = figures.look_for_read_back(
        ("two", "hundred", "six"),
        np.array([0.9, 1.0, 0.3]),
        np.array([0.1, 1.0, 0.2]),
        ("two", "hundred", "six"),
    )
    assert "least at word 3 (0.30 against 0.20)" in sure


def test_what_guessing_finds_is_not_counted():
    found = figures.found_beyond_guessing(np.array([0.9, 0.4, 1.0]), np.array([0.8, 0.5, 1.0]))
    assert found[:2] == pytest.approx([0.5, 0])
    assert np.isnan(found[2])


def test_probes_leave_places_beyond_the_source_empty():
    lengths = np.arange(1, 16)
    shares = np.where(lengths[None] <= lengths[:, None], 1 / lengths[:, None], np.nan)
    (heatmap,) = figures.probe_heatmap(lengths, shares, 0 * shares, "dark").data
    assert np.isnan(heatmap.z[0, 1])
    assert heatmap.z[8, 8] == pytest.approx(1 / 9)
    assert "of 9 words: first 0.11, between 0.11, last 0.11" in figures.look_for_probes(
        lengths, shares, 0 * shares
    )
    table = figures.probe_table(lengths, shares, shares)
    assert len(table["read back"]) == 120
    assert not np.isnan(table["read back"]).any()


def test_look_for_cost_tells_what_training_and_width_buy():
    sentence = figures.look_for_cost(CURVES, LENGTHS, ACCURACY)
    assert "from 0.10 to 0.50 as it trains, and with twice the width to 0.80" in sentence
    assert "0.30, 0.70 with twice the width, 1.00 with attention" in sentence


def test_look_for_run_tells_the_loss_once_there_is_one():
    assert "Untrained" in figures.look_for_run([[np.ones((2, 3))]] * 2, ("a", "b"))
    first, last = np.full((2, 3), 3.0), np.array([[9.0, 9.0, 9.0], [0.25, 0.5, 0.75]])
    history = [[first] * 4, [first, first, first, last]]
    sentence = figures.look_for_run(history, ("a", "b"))
    assert "after 4 updates, in nats per word: **a** 3, **b** 0.5" in sentence


def test_the_mixture_of_the_first_word_is_written_out():
    text = figures.alignment_arithmetic(WEIGHTS, SOURCE, TRUTH, 0)
    assert "For *ein*: $c_{1} = " in text
    assert r"0.80\,\bar h_{\text{one}}" in text
    assert "the others have $0.00$ together, and all weights sum to $1.00$" in text


def test_a_cell_of_the_probes_is_worked_out_for_the_learners_length():
    lengths = np.arange(1, 16)
    read, guess = np.full((15, 15), 0.6), np.full((15, 15), 0.2)
    text = figures.probe_arithmetic(lengths, read, guess, 8, 4)
    assert "Word 5 of 9: a guess finds $0.20$ of them, the readers $0.60$" in text
    assert r"$\max(0.60 - 0.20, 0) / 0.80 = 0.50$" in text
    assert "Word 8 of 15" in figures.probe_arithmetic(lengths, read, guess, 14, 7)
    assert "the cell is empty" in figures.probe_arithmetic(lengths, read, 0 * guess + 1, 8, 4)
    assert "has no word 10" in figures.probe_arithmetic(lengths, read, guess, 8, 9)


def test_answers_stay_words_where_values_are_written_into_cells():
    grid = figures.answers_grid(TRUTH, {"attention": TRUTH}, "light")
    numbers.write_numbers(grid)
    assert len(grid.data) == 1
    assert grid.data[0].text[0][1].strip("✓ \u2068\u2069") == TRUTH[0]
    heatmap = figures.alignment_heatmap(WEIGHTS, SOURCE, TRUTH, "light")
    numbers.write_numbers(heatmap)
    assert "0.80" in {*heatmap.data[0].text.ravel(), *heatmap.data[-1].text.ravel()}
