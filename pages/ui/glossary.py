"""The glossary: its terms, how they are found, and the links to them in the lessons' text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from pages.ui.text import LessonText

LINKS_AT_MOST = 4  # new links in one section: a lesson is no encyclopaedia
PAGE = "/glossary"

# Code, formulas, links, icons, headings. What begins first wins: a $ within code is no formula.
_LEFT_ALONE = r"""
    \\.                                           # a character that is meant literally
  | ^[ ]*(?P<block>```+|~~~+)[\s\S]*?^[ ]*(?P=block)
  | (?P<ticks>`+)[\s\S]+?(?<!`)(?P=ticks)(?!`)
  | \$\$[\s\S]+?\$\$ | \$[^$]+\$
  | !?\[(?:[^\[\]]|\[[^\[\]]*\])*\](?:\([^)]*\)|\[[^\]]*\])
  | <[^>\s]+> | \b(?:https?://|www\.)\S+
  | :material/\w+:
  | ^[ ]*\#{1,6}[ ].*$
"""


@dataclass(frozen=True)
class Term:
    """One entry: its name, two sentences, and the lesson where it is at work.

    Attributes:
        name: The heading.
        text: What it means (Markdown).
        topic: The lesson's name.
        section: The lesson's section; empty if the whole lesson is about it.
        also: Other names.
        not_in: Lessons in which these words mean something else.
    """

    name: str
    text: str
    topic: str
    section: str
    also: tuple[str, ...]
    not_in: tuple[str, ...]

    @property
    def slug(self) -> str:
        """Name the place of the term on its page."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def gist(self) -> str:
        """Give the first sentence in plain characters, for who points at a link."""
        first = re.split(r"(?<=[.!?]) ", self.text, maxsplit=1)[0]
        return re.sub(r"[`$*\\{}]", "", first).replace('"', "”")

    @property
    def names(self) -> tuple[str, ...]:
        """Give all its names, the heading first."""
        return (self.name, *self.also)


def parse_glossary(written: str) -> tuple[Term, ...]:
    """Read the terms, in the order of the alphabet."""
    terms = []
    for entry in yaml.safe_load(written):
        topic, _, section = entry["lesson"].partition("#")
        also, not_in = tuple(entry.get("also", ())), tuple(entry.get("not_in", ()))
        terms.append(Term(entry["term"], entry["text"], topic, section, also, not_in))
    return tuple(sorted(terms, key=lambda term: term.slug))


def find_terms(terms: Sequence[Term], search: str) -> list[Term]:
    """Find the terms that have the words in a name or, if there are none, in their text."""
    words = _plain(search)
    named = [term for term in terms if any(words in _plain(name) for name in term.names)]
    return named or [term for term in terms if words in _plain(term.text)]


def link_terms(lesson: LessonText, topic: str, terms: Sequence[Term]) -> LessonText:
    """Link each term of a lesson's text once, where it comes first, to the glossary.

    Who points at a link reads the first sentence there; the link itself opens a tab.
    Longer names win over shorter ones. A section gets few links; terms that other lessons are about
    come before those of this one. Where a term is explained itself, it is not linked.
    """
    by_name = {_plain(name): term for term in terms for name in term.names}
    every_name = [name for term in terms for name in term.names]
    names = "|".join(map(_pattern, sorted(every_name, key=len, reverse=True)))
    words = re.compile(
        rf"(?P<left_alone>{_LEFT_ALONE})|(?<![\w–-])(?:{names})(?![\w–-])",
        re.IGNORECASE | re.MULTILINE | re.VERBOSE,
    )
    linked: set[Term] = set()

    def link(section: str, text: str) -> str:
        places: dict[Term, re.Match[str]] = {}
        for found in words.finditer(text):
            term = None if found["left_alone"] else by_name[_plain(found[0])]
            if term and term not in linked and _foreign(term, topic, section):
                places.setdefault(term, found)
        of_others_first = sorted(places, key=lambda term: term.topic == topic)
        chosen = of_others_first[:LINKS_AT_MOST]
        linked.update(chosen)
        for term in sorted(chosen, key=lambda term: places[term].start(), reverse=True):
            start, end = places[term].span()
            with_gist = f'[{text[start:end]}]({PAGE}#{term.slug} "{term.gist}")'
            text = text[:start] + with_gist + text[end:]
        return text

    return LessonText(
        link("", lesson.lead),
        {slug: (title, link(slug, text)) for slug, (title, text) in lesson.sections.items()},
    )


def with_sentence(text: str, sentence: str) -> str:
    """Let the links to the glossary carry the learner's sentence, for they open a window.

    Every byte is written as %XX: so nothing in a sentence can mean anything to Markdown.
    """
    encoded = "".join(f"%{byte:02X}" for byte in sentence.encode())
    return text.replace(f"]({PAGE}", f"]({PAGE}?sentence={encoded}")


def _foreign(term: Term, topic: str, section: str) -> bool:
    """Say whether a word means this term here, and is explained somewhere else."""
    at_home = term.topic == topic and term.section in ("", section)
    return not at_home and topic not in term.not_in


def _plain(text: str) -> str:
    """Write words so that case, line breaks and dashes make no difference."""
    return " ".join(re.sub(r"[\s–-]+", " ", text.casefold()).split())


def _pattern(name: str) -> str:
    """Find a name also where a line breaks in it, and with either dash."""
    return re.escape(name).replace(r"\ ", r"\s+").replace(r"\-", "–").replace("–", "[–-]")
