"""Cached calls: the only caches of the app. Keys are text and small numbers.

Everything cached is shared by all visitors and must not be changed. PyTorch is imported by the
calls that need it: tokens are on screen a second before.
"""

from __future__ import annotations

import gc
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
import yaml

from core.pretrained import load_encoder, load_reader
from core.tokenization import Reader, Reading
from pages.ui.text import LessonText, parse_lesson

if TYPE_CHECKING:
    from torch import Tensor

    from core.encoder import Ablation, Encoder, EncoderTrace
    from core.heads import PronounTrace

AT_ONCE = BoundedSemaphore(2)  # readings that may be computed at the same time, one per core
ASSETS = Path(__file__).parents[2] / "assets"


@st.cache_resource(show_spinner=False)
def sample_sentences() -> list[dict[str, str]]:
    """Read the sample sentences, each with the reason why it is interesting."""
    return yaml.safe_load((ASSETS / "data/sentences.yaml").read_text())


@st.cache_resource(show_spinner=False)
def lesson_text(name: str) -> LessonText:
    """Read the text of a lesson."""
    return parse_lesson((ASSETS / f"lessons/{name}.md").read_text())


@st.cache_resource(show_spinner=False)
def reader() -> Reader:
    """Load the tokenizer of the reading model."""
    return load_reader()


@st.cache_resource(max_entries=1_000, show_spinner=False)
def reading(text: str) -> Reading:
    """Cut a text into the tokens that the model reads."""
    return reader().read(text)


@st.cache_resource(show_spinner=False)
def encoder() -> Encoder:
    """Load the reading model, and set the process up to serve a class with it."""
    import torch

    torch.set_num_threads(1)  # two threads on two busy cores made small operations 20 times slower
    loaded = load_encoder()
    gc.collect()
    gc.freeze()  # what is imported by now is never collected: no need to look at it again and again
    return loaded


@st.cache_resource(max_entries=64, show_spinner=False)
def encoder_trace(text: str, ablation: Ablation | None = None) -> EncoderTrace:
    """Read a text with the model: one pass, shared by every page and visitor."""
    with AT_ONCE:
        return encoder().trace(text, ablation) if ablation else encoder().trace(text)


@st.cache_resource(max_entries=256, show_spinner=False)
def head_kinds(text: str, ablation: Ablation | None = None) -> list[list[str]]:
    """Name what each head does on a text: one list per block."""
    from core import heads

    kinds = heads.head_kinds(encoder_trace(text, ablation)).kinds.tolist()
    return [[heads.KINDS[kind] for kind in block] for block in kinds]


@st.cache_resource(max_entries=256, show_spinner="Reading the sentence without each of its tokens")
def token_measures(text: str, block: int, head: int, token: int) -> np.ndarray:
    """Ask in four ways which tokens mattered for one token: (measure, token), rows sum to 1.

    The order is that of `pages.ui.figures.self_attention.MEASURES`; NaN where a token cannot be
    left out.
    """
    from core import attribution

    trace = encoder_trace(text)
    with AT_ONCE:
        measures = (
            trace.weights[block, head, token],
            attribution.attention_rollout(trace.weights)[-1, token],
            attribution.gradient_times_input(encoder(), trace, token),
            attribution.leave_one_out(encoder(), trace, token),
        )
    return np.stack([(row / row.nansum().clamp_min(1e-12)).numpy() for row in measures])


@st.cache_resource(show_spinner=False)
def pronoun_trace(first: str, second: str, pronoun: str, nouns: tuple[str, str]) -> PronounTrace:
    """Measure which noun a pronoun looks at in two sentences."""
    from core import heads

    return heads.compare_pronouns(encoder_trace(first), encoder_trace(second), pronoun, nouns)


class PronounScore(NamedTuple):
    """How the best head did on pairs of sentences, and what the best of as many guessers would."""

    best: int
    n_pairs: int
    best_by_luck: float


@st.cache_resource(show_spinner=False)
def pronoun_score() -> PronounScore:
    """Count the pairs in which a head's weight moves the right way when the meaning changes."""
    from core import heads

    pairs = yaml.safe_load((ASSETS / "data/pronouns.yaml").read_text())
    test = heads.evaluate_heads(encoder(), [heads.PronounPair(**pair) for pair in pairs])
    luck = heads.best_by_luck(test.n_leaning.numel(), len(pairs), chance=0.5)
    return PronounScore(
        int(test.n_leaning.max()), len(pairs), sum(k * chance for k, chance in enumerate(luck))
    )
