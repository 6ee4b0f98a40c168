"""Cached calls of the lesson on one vector as a memory. Keys are small numbers and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.seq2seq_weights import load_log
from pages.ui.cached.model import AT_ONCE, compute_in_one_thread

if TYPE_CHECKING:
    from core.context_vector import Probe
    from core.seq2seq import Kind, Translator
    from core.translation_task import Translation

N_SEEDS = 5


class Log(NamedTuple):
    """What the training of the translators left behind: name -> (seed, …)."""

    lengths: np.ndarray  # source words
    accuracy: dict[str, np.ndarray]  # (seed, length)
    updates: np.ndarray  # at which the accuracy was measured during training
    curves: dict[str, np.ndarray]  # of sources of 9 words: (seed, update)
    read_back: np.ndarray  # (length, position), mean over the seeds; NaN beyond the source
    guessing: np.ndarray  # likewise, of the commonest word
    n_pairs: int  # of each length, on which the accuracy was measured


class Answers(NamedTuple):
    """One number in English, its German, and what each translator makes of it."""

    source: tuple[str, ...]
    truth: tuple[str, ...]
    translations: dict[str, Translation]


class Reach(NamedTuple):
    """‖∂c/∂x‖ of each word."""

    trained: np.ndarray
    fresh: np.ndarray  # before the first update


class ReadBack(NamedTuple):
    """What linear readers find in c."""

    found: tuple[str, ...]  # in the learner's own
    accuracy: np.ndarray  # on other numbers of the same length
    guessing: np.ndarray


@st.cache_resource(show_spinner=False)
def log() -> Log:
    """Read the log of the training that came with the course."""
    written = load_log()
    settings, runs = written["settings"], written["runs"]
    names = dict.fromkeys(run["name"] for run in runs)
    nine = settings["curve_lengths"].index(9)
    n_lengths = len(settings["lengths"])
    tables = {
        kind: np.full((N_SEEDS, n_lengths, n_lengths), np.nan) for kind in ("accuracy", "guessing")
    }
    probed = [run["probes"] for run in runs if run["probes"]]
    for kind, table in tables.items():
        for seed, probes in enumerate(probed):
            for length, probe in enumerate(probes):
                table[seed, length, : length + 1] = probe[kind]
    n_measured = settings["n_steps"] // settings["curve_every"]
    return Log(
        np.array(settings["lengths"]),
        {
            name: np.array([run["accuracy"] for run in runs if run["name"] == name])
            for name in names
        },
        settings["curve_every"] * np.arange(1, n_measured + 1),
        {
            name: np.array([run["curve"] for run in runs if run["name"] == name])[:, :, nine]
            for name in names
        },
        tables["accuracy"].mean(axis=0),
        tables["guessing"].mean(axis=0),
        settings["n_pairs"],
    )


@st.cache_resource(show_spinner=False)
def translators(kind: Kind) -> list[Translator]:
    """Load the trained translators of one kind, one per seed."""
    from core.seq2seq_training import translator_config
    from core.seq2seq_weights import load_translators
    from core.translation_task import NUMBERS

    compute_in_one_thread()
    written = load_log()
    d_model = written["settings"]["d_model"][kind]
    return load_translators(kind, translator_config(NUMBERS, d_model), written["sha256"][kind])


@st.cache_resource(max_entries=512, show_spinner=False)
def answers(number: int, seed: int) -> Answers:
    """Let all three translators of a seed translate a number."""
    from core.number_words import english, german
    from core.seq2seq import KINDS
    from core.translation_task import NUMBERS, translation

    source = english(number)
    with AT_ONCE:
        written = {kind: translation(translators(kind)[seed], NUMBERS, source) for kind in KINDS}
    return Answers(source, german(number), written)


@st.cache_resource(max_entries=512, show_spinner=False)
def reach(number: int, seed: int) -> Reach:
    """Measure how strongly c answers to each word of a number, with training and without."""
    import torch

    from core.context_vector import context_gradients
    from core.number_words import english
    from core.seq2seq import build
    from core.seq2seq_training import translator_config
    from core.translation_task import NUMBERS

    trained = translators("fixed")[seed]
    config = translator_config(NUMBERS, trained.w_s.in_features)
    fresh = build("fixed", config, torch.Generator().manual_seed(seed))
    words = english(number)
    source_ids = NUMBERS.source_ids([words])[0]
    with AT_ONCE:
        norms = [context_gradients(one, source_ids)[: len(words)] for one in (trained, fresh)]
    return Reach(*(norm.numpy() for norm in norms))


@st.cache_resource(max_entries=128, show_spinner="Training readers for numbers of this length")
def probe(length: int, seed: int) -> Probe:
    """Train linear readers of c for numbers of so many words."""
    import torch

    from core.context_vector import probe_context
    from core.translation_task import NUMBERS

    with AT_ONCE:
        generator = torch.Generator().manual_seed(length)
        return probe_context(translators("fixed")[seed], NUMBERS, length, generator)


@st.cache_resource(max_entries=512, show_spinner=False)
def read_back(number: int, seed: int) -> ReadBack:
    """Read the words of a number back from its c."""
    import torch

    from core import context_vector
    from core.number_words import english
    from core.translation_task import NUMBERS

    words = english(number)
    readers = probe(len(words), seed)
    with torch.inference_mode():
        context = translators("fixed")[seed].encode(NUMBERS.source_ids([words])).context
    found = context_vector.read_back(readers.reader, context, len(words))[0].tolist()
    return ReadBack(
        tuple(NUMBERS.source_words[id - 3] if id > 2 else "–" for id in found),
        readers.accuracy.numpy(),
        readers.guessing.numpy(),
    )
