"""From token ids to the vectors that enter the first block.

Source: Devlin et al. (2019), "BERT", figure 2: token + segment + position, then normalised.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        token = self.token[token_ids]
        position = self.position[position_ids].expand_as(token)
        position = position if positions else torch.zeros_like(position)
        segment = self.segment[0].expand_as(token)
        total = token + segment + position
        return EmbeddingTrace(token, position, segment, total, self.norm(total))


def cosine_similarity(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """Compare directions: a·b / (‖a‖‖b‖), from -1 (opposite) to 1 (same direction)."""
    unit_a = a / a.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    unit_b = b / b.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return unit_a @ unit_b.T


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
