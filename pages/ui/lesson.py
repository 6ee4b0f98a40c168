"""The anatomy of a page: its text, its questions, the code behind it, and where to go next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.ui import assignment, bar, depth, menu, predict, questions, snippet, worksheet
from pages.ui.cached import texts
from pages.ui.components.read_on import read_on
from pages.ui.controls import cell
from pages.ui.glossary import with_sentence

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
        self.tasks: dict[str, worksheet.Task | None] = {}
        self.to_show = set(assignment.sections(self.text.sections))
        reading = (name, st.session_state["sentence"])
        if st.session_state.get("reading") != reading:
            st.session_state["reading"] = reading
            st.session_state["n_reached"] = SECTIONS_AT_FIRST
        st.title(self.topic.title, anchor=False)
        st.markdown(with_sentence(self.text.lead, bar.sentence()))
        if self.topic.section not in ("", menu.REFERENCE):
            depth.controls()

    def say(self, slug: str) -> None:
        """Write one section of the lesson's text, and stop the page where nobody has read on."""
        if not self.to_show:
            self._offer_worksheet()
            st.stop()
        title, text = self.text.sections[slug]
        with st.container(key=f"section-{slug}"):
            st.header(title, anchor=slug, divider="gray")
        st.markdown(with_sentence(text, bar.sentence()))
        if slug not in self.to_show:
            return
        self.to_show.remove(slug)
        self.n_said += 1
        if self.n_said > st.session_state["n_reached"]:
            n_said = self.n_said
            read_on(f"{self.topic.name}-{slug}", lambda: _reach(n_said))
            st.stop()

    def predict(self, slug: str, truth: questions.Truth | None) -> predict.Prediction:
        """Prepare a question of `assets/lessons/<topic>.yaml` for the figure that answers it.

        Returns:
            What `figure` needs to ask first, if these data leave anything to ask.
        """
        asked = None
        question = texts.questions(self.topic.name)[slug]
        if truth is not None and assignment.asks(slug):
            asked = questions.ask(f"{self.topic.name}.{slug}", question, truth)

        def note(figure: str, *about: Any) -> None:
            task = worksheet.Task(asked, question.misconception, figure, *about) if asked else None
            self.tasks[figure] = task

        return predict.prediction(asked, note)

    def numbers(self, arithmetic: Callable[..., str], *axes: cell.Axis) -> None:
        """Write out, for those who want numbers, how a value on the screen was computed."""
        if depth.shows("Numbers"):
            cell.worked_out(arithmetic, axes)

    def code(self, *functions: Callable[..., object]) -> None:
        """Show, to those who want code, the functions that computed what is seen."""
        if depth.shows("Code"):
            for function in functions:
                st.caption(f"`{function.__module__.replace('.', '/')}.py`")
                st.code(texts.source(function.__module__, function.__qualname__), wrap_lines=True)

    def snippet(self, **constants: object) -> None:
        """Offer, to those who want code, a script without this course that prints the same numbers.

        Args:
            constants: What the learner chose, for the constants of `assets/snippets/<topic>.py`.
        """
        if not depth.shows("Code"):
            return
        name = self.topic.name
        script = snippet.filled(texts.snippet(name), **constants)
        st.header("The same in a script of your own", anchor="script", divider="gray")
        st.markdown(
            "It needs `torch`, and what it imports, but nothing of this course. "
            "The numbers that it prints are those on this page."
        )
        st.code(script, wrap_lines=True)
        with st.container(horizontal=True):
            for kind, data, mime in (
                ("py", script, "text/x-python"),
                ("ipynb", snippet.notebook(script), "application/x-ipynb+json"),
            ):
                st.download_button(
                    f".{kind}",
                    data=data,
                    file_name=f"{name}.{kind}",
                    mime=mime,
                    icon=":material/download:",
                    on_click="ignore",
                    key=f"snippet-{kind}",
                )

    def next(self) -> None:
        """Offer the worksheet, and lead on to the lesson that follows."""
        self._offer_worksheet()
        following = menu.following(self.topic)
        st.divider()
        st.page_link(
            menu.page(following),
            label=f"Next: **{following.title}**",
            icon=":material/arrow_forward:",
        )
        st.caption(following.question)

    def _offer_worksheet(self) -> None:
        if self.tasks:
            worksheet.offer(self.topic, self.tasks)


def _reach(n_sections: int) -> None:
    st.session_state["n_reached"] = n_sections
