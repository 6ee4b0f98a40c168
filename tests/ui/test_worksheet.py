"""What is written on a worksheet: plain texts, all options, the key, as much of a table as fits."""

import json

import numpy as np
import pytest

from pages.ui.cached import texts
from pages.ui.menu import topic
from pages.ui.questions import Option, Question, Truth, ask
from pages.ui.text import quoted
from pages.ui.worksheet import MOST_CHARACTERS, Task, cut, plain, sheet, written

HOSTILE = "</style><script>alert(1)</script> **bold** `code` & <b>x</b>"
QUESTION = Question(
    "What follows {word}?",
    {
        "next": Option("{next}", "It stands after {word}."),
        "none": Option("nothing", "There are {n} tokens."),
    },
    "tokens-are-words",
    form="{:.1f} points",
)


def task(word="a*b", **table):
    truth = Truth("next", {"word": word, "next": "cat"}, {"n": 7}, {"next": 0.25})
    asked = ask("lesson.slug", QUESTION, truth)
    title = f"What about {quoted(word)}?"
    return Task(
        asked, QUESTION.misconception, "figure-key", title, lambda: table or {"n": [1]}, draw=None
    )


def test_a_question_comes_with_all_options_and_the_right_one_is_known_to_the_key():
    (question,) = sheet(topic("tokenization"), "A sentence.", [task()])["questions"]
    assert question["ask"] == "What follows “a*b”?"
    assert question["title"] == "What about “a*b”?"
    assert question["figure"] == "figure-key"
    assert question["belief"] == texts.misconceptions()["tokens-are-words"]
    by_label = {option["label"]: option for option in question["options"]}
    assert by_label == {
        "cat": {
            "label": "cat",
            "because": "It stands after “a*b”.",
            "measured": "0.2 points",
            "right": True,
        },
        "nothing": {
            "label": "nothing",
            "because": "There are 7 tokens.",
            "measured": "",
            "right": False,
        },
    }


def test_a_sentence_with_markup_goes_to_the_sheet_as_it_was_typed():
    made = sheet(topic("tokenization"), HOSTILE, [task(HOSTILE, piece=[HOSTILE])])
    assert made["sentence"] == HOSTILE
    (question,) = made["questions"]
    assert question["ask"] == f"What follows “{HOSTILE}”?"
    assert question["title"] == f"What about “{HOSTILE}”?"
    assert json.loads(json.dumps(made)) == made


def test_a_question_that_is_aimed_at_no_belief_names_none():
    aimless = task()._replace(misconception="")
    assert sheet(topic("tokenization"), "", [aimless])["questions"][0]["belief"] is None


def test_a_large_table_is_cut_and_says_how_large_it_is():
    table = {f"column {c}": np.arange(31) * c for c in range(11)}
    made = cut(table)
    assert made["columns"] == [f"column {c}" for c in range(8)]
    assert made["rows"] == [[str(r * c) for c in range(8)] for r in range(14)]
    assert (made["n_rows"], made["n_columns"]) == (31, 11)


def test_a_small_table_is_whole():
    assert cut({"token": ("a", "b"), "weight": [0.25, None]}) == {
        "columns": ["token", "weight"],
        "rows": [["a", "0.25"], ["b", ""]],
        "n_rows": 2,
        "n_columns": 2,
    }
    assert cut({}) == {"columns": [], "rows": [], "n_rows": 0, "n_columns": 0}


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1 / 3, "0.3333"),
        (np.float32(2 / 3), "0.6667"),
        (np.int64(1234567), "1234567"),
        (1234567, "1234567"),
        (True, "True"),
        (None, ""),
        (np.float32("nan"), ""),
        ("=1+1", "=1+1"),
        ("x" * 500, "x" * (MOST_CHARACTERS - 1) + "…"),
    ],
)
def test_a_cell_is_written_so_that_it_fits(cell, text):
    assert written(cell) == text


@pytest.mark.parametrize("word", ["cat", "a`b", "``", "a `b` c", "<s>", "$x$ **b**"])
def test_a_quoted_word_stands_in_quotation_marks(word):
    assert plain(f"Why {quoted(word)}?") == f"Why “{word}”?"
    assert plain(f"{quoted(word)} and {quoted('dog')}") == f"“{word}” and “dog”"
