"""What a visitor relies on anywhere: links, the shared sentence, reload, back, access for all."""

import json
import re
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from pages.ui.menu import HOME, LESSONS
from tests.browser.conftest import SIZES, read_all, read_sentence, serve, settled, watched

SENTENCE = "A small dog chased the big cat."
ODD_TEXT = (
    "Pneumonoultramicroscopicsilicovolcanoconiosis " * 3
    + "<b>x</b> [y](https://evil.example) **z** https://evil.example <s> &amp;"
)
PATHS = ["", *(lesson.name for lesson in LESSONS)]


def sentence_box(page):
    return page.get_by_role("textbox", name="Your sentence")


def resize(page, width):
    page.set_viewport_size({"width": width, "height": page.viewport_size["height"]})
    settled(page)


def menu(page):
    return page.get_by_test_id("stSidebar")


@pytest.mark.parametrize("path", ["self_attention", "tokenization"])
def test_a_deep_link_on_a_fresh_server_shows_that_lesson_with_the_menu(browser, path):
    """A folder called pages beside st.navigation makes Streamlit run the page alone."""
    with serve() as cold, watched(browser, cold) as page:
        page.goto(f"/{path}?sentence=Hello+there")
        title = next(lesson.title for lesson in LESSONS if lesson.name == path)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(sentence_box(page)).to_have_value("Hello there")
        expect(menu(page).get_by_role("link")).to_have_count(len(LESSONS) + 1)


def test_a_sentence_typed_on_one_page_is_read_on_the_next(page):
    page.goto("/tokenization")
    settled(page)
    read_sentence(page, SENTENCE)
    menu(page).get_by_role("link", name="Self-attention").click()
    expect(page.get_by_role("heading", name="Self-attention", exact=True)).to_be_visible()
    expect(sentence_box(page)).to_have_value(SENTENCE)
    expect(page.get_by_role("button", name="chased").first).to_be_visible()


def test_reload_and_back_keep_the_sentence(page):
    page.goto("/self_attention")
    settled(page)
    read_sentence(page, SENTENCE)
    expect(page).to_have_url(re.compile("sentence=A\\+small\\+dog"))
    settled(page.reload() and page)
    expect(sentence_box(page)).to_have_value(SENTENCE)
    menu(page).get_by_role("link", name="Scaled dot-product").click()
    expect(page.get_by_role("heading", name="Scaled dot-product", exact=True)).to_be_visible()
    settled(page)
    read_sentence(page, "Another one.")
    page.go_back()
    expect(page.get_by_role("heading", name="Self-attention", exact=True)).to_be_visible()
    expect(sentence_box(page)).to_have_value(SENTENCE)


def test_a_copied_link_shows_the_same_in_a_new_browser(page, browser, server):
    page.goto("/self_attention")
    settled(page)
    read_sentence(page, SENTENCE)
    page.get_by_role("button", name="Block 2, head 9", exact=False).first.click()
    expect(page).to_have_url(re.compile("block=2.*head=9|head=9.*block=2"))
    settled(page)
    page.get_by_role("button", name="Copy link").first.click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    with watched(browser, server) as other:
        other.goto(link)
        settled(other)
        expect(sentence_box(other)).to_have_value(SENTENCE)
        expect(other.get_by_text("In head L2H9")).to_be_visible()


def test_a_link_to_a_figure_far_down_brings_it_into_view(page):
    page.goto("/self_attention#attention-broken")
    expect(page.get_by_role("heading", name="What changes in head L4H2?")).to_be_in_viewport()


def no_serious_finding(page):
    serious = [
        (found["id"], [node["html"][:200] for node in found["nodes"]])
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert not serious, json.dumps(serious, indent=1)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path or "home")
def test_a_page_that_asks_and_its_code_have_no_serious_finding_under_axe(page, path):
    page.goto(f"/{path}")
    read_all(page)
    no_serious_finding(page)
    resize(page, SIZES["phone"]["width"])
    no_serious_finding(page)
    resize(page, SIZES["laptop"]["width"])
    code = page.get_by_role("radio", name="Code", exact=True)
    if code.count():
        code.click()
        read_all(page)
        no_serious_finding(page)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path or "home")
def test_long_words_and_markup_stay_text_and_in_width_in_numbers_and_dark(browser, server, path):
    address = urlencode({"sentence": ODD_TEXT, "depth": "Numbers", "ask": "false"})
    with watched(browser, server, color_scheme="dark") as page:
        page.goto(f"/{path}?{address}")
        read_all(page)
        no_serious_finding(page)
        expect(page.locator("a[href*='evil']")).to_have_count(0)
        formatted = page.get_by_test_id("stMain").locator("b, strong, s")
        expect(formatted.get_by_text("z", exact=True)).to_have_count(0)
        for width in (768, SIZES["phone"]["width"], 320):
            resize(page, width)
            main = page.get_by_test_id("stMain")
            assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1
            if width == SIZES["phone"]["width"]:
                no_serious_finding(page)


def test_home_leads_to_every_lesson(page):
    page.goto("/")
    read_all(page)
    cards = page.get_by_test_id("stMain").get_by_test_id("stPageLink")
    for lesson in LESSONS:
        expect(cards.get_by_role("link", name=lesson.title)).to_be_visible()
    assert page.title() == HOME.title


def test_a_page_reads_on_even_if_its_request_is_lost(page):
    """As happens when a fragment changes at the same moment: Streamlit then runs only that."""
    lost = []

    def connect(socket):
        server = socket.connect_to_server()

        def pass_on(message):
            wanted = b"read-on-" in message and not lost
            (lost.append if wanted else server.send)(message)

        socket.on_message(pass_on)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto("/encoder")
    settled(page)
    expect(page.locator("[class*='st-key-section-']")).to_have_count(2)
    page.get_by_role("button", name="Read on").click()
    expect(page.locator("[class*='st-key-section-']")).to_have_count(3)
    assert lost
