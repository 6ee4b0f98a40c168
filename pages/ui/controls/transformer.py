"""The widgets of the map; a widget's key is its name in the address.

An address may leave a choice empty; then it is the default.
"""

from __future__ import annotations

import streamlit as st

from pages.ui.bar import N_BLOCKS
from pages.ui.cached.transformer import LENGTHS
from pages.ui.components.transformer_map import KINDS, Kind


def block() -> int:
    """Ask for the block that the map shows, counted from 0."""
    chosen = st.segmented_control(
        "Block",
        range(1, N_BLOCKS + 1),
        default=1,
        required=True,
        key="map_block",
        bind="query-params",
    )
    return (chosen or 1) - 1


def kind() -> tuple[str, Kind]:
    """Ask which kind of Transformer is drawn."""
    chosen = st.segmented_control(
        "Kind",
        list(KINDS),
        default="encoder-only",
        required=True,
        key="kind",
        bind="query-params",
    )
    chosen = chosen or "encoder-only"
    return chosen, KINDS[chosen]


def length() -> int:
    """Ask how long the repeated sentence is."""
    return st.select_slider(
        "Tokens", LENGTHS, value=64, key="map_length", bind="query-params", width=420
    )
