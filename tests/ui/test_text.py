"""Cleaning and quoting what a learner typed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pages.ui.text import MAX_CHARACTERS, cleaned, parse_lesson, plain, quoted

ODD = st.text(alphabet=st.characters(codec=None), max_size=60)


def test_controls_are_taken_out_and_said_so():
    text, notes = cleaned("a\x00b\u202ec\ud800d")
    assert text == "abcd"
    assert notes == ["3 invisible control characters were taken out."]


def test_joiners_that_hold_an_emoji_together_stay():
    family = "👨\u200d👩\u200d👧"
    assert cleaned(family) == (family, [])


def test_long_text_is_cut_and_said_so():
    text, notes = cleaned("x" * 20_000)
    assert text == "x" * MAX_CHARACTERS
    assert notes == ["Only the first 1,000 of 20,000 characters are read."]


@given(ODD)
def test_cleaning_twice_changes_nothing_more(typed):
    once = cleaned(typed).text
    assert cleaned(once).text == once
    once.encode()  # no lone surrogate is left


@pytest.mark.parametrize(
    "text",
    ["<script>", "**bold**", "[x](https://a.b)", "www.example.com", ":smile:", "$x$", "`", "``a`"],
)
def test_quoted_text_is_code_and_nothing_else(text):
    tokens = MarkdownIt().parseInline(f"before {quoted(text)} after")[0].children
    assert [token.type for token in tokens] == ["text", "code_inline", "text"]
    assert tokens[1].content == text


@given(ODD.filter(lambda text: text.strip()))
def test_quoting_keeps_any_text_inside_the_code(text):
    safe = quoted(cleaned(text).text or "x")
    tokens = MarkdownIt().parseInline(f"before {safe} after")[0].children
    assert [token.type for token in tokens] == ["text", "code_inline", "text"]


def test_a_lesson_is_split_at_its_sections():
    lesson = parse_lesson("Lead.\n\n## one: First\nText.\n\n## two: Second: and more\nMore.")
    assert lesson.lead == "Lead."
    assert lesson.sections == {"one": ("First", "Text."), "two": ("Second: and more", "More.")}


@pytest.mark.parametrize("text", ["https://a.example", "HTTP://a", "www.a.example", "me@a.example"])
def test_plain_text_holds_no_address_that_becomes_a_link(text):
    bare = plain(text).replace("\\", "")
    assert not re.search(r"(?i)https?://|www\.|\w@\w", bare)
    assert bare.replace("\u2060", "") == text
