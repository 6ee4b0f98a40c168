"""Cached calls of the lesson on embeddings. Keys are text and small numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
import yaml

from pages.ui.cached.model import encoder, encoder_trace, reader, reading
from pages.ui.cached.texts import ASSETS

if TYPE_CHECKING:
    from torch import Tensor

    from core.embeddings import MisleadingPair


@st.cache_resource(max_entries=4_000, show_spinner=False)
def pieces(word: str) -> tuple[str, ...]:
    """Cut a word into tokens of the vocabulary; what stands there itself, as ##ing, stays whole."""
    tokenizer = reader().tokenizer
    if tokenizer.token_to_id(word) is not None:
        return (word,)
    return tuple(tokenizer.encode(word, add_special_tokens=False).tokens)


def word_vectors(words: Sequence[str]) -> Tensor:
    """Give each word its row of the table, or the mean row of its pieces: (word, d_model)."""
    import torch

    tokenizer, table = reader().tokenizer, encoder().embeddings.token
    rows = [[tokenizer.token_to_id(piece) for piece in pieces(word)] for word in words]
    return torch.stack([table[token_ids].mean(dim=0) for token_ids in rows])


@st.cache_resource(max_entries=256, show_spinner=False)
def embedding_rows(text: str, token: int) -> np.ndarray:
    """Follow one token into the model: (token, position, segment, sum, output; d_model)."""
    trace = encoder_trace(text).embeddings
    parts = (trace.token, trace.position, trace.segment, trace.sum, trace.output)
    return np.stack([part[token].numpy() for part in parts])


class Neighbours(NamedTuple):
    """Tokens whose rows lie nearest, nearest first, and their cosines."""

    tokens: tuple[str, ...]
    cosines: np.ndarray


def _nearest_tokens(vector: Tensor, n_rows: int) -> Neighbours:
    from core import embeddings

    rows, cosines = embeddings.nearest_rows(encoder().embeddings.token, vector, n_rows)
    name = reader().tokenizer.id_to_token
    return Neighbours(tuple(name(row) for row in rows.tolist()), cosines.numpy())


@st.cache_resource(max_entries=512, show_spinner=False)
def neighbours(word: str) -> Neighbours:
    """Find the 24 tokens nearest to a word, the word itself left out."""
    found = _nearest_tokens(word_vectors([word])[0], 25)
    others = [place for place, token in enumerate(found.tokens) if (token,) != pieces(word)][:24]
    return Neighbours(tuple(found.tokens[place] for place in others), found.cosines[others])


@st.cache_resource(show_spinner=False)
def words_by_spelling() -> list[str]:
    """List the whole words of the vocabulary (ASCII letters) as a dictionary would."""
    words = reader().tokenizer.get_vocab()
    return sorted(word for word in words if word.isascii() and word.isalpha())


def spelled_alike(word: str) -> str:
    """Find a word that stands beside it in a dictionary, and is not among its neighbours."""
    words, near = words_by_spelling(), (*pieces(word), *neighbours(word).tokens)
    place = bisect_right(words, pieces(word)[0])
    return next(other for other in (*words[place:], *words[:place][::-1]) if other not in near)


@st.cache_resource(max_entries=256, show_spinner=False)
def analogy(start: str, minus: str, plus: str) -> Neighbours:
    """Find the tokens nearest to start − minus + plus; the three words may be among them."""
    a, b, c = word_vectors([start, minus, plus])
    return _nearest_tokens(a - b + c, 8)


@st.cache_resource(show_spinner=False)
def random_cosines() -> np.ndarray:
    """Compare 10,000 random pairs of whole words (ASCII letters), always the same pairs."""
    import torch

    from core import embeddings

    row = reader().tokenizer.token_to_id
    vectors = encoder().embeddings.token[sorted(map(row, words_by_spelling()))]
    generator = torch.Generator().manual_seed(0)
    return embeddings.random_cosines(vectors, 10_000, generator).numpy()


@st.cache_resource(max_entries=256, show_spinner=False)
def cosine_matrix(words: tuple[str, ...]) -> np.ndarray:
    """Compare the rows of all words: (word, word)."""
    from core import embeddings

    vectors = word_vectors(words)
    return embeddings.cosine_similarity(vectors, vectors).numpy()


