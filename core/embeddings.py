"""From token ids to the vectors that enter the first block.

Source: Devlin et al. (2019), "BERT", figure 2: token + segment + position, then normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class EmbeddingTrace:
    """The three rows that are looked up for each token, their sum, and the sum normalised."""

    token: Float[Tensor, "*batch seq d_model"]
    position: Float[Tensor, "*batch seq d_model"]
    segment: Float[Tensor, "*batch seq d_model"]
    sum: Float[Tensor, "*batch seq d_model"]
    output: Float[Tensor, "*batch seq d_model"]


class Embeddings(nn.Module):
    """Three lookup tables: what the token is, where it stands, which text it belongs to."""

    def __init__(
        self, vocab_size: int, max_len: int, n_segments: int, d_model: int, eps: float
    ) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(vocab_size, d_model))
        self.position = nn.Parameter(torch.zeros(max_len, d_model))
        self.segment = nn.Parameter(torch.zeros(n_segments, d_model))
        self.norm = nn.LayerNorm(d_model, eps=eps)

    def forward(
        self,
        token_ids: Int[Tensor, "*batch seq"],
        position_ids: Int[Tensor, "*batch seq"],
        *,
        positions: bool = True,
    ) -> EmbeddingTrace:
        """Look up the rows and add them.

        Args:
            token_ids: Row of the token table for each token.
            position_ids: Row of the position table for each token, counted from 0.
            positions: False adds a zero instead of the position.
        """
        token, position = look_up(self.token, self.position, token_ids, position_ids, positions)
        segment = self.segment[0].expand_as(token)
        total = token + segment + position
        return EmbeddingTrace(token, position, segment, total, self.norm(total))


def look_up(
    token_table: Float[Tensor, "vocab_size d_model"],
    position_table: Float[Tensor, "max_len d_model"],
    token_ids: Int[Tensor, "*batch seq"],
    position_ids: Int[Tensor, "*batch seq"],
    positions: bool,
) -> tuple[Float[Tensor, "*batch seq d_model"], Float[Tensor, "*batch seq d_model"]]:
    """Give each token its row, and the row of its place: zeros where positions are left out."""
    token = token_table[token_ids]
    position = position_table[position_ids].expand_as(token)
    return token, position if positions else torch.zeros_like(position)


def cosine_similarity(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """Compare directions: a·b / (‖a‖‖b‖), from -1 (opposite) to 1 (same direction)."""
    norms = a.norm(dim=-1)[:, None] * b.norm(dim=-1)
    return a @ b.T / norms.clamp_min(1e-12)


def mean_cosine(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Compare the mean directions of two sets of vectors, as for two sentences: -1 to 1."""
    return cosine_similarity(a.mean(dim=0)[None], b.mean(dim=0)[None]).item()


def nearest_rows(
    table: Float[Tensor, "n d"], vector: Float[Tensor, "d"], n_rows: int
) -> tuple[Int[Tensor, "rows"], Float[Tensor, "rows"]]:
    """Find the rows of a table that point most nearly the way of a vector.

    Returns:
        Row numbers, nearest first, and their cosines.
    """
    cosines = cosine_similarity(table, vector[None])[:, 0]
    nearest = cosines.topk(min(n_rows, len(table)))
    return nearest.indices, nearest.values


class ReadBack(NamedTuple):
    """How a vector compares with the row that went into it, and with the nearest of all others.

    The row can be read back where its cosine is the larger one.
    """

    own: Float[Tensor, "n"]  # cosine with the row that went in
    other: Float[Tensor, "n"]  # cosine with the nearest other row
    other_row: Int[Tensor, "n"]


def read_back(
    vectors: Float[Tensor, "n d"], table: Float[Tensor, "rows d"], rows: Int[Tensor, "n"]
) -> ReadBack:
    """Look whether a row of a table is still the nearest after something was added to it.

    Args:
        vectors: The sums.
        table: At least two rows.
        rows: Which row went into each sum.
    """
    cosines = cosine_similarity(vectors, table)
    own = cosines.gather(1, rows[:, None])
    other = cosines.scatter(1, rows[:, None], -2).max(dim=1)  # below every cosine
    return ReadBack(own[:, 0], other.values, other.indices)


