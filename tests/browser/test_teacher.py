"""A teacher hands out a step of a plan, knows what to expect, and a student meets just that."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import settled, watched


def test_a_step_of_a_plan_is_handed_out_and_asks_what_the_teacher_expects(page, browser, server):
    page.goto("/classroom?plan=45 minutes")
    expect(page.get_by_role("heading", name="From text to attention")).to_be_visible()
    settled(page)
    page.get_by_text("What to expect", exact=True).first.click()
    right = page.get_by_role("listitem").filter(has_text=": right.")
    expect(right).to_have_count(1)
    answer = right.inner_text().partition(":")[0]
    page.get_by_role("button", name="Hand out step 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    link = dialog.get_by_role("link", name="Open it in a new tab").get_attribute("href")
    with watched(browser, server) as student:
        student.goto(link)
        expect(student.get_by_text("From text to attention (1 of 4)")).to_be_visible()
        expect(student.get_by_role("heading", name="What the model sees")).to_be_hidden()
        expect(student.get_by_test_id("stSidebar")).to_have_count(0)
        student.get_by_role("button", name=answer, exact=True).click()
        expect(student.get_by_text("As you predicted.")).to_be_visible()
    with watched(browser, server) as projector:
        way = page.get_by_role("link", name="Project step 1")
        expect(way).to_have_attribute("href", re.compile("present=1"))
        projector.goto(way.get_attribute("href"))
        note = projector.get_by_text("Then type a word that you think")
        expect(note).to_have_css("font-size", re.compile(r"^2\d"))
