"""Every script for the learner runs alone and prints the numbers that its page shows."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.pretrained import load_encoder
from pages.ui.snippet import filled
from tests.browser.conftest import ROOT

SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "Zoë's 🦜 said: \"it's \\n '''no''' {x}\"",
    "word " * 200,
)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def printed(topic: str, folder: Path, **constants: object) -> list[str]:
    """Run a script in a process that cannot see this course, and give the lines that it prints."""
    script = filled((ROOT / f"assets/snippets/{topic}.py").read_text(), **constants)
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", file],
        cwd=folder, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_tokenization(encoder, tmp_path, sentence):
    trace = encoder.trace(sentence)
    pairs = zip(trace.tokens, trace.token_ids, strict=True)
    assert printed("tokenization", tmp_path, SENTENCE=sentence) == [f"{t} {i}" for t, i in pairs]


def test_no_script_knows_this_course():
    for script in ROOT.glob("assets/snippets/*.py"):
        source = script.read_text()
        assert not any(
            f"{word} {name}" in source
            for word in ("import", "from")
            for name in ("core", "pages", "streamlit")
        )
        assert 15 <= len(source.splitlines()) <= 80
