"""The worksheet of a page: its questions with this sentence and these settings, and their key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from numbers import Integral, Real
from typing import Any, NamedTuple

import streamlit as st

from pages.ui import bar
from pages.ui.components.worksheet import worksheet
from pages.ui.menu import Topic
from pages.ui.questions import Asked

MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 12, 8, 60


class Task(NamedTuple):
    """A question, and the figure that answers it.

    Attributes:
        asked: The question.
        figure: The figure's key.
        title: The figure's title (Markdown).
        table: Makes the table of its numbers.
    """

    asked: Asked
    figure: str
    title: str
    table: Callable[[], Mapping[str, Sequence[object]]]


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
            "The questions of this page with your sentence and settings, to be printed: one sheet "
            "for students, and the key on a page of its own. If your school blocks .html files, "
            "take the .zip; it holds the same."
        )
        worksheet(
            [task.figure for task in asked],
            lambda: sheet(topic, bar.sentence(), asked) | {"dark": bar.theme() == "dark"},
            key=f"worksheet-file-{topic.name}",
        )


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
    """Keep as much of a table as fits on a worksheet, and say if that is not all."""
    n_columns, n_rows = len(table), max(map(len, table.values()), default=0)
    columns = list(islice(table, MOST_COLUMNS))
    rows = zip(*(islice(table[column], MOST_ROWS) for column in columns), strict=True)
    note = ""
    if n_rows > MOST_ROWS or n_columns > MOST_COLUMNS:
        note = (
            f"{min(n_rows, MOST_ROWS)} of {n_rows:,} rows and "
            f"{len(columns)} of {n_columns:,} columns."
        )
    return {
        "columns": [written(column) for column in columns],
        "rows": [[written(cell) for cell in row] for row in rows],
        "note": note,
    }


def written(cell: object) -> str:
    """Write a cell of a table so that it fits on paper."""
    if cell is None:
        return ""
    text = f"{cell:.4g}" if isinstance(cell, Real) and not isinstance(cell, Integral) else str(cell)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def plain(markdown: str) -> str:
    """Write a figure's title without Markdown: a learner's words get quotation marks."""
    return re.sub(r"(?<!`)(`+)(?!`) ?(.*?) ?(?<!`)\1(?!`)", r"“\2”", markdown)
