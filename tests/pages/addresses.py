"""Write down every control that the address can set: `python -m tests.pages.addresses`.

The pages are opened as a visitor would open them, and asked which of their widgets are bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from streamlit.testing.v1 import AppTest

from pages.ui import lesson
from pages.ui.menu import HOME, LESSONS
from tests.browser.conftest import ROOT

FILE = ROOT / "assets/data/addresses.yaml"
KINDS = (
    "text_input",
    "text_area",
    "selectbox",
    "button_group",
    "radio",
    "slider",
    "select_slider",
    "toggle",
    "checkbox",
    "multiselect",
)
# Other settings of a page, in which it shows more controls.
VARIANTS: dict[str, list[dict[str, str]]] = {
    "scaled_dot_product": [{"source": "my own numbers"}],
    "self_attention": [{"measures": "true"}],
}
# What is chosen inside a figure stands in the address, too; a link cannot hide or lock it alone.
INSIDE_FIGURES: dict[str, dict[str, dict[str, object]]] = {
    "self_attention": {
        "token": {"label": "Token that looks, from 1, or all", "depends": True},
        "view": {"label": "View of the weights", "options": ["arcs", "grid", "table"]},
        "share": {"label": "Share of a row's weight that is drawn, in percent", "depends": True},
    },
    "scaled_dot_product": {
        "cell": {"label": "Cell: matrix, row and column, between hyphens", "depends": True}
    },
    "vanishing_gradients": {
        "gain": {"label": "Gain of the recurrent weights, in the figure", "depends": True},
        "forget": {"label": "Bias of the forget gate, in the figure", "depends": True},
    },
}
SENTENCES = ("The animal didn't cross the street because it was too tired.", "A dog barked.")


def controls(topic: str, sentence: str) -> dict[str, dict[str, object]]:
    """Open a page and describe its bound widgets: name in the address -> what may stand there."""
    found: dict[str, dict[str, object]] = {}
    for address in ({}, *VARIANTS.get(topic, [])):
        found = _widgets(topic, {"sentence": sentence} | address) | found
    worked_out = {  # the cell that is worked out can be as many as other controls make
        name: {"label": described["label"], "depends": True}
        for name, described in _widgets(topic, {"sentence": sentence, "depth": "Numbers"}).items()
        if name not in found
    }
    inside = INSIDE_FIGURES.get(topic, {}) | worked_out
    return found | {name: described | {"inside": True} for name, described in inside.items()}


def _widgets(topic: str, address: dict[str, str]) -> dict[str, dict[str, object]]:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in ({"ask": "false"} | address).items():
        app.query_params[name] = value
    app.switch_page(f"pages/{topic}.py").run()
    assert not app.exception
    return dict(_described(app))


def _described(app: AppTest) -> Iterator[tuple[str, dict[str, object]]]:
    for kind in KINDS:
        for widget in app.get(kind):
            proto = widget.proto
            if not proto.query_param_key:
                continue
            described: dict[str, object] = {"label": proto.label}
            if kind in ("toggle", "checkbox"):
                described["options"] = ["true", "false"]
            elif kind == "slider" and not proto.options:
                described |= {"from": int(proto.min), "to": int(proto.max)}
            elif kind in ("text_input", "text_area"):
                described["text"] = int(proto.max_chars)
            else:
                options = [getattr(option, "content", option) for option in proto.options]
                several = kind == "multiselect" or getattr(proto, "click_mode", 0) == 1
                described["several" if several else "options"] = options
            yield proto.query_param_key, described


def addresses() -> dict[str, dict[str, dict[str, object]]]:
    """Describe the controls of every page; what depends on the sentence says so."""
    lesson.SECTIONS_AT_FIRST = 99
    pages: dict[str, dict[str, dict[str, object]]] = {}
    for topic in (HOME, *LESSONS):
        one, other = (controls(topic.name, sentence) for sentence in SENTENCES)
        pages[topic.name] = {
            name: _shortened(described)
            if described == other.get(name)
            else {"label": described["label"], "depends": True}  # on the sentence
            for name, described in one.items()
        }
    return pages


def _shortened(described: dict[str, object]) -> dict[str, object]:
    options = described.get("options", [])
    if isinstance(options, list) and len(options) > 20 and all(o.isdecimal() for o in options):
        numbers = [int(option) for option in options]
        if numbers == list(range(numbers[0], numbers[-1] + 1)):
            return {"label": described["label"], "from": numbers[0], "to": numbers[-1]}
    return described


def main() -> None:
    """Write the file."""
    head = (
        "# Generated by `python -m tests.pages.addresses`: what the address can set on each page.\n"
    )
    Path(FILE).write_text(
        head + yaml.safe_dump(addresses(), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
