"""A fresh process: how long until the first tokens, and until the first whole trace.

All processes compute in one thread, as the app does (pages/ui/cached/model.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, in_turn

ROOT = Path(__file__).parents[1]
REPETITIONS = 9
TEXT = "The animal didn't cross the street because it was too tired."
TRACE = f"from core.pretrained import load_encoder; load_encoder().trace({TEXT!r})"
TOKENS = f"from core.pretrained import load_reader; load_reader().read({TEXT!r})"


def rows() -> Iterator[Row]:
    """Measure whole processes by the clock on the wall, from start to exit."""
    trace, torch_alone, tokens, nothing = in_turn(
        REPETITIONS,
        lambda: run(TRACE),
        lambda: run("import torch"),
        lambda: run(TOKENS),
        lambda: run("pass"),
    )
    yield Row("start to first trace: import torch", "ms", trace, torch_alone, limit=1.1)
    yield Row("start to first tokens: python -c pass", "ms", tokens, nothing)
    after_start = [ours - bare for ours, bare in zip(tokens, nothing, strict=True)]
    yield Row("first tokens after the interpreter's start", "ms", after_start, (), "median", 50)


def run(code: str) -> None:
    """Run one line of Python in a process of its own."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=one_thread, check=True)
