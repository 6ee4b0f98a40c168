"""The page on one vector as memory: what it shows, and what the address decides."""

import pytest

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
    assert [button.label for button in app.button if button.key.startswith("memory-train")] == [
        "Start",
        "Step",
        "Stop",
        "Reset",
    ]
