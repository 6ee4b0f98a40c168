"""The page on one vector as memory: what it shows, and what the address decides."""

import json

import numpy as np
import pytest
import torch

from core.number_words import english
from core.translation_task import NUMBERS, pairs_of_length
from pages.ui.answers import rnn_memory as answers
from pages.ui.cached import rnn_memory as cached
from tests.browser.conftest import ROOT

LONGEST = "999,999,999,999"


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_by_default_the_three_kinds_differ_on_one_number(open_page):
    answers, length, alignment, *_ = looked_for(open_page("rnn_memory"))
    assert "words wrong, **attention**: all right, **Transformer**" in answers
    assert answers.count("words wrong") == 2
    assert "**one vector** 0.9" in length
    assert "it steps back: ones before tens" in alignment


def test_every_section_has_its_figure(open_page):
    assert len(looked_for(open_page("rnn_memory"))) == 8


def test_a_short_number_is_easy_for_all(open_page):
    first, *_ = looked_for(open_page("rnn_memory", number="forty-one"))
    assert "*forty one* has 2 words, within what was trained" in first
    assert first.count("all right") == 3


@pytest.mark.parametrize("seed", ["1", "2", "3", "4", "5"])
def test_another_seed_is_another_network(open_page, seed):
    first, *_ = looked_for(open_page("rnn_memory", memory_seed=seed))
    assert "**attention**: all right" in first
    assert "**one vector**: all right" not in first


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("hello", "'hello' is neither a whole number nor an English number word"),
        ("-5", "neither a whole number"),
        ("1" * 13, "more than 12 digits"),
        ("one forty", "do not make one number"),
        ("<b>7</b> [x](https://evil.example)", "neither a whole number"),
        ("४२ 猫", "neither a whole number"),
        ("x" * 400, "neither a whole number"),
    ],
)
def test_what_is_no_number_is_answered_and_the_default_is_read(open_page, number, message):
    app = open_page("rnn_memory", number=number)
    assert message in app.warning[0].value
    assert looked_for(app) == looked_for(open_page("rnn_memory"))


@pytest.mark.parametrize("number", ["", "   ", "0", "7", "1,000,000,000", "\x00\u202e12"])
def test_any_number_gives_a_page(open_page, number):
    app = open_page("rnn_memory", number=number)
    assert not app.warning
    assert len(looked_for(app)) == 8


@pytest.mark.parametrize(
    "address",
    [
        {"memory_seed": "9", "memory_looks": "fixed", "memory_task": "chess"},
        {"memory_seed": "", "memory_looks": "", "memory_task": "", "memory_width": ""},
        {"memory_width": "100000", "memory_start": "-1", "memory_models": "all"},
        {"memory_start": "1e309", "memory_models": ""},
        {"number": "9" * 5_000},
    ],
    ids=lambda address: next(iter(address)),
)
def test_forged_addresses_give_a_sensible_page(open_page, address):
    assert len(looked_for(open_page("rnn_memory", **address))) == 8


def test_the_transformers_attention_is_shown_when_asked_for(open_page):
    lstm = open_page("rnn_memory", number="741,741")
    transformer = open_page("rnn_memory", number="741,741", memory_looks="Transformer")
    assert "At *ein und vierzig* it steps back" in looked_for(lstm)[2]
    assert "words were written while" in looked_for(transformer)[2]
    assert transformer.query_params["memory_looks"] == "Transformer"


def test_the_training_is_the_one_that_the_address_asks_for(open_page):
    address = {"memory_task": "letters reversed", "memory_models": "Transformer"}
    app = open_page("rnn_memory", **address, memory_width="32", memory_start="7")
    assert "Untrained" in looked_for(app)[-1]
    assert app.session_state["memory_task"] == "letters reversed"
    assert app.session_state["memory_models"] == ["Transformer"]
    assert app.session_state["memory_start"] == 7
    assert [
        button.label for button in app.button if (button.key or "").startswith("memory-train")
    ] == [
        "Start",
        "Step",
        "Stop",
        "Reset",
    ]


