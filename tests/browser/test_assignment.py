"""A teacher prepares a link, a student opens it in another browser, a class sees it projected."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import settled, watched

LINK = "/tokenization?title=Part+1&note=Both.&only=units,merges&hide=menu,depth&lock=sentence"


# Notes the size of the smallest letters that are drawn on a canvas, in px of the page.
WATCH_CANVASES = """
  const draw = CanvasRenderingContext2D.prototype.fillText;
  window.smallest = Infinity;
  CanvasRenderingContext2D.prototype.fillText = function (...text) {
    const { a, b } = this.getTransform();
    const size = (parseFloat(this.font.match(/[\\d.]+px/)) * Math.hypot(a, b)) / devicePixelRatio;
    window.smallest = Math.min(window.smallest, size);
    return draw.apply(this, text);
  };
"""


def heading(page, name):
    return page.get_by_role("heading", name=name, exact=True)


def test_a_teacher_makes_a_link_that_another_browser_opens(page, browser, server):
    page.goto("/tokenization?sentence=Pieces+of+words.")
    settled(page)
    page.get_by_role("button", name="Make a lesson link").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Title").fill("Part 1")
    dialog.get_by_role("textbox", name="What to do").fill("Answer both questions.")
    for section in ("What the model sees", "Four ways to learn the pieces"):
        dialog.get_by_role("button", name=section).click()
    dialog.get_by_role("button", name="Menu").click()
    dialog.get_by_role("button", name="Your sentence").last.click()
    way = dialog.get_by_role("link", name="Open it in a new tab")
    expect(way).to_have_attribute("href", re.compile("lock=sentence"))
    link = way.get_attribute("href")
    expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    with watched(browser, server) as student:
        student.goto(link)
        expect(student.get_by_text("Answer both questions.")).to_be_visible()
        expect(student.get_by_role("textbox", name="Your sentence")).to_have_value(
            "Pieces of words."
        )
        expect(heading(student, "Sentences, words, characters or bytes")).to_be_visible()
        expect(heading(student, "What the model sees")).to_be_hidden()
        expect(student.get_by_test_id("stSidebar")).to_have_count(0)


def test_what_is_hidden_is_gone_and_what_is_locked_does_not_move(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto(LINK)
        expect(heading(page, "Sentences, words, characters or bytes")).to_be_visible()
        settled(page)
        expect(heading(page, "What does the model read?")).to_be_hidden()
        expect(page.get_by_text("Numbers", exact=True)).to_be_hidden()
        assert page.locator(".st-key-sentence").evaluate("control => control.inert")
        page.get_by_role("button", name="Show the whole lesson").click()
        expect(heading(page, "What does the model read?")).to_be_visible()
        assert not page.locator(".st-key-sentence").evaluate("control => control.inert")
        assert "only=" not in page.url


def test_nothing_in_an_address_becomes_a_link_or_markup(page):
    hostile = "https://evil.example www.evil.example me@evil.example <b>x</b> [y](//evil.example)"
    page.goto(f"/tokenization?title={hostile[:70]}&note={hostile}&depth={hostile}&{hostile}=1")
    expect(page.get_by_text("it stands at its default")).to_be_visible()
    settled(page)
    expect(page.locator("a[href*='evil']")).to_have_count(0)


def test_a_link_survives_a_reload_and_the_way_to_another_lesson(page):
    page.goto("/tokenization?title=Part+1&lock=sentence")
    expect(page.get_by_text("Part 1")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Embeddings").click()
    expect(heading(page, "Embeddings")).to_be_visible()
    settled(page.reload() and page)
    expect(page.get_by_text("Part 1")).to_be_visible()


def test_a_bad_value_is_named_and_the_page_opens_with_the_default(page):
    page.goto("/self_attention?block=99")
    expect(page.get_by_text("“block” cannot be “99”")).to_be_visible()
    expect(heading(page, "Which tokens does each token look at?")).to_be_visible()


def test_on_a_projector_type_is_large_and_arrow_keys_turn_the_page(browser, server):
    for size in ({"width": 1280, "height": 720}, {"width": 1024, "height": 768}):
        with watched(browser, server, viewport=size) as page:
            page.add_init_script(WATCH_CANVASES)
            page.goto("/tokenization?present=1&embed=true&ask=false")
            expect(heading(page, "Tokenization")).to_be_visible()
            settled(page)
            text = page.get_by_text("The model of this course cuts words", exact=False)
            expect(page.get_by_test_id("stSidebar")).to_have_count(0)
            assert text.evaluate("p => parseFloat(getComputedStyle(p).fontSize)") >= 22
            page.keyboard.press("ArrowRight")
            expect(heading(page, "What the model sees")).to_be_in_viewport()
            settled(page)
            page.keyboard.press("ArrowRight")
            expect(heading(page, "Sentences, words, characters or bytes")).to_be_in_viewport()
            page.keyboard.press("ArrowLeft")
            expect(heading(page, "What the model sees")).to_be_in_viewport()
            main = page.get_by_test_id("stMain")
            assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1
            page.goto("/scaled_dot_product?present=1&embed=true&ask=false&only=steps")
            settled(page)
            page.evaluate("smallest = Infinity")  # the page may have grown after a first drawing
            page.get_by_role("grid").first.press("ArrowDown")
            page.wait_for_function("smallest < Infinity")
            assert round(page.evaluate("smallest"), 3) >= 18
