"""The one list of lessons, in the order in which they are taught, and the way to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from pages.ui import assignment

SHORTCOMINGS = "Why recurrent networks fell short"
READING = "A Transformer reads your sentence"
USES = "What it is for"
REFERENCE = "For reference"


@dataclass(frozen=True)
class Topic:
    """One lesson: the name of its files and address, and how the menu presents it."""

    name: str
    title: str
    section: str
    icon: str
    minutes: int
    question: str
    has_heads: bool = False  # whether the lesson looks at one block and head


HOME = Topic("home", "From RNNs to Transformers", "", ":material/home:", 0, "")
LESSONS = (
    Topic(
        "vanishing_gradients",
        "Vanishing gradients",
        SHORTCOMINGS,
        ":material/trending_down:",
        15,
        "Why do the first words teach a network nothing?",
    ),
    Topic(
        "rnn_memory",
        "One vector as memory",
        SHORTCOMINGS,
        ":material/memory:",
        15,
        "How much fits into a vector of fixed size?",
    ),
    Topic(
        "sequential_cost",
        "Sequential cost",
        SHORTCOMINGS,
        ":material/hourglass_top:",
        10,
        "What does it cost to read one step at a time?",
    ),
    Topic(
        "transformer",
        "The Transformer",
        READING,
        ":material/account_tree:",
        10,
        "What happens to a sentence, step by step?",
    ),
    Topic(
        "tokenization",
        "Tokenization",
        READING,
        ":material/content_cut:",
        10,
        "How does text become numbers?",
    ),
    Topic(
        "embeddings",
        "Embeddings",
        READING,
        ":material/scatter_plot:",
        10,
        "How can a number carry meaning?",
    ),
    Topic(
        "positional_encoding",
        "Positional encoding",
        READING,
        ":material/waves:",
        10,
        "How does the model know the word order?",
    ),
    Topic(
        "self_attention",
        "Self-attention",
        READING,
        ":material/hub:",
        15,
        "Which words look at which?",
        has_heads=True,
    ),
    Topic(
        "scaled_dot_product",
        "Scaled dot-product",
        READING,
        ":material/grid_on:",
        15,
        "What is computed, step by step?",
        has_heads=True,
    ),
    Topic(
        "encoder",
        "The encoder",
        READING,
        ":material/layers:",
        15,
        "What does a block do to a vector?",
    ),
    Topic(
        "sentence_meaning",
        "Sentence meaning",
        USES,
        ":material/compare_arrows:",
        15,
        "What does a sentence mean to the model?",
    ),
    Topic(
        "glossary",
        "Glossary",
        REFERENCE,
        ":material/menu_book:",
        5,
        "What does that word mean?",
    ),
    Topic(
        "predictions",
        "Your predictions",
        REFERENCE,
        ":material/psychology_alt:",
        5,
        "What did you expect, and what was so?",
    ),
    Topic(
        "classroom",
        "For teachers",
        REFERENCE,
        ":material/school:",
        10,
        "How do I show this to a class?",
    ),
)


def topic(name: str) -> Topic:
    """Find a topic by its name."""
    return next(topic for topic in (HOME, *LESSONS) if topic.name == name)


def following(lesson: Topic) -> Topic:
    """Name the lesson that comes after one; after the last, what the learner predicted in all."""
    later = LESSONS[LESSONS.index(lesson) + 1]
    return later if later.section != REFERENCE else topic("predictions")


def card(name: str) -> DeltaGenerator:
    """Present one lesson: its question, how long it takes, and the way to it."""
    lesson = topic(name)
    box = st.container(border=True, height="stretch")
    box.page_link(page(lesson), label=f"**{lesson.title}**", icon=lesson.icon)
    box.markdown(f"{lesson.question} :gray[{lesson.minutes} min]")
    return box


def page(topic: Topic) -> StreamlitPage:
    """Describe the page of a topic to Streamlit.

    Without an icon: Streamlit would make it the favicon, and fetch that from another host.
    """
    return st.Page(
        f"pages/{topic.name}.py",
        title=topic.title,
        url_path=topic.name,
        default=topic is HOME,
    )


def route() -> tuple[Topic, StreamlitPage]:
    """Show the menu, choose the page that the address names, and note that this run did so."""
    pages = {topic: page(topic) for topic in (HOME, *LESSONS)}
    chosen = st.navigation(list(pages.values()), position="hidden")
    topic = next(topic for topic, its_page in pages.items() if its_page is chosen)
    if assignment.shows_menu():
        with st.sidebar:
            _menu(pages)
    st.session_state["routed"] = True
    return topic, chosen


def _menu(pages: Mapping[Topic, StreamlitPage]) -> None:
    section = HOME.section
    for topic, its_page in pages.items():
        if topic.section != section:
            section = topic.section
            st.markdown(f"**{section}**")
        st.page_link(its_page)


def require_route() -> None:
    """Send a page through `app.py` if Streamlit ran it alone.

    Beside a folder called pages, a deep link on a fresh server runs the page without `app.py`.
    """
    if not st.session_state.pop("routed", False):
        route()
        st.rerun()
