"""Cached calls of the lesson on self-attention. Keys are text and small numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
import yaml

from pages.ui.cached.model import (
    AT_ONCE,
    chosen,
    common_tokens,
    encoder,
    encoder_trace,
    trace,
)
from pages.ui.cached.texts import ASSETS

if TYPE_CHECKING:
    from core.encoder import Ablation
    from core.heads import PronounTrace


@st.cache_resource(max_entries=256, show_spinner=False)
def head_kinds(text: str, model_id: str) -> list[list[str]]:
    """Name what each head does on a text: one list per block."""
    from core import heads

    kinds = heads.head_kinds(trace(text, model_id)).kinds.tolist()
    return [[heads.KINDS[kind] for kind in block] for block in kinds]


@st.cache_resource(max_entries=256, show_spinner="Reading the sentence without each of its tokens")
def token_measures(text: str, model_id: str, block: int, head: int, token: int) -> np.ndarray:
    """Ask in four ways which tokens mattered for one token: (measure, token), rows sum to 1.

    Of an encoder only. The order is that of `pages.ui.figures.self_attention.MEASURES`; NaN where
    a token cannot be left out.
    """
    from core import attribution

    read, reader = trace(text, model_id), chosen(model_id)
    with AT_ONCE:
        measures = (
            read.weights[block, head, token],
            attribution.attention_rollout(read.weights)[-1, token],
            attribution.gradient_times_input(reader, read, token),
            attribution.leave_one_out(reader, read, token),
        )
    return np.stack([(row / row.nansum().clamp_min(1e-12)).numpy() for row in measures])


@st.cache_resource(show_spinner=False)
def pronoun_trace(first: str, second: str, pronoun: str, nouns: tuple[str, str]) -> PronounTrace:
    """Measure which noun a pronoun looks at in two sentences."""
    from core import heads

    return heads.compare_pronouns(encoder_trace(first), encoder_trace(second), pronoun, nouns)


class PronounScore(NamedTuple):
    """How the best head did on the pairs it was chosen by, beside luck, and on other pairs."""

    block: int
    head: int
    best: int
    n_pairs: int
    best_by_luck: float
    checked: int
    n_checked: int


@st.cache_resource(show_spinner=False)
def pronoun_score() -> PronounScore:
    """Count the pairs in which a head's weight moves the right way when the meaning changes.

    The head that is best on one list is tried on another: the best of 72 is lucky, too.
    """
    from core import heads

    search, check = (
        heads.evaluate_heads(
            encoder(), [heads.PronounPair(**pair) for pair in yaml.safe_load(text)]
        )
        for text in (
            (ASSETS / "data/pronouns.yaml").read_text(encoding="utf-8"),
            (ASSETS / "data/pronouns_check.yaml").read_text(encoding="utf-8"),
        )
    )
    n_right = search.n_leaning
    block, head = divmod(int(n_right.argmax()), n_right.shape[1])
    luck = heads.best_by_luck(n_right.numel(), len(search.leans), chance=0.5)
    return PronounScore(
        block,
        head,
        int(n_right.max()),
        len(search.leans),
        sum(k * chance for k, chance in enumerate(luck)),
        int(check.n_leaning[block, head]),
        len(check.leans),
    )


def turned(text: str, model_id: str, ablation: Ablation) -> np.ndarray:
    """Take something away and give the cosine of each token's final vector with the intact one."""
    from core.residual_stream import compare_streams

    intact, changed = trace(text, model_id), trace(text, model_id, ablation)
    return compare_streams(intact.output[None], changed.output[None]).cosine[0].numpy()


class Shared(NamedTuple):
    """The weights of one head for the tokens that two sentences share: (sentence, query, key)."""

    tokens: tuple[str, ...]
    allowed: np.ndarray  # whether a token may look at another: (query, key)
    weights: np.ndarray


def shared(
    first: str,
    second: str,
    model_id: str,
    block: int,
    head: int,
    ablations: tuple[Ablation, Ablation],
) -> Shared | None:
    """Compare one head on two sentences; None if they share no more than what nobody typed."""
    from core.heads import may_look

    common = common_tokens(first, second, model_id)
    if common is None:
        return None
    one, other = (
        trace(text, model_id, ablation)
        for text, ablation in zip((first, second), ablations, strict=True)
    )
    return Shared(
        common.tokens,
        common.of_both(may_look(one).numpy(), may_look(other).numpy())[0],
        common.of_both(*(read.weights[block, head].numpy() for read in (one, other))),
    )