def written_log():
    return json.loads((ROOT / "assets/weights/rnn_memory/log.json").read_text())


@pytest.mark.parametrize(("n_words", "asked"), [(11, 11), (14, 14), (3, 12), (19, 12)])
def test_who_is_right_most_often_is_read_from_the_log(n_words, asked):
    log, written = cached.log(), written_log()
    truth = answers.best_beyond(log.lengths, log.accuracy, n_words)
    place = written["settings"]["lengths"].index(asked)
    shares = {}
    for run in written["runs"]:
        shares.setdefault(run["name"], []).append(run["accuracy"][place])
    assert truth.numbers["n_words"] == asked
    assert truth.right == "attention"
    for name, share in truth.measured.items():
        assert share == pytest.approx(sum(shares[name]) / len(shares[name]))
        assert name == "attention" or share < truth.measured["attention"]


def test_twice_the_width_is_read_from_the_log():
    written = written_log()
    nine = written["settings"]["curve_lengths"].index(9)
    truth = answers.twice_as_wide(cached.log().curves)
    for name, share in truth.measured.items():
        ends = [run["curve"][-1][nine] for run in written["runs"] if run["name"] == name]
        assert share == pytest.approx(sum(ends) / len(ends))
    assert truth.measured["fixed"] < truth.measured["wide"] < truth.measured["attention"]
    assert answers.twice_as_wide({name: np.ones((2, 3)) for name in truth.measured}) is None


@pytest.mark.parametrize(("number", "seed"), [(12_345_678, 0), (5_123, 3)])
def test_the_part_that_is_found_least_is_found_by_readers_of_our_own(number, seed):
    """Fitted with numpy's least squares to numbers that the page never drew."""
    source = english(number)
    read_back = cached.read_back(number, seed)
    truth = answers.least_found(source, read_back.accuracy, read_back.guessing)
    translator = cached.translators("fixed")[seed]
    drawn = pairs_of_length(NUMBERS, torch.Generator().manual_seed(77), len(source), 1_500)
    ids = NUMBERS.source_ids([words for words, _ in drawn])
    with torch.inference_mode():
        context = translator.encode(ids).context.double().numpy()
    x = np.hstack([context, np.ones((1_500, 1))])
    found = []
    for column in ids.numpy()[:, : len(source)].T:
        one_hot = np.eye(40)[column]
        weights, *_ = np.linalg.lstsq(x[:1_000], one_hot[:1_000], rcond=1e-3)
        right = ((x[1_000:] @ weights).argmax(1) == column[1_000:]).mean()
        guess = (np.bincount(column[:1_000]).argmax() == column[1_000:]).mean()
        found.append(max(right - guess, 0) / (1 - guess) if guess < 1 else np.nan)
    thirds = [np.nanmean(third) for third in np.array_split(found, 3)]
    assert truth.right == ("first", "middle", "last")[int(np.argmin(thirds))] == "middle"
    assert list(truth.measured.values()) == pytest.approx(thirds, abs=0.15)
    assert " ".join(truth.words.values()) == " ".join(source)


def test_of_a_short_number_no_part_is_asked_for():
    assert answers.least_found(english(41), np.ones(2), np.zeros(2)) is None


@pytest.mark.parametrize("number", ["741", "999,999,999,999"])
def test_questions_are_about_the_number_that_was_typed(open_page, number):
    app = open_page("rnn_memory", ask="true", number=number)
    assert not app.exception
    asked = {
        button.key.split(".")[1]
        for button in app.button
        if (button.key or "").startswith("predict-")
    }
    assert "best-beyond" in asked
    assert ("least-found" in asked) == (number != "741")


def test_values_stand_in_the_cells_and_words_stay_words(open_page):
    app = open_page("rnn_memory", depth="Numbers")
    assert not app.exception
    assert sum(text.value.startswith(":material/calculate:") for text in app.markdown) == 2
