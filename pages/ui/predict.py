"""Predict, then reveal: ask before a figure is shown, then show the prediction beside what is so.

What was predicted is kept in the visitor's browser, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from pages.ui import depth
from pages.ui.components.kept_predictions import kept_predictions
from pages.ui.components.prediction_view import Row, prediction_view
from pages.ui.questions import Asked

MOST_KEPT, MOST_CHARACTERS = 300, 2_000
IDENTITY = re.compile(r"[a-z_]+\.[a-z0-9-]+\.[0-9a-f]{12}")


class Prediction(NamedTuple):
    """A question about a figure.

    Attributes:
        asked: The question; None if there is nothing to ask.
        predicted: The option predicted; None before it is answered, "" if it was skipped.
        on_figure: Told key, title and table of the figure that answers it, and what draws it as
            long as it is hidden.
    """

    asked: Asked | None
    predicted: str | None
    on_figure: Callable[..., None]


class Kept(NamedTuple):
    """What is remembered of a prediction: texts that can be read without the page."""

    ask: str
    predicted: str  # "" if the question was skipped
    truth: str
    because: str


def restore() -> None:
    """Take in, once a session, what this browser remembers."""
    if "predictions" not in st.session_state:
        kept_predictions(on_kept=_restore)


def predicted() -> dict[str, Kept]:
    """Give all that this visitor predicted: identity of the question -> what is remembered."""
    return st.session_state.get("predictions", {})


def prediction(asked: Asked | None, on_figure: Callable[..., None]) -> Prediction:
    """Look up whether a question has been answered; who wants no questions skips them all."""
    if asked is None or not depth.asks():
        return Prediction(asked, "", on_figure)
    kept = predicted().get(asked.identity)
    if kept is None:
        return Prediction(asked, None, on_figure)
    names = {choice.label: choice.name for choice in asked.choices}
    return Prediction(asked, names.get(kept.predicted, ""), on_figure)


def ask(asked: Asked) -> None:
    """Ask, and wait: one click answers or skips."""
    st.markdown(f":material/psychology_alt: **{asked.markdown}**")
    with st.container(horizontal=True, key=f"predict-{asked.identity.replace('.', '-')}"):
        for choice in asked.choices:
            st.button(
                choice.markdown,
                key=f"predict-{asked.identity}-{choice.name}",
                on_click=_keep,
                args=(asked, choice.name),
            )
        st.button(
            "Skip, show me",
            type="tertiary",
            key=f"skip-{asked.identity}",
            on_click=_keep,
            args=(asked, ""),
        )


def compare(prediction: Prediction) -> None:
    """Show what was predicted beside what is so, and why each option tempts or holds."""
    asked, predicted, _ = prediction
    if not predicted:
        return
    largest = max((abs(choice.measured or 0) for choice in asked.choices), default=0) or 1
    prediction_view(
        asked.ask,
        [
            Row(
                choice.label,
                choice.because,
                "" if choice.measured is None else asked.form.format(choice.measured),
                None if choice.measured is None else abs(choice.measured) / largest,
                choice.name == predicted,
                choice.name == asked.right,
            )
            for choice in asked.choices
        ],
        {asked.identity: _remembered(asked, predicted)._asdict()},
        fresh=st.session_state.pop("just_answered", "") == asked.identity,
        key=f"predicted-{asked.identity}",
        on_again=lambda: _forget(asked),
    )


def _remembered(asked: Asked, name: str) -> Kept:
    right = asked.choice(asked.right)
    return Kept(asked.ask, asked.choice(name).label if name else "", right.label, right.because)


def _keep(asked: Asked, name: str) -> None:
    st.session_state["predictions"] = predicted() | {asked.identity: _remembered(asked, name)}
    st.session_state["just_answered"] = asked.identity


def _forget(asked: Asked) -> None:
    st.session_state["predictions"] = {
        identity: kept for identity, kept in predicted().items() if identity != asked.identity
    }


def _restore() -> None:
    st.session_state["predictions"] = read_kept(st.session_state["kept-predictions"].kept)


def read_kept(text: str) -> dict[str, Kept]:
    """Read what a browser remembers; what is not as this module wrote it is left out."""
    try:
        written = json.loads(text)
    except (TypeError, ValueError):
        return {}
    if not isinstance(written, dict):
        return {}
    kept = {
        identity: Kept(**fields)
        for identity, fields in written.items()
        if IDENTITY.fullmatch(identity)
        and isinstance(fields, dict)
        and fields.keys() == set(Kept._fields)
        and all(isinstance(text, str) and len(text) <= MOST_CHARACTERS for text in fields.values())
    }
    return dict(list(kept.items())[-MOST_KEPT:])
