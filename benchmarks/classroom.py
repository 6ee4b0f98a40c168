"""A class sends new sentences, everybody at the same moment: how long each waits for the answer.

The learners are one process of their own (learners.py), so that their work does not hold the
server's lock; they do share its two cores, as nobody's browser would.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Row
from tests.browser.conftest import serve

ROOT = Path(__file__).parents[1]
PAGE = "self_attention"
LIMITS = {35: 500, 100: 1_500}  # learners -> ms


def rows() -> Iterator[Row]:
    """Measure each class on a server of its own."""
    for n_learners, limit in LIMITS.items():
        with serve() as address:
            with learners(address, 1) as one:
                answers(one)  # so that the server has loaded everything
            server = server_process()
            before = megabytes(server)
            with learners(address, n_learners) as a_class:
                joined, begin = megabytes(server), processor_seconds(server)
                heard = answers(a_class)
                after, end = megabytes(server), processor_seconds(server)
        name = f"{n_learners} learners"
        errors = [answer for kind in heard.values() for answer in kind if isinstance(answer, str)]
        at_once, spread = (
            [1_000 * answer for answer in heard[kind] if isinstance(answer, float)]
            for kind in ("at_once", "spread")
        )
        yield Row(f"{name}, errors {set(errors) or ''}", "", [len(errors)], (), "median", 0)
        if not at_once or not spread:
            continue
        yield Row(f"{name}, new sentences at once", "ms", at_once, (), "p95", limit)
        yield Row(f"{name}, new sentences within 10 s", "ms", spread, (), "p95")
        computed = 1_000 * (end - begin) / len(at_once + spread)
        yield Row(f"{name}, server's computing a sentence", "ms", [computed], (), "median")
        yield Row(f"{name}, memory a session", "MB", [(joined - before) / n_learners], (), "median")
        yield Row(f"{name}, memory with sentences", "MB", [after - before], (), "median")


@contextmanager
def learners(address: str, n_learners: int) -> Iterator[subprocess.Popen]:
    """Send a class to the page, and wait until all of them have seen it."""
    command = [sys.executable, "-m", "benchmarks.learners", address, PAGE, str(n_learners)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            told(process)
            yield process
        finally:
            process.terminate()


def answers(process: subprocess.Popen) -> dict[str, list[float | str]]:
    """Let the class send its sentences; give the seconds each took, or what went wrong."""
    process.stdin.write("\n")
    process.stdin.flush()
    return told(process)


def told(process: subprocess.Popen) -> dict:
    """Read what the class says next.

    Raises:
        RuntimeError: If it says nothing any more.
    """
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the learners could not use the page; see the lines above")
    return json.loads(line)


def server_process() -> Path:
    """Find the server in Linux's list of this process's children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    processes = [Path("/proc") / child for child in children]
    return next(each for each in processes if b"streamlit" in (each / "cmdline").read_bytes())


def megabytes(process: Path) -> float:
    """Read how much memory a process holds."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())[1]) / 1_000


def processor_seconds(process: Path) -> float:
    """Read how long a process has computed."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
