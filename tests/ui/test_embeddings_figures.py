"""The data in the figures of embeddings, and the sentences about them."""

import re

import numpy as np
import pytest

from pages.ui.figures import embeddings as figures
from pages.ui.figures import style

THEMES = ("light", "dark")
BAND = figures.RandomBand(0.0123, -0.14, 0.2)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def cosines_of(n, seed=0):
    vectors = random(n, 5, seed=seed)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


@pytest.mark.parametrize("theme", THEMES)
def test_strips_hold_the_rows_and_write_their_norms(theme):
    rows = random(5, 7)
    figure = figures.lookup_strips(rows, 4111, 2, theme)
    looked_up, output = figure.data
    assert np.array_equal(looked_up.z, rows[:4])
    assert np.array_equal(output.z, rows[4:])
    for strips in figure.data:
        assert strips.zmid == 0
        assert strips.zmin == -strips.zmax
    notes = [note.text for note in figure.layout.annotations]
    assert notes[0].startswith("row 4,111 of the token table")
    assert notes[1].startswith("+ position 3 ")
    for note, row in zip(notes, rows, strict=True):
        assert note.endswith(f"norm {np.sqrt((row**2).sum()):.2f}")


def test_the_table_of_strips_has_a_line_per_dimension():
    rows = random(5, 7)
    table = figures.lookup_table(rows)
    assert list(table) == ["dimension", "token", "position", "segment", "sum", "output"]
    assert table["dimension"] == [1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_allclose(table["sum"], rows[3], atol=1e-4)


def test_looking_up_names_number_place_and_norms():
    rows = np.diag([3.0, 2, 1, 4, 5])
    said = figures.look_for_lookup(rows, "**x**", 4111, 2)
    assert "`**x**` has the number 4,111" in said
    assert "norm 3.00. Position 3 adds a row of norm 2.00; the segment adds 1.00" in said


def test_the_band_holds_98_of_100_random_pairs():
    cosines = np.linspace(-1, 1, 101)
    band = figures.random_band(cosines)
    assert band.mean == pytest.approx(0)
    assert np.mean((cosines >= band.low) & (cosines <= band.high)) == pytest.approx(0.98, abs=0.01)


def test_neighbours_are_bars_from_the_nearest_down_beside_the_band():
    tokens = tuple(f"t{i}" for i in range(24))
    cosines = np.linspace(0.9, 0.1, 24, dtype=np.float32)
    figure = figures.neighbour_bars(tokens, cosines, BAND, "light")
    assert np.array_equal(figure.data[0].x, cosines[:12])
    assert list(figure.data[0].y) == style.plot_labels(tokens[:12])
    assert figure.layout.yaxis.autorange == "reversed"
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (BAND.low, BAND.high)
    assert len(figures.neighbour_table(tokens, cosines)["token"]) == 24


def test_a_nearest_word_is_read_against_chance():
    said = figures.look_for_neighbours(
        "dog", ("dog",), ["dogs", "cat"], np.array([0.87, 0.4]), BAND
    )
    assert said.startswith("Nearest to `dog` is `dogs`, 0.87.")
    assert "0.01 on average" in said
    assert "between −0.14 and 0.20" in said
    assert "no row" not in said


def test_a_word_in_pieces_says_so_and_counts_the_bars_that_are_its_pieces():
    tokens = ["##pp", "ha", "un", *(f"t{i}" for i in range(9)), "##ha"]
    pieces = ("un", "##ha", "##pp")
    said = figures.look_for_neighbours("unhapp", pieces, tokens, np.full(13, 0.5), BAND)
    assert "`unhapp` has no row: it is read as `un` `##ha` `##pp`" in said
    assert "2 of the 12 bars are these pieces themselves" in said


def test_an_unknown_word_is_called_unknown():
    assert "is unknown to the model" in figures.note_on_pieces("🦊", ("[UNK]",))


def test_many_words_without_a_row_are_counted_not_listed():
    words = [f"w{i}" for i in range(7)]
    notes = figures.notes_on_pieces(words, [("a", "b")] * 6 + [("w6",)])
    assert notes.count("has no row") == 3
    assert notes.endswith(" 3 more words have no row.")


@pytest.mark.parametrize("theme", THEMES)
def test_every_cosine_stands_in_one_cell_and_zero_is_the_background(theme):
    words, cosines = [f"w{i}" for i in range(7)], cosines_of(7)
    figure = figures.cosine_heatmap(words, cosines, theme)
    weak, strong = (np.array(cells.z) for cells in figure.data)
    assert np.array_equal(np.isnan(weak), ~np.isnan(strong))
    np.testing.assert_allclose(np.where(np.isnan(weak), strong, weak), cosines, rtol=1e-6)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-1, 1)
    middle = [colour for at, colour in figure.layout.coloraxis.colorscale if at == 0.5]
    assert middle == [style.BACKGROUND[theme]]


