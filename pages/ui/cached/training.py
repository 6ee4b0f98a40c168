"""The workshop where all visitors' trainings run, and what each visitor has in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.cached.model import AT_ONCE

if TYPE_CHECKING:
    from core.training import Frame, Job, Run, Workshop
    from pages.ui.training import Experiment


@dataclass(frozen=True, eq=False)
class Training:
    """A job, and the settings that it was started with."""

    experiment: Experiment
    job: Job
    number: int  # tells it from the visitor's other trainings


@dataclass(eq=False)
class Visitor:
    """One browser tab's place in the workshop: one training at a time; what others showed stays."""

    workshop: Workshop
    trainings: dict[str, Training] = field(default_factory=dict)  # by the figure that shows it
    refusals: dict[str, str] = field(default_factory=dict)  # what the workshop said, by figure
    n_prepared: int = 0

    def prepare(self, figure: str, experiment: Experiment) -> Training:
        """Make a job for a figure, and stop all others."""
        from core.training import Job

        self.leave()
        self.n_prepared += 1
        job = Job(experiment.make_run, experiment.n_updates * len(experiment.models))
        self.trainings[figure] = Training(experiment, job, self.n_prepared)
        return self.trainings[figure]

    def ask(self, figure: str, what: Callable[[Workshop], None]) -> None:
        """Ask the workshop for a place, and keep what it says if it refuses."""
        from core.training import WorkshopFullError

        try:
            what(self.workshop)
        except WorkshopFullError as refusal:
            self.refusals[figure] = str(refusal)

    def leave(self) -> None:
        """Stop whatever is still going on."""
        for training in self.trainings.values():
            self.workshop.stop(training.job)


@st.cache_resource(show_spinner=False, on_release=lambda workshop: workshop.close())
def workshop() -> Workshop:
    """Open the one workshop of this process."""
    from core.training import Workshop

    return Workshop()


@st.cache_resource(show_spinner=False, scope="session", on_release=Visitor.leave)
def visitor() -> Visitor:
    """Give this browser tab its place in the workshop; when the tab is gone its training ends."""
    return Visitor(workshop())


@st.cache_resource(max_entries=256, show_spinner=False)
def first_frames(settings: str, _make_run: Callable[[], Run]) -> list[Frame]:
    """Make the first update of every model of a run, which its settings describe."""
    with AT_ONCE:
        run = _make_run()
        return [run.step() for _ in range(run.n_models)]
