"""Positional encoding in a real browser: shuffling words, moving sliders."""

from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


def test_shuffling_shows_another_order_which_the_link_brings_back(server, browser, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/positional_encoding?ask=false#positions-shuffle")
        shuffled = page.get_by_text("Shuffled:")
        before = shuffled.inner_text()
        page.get_by_role("button", name="Shuffle my words").click()
        expect(shuffled).not_to_have_text(before)
        after = settled(page).get_by_text("Shuffled:").inner_text()
        assert "shuffle=2" in page.url
        link = page.url.partition("#")[0] + "#positions-shuffle"
    with watched(browser, server, viewport=size) as page:
        page.goto(link)
        expect(page.get_by_text("Shuffled:")).to_have_text(after, use_inner_text=True)


def test_another_sentence_is_shuffled_as_soon_as_it_is_read(page):
    page.goto("/positional_encoding?ask=false&sentence=red+green+blue#positions-shuffle")
    words = page.get_by_text("Shuffled:").locator("code").inner_text()
    assert words != "red green blue"
    assert sorted(words.split()) == ["blue", "green", "red"]


def test_moving_on_by_more_tokens_moves_the_clocks(page):
    page.goto("/positional_encoding?ask=false#positions-rotation")
    expect(page.get_by_text("How do you get from position 5 to 8?")).to_be_visible()
    slider = page.get_by_role("slider", name="Move on by")
    slider.press("ArrowRight")
    expect(page.get_by_text("How do you get from position 5 to 9?")).to_be_visible()
    assert "pe_step=4" in settled(page).url


def test_a_shorter_encoding_is_drawn_and_its_numbers_are_told(page):
    page.goto("/positional_encoding?ask=false#positions-encoding")
    expect(page.get_by_text("Within 64 positions 47 of 64 pairs")).to_be_visible()
    page.get_by_role("slider", name="Positions").press("Home")
    expect(page.get_by_text("Within 8 positions 62 of 64 pairs")).to_be_visible()
    assert "pe_length=8" in settled(page).url
