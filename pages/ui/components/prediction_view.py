"""A prediction beside what is so: one row per option, with what was measured and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/prediction_view"
_mount = component(
    "prediction_view",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


class Row(NamedTuple):
    """One option.

    Attributes:
        label: What could be chosen.
        because: Why it tempts or holds.
        number: What was measured for it, with its unit; "" if nothing was.
        share: The length of its bar, from 0 to 1; None without a bar.
        predicted: Whether the learner chose it.
        right: Whether it is so.
    """

    label: str
    because: str
    number: str
    share: float | None
    predicted: bool
    right: bool


def prediction_view(
    ask: str,
    rows: Sequence[Row],
    remembered: Mapping[str, object],
    *,
    fresh: bool,
    key: str,
    on_again: Callable[[], None],
) -> None:
    """Show what was predicted and what is so.

    Args:
        ask: The question, as plain text.
        rows: The options.
        remembered: What the browser keeps of it: identity -> texts.
        fresh: Whether it has just been answered.
        key: Name of the question, unique in the app.
        on_again: Called when the learner wants to be asked again.
    """
    data = {
        "ask": ask,
        "rows": [row._asdict() for row in rows],
        "remembered": remembered,
        "fresh": fresh,
    }
    _mount(data=data, key=key, on_again_change=on_again)
