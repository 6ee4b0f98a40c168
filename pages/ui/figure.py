"""Every figure of the course passes through here, so that all of them say the same things.

A question as the title, where it is wanted a prediction first, one sentence that says what to look
for, a picture with a name for those who do not see it, the same numbers as a table, and downloads
and a link to exactly this view.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd  # noqa: F401  # see below
import plotly.graph_objects as go
import streamlit as st

from pages.ui import assignment, depth, predict
from pages.ui.components.figure_tools import figure_tools
from pages.ui.figures import numbers, style
from pages.ui.predict import Prediction

# pandas is here by the time the first figure is drawn: Streamlit imports it with the first table,
# and a figure that Plotly builds meanwhile, in another visitor's thread, would find half of it.

Table = Mapping[str, Sequence[object]]  # column name -> cells


def figure(
    key: str,
    question: str,
    look_for: str,
    picture: go.Figure | Callable[[], None],
    table: Callable[[], Table],
    alt: str,
    prediction: Prediction | None = None,
) -> None:
    """Show one figure with everything that belongs to it.

    Args:
        key: Name of the figure, unique in the app; the link ends with it.
        question: What the figure answers (Markdown; a learner's words pass `quoted`).
        look_for: What to look at, with numbers from the learner's own data (Markdown).
        picture: A Plotly figure, or a function that draws a component.
        table: Makes the table of the same numbers; called only when somebody opens it.
        alt: What is seen, for those who do not see it.
        prediction: A question that is asked before the picture is shown.
    """
    draw = partial(_draw, picture, alt)
    with st.container(border=True, key=f"figure-{key}"):
        st.subheader(question, anchor=key)
        if prediction:
            hidden = prediction.predicted is None
            prediction.on_figure(key, question, table, draw if hidden else None)
            if hidden:
                predict.ask(prediction.asked)
                return
            predict.compare(prediction)
        st.markdown(f":material/visibility: {look_for}")
        _tools(key, table, draw(key))


def _draw(picture: go.Figure | Callable[[], None], alt: str, name: str) -> int:
    """Draw a picture under a name; give the width in pixels that it needs, 0 if any will do."""
    if not isinstance(picture, go.Figure):
        picture()
        return 0
    present, with_numbers = assignment.current().present, depth.shows("Numbers")
    if present or with_numbers:
        picture = go.Figure(picture)  # a worksheet may draw it again
    if present:
        style.enlarge(picture)
    room = numbers.write_numbers(picture) if with_numbers else 0
    config = {"displayModeBar": False, "scrollZoom": False}
    st.plotly_chart(picture, theme=None, key=f"chart-{name}", config=config, alt=alt)
    return room


@st.fragment
def _tools(key: str, table: Callable[[], Table], room: int) -> None:
    """Offer the numbers and the downloads; opening the table reruns only this."""
    figure_tools(figure=key, room=room)
    opened = st.expander(
        "The numbers",
        icon=":material/table:",
        type="compact",
        on_change="rerun",
        key=f"numbers-{key}",
    )
    if opened.open:
        cells = table()
        with opened:
            st.dataframe(cells, hide_index=True, alt=f"Numbers of the figure {key}")
            st.download_button(
                "CSV",
                data=csv_text(cells),
                file_name=f"{key}.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                key=f"csv-{key}",
            )


def csv_text(table: Table) -> str:
    """Write a table as CSV; a text that a spreadsheet would run as a formula gets an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(table)
    for row in zip(*table.values(), strict=True):
        writer.writerow(
            f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell
            for cell in row
        )
    return file.getvalue()
