"""A teacher's link: which part of a lesson it shows, what is locked, what it asks, what it says.

All of it stands in the address, next to the state of the controls. What is hidden is not secret,
and what is locked is not guarded: the bounds of every control hold on the server anyway.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

import streamlit as st

from pages.ui.cached import texts
from pages.ui.components.lesson_view import lesson_view
from pages.ui.text import plain, readable

MAX_TITLE, MAX_NOTE = 80, 300  # characters
NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Assignment(NamedTuple):
    """What a teacher's link adds to the state of a page; empty: everything as always.

    Attributes:
        title: A short title.
        note: What to do, in plain text.
        only: The sections to show; empty for all.
        hide: The controls to hide, by their names in the address; "menu" is the menu.
        lock: The controls to show, but not to let go of.
        asked: The questions to ask; empty for all.
        present: Whether it is shown on a projector.
    """

    title: str = ""
    note: str = ""
    only: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    present: bool = False


def read(parameters: Mapping[str, str]) -> Assignment:
    """Read an assignment from an address; what does not belong there is left out."""
    return Assignment(
        one_line(parameters.get("title", ""), MAX_TITLE),
        one_line(parameters.get("note", ""), MAX_NOTE),
        *(
            tuple(filter(NAME.fullmatch, parameters.get(name, "").split(",")))[:100]
            for name in ("only", "hide", "lock", "asked")
        ),
        parameters.get("present") == "1",
    )


def written(assignment: Assignment) -> dict[str, str]:
    """Write an assignment as parameters of an address."""
    parameters = {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in assignment._asdict().items()
        if name != "present"
    }
    parameters["present"] = "1" if assignment.present else ""
    return {name: value for name, value in parameters.items() if value}


def link(page: str, state: Mapping[str, str], assignment: Assignment) -> str:
    """Write the address that opens a page in a state, with an assignment."""
    own = {name: value for name, value in state.items() if name not in Assignment._fields}
    return f"{page.partition('?')[0]}?{urlencode(own | written(assignment), quote_via=quote)}"


def refused(topic: str, parameters: Mapping[str, str]) -> list[str]:
    """Say which values of an address no control of a page takes; the page opens without them."""
    known = texts.addresses()
    controls = known.get(topic, {})
    elsewhere = {name for page in known.values() for name in page}
    notes: list[str] = []
    for name, value in parameters.items():
        if name in Assignment._fields or name.startswith("embed"):
            continue
        if name not in controls:
            if name not in elsewhere:
                notes.append(f"No control here is called {_shown(name)}.")
        elif not _takes(controls[name], value):
            notes.append(f"{_shown(name)} cannot be {_shown(value)}; it stands at its default.")
    return notes[:5]


def _takes(control: Mapping[str, object], value: str) -> bool:
    if "from" in control:
        number = re.fullmatch(r"-?\d{1,9}", value)
        return bool(number) and control["from"] <= int(value) <= control["to"]
    if "options" in control:
        return value in control["options"]
    return len(value) <= control.get("text", len(value))


def _shown(text: str) -> str:
    kept = one_line(text, 40)
    return f"“{kept}”"


def one_line(text: str, most: int) -> str:
    """Keep what can be read, in one line, up to a length."""
    return " ".join("".join(filter(readable, text)).split())[:most]


def arrive() -> None:
    """Take in the assignment of an address, and keep it on the way through the course."""
    state = st.session_state
    parameters = st.query_params.to_dict()
    state.setdefault("address", parameters)
    found = read(parameters)
    if found != Assignment():
        state["assignment"] = found
    elif current() != found:
        st.query_params.update(written(current()))


def current() -> Assignment:
    """Give the assignment of this visitor."""
    return st.session_state.get("assignment", Assignment())


def shows_menu() -> bool:
    """Say whether the assignment leaves room for the menu."""
    return "menu" not in current().hide and not current().present


def asks(slug: str) -> bool:
    """Say whether the assignment has room for a question."""
    return not current().asked or slug in current().asked


def sections(slugs: Collection[str]) -> list[str]:
    """List the sections that the assignment shows of a lesson; if it names none of them, all."""
    return [slug for slug in slugs if slug in current().only] or list(slugs)


def banner(topic: str) -> None:
    """Show a teacher's title and words, say what of the address could not be used; apply the rest.

    The address is looked at once, on the page where a visitor arrives.
    """
    arrived, notes = st.session_state.setdefault(
        "refused", (topic, refused(topic, st.session_state["address"]))
    )
    if notes and arrived == topic:
        st.warning("  \n".join(map(plain, notes)), icon=":material/link_off:")
    assignment = current()
    if assignment == Assignment():
        return
    if assignment.title or assignment.note:
        title = f"**{plain(assignment.title)}**  \n" if assignment.title else ""
        st.info(title + plain(assignment.note), icon=":material/school:")
    if not assignment.present:
        st.button("Show the whole lesson", on_click=_leave, type="tertiary", key="leave")
    lesson_view(
        only=assignment.only,
        hide=_with_samples(assignment.hide),
        lock=_with_samples(assignment.lock),
        present=assignment.present,
    )


def _with_samples(controls: tuple[str, ...]) -> tuple[str, ...]:
    """Treat the list of samples, which writes the sentence, as the sentence."""
    return (*controls, "sample") if "sentence" in controls else controls


def _leave() -> None:
    st.session_state.pop("assignment", None)
    for name in Assignment._fields:
        st.query_params.pop(name, None)
