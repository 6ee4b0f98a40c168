"""The worksheet of a page as a teacher gets it: one file, printed, with its key apart."""

import re
import zipfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import read_all, settled, watched

SENTENCE = "</style><script>alert(1)</script><img src=x onerror=alert(2)> unbelievable & tired"


class Saved(NamedTuple):
    html: Path
    zipped: Path
    n_asked: int


def open_panel(page):
    panel = page.locator("summary", has_text="Worksheet for this page")
    panel.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Worksheet (.html)")).to_be_visible()


def saved_text(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Worksheet (.html)").click()
    return download.value.path().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def saved(browser, server, tmp_path_factory):
    """Both files of tokenization, made with the keyboard."""
    folder = tmp_path_factory.mktemp("worksheet")
    with watched(browser, server) as page:
        page.goto(f"/tokenization?ask=false&sentence={quote(SENTENCE)}")
        read_all(page)
        expect(page.get_by_role("button", name="Worksheet (.html)")).to_have_count(0)
        open_panel(page)
        files = []
        for kind in ("html", "zip"):
            page.get_by_role("button", name=f"Worksheet (.{kind})").focus()
            with page.expect_download() as download:
                page.keyboard.press("Enter")
            assert download.value.suggested_filename == f"worksheet-tokenization.{kind}"
            files.append(folder / download.value.suggested_filename)
            download.value.save_as(files[-1])
        expect(page.get_by_text("Saved among your downloads.")).to_be_visible()
    return Saved(*files, 2)


@pytest.fixture
def sheet(browser, saved):
    """The file opened from the disk: it runs nothing, asks for nothing and complains of nothing."""
    context = browser.new_context()
    window = context.new_page()
    requests, complaints = [], []
    window.on("request", lambda request: requests.append(request.url))
    window.on("console", lambda message: complaints.append(message.text))
    window.on("dialog", lambda dialog: complaints.append(dialog.message))
    window.goto(saved.html.as_uri())
    yield window
    context.close()
    assert requests == [saved.html.as_uri()]
    assert complaints == []


def test_both_sheets_have_all_questions_and_only_the_key_the_answers(sheet, saved):
    students, key = sheet.locator("section.sheet"), sheet.locator("section.key")
    expect(students.get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
    expect(key.get_by_role("heading", name="Key: Tokenization")).to_be_visible()
    for part in (students, key):
        expect(part.locator(".question")).to_have_count(saved.n_asked)
    expect(students.locator(".question svg[role=img]")).to_have_count(saved.n_asked)
    expect(students.locator(".question table")).to_have_count(saved.n_asked)
    expect(students.get_by_text("Because:")).to_have_count(saved.n_asked)
    expect(students.get_by_text("☑")).to_have_count(0)
    expect(key.locator("li", has_text="☑")).to_have_count(saved.n_asked)
    expect(students.locator("li")).to_have_count(key.locator("li").count())
    assert "These stand in the list as they are." in key.inner_text()
    assert "These stand in the list as they are." not in students.inner_text()
    assert "measured" not in students.inner_text()


def test_a_hostile_sentence_stays_text(sheet):
    expect(sheet.locator("section.sheet .named bdi").first).to_have_text(SENTENCE)
    expect(sheet.locator("script, img, [onerror], link, iframe, [src]")).to_have_count(0)
    expect(sheet.locator("style")).to_have_count(1)
    policy = sheet.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy.startswith("default-src 'none'")


def test_the_address_of_the_view_stands_on_the_sheet_as_text(sheet):
    address = sheet.locator("section.sheet .named bdi").nth(1)
    expect(address).to_contain_text("/tokenization?")
    expect(address).to_contain_text("ask=false")
    expect(sheet.locator("a")).to_have_count(0)


def test_the_zip_holds_the_same_bytes(saved):
    with zipfile.ZipFile(saved.zipped) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["worksheet-tokenization.html"]
        assert packed.read("worksheet-tokenization.html") == saved.html.read_bytes()


def n_pages(page):
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))


def test_the_key_is_printed_on_pages_of_its_own(sheet):
    both = n_pages(sheet)
    sheet.locator("section.key").evaluate("key => { window.key = key; key.remove(); }")
    students = n_pages(sheet)
    sheet.locator("section.sheet").evaluate("part => part.replaceWith(window.key)")
    assert both == students + n_pages(sheet)
    assert students >= 1


def test_what_is_hidden_behind_a_question_is_said_and_left_out(page):
    page.goto("/tokenization")
    read_all(page)
    open_panel(page)
    expect(page.get_by_text("2 figures are still hidden behind questions")).to_be_visible()
    page.get_by_role("button", name="Skip, show me").first.click()
    settled(page)
    expect(page.get_by_text("1 figure is still hidden behind questions")).to_be_visible()
    html = saved_text(page)
    assert html.count("The picture is left out") == 1
    assert html.count('role="img"') == 1


def test_a_setting_changed_in_one_section_alone_is_on_the_sheet(page):
    page.goto("/positional_encoding?ask=false")
    read_all(page)
    open_panel(page)
    before = saved_text(page)
    page.locator(".st-key-shuffle-next").get_by_role("button").click()
    expect(page).to_have_url(re.compile("shuffle=2"))
    settled(page)
    after = saved_text(page)
    tables = [re.findall("<table>.*?</table>", html) for html in (before, after)]
    assert tables[0][0] != tables[1][0]
    assert tables[0][1:] == tables[1][1:]
