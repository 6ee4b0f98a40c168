"""Cached calls of the map of a Transformer. Keys are text and small numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st

from core.alignment import shared_tokens
from pages.ui.cached.model import AT_ONCE, encoder, encoder_trace, reading
from pages.ui.components.transformer_map import Window
from pages.ui.figures.transformer import Shared, lengths

COLUMNS = 64  # numbers of a vector that are painted; all of them would not fit on a screen


def windows(text: str, block: int) -> dict[str, Window]:
    """Look into every box of the reading model, one block of it."""
    trace = encoder_trace(text)
    found = trace.blocks[block]
    vectors = {
        "embedding": trace.embeddings.token,
        "position": trace.embeddings.position,
        "attention_norm": found.attention_output,
        "feed_forward": found.feed_forward_update,
        "feed_forward_norm": found.output,
        "output": trace.output,
    }
    n_tokens, d_model = trace.output.shape
    shown = f"The first {COLUMNS} numbers of each token."
    seen = {
        name: Window(
            values[:, :COLUMNS].numpy(),
            f"{n_tokens} tokens × {d_model} numbers",
            lengths(values.numpy()),
            shown,
        )
        for name, values in vectors.items()
    }
    weights = found.attention.weights
    seen["attention"] = Window(
        weights.mean(dim=0).numpy(),
        f"{weights.shape[0]} heads × {n_tokens} × {n_tokens} weights",
        lengths(found.attention_update.numpy()),
        "Mean weights of the heads: row looks, column is looked at.",
        signed=False,
    )
    return seen


@st.cache_resource(max_entries=256, show_spinner=False)
def later_shares(text: str) -> np.ndarray:
    """Measure in each block how much attention goes to later tokens: (block,), 0 to 1."""
    weights = encoder_trace(text).weights
    return weights.triu(diagonal=1).sum(dim=-1).mean(dim=(1, 2)).numpy()


# The way back

LENGTHS = (8, 16, 32, 64, 128)
N_SEEDS = 16  # recurrent networks of each kind
N_DIRECTIONS = 5  # losses of the one encoder there is
WIDTH = 64
NETWORKS = {"tanh RNN": ("tanh", 0.0), "LSTM, bias 1": ("lstm", 1.0)}
ENCODER = "Transformer encoder"


class Paths(NamedTuple):
    """Gradients that come back from the last token, and the layers they pass."""

    decades: dict[str, dict[int, np.ndarray]]  # by network and length: log10, by distance
    layers: dict[str, list[int]]  # by kind of network: one count for each of LENGTHS


@st.cache_resource(max_entries=256, show_spinner="Sending gradients back through 128 tokens")
def paths(text: str) -> Paths:
    """Repeat a sentence to several lengths, and follow the gradient back in every network."""
    import torch

    from core.path_length import (
        by_distance,
        embedded,
        encoder_input_gradients,
        recurrent_input_gradients,
        repeated,
    )
    from core.rnn import draw_cell, with_forget_bias
    from core.sequential_cost import count_cost
    from core.vanishing_gradients import direction, directions, standardised

    d_model = encoder().config.d_model
    cells = {}
    for name, (kind, bias) in NETWORKS.items():
        cell = draw_cell(kind, N_SEEDS, d_model, WIDTH, torch.Generator().manual_seed(1))
        cells[name] = with_forget_bias(cell, bias) if bias else cell
    decades: dict[str, dict[int, np.ndarray]] = {name: {} for name in (*cells, ENCODER)}
    for length in LENGTHS:
        with AT_ONCE:
            inputs = embedded(encoder(), repeated(reading(text).token_ids, length))
            measured = {
                name: recurrent_input_gradients(cell, standardised(inputs), direction(WIDTH))
                for name, cell in cells.items()
            }
            measured[ENCODER] = encoder_input_gradients(
                encoder(), inputs, directions(N_DIRECTIONS, d_model)
            )
        for name, gradients in measured.items():
            decades[name][length] = by_distance(gradients).log10().numpy()
    n_layers = encoder().config.n_layers
    return Paths(
        decades,
        {
            "RNN, LSTM": [count_cost("RNN", n, WIDTH).distance for n in LENGTHS],
            ENCODER: [n_layers * count_cost("attention", n, d_model).distance for n in LENGTHS],
        },
    )


# Two sentences


@st.cache_resource(max_entries=256, show_spinner=False)
def way_back(text: str) -> np.ndarray:
    """Follow the gradient back through a sentence said once: (block it enters, token).

    It is measured in shares of what the last token gets there.
    """
    import torch

    from core.path_length import by_distance, embedded, encoder_gradients
    from core.vanishing_gradients import directions

    with AT_ONCE:
        inputs = embedded(encoder(), reading(text).token_ids)
        measured = encoder_gradients(
            encoder(), inputs, directions(N_DIRECTIONS, encoder().config.d_model)
        )
    return torch.stack([by_distance(block).flip(0) for block in measured.unbind(1)]).numpy()


def shared(first: str, second: str) -> Shared | None:
    """Compare the way back in two sentences, if they share something that was typed.

    The last token of each is left out: it has all of the gradient, by definition.
    """
    one, other = reading(first), reading(second)
    pairs = [
        (i, j)
        for i, j in shared_tokens(one.tokens, other.tokens)
        if i < len(one.tokens) - 1 and j < len(other.tokens) - 1
    ]
    if not any(start < end for start, end in (one.offsets[i] for i, _ in pairs)):
        return None
    here, there = map(list, zip(*pairs, strict=True))
    return Shared(
        tuple(one.tokens[i] for i in here), way_back(first)[:, here], way_back(second)[:, there]
    )
