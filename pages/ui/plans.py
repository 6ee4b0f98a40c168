"""Ready plans for teachers: what to show a class, in which order, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml


class Step(NamedTuple):
    """One page that the class opens.

    Attributes:
        minutes: How long it takes.
        lesson: The lesson's name.
        sections: The sections that it shows.
        note: What students are to do, in plain text.
        say: What the teacher says or does (Markdown).
        questions: The questions that it asks.
        state: What else the address sets.
    """

    minutes: int
    lesson: str
    sections: tuple[str, ...]
    note: str
    say: str
    questions: tuple[str, ...] = ()
    state: Mapping[str, str] = {}


class Plan(NamedTuple):
    """A lesson that can be held as it is.

    Attributes:
        title: In plain text.
        whom: For whom it is.
        goals: What students can do afterwards (Markdown).
        steps: In their order.
    """

    title: str
    whom: str
    goals: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def minutes(self) -> int:
        """Add up the minutes of the steps."""
        return sum(step.minutes for step in self.steps)


def parse_plans(text: str) -> tuple[Plan, ...]:
    """Read the plans, in the order in which they are offered."""
    return tuple(
        Plan(**_tuples(plan | {"steps": [Step(**_tuples(step)) for step in plan["steps"]]}))
        for plan in yaml.safe_load(text)
    )


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
