"""All attention weights of a model in the browser: tokens, the head in focus, every head."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

View = Literal["arcs", "grid", "table"]
SHARES = (0.1, 1.0)  # smallest and largest share of a row's mass that arcs can be asked to carry

_FILES = Path(__file__).parents[3] / "assets/components/attention_view"
_mount = component(
    "attention_view",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Selection:
    """What the learner looks at; blocks, heads and tokens are counted from 0.

    Attributes:
        block: The block of the head in focus.
        head: The head in focus.
        token: The token that looks; None shows all of them.
        view: How the head in focus is drawn.
        share: Arcs show, for each token, the strongest links that together carry this share.
    """

    block: int = 0
    head: int = 0
    token: int | None = None
    view: View = "arcs"
    share: float = 0.7


def attention_view(
    weights: np.ndarray,
    tokens: Sequence[str],
    kinds: Sequence[Sequence[str]],
    selected: Selection,
    *,
    off: Collection[tuple[int, int]] = (),
    causal: bool = False,
    colors: Mapping[str, str],
    key: str,
    on_change: Callable[[], None],
) -> None:
    """Show the attention weights of all blocks and heads on one sentence.

    Args:
        weights: (block, head, query, key), each between 0 and 1.
        tokens: One text per token, as it is to be shown.
        kinds: What each head does on this sentence, in a few words: one list per block.
        selected: What is in focus; a value that Python has not sent before moves the browser's.
        off: The (block, head) pairs that are switched off.
        causal: Whether no token may look at a later one; such cells are not drawn as weights of 0.
        colors: The palette of the current theme; "weights", "q" and "k" are used.
        key: Name of the figure on its page; `reported_selection` reads by it.
        on_change: Called before the rerun when the learner has chosen something else.
    """
    _mount(
        data=attention_payload(weights, tokens, kinds, selected, off, colors, causal),
        key=key,
        on_selected_change=on_change,
    )


def attention_payload(
    weights: np.ndarray,
    tokens: Sequence[str],
    kinds: Sequence[Sequence[str]],
    selected: Selection,
    off: Collection[tuple[int, int]],
    colors: Mapping[str, str],
    causal: bool = False,
) -> bytes:
    """Pack the figure: header length (uint32), header (JSON), weights in 255 steps (uint8).

    A selection outside the weights is moved to the nearest one inside; a token outside is dropped.

    Raises:
        ValueError: If tokens, kinds or switched-off heads do not fit the weights, or a weight is
            not between 0 and 1.
    """
    n_blocks, n_heads, n_tokens = _sizes(weights.shape)
    if len(tokens) != n_tokens:
        raise ValueError(f"tokens has {len(tokens)} texts, but weights are between {n_tokens}")
    if [len(block) for block in kinds] != [n_heads] * n_blocks:
        raise ValueError(
            f"kinds has {[len(block) for block in kinds]} names, "
            f"but weights have {n_blocks} blocks of {n_heads} heads"
        )
    for block, head in off:
        if not (0 <= block < n_blocks and 0 <= head < n_heads):
            raise ValueError(f"off={block, head} is outside {n_blocks} blocks x {n_heads} heads")
    steps = np.rint(255 * weights)
    if not (steps.min() >= 0 and steps.max() <= 255):
        raise ValueError(f"weights are between {weights.min()} and {weights.max()}, not 0 and 1")

    header = {
        "tokens": list(tokens),
        "n_blocks": n_blocks,
        "n_heads": n_heads,
        "kinds": [list(block) for block in kinds],
        "off": sorted(off),
        "causal": causal,
        "selected": asdict(_within(selected, weights.shape)),
        "colors": {name: colors[name] for name in ("weights", "q", "k")},
    }
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + steps.astype(np.uint8).tobytes()


def reported_selection(key: str, shape: Sequence[int]) -> Selection | None:
    """Read what the learner chose in the browser; None if that is nothing, or makes no sense.

    Args:
        key: Name of the figure on its page.
        shape: The shape of the weights shown: (block, head, query, key).
    """
    state = st.session_state.get(key)
    return valid_selection(state.get("selected") if isinstance(state, Mapping) else None, shape)


def valid_selection(reported: Any, shape: Sequence[int]) -> Selection | None:
    """Accept what a browser sent if it has the fields of a selection, moved inside the weights."""
    if not isinstance(reported, Mapping):
        return None
    report: dict[str, Any] = {field.name: reported.get(field.name) for field in fields(Selection)}
    if any(type(report[name]) is not int for name in ("block", "head")):  # True is not a number
        return None
    if type(report["token"]) not in (int, type(None)) or report["view"] not in get_args(View):
        return None
    if type(report["share"]) not in (int, float) or report["share"] != report["share"]:  # not NaN
        return None
    return _within(Selection(**report), shape)


def _within(selected: Selection, shape: Sequence[int]) -> Selection:
    n_blocks, n_heads, n_tokens = _sizes(shape)
    token = selected.token
    return Selection(
        block=min(max(selected.block, 0), n_blocks - 1),
        head=min(max(selected.head, 0), n_heads - 1),
        token=token if token is not None and 0 <= token < n_tokens else None,
        view=selected.view,
        share=float(min(max(selected.share, SHARES[0]), SHARES[1])),
    )


def _sizes(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) != 4 or shape[2] != shape[3] or 0 in shape:
        raise ValueError(f"weights have shape {tuple(shape)}; give (block, head, query, key)")
    return shape[0], shape[1], shape[2]
