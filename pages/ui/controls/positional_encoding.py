"""The widgets of the lesson on positional encoding; a widget's key is its name in the address."""

from __future__ import annotations

import streamlit as st

from pages.ui import bar


def shuffle_seed() -> int:
    """Ask which of the shuffled orders to look at."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Shuffle my words",
            icon=":material/shuffle:",
            key="shuffle-next",
            on_click=lambda: bar.choose(shuffle=st.session_state["shuffle"] % 99),
        )
        return st.slider("Order number", 1, 99, key="shuffle", bind="query-params", width=260)


def sinusoid() -> tuple[int, int, float]:
    """Ask for the number of positions, the width and the base of an encoding."""
    length, d_model, base = st.columns(3)
    with length:
        n_positions = st.slider("Positions", 8, 200, value=64, key="pe_length", bind="query-params")
    with d_model:
        width = st.select_slider(
            "$d_{model}$", range(4, 257, 2), value=128, key="pe_width", bind="query-params"
        )
    with base:
        longest = st.select_slider(
            "Base",
            (10, 100, 1_000, 10_000, 100_000, 1_000_000),
            value=10_000,
            key="pe_base",
            bind="query-params",
        )
    return n_positions, width, float(longest)


def dimensions(d_model: int) -> list[int]:
    """Ask which dimensions of the encoding to draw as waves."""
    chosen = st.pills(
        "Dimensions",
        (0, 1, 10, 20, 21, 40, 41, 80, 160, 250),
        selection_mode="multi",
        default=[0, 20, 21, 40],
        key="pe_dims",
        bind="query-params",
    )
    return [dimension for dimension in chosen if dimension < d_model] or [0]


def step_of_positions() -> tuple[int, int]:
    """Ask for a position and by how many tokens to move on from it."""
    position, offset = st.columns(2)
    with position:
        start = st.slider("Position $pos$", 0, 127, value=5, key="pe_from", bind="query-params")
    with offset:
        step = st.slider(
            "Move on by $k$ tokens", 1, 64, value=3, key="pe_step", bind="query-params"
        )
    return start, step
