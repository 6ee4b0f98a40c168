"""From a word in a lesson to its meaning, and from there to its lesson."""

import json
import re
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import settled, watched

SENTENCE = "A small dog (a puppy) chased [the] cat."


@pytest.fixture
def window(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        yield page


def glossary(page):
    page.goto("/glossary")
    return settled(page)


def term(page, name):
    return page.get_by_test_id("stMain").get_by_role("heading", name=name, exact=True)


def sentence_box(page):
    return page.get_by_role("textbox", name="Your sentence")


def test_a_word_in_a_lesson_opens_its_meaning_beside_the_lesson_with_the_sentence(window):
    window.goto("/encoder")
    settled(window)
    sentence_box(window).fill(SENTENCE)
    sentence_box(window).press("Enter")
    word = window.get_by_role("link", name="tokens", exact=True)
    expect(word).to_have_attribute("href", re.compile(f"{quote('(')}.*#token$"))
    lesson = window.url
    with window.context.expect_page() as opened:
        word.click()
    meaning = opened.value
    expect(term(meaning, "Token")).to_be_in_viewport()
    expect(meaning.get_by_text("The unit that a model reads")).to_be_in_viewport()
    expect(sentence_box(meaning)).to_have_value(SENTENCE)
    assert window.url == lesson
    expect(sentence_box(window)).to_have_value(SENTENCE)


def test_typing_filters_without_enter_and_the_address_keeps_it(window):
    glossary(window)
    search = window.get_by_role("searchbox", name="Find a term")
    search.press_sequentially("forget")
    expect(term(window, "Forget gate")).to_be_visible()
    expect(term(window, "Ablation")).to_have_count(0)
    expect(window).to_have_url(re.compile("term=forget"))
    settled(window.reload() and window)
    expect(search).to_have_value("forget")
    expect(term(window, "Ablation")).to_have_count(0)
    search.fill("xylophone")
    expect(window.get_by_text("No term has xylophone.")).to_be_visible()
    search.fill("")
    expect(term(window, "Ablation")).to_be_visible()


def test_a_term_leads_to_its_lesson_with_the_sentence(window):
    window.goto("/glossary?term=forget+gate&sentence=Birds+sing.")
    settled(window)
    main = window.get_by_test_id("stMain")
    main.get_by_role("link", name="Vanishing gradients").click()
    expect(term(window, "Vanishing gradients")).to_be_visible()
    expect(sentence_box(window)).to_have_value("Birds sing.")


def test_home_leads_to_the_glossary(window):
    window.goto("/")
    settled(window)
    main = window.get_by_test_id("stMain")
    with window.context.expect_page() as opened:
        main.get_by_role("link", name="glossary", exact=True).click()
    expect(term(opened.value, "Ablation")).to_be_visible()


@pytest.mark.parametrize("search", ["gate", "xylophone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_search_passes_axe_and_stays_in_width(browser, server, theme, search):
    with watched(
        browser, server, color_scheme=theme, viewport={"width": 320, "height": 700}
    ) as page:
        page.goto(f"/glossary?term={search}")
        settled(page)
        serious = [
            (found["id"], [node["html"][:200] for node in found["nodes"]])
            for found in Axe().run(page).response["violations"]
            if found["impact"] in ("serious", "critical")
        ]
        assert not serious, json.dumps(serious, indent=1)
        main = page.get_by_test_id("stMain")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1
