"""What is so about costs: where attention keeps more than a state, and which layer is fastest."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from pages.ui.figures.sequential_cost import Counted, Curve
from pages.ui.questions import Truth

CLEAR = 1.1  # the fastest must be so many times as fast as the next for the question to be asked


def where_weights_pass_the_state(counted: Mapping[str, Counted]) -> Truth:
    """Say from which length on the n × n weights of attention are more than the RNN's state."""
    state = int(counted["RNN"].memory[0])
    square = isqrt(state) + 1
    return Truth(
        "square",
        numbers={"state": state, "square": square, "linear": state + 1, "double": 2 * state + 1},
        measured={"square": square, "linear": state + 1, "double": 2 * state + 1},
    )


def fastest(curves: Mapping[str, Curve], width: int, batch: int, device: str) -> Truth | None:
    """Say which layer takes least time on the longest text that all of them have read."""
    if not curves:
        return None
    length = int(curves["RNN"].lengths[-1])
    times = {name: 1e3 * float(curve.middle[-1]) for name, curve in curves.items()}
    first, second, *_ = sorted(times.values())
    if second < CLEAR * first:
        return None
    return Truth(
        min(times, key=times.__getitem__),
        numbers={
            "width": width,
            "texts": f"{batch} texts" if batch > 1 else "a text",
            "length": f"{length:,}",
            "device": device,
        },
        measured=times,
    )
