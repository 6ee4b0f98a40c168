"""Small pictures of a sentence at each step, as pixels."""

from __future__ import annotations

import numpy as np

from pages.ui.figures.style import BACKGROUND, COLORS, Theme

WIDTH = 480  # pixels of a picture; every value is a rectangle of whole pixels


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
