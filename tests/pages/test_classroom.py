"""The teachers' page: plans that can be held, answers that are those of the students' pages."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from pages.ui import assignment, classroom, teacher
from pages.ui.answers.classroom import truth
from pages.ui.cached import texts
from pages.ui.menu import LESSONS, REFERENCE
from pages.ui.questions import ask
from pages.ui.text import parse_lesson
from tests.browser.conftest import ROOT
from tests.pages import test_all_pages

PLANS = texts.plans()
LESSON_NAMES = [topic.name for topic in LESSONS if topic.section != REFERENCE]
STEPS = {
    f"{plan.minutes}-{number}": (plan, number, step)
    for plan in PLANS
    for number, step in enumerate(plan.steps, 1)
}


def identities(app):
    """Give the identities of the questions that a page asks: the same for the same data only."""
    found = (re.fullmatch(r"skip-(.+)", button.key or "") for button in app.button)
    return {match[1] for match in found if match}


def test_there_is_a_plan_for_a_quarter_half_and_three_quarters_of_an_hour():
    assert [plan.minutes for plan in PLANS] == [15, 30, 45]
    for plan in PLANS:
        assert 2 <= len(plan.goals) <= 4
        assert len(f"{plan.title} (9 of 9)") <= assignment.MAX_TITLE
        assert sum(len(step.questions) for step in plan.steps) >= 2


@pytest.mark.parametrize(("plan", "number", "step"), STEPS.values(), ids=STEPS)
def test_a_step_opens_as_the_plan_says_and_asks_what_the_teacher_expects(
    open_page, plan, number, step
):
    link = urlsplit(classroom.step_link(plan, number, present=False))
    address = dict(parse_qsl(link.query))
    app = open_page(link.path, **({"ask": "true"} | address))
    assert not app.exception
    assert not app.warning
    assert assignment.refused(step.lesson, address) == []
    assert assignment.read(address).note == step.note
    assert set(step.sections) <= texts.lesson_text(step.lesson).sections.keys()
    sentence, expected = app.text_input(key="sentence").value, {}
    for slug in step.questions:
        name = f"{step.lesson}.{slug}"
        asked = ask(name, texts.questions(step.lesson)[slug], truth(name, sentence))
        expected[asked.identity] = asked.right
    assert identities(app) == expected.keys()
    for identity, right in expected.items():
        app.button(key=f"predict-{identity}-{right}").click().run()
        kept = app.session_state["predictions"][identity]
        assert kept.predicted == kept.truth


def test_a_question_that_no_plan_asks_is_refused():
    with pytest.raises(
        ValueError, match=r"question='tokenization\.next-pair' is not asked by any plan"
    ):
        truth("tokenization.next-pair", "A dog.")


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.title)
def test_the_page_shows_a_plan_with_two_links_for_every_step(open_page, plan):
    app = open_page("classroom", plan=f"{plan.minutes} minutes")
    assert app.subheader[0].value == plan.title
    links = [button.proto.url for button in app.get("link_button")]
    assert len(links) == 2 * len(plan.steps)
    for number in range(1, len(plan.steps) + 1):
        for present in (False, True):
            assert classroom.step_link(plan, number, present) in links
    assert all(goal in test_all_pages.texts(app) for goal in plan.goals)


def test_what_to_expect_is_computed_when_it_is_opened(open_page):
    app = open_page("classroom", plan="15 minutes")
    belief = texts.misconceptions()["weight-is-importance"]["belief"]
    assert belief not in test_all_pages.texts(app)
    app.session_state["expect-15-3"] = True
    app.run()
    (options,) = (block.value for block in app.markdown if "right.**" in block.value)
    assert len(options.splitlines()) == 3
    assert options.count("right.**") == 1
    assert belief in test_all_pages.texts(app)


@pytest.mark.parametrize("topic", LESSON_NAMES)
def test_no_two_controls_that_a_teacher_may_hide_read_the_same(topic):
    labels = teacher.control_labels(topic)
    controls = texts.addresses()[topic].items()
    assert labels.keys() == {name for name, control in controls if "inside" not in control}
    assert len(set(labels.values())) == len(labels)


def test_controls_with_the_same_label_are_told_apart_by_their_names():
    labels = teacher.control_labels("vanishing_gradients")
    assert labels["train_seed"] == "Seed (train_seed)"
    assert labels["sentence"] == "Your sentence"


def grade(text):
    """Give the grade of a text by the formula of Flesch and Kincaid (1975)."""
    text = re.sub(r"\$\$[\s\S]+?\$\$|\$[^$]+\$|`[^`]*`|\([^)]*\d{4}[^)]*\)|al\.", " ", text)
    words = re.findall(r"[A-Za-z']+", text)
    n_sentences = len(re.findall(r"[.!?](?=\s|$)", text))
    stems = [re.sub(r"(?<!l)e$", "", word.lower()) for word in words]
    n_syllables = sum(max(1, len(re.findall("[aeiouy]+", stem))) for stem in stems)
    return 0.39 * len(words) / n_sentences + 11.8 * n_syllables / len(words) - 15.59


@pytest.mark.parametrize("topic", LESSON_NAMES)
def test_a_lesson_is_as_easy_to_read_as_the_teachers_page_says(topic):
    said = re.search(
        r"between grades (\d+) and (\d+)", texts.lesson_text("classroom").sections["licence"][1]
    )
    text = parse_lesson((ROOT / f"assets/lessons/{topic}.md").read_text(encoding="utf-8"))
    bodies = [text.lead, *(body for _, body in text.sections.values())]
    assert int(said[1]) <= grade("\n".join(bodies)) <= int(said[2])
