"""Cached calls of the lesson on vanishing gradients. Keys are text and small numbers."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.alignment import shared_tokens
from pages.ui.cached.model import AT_ONCE, encoder, reader, reading
from pages.ui.cached.tokenization import token_cut
from pages.ui.components.gradient_view import Line, Position

if TYPE_CHECKING:
    from core.vanishing_gradients import Model

N_SEEDS = 16  # networks behind a figure, unless the learner chooses
WIDTH = 64

# Who reads the sentence: its name on screen, the model, and the bias of an LSTM's forget gate.
READERS = {
    "tanh RNN": ("tanh", 0.0),
    "ReLU RNN": ("relu", 0.0),
    "LSTM": ("lstm", 0.0),
    "LSTM, bias 3": ("lstm", 3.0),
    "GRU": ("gru", 0.0),
    "attention": ("attention", 0.0),
}


@st.cache_resource(max_entries=32, show_spinner=False)
def model(kind: str, n_seeds: int, d_input: int, width: int, init: str) -> Model:
    """Draw networks once; a gain or a bias is put on a copy."""
    from core import vanishing_gradients

    return vanishing_gradients.draw_model(kind, n_seeds, d_input, width, init)


class Reach(NamedTuple):
    """The tokens of a sentence, and how much of the loss reaches each of them."""

    tokens: list[str]
    decades: dict[str, np.ndarray]  # by reader: log10 of the median over seeds, last token = 0


@st.cache_resource(max_entries=256, show_spinner=False)
def sentence_reach(text: str) -> Reach:
    """Let all readers read a sentence, and follow their gradients back to its first word."""
    from core.rnn import with_forget_bias
    from core.vanishing_gradients import gradient_by_distance, over_seeds, standardised

    cut = token_cut("tokens", reader(), text)
    places = [place for place, (start, end) in enumerate(cut.offsets) if start < end]
    places = places or list(range(len(cut.labels)))
    rows = encoder().embeddings.token[[reading(text).token_ids[place] for place in places]]
    inputs = standardised(rows)
    decades: dict[str, np.ndarray] = {}
    with AT_ONCE:
        for name, (kind, bias) in READERS.items():
            drawn = model(kind, N_SEEDS, inputs.shape[1], WIDTH, "pytorch")
            drawn = with_forget_bias(drawn, bias) if bias else drawn
            decades[name] = (
                over_seeds(gradient_by_distance(drawn, inputs))[1].flip(0).log10().numpy()
            )
    return Reach([cut.labels[place] for place in places], decades)


MOST_LOST = 45.0  # decades; a float32 gradient that lost more is exactly 0


class SharedReach(NamedTuple):
    """What reaches the tokens that two sentences share: log10, (reader, token)."""

    tokens: list[str]
    first: np.ndarray
    second: np.ndarray
    n_after: list[tuple[int, int]]  # how many tokens follow each, in the first and in the second


def shared_reach(text: str, other_text: str) -> SharedReach:
    """Pick the tokens that two sentences share, in order; exact zeros count as 10 to the −45."""
    reaches = sentence_reach(text), sentence_reach(other_text)
    pairs = shared_tokens(*(reach.tokens for reach in reaches))
    first, second = (
        np.stack([row[[pair[side] for pair in pairs]] for row in reach.decades.values()])
        for side, reach in enumerate(reaches)
    )
    n_first, n_second = (len(reach.tokens) for reach in reaches)
    return SharedReach(
        [reaches[0].tokens[place] for place, _ in pairs],
        np.maximum(first, -MOST_LOST),
        np.maximum(second, -MOST_LOST),
        [(n_first - 1 - i, n_second - 1 - j) for i, j in pairs],
    )


# Gradients over the distance, for every gain and every bias

GAINS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
BIASES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
D_INPUT = 32  # of the noise that is read where it is not the learner's sentence
LAB = {  # name on screen: model, colour, what moves it
    "tanh RNN": ("tanh", "RNN", "gain"),
    "ReLU RNN": ("relu", "ReLU", "gain"),
    "LSTM": ("lstm", "LSTM", "bias"),
    "GRU": ("gru", "GRU", "bias"),
    "attention": ("attention", "attention", None),
}


class Setting(NamedTuple):
    """The size of the experiment, how weights are drawn, and where it is computed."""

    length: int
    width: int
    n_seeds: int
    init: str = "gaussian"
    device: str = "cpu"


LARGEST = {"cpu": Setting(512, 256, 64), "cuda": Setting(4096, 1024, 256)}
CEILING = {"cpu": 512 * 64**2 * 16, "cuda": 4096 * 256**2 * 16}  # length x width² x seeds
SHARE_SECONDS = 0.05  # what one answer spends on curves that are not seen yet


@st.cache_resource(show_spinner=False)
def devices() -> dict[str, str]:
    """Name what can compute here: a GPU first, if there is one."""
    from core import device

    return {str(found): device.describe(found) for found in device.devices()}


def affordable(setting: Setting) -> Setting:
    """Take away networks until the experiment fits what one visitor may ask for."""
    ceiling = CEILING[setting.device.partition(":")[0]]
    most = max(1, ceiling // (setting.length * setting.width**2))
    return setting._replace(n_seeds=min(setting.n_seeds, most))


@st.cache_resource(max_entries=1_000, show_spinner=False)
def curve(kind: str, value: float, setting: Setting) -> np.ndarray:
    """Measure one kind of network with one gain or bias: log10, (10 %, median, 90 %; distance)."""
    import torch

    from core.vanishing_gradients import gradient_by_distance, over_seeds, random_sequence

    with AT_ONCE:
        moved = _moved(kind, value, setting).to(torch.device(setting.device))
        inputs = random_sequence(setting.length, D_INPUT).to(setting.device)
        return over_seeds(gradient_by_distance(moved, inputs)).log10().float().cpu().numpy()


def _moved(kind: str, value: float, setting: Setting) -> Model:
    """Draw networks and give them their gain or their bias."""
    from core.rnn import with_forget_bias, with_gain

    drawn = model(kind, setting.n_seeds, D_INPUT, setting.width, setting.init)
    if kind == "attention":
        return drawn
    return (with_forget_bias if kind in ("lstm", "gru") else with_gain)(drawn, value)


class Curves(NamedTuple):
    """What the lab shows: all curves known so far, those at the sliders' places, and if all are."""

    lines: list[Line]
    seen: dict[str, np.ndarray]  # by name of the network: (10 %, median, 90 %; distance)
    complete: bool


