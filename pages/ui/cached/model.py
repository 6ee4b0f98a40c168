"""The reading models and what they read: loaded once, shared by every page and visitor.

The default, MiniLM, reads in every lesson; in those that look at heads a visitor may let one of
the operator's models read instead (models.toml; see `core.models`).

Keys are text and small numbers; what is cached must not be changed. PyTorch is imported by the
calls that need it: tokens are on screen a second before.
"""

from __future__ import annotations

import gc
import logging
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from core.alignment import shared_tokens
from core.models import BUNDLED, ListedModel, listed_models
from core.pieces import display_labels
from core.pretrained import load_encoder, load_reader
from core.tokenization import Reader, Reading

if TYPE_CHECKING:
    from core.decoder import Decoder, DecoderTrace
    from core.encoder import Ablation, Encoder, EncoderTrace


AT_ONCE = BoundedSemaphore(2)  # readings that may be computed at the same time, one per core


@st.cache_resource(show_spinner=False)
def reader() -> Reader:
    """Load the tokenizer of the default model."""
    return load_reader()


@st.cache_resource(max_entries=1_000, show_spinner=False)
def reading(text: str, model_id: str = BUNDLED) -> Reading:
    """Cut a text into the tokens that a model reads."""
    return (reader() if model_id == BUNDLED else listed_model(model_id).reader).read(text)


def labels(read: Reading) -> tuple[str, ...]:
    """Name the tokens of a reading on screen; those of bytes by the text that they stand for."""
    return display_labels(read) if read.byte_level else read.tokens


class Common(NamedTuple):
    """The tokens that two texts share, and their places in either."""

    tokens: tuple[str, ...]
    first: list[int]
    second: list[int]

    def of_both(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Cut what is theirs out of two matrices, token by token: (text, shared, shared)."""
        return np.stack(
            [first[np.ix_(self.first, self.first)], second[np.ix_(self.second, self.second)]]
        )


def common_tokens(first: str, second: str, model_id: str = BUNDLED) -> Common | None:
    """Pair the tokens that two texts share; None if that is no more than what nobody typed."""
    one, other = reading(first, model_id), reading(second, model_id)
    pairs = shared_tokens(one.tokens, other.tokens)
    if not any(start < end for start, end in (one.offsets[place] for place, _ in pairs)):
        return None
    here, there = map(list, zip(*pairs, strict=True))
    return Common(tuple(labels(one)[place] for place in here), here, there)


def compute_in_one_thread() -> None:
    """Leave the other cores to other visitors.

    Two threads on two busy cores made small operations 20 times slower.
    """
    import torch

    torch.set_num_threads(1)


@st.cache_resource(show_spinner=False)
def encoder() -> Encoder:
    """Load the default model, and set the process up to serve a class with it."""
    compute_in_one_thread()
    loaded = load_encoder()
    gc.collect()
    gc.freeze()  # what is imported by now is never collected: no need to look at it again and again
    return loaded


@st.cache_resource(max_entries=64, show_spinner=False)
def encoder_trace(text: str, ablation: Ablation | None = None) -> EncoderTrace:
    """Read a text with the default model: one pass, shared by every page and visitor."""
    with AT_ONCE:
        return encoder().trace(text, ablation) if ablation else encoder().trace(text)


# The operator's models


class Speaker(NamedTuple):
    """The model that reads on a page, and what its widgets need to know of it."""

    id: str
    label: str
    n_blocks: int
    n_heads: int
    causal: bool = False  # whether no token looks ahead


MINILM = Speaker(BUNDLED, "all-MiniLM-L6-v2", 6, 12)
LISTED_AT_ONCE = 2  # of the operator's models in memory, beside the default


@st.cache_resource(show_spinner=False)
def listed() -> dict[str, ListedModel]:
    """Read the operator's list of models: id -> model; one that is not in order counts as empty."""
    try:
        return listed_models()
    except ValueError as error:
        logging.warning("No model is offered beside the default: %s", error)
        return {}


@st.cache_resource(max_entries=LISTED_AT_ONCE, show_spinner="Loading the model")
def listed_model(model_id: str) -> Encoder | Decoder:
    """Load a listed model; the one not used for longest makes room.

    Raises:
        ValueError: If it is not there, changed, or cannot be read.
    """
    compute_in_one_thread()
    return listed()[model_id].load()


def speaker(model_id: str) -> Speaker | None:
    """Say who reads if this model is chosen; None if it cannot be read."""
    if model_id == BUNDLED:
        return MINILM
    try:
        loaded = listed_model(model_id)
    except (ValueError, OSError) as error:
        logging.warning("The model %s cannot be read: %s", model_id, error)
        return None
    from core.decoder import Decoder

    config = loaded.config
    causal = isinstance(loaded, Decoder)
    return Speaker(model_id, listed()[model_id].label, config.n_layers, config.n_heads, causal)


def chosen(model_id: str) -> Encoder | Decoder:
    """Give a model by its id."""
    return encoder() if model_id == BUNDLED else listed_model(model_id)


@st.cache_resource(max_entries=16, show_spinner=False)
def listed_trace(
    model_id: str, text: str, ablation: Ablation | None
) -> EncoderTrace | DecoderTrace:
    """Read a text with a listed model; few are kept, since these models may be large."""
    with AT_ONCE:
        loaded = listed_model(model_id)
        return loaded.trace(text, ablation) if ablation else loaded.trace(text)


def trace(
    text: str, model_id: str, ablation: Ablation | None = None
) -> EncoderTrace | DecoderTrace:
    """Read a text with a model: one pass, shared by every page and visitor."""
    if model_id == BUNDLED:
        return encoder_trace(text, ablation)
    return listed_trace(model_id, text, ablation)
