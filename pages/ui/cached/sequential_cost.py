"""Cached calls of the lesson on sequential cost, and its measurement: a process of its own.

One measurement runs at a time in the whole server. Its timings are shared by all visitors; it ends
a few seconds after the last of them has stopped looking.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from threading import Lock, Thread
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from pages.ui.cached.texts import ASSETS
from pages.ui.figures.sequential_cost import Counted, Curve

if TYPE_CHECKING:
    from core.sequential_cost import LayerType, Setup, Timing

ROOT = ASSETS.parent
KERNEL, NEIGHBOURS = 3, 16  # tokens that a convolution, and restricted attention, look at
COUNTED_LENGTHS = tuple(2**power for power in range(12))  # 1 … 2,048
MAX_SECONDS = 60  # of one measurement
UNSEEN_SECONDS = 10  # after which a measurement ends that nobody looks at
LOOK_SECONDS = 0.2  # how often it is asked whether anybody does


class Setting(NamedTuple):
    """What is measured: a device as PyTorch names it, the width of a token, sequences at once."""

    device: str
    width: int
    batch: int


class Measured(NamedTuple):
    """The timings of one setting, by layer, and what is known about where they come from."""

    setup: Setup
    curves: dict[str, Curve]


@st.cache_resource(max_entries=256, show_spinner=False)
def counted(width: int, batch: int = 1, lengths: tuple[int, ...] = ()) -> dict[str, Counted]:
    """Count what each layer costs, at the lengths that are measured unless others are asked for."""
    from core.sequential_cost import LAYERS, count_cost, lengths_for

    lengths = lengths or lengths_for(batch)
    costs = {layer: [count_cost(layer, n, width, batch) for n in lengths] for layer in LAYERS}
    return {
        layer: Counted(
            np.array(lengths),
            np.array([cost.path for cost in row]),
            np.array([cost.operations for cost in row]),
            np.array([cost.distance for cost in row]),
            np.array([cost.memory for cost in row]),
        )
        for layer, row in costs.items()
    }


@st.cache_resource(max_entries=256, show_spinner=False)
def layer_types(length: int, width: int) -> tuple[LayerType, ...]:
    """Fill in table 1 for one length."""
    from core import sequential_cost

    return sequential_cost.layer_types(length, width, KERNEL, NEIGHBOURS)


def ways(lengths: tuple[int, ...], width: int) -> dict[str, np.ndarray]:
    """Count the steps from the first token to the last for each type of layer in table 1."""
    return {name: np.array([row.path for row in rows]) for name, rows in _rows(lengths, width)}


def work(lengths: tuple[int, ...], width: int) -> dict[str, np.ndarray]:
    """Count the operations of each type of layer in table 1, without constants."""
    return {
        name: np.array([row.operations for row in rows]) for name, rows in _rows(lengths, width)
    }


def _rows(lengths: tuple[int, ...], width: int) -> list[tuple[str, tuple[LayerType, ...]]]:
    tables = [layer_types(length, width) for length in lengths]
    return [(rows[0].name, rows) for rows in zip(*tables, strict=True)]


@st.cache_resource(show_spinner=False)
def devices() -> tuple[str, ...]:
    """List what can be measured here, as PyTorch names it: the CPU, then any GPUs."""
    from core import device

    return tuple(str(found) for found in reversed(device.devices()))


@st.cache_resource(show_spinner=False)
def recordings() -> dict[tuple[int, int], Measured]:
    """Read the measurements that came with the course, of a CPU: by width and batch."""
    from core.sequential_cost import Setup, Timing

    found: dict[tuple[int, int], tuple[Setup, list[Timing]]] = {}
    text = (ASSETS / "data/sequential_cost.jsonl").read_text(encoding="utf-8")
    for fields in map(json.loads, text.splitlines()):
        if "layer" in fields:
            timings.append(Timing(**fields))
        else:
            setup, timings = Setup(**fields), []
            found[setup.width, setup.batch] = setup, timings
    return {key: Measured(setup, _curves(timings)) for key, (setup, timings) in found.items()}


def recorded(setting: Setting) -> Measured | None:
    """Give the recorded measurement of a setting; there is none of a GPU."""
    found = recordings().get((setting.width, setting.batch))
    return found if setting.device == "cpu" else None


def _curves(timings: Collection[Timing]) -> dict[str, Curve]:
    """Sort timings by layer; lengths that some layer has not read yet are left out."""
    from core.sequential_cost import LAYERS

    read = Counter(timing.length for timing in timings)
    complete = [timing for timing in timings if read[timing.length] == len(LAYERS)]
    if not complete:
        return {}
    by_layer = {layer: [timing for timing in complete if timing.layer == layer] for layer in LAYERS}
    return {
        layer: Curve(
            np.array([timing.length for timing in row]),
            np.array([timing.low for timing in row]),
            np.array([timing.middle for timing in row]),
            np.array([timing.high for timing in row]),
        )
        for layer, row in by_layer.items()
    }


class Measurement:
    """One measurement: waits for its turn, runs as a process, ends when nobody looks any more."""

    def __init__(self, setting: Setting, turn: Lock) -> None:
        self.setting = setting
        self.setup: Setup | None = None
        self.timings: dict[tuple[str, int], Timing] = {}  # the last word on each layer and length
        self.started: float | None = None  # by `time.monotonic`; None while it waits
        self.failure = ""
        self.seen: dict[object, float] = {}  # visitor -> when the visitor last looked
        self._turn = turn
        self._thread = Thread(target=self._wait_and_run, daemon=True)

    def start(self, visitor: object) -> None:
        """Begin, with a first visitor who looks at it."""
        self.look(visitor)
        self._thread.start()

    def look(self, visitor: object) -> None:
        """Note that a visitor looks at it."""
        self.seen[visitor] = monotonic()

    def leave(self, visitor: object) -> None:
        """Note that a visitor no longer wants it."""
        self.seen.pop(visitor, None)

    @property
    def runs(self) -> bool:
        """Whether it runs or waits for its turn."""
        return self._thread.is_alive()

    @property
    def is_seen(self) -> bool:
        """Whether anybody has looked at it lately."""
        return any(monotonic() - when < UNSEEN_SECONDS for when in [*self.seen.values()])

    @property
    def share(self) -> float:
        """How much of it is done, by the tokens that were read."""
        from core.sequential_cost import LAYERS, lengths_for

        if self.setup is None:
            return 0.0
        lengths = lengths_for(self.setting.batch)
        repetitions = self.setup.n_timings / len(lengths) / len(LAYERS)
        read = sum(timing.repetitions * timing.length for timing in [*self.timings.values()])
        return read / (repetitions * sum(lengths) * len(LAYERS))

    @property
    def seconds_left(self) -> float:
        """A guess from how fast it went so far; never more than it is lent."""
        if self.started is None:
            return MAX_SECONDS
        elapsed = monotonic() - self.started
        guess = elapsed * (1 - self.share) / self.share if self.share else MAX_SECONDS
        return max(0.0, min(guess, MAX_SECONDS - elapsed))

    @property
    def measured(self) -> Measured | None:
        """What is known so far."""
        curves = _curves([*self.timings.values()])
        return Measured(self.setup, curves) if self.setup and curves else None

    def _wait_and_run(self) -> None:
        while not self._turn.acquire(timeout=LOOK_SECONDS):
            if not self.is_seen:
                return
        try:
            self._run()
        finally:
            self._turn.release()

    def _run(self) -> None:
        self.started = monotonic()
        device, width, batch = self.setting
        sizes = [f"--device={device}", f"--width={width}", f"--batch={batch}"]
        command = [sys.executable, "-m", "core.sequential_cost", *sizes, f"--seconds={MAX_SECONDS}"]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            reader = Thread(target=self._read, args=(process.stdout,), daemon=True)
            reader.start()
            while process.poll() is None:
                if not self.is_seen or monotonic() - self.started > 2 * MAX_SECONDS:
                    process.kill()
                sleep(LOOK_SECONDS)
            reader.join()
            if process.returncode > 0:
                self.failure = (process.stderr.read().splitlines() or ["no reason given"])[-1]

    def _read(self, lines: IO[str]) -> None:
        from core.sequential_cost import Setup, Timing

        for line in lines:
            fields = json.loads(line)
            if "layer" in fields:
                timing = Timing(**fields)
                self.timings[timing.layer, timing.length] = timing
            else:
                self.setup = Setup(**fields)


class Measurements:
    """The measurements of this server: the last of each setting, one running at a time."""

    def __init__(self) -> None:
        self._lock, self._turn = Lock(), Lock()
        self._last: dict[Setting, Measurement] = {}

    def start(self, setting: Setting, visitor: object) -> None:
        """Begin a measurement, or look at the one that runs already."""
        with self._lock:
            last = self._last.get(setting)
            if last and last.runs:
                last.look(visitor)
            else:
                self._last[setting] = Measurement(setting, self._turn)
                self._last[setting].start(visitor)

    def n_running(self) -> int:
        """Count the measurements that run or wait."""
        return sum(last.runs for last in [*self._last.values()])

    def find(self, setting: Setting) -> Measurement | None:
        """Give the last measurement of a setting."""
        return self._last.get(setting)


@st.cache_resource(show_spinner=False)
def measurements() -> Measurements:
    """Keep the measurements of this server."""
    return Measurements()


@st.cache_resource(scope="session", show_spinner=False)
def visitor() -> object:
    """Tell this visitor from all others."""
    return object()


def start(setting: Setting) -> None:
    """Begin to measure, or join those who look at the same measurement."""
    measurements().start(setting, visitor())


def stop(setting: Setting) -> None:
    """Look no longer; the measurement ends unless somebody else still looks."""
    last = measurements().find(setting)
    if last:
        last.leave(visitor())


def watched(setting: Setting) -> Measurement | None:
    """Give the measurement that this visitor looks at, while it runs, and note the look."""
    last = measurements().find(setting)
    if last is None or not last.runs or visitor() not in last.seen:
        return None
    last.look(visitor())
    return last


def measured(setting: Setting) -> tuple[Measured | None, bool]:
    """Give the last timings of this server, or else the recorded ones; True with its own."""
    last = measurements().find(setting)
    own = last.measured if last else None
    return own or recorded(setting), own is not None


def curves(setting: Setting) -> dict[str, Curve]:
    """Give the curves to draw; empty where nothing has been measured."""
    found, _ = measured(setting)
    return found.curves if found else {}


def product_seconds(setting: Setting) -> float | None:
    """Give the time of one product, if it has been measured."""
    found, _ = measured(setting)
    return found.setup.product if found else None


def device_name(setting: Setting) -> str:
    """Name the device that was measured; what was not keeps PyTorch's name."""
    found, _ = measured(setting)
    return found.setup.device if found else setting.device


def failure(setting: Setting) -> str:
    """Say why the last measurement of a setting broke off; empty if it did not."""
    last = measurements().find(setting)
    return last.failure if last else ""
