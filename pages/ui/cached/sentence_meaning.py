"""Cached calls of the lesson on sentence meaning. Keys are text and small numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
import yaml

from pages.ui.cached.model import AT_ONCE, common_tokens, encoder
from pages.ui.cached.texts import ASSETS

if TYPE_CHECKING:
    from torch import Tensor

    from core.sentence_meaning import ProbeTrace


PROBE = "your probe"


class Meaning(NamedTuple):
    """The vector of a text, and how much of it each token gives."""

    vector: Tensor  # (d_model,), length 1
    shares: np.ndarray  # (token,), they sum to 1
    projections: np.ndarray  # of each token's vector on that of the text
    mean_length: float  # of the mean of all token vectors


@st.cache_resource(max_entries=4_000, show_spinner=False)
def meaning(text: str) -> Meaning:
    """Read a text and pool its tokens; of the reading nothing else is kept."""
    from core.sentence_meaning import sentence_vector, token_shares

    with AT_ONCE:
        output = encoder().trace(text).output
    vector, length = sentence_vector(output), output.mean(dim=0).norm().item()
    return Meaning(vector, token_shares(output).numpy(), (output @ vector).numpy(), length)


def vectors(texts: Sequence[str]) -> Tensor:
    """Read several texts: (text, d_model)."""
    import torch

    return torch.stack([meaning(text).vector for text in texts])


def entries(text: str) -> np.ndarray:
    """Give the entries of a sentence vector: (d_model,)."""
    return meaning(text).vector.numpy()


def cosine_matrix(texts: Sequence[str]) -> np.ndarray:
    """Compare all texts: (text, text)."""
    from core.embeddings import cosine_similarity

    read = vectors(texts)
    return cosine_similarity(read, read).numpy()


class Ranking(NamedTuple):
    """Places in a list of texts, nearest first, and their cosines."""

    places: list[int]
    cosines: np.ndarray


def ranking(query: str, texts: Sequence[str]) -> Ranking:
    """Rank texts by their cosine with a query."""
    from core.embeddings import nearest_rows

    places, cosines = nearest_rows(vectors(texts), meaning(query).vector, len(texts))
    return Ranking(places.tolist(), cosines.numpy())


class Example(NamedTuple):
    """A sentence that somebody labelled."""

    label: str
    text: str


class Probe(NamedTuple):
    """A probe trained on examples, and the labels it knows."""

    labels: tuple[str, ...]
    trace: ProbeTrace


@st.cache_resource(max_entries=64, show_spinner=False)
def probe(examples: tuple[Example, ...], n_steps: int) -> Probe:
    """Train a probe on examples with at least two labels."""
    import torch

    from core.sentence_meaning import train_probe

    labels = tuple(dict.fromkeys(example.label for example in examples))
    read = vectors([example.text for example in examples])
    with AT_ONCE:
        taught = torch.tensor([labels.index(example.label) for example in examples])
        return Probe(labels, train_probe(read, taught, n_steps))


@st.cache_resource(max_entries=256, show_spinner="Reading the sentence without each of its tokens")
def vectors_without_each(text: str) -> Tensor:
    """Read a text without each of its tokens in turn: (token, d_model)."""
    from core import sentence_meaning

    with AT_ONCE:
        model = encoder()
        return sentence_meaning.vectors_without_each(model, model.trace(text))


class Training(NamedTuple):
    """A training from step 0 on: losses in nats, and the share of left-out lines labelled right."""

    loss: np.ndarray
    left_out_loss: np.ndarray
    left_out_right: np.ndarray


def training(probe: Probe) -> Training:
    """Tell how a probe was trained."""
    trace = probe.trace
    curves = (trace.loss, trace.left_out_loss, trace.left_out_right)
    return Training(*(curve.numpy() for curve in curves))


def probabilities(text: str, probe: Probe) -> np.ndarray:
    """Let a probe judge a text: (label,)."""
    return _judged(meaning(text).vector[None], probe)[0].numpy()


def token_effects(text: str, probe: Probe) -> np.ndarray:
    """Say what each token did for the label that won: (token,), NaN for special tokens."""
    from core import sentence_meaning

    (whole,) = _judged(meaning(text).vector[None], probe)
    without_each = _judged(vectors_without_each(text), probe)
    return sentence_meaning.token_effects(whole, without_each).numpy()


def _judged(read: Tensor, probe: Probe) -> Tensor:
    from core.sentence_meaning import probe_log_probabilities

    return probe_log_probabilities(read, probe.trace.weights, probe.trace.bias).exp()


class Shared(NamedTuple):
    """The tokens that two texts share, and the share of each in either vector."""

    tokens: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray


def shared(first: str, second: str) -> Shared | None:
    """Follow the tokens that two texts share into both sentence vectors."""
    common = common_tokens(first, second)
    return common and Shared(
        common.tokens, meaning(first).shares[common.first], meaning(second).shares[common.second]
    )


class Weights(NamedTuple):
    """How many weights of a part differ from those that it began with, and how many it has."""

    part: str
    n_changed: int
    n_weights: int


@st.cache_resource(max_entries=64, show_spinner=False)
def weights_now(text: str, examples: tuple[Example, ...], n_steps: int) -> tuple[Weights, ...]:
    """Compare all weights with those at the beginning, after a text was read and a probe trained.

    Those of the encoder began as they were published, those of the probe as 0; the probe is last.
    """
    from core.pretrained import changed_weights

    meaning(text)
    trace = probe(examples, n_steps).trace
    with AT_ONCE:
        parts = changed_weights(encoder())
    own = [trace.weights, trace.bias]
    n_changed, n_weights = (
        sum(map(int, counts))
        for counts in ((w.count_nonzero() for w in own), (w.numel() for w in own))
    )
    return (*(Weights(part, *n) for part, n in parts.items()), Weights(PROBE, n_changed, n_weights))


class Triple(NamedTuple):
    """A sentence, the same meaning in other words, another meaning in almost the same words."""

    kind: str
    sentence: str
    paraphrase: str
    changed: str
    paraphrase_cosine: float
    changed_cosine: float


@st.cache_resource(show_spinner=False)
def triples() -> tuple[Triple, ...]:
    """Measure the ready triples, kind by kind."""
    ready = yaml.safe_load((ASSETS / "data/limits.yaml").read_text(encoding="utf-8"))
    return tuple(
        Triple(kind, *texts, cosine(texts[0], texts[1]), cosine(texts[0], texts[2]))
        for kind, examples in ready.items()
        for texts in examples
    )


def cosine(first: str, second: str) -> float:
    """Compare two texts."""
    return float(meaning(first).vector @ meaning(second).vector)


@st.cache_resource(show_spinner=False)
def defaults() -> dict[str, str]:
    """Read what stands in the boxes at first: lines, labels, examples."""
    ready = yaml.safe_load((ASSETS / "data/sentence_meaning.yaml").read_text(encoding="utf-8"))
    examples = [f"{label}: {text}" for label, texts in ready["examples"].items() for text in texts]
    return {
        "lines": "\n".join(ready["lines"]),
        "labels": ready["labels"],
        "examples": "\n".join(examples),
    }
