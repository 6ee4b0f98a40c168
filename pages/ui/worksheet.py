"""The worksheet of a page: predict, look, key; with this sentence and these settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import isnan
from numbers import Integral, Real
from typing import Any, NamedTuple

import streamlit as st

from pages.ui import bar
from pages.ui.cached import texts
from pages.ui.components.figure_tools import figure_tools
from pages.ui.components.worksheet import HIDDEN, hidden_name, worksheet
from pages.ui.menu import Topic
from pages.ui.questions import Asked

MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 14, 8, 60


class Task(NamedTuple):
    """A question, and the figure that answers it.

    Attributes:
        asked: The question.
        misconception: Which of `assets/misconceptions.yaml` it is aimed at, if any.
        figure: The figure's key.
        title: The figure's title (Markdown).
        table: Makes the table of its numbers.
        draw: Draws the figure under a name, and gives the width that it needs; None where the page
            shows it already.
    """

    asked: Asked
    misconception: str
    figure: str
    title: str
    table: Callable[[], Mapping[str, Sequence[object]]]
    draw: Callable[[str], int] | None


@st.fragment
def offer(topic: Topic, tasks: Mapping[str, Task | None]) -> None:
    """Offer the worksheet of a page; nothing is computed before somebody opens it.

    Args:
        topic: The lesson.
        tasks: Its questions by the figures that answer them, as they stand when the worksheet is
            made; None where these data leave nothing to ask.
    """
    panel = st.expander(
        "Worksheet for this page",
        icon=":material/print:",
        type="compact",
        on_change="rerun",
        key=f"worksheet-{topic.name}",
    )
    if not panel.open:
        return
    asked = [task for task in tasks.values() if task]
    with panel:
        if not asked:
            st.markdown("This sentence, with these settings, leaves nothing to ask.")
            return
        st.markdown(
            "The questions of this page with your sentence and settings, to be printed. First come "
            "the questions without any picture, then the pictures with their numbers, then the "
            "key, each on paper of its own. If your school blocks .html files, take the .zip; it "
            "holds the same."
        )
        wanted = worksheet(
            lambda: sheet(topic, bar.sentence(), asked) | {"dark": bar.theme() == "dark"},
            key=f"worksheet-file-{topic.name}",
        )
        if wanted:
            _draw_hidden(asked)


def _draw_hidden(tasks: Sequence[Task]) -> None:
    """Draw, for the worksheet and out of sight, the figures that still wait for an answer."""
    with st.container(key=HIDDEN):
        for task in tasks:
            if task.draw:
                name = hidden_name(task.figure)
                with st.container(key=f"figure-{name}"):
                    figure_tools(name, task.draw(name))


def sheet(topic: Topic, sentence: str, tasks: Sequence[Task]) -> dict[str, Any]:
    """Say what is written on a worksheet: plain texts throughout."""
    return {
        "name": topic.name,
        "title": topic.title,
        "sentence": sentence,
        "questions": [
            {
                "figure": task.figure,
                "title": plain(task.title),
                "ask": task.asked.ask,
                "belief": texts.misconceptions().get(task.misconception),
                "options": [
                    {
                        "label": choice.label,
                        "because": choice.because,
                        "measured": ""
                        if choice.measured is None
                        else task.asked.form.format(choice.measured),
                        "right": choice.name == task.asked.right,
                    }
                    for choice in task.asked.choices
                ],
                "table": cut(task.table()),
            }
            for task in tasks
        ],
    }


def cut(table: Mapping[str, Sequence[object]]) -> dict[str, Any]:
    """Keep as much of a table as may fit on a worksheet, and say how large it is."""
    columns = list(islice(table, MOST_COLUMNS))
    rows = zip(*(islice(table[column], MOST_ROWS) for column in columns), strict=True)
    return {
        "columns": [written(column) for column in columns],
        "rows": [[written(cell) for cell in row] for row in rows],
        "n_rows": max(map(len, table.values()), default=0),
        "n_columns": len(table),
    }


def written(cell: object) -> str:
    """Write a cell of a table so that it fits on paper."""
    text = "" if cell is None else str(cell)
    if isinstance(cell, Real) and not isinstance(cell, Integral):
        text = "" if isnan(cell) else f"{cell:.4g}"
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def plain(markdown: str) -> str:
    """Write a figure's title without Markdown: a learner's words get quotation marks."""
    return re.sub(r"(?<!`)(`+)(?!`) ?(.*?) ?(?<!`)\1(?!`)", r"“\2”", markdown)
