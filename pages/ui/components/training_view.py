"""A training that is watched: lines that grow with every update, and a profile that moves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from streamlit.components.v2 import component

MOST_POINTS = 300  # of a line; of a longer one every second, third ... is sent
MOST_UPDATES = 40  # of each model that one message plays over a second

_FILES = Path(__file__).parents[3] / "assets/components/training_view"
_mount = component(
    "training_view",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class WatchedModel:
    """One model of a training.

    Attributes:
        name: How it is called.
        color: The quantity of the palette whose colour its lines have.
        note: What else belongs to it, in few words: its learning rate.
    """

    name: str
    color: str
    note: str


@dataclass(frozen=True)
class Panel:
    """One picture of a training.

    Attributes:
        title: What is drawn.
        unit: Its unit or scale, and what its kinds of line mean.
        x_label: What runs to the right.
        series: Which numbers of an update are drawn, solid the first and dashed the second.
        x: Draws the profile instead: where each of its numbers stands, rising.
        log: Whether the scale is logarithmic.
        limits: What the scale spans; None follows the numbers.
        baseline: Where a dotted line is drawn.
        baseline_label: What it means.
    """

    title: str
    unit: str
    x_label: str = "updates"
    series: tuple[int, ...] = ()
    x: tuple[float, ...] | None = None
    log: bool = False
    limits: tuple[float, float] | None = None
    baseline: float | None = None
    baseline_label: str = ""


@dataclass(frozen=True, eq=False)
class Update:
    """What one update of one model shows: (series, seed) numbers and, perhaps, a profile."""

    model: int
    step: int
    series: np.ndarray
    profile: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Watched:
    """All that there is to be seen of a training at one moment.

    Attributes:
        run: Tells one training from another on the same page.
        n_updates: Updates that each model makes at most.
        n_seeds: Networks of each model.
        n_series: Numbers that each update shows of a network.
        note: Stands beside the count of updates.
        history: For each model, for each of its updates, (series, seed) numbers.
        profiles: For each model its latest (seed, x) numbers.
        updates: The updates of the last second or so, oldest first.
    """

    run: str
    n_updates: int
    n_seeds: int
    n_series: int
    note: str
    history: Sequence[Sequence[np.ndarray]]
    profiles: Sequence[np.ndarray | None]
    updates: Sequence[Update]


def training_view(
    watched: Watched,
    models: Sequence[WatchedModel],
    panels: Sequence[Panel],
    *,
    colors: Mapping[str, str],
    key: str,
) -> None:
    """Show a training; call it once a second while it runs.

    Args:
        watched: What there is to be seen.
        models: The models, in the order of the run.
        panels: The pictures.
        colors: The palette of the current theme.
        key: Name of the figure on its page.
    """
    _mount(data=training_payload(watched, models, panels, colors), key=key)


def training_payload(
    watched: Watched,
    models: Sequence[WatchedModel],
    panels: Sequence[Panel],
    colors: Mapping[str, str],
) -> bytes:
    """Pack a training: header length (uint32), header (JSON), numbers (float32).

    The numbers: for each model the updates that are drawn, then (update, series, seed); for each
    model that has one its profile (seed, x); for each update to play its model, its step, whether
    it has a profile, (series, seed), and the profile. NaN and ∞ travel as they are.
    Profiles that no panel draws are left out.

    Raises:
        ValueError: If models and numbers do not fit together.
    """
    if not len(models) == len(watched.history) == len(watched.profiles):
        raise ValueError(
            f"{len(models)} models, but {len(watched.history)} histories "
            f"and {len(watched.profiles)} profiles"
        )
    x = next((panel.x for panel in panels if panel.x is not None), ())
    point, line = (watched.n_series, watched.n_seeds), (watched.n_seeds, len(x))
    profiles = [profile if x else None for profile in watched.profiles]
    parts: list[np.ndarray] = []
    n_points: list[int] = []
    for updates in watched.history:
        drawn = thinned(len(updates))
        n_points.append(len(drawn))
        parts += [np.array(drawn) + 1, *(_shaped(updates[update], point) for update in drawn)]
    parts += [_shaped(profile, line) for profile in profiles if profile is not None]
    for update in _played(watched.updates):
        profile = update.profile if x else None
        facts = (update.model, update.step, profile is not None)
        parts += [np.array(facts), _shaped(update.series, point)]
        if profile is not None:
            parts.append(_shaped(profile, line))
    with np.errstate(over="ignore"):  # beyond float32 a number is ∞
        numbers = np.concatenate([part.astype(np.float32).ravel() for part in parts] or [[]])
    header = {
        "run": watched.run,
        "n_updates": watched.n_updates,
        "n_seeds": watched.n_seeds,
        "n_series": watched.n_series,
        "note": watched.note,
        "n_x": len(x),
        "models": [
            {**asdict(model), "n_points": n, "has_profile": profile is not None}
            for model, n, profile in zip(models, n_points, profiles, strict=True)
        ],
        "panels": [asdict(panel) for panel in panels],
        "colors": {model.color: colors[model.color] for model in models},
    }
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + numbers.astype("<f4").tobytes()


def thinned(n_updates: int) -> list[int]:
    """Choose which of so many updates are drawn: evenly, and always the last."""
    every = -(-n_updates // MOST_POINTS) or 1
    return sorted({*range(0, n_updates, every), *range(n_updates)[-1:]})


def _played(updates: Sequence[Update]) -> list[Update]:
    """Choose the updates to be played: all models at the same steps."""
    n_steps = len({update.step for update in updates})
    every = -(-n_steps // MOST_UPDATES) or 1
    return [update for update in updates if update.step % every == 0]


def _shaped(numbers: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if numbers.shape != shape:
        raise ValueError(f"numbers have shape {numbers.shape}, but {shape} is to be shown")
    return numbers
