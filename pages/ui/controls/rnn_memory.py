"""The widgets of the lesson on memory; a widget's key is its name in the address."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.number_words import read_number
from pages.ui.cached.rnn_memory import N_SEEDS
from pages.ui.components.training_view import Panel, WatchedModel
from pages.ui.figures.rnn_memory import COLORS, NAMES, look_for_run
from pages.ui.text import cleaned, quoted
from pages.ui.training import Experiment

DEFAULT_NUMBER = "12,345,678"
# What stands on the widget and in the address -> its name in core.
LOOKING = {"LSTM": "attention", "Transformer": "transformer"}
TASKS = {"number words": "numbers", "letters reversed": "reversal"}
MODELS = {NAMES[kind]: kind for kind in ("fixed", "attention", "transformer")}
USUAL_MODELS = [NAMES["fixed"], NAMES["attention"]]
N_UPDATES = 600
TEST_LENGTHS = tuple(range(3, 13))


def number_and_seed() -> tuple[int, int]:
    """Ask for a number, and which of the trained networks are to write it (counted from 0).

    What is no number is answered with a sentence, and the default is read.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Your number",
            value=DEFAULT_NUMBER,
            key="number",
            bind="query-params",
            max_chars=400,
            placeholder="In digits or in English words",
            width=420,
        )
        seed = st.segmented_control(
            "Trained from seed",
            range(1, N_SEEDS + 1),
            default=1,
            required=True,
            key="memory_seed",
            bind="query-params",
        )
    try:
        number = read_number(cleaned(typed).text or DEFAULT_NUMBER)
    except ValueError as error:
        st.warning(f"That was not read: {quoted(str(error))}. Below is {DEFAULT_NUMBER}.")
        number = read_number(DEFAULT_NUMBER)
    return number, (seed or 1) - 1


def looking() -> str:
    """Ask whose attention to draw."""
    chosen = st.segmented_control(
        "Attention of",
        list(LOOKING),
        default="LSTM",
        required=True,
        key="memory_looks",
        bind="query-params",
    )
    return LOOKING[chosen or "LSTM"]


def training() -> Experiment:
    """Ask what is to be learned, by which translators."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        task = (
            st.segmented_control(
                "Task",
                list(TASKS),
                default="number words",
                key="memory_task",
                bind="query-params",
            )
            or "number words"
        )
        d_model = (
            st.segmented_control(
                "Numbers in the vector", (32, 64, 128), default=64, key="memory_width",
                bind="query-params",
            )
            or 64
        )  # fmt: skip
        start = st.slider("Seed", 0, 99, key="memory_start", bind="query-params", width=200)
    chosen = st.pills(
        "Models",
        list(MODELS),
        selection_mode="multi",
        default=USUAL_MODELS,
        key="memory_models",
        bind="query-params",
    )
    names = [name for name in MODELS if name in chosen] or USUAL_MODELS
    kinds = [MODELS[name] for name in names]
    from core.device import default_device, describe
    from core.seq2seq_training import SERIES, RunConfig, Seq2SeqRun

    config = RunConfig(
        kinds, TASKS[task], (start, start + 1), N_UPDATES, d_model, 25, TEST_LENGTHS, 50
    )
    place = default_device()
    return Experiment(
        f"{task}, {', '.join(names)}, {d_model} wide, seed {start}, on {place}",
        lambda: Seq2SeqRun(config, place),
        tuple(WatchedModel(NAMES[kind], COLORS[kind], "learning rate 0.003") for kind in kinds),
        (
            Panel(
                "Accuracy by length",
                "share of right translations",
                "words of the source; trained on up to 9",
                x=tuple(float(length) for length in TEST_LENGTHS),
                limits=(0.0, 1.0),
            ),
            Panel("Loss", "nats per word, mean of the last 8 updates", series=(1,), log=True),
        ),
        SERIES,
        partial(look_for_run, names=names),
        N_UPDATES,
        2,
        f"2 networks of each model, {describe(place)}",
    )
