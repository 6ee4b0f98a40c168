"""What is so about gradients on their way back: through gates, without tanh, in a switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pages.ui.figures.vanishing_gradients import power
from pages.ui.questions import Truth


def default_gates(found: Mapping[str, np.ndarray], distance: int) -> Truth | None:
    """Say what an LSTM as PyTorch draws it lets through; bars show the decades that are lost."""
    decades = {
        "default": float(np.median(found["LSTM"][0])),
        "open": float(np.median(found["LSTM"][-1])),
        "tanh": float(np.median(found["tanh RNN"])),
    }
    return _powers("default", decades, {"distance": distance})


def no_activation(
    gains: Sequence[float], found: Mapping[str, np.ndarray], gain: float, distance: int
) -> Truth | None:
    """Say what reaches the first step of a network without an activation, at one gain."""
    place = list(gains).index(gain)
    decades = {
        "none": float(found["none"][place]),
        "tanh": float(found["tanh"][place]),
        "all": 0.0,
    }
    return _powers("none", decades, {"gain": f"{gain:g}", "distance": distance})


def _powers(
    right: str, decades: Mapping[str, float], numbers: Mapping[str, object]
) -> Truth | None:
    """Offer powers of ten; if two lie within a decade of each other, nothing is asked."""
    apart = min(abs(decades[right] - value) for name, value in decades.items() if name != right)
    if not apart >= 1:
        return None
    written = {name: power(value) for name, value in decades.items()}
    return Truth(right, numbers={**numbers, **written}, measured=decades)


def latched(states: np.ndarray, decades: np.ndarray) -> Truth | None:
    """Say how far apart two runs of a switch end; if they do not stay apart, nothing is asked."""
    apart = float(states[0, -1] - states[1, -1])
    if apart < 1:
        return None
    return Truth(
        "apart",
        numbers={
            "n_steps": states.shape[1] - 1,
            "gradient": power(float(decades[0, 0])),
            "apart": f"{apart:.1f}",
            "little": power(float(decades[0, 0]) + float(np.log10(2))),
        },
        measured={"apart": apart, "none": 0.0, "little": 2 * 10 ** float(decades[0, 0])},
    )
