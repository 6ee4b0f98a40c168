"""The page on sentence meaning under a learner's hands. Few loads: each draws seven pictures."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import read_all, read_sentence, settled, watched

LINES = (
    "Rain fell all day.\n\nIt was wet outside.\nThe goalkeeper was hurt.\n"
    "<b>x</b> [y](https://evil.example)"
)
EXAMPLES = (
    "calm: We rest by the lake.\ncalm: A quiet evening.\nno colon\n"
    "angry: He shouted at us.\nangry: They slammed the door."
)


def figure(page, name):
    return page.locator(f".st-key-figure-meaning-{name}")


def drawn_texts(page, name):
    return figure(page, name).locator("svg .annotation-text")


def type_into(page, control, text):
    box = page.get_by_role("textbox", name=control)
    box.fill(text)
    box.press("Enter")
    return settled(page)


def write_lines(page, control, text, button):
    page.get_by_role("textbox", name=control).fill(text)
    page.get_by_role("button", name=button).click()
    return settled(page)


@pytest.fixture
def meaning(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/sentence_meaning?ask=false")
        yield read_all(page)


def test_own_texts_are_read_compared_searched_and_sorted(meaning):
    expect(figure(meaning, "tokens")).to_contain_text("animal gives most")
    expect(figure(meaning, "decision")).to_contain_text("The probe says: animals")

    read_all(write_lines(meaning, "Sentences, one per line", LINES, "Compare them"))
    alike = figure(meaning, "similarity")
    expect(alike).to_contain_text("Rain fell all day. (line 1) and It was wet outside. (line 2)")
    texts = drawn_texts(meaning, "similarity")
    expect(texts.filter(has_text="<b>x</b> [y](https://evil.example)")).to_be_visible()
    expect(meaning.locator("a[href*='evil'], [*|href*='evil']")).to_have_count(0)

    type_into(meaning, "Search for", "a football player is injured")
    best = "Nearest to a football player is injured is The goalkeeper was hurt."
    expect(figure(meaning, "search")).to_contain_text(best)
    expect(meaning).to_have_url(re.compile(r"query=a\+football"))

    write_lines(meaning, "Examples, one per line", EXAMPLES, "Train the probe")
    expect(meaning.get_by_text("Line 3 is skipped")).to_be_visible()
    expect(figure(meaning, "training")).to_contain_text("Of the 4 lines")

    read_sentence(meaning, "She yelled at the potatoes.")
    read_all(meaning)
    expect(figure(meaning, "tokens").locator("svg.main-svg").first).to_contain_text("potatoes")
    expect(figure(meaning, "decision")).to_contain_text("The probe says: angry")
    main = meaning.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1


def test_a_link_brings_the_short_texts_along_and_lines_outlive_other_pages(page):
    page.goto(
        "/sentence_meaning?ask=false&query=a+sweet+pie&labels=tennis%2Ccooking&probe_steps=30"
        "&pair_one=Same.&pair_two=Same.&sentence=Chop+the+onions."
    )
    read_all(page)
    expect(figure(page, "search")).to_contain_text("Nearest to a sweet pie")
    expect(figure(page, "labels")).to_contain_text("cooking wins")
    expect(figure(page, "training")).to_contain_text("After 30 steps")
    expect(figure(page, "limits")).to_contain_text("Your pair has 1.00.")
    type_into(page, "Your pair: two", "Close the door.")
    expect(drawn_texts(page, "limits").filter(has_text="Close the door.")).to_be_visible()
    expect(page).to_have_url(re.compile("pair_two=Close"))

    write_lines(page, "Sentences, one per line", "One.\nTwo.", "Compare them")
    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Tokenization").click()
    expect(page.get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
    settled(page)
    menu.get_by_role("link", name="Sentence meaning").click()
    expect(page.get_by_role("heading", name="Sentence meaning", exact=True)).to_be_visible()
    read_all(page)
    expect(page.get_by_role("textbox", name="Sentences, one per line")).to_have_value("One.\nTwo.")
    expect(figure(page, "similarity")).to_contain_text("One. (line 1) and Two. (line 2)")
