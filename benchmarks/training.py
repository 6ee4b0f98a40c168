"""Live training: updates per second, new frames for each of eight visitors, a class beside it.

The trainings are those that the page offers first: four models learn to recall a symbol over 40
steps. In the first part they run in this process, and nobody reads beside them. In the second, 35
learners (learners.py) read new sentences from a server in which four trainings go on; once a second
each of them is looked at and packed for its browser, as the page does.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

import torch

from benchmarks.classroom import ROOT, answers, learners
from benchmarks.measure import Row
from core.recurrent_training import RECIPES, SERIES, MemoryRun
from core.training import Job, Workshop
from pages.ui.components.training_view import (
    Panel,
    Update,
    Watched,
    WatchedModel,
    training_payload,
)

MODELS = ("tanh", "lstm", "lstm_chrono", "attention")
LENGTH, N_SEEDS, N_UPDATES = 40, 4, 400
SECONDS = 8
N_LEARNERS, N_TRAININGS = 35, 4


def rows() -> Iterator[Row]:
    """Measure one visitor, eight visitors, and a class beside four."""
    torch.set_num_threads(1)
    for n_visitors, limit in ((1, None), (8, 100)):
        frames = frames_in_turn(n_visitors)
        name = f"training, {n_visitors} visitor{'s' if n_visitors > 1 else ''}"
        yield Row(f"{name}: updates of all", "/s", [sum(frames) / SECONDS], (), "median")
        gaps = [1_000 * SECONDS / max(n, 1) for n in frames]
        yield Row(f"{name}: a new frame every", "ms", gaps, (), "p95", limit)
    for n_trainings, limit in ((0, None), (N_TRAININGS, 1_000)):
        with server(n_trainings) as address:
            with learners(address, 1) as one:
                answers(one)  # so that the server has loaded everything
            with learners(address, N_LEARNERS) as a_class:
                heard = answers(a_class)
        name = f"{N_LEARNERS} learners beside {n_trainings} trainings"
        told = [answer for kind in heard.values() for answer in kind]
        errors = [answer for answer in told if isinstance(answer, str)]
        yield Row(f"{name}, errors {set(errors) or ''}", "", [len(errors)], (), "median", 0)
        for kind, words in (("at_once", "at once"), ("spread", "within 10 s")):
            times = [1_000 * answer for answer in heard[kind] if isinstance(answer, float)]
            if times:
                yield Row(f"{name}, new sentences {words}", "ms", times, (), "p95", limit)


def a_job(seed: int) -> Job:
    """Make a training as the page offers it."""
    recipes = [RECIPES[name] for name in MODELS]
    n_steps = N_UPDATES * len(MODELS)
    return Job(lambda: MemoryRun("recall", LENGTH, recipes, N_SEEDS, seed), n_steps)


def frames_in_turn(n_visitors: int) -> list[int]:
    """Let visitors train at the same time; count each one's new frames."""
    workshop = Workshop()
    jobs = [a_job(seed) for seed in range(n_visitors)]
    for job in jobs:
        workshop.start(job)
    time.sleep(1)  # every run has been built
    before = [job.step for job in jobs]
    for _ in range(SECONDS):
        time.sleep(1)
        for job in jobs:
            workshop.see(job)
    frames = [job.step - step for job, step in zip(jobs, before, strict=True)]
    workshop.close()
    return frames


@contextmanager
def server(n_trainings: int) -> Iterator[str]:
    """Start the app with trainings going on in its process; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.training", str(port), str(n_trainings)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet) as process:
        try:
            wait_for(address := f"http://127.0.0.1:{port}")
            yield address
        finally:
            process.terminate()


def wait_for(address: str) -> None:
    """Wait until a server answers.

    Raises:
        TimeoutError: If it does not within a minute.
    """
    for _ in range(240):
        try:
            urlopen(f"{address}/_stcore/health").close()
            return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"{address} does not answer")


def serve(port: int, n_trainings: int) -> None:
    """Run the app, with trainings in the same process."""
    from streamlit.web import bootstrap  # noqa: PLC0415  the other parts need no server

    threading.Thread(target=train_and_look, args=(n_trainings,), daemon=True).start()
    options = {"server.port": port, "server.address": "127.0.0.1"}
    bootstrap.load_config_options(options)
    bootstrap.run("app.py", False, [], options)


def train_and_look(n_trainings: int) -> None:
    """Keep trainings going for ever, and pack what is to be seen of them once a second."""
    workshop = Workshop()
    jobs: list[Job] = []
    while n_trainings:
        jobs = [job for job in jobs if not job.ended]
        while len(jobs) < n_trainings:
            jobs.append(a_job(len(jobs)))
            workshop.start(jobs[-1])
        for job in jobs:
            workshop.see(job)
            packed(job, workshop.clock() - 1.5)
        time.sleep(1)


def packed(job: Job, moment: float) -> bytes:
    """Pack a training for the browser, as the page does."""
    models = [WatchedModel(name, "attention", "") for name in MODELS]
    frames = job.frames_since(moment)
    watched = Watched(
        "1", N_UPDATES, N_SEEDS, len(SERIES), "",
        [list(job.history.get(model, ())) for model in range(len(MODELS))],
        [job.profiles.get(model) for model in range(len(MODELS))],
        [Update(frame.model, frame.step, frame.series, frame.profile) for frame in frames],
    )  # fmt: skip
    panels = [Panel("", "", x=tuple(range(LENGTH)))]
    return training_payload(watched, models, panels, {"attention": "#000000"})


if __name__ == "__main__":
    os.chdir(ROOT)
    serve(int(sys.argv[1]), int(sys.argv[2]))
