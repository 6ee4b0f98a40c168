"""The panel that makes a lesson link: exactly this view, less what a class should not see."""

from __future__ import annotations

import io
import re
from collections import Counter

import segno
import streamlit as st

from pages.ui import assignment, menu
from pages.ui.assignment import MAX_NOTE, MAX_TITLE, Assignment
from pages.ui.cached import texts
from pages.ui.menu import Topic

MOST_CHARACTERS = 2_000  # of a link; longer ones are cut by learning platforms and QR codes
BRACES = re.compile(r"\{\w+\}")  # where a question holds the learner's words and numbers


def offer(topic: Topic) -> None:
    """Offer to make a link to a lesson, in the menu of its page."""
    if topic.section in ("", menu.REFERENCE) or not assignment.shows_menu():
        return
    with st.sidebar:
        if st.button("Make a lesson link", icon=":material/add_link:", type="tertiary"):
            st.session_state["panel"] = topic.name
    if st.session_state.get("panel") == topic.name:  # also when the page reads on behind it
        panel(topic)


def _close() -> None:
    st.session_state.pop("panel", None)


@st.dialog("A link to this lesson", width="large", icon=":material/add_link:", on_dismiss=_close)
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
    st.markdown(":small[Questions to ask]")
    asks = texts.questions(topic.name)
    asked = [
        slug for slug, question in asks.items() if st.checkbox(BRACES.sub("…", question.ask), True)
    ]
    controls = {"menu": "Menu"} | control_labels(topic.name)
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
    give(link)


def control_labels(lesson: str) -> dict[str, str]:
    """Name the controls of a lesson outside its figures; equal labels get their names, too.

    Returns:
        Name in the address -> label; all labels are different.
    """
    controls = texts.addresses()[lesson].items()
    labels = {name: str(c["label"]) for name, c in controls if "inside" not in c}
    counts = Counter(labels.values())
    return {
        name: label if counts[label] == 1 else f"{label} ({name})" for name, label in labels.items()
    }


def give(link: str) -> None:
    """Give a link, with its QR code."""
    with st.container(horizontal=True):
        with st.container():
            st.code(link, language=None, wrap_lines=True)
            st.link_button("Open it in a new tab", link, icon=":material/open_in_new:")
        st.image(_qr_code(link), width=320, alt="QR code of the link above")


def _several(label: str, options: dict[str, str], default: list[str]) -> list[str]:
    chosen = st.pills(
        label, list(options), selection_mode="multi", default=default, format_func=options.get
    )
    return list(chosen)


def _qr_code(link: str) -> bytes:
    file = io.BytesIO()
    segno.make(link, error="l", micro=False).save(file, kind="png", scale=4, border=3)
    return file.getvalue()