@dataclass(frozen=True, eq=False)
class Projection:
    """Vectors drawn on fewer axes, and how much of their variance each axis keeps."""

    points: Float[Tensor, "n axis"]
    variance_shares: Float[Tensor, "axis"]  # of the whole variance, each in [0, 1]


def principal_components(vectors: Float[Tensor, "n d"], n_axes: int) -> Projection:
    """Project on the directions in which the vectors differ most (exact PCA).

    The axes are eigenvectors of the covariance (Pearson, 1901). The sign of an axis is free;
    the largest coordinate is made positive, so that a picture does not flip between runs.

    Raises:
        ValueError: If there are fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError(f"n={len(vectors)} vectors have no directions of difference; give 2")
    centred = (vectors - vectors.mean(dim=0)).double()
    variances, axes = torch.linalg.eigh(centred.T @ centred)
    points = centred @ axes.flip(-1)[:, :n_axes]
    largest = points.gather(0, points.abs().argmax(dim=0, keepdim=True))
    shares = variances.flip(-1)[:n_axes].clamp_min(0) / variances.sum().clamp_min(1e-30)
    return Projection((points * torch.where(largest < 0, -1, 1)).float(), shares.float())


class MisleadingPair(NamedTuple):
    """Two vectors that a map puts too close; ranks count from 0, the closest pair."""

    first: int
    second: int
    rank_on_map: int
    rank_by_cosine: int
    n_pairs: int


def most_misleading_pair(
    points: Float[Tensor, "n axis"], vectors: Float[Tensor, "n d"]
) -> MisleadingPair:
    """Find the pair that gains most ranks in closeness on a map against the cosine.

    A projection only shortens distances, so a map errs by putting strangers side by side.

    Raises:
        ValueError: If there are fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError(f"n={len(vectors)} vectors have no pairs; give 2")
    first, second = torch.triu_indices(len(vectors), len(vectors), offset=1)
    distances = (points[first] - points[second]).norm(dim=-1)
    cosines = cosine_similarity(vectors, vectors)[first, second]
    on_map, by_cosine = (
        order.argsort(stable=True).argsort() for order in (distances, cosines.neg())
    )
    worst = int((by_cosine - on_map).argmax())
    return MisleadingPair(
        int(first[worst]),
        int(second[worst]),
        int(on_map[worst]),
        int(by_cosine[worst]),
        len(distances),
    )


def random_cosines(
    vectors: Float[Tensor, "n d"], n_pairs: int, generator: torch.Generator
) -> Float[Tensor, "pairs"]:
    """Compare pairs of different vectors drawn at random: how close unrelated things are.

    Raises:
        ValueError: If there are fewer than two vectors.
    """
    n = len(vectors)
    if n < 2:
        raise ValueError(f"n={n} vectors have no pairs; give 2")
    first = torch.randint(n, (n_pairs,), generator=generator)
    second = (first + torch.randint(1, n, (n_pairs,), generator=generator)) % n
    return torch.cosine_similarity(vectors[first], vectors[second], dim=-1)


def find_word(tokens: Sequence[str], pieces: Sequence[str]) -> list[int]:
    """Find where a word first stands among tokens, as a whole word.

    Args:
        tokens: The pieces of a text; those that continue a word begin with ##.
        pieces: The pieces of the word.

    Returns:
        The places of its pieces, counted from 0; empty if the word is not there.
    """
    n = len(pieces)
    for start in range(len(tokens) - n + 1):
        end = start + n
        continues = end < len(tokens) and tokens[end].startswith("##")
        if n and tuple(tokens[start:end]) == tuple(pieces) and not continues:
            return list(range(start, end))
    return []


def word_by_stage(
    tokens: Sequence[str], pieces: Sequence[str], stages: Sequence[Float[Tensor, "seq d"]]
) -> Float[Tensor, "stage d"] | None:
    """Follow a word through a model: the mean vector of its pieces at every stage.

    Args:
        tokens: The tokens that the model reads.
        pieces: The pieces of the word.
        stages: The vectors of all tokens, as looked up, after the first block, and so on.

    Returns:
        One vector per stage, or None if the word is not among the tokens.
    """
    places = find_word(tokens, pieces)
    return torch.stack([stage[places].mean(dim=0) for stage in stages]) if places else None
