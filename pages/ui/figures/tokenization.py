"""Figures of tokenization: sentences and tables about cuts of a text, counts behind a merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import plotly.graph_objects as go

from pages.ui.figures import style
from pages.ui.figures.style import Theme
from pages.ui.text import quoted

Counted = Sequence[tuple[tuple[str, str], int]]  # pairs of pieces, and how often they were seen

MAX_QUOTED = 200  # characters of a text inside a sentence
LEARNED_FROM = {"tokens": "the model's training texts", "bytes": "every byte there is"}


class Cut(Protocol):
    """A text cut into pieces, as `core.pieces.Cut` describes it."""

    @property
    def name(self) -> str: ...
    @property
    def pieces(self) -> Sequence[str]: ...
    @property
    def labels(self) -> Sequence[str]: ...
    @property
    def offsets(self) -> Sequence[tuple[int, int]]: ...
    @property
    def ids(self) -> Sequence[int | None] | None: ...
    @property
    def vocab_size(self) -> int | None: ...
    @property
    def n_unknown(self) -> int | None: ...


class Replay(Protocol):
    """A word put together merge by merge, as `pages.ui.cached.Replay` describes it."""

    @property
    def rows(self) -> Sequence[Sequence[str]]: ...
    @property
    def steps(self) -> Sequence[Merge]: ...
    @property
    def counts(self) -> Sequence[Counted]: ...
    @property
    def n_rules(self) -> int: ...


class Merge(Protocol):
    """One merge, as `core.tokenization.MergeStep` describes it."""

    @property
    def rank(self) -> int: ...
    @property
    def position(self) -> int: ...
