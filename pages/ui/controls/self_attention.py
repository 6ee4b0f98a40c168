"""The widgets of the lesson on self-attention; a widget's key is its name in the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import bar, matrices
from pages.ui.cached.model import MINILM
from pages.ui.compare import Which, key_of
from pages.ui.components.attention_view import Selection, reported_selection, valid_selection
from pages.ui.text import whole_number

if TYPE_CHECKING:
    from core.encoder import Ablation


def selection(shape: Sequence[int], default_token: int) -> Selection:
    """Give what the attention figure shows: block and head, and what the address says of the rest.

    Args:
        shape: The shape of the weights shown: (block, head, query, key).
        default_token: The token that looks unless somebody chose another.
    """
    block, head = bar.block_and_head()
    asked = st.query_params.to_dict()
    token, share = whole_number(asked.get("token", "")), whole_number(asked.get("share", ""))
    chosen = Selection(
        block,
        head,
        None if asked.get("token") == "all" else default_token if token is None else token - 1,
        asked.get("view", "arcs"),
        0.7 if share is None else share / 100,
    )
    return valid_selection(asdict(chosen), shape) or Selection(block, head, default_token)


def keep_selection(key: str, shape: Sequence[int], default_token: int) -> None:
    """Put what was chosen in the attention figure into the controls and the address."""
    chosen = reported_selection(key, shape)
    if chosen is None:
        return
    bar.choose(block=chosen.block, head=chosen.head)
    token = "all" if chosen.token is None else str(chosen.token + 1)
    _note("token", token, str(default_token + 1))
    _note("view", chosen.view, "arcs")
    _note("share", f"{100 * chosen.share:.0f}", "70")


def _note(name: str, value: str, default: str) -> None:
    """Write a value into the address, or leave it out if it is the default."""
    if value != default:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def projection() -> matrices.Projection:
    """Ask which of a token's three vectors to make."""
    chosen = st.segmented_control(
        "Make",
        ("q", "k", "v"),
        format_func=str,
        default="q",
        required=True,
        key="make",
        bind="query-params",
    )
    return chosen or "q"  # an address may leave it empty


ABLATIONS = {
    "positions": {"positions": False},
    "own keys": {"shared_qk": True},
    "scaling": {"scale": False},
}


def ablation(n_blocks: int, n_heads: int, reading: Which | None = None) -> Ablation:
    """Ask what to take away from the model while it reads: of two readings, at first nothing."""
    from core.encoder import Ablation

    places = {
        matrices.head_name(block, head): (block, head)
        for block in range(n_blocks)
        for head in range(n_heads)
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        parts = st.pills(
            "Take away",
            list(ABLATIONS),
            selection_mode="multi",
            default=[] if reading else ["own keys"],
            key=key_of("without", reading),
            bind="query-params",
            help="Without keys of their own, tokens are found by what they look for: k = q.",
        )
        heads = st.multiselect(
            "Switch heads off",
            list(places),
            key=key_of("off", reading),
            bind="query-params",
            placeholder="none",
            max_selections=24,
        )
    changes = {name: value for part in parts for name, value in ABLATIONS[part].items()}
    return Ablation(heads=frozenset(places[name] for name in heads), **changes)


def wants_measures(text: str, model_id: str, n_tokens: int) -> bool:
    """Ask whether to compute what takes long; what the default says of itself everybody shares."""
    is_default = model_id == MINILM.id
    duration = f"about {0.002 * n_tokens**2:.1f} s" if is_default else "it may take a while"
    return (is_default and text == bar.DEFAULT_SENTENCE) or st.toggle(
        f"Compute it for this sentence ({duration})",
        key="measures",
        bind="query-params",
    )