def test_numbers_stand_in_the_cells_only_while_there_is_room():
    for n, shown in ((14, True), (15, False)):
        figure = figures.cosine_heatmap([f"w{i}" for i in range(n)], cosines_of(n), "light")
        assert bool(figure.data[0].texttemplate) == shown


def test_the_closest_pairs_come_first_and_none_twice():
    cosines = cosines_of(7)
    pairs = figures.closest_pairs(cosines, 99)
    assert len({(pair.first, pair.second) for pair in pairs}) == len(pairs) == 7 * 6 // 2
    assert all(pair.first < pair.second for pair in pairs)
    values = [pair.cosine for pair in pairs]
    assert values == sorted(values, reverse=True)
    assert values[0] == np.max(cosines - 2 * np.eye(7))


def test_a_list_is_summed_up_by_its_closest_pairs():
    cosines = np.array([[1, 0.63, -0.001], [0.63, 1, 0.25], [-0.001, 0.25, 1]])
    said = figures.look_for_cosines(["king", "queen", "<b>"], cosines, BAND)
    assert "`king`–`queen` 0.63, `queen`–`<b>` 0.25, `king`–`<b>` 0.00" in said
    assert "Of all 3 pairs, 2 are above 0.20" in said
    assert figures.cosine_table(["king", "queen", "<b>"], cosines)["queen"] == [0.63, 1, 0.25]


def test_words_that_went_in_are_grey_and_named():
    pieces = (("king",), ("man",), ("woman",))
    tokens = ("king", "queen", "kings", "woman", "monarch", "queens", "royal", "prince")
    cosines = np.linspace(0.7, 0.3, 8, dtype=np.float32)
    (bars,) = figures.analogy_bars(pieces, tokens, cosines, "light").data
    grey = style.COLORS["segment"]["light"]
    assert [colour == grey for colour in bars.marker.color] == [1, 0, 0, 1, 0, 0]
    assert "king (went in)" in bars.y[0]


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (
            ["king", "queen"],
            "`king`, 0.67: a word that went in. Leave those out, and it is `queen`",
        ),
        (["queen", "king"], "`queen`, 0.67: a word that did not go in."),
        (["king", "woman"], "`king`, 0.67: like all that are near, a word that went in."),
    ],
)
def test_an_analogy_says_whether_its_answer_went_in(tokens, said):
    words = ("king", "man", "woman")
    pieces = tuple((word,) for word in words)
    text = figures.look_for_analogy(words, pieces, tokens, np.array([0.67, 0.51]))
    assert text.startswith(f"Nearest to `king` − `man` + `woman` is {said}")


