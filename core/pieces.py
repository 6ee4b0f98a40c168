"""The same text in pieces of every size, and how a piece is shown.

Source: Unicode Standard Annex 29 (what counts as one character).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tokenizers import Regex, pre_tokenizers

from core.tokenization import (
    CONTINUATION,
    UNKNOWN,
    WORD_START,
    Offsets,
    Reader,
    Reading,
    valid_text,
)

# A sentence ends after its closing mark (and quotation mark), before a space that no small letter
# follows; after a Chinese or Japanese full stop; and with the line. "Dr. Who" is cut in two: to
# know better takes a model.
MARKS = ".!?…؟।۔"
SENTENCE = re.compile(
    rf"\S.*?(?:(?<![{MARKS}])[{MARKS}]++[\"'”’)\]»]*+(?=\s|$)(?!\s++[a-z])|[。！？]+[」』”’]*|$)",
    re.MULTILINE,
)
# A word is a run of letters, digits and their marks, apostrophes inside it included; every other
# visible character is a piece of its own. Where a language writes no spaces, a whole phrase is one.
WORD = pre_tokenizers.Split(Regex(r"(?:(?=\w)\X)+(?:['’](?:(?=\w)\X)+)*|\X"), "isolated")
# A character is what a reader takes for one (a grapheme cluster): é, नि and 👩‍👧 are one each.
CHARACTER = pre_tokenizers.Split(Regex(r"\X"), "isolated")


@dataclass(frozen=True)
class Cut:
    """A text cut into pieces of one kind."""

    name: str
    text: str
    pieces: tuple[str, ...]
    labels: tuple[str, ...]  # the pieces as they can be shown
    offsets: Offsets  # several pieces may share a character; (0, 0) for added tokens
    ids: tuple[int | None, ...] | None  # None: no vocabulary, or not in it
    vocab_size: int | None
    n_unknown: int | None  # pieces that are not in the vocabulary


def cut_into(unit: str, text: str, vocabulary: Mapping[str, int] | None = None) -> Cut:
    """Cut a text into sentences, words, characters or bytes; only white space may be lost.

    Args:
        unit: "sentences", "words", "characters" or "bytes".
        text: The text.
        vocabulary: The pieces with an id, from `piece_ids`. Bytes have one without it.

    Raises:
        ValueError: If the unit is none of these.
    """
    text = valid_text(text)
    offsets = _offsets(unit, text)
    pieces = _pieces(unit, text)
    labels = tuple(visible(piece) for piece in pieces)
    if unit == "bytes":
        vocabulary = {f"{byte:02X}": byte for byte in range(256)}
    if vocabulary is None:
        return Cut(unit, text, pieces, labels, offsets, None, None, None)
    ids = tuple(map(vocabulary.get, pieces))
    return Cut(unit, text, pieces, labels, offsets, ids, len(vocabulary), ids.count(None))


def piece_ids(unit: str, corpus: str) -> dict[str, int]:
    """Number all different pieces of a text, the most frequent first."""
    counts = Counter(_pieces(unit, valid_text(corpus)))
    return {piece: number for number, (piece, _) in enumerate(counts.most_common())}


def cut_into_tokens(name: str, reader: Reader, text: str) -> Cut:
    """Cut a text into tokens, in the same form as the other cuts."""
    reading = reader.read(text)
    return Cut(
        name,
        reading.text,
        reading.tokens,
        display_labels(reading),
        reading.offsets,
        reading.token_ids,
        reader.tokenizer.get_vocab_size(),
        0 if reading.unknown_id is None else reading.token_ids.count(reading.unknown_id),
    )


def _pieces(unit: str, text: str) -> tuple[str, ...]:
    """Cut a text into pieces; a byte is written with two hexadecimal digits."""
    if unit == "bytes":
        return tuple(f"{byte:02X}" for byte in text.encode())
    return tuple(text[start:end] for start, end in _offsets(unit, text))


def _offsets(unit: str, text: str) -> Offsets:
    """Say where the pieces of a text begin and end."""
    if unit == "sentences":
        return tuple(
            (match.start(), match.start() + len(match[0].rstrip()))
            for match in SENTENCE.finditer(text)
        )
    if unit == "words":
        words = WORD.pre_tokenize_str(text)
        return tuple(offsets for word, offsets in words if not word.isspace())
    if unit == "characters":
        return tuple(offsets for _, offsets in CHARACTER.pre_tokenize_str(text))
    if unit == "bytes":
        return tuple((i, i + 1) for i, character in enumerate(text) for _ in character.encode())
    raise ValueError(f"unit={unit!r} is not one of sentences, words, characters, bytes")


def divided_words(reading: Reading) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """List the words that take several tokens, each with the places of its tokens."""
    words: list[tuple[str, tuple[int, ...]]] = []
    read = reading.text[: max((end for _, end in reading.offsets), default=0)]
    for start, end in _offsets("words", read):
        places = tuple(i for i, (s, e) in enumerate(reading.offsets) if s < end and start < e)
        if len(places) > 1:
            words.append((read[start:end], places))
    return tuple(words)


# How a piece is shown

CONTROLS = {code: chr(0x2400 + code) for code in range(32)} | {9: "⇥", 10: "↵", 13: "↵", 127: "␡"}
JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f]+")  # parts of one character
MAX_MARKS = 4  # accents on top of each other


def visible(piece: str) -> str:
    """Write a piece so that nothing in it is invisible, and nothing leaves its line.

    Spaces at its ends become ▁, controls their symbols or code points; a mark without its letter
    stands on ◌, and a pile of marks is cut.
    """
    if JOINERS.fullmatch(piece):
        return " ".join(f"U+{ord(character):04X}" for character in piece)
    inner = piece.strip(" ")
    n_before = len(piece) - len(piece.lstrip(" "))
    shown = [WORD_START * n_before]
    n_marks = 0
    for character in inner:
        category = unicodedata.category(character)
        n_marks = n_marks + 1 if category.startswith("M") else 0
        if n_marks > MAX_MARKS:
            continue
        if n_marks and shown == [""]:
            shown.append("◌")
        if category in ("Cc", "Cf", "Zs", "Zl", "Zp") and not JOINERS.match(character):
            plain = " " if character == " " else f"U+{ord(character):04X}"
            shown.append(CONTROLS.get(ord(character), plain))
        else:
            shown.append(character)
    return "".join(shown) + WORD_START * (len(piece) - n_before - len(inner))


def _byte_alphabet() -> dict[str, int]:
    """Say which byte each character of a byte-level token stands for.

    Bytes that are visible characters stand for themselves, the others for those from 256 on:
    `bytes_to_unicode` of GPT-2 (Radford et al., 2019).
    """
    visible_bytes = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible_bytes]
    return {chr(byte): byte for byte in visible_bytes} | {
        chr(256 + i): byte for i, byte in enumerate(others)
    }


BYTE = _byte_alphabet()


def byte_label(piece: str) -> str:
    """Show a piece of byte-level BPE: as text if its bytes are whole characters, else as bytes.

    The name of an added token may hold characters that stand for no byte; it is shown as it is.
    """
    if any(character not in BYTE for character in piece):
        return visible(piece)
    content = bytes(BYTE[character] for character in piece)
    try:
        return visible(content.decode())
    except UnicodeDecodeError:
        return content.hex(" ").upper()


def display_labels(reading: Reading) -> tuple[str, ...]:
    """Say what to show for each token: its part of the text, with what the tokenizer marks on it.

    Added tokens and [UNK] go by their name, a continued word keeps its ##, a space shows as ▁.
    Where several tokens share one character, each shows its share and what it holds: "猫 1/3 · E7".
    """
    sharers: dict[int, list[int]] = {}
    for token, (start, end) in enumerate(reading.offsets):
        for place in range(start, end):
            sharers.setdefault(place, []).append(token)

    labels: list[str] = []
    for token, (name, (start, end)) in enumerate(zip(reading.tokens, reading.offsets, strict=True)):
        piece = reading.text[start:end]
        shared = any(len(sharers[place]) > 1 for place in range(start, end))
        if start == end or reading.token_ids[token] == reading.unknown_id:
            own_name = byte_label(name) if reading.byte_level else name
            labels.append(UNKNOWN if piece else own_name)
        elif shared:
            holds = byte_label(name) if reading.byte_level else visible(name)
            parts = [
                f"{visible(reading.text[place])} {among.index(token) + 1}/{len(among)}"
                if len(among := sharers[place]) > 1
                else visible(reading.text[place])
                for place in range(start, end)
            ]
            labels.append(f"{' + '.join(parts)} · {holds}")
        elif reading.byte_level:
            labels.append(byte_label(name))
        else:
            mark = next((m for m in (CONTINUATION, WORD_START) if name.startswith(m)), "")
            labels.append(visible(piece) if piece.startswith(mark) else mark + visible(piece))
    return tuple(labels)
