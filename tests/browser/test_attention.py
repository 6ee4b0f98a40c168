"""The attention pages under a learner's hands."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


@pytest.fixture
def attention(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/self_attention")
        yield settled(page)


def test_clicking_a_head_changes_figure_text_controls_and_address(attention):
    attention.get_by_role("button", name="Block 1, head 3: previous token").first.click()
    expect(attention.get_by_text("Block 1, head 3: previous token").first).to_be_visible()
    expect(attention.get_by_text("In head L1H3 (previous token)")).to_be_visible()
    expect(attention).to_have_url(re.compile("block=1.*head=3|head=3.*block=1"))
    expect(attention.get_by_role("combobox", name="Block")).to_have_value("1")


def test_pointing_at_a_token_needs_no_server(attention):
    attention.context.set_offline(True)
    chip = attention.get_by_role("button", name="cross", exact=True).first
    chip.scroll_into_view_if_needed()
    chip.hover()
    expect(attention.get_by_text("cross looks at").first).to_be_visible()
    attention.context.set_offline(False)


def test_choosing_a_token_puts_it_into_the_address_and_the_text(attention):
    attention.get_by_role("button", name="tired", exact=True).first.click()
    expect(attention).to_have_url(re.compile("token=14"))
    expect(attention.get_by_text("looks most at").first).to_contain_text("tired")


def test_views_switch_by_keyboard(attention):
    tab = attention.get_by_role("tab", name="arcs")
    tab.focus()
    tab.press("ArrowRight")
    expect(attention.get_by_role("tab", name="grid")).to_have_attribute("aria-selected", "true")
    expect(attention).to_have_url(re.compile("view=grid"))


def test_steps_walk_forward_and_show_the_arithmetic(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/scaled_dot_product")
        settled(page)
        equation = page.locator(".equation").first
        expect(equation).to_contain_text("21.69")
        for _ in range(3):
            page.get_by_role("button", name="Next", exact=True).click()
        expect(equation).to_contain_text("0.68")
        expect(page).to_have_url(re.compile("cell=weights-11-3-4"))


def test_figures_can_be_downloaded_as_pictures(browser, server):
    with watched(browser, server) as page:
        page.goto("/self_attention#attention-received")
        settled(page)
        expect(page.locator(".st-key-figure-attention-received .main-svg").first).to_be_visible()
        for figure, kind, magic in (
            ("attention", "SVG", b"<svg"),
            ("attention-received", "SVG", b"<svg"),
            ("attention-received", "PNG", b"\x89PNG"),
        ):
            frame = page.locator(f".st-key-figure-{figure}")
            with page.expect_download() as download:
                frame.get_by_role("button", name=kind).click()
            assert download.value.path().read_bytes().startswith(magic)
            assert download.value.suggested_filename == f"{figure}.{kind.lower()}"


def test_the_table_of_a_figure_can_be_opened_and_taken_along(browser, server):
    with watched(browser, server) as page:
        page.goto("/self_attention")
        settled(page)
        page.get_by_text("The numbers").first.click()
        with page.expect_download() as download:
            page.get_by_test_id("stDownloadButton").get_by_role("button").click()
        first_line = download.value.path().read_text().splitlines()[0]
        assert first_line.startswith("looks from,1 [CLS],2 the,3 animal")
