"""Print one table of everything measured, and keep it with the facts about the machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.measure import Row, p95, quartiles

PARTS = ("reading", "start", "drawing", "hover", "enter", "classroom")
PACKAGES = ("torch", "transformers", "bertviz", "streamlit", "tokenizers", "numpy", "playwright")
RESULTS = Path(__file__).parent / "results"
HEADINGS = ("measured: peer", "ours", "peer", "ratio", "goal", "met?")


def main() -> None:
    """Run the parts that were named, or all of them."""
    parts = sys.argv[1:] or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"no part is called {unknown[0]}; there are {', '.join(PARTS)}")
    facts = {"started": datetime.now().isoformat(timespec="seconds"), **machine()}
    rows: list[Row] = []
    failures: dict[str, str] = {}
    signal.signal(signal.SIGALRM, stop)
    end = time.monotonic() + TIME_LIMIT
    for part in parts:
        signal.setitimer(signal.ITIMER_REAL, max(end - time.monotonic(), 0.001))
        try:
            rows.extend(measured(part))
        except Exception as error:
            failures[part] = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        signal.setitimer(signal.ITIMER_REAL, 0)
    facts["load_at_end"] = os.getloadavg()
    print_table(rows)
    for part, why in failures.items():
        print(f"{part} was not measured to its end: {why}")
    print(f"{facts['cpu']}, {facts['cores']} cores, load {facts['load_at_start'][0]:.1f} at start "
          f"and {facts['load_at_end'][0]:.1f} at end; kept in {keep(facts, rows, failures)}")


def machine() -> dict:
    """Gather what a reader of the figures needs to know about the machine."""
    cpu = [line for line in cpu_lines() if line.startswith("model name")]
    return {
        "cpu": cpu[0].partition(":")[2].strip() if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "chromium": chromium_version(),
        **{package: version(package) for package in PACKAGES},
    }


def cpu_lines() -> list[str]:
    """Read what Linux knows about the processor; nothing elsewhere."""
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


def chromium_version() -> str:
    """Ask Chromium for its version."""
    try:
        asked = subprocess.run(["chromium", "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return asked.stdout.strip()


def print_table(rows: list[Row]) -> None:
    """Print the rows under headings, columns aligned."""
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, tuple("-" * width for width in widths))
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    print("medians [middle half]; ratio = median of ours / peer, pair by pair, taken in turn")


def cells(row: Row) -> tuple[str, ...]:
    """Write one row."""
    met = {None: "", True: "yes", False: "NO"}[row.met]
    tail = f" p95 {number(p95(row.ours))}" if row.judged == "p95" else ""
    ratio = spread(row.ratios) if row.peer else ""
    peer_tail = f" p95 {number(p95(row.peer))}" if tail and row.peer else ""
    return (
        row.name,
        f"{spread(row.ours)}{tail} {row.unit}",
        f"{spread(row.peer)}{peer_tail} {row.unit}" if row.peer else "",
        ratio,
        "" if row.limit is None else f"{row.judged} ≤ {row.limit:g}",
        met,
    )


def spread(samples) -> str:
    """Write the median and the middle half of samples."""
    if len(samples) == 1:
        return number(samples[0])
    low, high = quartiles(samples)
    return f"{number(median(samples))} [{number(low)}–{number(high)}]"


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def keep(facts: dict, rows: list[Row], failures: dict[str, str]) -> Path:
    """Write everything as JSON, every sample included."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{facts['started'].replace(':', '-')}.json"
    judged = [asdict(row) | {"value": row.value, "met": row.met} for row in rows]
    content = {"machine": facts, "rows": judged, "not_measured": failures}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    return file.relative_to(RESULTS.parents[1])


main()
