"""The widgets of the lesson on the encoder; a widget's key is its name in the address.

An address may leave a choice empty; then it is the default.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import bar
from pages.ui.cached.encoder import PARTS
from pages.ui.cached.model import compute_in_one_thread
from pages.ui.compare import Which, key_of
from pages.ui.components.training_view import Panel, WatchedModel
from pages.ui.controls.cell import numbered
from pages.ui.controls.embeddings import rarest_word
from pages.ui.figures.encoder import WIRINGS, look_for_learning
from pages.ui.training import Experiment

if TYPE_CHECKING:
    from core.tokenization import Reading

MEASURES = ("cosine to the start", "cosine to the end", "length")
D_MODEL = 384  # entries of a vector of the reading model
D_FF = 1536  # units of a feed-forward layer of the reading model
NEGATION = (4, 318)  # block, and a unit of it that has a theme
DEPTHS = (2, 4, 6, 8, 12, 16, 24, 32, 48)
USUAL_WIRINGS = ["pre-norm", "no skip", "neither"]
N_UPDATES = {2: 200, 4: 200, 6: 200, 12: 150}  # of each stack, by its number of blocks
N_SEEDS = 2


def followed_token(reading: Reading) -> int:
    """Ask for the token that the page follows, counted from 0; at first the rarest word."""
    names = numbered(reading.tokens)
    chosen = st.selectbox(
        "Follow the token",
        names,
        index=rarest_word(reading),
        key="enc_token",
        bind="query-params",
        width=260,
    )
    return names.index(chosen)


def measure() -> str:
    """Ask what to measure of every vector."""
    chosen = st.segmented_control(
        "Measure",
        MEASURES,
        default=MEASURES[0],
        required=True,
        key="enc_measure",
        bind="query-params",
    )
    return chosen or MEASURES[0]


def block(key: str, default: int) -> int:
    """Ask for a block, counted from 0."""
    chosen = st.segmented_control(
        "Block",
        range(1, bar.N_BLOCKS + 1),
        default=default,
        required=True,
        key=key,
        bind="query-params",
    )
    return (chosen or default) - 1


def unit() -> tuple[int, int]:
    """Ask for a unit: its block, and its number in it, both counted from 0."""
    usual_block, usual = NEGATION
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen_block = block("enc_unit_block", usual_block)
        number = st.selectbox(
            f"Unit (0 to {D_FF - 1:,})",
            [f"{number}" for number in range(D_FF)],
            index=usual,
            key="enc_unit",
            bind="query-params",
            width=160,
        )
    return chosen_block, int(number)


def depth() -> int:
    """Ask after how many blocks to read."""
    return st.slider(
        "Read after block (0: as it enters)",
        0,
        bar.N_BLOCKS,
        value=3,
        key="enc_depth",
        bind="query-params",
        width=420,
    )


def left_away(reading: Which) -> str:
    """Ask which part one of two readings does without; at first none."""
    chosen = st.pills(
        "Take away",
        PARTS,
        key=key_of("enc_without", reading),
        bind="query-params",
    )
    return chosen or ""


def missing_part() -> str:
    """Ask which part to take away."""
    chosen = st.pills(
        "Take away",
        PARTS,
        default=PARTS[0],
        required=True,
        key="enc_without",
        bind="query-params",
    )
    return chosen or PARTS[0]


def stack() -> tuple[int, list[str]]:
    """Ask how deep a stack is, and which wirings to draw."""
    n_blocks = st.select_slider(
        "Blocks", DEPTHS, value=12, key="enc_stack", bind="query-params", width=420
    )
    chosen = st.pills(
        "Wirings",
        list(WIRINGS),
        selection_mode="multi",
        default=USUAL_WIRINGS,
        key="enc_wirings",
        bind="query-params",
    )
    return n_blocks, [name for name in WIRINGS if name in chosen] or USUAL_WIRINGS


def training() -> Experiment:
    """Ask how deep the stacks are that learn."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Blocks of each stack",
            list(N_UPDATES),
            default=6,
            required=True,
            key="enc_learn",
            bind="query-params",
        )
        seed = st.slider("Seed", 0, 99, key="enc_seed", bind="query-params", width=200)
    n_blocks = chosen or 6
    from core import deep_stack
    from core.device import default_device, describe

    compute_in_one_thread()
    place = default_device()
    wirings = [deep_stack.WIRINGS[name] for name in WIRINGS]
    return Experiment(
        f"{n_blocks} blocks, seed {seed}, on {place}",
        lambda: deep_stack.StackRun(wirings, n_blocks, N_SEEDS, seed, place),
        tuple(WatchedModel(name, color, "") for name, (color, _) in WIRINGS.items()),
        (
            Panel(
                "Accuracy",
                "share of right answers",
                series=(1,),
                limits=(0.0, 1.0),
                baseline=deep_stack.GUESSING_ACCURACY,
                baseline_label="guessing",
            ),
            Panel("Likeness", "cosine between the tokens after the last block", series=(3,)),
            Panel(
                "Gradient by depth",
                "‖∂L/∂x‖, in powers of ten",
                "after block (0: what enters)",
                x=tuple(float(place) for place in range(n_blocks + 1)),
            ),
            Panel(
                "Loss",
                "cross-entropy, nats",
                series=(0,),
                log=True,
                baseline=deep_stack.GUESSING_LOSS,
                baseline_label="guessing",
            ),
        ),
        deep_stack.SERIES,
        partial(
            look_for_learning,
            names=list(WIRINGS),
            guessing_accuracy=deep_stack.GUESSING_ACCURACY,
        ),
        N_UPDATES[n_blocks],
        N_SEEDS,
        f"{N_SEEDS} stacks of each wiring, {describe(place)}",
    )
