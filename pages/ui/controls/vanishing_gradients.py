"""The widgets of the lesson on vanishing gradients; a widget's key is its name in the address.

An address may leave a choice empty; then it is the first one.
"""

from __future__ import annotations

from math import inf, isfinite

import streamlit as st

from pages.ui.cached.vanishing_gradients import (
    BIASES,
    GAINS,
    KINDS,
    LARGEST,
    Setting,
    affordable,
    devices,
)
from pages.ui.components.gradient_view import Position, reported_position

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
SEEDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
INITS = {"Gaussian": "gaussian", "orthogonal": "orthogonal", "as PyTorch": "pytorch"}


def device() -> str:
    """Ask where to compute, if there is a choice."""
    gpu, *others = devices()
    if not others:
        return "cpu"
    chosen = st.segmented_control(
        "Computed on",
        ("GPU", "CPU"),
        default="GPU",
        required=True,
        key="device",
        bind="query-params",
        help=f"GPU: {devices()[gpu]}",
    )
    return "cpu" if chosen == "CPU" else gpu


def setting() -> Setting:
    """Ask for the size of the experiment and how weights are drawn; too large ones are cut down."""
    chosen_device = device()
    largest = LARGEST[chosen_device.partition(":")[0]]
    columns = st.columns(3)
    sizes = [
        column.select_slider(
            label,
            [option for option in options if option <= most],
            value=default,
            key=key,
            bind="query-params",
        )
        for column, label, options, most, default, key in (
            (columns[0], "Length of the sequence", LENGTHS, largest.length, 128, "steps"),
            (columns[1], "Width of the state", WIDTHS, largest.width, 64, "units"),
            (columns[2], "Networks (seeds)", SEEDS, largest.n_seeds, 16, "networks"),
        )
    ]
    init = st.segmented_control(
        "Recurrent weights at the start",
        list(INITS),
        default="Gaussian",
        required=True,
        key="init",
        bind="query-params",
    )
    asked = Setting(*sizes, INITS[init or "Gaussian"], chosen_device)
    afforded = affordable(asked)
    if afforded != asked:
        st.caption(
            f":material/info: {asked.n_seeds} networks of width {asked.width} over {asked.length} "
            f"steps are more than one visitor gets here; {afforded.n_seeds} "
            f"{'is' if afforded.n_seeds == 1 else 'are'} shown."
        )
    return afforded


def position() -> Position:
    """Say where the sliders in the figure stand, as the address says."""
    return Position(
        _nearest(GAINS, st.query_params.get("gain", ""), 1.0),
        _nearest(BIASES, st.query_params.get("forget", ""), 3.0),
    )


def _nearest(scale: tuple[float, ...], written: str, default: float) -> int:
    """Find the place of the value nearest to what an address says."""
    try:
        value = float(written[:9])
    except ValueError:
        value = inf
    value = value if isfinite(value) else default
    return min(range(len(scale)), key=lambda place: abs(scale[place] - value))


def keep_position(key: str) -> None:
    """Write where the sliders in the figure were moved into the address."""
    moved = reported_position(key, len(GAINS), len(BIASES))
    if moved is None:
        return
    for name, scale, place, default in (
        ("gain", GAINS, moved.gain, 1.0),
        ("forget", BIASES, moved.bias, 3.0),
    ):
        if scale[place] != default:
            st.query_params[name] = f"{scale[place]:g}"
        elif name in st.query_params:
            del st.query_params[name]


def activation_and_gain() -> tuple[str, float]:
    """Ask for the network whose Jacobians are multiplied."""
    left, right = st.columns(2)
    with left:
        kind = st.segmented_control(
            "Activation",
            list(KINDS),
            default="tanh",
            required=True,
            key="activation",
            bind="query-params",
        )
    with right:
        gain = st.select_slider(
            "Gain of the recurrent matrix", GAINS, value=1.25, key="chain_gain", bind="query-params"
        )
    return KINDS[kind or "tanh"], gain


def measure_now() -> bool:
    """Offer to measure the time on each device."""
    return st.button("Measure the time", icon=":material/timer:", key="time-devices")
