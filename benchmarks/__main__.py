"""Print one table of everything measured, and keep it with the facts about the machine.

python -m benchmarks [PART ...] runs the parts named, or all of them.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, p95, quartiles

PARTS = (  # the longest one last
    "reading",
    "gradients",
    "start",
    "hover",
    "enter",
    "classroom",
    "training",
    "drawing",
)
TIME_LIMIT = 590  # s, for all of them together
PACKAGES = ("torch", "transformers", "bertviz", "streamlit", "tokenizers", "numpy", "playwright")
RESULTS = Path(__file__).parent / "results"
HEADINGS = ("measured: peer", "ours", "peer", "ratio", "goal", "met?")


def main(parts: Sequence[str]) -> None:
    """Measure the parts, print the table, keep the results."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"no part is called {unknown[0]}; there are {', '.join(PARTS)}")
    facts = machine()
    rows: list[Row] = []
    failures: dict[str, str] = {}
    signal.signal(signal.SIGALRM, stop)
    end = time.monotonic() + TIME_LIMIT
    for part in parts:
        signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), 0.001))
        try:
            for row in measured(part):
                rows.append(row)  # noqa: PERF402  what was measured before an error is kept
        except Exception as error:
            failures[part] = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
        signal.setitimer(signal.ITIMER_REAL, 0)
    facts["load_at_end"] = os.getloadavg()
    print_table(rows)
    for part, why in failures.items():
        print(f"{part} was not measured to its end: {why}")
    start, finish = facts["load_at_start"][0], facts["load_at_end"][0]
    print(f"{facts['cpu']}, {facts['cores']} cores, load {start:.1f} at start, {finish:.1f} at end")
    print(f"kept in {keep(facts, rows, failures)}")


def measured(part: str) -> Iterator[Row]:
    """Measure one part, and say how long that took."""
    begin = time.perf_counter()
    yield from import_module(f"benchmarks.{part}").rows()
    print(f"{part}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)


def stop(*_signal: object) -> None:
    """End a part when the time for all of them is over."""
    raise TimeoutError(f"the {TIME_LIMIT} s for all parts were over")


def machine() -> dict:
    """Gather what a reader of the figures needs to know about the machine."""
    return {
        "started": datetime.now().isoformat(timespec="seconds"),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "chromium": chromium_version(),
        **{package: version(package) for package in PACKAGES},
    }


def processor() -> str:
    """Name the processor."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def chromium_version() -> str:
    """Ask Chromium for its version."""
    path = shutil.which("chromium")
    if path is None:
        return "unknown"
    return subprocess.run([path, "--version"], capture_output=True, text=True).stdout.strip()  # noqa: PLW1510


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows under headings, columns aligned."""
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, tuple("-" * width for width in widths))
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    print("Median [middle half]. The ratio is the median of ours / peer over pairs taken in turn.")


def cells(row: Row) -> tuple[str, ...]:
    """Write one row."""
    return (
        row.name,
        samples_text(row.ours, row),
        samples_text(row.peer, row) if row.peer else "",
        spread(row.ratios) if row.peer else "",
        "" if row.limit is None else f"{row.judged} ≤ {row.limit:g}",
        {None: "", True: "yes", False: "NO"}[row.met],
    )


def samples_text(samples: Sequence[float], row: Row) -> str:
    """Write samples with their unit, and what 95 of 100 do not exceed where that is judged."""
    tail = f", p95 {number(p95(samples))}" if row.judged == "p95" else ""
    return f"{spread(samples)}{tail} {row.unit}"


def spread(samples: Sequence[float]) -> str:
    """Write the median and the middle half of samples."""
    if len(samples) == 1:
        return number(samples[0])
    low, high = quartiles(samples)
    return f"{number(median(samples))} [{number(low)}–{number(high)}]"


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def keep(facts: dict, rows: Sequence[Row], failures: dict[str, str]) -> Path:
    """Write everything as JSON, every sample included."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{facts['started'].replace(':', '-')}.json"
    judged = [asdict(row) | {"value": row.value, "met": row.met} for row in rows]
    content = {"machine": facts, "rows": judged, "not_measured": failures}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    return file.relative_to(RESULTS.parents[1])


if __name__ == "__main__":
    main(sys.argv[1:] or PARTS)