@pytest.mark.parametrize("n_axes", [2, 3])
def test_a_map_shows_points_true_cosines_and_shares(n_axes):
    words, points, cosines = ["a", "b", "<s>"], random(3, n_axes), np.array([0.1, 1.0, 0.3])
    shares = np.array([0.4, 0.25, 0.1])[:n_axes]
    figure = figures.word_map(words, points, shares, cosines, 1, "light")
    (marks,) = figure.data
    for axis, name in enumerate("xyz"[:n_axes]):
        assert np.array_equal(marks[name], points[:, axis])
    np.testing.assert_allclose(marks.marker.color, cosines, rtol=1e-6)
    np.testing.assert_allclose(marks.customdata, cosines, rtol=1e-6)
    assert list(marks.marker.symbol) == ["circle", "diamond", "circle"]
    assert "&lt;s&gt;" in marks.text[2]
    first_axis = figure.layout.scene.xaxis if n_axes == 3 else figure.layout.xaxis
    assert "40%" in first_axis.title.text


def test_both_axes_of_a_flat_map_have_one_scale():
    figure = figures.word_map(["a", "b"], random(2, 2), np.ones(2), np.ones(2), 0, "dark")
    assert figure.layout.yaxis.scaleanchor == "x"


def test_a_learners_word_is_no_template_of_plotly():
    words = ["%{x}", "b"]
    (marks,) = figures.word_map(words, random(2, 2), np.ones(2), np.ones(2), 0, "light").data
    assert "%{x}" not in marks.hovertemplate


def test_labels_of_neighbouring_points_turn_away_from_each_other():
    points = np.array([[0.0, 0], [0.02, 0], [1, 1]])
    assert figures.label_sides(points, ["left one", "right one", "far"])[:2] != ["middle right"] * 2
    assert figures.label_sides(np.zeros((3, 2)), ["a", "b", "c"])[0] == "middle right"


def test_a_map_names_the_word_drawn_nearest_with_its_true_cosine():
    points = np.array([[0.0, 0], [5, 5], [0.5, 0]])
    said = figures.look_for_map(["dog", "cat", "<b>"], points, np.array([1, 0.4, 0.217]), 0)
    assert "Drawn nearest to `dog` is `<b>`; their true cosine is 0.22" in said


def test_every_pair_is_a_dot_and_the_misleading_one_is_marked():
    words, points, cosines = ["a", "<s>", "%{x}", "d"], random(4, 2), cosines_of(4)
    line, dots, marked = figures.distance_dots(
        words, points, cosines, (1, 3, 0, 4, 6), "light"
    ).data
    assert len(dots.x) == 5
    assert marked.x[0] == pytest.approx(np.hypot(*(points[1] - points[3])), rel=1e-6)
    assert marked.y[0] == pytest.approx(cosines[1, 3], rel=1e-6)
    assert marked.marker.symbol != dots.marker.symbol  # told apart without colour
    assert line.x == pytest.approx(np.sqrt(2 - 2 * line.y))
    assert "&lt;s&gt;" in dots.customdata[0]
    table = figures.distance_table(words, points, cosines)
    assert table["other word"] == ["<s>", "%{x}", "d", "%{x}", "d", "d"]
    assert table["true cosine"][4] == pytest.approx(cosines[1, 3], abs=1e-4)


def test_a_true_map_marks_no_pair():
    drawn = figures.distance_dots(["a", "b"], random(2, 2), np.eye(2), (0, 1, 0, 0, 1), "dark")
    assert len(drawn.data) == 2


def test_a_map_names_its_misleading_pair_or_says_that_it_has_none():
    cosines = np.array([[1, -0.05], [-0.05, 1]])
    said = figures.look_for_distances(["puppy", "throne"], cosines, (0, 1, 113, 263, 276))
    assert "`puppy` and `throne` are number 114 of 276 pairs by closeness on the map" in said
    assert "number 264 by true cosine (−0.05)" in said
    said = figures.look_for_distances(["a", "b"], cosines, (0, 1, 0, 0, 1))
    assert "the map is true" in said


def test_the_table_of_a_map_names_the_word_measured_from():
    table = figures.map_table(["a", "b"], random(2, 3), np.array([1.0, 0.2]), "a")
    assert list(table) == ["word", "axis 1", "axis 2", "axis 3", "cosine with a"]


