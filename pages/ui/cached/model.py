"""The reading model and what it read: loaded once, shared by every page and visitor.

Keys are text and small numbers; what is cached must not be changed. PyTorch is imported by the
calls that need it: tokens are on screen a second before.
"""

from __future__ import annotations

import gc
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

import streamlit as st

from core.pretrained import load_encoder, load_reader
from core.tokenization import Reader, Reading

if TYPE_CHECKING:
    from core.encoder import Ablation, Encoder, EncoderTrace


AT_ONCE = BoundedSemaphore(2)  # readings that may be computed at the same time, one per core


@st.cache_resource(show_spinner=False)
def reader() -> Reader:
    """Load the tokenizer of the reading model."""
    return load_reader()


@st.cache_resource(max_entries=1_000, show_spinner=False)
def reading(text: str) -> Reading:
    """Cut a text into the tokens that the model reads."""
    return reader().read(text)


def compute_in_one_thread() -> None:
    """Leave the other cores to other visitors.

    Two threads on two busy cores made small operations 20 times slower.
    """
    import torch

    torch.set_num_threads(1)


@st.cache_resource(show_spinner=False)
def encoder() -> Encoder:
    """Load the reading model, and set the process up to serve a class with it."""
    compute_in_one_thread()
    loaded = load_encoder()
    gc.collect()
    gc.freeze()  # what is imported by now is never collected: no need to look at it again and again
    return loaded


@st.cache_resource(max_entries=64, show_spinner=False)
def encoder_trace(text: str, ablation: Ablation | None = None) -> EncoderTrace:
    """Read a text with the model: one pass, shared by every page and visitor."""
    with AT_ONCE:
        return encoder().trace(text, ablation) if ablation else encoder().trace(text)
