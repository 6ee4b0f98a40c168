"""The widgets of trainings, and what they ask for; a widget's key is its name in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.cached.model import compute_in_one_thread
from pages.ui.components.training_view import Panel, WatchedModel
from pages.ui.figures.training import History, look_for_explosion, look_for_memory
from pages.ui.training import Experiment

if TYPE_CHECKING:
    from core.recurrent_training import Recipe
    from core.tasks import TaskName

# On the page and in the address -> recipe, the quantity whose colour it has, what is special.
MODELS = {
    "tanh RNN": ("tanh", "RNN", ""),
    "LSTM": ("lstm", "LSTM", "forget bias 1, "),
    "LSTM chrono": ("lstm_chrono", "LSTM_open", "forget bias by length, "),
    "GRU chrono": ("gru_chrono", "GRU", "bias by length, "),
    "attention": ("attention", "attention", ""),
}
USUAL_MODELS = ["tanh RNN", "LSTM", "LSTM chrono", "attention"]
TASK_NAMES: dict[str, TaskName] = {"recall the first": "recall", "add two numbers": "adding"}
LOSS_UNITS = {"recall": "cross-entropy, nats", "adding": "mean squared error"}
N_UPDATES = {10: 200, 20: 300, 40: 400, 80: 600}  # of each model, by the length of the sequences
N_SEEDS = 4
GAINS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def memory_training() -> Experiment:
    """Ask what is to be remembered, for how long, and by which models."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        task = st.segmented_control(
            "Task",
            list(TASK_NAMES),
            key="train_task",
            default="recall the first",
            bind="query-params",
        )
        length = st.segmented_control(
            "Steps", list(N_UPDATES), key="train_steps", default=40, bind="query-params"
        )
        seed = _seed("train_seed")
        device = _device("train_device")
    chosen = st.pills(
        "Models",
        list(MODELS),
        selection_mode="multi",
        default=USUAL_MODELS,
        key="train_models",
        bind="query-params",
    )
    clip = st.toggle("Clip gradients at 1", value=True, key="train_clip", bind="query-params")
    names = [name for name in MODELS if name in chosen] or USUAL_MODELS
    from core.recurrent_training import RECIPES
    from core.tasks import TASKS

    recipes = [replace(RECIPES[MODELS[name][0]], clip=1.0 if clip else None) for name in names]
    models = [
        WatchedModel(name, MODELS[name][1], MODELS[name][2] + _rate(recipe))
        for name, recipe in zip(names, recipes, strict=True)
    ]
    task_name = TASK_NAMES[task or "recall the first"]  # an address may leave both empty
    length = length or 40
    return _experiment(
        f"{', '.join(names)}, {'' if clip else 'not '}clipped",
        task_name, length, recipes, models,
        (_reach_panel(length), *_panels(task_name)),
        partial(look_for_memory, names=names, guessing_loss=TASKS[task_name].guessing_loss),
        N_UPDATES[length], N_SEEDS, seed, device,
    )  # fmt: skip


def exploding_training() -> Experiment:
    """Ask how large the recurrent weights are at the start of two trainings, clipped and not."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        gain = st.select_slider(
            "Gain of the recurrent weights",
            GAINS,
            value=2.0,
            key="clip_gain",
            bind="query-params",
            width=320,
        )
        seed = _seed("clip_seed")
        device = _device("clip_device")
    from core.recurrent_training import Recipe

    recipes = [
        Recipe("tanh", 0.05, init="gaussian", gain=gain, optimizer="sgd", clip=clip)
        for clip in (None, 1.0)
    ]
    models = [
        WatchedModel("not clipped", "negative", _rate(recipes[0])),
        WatchedModel("clipped at 1", "positive", _rate(recipes[1])),
    ]
    return _experiment(
        f"gain {gain:g}",
        "adding", 30, recipes, models,
        _panels("adding")[1:],
        partial(look_for_explosion, names=[model.name for model in models]),
        250, 2 * N_SEEDS, seed, device,
    )  # fmt: skip


def _experiment(
    what: str,
    task: TaskName,
    length: int,
    recipes: Sequence[Recipe],
    models: Sequence[WatchedModel],
    panels: Sequence[Panel],
    look_for: Callable[[Sequence[History]], str],
    n_updates: int,
    n_seeds: int,
    seed: int,
    device: str,
) -> Experiment:
    """Put an experiment together from what was asked for."""
    import torch

    from core.device import describe
    from core.recurrent_training import SERIES, MemoryRun

    compute_in_one_thread()
    place = torch.device(device)
    return Experiment(
        f"{task}, {length} steps, {what}, seed {seed}, on {device}",
        lambda: MemoryRun(task, length, recipes, n_seeds, seed, place),
        tuple(models),
        tuple(panels),
        SERIES,
        look_for,
        n_updates,
        n_seeds,
        f"{n_seeds} networks of each model, {describe(place)}",
    )


def _reach_panel(length: int) -> Panel:
    """Draw what the lab is about."""
    return Panel(
        "Gradient by distance",
        "‖∂L/∂h‖, relative to the last step",
        "steps back from the last",
        x=tuple(float(distance) for distance in range(length)),
        log=True,
    )


def _panels(task: TaskName) -> tuple[Panel, Panel, Panel]:
    """Draw accuracy, loss and the gradient of the weights."""
    from core.tasks import TASKS

    return (
        Panel(
            "Accuracy",
            "share of right answers",
            series=(1,),
            limits=(0.0, 1.0),
            baseline=TASKS[task].guessing_accuracy,
            baseline_label="guessing",
        ),
        Panel(
            "Loss",
            LOSS_UNITS[task],
            series=(0,),
            log=True,
            baseline=TASKS[task].guessing_loss,
            baseline_label="guessing",
        ),
        Panel(
            "Gradient of the weights", "its norm; dashed after clipping", series=(2, 3), log=True
        ),
    )


def _rate(recipe: Recipe) -> str:
    """Tell how fast a model learns."""
    return f"learning rate {recipe.learning_rate:g}"


def _seed(key: str) -> int:
    """Ask for the number that decides everything random."""
    return st.slider("Seed", 0, 99, key=key, bind="query-params", width=200)


def _device(key: str) -> str:
    """Ask where to compute, if there is a choice."""
    from core.device import describe, devices

    names = {str(device): describe(device) for device in devices()}
    if len(names) == 1:
        return next(iter(names))
    return st.selectbox(
        "Computed on",
        list(names),
        format_func=names.__getitem__,
        key=key,
        bind="query-params",
        width=200,
    ) or next(iter(names))
