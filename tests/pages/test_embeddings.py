"""The embeddings page: what it says of real rows, of odd words, of two meanings."""

import re
from itertools import combinations

import numpy as np
import pytest

from core.pretrained import load_encoder
from tests.pages.conftest import ODD_SENTENCES
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import revealed


def test_the_rarest_word_of_the_sentence_is_looked_up(open_page):
    said = texts(open_page("embeddings"))
    assert "`tired` has the number 5,458, so the model takes row 5,458: 384 numbers" in said
    assert "Position 14 adds a row" in said


def test_the_address_chooses_the_token(open_page):
    said = texts(open_page("embeddings", lookup="3 animal"))
    assert "`animal` has the number 4,111" in said


def test_a_chosen_token_does_not_outlive_its_sentence(open_page):
    app = open_page("embeddings", lookup="3 animal")
    app.text_input(key="sentence").set_value("Dogs and cats.").run()
    assert "What does the model read for `cats`?" in texts(app)


def test_close_means_far_above_two_random_words(open_page):
    said = texts(open_page("embeddings"))
    assert "Nearest to `dog` is `dogs`, 0.87" in said
    mean, low, high = map(
        float,
        re.search(r"have (.+) on average, .* between (.+) and (.+): close", said)
        .expand(r"\1 \2 \3")
        .replace("−", "-")
        .split(),
    )
    assert abs(mean) < 0.05
    assert -0.25 < low < -0.05 < 0.1 < high < 0.3


@pytest.mark.parametrize(
    ("word", "nearest"), [("monday", "tuesday"), ("Car", "cars"), ("##dog", "dog")]
)
def test_neighbours_of_a_typed_word(open_page, word, nearest):
    assert f"Nearest to `{word}` is `{nearest}`" in texts(open_page("embeddings", near=word))


def test_a_word_without_a_row_says_which_pieces_stand_for_it(open_page):
    said = texts(open_page("embeddings", near="unhappiness"))
    assert "`unhappiness` has no row: it is read as `un` `##ha` `##pp` `##iness`" in said
    assert "4 of the 12 bars are these pieces themselves" in said


def test_related_words_and_opposites_are_close(open_page):
    said = texts(open_page("embeddings"))
    for pair in ("`king`–`queen` 0.63", "`dog`–`puppy` 0.54", "`good`–`bad` 0.53"):
        assert pair in said


def test_an_empty_list_stands_for_the_words_of_the_sentence(open_page):
    said = texts(open_page("embeddings", compare="", sentence="Dogs chase cats, dogs sleep."))
    assert "Of all 6 pairs" in said  # dogs, chase, cats, sleep
    assert "`dogs`–`cats`" in said


def test_one_word_is_asked_for_a_second(open_page):
    app = open_page("embeddings", compare="dog", map="the list above")
    assert [note.value for note in app.info] == [
        "Give at least two words to compare.",
        "A map needs at least three words; choose another group.",
    ]


def test_an_analogy_is_honest_about_the_words_that_went_in(open_page):
    assert "is `king`, 0.67: a word that went in. Leave those out, and it is `queen`" in texts(
        open_page("embeddings")
    )


def test_an_analogy_of_many_pieces_may_find_only_what_went_in(open_page):
    start = "snowboarding unhappiness zxqwv"
    assert not open_page("embeddings", analogy_start=start, analogy_minus=start).exception


def test_the_share_of_variance_stands_in_the_title_of_the_map(open_page):
    flat, solid = (
        re.search(r"\((\d) axes keep (\d+)% of the variance\)", texts(app)).groups()
        for app in (open_page("embeddings"), open_page("embeddings", map_3d="true"))
    )
    assert (flat[0], solid[0]) == ("2", "3")
    assert 10 < int(flat[1]) < int(solid[1]) < 60


@pytest.mark.parametrize(
    "group", ["animals", "your sentence", "the list above", "neighbours of the word above"]
)
def test_each_map_names_a_pair_of_its_own_words_that_misleads(open_page, group):
    app = open_page("embeddings", map=group)
    words = app.selectbox(key="map_from").options
    pair = re.search(r"every distance: `(.+?)` and `(.+?)` are number", texts(app)).groups()
    assert set(pair) <= set(words)


def test_words_with_one_and_the_same_row_still_make_a_map(open_page):
    app = open_page("embeddings", compare="🦊, 🦝, 🐻, 🦁", map="the list above")
    assert not app.exception
    assert "(2 axes keep 0% of the variance)" in texts(app)
    assert "1 more words have no row" in texts(app)


def test_a_word_measured_from_does_not_outlive_its_group(open_page):
    app = open_page("embeddings", map="opposites", map_from="bad")
    assert app.selectbox(key="map_from").value == "bad"
    app.selectbox(key="map").set_value("numbers").run()
    assert app.selectbox(key="map_from").value == "one"
    assert not app.exception


