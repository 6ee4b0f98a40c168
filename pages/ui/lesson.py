"""The anatomy of a page: its text, the code behind it, and where to go next."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import streamlit as st

from pages.ui import cached, menu


class Lesson:
    """One page: says the sections of its text, in the order of `assets/lessons/<topic>.md`."""

    def __init__(self, name: str) -> None:
        menu.require_route()
        self.topic = menu.topic(name)
        self.text = cached.lesson_text(name)
        st.title(self.topic.title, anchor=False)
        st.markdown(self.text.lead)

    def say(self, slug: str) -> None:
        """Write one section of the lesson's text."""
        title, text = self.text.sections[slug]
        st.header(title, anchor=slug, divider="gray")
        st.markdown(text)

    def code(self, *functions: Callable[..., object]) -> None:
        """Show the functions that computed what is seen, from their own source."""
        names = ", ".join(f"`{function.__name__}`" for function in functions)
        with st.expander(f"The code: {names}", icon=":material/code:"):
            for function in functions:
                st.caption(f"`{inspect.getmodule(function).__name__.replace('.', '/')}.py`")
                st.code(inspect.getsource(inspect.unwrap(function)), language="python")

    def next(self) -> None:
        """Lead on to the lesson that follows."""
        following = menu.following(self.topic)
        if following:
            st.divider()
            st.page_link(
                menu.page(following),
                label=f"Next: **{following.title}**. {following.question}",
                icon=":material/arrow_forward:",
            )
