"""What the teachers' page shows: ready plans, and everything that a link can say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import streamlit as st

from pages.ui import assignment, bar, menu, questions, teacher
from pages.ui.assignment import MAX_NOTE, MAX_TITLE, Assignment
from pages.ui.cached import texts
from pages.ui.plans import Plan, Step
from pages.ui.questions import Choice, Truth
from pages.ui.text import plain


def chosen_plan() -> Plan:
    """Ask which plan to show."""
    plans = {f"{plan.minutes} minutes": plan for plan in texts.plans()}
    chosen = st.segmented_control(
        "Plan",
        list(plans),
        default=next(iter(plans)),
        required=True,
        key="plan",
        bind="query-params",
    )
    return plans.get(chosen, texts.plans()[0])  # an address may leave it empty


def show_plan(plan: Plan, truth: Callable[[str, str], Truth | None]) -> None:
    """Show a plan: what for, and every step with its links and what to expect.

    Args:
        plan: The plan.
        truth: Computes what is so, given a question and the sentence that is read.
    """
    st.subheader(plan.title, anchor=False)
    goals = "\n".join(f"- {goal}" for goal in plan.goals)
    st.markdown(f"{plan.whom} Afterwards students can\n\n{goals}")
    for number, step in enumerate(plan.steps, 1):
        with st.container(border=True):
            _show_step(plan, step, number, truth)


def _show_step(
    plan: Plan, step: Step, number: int, truth: Callable[[str, str], Truth | None]
) -> None:
    sections = texts.lesson_text(step.lesson).sections
    titles = " · ".join(sections[slug][0] for slug in step.sections)
    lesson = menu.topic(step.lesson).title
    st.markdown(f"**{number}. {lesson}** :gray[{step.minutes} min]  \n{titles}")
    st.markdown(step.say)
    st.caption(f"On the students' page: {plain(step.note)}")
    link, projected = (step_link(plan, number, present) for present in (False, True))
    with st.container(horizontal=True):
        st.link_button(f"Open step {number}", link, icon=":material/open_in_new:")
        st.link_button(f"Project step {number}", projected, icon=":material/present_to_all:")
        if st.button(f"Hand out step {number}", icon=":material/qr_code_2:"):
            hand_out(link)
    if step.questions:
        _expect(step, f"expect-{plan.minutes}-{number}", truth)


def step_link(plan: Plan, number: int, present: bool) -> str:
    """Write the link of a step, counted from 1: for students, or for the projector."""
    step = plan.steps[number - 1]
    wanted = Assignment(
        f"{plan.title} ({number} of {len(plan.steps)})",
        step.note,
        step.sections,
        ("menu",),
        asked=step.questions,
        present=present,
    )
    state = step.state if step.questions else {**step.state, "ask": "false"}
    return assignment.link(urljoin(st.context.url or "", step.lesson), state, wanted)


@st.dialog("A link to this step", width="large", icon=":material/qr_code_2:")
def hand_out(link: str) -> None:
    """Give the link of a step, with its QR code."""
    teacher.give(link)


@st.fragment
def _expect(step: Step, key: str, truth: Callable[[str, str], Truth | None]) -> None:
    """Show the questions of a step, which answer is right, and why each tempts or holds."""
    panel = st.expander(
        "What to expect", icon=":material/key:", type="compact", on_change="rerun", key=key
    )
    if not panel.open:
        return
    sentence = step.state.get("sentence", bar.DEFAULT_SENTENCE)
    with panel:
        for slug in step.questions:
            name, question = f"{step.lesson}.{slug}", texts.questions(step.lesson)[slug]
            asked = questions.ask(name, question, truth(name, sentence))
            st.markdown(f"**{asked.markdown}**")
            st.markdown("\n".join(_option(choice, asked.right) for choice in asked.choices))
            if question.misconception:
                common = texts.misconceptions()[question.misconception]
                st.markdown(
                    f"Many believe: *{common['belief']}*  \nWhat is so: {common['instead']}"
                )


def _option(choice: Choice, right: str) -> str:
    verdict = f"{choice.markdown}: right" if choice.name == right else choice.markdown
    return f"- **{verdict}.** {plain(choice.because)}"


def link_names() -> None:
    """List what a lesson link can say beside the state of the controls."""
    st.table(
        {
            "name": ["title", "note", "only", "hide", "lock", "asked", "present"],
            "what stands there": [
                f"a title, up to {MAX_TITLE} characters",
                f"what to do, up to {MAX_NOTE} characters of plain text",
                "the sections to show, between commas: their names stand in links to them, after #",
                "controls to hide, by the names below; menu hides the menu",
                "controls to lock",
                "questions to ask; ask=false asks none",
                "1: for the projector",
            ],
        },
        border="horizontal",
    )


def addresses() -> None:
    """List every control of a page by its name in the address, and what may stand there."""
    pages = texts.addresses()
    titles = {menu.topic(name).title: name for name in pages}
    chosen = st.selectbox("Page", list(titles), width=320)
    rows = pages[titles[chosen]]
    st.table(
        {
            "name": list(rows),
            "control": [str(control["label"]) for control in rows.values()],
            "takes": [_takes(control) for control in rows.values()],
        },
        border="horizontal",
    )


def _takes(control: Mapping[str, object]) -> str:
    if "from" in control:
        return f"{control['from']} to {control['to']}"
    if "text" in control:
        return f"text, up to {control['text']:,} characters"
    for kind, words in (("options", " or "), ("several", ", ")):
        if kind in control:
            return words.join(option or "(empty)" for option in control[kind])
    return "depends on what is read"
