"""Questions: what is offered, in which order, and what a browser's memory may bring back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui.predict import MOST_KEPT, Kept, read_kept
from pages.ui.questions import Option, Question, Truth, ask, parse_questions

QUESTION = Question(
    "What follows {word}?",
    {
        "next": Option("{next}", "It stands after {word}."),
        "last": Option("{last}", "It ends the text."),
        "none": Option("nothing", "There are {n} tokens."),
    },
)
TRUTH = Truth("next", {"word": "a*b", "next": "cat", "last": "end"}, {"n": 7}, {"next": 0.5})
KEPT = {"lesson.slug.0123456789ab": ["ask", "predicted", "truth", "because"]}


def kept_text(kept=KEPT):
    return json.dumps({key: Kept(*texts)._asdict() for key, texts in kept.items()})


def test_a_learners_words_are_quoted_where_markdown_is_read_and_bare_where_it_is_not():
    asked = ask("lesson.slug", QUESTION, TRUTH)
    assert asked.markdown == "What follows `a*b`?"
    assert asked.ask == "What follows “a*b”?"
    assert asked.choice("next").markdown == "`cat`"
    assert asked.choice("next").label == "cat"
    assert asked.choice("next").because == "It stands after “a*b”."
    assert asked.choice("none").because == "There are 7 tokens."


def test_options_that_read_the_same_are_offered_once_and_the_right_one_stays():
    truth = Truth("last", {"word": "a", "next": "cat", "last": "cat"}, {"n": 2})
    asked = ask("lesson.slug", QUESTION, truth)
    assert {choice.name for choice in asked.choices} == {"last", "none"}


def test_nothing_is_asked_where_there_is_only_one_thing_to_say():
    truth = Truth("next", {"word": "a", "next": "nothing", "last": "nothing"}, {"n": 1})
    assert ask("lesson.slug", QUESTION, truth) is None


def test_numbers_are_offered_in_their_order():
    options = {name: Option("{" + name + "}", "") for name in "abc"}
    asked = ask("l.s", Question("?", options), Truth("b", numbers={"a": "1,200", "b": 30, "c": 4}))
    assert [choice.label for choice in asked.choices] == ["4", "30", "1,200"]


def test_the_right_option_has_no_place_of_its_own():
    options = {name: Option("{" + name + "}", "") for name in ("right", "wrong")}
    places = [
        [choice.name for choice in ask("l.s", Question("?", options), truth).choices].index("right")
        for truth in (Truth("right", {"right": f"a{i}", "wrong": f"b{i}"}) for i in range(31))
    ]
    assert 5 < sum(places) < 26


def test_another_sentence_is_another_question():
    other = Truth("next", {"word": "b", "next": "cat", "last": "end"}, {"n": 7})
    first, again, second = (ask("l.s", QUESTION, truth) for truth in (TRUTH, TRUTH, other))
    assert first.identity == again.identity != second.identity


def test_questions_are_read_from_yaml_and_an_unknown_field_is_refused():
    text = "q:\n  ask: Why?\n  options:\n    a: {label: yes and no, because: so}\n"
    assert parse_questions(text)["q"].options["a"] == Option("yes and no", "so")
    with pytest.raises(TypeError, match="hint"):
        parse_questions(text + "  hint: none\n")


def test_what_a_browser_kept_comes_back():
    assert read_kept(kept_text()) == {
        "lesson.slug.0123456789ab": Kept("ask", "predicted", "truth", "because")
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"a": 1}',
        '{"lesson.slug.0123456789ab": {"ask": "x"}}',
        kept_text({"Lesson.slug.0123456789ab": ["a", "b", "c", "d"]}),
        kept_text({"lesson.slug.0123456789ab": ["a", "b", "c", "d" * 3_000]}),
        kept_text({"lesson.slug.0123456789ab": ["a", "b", "c", 7]}),
    ],
)
def test_what_no_page_wrote_is_left_out(text):
    assert read_kept(text) == {}


def test_only_the_newest_predictions_are_kept():
    many = {f"lesson.slug.{i:012x}": ["a", "b", "c", "d"] for i in range(MOST_KEPT + 7)}
    kept = read_kept(kept_text(many))
    assert len(kept) == MOST_KEPT
    assert f"lesson.slug.{MOST_KEPT + 6:012x}" in kept


@given(st.text())
def test_any_memory_is_read_without_an_error(text):
    assert isinstance(read_kept(text), dict)
