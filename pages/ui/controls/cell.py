"""The cell whose arithmetic is worked out: for those who want numbers, a choice of row and column.

A figure drawn by Plotly does not tell Python where it was clicked, and a key cannot reach its
cells; a list can be reached by everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st


class Axis(NamedTuple):
    """One choice that leads to a cell.

    Attributes:
        key: Its name in the address.
        label: What is chosen.
        names: What can be chosen, no name twice.
        at_first: The place of the one that is shown while nothing is chosen.
    """

    key: str
    label: str
    names: Sequence[str]
    at_first: int = 0


def numbered(tokens: Sequence[str]) -> list[str]:
    """Name tokens so that each can be told from the others."""
    return [f"{number} {token}" for number, token in enumerate(tokens, 1)]


def counted(n: int, start: int = 1) -> list[str]:
    """Name n things by their numbers."""
    return [str(number) for number in range(start, start + n)]


@st.fragment
def worked_out(arithmetic: Callable[..., str], axes: Sequence[Axis]) -> None:
    """Write out how one value was computed, and let it be chosen which.

    Args:
        arithmetic: Gets a place for each axis, counted from 0; writes Markdown.
        axes: What leads to the value; none if there is only one.
    """
    with st.container(border=True):
        places: list[int] = []
        with st.container(horizontal=True):
            for axis in axes:
                names = list(axis.names)
                chosen = st.selectbox(
                    axis.label,
                    names,
                    index=None,  # what is shown at first follows the figure until somebody chooses
                    placeholder=names[axis.at_first],
                    key=axis.key,
                    bind="query-params",
                    width=200,
                )
                places.append(names.index(chosen) if chosen else axis.at_first)
        st.markdown(f":material/calculate: **In numbers.** {arithmetic(*places)}")
