"""The map on a page: it knows the lessons that its boxes lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.ui import menu
from pages.ui.components.transformer_map import Kind, Window, transformer_map
from pages.ui.figures import style
from pages.ui.figures.style import Theme


def show_map(
    key: str,
    kind: Kind,
    theme: Theme,
    tokens: Sequence[str] = (),
    windows: Mapping[str, Window] | None = None,
) -> None:
    """Draw the map, with windows or small."""
    transformer_map(
        kind,
        {lesson.name: lesson.title for lesson in menu.LESSONS},
        tokens=tokens,
        windows=windows or {},
        colors=style.colors(theme),
        key=key,
    )
