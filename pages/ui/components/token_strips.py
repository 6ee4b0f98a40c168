"""A text in rows of pieces: point at one, and all that came from the same characters lights up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/token_strips"
_mount = component(
    "token_strips",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Strip:
    """One row: a text cut into pieces.

    Attributes:
        name: How the row is called.
        labels: What is shown of each piece.
        starts: The character at which each piece begins, counted from 0.
        ends: The character before which it ends; where it begins if it stands for none.
        ids: The number of each piece, None where it has none; None if there is no vocabulary.
        unknown: The places of pieces that are not in the vocabulary.
        marked: The places of pieces to point out.
        show_ids: Whether the numbers stand below the pieces.
        notes: A few characters below each piece instead.
        levels: How much colour each piece has, from 0 to 1.
    """

    name: str
    labels: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    ids: Sequence[int | None] | None = None
    unknown: Collection[int] = ()
    marked: Collection[int] = ()
    show_ids: bool = False
    notes: Sequence[str] | None = None
    levels: Sequence[float] | None = None


def token_strips(
    text: Sequence[str],
    strips: Sequence[Strip],
    *,
    label: str,
    colors: Mapping[str, str],
    key: str,
) -> None:
    """Show rows of pieces of one text, one below the other.

    Args:
        text: The characters that the pieces stand for, each as it can be shown.
        strips: The rows.
        label: What the rows are, for those who do not see them.
        colors: The palette of the current theme; "token", "output" and "negative" are used.
        key: Name of the figure on its page.
    """
    _mount(data=strips_payload(text, strips, label, colors), key=key)


def strips_payload(
    text: Sequence[str],
    strips: Sequence[Strip],
    label: str,
    colors: Mapping[str, str],
) -> dict[str, object]:
    """Pack the rows.

    Raises:
        ValueError: If the lists of a row do not fit together, or it leaves the text.
    """
    for strip in strips:
        parts = (strip.labels, strip.starts, strip.ends, strip.ids, strip.notes, strip.levels)
        if len({len(part) for part in parts if part is not None}) > 1:
            raise ValueError(f"strip {strip.name!r} has lists of different lengths")
        places = zip(strip.starts, strip.ends, strict=True)
        if not all(0 <= start <= end <= len(text) for start, end in places):
            raise ValueError(f"strip {strip.name!r} leaves the text of {len(text)} characters")
    return {
        "text": list(text),
        "rows": [asdict(strip) for strip in strips],
        "label": label,
        "colors": {name: colors[name] for name in ("token", "output", "negative")},
    }
