"""A page as a teacher wants it: sections and controls hidden, controls locked, projector sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/lesson_view"
_mount = component("lesson_view", js=(_FILES / "index.js").read_text(encoding="utf-8"))


def lesson_view(
    *, only: Sequence[str], hide: Sequence[str], lock: Sequence[str], present: bool
) -> None:
    """Hide, lock and enlarge.

    Args:
        only: The slugs of the sections to show; empty for all.
        hide: The keys of the controls to hide.
        lock: The keys of the controls that can be seen, but not moved.
        present: Whether the page is on a projector: large type, arrow keys go through the sections.
    """
    data = {"only": list(only), "hide": list(hide), "lock": list(lock), "present": present}
    _mount(data=data, key="lesson-view")
