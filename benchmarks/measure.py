"""Timing calls in turn, and the one line of the table that comes out of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One line of the table: samples of ours and of a peer, taken in turn, and a goal.

    Attributes:
        name: What was measured.
        unit: The unit of the samples.
        ours: One sample per repetition.
        peer: The peer's samples; the i-th was taken right after our i-th.
        judged: Which figure the goal is about. "ratio" is the median of ours / peer, pair by pair.
        limit: What that figure may be at most; None is only told.
    """

    name: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float] = ()
    judged: Literal["ratio", "median", "p95"] = "ratio"
    limit: float | None = None

    @property
    def ratios(self) -> list[float]:
        """Divide each of our samples by the peer's that was taken right after it."""
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True) if peer]

    @property
    def value(self) -> float:
        """Give the figure that the goal is about."""
        if self.judged == "p95":
            return p95(self.ours)
        return median(self.ratios if self.judged == "ratio" else self.ours)

    @property
    def met(self) -> bool | None:
        """Say whether the goal is met; None if there is none."""
        return None if self.limit is None else self.value <= self.limit


def p95(samples: Sequence[float]) -> float:
    """Give the value that 95 of 100 samples do not exceed."""
    return quantiles(samples, n=20, method="inclusive")[-1] if len(samples) > 1 else samples[0]


def quartiles(samples: Sequence[float]) -> tuple[float, float]:
    """Give the range of the middle half of the samples."""
    if len(samples) == 1:
        return samples[0], samples[0]
    low, _, high = quantiles(samples, n=4, method="inclusive")
    return low, high


def in_turn(
    repetitions: int,
    *calls: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Time calls in turn (a, b, c, a, b, c ...), so that a busy machine hits them alike.

    Args:
        repetitions: Rounds that count; one more goes before them.
        calls: What is timed.
        clock: In seconds: the clock on the wall, or `time.thread_time` for the processor's time
            of calls that run in one thread, which equals it on an idle machine.

    Returns:
        For each call its times in milliseconds.
    """
    rounds = [[milliseconds(call, clock) for call in calls] for _ in range(repetitions + 1)]
    return [list(times) for times in zip(*rounds[1:], strict=True)]


def milliseconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time one call."""
    begin = clock()
    call()
    return 1_000 * (clock() - begin)
