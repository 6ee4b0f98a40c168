"""The search in the glossary, and what it finds; a widget's key is its name in the address."""

from __future__ import annotations

import streamlit as st

from pages.ui import menu
from pages.ui.cached import texts
from pages.ui.glossary import Term, find_terms
from pages.ui.text import cleaned, quoted


@st.fragment
def terms() -> None:
    """Ask for a word and show the terms that have it, all of them if nothing is asked."""
    typed = st.text_input(
        "Find a term",
        key="term",
        bind="query-params",
        type="search",
        live=True,
        max_chars=60,
        placeholder="All terms",
        width=420,
    )
    search = cleaned(typed or "").text
    found = find_terms(texts.glossary(), search)
    if not found:
        st.info(f"No term has {quoted(search)}. Try a part of the word, or empty the box.")
        return
    if search:
        st.caption(f"{len(found)} of {len(texts.glossary())} terms")
    half = -(-len(found) // 2)
    for column, entries in zip(
        st.columns(2, gap="large"), (found[:half], found[half:]), strict=True
    ):
        with column:
            for term in entries:
                _entry(term)


def _entry(term: Term) -> None:
    """Show one term: what it means, and the way to its lesson."""
    lesson = menu.topic(term.topic)
    section = texts.lesson_text(term.topic).sections.get(term.section)
    with st.container(gap="xsmall"):
        st.subheader(term.name, anchor=term.slug)
        st.markdown(term.text)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.page_link(menu.page(lesson), label=lesson.title, icon=":material/arrow_forward:")
            if section:
                st.caption(section[0], width="content")
