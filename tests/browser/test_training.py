"""A training in a real browser: it moves, it can be held and stopped, it ends with its page."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import read_all, settled, watched

SHORT = "train_steps=10&train_models=tanh+RNN&train_models=attention"  # done in two seconds
LONG = "train_steps=80"  # still running when a slow hand comes to Stop


def figure(page, name="gradients-train"):
    return page.locator(f".st-key-figure-{name}")


def opened(page, address=SHORT, name="gradients-train"):
    page.goto(f"/vanishing_gradients?{address}#{name}")
    expect(figure(page, name).locator(".counter")).to_contain_text("Update 1 of", timeout=90_000)
    return page


def button(page, label, name="gradients-train"):
    return page.locator(f".st-key-{name}-{label.lower()}").get_by_role("button")


def told(page, words, name="gradients-train", timeout=60_000):
    found = figure(page, name).get_by_text(re.compile(words)).first
    expect(found).to_be_visible(timeout=timeout)
    return found.inner_text()


def test_a_training_is_started_held_moved_by_a_step_stopped_and_taken_back(browser, server, size):
    with watched(browser, server, viewport=size) as page:
        counter = figure(opened(page, LONG)).locator(".counter")
        button(page, "Start").click()
        expect(counter).to_contain_text(re.compile(r"Update \d+ of 600 · \d+ pictures a second"))
        told(page, "Training: update .* left")
        button(page, "Pause").click()
        update = int(re.search(r"update (\d+) of", told(page, "Paused at update"))[1])
        button(page, "Step").click()
        told(page, f"Paused at update {update + 1} of")
        button(page, "Resume").click()
        told(page, "Training: update")
        button(page, "Stop").click()
        told(page, "Stopped here, as asked")
        expect(button(page, "Stop")).to_be_disabled()
        button(page, "Reset").click()
        expect(counter).to_contain_text("Update 1 of 600")


def test_a_training_that_ends_says_what_was_learned_and_can_be_taken_along(page):
    opened(page)
    button(page, "Start").click()
    told(page, "Done. Update 200 of 200", timeout=120_000)
    told(page, "Networks that have learned the task after 200 updates")
    with page.expect_download() as download:
        figure(page).get_by_role("button", name="SVG").click()
    picture = download.value.path().read_text()
    assert picture.startswith("<svg")
    assert "learning rate 0.01" in picture
    assert "Gradient by distance" in picture


def test_a_training_ends_soon_after_its_page_was_left(page):
    opened(page, LONG)
    button(page, "Start").click()
    told(page, "Training: update")
    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Tokenization").click()
    expect(page.get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
    page.wait_for_timeout(7_000)  # it ends when nobody has looked at it for five seconds
    menu.get_by_role("link", name="Vanishing gradients").click()
    expect(page.get_by_role("heading", name="Vanishing gradients", exact=True)).to_be_visible()
    read_all(page)
    told(page, "nobody was looking")


def test_reloading_in_mid_run_leaves_a_page_that_works(browser, server):
    with watched(browser, server, reduced_motion="reduce") as page:
        counter = figure(opened(page, LONG)).locator(".counter")
        button(page, "Start").click()
        told(page, "Training: update [1-9]")
        page.reload()
        expect(counter).to_contain_text("Update 1 of", timeout=60_000)
        button(page, "Start").click()
        expect(counter).to_contain_text(re.compile(r"Update (?!1 )\d+ of"))
        expect(counter).not_to_contain_text("pictures")  # who wants less motion sees the latest
        button(page, "Stop").click()
        told(page, "Stopped here")


def test_lost_networks_are_marked_and_a_model_can_be_set_apart_by_keyboard(page):
    name = "gradients-clip"
    opened(page, "clip_gain=3.0", name)
    button(page, "Start", name).click()
    told(page, r"✕ \d of 8 seeds", name, timeout=120_000)
    told(page, r"Done\. Update", name, timeout=120_000)
    settled(page)  # nothing asks the server any more
    model = figure(page, name).get_by_role("button", name="clipped at 1", exact=False).last
    model.focus()
    model.press("Enter")
    expect(model).to_have_attribute("aria-pressed", "true")
