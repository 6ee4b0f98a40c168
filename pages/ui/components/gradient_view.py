"""Gradients over the distance: the gain and the gate bias are moved in the browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/gradient_view"
_mount = component(
    "gradient_view",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Line:
    """One kind of network.

    Attributes:
        name: How it is called.
        color: The name of its colour in the palette.
        moved_by: The slider that changes it; None for a line that stays.
        curves: Place on that slider (0 if there is none) -> log10 of the gradient at each
            distance, (10 %, median, 90 % of the networks; distance); −inf for 0, NaN for too large.
            Places may be missing until the browser has asked for more.
    """

    name: str
    color: str
    moved_by: Literal["gain", "bias"] | None
    curves: Mapping[int, np.ndarray]


@dataclass(frozen=True)
class Position:
    """Where the two sliders stand, as places on their scales."""

    gain: int
    bias: int


def gradient_view(
    lines: Sequence[Line],
    gains: Sequence[float],
    biases: Sequence[float],
    theory: Sequence[float],
    position: Position,
    *,
    complete: bool,
    colors: Mapping[str, str],
    key: str,
    on_move: Callable[[], None],
) -> None:
    """Draw how gradients change with the distance, with a slider for the gain and one for the bias.

    Args:
        lines: The networks, at the same number of distances.
        gains: The scale of the first slider.
        biases: The scale of the second one.
        theory: Decades per step that theory predicts for the first line, for each gain.
        position: Where the sliders stand; one that Python has not sent before moves the browser's.
        complete: Whether all places of both sliders have their curves; if not, more is asked for.
        colors: The palette of the current theme.
        key: Name of the figure on its page; `reported_position` reads by it.
        on_move: Called before the rerun when the learner has moved a slider.
    """
    _mount(
        data=gradient_payload(lines, gains, biases, theory, position, complete, colors),
        key=key,
        on_position_change=on_move,
        on_more_change=lambda: None,
    )


def gradient_payload(
    lines: Sequence[Line],
    gains: Sequence[float],
    biases: Sequence[float],
    theory: Sequence[float],
    position: Position,
    complete: bool,
    colors: Mapping[str, str],
) -> bytes:
    """Pack the figure: header length (uint32), header (JSON), all curves one by one (float32).

    Raises:
        ValueError: If a curve has another number of distances than the first one, or stands
            outside its slider.
    """
    shapes = {curve.shape for line in lines for curve in line.curves.values()}
    if len(shapes) != 1:
        raise ValueError(f"curves of shapes {sorted(shapes)} do not fit into one figure")
    n_places = {"gain": len(gains), "bias": len(biases), None: 1}
    for line in lines:
        if not all(0 <= place < n_places[line.moved_by] for place in line.curves):
            raise ValueError(f"{line.name!r} has curves outside {n_places[line.moved_by]} places")
    header = {
        "n_distances": shapes.pop()[1],
        "lines": [
            {
                "name": line.name,
                "color": colors[line.color],
                "moved_by": line.moved_by,
                "places": list(line.curves),
            }
            for line in lines
        ],
        "scales": {"gain": list(gains), "bias": list(biases)},
        "theory": [slope if np.isfinite(slope) else None for slope in theory],
        "position": asdict(within(position, len(gains), len(biases))),
        "complete": complete,
    }
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 4)
    curves = [curve for line in lines for curve in line.curves.values()]
    body = np.stack(curves).astype("<f4").tobytes()
    return len(text).to_bytes(4, "little") + text + body


def reported_position(key: str, n_gains: int, n_biases: int) -> Position | None:
    """Read where the sliders were moved in the browser; None if that is nothing, or no sense."""
    reported = _report(key, "position")
    if not isinstance(reported, Mapping):
        return None
    gain, bias = reported.get("gain"), reported.get("bias")
    if type(gain) is not int or type(bias) is not int:  # True is not a number
        return None
    return within(Position(gain, bias), n_gains, n_biases)


def asked_for_more(key: str) -> bool:
    """Say whether the browser waits for the rest of the curves."""
    return _report(key, "more") is not None


def _report(key: str, name: str) -> Any:
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def within(position: Position, n_gains: int, n_biases: int) -> Position:
    """Move a position to the nearest one on the scales."""
    return Position(
        min(max(position.gain, 0), n_gains - 1), min(max(position.bias, 0), n_biases - 1)
    )