def product_and_norms(first: str, second: str) -> tuple[float, float, float]:
    """Compute what a cosine is made of: the product of two words' rows, and their norms."""
    a, b = word_vectors([first, second])
    return (a @ b).item(), a.norm().item(), b.norm().item()


def norm_weights(dimension: int) -> tuple[float, float]:
    """Give what the first normalisation was trained to do in one dimension: factor and shift."""
    norm = encoder().embeddings.norm
    return norm.weight[dimension].item(), norm.bias[dimension].item()


class WordMap(NamedTuple):
    """Words on a map of their rows, each row scaled to length 1."""

    points: np.ndarray  # (word, axis)
    variance_shares: np.ndarray  # of each axis, in [0, 1]
    misleading: MisleadingPair


@st.cache_resource(max_entries=256, show_spinner=False)
def word_map(words: tuple[str, ...], n_axes: int) -> WordMap:
    """Draw words on few axes and find the pair that the map misstates most.

    Between vectors of length 1 distance and cosine say the same: ‖a − b‖² = 2 (1 − cos).
    """
    from core import embeddings

    vectors = word_vectors(words)
    vectors = vectors / vectors.norm(dim=-1, keepdim=True)
    projection = embeddings.principal_components(vectors, n_axes)
    return WordMap(
        projection.points.numpy(),
        projection.variance_shares.numpy(),
        embeddings.most_misleading_pair(projection.points, vectors),
    )


def _stages(text: str) -> list[Tensor]:
    """Give the vectors of all tokens: in the table, with their positions, after each block."""
    trace = encoder_trace(text)
    return [
        trace.embeddings.token,
        trace.embeddings.output,
        *(block.output for block in trace.blocks),
    ]


def _word_by_stage(text: str, word: str) -> Tensor | None:
    """Follow a word through the stages of reading: (stage, d_model)."""
    from core import embeddings

    return embeddings.word_by_stage(reading(text).tokens, pieces(word), _stages(text))


@st.cache_resource(max_entries=256, show_spinner=False)
def cosine_by_stage(first: str, second: str, word: str) -> np.ndarray | None:
    """Compare a word in one text with the same word in another, stage by stage.

    None if one of the texts does not hold the word.
    """
    import torch

    vectors = [_word_by_stage(text, word) for text in (first, second)]
    if vectors[0] is None or vectors[1] is None:
        return None
    return torch.cosine_similarity(vectors[0], vectors[1], dim=-1).numpy()


class Meanings(NamedTuple):
    """Cosines of one word between ready sentences: (pair, stage)."""

    word: str
    same: np.ndarray
    different: np.ndarray


@st.cache_resource(show_spinner=False)
def meanings() -> Meanings:
    """Compare a word between sentences that mean the same by it, and that do not."""
    ready = yaml.safe_load((ASSETS / "data/meanings.yaml").read_text(encoding="utf-8"))
    one, other = ready["meanings"].values()
    same = [*combinations(one, 2), *combinations(other, 2)]
    different = list(product(one, other))
    cosines = [
        np.stack([cosine_by_stage(*pair, ready["word"]) for pair in pairs])
        for pairs in (same, different)
    ]
    return Meanings(ready["word"], *cosines)


class SharedCosines(NamedTuple):
    """Cosines of every two tokens that two texts share, in each of them: (token, token)."""

    tokens: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray


@st.cache_resource(max_entries=64, show_spinner=False)
def shared_cosines(first: str, second: str, stage: int) -> SharedCosines | None:
    """Compare the tokens that two texts share with each other, in each text, at one stage.

    None if they share no two tokens but those that are added to every text.
    """
    from core.alignment import shared_tokens
    from core.embeddings import cosine_similarity

    tokens = [reading(text).tokens for text in (first, second)]
    shared = shared_tokens(*tokens)
    if len(shared) < 4:
        return None
    places = [list(column) for column in zip(*shared, strict=True)]
    vectors = [
        _stages(text)[stage][here] for text, here in zip((first, second), places, strict=True)
    ]
    names = tuple(tokens[0][place] for place in places[0])
    return SharedCosines(names, *(cosine_similarity(x, x).numpy() for x in vectors))


@st.cache_resource(show_spinner=False)
def word_groups() -> dict[str, list[str]]:
    """Read the ready groups of words."""
    return yaml.safe_load((ASSETS / "data/word_groups.yaml").read_text(encoding="utf-8"))
