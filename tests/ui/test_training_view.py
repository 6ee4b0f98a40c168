"""What is sent to the browser of a training."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pages.ui.components.training_view import (
    MOST_POINTS,
    MOST_UPDATES,
    Panel,
    Update,
    Watched,
    WatchedModel,
    thinned,
    training_payload,
)

N_SERIES, N_SEEDS, N_X = 2, 3, 5
MODELS = (WatchedModel("<b>tanh</b>", "RNN", "rate 0.01"), WatchedModel("LSTM", "LSTM", ""))
PANELS = (
    Panel("Loss", "nats", series=(0,), log=True, baseline=2.0, baseline_label="guessing"),
    Panel("Reach", "norm", "distance", x=tuple(range(N_X)), log=True),
)
COLORS = {"RNN": "#b3261e", "LSTM": "#00639b", "q": "#2b59c3"}


def a_series(value: float) -> np.ndarray:
    return np.full((N_SERIES, N_SEEDS), value)


def a_profile(value: float) -> np.ndarray:
    return np.full((N_SEEDS, N_X), value)


def watched(**changed: Any) -> Watched:
    facts = {
        "run": "1",
        "n_updates": 100,
        "n_seeds": N_SEEDS,
        "n_series": N_SERIES,
        "note": "CPU",
        "history": [[a_series(1), a_series(2)], [a_series(3)]],
        "profiles": [a_profile(0.5), None],
        "updates": [],
    }
    return Watched(**(facts | changed))


def unpacked(packed: bytes) -> tuple[dict[str, Any], np.ndarray]:
    size = int.from_bytes(packed[:4], "little")
    assert size % 4 == 0
    return json.loads(packed[4 : 4 + size]), np.frombuffer(packed, "<f4", offset=4 + size)


def payload(**changed: Any) -> tuple[dict[str, Any], np.ndarray]:
    return unpacked(training_payload(watched(**changed), MODELS, PANELS, COLORS))


def test_numbers_follow_each_other_as_the_header_says() -> None:
    header, numbers = payload()
    assert [model["n_points"] for model in header["models"]] == [2, 1]
    assert [model["has_profile"] for model in header["models"]] == [True, False]
    expected = [1, 2, *[1] * 6, *[2] * 6, 1, *[3] * 6, *[0.5] * 15]
    assert numbers.tolist() == expected


def test_series_travel_before_seeds_and_seeds_before_places() -> None:
    series = np.arange(N_SERIES * N_SEEDS, dtype=float).reshape(N_SERIES, N_SEEDS)
    profile = np.arange(N_SEEDS * N_X, dtype=float).reshape(N_SEEDS, N_X)
    _, numbers = payload(history=[[series], []], profiles=[None, profile])
    assert numbers.tolist() == [1, *range(N_SERIES * N_SEEDS), *range(N_SEEDS * N_X)]


def test_updates_to_play_bring_their_profile_if_they_have_one() -> None:
    updates = [Update(0, 7, a_series(4), a_profile(5)), Update(1, 7, a_series(6))]
    _, numbers = payload(history=[[], []], profiles=[None, None], updates=updates)
    assert numbers.tolist() == [0, 7, 1, *[4] * 6, *[5] * 15, 1, 7, 0, *[6] * 6]


def test_profiles_that_no_panel_draws_stay_here() -> None:
    packed = training_payload(watched(), MODELS, PANELS[:1], COLORS)
    header, numbers = unpacked(packed)
    assert not any(model["has_profile"] for model in header["models"])
    assert numbers.tolist() == [1, 2, *[1] * 6, *[2] * 6, 1, *[3] * 6]


def test_what_is_no_number_arrives_as_it_is() -> None:
    odd = np.array([[np.nan, np.inf, 1e300], [-np.inf, 0.0, 1e-30]])
    _, numbers = payload(history=[[odd], []], profiles=[None, None])
    np.testing.assert_array_equal(
        numbers[1:], np.array([np.nan, np.inf, np.inf, -np.inf, 0, 1e-30], np.float32)
    )


def test_nothing_yet_is_a_payload_too() -> None:
    header, numbers = payload(history=[[], []], profiles=[None, None])
    assert numbers.size == 0
    assert header["models"][0]["name"] == "<b>tanh</b>"  # escaped by the browser, as text


def test_only_the_colours_that_are_used_travel() -> None:
    header, _ = payload()
    assert header["colors"] == {"RNN": "#b3261e", "LSTM": "#00639b"}


@pytest.mark.parametrize("n_updates", [0, 1, 2, MOST_POINTS, MOST_POINTS + 1, 5 * MOST_POINTS + 7])
def test_long_lines_are_thinned_evenly_and_keep_their_ends(n_updates: int) -> None:
    chosen = thinned(n_updates)
    assert len(chosen) <= MOST_POINTS + 1
    assert chosen == sorted(set(chosen))
    if n_updates:
        assert chosen[0] == 0
        assert chosen[-1] == n_updates - 1
    assert len(set(np.diff(chosen[:-1]).tolist())) <= 1


def test_all_models_play_the_same_steps_and_not_too_many() -> None:
    updates = [
        Update(model, step, a_series(0)) for step in range(1, 4 * MOST_UPDATES) for model in (0, 1)
    ]
    _, numbers = payload(history=[[], []], profiles=[None, None], updates=updates)
    played = numbers.reshape(-1, 3 + N_SERIES * N_SEEDS)[:, :2]
    steps = [played[played[:, 0] == model, 1].tolist() for model in (0, 1)]
    assert steps[0] == steps[1]
    assert 1 < len(steps[0]) <= MOST_UPDATES


@pytest.mark.parametrize(
    "changed",
    [
        {"history": [[a_series(1)]]},
        {"profiles": [None]},
        {"history": [[np.zeros((N_SEEDS, N_SERIES))], []]},
        {"profiles": [np.zeros((N_X, N_SEEDS)), None]},
        {"updates": [Update(0, 1, np.zeros((N_SEEDS, N_SERIES)))]},
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"2 models, but|numbers have shape"):
        payload(**changed)
