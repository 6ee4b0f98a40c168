"""A training that a visitor starts, watches, pauses and stops, on any page.

The job runs in a thread of the workshop. The page looks at it once a second; a job that no page
looks at any more stops itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import streamlit as st

from pages.ui.cached.training import Training, first_frames, visitor
from pages.ui.components.training_view import (
    Panel,
    Update,
    Watched,
    WatchedModel,
    training_view,
)
from pages.ui.figure import Table, figure
from pages.ui.figures.style import Theme, colors
from pages.ui.figures.training import History, training_table

if TYPE_CHECKING:
    from core.training import Run

Phase = Literal["new", "going", "resting", "ended"]

POLL = 1.0  # s between two looks at a job
PATIENCE = 0.5  # s in which the end of a step is waited for
LAST = 1.5  # s; a message carries the updates of so long, in case the one before was early
LISTED = 40  # updates of each model in the table


@dataclass(frozen=True)
class Experiment:
    """A training as a page offers it.

    Attributes:
        settings: All settings in words; experiments with the same words are the same.
        make_run: Builds the run; called on another thread.
        models: How each model of the run is shown.
        panels: The pictures.
        series: Names of the numbers that each update shows.
        look_for: The history of each model -> what to look for, in a sentence.
        n_updates: Of each model.
        n_seeds: Networks of each model.
        note: What else is to be known, in few words: where it is computed.
    """

    settings: str
    make_run: Callable[[], Run]
    models: tuple[WatchedModel, ...]
    panels: tuple[Panel, ...]
    series: tuple[str, ...]
    look_for: Callable[[Sequence[History]], str]
    n_updates: int
    n_seeds: int
    note: str


def live_training(
    key: str,
    experiment: Experiment,
    question: str,
    alt: str,
    theme: Theme,
) -> None:
    """Offer a training with its buttons, and show how it goes.

    Call it in a fragment, together with the controls of the experiment.

    Args:
        key: Name of the figure, unique in the app.
        experiment: What the controls say now; a training goes on with what they said before.
        question: As in `figure`.
        alt: As in `figure`.
        theme: As everywhere.
    """
    training = visitor().trainings.get(key)
    shown = training.experiment if training else experiment
    drawn = _phase(training)
    _buttons(key, experiment, drawn)
    if shown.settings != experiment.settings:
        how = "Start begins one with yours" if drawn == "ended" else "Reset takes yours"
        st.caption(
            f":material/info: Shown is a training with other settings, {shown.settings}. {how}."
        )

    def picture() -> None:
        if drawn in ("going", "resting"):
            st.fragment(_watch, run_every=POLL)(key, shown, training, drawn, theme)
        else:
            with st.container():
                _watch(key, shown, training, drawn, theme)

    def table() -> Table:
        every = max(1, shown.n_updates // LISTED)
        names = [model.name for model in shown.models]
        return training_table(names, shown.series, _watched(shown, training).history, every)

    figure(key, question, shown.look_for(_watched(shown, training).history), picture, table, alt)


def _phase(training: Training | None) -> Phase:
    """Say which buttons make sense."""
    if training is None:
        return "new"
    if training.job.ended:
        return "ended"
    resting = training.job.state == "paused" or training.job.steps_asked
    return "resting" if resting else "going"


def _buttons(key: str, experiment: Experiment, phase: Phase) -> None:
    """Offer what can be done with a training now."""
    go = {
        "new": ("Start", "play_arrow", _start),
        "ended": ("Start", "play_arrow", _start),
        "resting": ("Resume", "play_arrow", _resume),
        "going": ("Pause", "pause", _pause),
    }
    with st.container(horizontal=True):
        for (label, icon, act), possible in (
            (go[phase], True),
            (("Step", "skip_next", _step), phase in ("new", "resting")),
            (("Stop", "stop", _stop), phase in ("going", "resting")),
            (("Reset", "restart_alt", _reset), phase != "new"),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"{key}-{label.lower()}",
                on_click=act,
                args=(key, experiment),
                disabled=not possible,
            )
    if key in visitor().refusals:
        st.warning(visitor().refusals.pop(key))


# What the buttons do. A click may come when the training is no more what it was: then nothing.


def _start(key: str, experiment: Experiment) -> None:
    training = visitor().trainings.get(key)
    if training is None or training.job.ended:
        training = visitor().prepare(key, experiment)
        visitor().ask(key, lambda workshop: workshop.start(training.job))


def _resume(key: str, _experiment: Experiment) -> None:
    training = visitor().trainings.get(key)
    if training:
        visitor().ask(key, lambda workshop: workshop.start(training.job))


def _step(key: str, experiment: Experiment) -> None:
    training = visitor().trainings.get(key) or visitor().prepare(key, experiment)
    n_models = len(training.experiment.models)
    visitor().ask(key, lambda workshop: workshop.step(training.job, n_models, PATIENCE))


def _pause(key: str, _experiment: Experiment) -> None:
    training = visitor().trainings.get(key)
    if training:
        visitor().workshop.pause(training.job, PATIENCE)


def _stop(key: str, _experiment: Experiment) -> None:
    training = visitor().trainings.get(key)
    if training:
        visitor().workshop.stop(training.job)


def _reset(key: str, experiment: Experiment) -> None:
    _stop(key, experiment)
    visitor().trainings.pop(key, None)


# How it goes


def _watch(
    key: str, experiment: Experiment, training: Training | None, drawn: Phase, theme: Theme
) -> None:
    """Look at a training: this is also what keeps it going."""
    if training:
        visitor().workshop.see(training.job)
        st.progress(training.job.step / training.job.n_steps, text=_progress(training))
    training_view(
        _watched(experiment, training),
        experiment.models,
        experiment.panels,
        colors=colors(theme),
        key=f"{key}-view",
    )
    if _phase(training) != drawn:
        st.rerun()  # the buttons are others now, and what has ended is looked at no more


def _progress(training: Training) -> str:
    """Say where a training is, and how long it has to go."""
    job, n_models = training.job, len(training.experiment.models)
    update = f"update {-(-job.step // n_models):,} of {training.experiment.n_updates:,}"
    match job.state:
        case "queued":
            place = visitor().workshop.place(job)
            return f"Waiting for a free place: number {place} in the queue, {update}"
        case "running":
            left = "" if job.seconds_left is None else f", about {job.seconds_left:.0f} s left"
            return f"Training: {update}{left}"
        case "paused":
            return f"Paused at {update}"
        case _:
            return f"{job.why or 'Done.'} U{update[1:]}, after {job.seconds:.0f} s"


def _watched(experiment: Experiment, training: Training | None) -> Watched:
    """Gather what there is to be seen; before a training has begun, the first update of each."""
    n_models = len(experiment.models)
    job = training.job if training else None
    if job and job.step:
        history = [list(job.history.get(model, ())) for model in range(n_models)]
        profiles = [job.profiles.get(model) for model in range(n_models)]
        frames = job.frames_since(visitor().workshop.clock() - LAST)
    else:
        frames = first_frames(experiment.settings, experiment.make_run)
        history = [[frame.series] for frame in frames]
        profiles = [frame.profile for frame in frames]
    return Watched(
        f"{training.number if training else 0}: {experiment.settings}",
        experiment.n_updates,
        experiment.n_seeds,
        len(experiment.series),
        experiment.note,
        history,
        profiles,
        [Update(frame.model, frame.step, frame.series, frame.profile) for frame in frames],
    )
