"""Training that somebody watches: in fair turns, within limits, and only while they look.

A `Run` knows how to make one update; a `Job` is one visitor's run, with its state and what it has
shown; the `Workshop` gives all jobs their turns on a few threads. None knows what is trained.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float

State = Literal["queued", "running", "paused", "done", "stopped", "failed"]

MAX_STEPS = 10_000  # of one job, all its models together
MAX_SECONDS = 180.0  # that a job may be running
UNSEEN = 5.0  # s; a job that nobody has looked at for so long stops itself
TURN = 0.02  # s; an update that has begun is finished
NICENESS = 10  # of the threads, on Linux
REST = 0.001  # s after a turn, in which other threads get Python's lock
KEPT_FRAMES = 200  # with their profiles; of earlier ones only the series are kept


@dataclass(frozen=True, eq=False)
class Frame:
    """What one update of one model shows, for every seed.

    Attributes:
        model: Which of the run's models was updated, counted from 0.
        step: Which of this model's updates it was, counted from 1.
        series: Numbers that each add a point to a line: loss, accuracy ... (NaN and ∞ as they are).
        profile: A line of its own: the gradient at every distance ...; None if not measured.
    """

    model: int
    step: int
    series: Float[np.ndarray, "series seed"]
    profile: Float[np.ndarray, "seed x"] | None = None


@runtime_checkable
class Run(Protocol):
    """Something that learns step by step; the same run always makes the same frames."""

    n_models: int

    def step(self) -> Frame:
        """Update one model once; the models take turns."""
        ...


class WorkshopFullError(RuntimeError):
    """The workshop is full; the message is for the visitor."""


class Job:
    """One visitor's run: its state, its limits, and what it has shown so far.

    Only its workshop changes it. Other threads may read it at any time.

    Args:
        make_run: Builds the run; called on a thread of the workshop.
        n_steps: After so many steps (of all models together) the run is done.
        max_seconds: So long it may be running; waiting and pausing do not count.

    Raises:
        ValueError: If `n_steps` or `max_seconds` is outside the workshop's limits.
    """

    def __init__(
        self, make_run: Callable[[], Run], n_steps: int, max_seconds: float = MAX_SECONDS
    ) -> None:
        if not 1 <= n_steps <= MAX_STEPS:
            raise ValueError(f"{n_steps=} is not between 1 and {MAX_STEPS}")
        if not 0 < max_seconds <= MAX_SECONDS:
            raise ValueError(f"{max_seconds=} is not above 0 and at most {MAX_SECONDS}")
        self.make_run = make_run
        self.n_steps = n_steps
        self.max_seconds = max_seconds
        self.state: State = "paused"
        self.why = ""  # a sentence, where a job has ended otherwise than by its last step
        self.step = 0  # steps made
        self.seconds = 0.0  # been running
        self.last_seen = self.last_turn = self.last_charge = float("-inf")
        self.in_turn = False  # a thread works on it
        self.steps_asked = 0  # to be made although the job is paused
        self.run: Run | None = None
        self.history: dict[int, list[Float[np.ndarray, "series seed"]]] = {}  # by model, by step
        self.profiles: dict[int, Float[np.ndarray, "seed x"]] = {}  # by model, the latest
        self.recent: deque[tuple[float, Frame]] = deque(maxlen=KEPT_FRAMES)  # with their time

    @property
    def ended(self) -> bool:
        """Say whether the job will make no more steps, whatever is asked."""
        return self.state in ("done", "stopped", "failed")

    @property
    def seconds_left(self) -> float | None:
        """Estimate how long the job has yet to run at the pace so far; None before it has one."""
        if not self.step or not self.seconds:
            return None
        pace = self.seconds / self.step
        return min((self.n_steps - self.step) * pace, self.max_seconds - self.seconds)

    def frames_since(self, moment: float) -> list[Frame]:
        """Give the frames made after a moment of the workshop's clock, oldest first."""
        return [frame for made, frame in list(self.recent) if made > moment]

    def keep(self, frame: Frame, now: float) -> None:
        """Add a frame to what has been shown."""
        self.history.setdefault(frame.model, []).append(frame.series)
        if frame.profile is not None:
            self.profiles[frame.model] = frame.profile
        self.recent.append((now, frame))
        self.step += 1


