"""Positional encoding in a real browser: shuffling words, sliders, no serious axe finding."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled, watched


def read_to_the_end(page: Page) -> Page:
    """Scroll until the last figure has been computed."""
    settled(page)
    size = page.viewport_size
    page.mouse.move(size["width"] / 2, size["height"] / 2)
    for _ in range(60):
        if page.get_by_text("How long is a position beside its word?").count():
            break
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(300)
    return settled(page)


def test_the_whole_page_is_accessible_and_no_wider_than_the_window(server, browser, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/positional_encoding")
        read_to_the_end(page)
        expect(page.get_by_text("How long is a position beside its word?")).to_be_visible()
        overflow = "main => main.scrollWidth - main.clientWidth"
        assert page.get_by_test_id("stMain").evaluate(overflow) == 0
        violations = Axe().run(page).response["violations"]
        assert [v["id"] for v in violations if v["impact"] in ("serious", "critical")] == []


def test_shuffling_shows_another_order_which_the_link_brings_back(server, browser, page):
    page.goto("/positional_encoding#positions-shuffle")
    shuffled = page.get_by_text("Shuffled:")
    expect(shuffled).to_be_visible()
    before = shuffled.inner_text()
    page.get_by_role("button", name="Shuffle my words").click()
    expect(shuffled).not_to_have_text(before)
    after = settled(page).get_by_text("Shuffled:").inner_text()
    assert "shuffle=2" in page.url
    with watched(browser, server) as other:
        other.goto(page.url)
        expect(other.get_by_text("Shuffled:")).to_have_text(after)


def test_moving_on_by_more_tokens_changes_only_the_clocks(page):
    page.goto("/positional_encoding?pe_step=3#positions-rotation")
    slider = page.get_by_role("slider").last
    expect(page.get_by_text("How do you get from position 5 to 8?")).to_be_visible()
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text("How do you get from position 5 to 9?")).to_be_visible()
    assert "pe_step=4" in settled(page).url
