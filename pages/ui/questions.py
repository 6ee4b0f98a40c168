"""Questions to predict by: written in YAML, filled with a learner's words and numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from pages.ui.text import quoted


class Option(NamedTuple):
    """One answer to choose, and why it tempts or holds."""

    label: str
    because: str


class Question(NamedTuple):
    """A question as it is written: `{words}` in braces are filled in when it is asked.

    Attributes:
        ask: The question (Markdown).
        options: Name -> answer.
        misconception: Which of `assets/misconceptions.yaml` it is aimed at, if any.
        form: How a measured number is written, as in `{:.2f} of the weight`.
    """

    ask: str
    options: dict[str, Option]
    misconception: str = ""
    form: str = "{:.2f}"


@dataclass(frozen=True)
class Truth:
    """What is so, as the page computed it.

    Attributes:
        right: The name of the option that holds.
        words: What the learner's words in the question are.
        numbers: What else stands for a word in braces: numbers, names of heads.
        measured: Name of an option -> the number measured for it; drawn as a bar.
    """

    right: str
    words: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, object] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)


class Choice(NamedTuple):
    """One option as it is offered: its text as Markdown and plain, and what came of it."""

    name: str
    markdown: str
    label: str
    because: str
    measured: float | None


class Asked(NamedTuple):
    """A question about this learner's data.

    Attributes:
        identity: The same for the same question and the same options, and for no other.
        markdown: The question, ready to be shown.
        ask: The question as plain text.
        choices: What can be chosen, in the order in which it is offered.
        right: The name of the choice that holds.
        form: How a measured number is written.
    """

    identity: str
    markdown: str
    ask: str
    choices: tuple[Choice, ...]
    right: str
    form: str

    def choice(self, name: str) -> Choice:
        """Find a choice by its name."""
        return next(choice for choice in self.choices if choice.name == name)


def parse_questions(text: str) -> dict[str, Question]:
    """Read the questions of a lesson: slug -> question."""
    written = yaml.safe_load(text) or {}
    return {
        slug: Question(
            **fields
            | {"options": {name: Option(**option) for name, option in fields["options"].items()}}
        )
        for slug, fields in written.items()
    }


def ask(name: str, question: Question, truth: Truth) -> Asked | None:
    """Fill a question with the learner's data.

    Options that read the same are offered once. Numbers stand in their order, all else in an order
    that tells nothing.

    Args:
        name: Lesson and slug, as in `tokenization.count`.
        question: What is asked.
        truth: What is so.

    Returns:
        The question, or None if these data leave only one thing to say.
    """
    bare = {**truth.words, **truth.numbers}
    plain = {**{key: f"“{word}”" for key, word in truth.words.items()}, **truth.numbers}
    marked = {**{key: quoted(word) for key, word in truth.words.items()}, **truth.numbers}
    by_label: dict[str, Choice] = {}
    for key in sorted(question.options, key=lambda key: key != truth.right):
        option = question.options[key]
        label = option.label.format_map(bare)
        choice = Choice(
            key,
            option.label.format_map(marked),
            label,
            option.because.format_map(plain),
            truth.measured.get(key),
        )
        by_label.setdefault(label, choice)
    if len(by_label) < 2:
        return None
    choices = tuple(sorted(by_label.values(), key=_place))
    asked = question.ask.format_map(plain)
    content = "\n".join((asked, *(choice.label for choice in choices)))
    return Asked(
        f"{name}.{_digest(content)}",
        question.ask.format_map(marked),
        asked,
        choices,
        truth.right,
        question.form,
    )


def _place(choice: Choice) -> tuple[float, str]:
    number = choice.label.partition(" ")[0].replace(",", "")
    try:
        return float(number), ""
    except ValueError:
        return float("inf"), _digest(choice.label)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
