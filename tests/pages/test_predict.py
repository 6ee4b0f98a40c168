"""Predict, then reveal, on every page that asks."""

import re

import pytest
import yaml

from pages.ui.menu import LESSONS, REFERENCE
from pages.ui.questions import parse_questions
from tests.browser.conftest import ROOT
from tests.pages.conftest import ODD_SENTENCES

FILES = sorted(ROOT.glob("assets/lessons/*.yaml"))
QUESTIONS = {file.stem: parse_questions(file.read_text()) for file in FILES}
MISCONCEPTIONS = yaml.safe_load((ROOT / "assets/misconceptions.yaml").read_text())


def offered(app):
    """Give the buttons that answer a question, by lesson and slug of the question."""
    questions = {}
    for button in app.button:
        found = re.fullmatch(r"predict-([a-z_]+\.[a-z0-9-]+)\.[0-9a-f]{12}-(.+)", button.key or "")
        if found:
            questions.setdefault(found[1], {})[found[2]] = button
    return questions


def revealed(app, question):
    """Answer a question, as in `tokenization.count`, and give what turned out to be so."""
    next(iter(offered(app)[question].values())).click().run()
    assert not app.exception
    kept = app.session_state["predictions"]
    return next(one for identity, one in kept.items() if identity.startswith(f"{question}."))


@pytest.mark.parametrize("topic", QUESTIONS)
def test_a_question_hides_its_figure_until_it_is_answered_or_skipped(open_page, topic):
    shown = open_page(topic)
    asking = open_page(topic, ask="true")
    assert not asking.exception
    questions = offered(asking)
    assert len(questions) >= 2
    for name, buttons in questions.items():
        slug = name.partition(".")[2]
        assert buttons.keys() <= QUESTIONS[topic][slug].options.keys()
        assert len(buttons) >= 2
    while questions := offered(asking):
        next(iter(next(iter(questions.values())).values())).click().run()
        assert not asking.exception
    assert [figure.value for figure in asking.subheader] == [f.value for f in shown.subheader]


@pytest.mark.parametrize("topic", QUESTIONS)
def test_a_skipped_question_shows_its_figure_and_no_verdict(open_page, topic):
    app = open_page(topic, ask="true")
    n_asked = len(offered(app))
    next(button for button in app.button if (button.key or "").startswith("skip-")).click().run()
    assert not app.exception
    assert len(offered(app)) == n_asked - 1


@pytest.mark.parametrize("topic", QUESTIONS)
@pytest.mark.parametrize("name", ["empty", "one word", "emoji", "HTML", "repeated words"])
def test_questions_are_asked_of_any_sentence_or_not_at_all(open_page, topic, name):
    app = open_page(topic, ask="true", sentence=ODD_SENTENCES[name])
    assert not app.exception
    for buttons in offered(app).values():
        assert len({button.label for button in buttons.values()}) == len(buttons)


@pytest.mark.parametrize("topic", QUESTIONS)
def test_every_question_has_two_options_or_more_and_a_known_misconception(topic):
    for question in QUESTIONS[topic].values():
        assert len(question.options) >= 2
        assert question.misconception in {"", *MISCONCEPTIONS}
        for option in question.options.values():
            assert 10 <= len(option.because) <= 300
            assert option.label


def test_another_sentence_asks_anew_and_the_old_one_is_remembered(open_page):
    app = open_page("tokenization", ask="true")
    before = offered(app)
    before["tokenization.whole-words"]["all"].click().run()
    assert "tokenization.whole-words" not in offered(app)
    app.text_input(key="sentence").set_value("Unbelievable tokenizers!").run()
    assert "tokenization.whole-words" in offered(app)
    app.text_input(key="sentence").set_value("").run()
    assert "tokenization.whole-words" not in offered(app)


def test_all_sixteen_misconceptions_have_a_question_and_a_figure_that_shows_what_is_so():
    targeted = {q.misconception for questions in QUESTIONS.values() for q in questions.values()}
    assert targeted - {""} == set(MISCONCEPTIONS)
    assert len(MISCONCEPTIONS) == 16
    for misconception in MISCONCEPTIONS.values():
        lesson, _, figure = misconception["shown"].partition("#")
        page = (ROOT / f"pages/{lesson}.py").read_text()
        assert f'"{figure}"' in page


def test_every_lesson_asks():
    assert {topic.name for topic in LESSONS if topic.section != REFERENCE} == set(QUESTIONS)
