"""A script that stands alone, with the learner's sentence in it, as a file and as a notebook."""

from __future__ import annotations

import json
import re


def filled(source: str, **constants: object) -> str:
    """Give the constants of a script other values, written as Python literals.

    Args:
        source: The script; each constant has a line of its own, `NAME = value`.
        constants: The new values.

    Raises:
        ValueError: If the script has no such constant.
    """
    for name, value in constants.items():
        line = f"{name} = {value!r}"
        source, found = re.subn(
            rf"^{name} = .*$", lambda _, line=line: line, source, count=1, flags=re.MULTILINE
        )
        if not found:
            raise ValueError(f"the script has no line {name} = …")
    return source


def notebook(source: str) -> str:
    """Write a script as a Jupyter notebook of one cell (nbformat 4.5)."""
    cell = {
        "cell_type": "code",
        "id": "all",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5},
        indent=1,
    )
