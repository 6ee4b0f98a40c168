"""Cached texts of the course: lessons, sample sentences, the source of functions."""

from __future__ import annotations

import inspect
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import streamlit as st
import yaml

from pages.ui.cached.model import MINILM, listed
from pages.ui.glossary import Term, link_terms, parse_glossary
from pages.ui.plans import Plan, parse_plans
from pages.ui.questions import Question, parse_questions
from pages.ui.text import LessonText, parse_lesson

ASSETS = Path(__file__).parents[3] / "assets"


@st.cache_resource(show_spinner=False)
def sample_sentences() -> dict[str, str]:
    """Read the sample sentences: text -> the reason why it is interesting."""
    samples = yaml.safe_load((ASSETS / "data/sentences.yaml").read_text(encoding="utf-8"))
    return {sample["text"]: sample["why"] for sample in samples}


@st.cache_resource(show_spinner=False)
def lesson_text(name: str) -> LessonText:
    """Read the text of a page; the words of a lesson are linked to the glossary."""
    text = parse_lesson((ASSETS / f"lessons/{name}.md").read_text(encoding="utf-8"))
    return text if name in ("predictions", "classroom") else link_terms(text, name, glossary())


@st.cache_resource(show_spinner=False)
def glossary() -> tuple[Term, ...]:
    """Read the terms of the glossary."""
    return parse_glossary((ASSETS / "glossary.yaml").read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False)
def questions(name: str) -> dict[str, Question]:
    """Read the questions of a lesson."""
    return parse_questions((ASSETS / f"lessons/{name}.yaml").read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False)
def addresses() -> dict[str, dict[str, dict[str, object]]]:
    """Read what the address can set on each page: page -> name -> what may stand there.

    Where one of the operator's models may read, its sizes decide what other controls take.
    """
    pages = yaml.safe_load((ASSETS / "data/addresses.yaml").read_text(encoding="utf-8"))
    for controls in pages.values():
        if listed() and "head" in controls:
            for name in controls.keys() & {"block", "head", "mask", "out_column"}:
                controls[name] = {"label": controls[name]["label"], "depends": True}
            controls["model"] = {"label": "Model", "options": [MINILM.id, *listed()]}
    return pages


@st.cache_resource(show_spinner=False)
def misconceptions() -> dict[str, dict[str, str]]:
    """Read what learners often believe: slug -> belief, what is so, where it is shown."""
    return yaml.safe_load((ASSETS / "misconceptions.yaml").read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False)
def plans() -> tuple[Plan, ...]:
    """Read the teachers' plans."""
    return parse_plans((ASSETS / "plans.yaml").read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False)
def snippet(name: str) -> str:
    """Read the script that does what a lesson shows, and stands alone."""
    return (ASSETS / f"snippets/{name}.py").read_text(encoding="utf-8")


@st.cache_resource(show_spinner=False)
def source(module: str, name: str) -> str:
    """Read the source of a function: `core.attention`, `SelfAttention.forward`."""
    function = attrgetter(name)(import_module(module))
    return inspect.getsource(inspect.unwrap(function))