def curves(setting: Setting, position: Position, more: bool) -> Curves:
    """Compute what is seen at a position of the sliders; of the rest as much as time allows.

    Args:
        setting: The experiment.
        position: Where the sliders stand.
        more: Whether what is seen is on screen already, and more is wanted.
    """
    scales = {"gain": (GAINS, position.gain), "bias": (BIASES, position.bias), None: ((0.0,), 0)}
    known: dict[str, dict[int, np.ndarray]] = {name: {} for name in LAB}
    wanted = sorted(
        (abs(place - scales[mover][1]), name, place)
        for name, (_, _, mover) in LAB.items()
        for place in range(len(scales[mover][0]))
    )
    end = monotonic() + SHARE_SECONDS if more else 0
    for aside, name, place in wanted:
        if aside and monotonic() > end:
            break
        kind, _, mover = LAB[name]
        known[name][place] = curve(kind, scales[mover][0][place], setting)
    return Curves(
        [Line(name, color, mover, known[name]) for name, (_, color, mover) in LAB.items()],
        {name: known[name][scales[mover][1]] for name, (_, _, mover) in LAB.items()},
        sum(map(len, known.values())) == len(wanted),
    )


@st.cache_resource(max_entries=256, show_spinner=False)
def theory(setting: Setting) -> list[float]:
    """Predict the decades per step of a tanh network, for each gain."""
    from core.rnn import with_gain
    from core.vanishing_gradients import mean_field_decades

    drawn = model("tanh", setting.n_seeds, D_INPUT, setting.width, setting.init)
    return [mean_field_decades(with_gain(drawn, gain)) for gain in GAINS]


# Single questions, each computed once for everyone

NOTICE = 50  # the distance at which gates are compared
LATCH_WEIGHT = 2.0  # with which a single unit feeds its state back to itself


@st.cache_resource(show_spinner=False)
def gates() -> dict[str, np.ndarray]:
    """Measure gradients at distance 50 for each bias: log10, (bias, seed); tanh has no bias."""
    setting = Setting(NOTICE + 1, WIDTH, N_SEEDS, "pytorch")
    found = {"tanh RNN": _at_notice("tanh", 1.0, setting)[None]}
    for name in ("LSTM", "GRU"):
        kind = LAB[name][0]
        found[name] = np.stack([_at_notice(kind, bias, setting) for bias in BIASES])
    return found


def _at_notice(kind: str, value: float, setting: Setting) -> np.ndarray:
    from core.vanishing_gradients import gradient_by_distance, random_sequence

    with AT_ONCE:
        inputs = random_sequence(setting.length, D_INPUT)
        return gradient_by_distance(_moved(kind, value, setting), inputs)[:, -1].log10().numpy()


DILUTION = (16, 64, 256, 512)


def dilution() -> dict[int, np.ndarray]:
    """Measure what attention passes to each distance, by length: log10 of the median."""
    return {
        length: curve("attention", 0.0, Setting(length, WIDTH, N_SEEDS))[1] for length in DILUTION
    }


class Chain(NamedTuple):
    """`core.vanishing_gradients.Chain`, median over seeds, and the prediction: (distance,)."""

    distances: np.ndarray
    lines: dict[str, np.ndarray]
    singular_values: np.ndarray  # of one network: (distance, d_hidden)


CHAIN_LENGTH, CHAIN_SEEDS = 64, 5


