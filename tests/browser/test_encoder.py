"""The encoder in a real browser: following a token, taking parts away, stacking, training."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


def figure(page, name):
    return page.locator(f".st-key-figure-{name}")


def test_another_token_is_followed_through_the_blocks_and_the_link_says_which(
    browser, server, size
):
    with watched(browser, server, viewport=size) as page:
        page.goto("/encoder")
        expect(figure(page, "encoder-stream")).to_contain_text("cosine with what entered is 0.88")
        box = settled(page).get_by_role("combobox", name="Follow the token")
        box.click()
        box.fill("street")
        box.press("Enter")
        expect(figure(page, "encoder-stream")).to_contain_text("The vector of street stays between")
        assert "enc_token=9+street" in settled(page).url


def test_a_part_is_taken_away_by_keyboard(page):
    page.goto("/encoder?ask=false#encoder-break")
    told = figure(page, "encoder-break")
    expect(told).to_contain_text("All tokens have become one")
    part = settled(page).get_by_role("radio", name="normalisation")
    part.focus()
    part.press("Enter")
    expect(told).to_contain_text("grown 588 times as long")
    expect(page).to_have_url(re.compile("enc_without=normalisation"))


def test_the_depth_slider_reads_the_vector_at_every_block(page):
    page.goto("/encoder#encoder-neighbours")
    told = figure(page, "encoder-neighbours")
    expect(told).to_contain_text("after block 3 lies nearest")
    page.get_by_role("slider", name="Read after block").press("Home")
    expect(told).to_contain_text("as it enters lies nearest to tired")


def test_deeper_stacks_and_more_wirings_are_drawn(page):
    page.goto("/encoder?ask=false&enc_stack=2#encoder-gradients")
    told = figure(page, "encoder-gradients")
    expect(told).to_contain_text("through 2 blocks")
    page.get_by_role("slider", name="Blocks").press("ArrowRight")
    expect(told).to_contain_text("through 4 blocks")
    settled(page).get_by_role("button", name="no norm").click()
    expect(told.locator(".legendtext")).to_have_text(["pre-norm", "no norm", "no skip", "neither"])


def test_stacks_learn_until_they_are_stopped(page):
    page.goto("/encoder?enc_learn=12#encoder-train")
    told = figure(page, "encoder-train")
    expect(told.locator(".counter")).to_contain_text("Update 1 of 150")
    page.locator(".st-key-encoder-train-start").get_by_role("button").click()
    expect(told).to_contain_text(re.compile("Training: update [2-9] of 150"))
    page.locator(".st-key-encoder-train-stop").get_by_role("button").click()
    expect(told).to_contain_text("Stopped here, as asked")
    expect(told).to_contain_text(re.compile(r"Right answers after \d+ updates: pre-norm \d+%"))


def test_a_prediction_is_asked_for_answered_and_remembered(page):
    page.goto("/encoder#encoder-travel")
    asked = figure(page, "encoder-travel")
    expect(asked).to_contain_text("How many of the 15 other vectors are changed")
    expect(asked).not_to_contain_text("every other vector changes")
    settled(page)
    asked.get_by_role("button", name="15", exact=True).press("Enter")
    expect(asked).to_contain_text("As you predicted.")
    expect(asked).to_contain_text("every other vector changes")
    settled(page.reload() and page)
    expect(asked).to_contain_text("As you predicted.")
