"""Tokens on their way through two layers on one clock: one by one, and all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/steps_view"
_mount = component(
    "steps_view",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


def steps_view(
    tokens: Sequence[str], products: Sequence[str], *, colors: Mapping[str, str], key: str
) -> None:
    """Show a recurrent layer and an attention block reading, with play, pause and single steps.

    Args:
        tokens: What is read, one text per token.
        products: The names of the matrix products of an attention block that wait for each other.
        colors: The palette of the current theme; "RNN" and "attention" are used.
        key: Name of the figure on its page.
    """
    shades = {"recurrent": colors["RNN"], "attention": colors["attention"]}
    _mount(data={"tokens": list(tokens), "products": list(products), "colors": shades}, key=key)
