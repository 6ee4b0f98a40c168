"""The embeddings page under a learner's hands."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import read_all, read_sentence, settled, watched


@pytest.fixture
def embeddings(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/embeddings?ask=false")
        yield settled(page)


def whole(page):
    """Read on until the link to the next lesson."""
    while not page.get_by_role("link", name="Next:").count():
        read_all(page)
    return page


def choose(page, control, option):
    box = page.get_by_role("combobox", name=control)
    box.scroll_into_view_if_needed()  # a list that is open closes when the page scrolls
    settled(page)
    box.click()
    page.keyboard.type(option)
    expect(page.get_by_role("option", name=option, exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(box).to_have_value(option)
    return settled(page)


def type_into(page, control, text):
    box = page.get_by_role("textbox", name=control, exact=True)
    box.fill(text)
    box.press("Enter")
    return settled(page)


def figure(page, name):
    return page.locator(f".st-key-figure-embeddings-{name}")


def test_another_token_looks_up_another_row(embeddings):
    expect(figure(embeddings, "lookup")).to_contain_text("row 5,458 of the token table")
    choose(embeddings, "Token", "3 animal")
    expect(figure(embeddings, "lookup")).to_contain_text("row 4,111 of the token table")
    expect(embeddings).to_have_url(re.compile(r"lookup=3\+animal"))


def test_a_typed_word_shows_its_neighbours_with_their_cosines(embeddings):
    whole(embeddings)
    type_into(embeddings, "Any English word", "car")
    bars = figure(embeddings, "neighbours").locator("svg.main-svg").first
    for label in ("cars", "vehicle", "automobile", "0.80"):
        expect(bars.get_by_text(label, exact=False).first).to_be_visible()
    expect(embeddings).to_have_url(re.compile("near=car"))


def test_a_map_follows_its_group_and_turns_solid(embeddings):
    whole(embeddings)
    choose(embeddings, "Words on the map", "opposites")
    choose(embeddings, "Measure cosines from", "bad")
    shown = figure(embeddings, "map")
    expect(shown).to_contain_text("true cosine with \u2068bad\u2069")
    expect(shown).to_contain_text("2 axes keep")
    embeddings.get_by_text("3-D", exact=True).click()
    expect(shown).to_contain_text("3 axes keep")
    expect(shown.locator("canvas").first).to_be_visible()
    for part in ("map=opposites", "map_from=bad", "map_3d=true"):
        expect(embeddings).to_have_url(re.compile(part))


def test_two_sentences_of_the_learner_get_a_line_of_their_own(embeddings):
    whole(embeddings)
    type_into(embeddings, "Word in both", "spring")
    expect(figure(embeddings, "meanings")).to_contain_text("is not in both of your sentences")
    expect(figure(embeddings, "meanings").locator(".legend")).not_to_contain_text("your two")
    type_into(embeddings, "Sentence one", "Flowers bloom in spring.")
    type_into(embeddings, "Sentence two", "The metal spring broke.")
    expect(figure(embeddings, "meanings")).to_contain_text("in your two sentences: 1.00")
    expect(figure(embeddings, "meanings").locator(".legend")).to_contain_text("your two")


def test_a_link_brings_every_choice_along_and_a_new_sentence_keeps_it(page):
    page.goto(
        "/embeddings?ask=false&near=monday&map=numbers&map_from=ten&bank_word=gold&analogy_start=uncle"
        "&compare=tea%2C+coffee%2C+milk"
    )
    whole(page)
    for _ in range(2):
        expect(figure(page, "neighbours")).to_contain_text("tuesday")
        expect(figure(page, "cosines")).to_contain_text("Of all 3 pairs")
        expect(figure(page, "analogy")).to_contain_text("aunt")
        expect(page.get_by_role("combobox", name="Words on the map")).to_have_value("numbers")
        expect(page.get_by_role("combobox", name="Measure cosines")).to_have_value("ten")
        expect(figure(page, "meanings")).to_contain_text("gold")
        read_sentence(page, "Rain falls on the hills.")
        whole(page)


def test_markup_in_words_stays_text(page):
    typed = "<b>x</b>%2C+[y](https://evil.example)%2C+<a href='https://evil.example'>z</a>"
    names = ("near", "compare", "second", "analogy_start", "analogy_minus", "bank_one", "bank_word")
    page.goto(
        f"/embeddings?ask=false&map=the+list+above&{'&'.join(f'{name}={typed}' for name in names)}"
    )
    whole(page)
    expect(figure(page, "map")).to_contain_text("axes keep")
    expect(page.locator("a[href*='evil'], [*|href*='evil']")).to_have_count(0)
    expect(page.get_by_test_id("stMain").locator("b")).to_have_count(0)


def test_the_page_in_three_dimensions_with_long_words_stays_in_width(browser, server, size):
    long_words = "%2C+".join(["Pneumonoultramicroscopicsilicovolcano", *"abcdefghijklmnopqrstuvw"])
    with watched(browser, server, viewport=size) as page:
        page.goto(f"/embeddings?ask=false&map_3d=true&near=unhappiness&compare={long_words}")
        whole(page)
        expect(figure(page, "map").locator("canvas").first).to_be_visible()
        main = page.get_by_test_id("stMain")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1
