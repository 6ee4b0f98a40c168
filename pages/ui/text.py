"""Text in and out: cleaning what was typed, quoting it safely, splitting a lesson into sections."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MAX_CHARACTERS = 1_000  # nearly twice what 128 tokens of ordinary English hold
BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Cleaned(NamedTuple):
    """A text fit to be read, and a sentence for every change that was made."""

    text: str
    notes: list[str]


def cleaned(typed: str) -> Cleaned:
    """Take out what no reader can see, and what is too long to be read."""
    notes: list[str] = []
    kept = [" " if character.isspace() else character for character in typed if readable(character)]
    if len(kept) < len(typed):
        notes.append(f"{len(typed) - len(kept):,} invisible control characters were taken out.")
    text = "".join(kept).strip()
    if len(text) > MAX_CHARACTERS:
        notes.append(f"Only the first {MAX_CHARACTERS:,} of {len(text):,} characters are read.")
        text = text[:MAX_CHARACTERS]
    return Cleaned(text, notes)


def readable(character: str) -> bool:
    """Say whether a character is more than a control character."""
    is_control = unicodedata.category(character) in ("Cc", "Cs") or character in BIDI_CONTROLS
    return character.isspace() or not is_control


def quoted(text: str) -> str:
    """Write any text in Markdown so that nothing in it turns bold, a link or an emoji."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    line = text.replace("\n", " ") or " "
    return f"{fence} {line} {fence}" if longest or not line.strip() else f"{fence}{line}{fence}"


def plain(text: str) -> str:
    """Write any text in Markdown so that it reads as running text, and as nothing else.

    Addresses become links even where every sign is escaped, so an invisible character parts them.
    """
    parted = re.sub(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)", "\u2060", text.replace("\n", " "))
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$:~&@/=])", r"\\\1", parted)


class LessonText(NamedTuple):
    """A lesson's lead, and slug -> (title, text) of its sections."""

    lead: str
    sections: dict[str, tuple[str, str]]


def parse_lesson(markdown: str) -> LessonText:
    """Split a lesson's text at its lines `## slug: Title`."""
    lead, *parts = re.split(r"^## ([\w-]+): (.+)$", markdown, flags=re.MULTILINE)
    sections = zip(parts[0::3], parts[1::3], parts[2::3], strict=True)
    return LessonText(
        lead.strip(), {slug: (title.strip(), text.strip()) for slug, title, text in sections}
    )


def parse_matrix(typed: str, most: int = 8) -> tuple[tuple[float, ...], ...]:
    """Read a small matrix: numbers between spaces, rows between semicolons.

    Raises:
        ValueError: If that is not what was typed; the message is for the learner.
    """
    rows = [row.replace(",", " ").split() for row in typed.split(";") if row.strip()]
    try:
        matrix = tuple(tuple(float(number) for number in row) for row in rows)
    except ValueError as error:
        raise ValueError("Write numbers only, as in 1 0; 0.5 -2") from error
    if not 1 <= len(matrix) <= most or not 1 <= len(matrix[0]) <= most:
        raise ValueError(f"Write 1 to {most} rows with 1 to {most} numbers each")
    if any(len(row) != len(matrix[0]) for row in matrix):
        raise ValueError("Every row needs as many numbers as the first")
    if any(not abs(number) <= 1000 for row in matrix for number in row):
        raise ValueError("Numbers must lie between -1000 and 1000")
    return matrix


def whole_number(written: str) -> int | None:
    """Read a whole number from an address; None if it is none, or longer than any place here."""
    return int(written) if written.isdecimal() and len(written) < 8 else None