def test_lines_are_means_over_faint_pairs_and_the_learners_own():
    same, different, learner = random(5, 8), random(7, 8, seed=1), random(8, seed=2)
    figure = figures.meaning_lines("bank", same, different, learner, "light")
    faint_same, faint_different, mean_same, mean_different, yours = figure.data
    for faint, pairs in ((faint_same, same), (faint_different, different)):
        drawn = np.array(faint.y).reshape(len(pairs), 9)
        assert np.array_equal(drawn[:, :8], pairs)
        assert np.isnan(drawn[:, 8]).all()
    np.testing.assert_allclose(mean_same.y, same.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(mean_different.y, different.mean(axis=0), rtol=1e-6)
    assert np.array_equal(yours.y, learner)
    assert mean_same.line.dash != mean_different.line.dash  # told apart without colour


def test_a_word_missing_from_a_sentence_has_no_line_and_that_is_said():
    same, different = random(5, 8), random(7, 8, seed=1)
    assert len(figures.meaning_lines("bank", same, different, None, "light").data) == 4
    said = figures.look_for_meanings("bank", same, different, "tea", None)
    assert "`tea` is not in both of your sentences" in said
    assert "your two sentences" not in figures.meaning_table("bank", same, different, None)


def test_the_widest_gap_names_its_stage():
    same, different = np.full((3, 8), 0.9), np.full((5, 8), 0.8)
    different[:, 4] = 0.7
    said = figures.look_for_meanings("bank", same, different, "bank", np.linspace(1, 0.3, 8))
    assert "widest after block 3: 0.90 within a meaning, 0.70 across" in said
    assert "1.00 in the table, 0.60 after block 3, 0.30 after block 6" in said
    table = figures.meaning_table("bank", same, different, np.linspace(1, 0.3, 8))
    assert len(table) == 1 + 1 + 3 + 5
    assert all(len(column) == 8 for column in table.values())


def numbers_in(text):
    return [float(found) for found in re.findall(r"-?\d+\.\d+", text)]


def test_the_arithmetic_of_looking_up_leads_to_what_the_first_block_reads():
    rows = random(5, 384)
    rows[3] = rows[:3].sum(axis=0)
    rows[4] = (rows[3] - rows[3].mean()) / rows[3].std() * 0.5 - 0.25
    written = numbers_in(figures.lookup_arithmetic(rows, 0, 0.5, -0.25))
    assert sum(written[:3]) == pytest.approx(written[3], abs=3e-4)
    total, mean, deviation, factor, shift, output = written[-6:]
    assert (total - mean) / deviation * factor + shift == pytest.approx(output, abs=0.01)


def test_the_arithmetic_of_a_cosine_divides_the_product_by_both_norms():
    cosines = np.array([[1, 0.3, 0.5], [0.3, 1, 0.9], [0.5, 0.9, 1]])
    assert figures.closest_words(cosines) == (1, 2)
    said = figures.cosine_arithmetic(("b", "c"), 1.5, 2.0, 3.0)
    assert "1.500 / (2.000 \\cdot 3.000) = 0.25" in said


def test_shared_tokens_are_compared_in_both_sentences():
    tokens, first, second = ["[CLS]", "a", "a", "[SEP]"], cosines_of(4), cosines_of(4, seed=1)
    one, other, difference = figures.shared_heatmaps(tokens, first, second, "light").data
    assert np.array_equal(one.z, first)
    np.testing.assert_allclose(difference.z, second - first, atol=1e-6)
    assert len(set(other.x)) == 4
    table = figures.shared_table(tokens, first, second)
    most = int(np.abs(table["difference"]).argmax())
    pair = f"{table['token'][most][2:]}`–`{table['with'][most][2:]}`"
    assert pair in figures.look_for_shared(tokens, first, second, 7)
    assert "the same rows" in figures.look_for_shared(tokens, first, first, 0)
