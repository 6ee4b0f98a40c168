"""What a learner predicted, as a list to look at and to take along, and common beliefs."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.ui import menu, predict
from pages.ui.cached import texts
from pages.ui.figure import Table, csv_text
from pages.ui.predict import Kept
from pages.ui.text import plain


def predictions() -> None:
    """List the predictions lesson by lesson, with the way back to what failed."""
    kept = predict.predicted()
    answered = {identity: one for identity, one in kept.items() if one.predicted}
    if not answered:
        st.info(
            "No prediction yet. Some figures ask what you expect before they show it; "
            "what you answer stands here afterwards."
        )
        st.page_link(menu.page(menu.LESSONS[0]), label=f"Begin with **{menu.LESSONS[0].title}**")
        return
    n_right = sum(one.predicted == one.truth for one in answered.values())
    st.markdown(f"**{n_right} of {len(answered)}** came true.")
    for topic in menu.LESSONS:
        own = {name: one for name, one in answered.items() if name.startswith(f"{topic.name}.")}
        if own:
            st.page_link(menu.page(topic), label=f"**{topic.title}**", icon=topic.icon)
        for one in own.values():
            _prediction(one)
    st.download_button(
        "Take them along (CSV)",
        data=csv_text(table(answered)),
        file_name="predictions.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _prediction(one: Kept) -> None:
    with st.container(border=True):
        st.markdown(plain(one.ask))
        if one.predicted == one.truth:
            st.markdown(f":material/check: **{plain(one.truth)}**, as you predicted.")
        else:
            st.markdown(
                f":material/replay: You predicted **{plain(one.predicted)}**; "
                f"it was **{plain(one.truth)}**."
            )
        st.caption(plain(one.because))


def table(kept: Mapping[str, Kept]) -> Table:
    """Write predictions as a table."""
    titles = {topic.name: topic.title for topic in menu.LESSONS}
    return {
        "lesson": [titles.get(name.partition(".")[0], "") for name in kept],
        "question": [one.ask for one in kept.values()],
        "predicted": [one.predicted for one in kept.values()],
        "so it was": [one.truth for one in kept.values()],
        "why": [one.because for one in kept.values()],
    }


def beliefs() -> None:
    """List common beliefs, what is so, and the lesson that shows it."""
    for belief in texts.misconceptions().values():
        topic = menu.topic(belief["shown"].partition("#")[0])
        with st.container(border=True):
            st.markdown(f"*“{belief['belief']}”*  \n{belief['instead']}")
            st.page_link(menu.page(topic), label=f"See it in **{topic.title}**", icon=topic.icon)
