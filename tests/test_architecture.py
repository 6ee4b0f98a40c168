"""The import rule, the rooms without a name, the lesson texts: what a newcomer may rely on."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from pages.ui.text import parse_lesson

ROOT = Path(__file__).parents[1]
CODE = [ROOT / "app.py", *sorted(ROOT.glob("core/**/*.py")), *sorted(ROOT.glob("pages/**/*.py"))]
PAGES = sorted(ROOT.glob("pages/*.py"))
FORBIDDEN = {
    "core": {"streamlit", "plotly", "pages"},
    "pages/ui/figures": {"streamlit", "torch", "core"},
    "pages": {"torch", "plotly"},
    "app.py": {"torch", "plotly", "core"},
}


def imported_packages(file: Path) -> set[str]:
    packages: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").partition(".")[0])
    return packages


def room(file: Path) -> str:
    return file.relative_to(ROOT).parent.as_posix() if file.parent != ROOT else file.name


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_imports_go_down_only(file):
    assert not imported_packages(file) & FORBIDDEN.get(room(file), set())


@pytest.mark.parametrize("file", CODE, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_room_is_called_helpers_and_no_html_is_let_through(file):
    assert file.stem not in {"utils", "util", "helpers", "common", "base", "manager", "misc"}
    assert not re.search(r"unsafe_allow_html|st\.html\(|innerHTML", file.read_text())


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("assets/components/*/*.js")), ids=lambda file: file.parent.name
)
def test_components_write_text_as_text_and_ask_no_other_host(file):
    source = file.read_text()
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", source)
    hosts = set(re.findall(r"https?://([\w.-]+)", source))
    assert hosts <= {"www.w3.org"}  # the name of the SVG language, never fetched


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_reads_like_a_lesson(file):
    tree = ast.parse(file.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.While)]
    assert "session_state" not in file.read_text()


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_says_each_section_of_its_text_once_in_order(file):
    text = ROOT / f"assets/lessons/{file.stem}.md"
    said = [
        node.args[0].value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "say"
    ]
    assert said == list(parse_lesson(text.read_text()).sections)


def test_every_sample_sentence_has_a_reason():
    samples = yaml.safe_load((ROOT / "assets/data/sentences.yaml").read_text())
    assert len(samples) >= 10
    assert all(sample["text"].strip() and sample["why"].strip() for sample in samples)
    assert len({sample["text"] for sample in samples}) == len(samples)
