"""A glance at each lesson: small pictures of a sentence, as pixels, and single figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pages.ui.figures.style import BACKGROUND, COLORS, Theme
from pages.ui.text import quoted

WIDTH = 480  # pixels of a picture; every value is a rectangle of whole pixels
FADED = -6.0  # decades: a gradient so small is painted as none
WORDS_BEYOND = 12  # source words, three more than the translators were trained on


def reach_rows(decades: Mapping[str, np.ndarray]) -> np.ndarray:
    """Give gradients as shares of colour: (network, token), 1 at full size, 0 when faded."""
    return 1 - np.stack(list(decades.values())).clip(FADED, 0) / FADED


def memory_lines(lengths: np.ndarray, accuracy: Mapping[str, np.ndarray]) -> str:
    """Say how often numbers of twelve words are translated right, by network."""
    place = int(np.flatnonzero(lengths == WORDS_BEYOND)[0])
    right = {name: 100 * float(shares[:, place].mean()) for name, shares in accuracy.items()}
    return (
        f"Numbers of {WORDS_BEYOND} words, translated without a mistake: "
        f"**{right['fixed']:.0f} %** through one vector, **{right['attention']:.0f} %** with "
        "attention (recorded)."
    )


def cost_lines(n_tokens: int, recurrent: int, attention: int) -> str:
    """Say how many products wait for each other while a sentence is read and learned from."""
    return (
        f"Your {n_tokens} tokens: **{recurrent}** matrix products that wait for each other in a "
        f"recurrent layer, **{attention}** in an attention block."
    )


def share_line(shares: np.ndarray, tokens: Sequence[str]) -> str:
    """Name the token that gives most to the sentence vector."""
    most = int(shares.argmax())
    return (
        f"Your sentence as one vector: {quoted(tokens[most])} gives the largest share of it, "
        f"**{100 * shares[most]:.0f} %**."
    )


def sequential_pixels(values: np.ndarray, quantity: str, theme: Theme) -> np.ndarray:
    """Paint values ≥ 0 from the background (0) to the quantity's colour (the largest)."""
    shares = values / max(float(values.max()), 1e-12)
    return _enlarged(_mixed(shares, COLORS[quantity][theme], theme))


def diverging_pixels(values: np.ndarray, theme: Theme) -> np.ndarray:
    """Paint values of both signs; zero is the background."""
    shares = values / max(float(np.abs(values).max()), 1e-12)
    positive = _mixed(shares.clip(0), COLORS["positive"][theme], theme)
    negative = _mixed((-shares).clip(0), COLORS["negative"][theme], theme)
    return _enlarged(np.where(shares[..., None] >= 0, positive, negative))


def _mixed(shares: np.ndarray, colour: str, theme: Theme) -> np.ndarray:
    start, end = (
        np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (BACKGROUND[theme], colour)
    )
    return start + shares[..., None] * (end - start)


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    columns = np.arange(WIDTH) * width // WIDTH
    rows = np.arange(WIDTH // 3) * height // (WIDTH // 3)
    return pixels[rows][:, columns].astype(np.uint8)
