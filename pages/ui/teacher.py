"""The panel that makes a lesson link: exactly this view, less what a class should not see."""

from __future__ import annotations

import io
from collections.abc import Mapping

import segno
import streamlit as st

from pages.ui import assignment, menu
from pages.ui.assignment import MAX_NOTE, MAX_TITLE, Assignment
from pages.ui.cached import texts
from pages.ui.menu import Topic

MOST_CHARACTERS = 2_000  # of a link; longer ones are cut by learning platforms and QR codes


def offer(topic: Topic) -> None:
    """Offer to make a link to a lesson, in the menu of its page."""
    if topic.section in ("", menu.REFERENCE) or not assignment.shows_menu():
        return
    with st.sidebar:
        if st.button("Make a lesson link", icon=":material/add_link:", type="tertiary"):
            panel(topic)


@st.dialog("A link to this lesson", width="large", icon=":material/add_link:")
def panel(topic: Topic) -> None:
    """Ask what the link shows, and give it, with its QR code."""
    st.markdown(
        "The link opens this page **as you see it now**: sentence, settings, seeds and depth. "
        "Choose what else your class gets. What is hidden is not secret."
    )
    title = st.text_input("Title", max_chars=MAX_TITLE, placeholder="Attention, part 1")
    note = st.text_area(
        "What to do (plain text)",
        max_chars=MAX_NOTE,
        height=68,
        placeholder="Answer both questions",
    )
    lesson = texts.lesson_text(topic.name)
    titles = {slug: section[0] for slug, section in lesson.sections.items()}
    only = _several("Sections to show", titles, list(titles))
    asks = {slug: question.ask for slug, question in texts.questions(topic.name).items()}
    asked = _several(
        "Questions to ask", {slug: slug.replace("-", " ") for slug in asks}, list(asks)
    )
    controls = {"menu": "Menu"} | {
        name: str(control["label"]) for name, control in texts.addresses()[topic.name].items()
    }
    hide = _several("Controls to hide", controls, [])
    visible = {name: label for name, label in controls.items() if name not in {*hide, "menu"}}
    lock = _several("Controls to lock", visible, [])
    present = st.toggle("For the projector: large type, arrow keys go through the sections")
    state = st.query_params.to_dict()
    if not asked:
        state["ask"] = "false"
    wanted = Assignment(
        title,
        note,
        () if len(only) == len(titles) else tuple(only),
        tuple(hide),
        tuple(lock),
        () if len(asked) == len(asks) else tuple(asked),
        present,
    )
    link = assignment.link(st.context.url or "", state, wanted)
    if len(link) > MOST_CHARACTERS:
        st.warning(
            f"This link has {len(link):,} characters; some platforms cut it after "
            f"{MOST_CHARACTERS:,}. A shorter sentence makes it shorter."
        )
    with st.container(horizontal=True):
        with st.container():
            st.code(link, language=None, wrap_lines=True)
            st.link_button("Open it in a new tab", link, icon=":material/open_in_new:")
        st.image(_qr_code(link), width=200, alt="QR code of the link above")


def _several(label: str, options: dict[str, str], default: list[str]) -> list[str]:
    chosen = st.pills(
        label, list(options), selection_mode="multi", default=default, format_func=options.get
    )
    return list(chosen)


def _qr_code(link: str) -> bytes:
    file = io.BytesIO()
    segno.make(link, error="l", micro=False).save(file, kind="png", scale=4, border=3)
    return file.getvalue()


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
