"""Pages run without a browser, whole: no section waits for a reader to come near."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.browser.conftest import ROOT

ODD_SENTENCES = {
    "empty": "",
    "blanks": "   ",
    "one word": "hello",
    "20,000 characters": "word " * 4_000,
    "one long word": "x" * 20_000,
    "NUL and bidi controls": "a\x00b \u202eevil\u202c c",
    "emoji": "👨‍👩‍👧 🎉 👍🏽 are fine",
    "Arabic": "القط جلس على السجادة",
    "Chinese": "猫坐在垫子上。",
    "combining marks": "Z̸̢̛͖a̷̧͎l̵̰͝g̶̱̈́o e\u0301",
    "HTML": "<script>alert(1)</script> <b>bold</b> <a href='https://evil.example'>x</a>",
    "Markdown": "**bold** [x](https://evil.example) $x^2$ :smile: `code` # title",
    "special tokens": "[MASK] </s> [CLS] [SEP] [UNK] ##ing",
    "repeated words": "the the the the the the",
    "formula": "=1+1",
}


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page with an address, as a visitor would who wants no questions, all of it."""
    monkeypatch.setattr("pages.ui.lesson.SECTIONS_AT_FIRST", 99)

    def open_it(topic: str, **address: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in ({"ask": "false"} | address).items():
            app.query_params[name] = value
        return app.switch_page(f"pages/{topic}.py").run()

    return open_it
