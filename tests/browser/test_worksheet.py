"""The worksheet of a page as a teacher gets it: one file, printed: predict, look, key."""

import re
import zipfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import read_all, settled, watched

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)>"
SENTENCE = HOSTILE + " unbelievable & tired" * 20  # as many tokens as a figure may have to show
PARTS = ("predict", "look", "key")
PAPER = {"A4": (182, 269), "Letter": (188, 251)}  # mm within the margins


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
    """Both files of tokenization, made with the keyboard: one question skipped, one open."""
    folder = tmp_path_factory.mktemp("worksheet")
    with watched(browser, server) as page:
        page.goto(f"/tokenization?sentence={quote(SENTENCE)}")
        read_all(page)
        skips = page.get_by_role("button", name="Skip, show me")
        expect(skips).to_have_count(2)
        skips.last.click()
        expect(skips).to_have_count(1)
        settled(page)
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
        # What was hidden behind its question was drawn for the sheet alone.
        expect(page.locator(".st-key-worksheet-hidden")).to_have_count(0)
        expect(skips).to_have_count(1)
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


def test_first_come_questions_alone_then_pictures_then_answers(sheet, saved):
    expect(sheet.get_by_role("heading", level=1)).to_have_text(
        ["1. Predict: Tokenization", "2. Look: Tokenization", "3. Key: Tokenization"]
    )
    predict, look, key = (sheet.locator(f"section.{part}") for part in PARTS)
    for part in (predict, look, key):
        expect(part.locator(".question")).to_have_count(saved.n_asked)
    expect(predict.locator("svg, img, canvas, figure, table")).to_have_count(0)
    expect(predict.get_by_text("Because:")).to_have_count(saved.n_asked)
    expect(predict.locator("li", has_text="☐")).to_have_count(key.locator("li").count())
    for made in ("figure > svg[role=img]", "table", ".comparison"):
        expect(look.locator(f".question {made}")).to_have_count(saved.n_asked)
    expect(look.locator("li")).to_have_count(0)
    expect(key.locator("svg, table")).to_have_count(0)
    expect(key.locator("li", has_text="☑")).to_have_count(saved.n_asked)
    expect(key.locator(".belief", has_text="tokens")).to_have_count(saved.n_asked)


def test_who_predicts_sees_neither_a_measured_number_nor_a_reason(sheet):
    predict, key = (sheet.locator(f"section.{part} .question").last for part in ("predict", "key"))
    answers, asked = key.inner_text(), predict.inner_text()
    counts = re.findall(r"measured: (\d+) times", answers)
    assert len(counts) >= 2
    assert not set(counts) & set(re.findall(r"\d+", asked))
    assert "The most frequent pair is merged" in answers
    assert "The most frequent pair is merged" not in asked


def test_a_hostile_sentence_stays_text(sheet):
    expect(sheet.locator("section.predict .named bdi")).to_have_text(SENTENCE)
    expect(sheet.locator("script, img, [onerror], link, iframe, [src]")).to_have_count(0)
    expect(sheet.locator("style")).to_have_count(1)
    policy = sheet.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy.startswith("default-src 'none'")


def test_the_address_of_the_view_stands_in_the_key_as_text(sheet):
    expect(sheet.get_by_text("Made from")).to_have_count(1)
    expect(sheet.locator("section.key .named bdi").nth(1)).to_contain_text("/tokenization?sentence")
    expect(sheet.locator("a")).to_have_count(0)


def test_the_zip_holds_the_same_bytes(saved):
    with zipfile.ZipFile(saved.zipped) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["worksheet-tokenization.html"]
        assert packed.read("worksheet-tokenization.html") == saved.html.read_bytes()


def n_pages(page, paper):
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper)))


# Of each question of the second part: its height, how far anything in it reaches below or beside
# it, and how it may break.
HEIGHTS = """() => [...document.querySelectorAll(".look .question")].map((question) => {
  const box = question.getBoundingClientRect();
  const within = [...question.querySelectorAll("figcaption, figure > svg, table, p, .comparison")]
    .map((part) => part.getBoundingClientRect());
  return {
    height: box.height,
    below: Math.max(...within.map(({ bottom }) => bottom)) - box.bottom,
    beside: Math.max(...within.map(({ right }) => right)) - box.right,
    breaks: getComputedStyle(question).breakInside,
  };
})"""
SHOW = """(name) => document.querySelectorAll("main > section").forEach((part) => {
  part.style.display = part.className === name ? "" : "none";
})"""


@pytest.mark.parametrize("paper", PAPER)
def test_no_picture_is_torn_from_its_table_and_every_part_begins_a_page(sheet, paper):
    width, height = (round(length * 96 / 25.4) for length in PAPER[paper])
    sheet.emulate_media(media="print")
    sheet.set_viewport_size({"width": width, "height": height})
    for question in sheet.evaluate(HEIGHTS):
        assert question["height"] <= height
        assert question["below"] <= 1
        assert question["beside"] <= 1
        assert question["breaks"] == "avoid"
    cut = sheet.locator(".look .note").filter(has_text=re.compile("Cut: the upper .* picture"))
    expect(cut).to_have_count(1)
    expect(sheet.get_by_text(re.compile(r"Cut: the first \d+ of [\d,]+ rows\."))).to_have_count(1)
    together = n_pages(sheet, paper)
    alone = 0
    for part in PARTS:
        sheet.evaluate(SHOW, part)
        alone += n_pages(sheet, paper)
    assert together == alone >= len(PARTS)


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