def test_two_meanings_share_a_row_and_part_by_block_3(open_page):
    said = texts(open_page("embeddings"))
    within, across = re.search(
        r"widest after block 3: (0\.\d+) within a meaning, (0\.\d+) across", said
    ).groups()
    assert float(within) - float(across) > 0.08
    assert "`bank` in your two sentences: 1.00 in the table" in said


def test_a_shared_word_of_the_learner(open_page):
    said = texts(
        open_page(
            "embeddings",
            bank_one="Snowboarding is fun.",
            bank_two="He likes snowboarding.",
            bank_word="snowboarding",
        )
    )
    assert "`snowboarding` in your two sentences: 1.00 in the table" in said


def test_a_shared_word_that_is_missing_is_named(open_page):
    said = texts(open_page("embeddings", bank_word="<b>tea</b>"))
    assert "`<b>tea</b>` is not in both of your sentences" in said


def test_shared_words_are_compared_at_a_stage(open_page):
    sentences = {"sentence": "The bank of the river.", "second": "The bank of the town."}
    said = texts(open_page("embeddings", **sentences))
    assert "After block 6 the pair that changes most is" in said
    assert "the 7 shared tokens" in texts(open_page("embeddings", **sentences, stage="table"))


@pytest.mark.parametrize("second", ["Snow falls", "猫", "!"])
def test_sentences_without_two_shared_words_are_not_compared(open_page, second):
    app = open_page("embeddings", sentence="The bank of the river.", second=second)
    assert "How close are the words" not in texts(app)
    assert "shares two words" in app.info[-1].value


@pytest.fixture(scope="module")
def table():
    """Rows by token: number -> row, and token -> number."""
    encoder = load_encoder()
    return encoder.embeddings.token.detach().numpy(), encoder.reader.tokenizer.get_vocab()


def nearest_token(table, vector, left_out=()):
    rows, numbers = table
    cosines = rows @ vector / np.linalg.norm(rows, axis=1)
    cosines[[numbers[word] for word in left_out]] = -np.inf
    return next(token for token, number in numbers.items() if number == cosines.argmax())


@pytest.mark.parametrize("word", ["dog", "good", "Monday", "the", "zulu"])
def test_the_nearest_row_is_asked_for_and_is_the_nearest(open_page, table, word):
    app = open_page("embeddings", near=word, ask="true")
    rows, numbers = table
    token = word.lower()
    expected = nearest_token(table, rows[numbers[token]], [token])
    assert revealed(app, "embeddings.nearest").truth == expected


@pytest.mark.parametrize("word", ["unhappiness", "🦊", "123", "##ing", "[MASK]", "!"])
def test_of_what_is_no_whole_word_no_nearest_row_is_asked(open_page, word):
    app = open_page("embeddings", near=word, ask="true")
    assert not [b for b in app.button if (b.key or "").startswith("predict-embeddings.nearest")]


@pytest.mark.parametrize(
    "words", [("king", "man", "woman"), ("paris", "france", "italy"), ("walked", "walk", "walk")]
)
def test_the_analogy_that_is_asked_for_leaves_no_word_out(open_page, table, words):
    start, minus, plus = words
    app = open_page(
        "embeddings", analogy_start=start, analogy_minus=minus, analogy_plus=plus, ask="true"
    )
    rows, numbers = table
    a, b, c = (rows[numbers[word]] for word in words)
    assert revealed(app, "embeddings.analogy").truth == nearest_token(table, a - b + c)


@pytest.mark.parametrize("group", ["opposites", "numbers"])
def test_the_rank_that_is_asked_for_is_counted_by_hand(open_page, table, group):
    app = open_page("embeddings", map=group, ask="true")
    words = app.selectbox(key="map_from").options
    kept = revealed(app, "embeddings.misleading-pair")
    pair = re.search("“(.+?)” and “(.+?)”", kept.ask).groups()
    rows, numbers = table
    unit = {word: rows[numbers[word]] / np.linalg.norm(rows[numbers[word]]) for word in words}
    cosine = {two: unit[two[0]] @ unit[two[1]] for two in combinations(words, 2)}
    closer = sum(other > cosine[pair] for other in cosine.values())
    assert int(kept.truth) == closer + 1


@pytest.mark.parametrize("words", ["🦊, 🦝, 🐻, 🦁", "a, b"])
def test_of_a_map_that_hides_nothing_no_rank_is_asked(open_page, words):
    app = open_page("embeddings", compare=words, map="the list above", ask="true")
    assert not app.exception
    assert not [b for b in app.button if "misleading" in (b.key or "")]


CONTROLS = (
    *("lookup", "near", "compare", "second", "stage", "map", "map_from", "map_3d"),
    *("analogy_start", "analogy_minus", "analogy_plus", "bank_one", "bank_two", "bank_word"),
)


@pytest.mark.parametrize("text", ODD_SENTENCES.values(), ids=ODD_SENTENCES)
def test_every_control_survives_any_text(open_page, text):
    app = open_page("embeddings", **dict.fromkeys(CONTROLS, text))
    assert not app.exception
    assert "Nearest to" in texts(app)
