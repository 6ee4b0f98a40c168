"""Predict, then reveal, in a real browser: by mouse and by keyboard, kept over a reload."""

from playwright.sync_api import expect

from tests.browser.conftest import read_sentence, settled, watched

FIGURE = ".st-key-figure-tokenization-units"


def opened(page, address=""):
    page.goto(f"/tokenization?{address}#tokenization-units")
    expect(page.locator(FIGURE).get_by_text("How large should a piece be?")).to_be_visible()
    return settled(page).locator(FIGURE)


def test_a_prediction_is_drawn_beside_what_is_so_and_survives_a_reload(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        figure = opened(page)
        expect(figure.get_by_role("button", name="SVG")).to_have_count(0)
        figure.get_by_role("button", name="12", exact=True).click()
        expect(figure.get_by_text("Not as predicted.")).to_be_visible()
        expect(figure.locator("li.right")).to_contain_text("11")
        expect(figure.locator("li.predicted")).to_contain_text("◆ your prediction")
        expect(figure.get_by_role("button", name="SVG")).to_be_visible()
        page.reload()
        expect(figure.get_by_text("Not as predicted.")).to_be_visible()
        page.goto("/predictions")
        expect(page.get_by_text("0 of 1 came true.")).to_be_visible()
        main = page.get_by_test_id("stMain")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1


def test_asked_again_after_another_sentence_and_on_request(page):
    figure = opened(page)
    figure.get_by_role("button", name="11", exact=True).click()
    expect(figure.get_by_text("As you predicted.")).to_be_visible()
    figure.get_by_role("button", name="Ask me again").click()
    expect(figure.get_by_role("button", name="Skip, show me")).to_be_visible()
    figure.get_by_role("button", name="Skip, show me").click()
    expect(figure.get_by_role("button", name="SVG")).to_be_visible()
    read_sentence(page, "Unbelievable tokenizers everywhere!")
    expect(figure.get_by_role("button", name="Skip, show me")).to_be_visible()


def test_a_question_is_answered_by_keyboard_alone(page):
    figure = opened(page)
    figure.get_by_role("button", name="11", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(figure.get_by_text("◆ your prediction")).to_be_visible()


def test_who_wants_no_questions_sees_every_figure(page):
    figure = opened(page, "ask=false")
    expect(figure.get_by_role("button", name="SVG")).to_be_visible()
    expect(figure.get_by_role("button", name="Skip, show me")).to_have_count(0)


def test_a_memory_that_no_page_wrote_harms_nothing(page):
    page.goto("/glossary")
    page.evaluate("localStorage.setItem('predictions', '{\"<b>\": [1], \"x\": null}')")
    figure = opened(page)
    figure.get_by_role("button", name="11", exact=True).click()
    expect(figure.get_by_text("As you predicted.")).to_be_visible()
