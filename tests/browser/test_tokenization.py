"""The tokenization page under a learner's hands."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import read_all, settled, watched

ODD = "<b>x</b> 👩‍👧 猫 مرحبا CAFÉ " + "Pneumonoultramicroscopicsilicovolcanoconiosis" * 2


@pytest.fixture
def tokenization(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/tokenization")
        yield settled(page)


def strips(page, name):
    return page.locator(f".st-key-figure-tokenization-{name}")


def piece(page, name, label, nth=0):
    return strips(page, name).get_by_role("button", name=label, exact=True).nth(nth)


def test_pointing_at_a_token_lights_up_its_characters_without_the_server(tokenization):
    tokenization.context.set_offline(True)
    token = piece(tokenization, "tokens", "animal 4111")
    token.scroll_into_view_if_needed()
    token.hover()
    figure = strips(tokenization, "tokens")
    expect(figure.get_by_role("status").first).to_have_text(
        "tokens: animal · id 4,111 · characters 5 to 10: animal"
    )
    expect(figure.locator(".lit")).to_have_text(["a", "n", "i", "m", "a", "l", "animal4111"])
    tokenization.context.set_offline(False)


def test_pieces_stand_below_their_characters(tokenization):
    expect(piece(tokenization, "tokens", "cross 2892")).to_be_visible()
    letters = [piece(tokenization, "tokens", letter).bounding_box() for letter in ("c", "o")]
    token = piece(tokenization, "tokens", "cross 2892").bounding_box()
    assert token["x"] == pytest.approx(letters[0]["x"], abs=1)
    assert token["y"] > letters[0]["y"]
    assert letters[1]["x"] < token["x"] + token["width"]


def test_the_arrow_keys_walk_along_a_row_and_between_rows(tokenization):
    status = strips(tokenization, "tokens").get_by_role("status").first
    piece(tokenization, "tokens", "animal 4111").focus()
    tokenization.keyboard.press("ArrowRight")
    expect(status).to_contain_text("tokens: didn · id 2,134")
    tokenization.keyboard.press("ArrowUp")
    expect(status).to_have_text("characters: d · character 12: d")
    tokenization.keyboard.press("ArrowLeft")
    tokenization.keyboard.press("ArrowLeft")
    tokenization.keyboard.press("ArrowDown")
    expect(status).to_contain_text("tokens: animal")


def test_one_piece_of_a_figure_is_reached_by_tab(tokenization):
    expect(strips(tokenization, "tokens").locator(".piece[tabindex='0']")).to_have_count(1)


def test_a_vocabulary_is_learned_from_a_text_and_replayed(tokenization):
    page = tokenization
    read_all(page)
    page.get_by_label("Learn from a text of your own").fill("animal animals animate animus")
    page.get_by_role("button", name="Learn it").click()
    settled(page)
    expect(strips(page, "train")).to_contain_text("pieces from your text, not 1,000")
    page.get_by_role("textbox", name="A word").fill("animals")
    page.get_by_role("textbox", name="A word").press("Enter")
    settled(page)
    expect(strips(page, "merges")).to_contain_text("Merge 1 of")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(strips(page, "merges")).to_contain_text("Merge 2 of")
    expect(strips(page, "merges").locator(".marked")).to_have_count(3)
    expect(strips(page, "counts")).to_contain_text("times in the corpus")
    expect(page).to_have_url(re.compile("(?=.*merge_word=animals)(?=.*merge=2)"))


def test_another_size_cuts_the_sentence_anew(tokenization):
    read_all(tokenization)
    expect(strips(tokenization, "methods")).to_contain_text("Fewest pieces, 19")
    tokenization.get_by_role("radio", name="300").click()
    expect(strips(tokenization, "methods")).not_to_contain_text("Fewest pieces, 19")
    expect(tokenization).to_have_url(re.compile("methods_size=300"))


def test_strips_can_be_downloaded_as_pictures(page):
    page.goto("/tokenization")
    settled(page)
    for kind, magic in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as download:
            strips(page, "tokens").get_by_role("button", name=kind).click()
        content = download.value.path().read_bytes()
        assert content.startswith(magic)
        assert kind == "PNG" or b">animal<" in content


def test_odd_text_stays_text_in_width_and_passes_axe(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        page.goto("/tokenization")
        settled(page)
        box = page.get_by_role("textbox", name="Your sentence")
        box.fill(ODD)
        box.press("Enter")
        read_all(page)
        expect(strips(page, "methods")).to_contain_text("猫 1/3 · E7")
        expect(page.get_by_test_id("stMain").locator("b b, [href*=evil]")).to_have_count(0)
        assert "\ufffd" not in page.get_by_test_id("stMain").inner_text()
        main = page.get_by_test_id("stMain")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 1
        found = [
            violation
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert not found, json.dumps(
            [(each["id"], [node["html"][:200] for node in each["nodes"]][:5]) for each in found]
        )
