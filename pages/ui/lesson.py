"""The anatomy of a page: its text, the code behind it, and where to go next."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ui import menu
from pages.ui.cached import texts
from pages.ui.components.read_on import read_on

SECTIONS_AT_FIRST = 1  # computed before the reader has scrolled


class Lesson:
    """One page: says the sections of its text, in the order of `assets/lessons/<topic>.md`.

    A section is computed when the reader comes near it, so that a new sentence shows its first
    picture at once, also for a whole class that types at the same time.
    """

    def __init__(self, name: str) -> None:
        menu.require_route()
        self.topic = menu.topic(name)
        self.text = texts.lesson_text(name)
        self.n_said = 0
        reading = (name, st.session_state["sentence"])
        if st.session_state.get("reading") != reading:
            st.session_state["reading"] = reading
            st.session_state["n_reached"] = SECTIONS_AT_FIRST
        st.title(self.topic.title, anchor=False)
        st.markdown(self.text.lead)

    def say(self, slug: str) -> None:
        """Write one section of the lesson's text, and stop the page where nobody has read on."""
        title, text = self.text.sections[slug]
        st.header(title, anchor=slug, divider="gray")
        st.markdown(text)
        self.n_said += 1
        if self.n_said > st.session_state["n_reached"]:
            read_on(f"{self.topic.name}-{slug}", _reach_next)
            st.stop()

    def code(self, *functions: Callable[..., object]) -> None:
        """Show the functions that computed what is seen, from their own source."""
        names = ", ".join(f"`{function.__qualname__}`" for function in functions)
        with st.expander(f"The code: {names}", icon=":material/code:"):
            for function in functions:
                st.caption(f"`{function.__module__.replace('.', '/')}.py`")
                st.code(texts.source(function.__module__, function.__qualname__))

    def next(self) -> None:
        """Lead on to the lesson that follows."""
        following = menu.following(self.topic)
        if following:
            st.divider()
            st.page_link(
                menu.page(following),
                label=f"Next: **{following.title}**",
                icon=":material/arrow_forward:",
            )
            st.caption(following.question)


def _reach_next() -> None:
    st.session_state["n_reached"] += 1
