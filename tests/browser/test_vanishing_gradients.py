"""The gradient lab in a real browser: sliders that ask no server, and links to where they are."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


@pytest.fixture
def lab(browser, server):
    with watched(browser, server) as page:
        page.goto("/vanishing_gradients#gradients-distance")
        expect(page.locator(".gradients .heading")).to_have_text("At distance 127, the first step:")
        yield settled(page)


def gain(page):
    return page.get_by_role("slider", name="Gain of the recurrent matrix (tanh")


def legend(page, name):
    return page.locator(".gradients li").filter(has_text=re.compile(f"^{name}"))


def test_the_first_words_fade_in_the_recurrent_rows(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/vanishing_gradients")
        first = page.locator(".st-key-figure-gradients-sentence .row").first
        expect(first.locator(".name")).to_have_text("tanh RNN")
        expect(first.locator(".piece").first).to_contain_text("10⁻⁶")


def test_the_sliders_move_without_the_server_once_all_curves_are_there(lab):
    gain(lab).focus()
    lines = lab.locator(".gradients .plot path.line")
    before = lines.first.get_attribute("d")
    gain(lab).press("Home")
    expect(legend(lab, "tanh RNN")).to_contain_text("exactly 0")  # once it has been computed
    expect(lab.locator(".gradients .notes")).to_contain_text("tanh RNN: exactly 0 from distance 1")
    gain(lab).press("End")
    expect(legend(lab, "tanh RNN")).to_contain_text(re.compile(r"10\d"))
    expect(lab).to_have_url(re.compile("gain=3"))
    settled(lab)
    lab.context.set_offline(True)
    for _ in range(5):
        gain(lab).press("ArrowLeft")
    expect(legend(lab, "tanh RNN")).to_contain_text("10−")
    assert lines.first.get_attribute("d") != before
    lab.context.set_offline(False)


def test_a_link_brings_the_sliders_back_and_says_what_is_too_large(browser, server):
    with watched(browser, server) as page:
        page.goto("/vanishing_gradients?gain=3&forget=0#gradients-distance")
        expect(gain(page)).to_have_attribute("aria-valuetext", "3")
        expect(page.locator(".gradients .notes")).to_contain_text("ReLU RNN: too large for float32")
        expect(page.get_by_text("LSTM 10⁻")).to_be_visible()


def test_the_arrow_keys_read_the_curves(lab):
    plot = lab.locator(".gradients .plot")
    plot.focus()
    plot.press("Home")
    expect(lab.locator(".gradients .heading")).to_have_text("At distance 0:")
    expect(legend(lab, "GRU")).to_contain_text("100.0")
    plot.press("ArrowRight")
    expect(lab.locator(".gradients .heading")).to_have_text("At distance 1:")


def test_a_longer_sequence_is_measured_and_told(browser, server):
    with watched(browser, server) as page:
        page.goto("/vanishing_gradients?steps=1#gradients-distance")
        expect(page.locator(".gradients .heading")).to_contain_text("there is no way back")
        slider = page.get_by_role("slider", name="Length of the sequence")
        for _ in range(4):
            slider.press("ArrowRight")
        expect(page.locator(".gradients .heading")).to_have_text("At distance 15, the first step:")
        expect(page).to_have_url(re.compile("steps=16"))


def test_the_lab_can_be_taken_along_as_a_picture(browser, server):
    with watched(browser, server) as page:
        page.goto("/vanishing_gradients#gradients-distance")
        expect(page.locator(".gradients .plot path.line").first).to_be_visible()
        frame = settled(page).locator(".st-key-figure-gradients-distance")
        for kind, magic in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
            with page.expect_download() as download:
                frame.get_by_role("button", name=kind).click()
            assert download.value.path().read_bytes().startswith(magic)


def test_the_gates_are_shown_once_their_question_is_answered(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/vanishing_gradients#gradients-gates")
        frame = page.locator(".st-key-figure-gradients-gates")
        expect(frame.get_by_text("before any training")).to_be_visible()
        expect(frame.locator(".js-plotly-plot")).to_have_count(0)
        frame.get_by_role("button", name="0.19").click()
        expect(frame.get_by_text("Not as predicted.")).to_be_visible()
        expect(frame.get_by_text("so it is")).to_be_visible()
        expect(frame.locator(".js-plotly-plot")).to_be_visible()
        settled(page)
