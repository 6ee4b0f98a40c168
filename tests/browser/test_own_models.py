"""A model of the operator's own, listed in models.toml beside app.py, chosen by a visitor."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import conftest
from tests.browser.conftest import ROOT, serve, settled, watched
from tests.core.hugging_face import save_small_gpt2


@pytest.fixture(scope="module")
def server_with_gpt2(tmp_path_factory) -> Iterator[str]:
    """Serve a copy of the course that lists a small GPT-2 with random weights."""
    course = tmp_path_factory.mktemp("course")
    for room in ("core", "pages", "assets", ".streamlit"):
        shutil.copytree(ROOT / room, course / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", course)
    (course / "gpt2").mkdir()
    weights = save_small_gpt2(course / "gpt2") / "model.safetensors"
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    (course / "models.toml").write_text(
        f'[gpt2]\nlabel = "Small GPT-2"\nfolder = "gpt2"\nsha256 = "{sha256}"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "ROOT", course)
        with serve() as address:
            yield address


def test_a_chosen_decoder_reads_and_shows_where_it_may_not_look(browser, server_with_gpt2, size):
    with watched(browser, server_with_gpt2, viewport=size) as page:
        page.goto("/self_attention?sentence=the+cat+sat+on+a+mat")
        settled(page)
        expect(page.get_by_text("reads here: an encoder of 6 blocks")).to_be_visible()
        expect(page.get_by_text("may not look").first).to_be_hidden()
        page.get_by_role("combobox", name="Model").click()
        page.get_by_role("option", name="gpt2").click()
        expect(page.get_by_text("reads here: a decoder of 3 blocks")).to_be_visible()
        expect(page).to_have_url(re.compile("model=gpt2"))
        settled(page)
        page.get_by_role("button", name="▁cat", exact=True).first.click()
        page.get_by_role("tab", name="table").click()
        rows = page.get_by_role("table", name="How much ▁cat looks at each token").get_by_role(
            "row"
        )
        expect(rows.filter(has_text="%")).to_have_count(2)  # the, and itself
        expect(rows.filter(has_text="▁sat")).to_contain_text("may not look")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        found = Axe().run(page).response["violations"]
        assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
