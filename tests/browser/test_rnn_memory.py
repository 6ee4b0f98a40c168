"""One vector as memory in a real browser: a number of one's own, attention, a live training."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


def verdict(page, words):
    return page.get_by_text(re.compile(words)).first


def test_a_typed_number_gets_three_answers_which_the_link_brings_back(server, browser, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/rnn_memory")
        expect(verdict(page, "attention: all right")).to_be_visible()
        box = page.get_by_role("textbox", name="Your number")
        box.fill("forty-one")
        box.press("Enter")
        expect(page.get_by_role("heading", name="How do they write 41?")).to_be_visible()
        expect(verdict(page, "forty one has 2 words, within what was trained")).to_be_visible()
        chart = page.locator(".st-key-figure-memory-answers .js-plotly-plot")
        for word in ("ein", "und", "vierzig"):
            expect(chart.get_by_text(f"✓ \u2068{word}\u2069")).to_have_count(3)
        assert "number=forty-one" in settled(page).url
        link = page.url
    with watched(browser, server, viewport=size) as page:
        page.goto(link)
        expect(page.get_by_role("heading", name="How do they write 41?")).to_be_visible()


def test_what_is_no_number_is_said_and_stays_text(page):
    page.goto("/rnn_memory?number=%3Cb%3Eseven%3C%2Fb%3E")
    expect(page.get_by_role("alert").get_by_text("'<b>seven</b>'")).to_be_visible()
    expect(verdict(page, "attention: all right")).to_be_visible()


def test_the_transformers_attention_is_one_click_away(page):
    page.goto("/rnn_memory?number=741#memory-alignment")
    before = page.locator(".st-key-figure-memory-alignment").get_by_text("were written while")
    expect(before).to_contain_text("4 of 4")
    page.get_by_role("radio", name="Transformer").click()
    settled(page)
    assert "memory_looks=Transformer" in page.url


def test_a_training_is_started_watched_and_stopped(server, browser, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/rnn_memory?memory_width=32#memory-train")
        figure = page.locator(".st-key-figure-memory-train")
        expect(figure.get_by_text("Untrained, all of them guess")).to_be_visible()
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text(re.compile(r"Training: update [1-9]")).first).to_be_visible()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_text("Stopped here, as asked.")).to_be_visible()
        expect(figure.get_by_text(re.compile("Loss after .* updates"))).to_be_visible()
        settled(page)