class Workshop:
    """A few threads that serve several jobs at once, in fair turns.

    At most `n_served` jobs are running; more wait in a queue, at most `n_waiting`. A paused job
    takes no place, and waits for one again when it is resumed.

    Args:
        n_threads: Threads that work; with 0, whoever calls `turn` does.
        n_served: Jobs that may be running at the same time.
        n_waiting: Jobs that may wait.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        n_threads: int = 2,
        n_served: int = 8,
        n_waiting: int = 24,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.n_served = n_served
        self.n_waiting = n_waiting
        self.clock = clock
        self.jobs: list[Job] = []  # that have not ended; those queued in their order
        self.closed = False
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(n_threads)]
        for thread in self.threads:
            thread.start()

    # What visitors ask for

    def start(self, job: Job) -> None:
        """Let a new or paused job run, as soon as there is a place.

        Raises:
            WorkshopFullError: If too many are waiting already.
        """
        with self.changed:
            if job.state == "paused":
                self._admit(job)

    def step(self, job: Job, n_steps: int, patience: float = 0.0) -> None:
        """Let a new or paused job make so many steps, and pause again.

        Args:
            job: The job.
            n_steps: How many.
            patience: Seconds to wait for them; after that they are made all the same.

        Raises:
            WorkshopFullError: If too many are waiting already.
        """
        with self.changed:
            if job.state == "paused":
                self._admit(job)
                job.steps_asked = n_steps
                self.changed.wait_for(lambda: job.state not in ("queued", "running"), patience)

    def pause(self, job: Job, patience: float = 0.0) -> None:
        """Keep a job from making steps until it is started again.

        Args:
            job: The job.
            patience: Seconds to wait for the step that is under way.
        """
        with self.changed:
            if job.state in ("queued", "running"):
                self._leave(job, "paused")
                self.changed.wait_for(lambda: not job.in_turn, patience)

    def stop(self, job: Job) -> None:
        """End a job; what it has shown stays."""
        with self.changed:
            self._end(job, "stopped", "Stopped here, as asked.")

    def see(self, job: Job) -> None:
        """Note that somebody is looking at a job."""
        job.last_seen = self.clock()

    def place(self, job: Job) -> int:
        """Give the place of a job in the queue: 1 is next, 0 is not waiting."""
        with self.changed:
            queue = self._all_in("queued")
            return queue.index(job) + 1 if job in queue else 0

    def close(self) -> None:
        """Stop all jobs and end the threads."""
        with self.changed:
            self.closed = True
            for job in list(self.jobs):
                self._end(job, "stopped", "Stopped: the workshop has closed.")
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    # How jobs come and go; all of it holding the lock

    def _all_in(self, state: State) -> list[Job]:
        return [job for job in self.jobs if job.state == state]

    def _admit(self, job: Job) -> None:
        n_queued = len(self._all_in("queued"))
        if self.closed or n_queued >= self.n_waiting:
            raise WorkshopFullError(
                f"All {self.n_served} places are taken and {n_queued} trainings are waiting. "
                "Try again in a minute."
            )
        if job in self.jobs:
            self.jobs.remove(job)
        self.jobs.append(job)
        job.state, job.steps_asked, job.last_seen = "queued", 0, self.clock()
        self._fill_places()

    def _fill_places(self) -> None:
        free = self.n_served - len(self._all_in("running"))
        for job in self._all_in("queued")[:free]:
            job.state, job.last_charge = "running", self.clock()
        self.changed.notify_all()

    def _leave(self, job: Job, state: State) -> None:
        self._charge(job)
        job.state = state
        self._fill_places()

    def _charge(self, job: Job) -> None:
        now = self.clock()
        if job.state == "running":
            job.seconds += now - job.last_charge
        job.last_charge = now

    def _end(self, job: Job, state: State, why: str = "") -> None:
        if job.ended:
            return
        job.why = why
        if not job.in_turn:
            job.run = None
        if job in self.jobs:
            self.jobs.remove(job)
        self._leave(job, state)

    def _look_after(self) -> None:
        """End the jobs that nobody looks at, and those whose time is over."""
        for job in list(self.jobs):
            self._charge(job)
            if self.clock() - job.last_seen > UNSEEN:
                self._end(job, "stopped", "Stopped, because nobody was looking any more.")
            elif job.seconds >= job.max_seconds:
                self._end(job, "done", f"The time of {job.max_seconds:g} s is used up.")

    # The work

    def turn(self) -> bool:
        """Give the job that has waited longest its turn; say whether there was one."""
        with self.changed:
            self._look_after()
            ready = [job for job in self._all_in("running") if not job.in_turn]
            if not ready:
                return False
            job = min(ready, key=lambda job: job.last_turn)
            job.in_turn = True
        failure = ""
        try:
            self._advance(job)
        except Exception as error:
            logging.getLogger(__name__).exception("A training failed")
            reason = str(error).partition("\n")[0]
            failure = f"The training failed: {reason or type(error).__name__}"
        with self.changed:
            job.in_turn, job.last_turn = False, self.clock()
            if failure:
                self._end(job, "failed", failure)
            elif job.step >= job.n_steps:
                self._end(job, "done")
            if job.ended:
                job.run = None
            if job.state == "paused":
                self.changed.notify_all()
        return True

    def _advance(self, job: Job) -> None:
        """Make steps until the turn is over, or the job is to make no more."""
        run = job.run = job.run or job.make_run()
        end = self.clock() + TURN
        while job.state == "running" and job.step < job.n_steps:
            frame = run.step()
            with self.changed:
                if job.ended:
                    return
                job.keep(frame, self.clock())
                if job.steps_asked:
                    job.steps_asked -= 1
                    if not job.steps_asked:
                        self._leave(job, "paused")
            if self.clock() >= end:
                return

    def _work(self) -> None:
        torch.set_num_threads(1)  # holds for the calling thread
        if sys.platform == "linux":  # where a thread has a priority of its own: readers go first
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while not self.closed:
            if self.turn():
                time.sleep(REST)
            else:
                with self.changed:
                    if not self.closed:
                        self.changed.wait(timeout=UNSEEN / 10 if self.jobs else None)
