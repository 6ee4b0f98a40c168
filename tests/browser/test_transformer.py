"""The map in a real browser: boxes that are links and windows, by mouse, keyboard and finger."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import SIZES, settled, watched

SENTENCE = "Birds sing well."
FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused.shadowRoot) focused = focused.shadowRoot.activeElement;
  return focused.dataset.box;
}"""


def figure(page, name="transformer-map"):
    return page.locator(f".st-key-figure-{name}")


def box(place, name):
    return place.get_by_role("link", name=name).first


def brought_near(link):
    """Scroll to a box and wait: what comes into reach on the way may make the page read on."""
    link.scroll_into_view_if_needed()
    settled(link.page)
    return link


def expect_lesson(page, title):
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    expect(page.get_by_role("textbox", name="Your sentence")).to_have_value(SENTENCE)
    expect(page).to_have_url(re.compile("sentence=Birds\\+sing\\+well"))


def test_the_map_fits_the_window_and_a_click_opens_a_lesson_with_the_same_sentence(
    browser, server, size
):
    with watched(browser, server, viewport=size) as page:
        page.goto("/transformer?sentence=Birds+sing+well.")
        settled(page)
        drawing = figure(page).locator(".drawing svg").bounding_box()
        boxes = [link.bounding_box() for link in figure(page).locator("a.box").all()]
        assert len(boxes) == 19
        assert all(place["height"] >= 24 and place["width"] >= 24 for place in boxes)
        assert drawing["height"] <= size["height"] - 100
        assert drawing["width"] <= size["width"]
        brought_near(box(figure(page), "Encoder, Multi-head attention")).click()
        expect_lesson(page, "Self-attention")
        settled(page).go_back()
        expect_lesson(page, "The Transformer")


def test_boxes_are_announced_and_arrow_keys_move_and_enter_opens_the_lesson(page):
    page.goto("/transformer?sentence=Birds+sing+well.")
    settled(page)
    announced = [link.get_attribute("aria-label") for link in figure(page).locator("a.box").all()]
    assert "Encoder, Feed-forward, 6 tokens × 384 numbers. Lesson: The encoder" in announced
    assert "Decoder, Linear, left out. Lesson: Embeddings" in announced
    brought_near(box(figure(page), "Encoder, Inputs")).focus()
    for key, focused in (
        ("ArrowUp", "embedding"),
        ("ArrowUp", "position"),
        ("ArrowRight", "output_position"),
        ("End", "softmax"),
        ("ArrowUp", "softmax"),
        ("ArrowLeft", "output"),
        ("Home", "inputs"),
        ("Tab", "embedding"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == focused
    expect(figure(page).locator(".window")).to_contain_text("6 tokens × 384 numbers")
    page.keyboard.press("Enter")
    expect_lesson(page, "Embeddings")


def test_pointing_at_a_box_opens_its_window_without_the_server(page):
    page.goto("/transformer")
    settled(page)
    window = figure(page).locator(".window")
    expect(window).to_contain_text("12 heads × 16 × 16 weights")
    page.context.set_offline(True)
    box(figure(page), "Encoder, Output vectors").hover()
    expect(window).to_contain_text("After the last block")
    expect(window.get_by_role("link")).to_have_text("Lesson: Sentence meaning →")
    expect(window.locator("img")).to_have_js_property("naturalWidth", 64)
    expect(window.locator("img")).to_have_js_property("naturalHeight", 16)
    box(figure(page), "Decoder, Softmax").hover()
    expect(window).to_contain_text("The reading model has no decoder")
    page.context.set_offline(False)


def test_a_finger_opens_the_window_first_and_then_the_lesson(browser, server):
    with watched(browser, server, viewport=SIZES["phone"], has_touch=True) as page:
        page.goto("/transformer?sentence=Birds+sing+well.")
        settled(page)
        link = brought_near(box(figure(page), "Encoder, Feed-forward"))
        link.tap()
        expect(figure(page).locator(".window")).to_contain_text("through a wider layer")
        settled(page)
        link.tap()
        expect_lesson(page, "The encoder")


def test_another_block_shows_other_values_which_can_be_taken_along(page):
    page.goto("/transformer")
    shown = figure(page).locator("a[data-box=feed_forward_norm] image")
    expect(shown).to_have_attribute("href", re.compile("^data:image/png"))
    before = shown.get_attribute("href")
    settled(page).get_by_role("radio", name="4", exact=True).click()
    expect(page).to_have_url(re.compile("map_block=4"))
    expect(figure(page)).to_contain_text("in block 4")
    expect(shown).not_to_have_attribute("href", before)
    with page.expect_download() as download:
        figure(page).get_by_role("button", name="SVG").click()
    saved = download.value.path().read_text()
    assert saved.startswith("<svg")
    assert saved.count("data:image/png") == 7


def test_a_kind_greys_out_what_it_leaves_away_and_stands_in_the_address(page):
    page.goto("/transformer?ask=false#transformer-kinds")
    told = figure(page, "transformer-kinds")
    expect(told.locator("a.off")).to_have_count(11)
    settled(page).get_by_role("radio", name="decoder-only").click()
    expect(told.locator("a.off")).to_have_count(10)
    expect(box(told, "Encoder, Inputs, left out")).to_be_visible()
    expect(told).to_contain_text("GPT keeps 9 of 19 boxes")
    expect(page).to_have_url(re.compile("kind=decoder-only"))


def test_the_small_map_on_the_first_page_is_a_way_in(page):
    page.goto("/?sentence=Birds+sing+well.")
    settled(page)
    brought_near(box(page, "Encoder, Inputs")).click()
    expect_lesson(page, "Tokenization")