@st.cache_resource(max_entries=64, show_spinner=False)
def chain(kind: str, gain: float) -> Chain:
    """Compute a gradient beside its bounds, for one activation and gain."""
    from core.rnn import with_gain
    from core.vanishing_gradients import (
        chain_of_bounds,
        mean_field_decades,
        over_seeds,
        random_sequence,
    )

    drawn = with_gain(model(kind, CHAIN_SEEDS, D_INPUT, WIDTH, "gaussian"), gain)
    with AT_ONCE:
        found = chain_of_bounds(drawn, random_sequence(CHAIN_LENGTH, D_INPUT))
    lines = {
        "Pascanu's bound": found.bound,
        "product of the norms": found.step_norms,
        "spectral radius to the power": found.radius,
        "largest singular value": found.singular_values[..., 0],
        "gradient": found.gradient,
    }
    medians = {name: over_seeds(values)[1].numpy() for name, values in lines.items()}
    distances = found.distances.numpy()
    if kind == "tanh":
        medians["mean-field theory"] = mean_field_decades(drawn) * distances
    return Chain(distances, medians, found.singular_values[0].numpy())


KINDS = {"tanh": "tanh", "ReLU": "relu", "none": "linear"}  # activation on screen -> in core


@st.cache_resource(show_spinner=False)
def by_activation() -> dict[str, np.ndarray]:
    """Measure what reaches the first of 64 steps for each gain above 0: log10 of the median."""
    from core.gradients import log_norms
    from core.rnn import with_gain
    from core.vanishing_gradients import direction, over_seeds, random_sequence

    inputs, start = random_sequence(CHAIN_LENGTH, D_INPUT), direction(WIDTH)
    found: dict[str, np.ndarray] = {}
    with AT_ONCE:
        for name, kind in KINDS.items():
            drawn = model(kind, CHAIN_SEEDS, D_INPUT, WIDTH, "gaussian")
            moved = [with_gain(drawn, gain) for gain in GAINS[1:]]
            ends = [over_seeds(log_norms(cell, inputs, start)[:, :1])[1, 0] for cell in moved]
            found[name] = np.array(ends) / np.log(10)
    return found


class Latch(NamedTuple):
    """A switch set to +1 or −1 by its first input: states and log10 of gradients, (run, step)."""

    states: np.ndarray
    decades: np.ndarray


@st.cache_resource(show_spinner=False)
def latch() -> Latch:
    """Let one unit read +1 or −1, and 50 steps of noise after it."""
    from core import vanishing_gradients

    found = vanishing_gradients.latch(LATCH_WEIGHT, NOTICE + 1)
    return Latch(found.states.numpy(), found.gradient.numpy())


class Measures(NamedTuple):
    """One gradient measured in three ways: log10 of the median, by distance."""

    careless: np.ndarray
    careful: np.ndarray
    rescaled: np.ndarray


@st.cache_resource(show_spinner=False)
def three_measures() -> Measures:
    """Measure the gradient of nn.RNN(192, 64) as PyTorch draws it, over 256 steps."""
    from core.vanishing_gradients import measure_three_ways, over_seeds, random_sequence

    with AT_ONCE:
        found = measure_three_ways(
            model("tanh", N_SEEDS, 192, WIDTH, "pytorch"), random_sequence(256, 192)
        )
    return Measures(
        *(
            over_seeds(values)[1].numpy()
            for values in (found.careless, found.careful, found.rescaled)
        )
    )


WEIGHTS_LENGTH = 128


@st.cache_resource(show_spinner=False)
def weight_gradients() -> tuple[np.ndarray, np.ndarray]:
    """Measure the gradients of W_h and of h_1 for each gain: log10, (gain, seed)."""
    from core.rnn import with_gain
    from core.vanishing_gradients import random_sequence, weight_gradients

    drawn = model("tanh", N_SEEDS, D_INPUT, WIDTH, "gaussian")
    inputs = random_sequence(WEIGHTS_LENGTH, D_INPUT)
    with AT_ONCE:
        found = [weight_gradients(with_gain(drawn, gain), inputs) for gain in GAINS]
    weights, first = zip(*found, strict=True)
    return np.stack([w.numpy() for w in weights]), np.stack([f.numpy() for f in first])


TIMED = Setting(64, 128, 16)


def seconds_per_step() -> dict[str, dict[str, float]]:
    """Time a step there and back now: name of the device -> name of the network -> seconds."""
    import torch

    from core.vanishing_gradients import random_sequence, seconds_per_step

    found: dict[str, dict[str, float]] = {}
    with st.spinner("Measuring"), AT_ONCE:
        for device, name in devices().items():
            inputs = random_sequence(TIMED.length, D_INPUT).to(device)
            found[name] = {
                network: seconds_per_step(_moved(kind, 1.0, TIMED).to(torch.device(device)), inputs)
                for network, (kind, _, _) in LAB.items()
            }
    return found
