"""What each head does on a text, read from its weights, and which heads follow a pronoun.

Sources: Clark et al. (2019), "What Does BERT Look At?", section 3 (heads that look at the previous
or next token, at [SEP] and punctuation, broadly); Xiao et al. (2024), "Efficient Streaming Language
Models with Attention Sinks", section 3.1 (the first tokens); Levesque et al. (2012), "The Winograd
Schema Challenge" (pairs of sentences in which one word decides what a pronoun stands for).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import comb

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.decoder import DecoderTrace
from core.encoder import Encoder, EncoderTrace
from core.tokenization import Reading

PATTERNS = (
    "previous token",
    "next token",
    "same word elsewhere",
    "itself",
    "punctuation",
    "first token",
)
KINDS = (*PATTERNS, "spread", "mixed")

PATTERN_SHARE = 0.25  # of the way from even attention to all of it
FIRST_TOKEN_SHARE = 0.5  # every head rests a part of its weight there; a sink rests most of it
SPREAD_ENTROPY = 0.8  # of the largest possible


@dataclass(frozen=True, eq=False)
class HeadKinds:
    """What every head of every block does on one text."""

    scores: Float[Tensor, "block head pattern"]  # mean weight on the targets of each of PATTERNS
    entropy: Float[Tensor, "block head"]  # 0: each query looks at one key, 1: at all alike
    kinds: Int[Tensor, "block head"]  # place in KINDS


def head_kinds(trace: EncoderTrace | DecoderTrace) -> HeadKinds:
    """Say what each head does on this text, from its weights alone.

    Every cell (query, key) of the grid has at most one role, the first that fits:

    * first token: the key is the first token (BERT's [CLS]), where heads with nothing to do rest;
    * itself, previous token, next token: the key stands at the query's place, before it, after it;
    * same word elsewhere: query and key are the same word at different places;
    * punctuation: the key is a punctuation mark or the closing token ([SEP]).

    A cell that the mask forbids has none. The score of a pattern is the weight on the cells with
    that role, per query that has such a cell; 0 where the text offers none. Even attention would
    give each of the n keys that a query may look at 1/n; a score is compared with that: 0 for even
    attention, 1 for all weight on the targets. The kind of a head is then

    * the best of the first five PATTERNS, if it reaches 0.25 on that scale;
    * otherwise "first token", if that reaches 0.5;
    * otherwise "spread", if the entropy of the weights is at least 0.8 of the largest possible,
      ln n, added up over the queries;
    * otherwise "mixed".

    The thresholds were chosen on 32 sentences read by all-MiniLM-L6-v2.
    """
    weights = trace.weights
    allowed = may_look(trace)
    targets = pattern_targets(trace.reading).to(weights.device) & allowed
    n_queries = targets.any(dim=-1).sum(dim=-1).clamp_min(1)
    scores = torch.einsum("bhqk,pqk->bhp", weights, targets.to(weights.dtype)) / n_queries
    n_keys = allowed.sum(dim=-1)
    chance = (targets.sum(dim=-1) / n_keys).sum(dim=-1) / n_queries
    above_chance = (scores - chance) / (1 - chance).clamp_min(1e-6)
    largest_entropy = n_keys.log().sum().clamp_min(1e-6)  # 0 if there is nothing to choose
    entropy = torch.special.entr(weights).sum(dim=(-2, -1)) / largest_entropy

    best = above_chance[..., :-1].max(dim=-1)
    first_token, spread, mixed = range(len(PATTERNS) - 1, len(KINDS))
    kinds = torch.full_like(best.indices, mixed)
    kinds[entropy >= SPREAD_ENTROPY] = spread
    kinds[above_chance[..., first_token] >= FIRST_TOKEN_SHARE] = first_token
    kinds = torch.where(best.values >= PATTERN_SHARE, best.indices, kinds)
    return HeadKinds(scores, entropy, kinds)


def may_look(trace: EncoderTrace | DecoderTrace) -> Bool[Tensor, "query key"]:
    """Say which token may look at which: in an encoder all at all, in a decoder none ahead."""
    return ~trace.blocks[0].attention.scores[0].isneginf()


def pattern_targets(reading: Reading) -> Bool[Tensor, "pattern query key"]:
    """Mark the cells of the grid that play the role of each of PATTERNS (see `head_kinds`)."""
    token_ids = torch.tensor(reading.token_ids)
    place = torch.arange(len(token_ids))
    distance = place - place[:, None]
    in_text = torch.tensor([start < end for start, end in reading.offsets])
    spellings = (
        [reading.text[start:end] for start, end in reading.offsets]
        if reading.byte_level  # whose tokens write bytes as letters: Ġ is a space
        else reading.tokens
    )
    spelled = torch.tensor([any(map(str.isalnum, spelling)) for spelling in spellings])
    word = in_text & spelled
    role = torch.full_like(distance, -1)
    role[:, ~word] = PATTERNS.index("punctuation")
    role[(token_ids == token_ids[:, None]) & word] = PATTERNS.index("same word elsewhere")
    role[distance == 0] = PATTERNS.index("itself")
    role[distance == 1] = PATTERNS.index("next token")
    role[distance == -1] = PATTERNS.index("previous token")
    role[:, 0] = PATTERNS.index("first token")
    return role == torch.arange(len(PATTERNS))[:, None, None]


def received_weight(
    weights: Float[Tensor, "block head query key"],
) -> Float[Tensor, "block key"]:
    """Average the weight that each token receives, over the heads of a block and all that look.

    Returns:
        Each row sums to 1; even attention would give every token 1/n.
    """
    return weights.mean(dim=(1, 2))


@dataclass(frozen=True)
class PronounPair:
    """Two sentences that differ in the word that decides what a pronoun stands for."""

    first: str
    second: str
    pronoun: str
    right_in_first: str
    right_in_second: str


@dataclass(frozen=True, eq=False)
class PronounTrace:
    """The weight that each head puts from the pronoun on both nouns, in both sentences.

    Index 0 and 1: of `sentence` the first and the second, of `noun` the one that is right in the
    first and the one that is right in the second sentence.
    """

    weights: Float[Tensor, "sentence block head noun"]

    @property
    def shares(self) -> Float[Tensor, "sentence"]:
        """The first noun's share of the weight on both, all heads added up."""
        on_nouns = self.weights.sum(dim=(1, 2))
        return on_nouns[:, 0] / on_nouns.sum(dim=-1)

    @property
    def changes_side(self) -> Int[Tensor, "block head"]:
        """1: prefers the right noun in both sentences, -1: the wrong one in both, 0: stays."""
        preference = (self.weights[..., 0] - self.weights[..., 1]).sign().int()
        return torch.where(preference[0] == -preference[1], preference[0], 0)

    @property
    def leans(self) -> Bool[Tensor, "block head"]:
        """Whether the right noun's share of a head's weight is larger than where it is wrong.

        Asks less than changing sides: only that the weight moves the right way.
        """
        # a_0/(a_0 + a_1) > b_0/(b_0 + b_1), without dividing by weights that may be 0
        a, b = self.weights
        return a[..., 0] * b[..., 1] > b[..., 0] * a[..., 1]


def compare_pronouns(
    first: EncoderTrace, second: EncoderTrace, pronoun: str, nouns: tuple[str, str]
) -> PronounTrace:
    """Measure which noun a pronoun looks at in two sentences.

    Args:
        first: The sentence in which `nouns[0]` is right.
        second: The sentence in which `nouns[1]` is right.
        pronoun: The word that looks; the mean over its tokens is taken.
        nouns: The words that it may look at; the weights on their tokens are added up.

    Raises:
        ValueError: If a word is not in a sentence.
    """
    return PronounTrace(
        torch.stack(
            [
                torch.stack([word_weight(trace, pronoun, noun) for noun in nouns], dim=-1)
                for trace in (first, second)
            ]
        )
    )


def word_weight(trace: EncoderTrace, query: str, key: str) -> Float[Tensor, "block head"]:
    """Measure the weight from one word on another, whatever pieces they are cut into."""
    rows = trace.weights[:, :, word_tokens(trace.reading, query)]
    return rows[..., word_tokens(trace.reading, key)].sum(dim=-1).mean(dim=-1)


def word_tokens(reading: Reading, word: str) -> list[int]:
    """Find the tokens of the first place where a word stands in a text (upper case or lower).

    Raises:
        ValueError: If it does not stand there as a whole word, among the tokens that fitted.
    """
    place = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", reading.text, re.IGNORECASE)
    start, end = place.span() if place else (0, 0)
    tokens = [i for i, (a, b) in enumerate(reading.offsets) if start <= a < b <= end]
    if not tokens:
        raise ValueError(f"{word=} is not a word of the text that was read: {reading.text!r}")
    return tokens


@dataclass(frozen=True, eq=False)
class PronounTest:
    """How every head fared on a list of pairs."""

    changes_side: Int[Tensor, "pair block head"]  # as in PronounTrace
    leans: Bool[Tensor, "pair block head"]

    @property
    def n_resolved(self) -> Int[Tensor, "block head"]:
        """Pairs in which the head prefers the right noun in both sentences (luck: 1 in 4)."""
        return (self.changes_side == 1).sum(dim=0)

    @property
    def n_leaning(self) -> Int[Tensor, "block head"]:
        """Pairs in which the head's weight moves the right way (luck: 1 in 2)."""
        return self.leans.sum(dim=0)


def evaluate_heads(encoder: Encoder, pairs: Sequence[PronounPair]) -> PronounTest:
    """Ask all heads of an encoder what the pronouns of some pairs stand for."""
    results = [
        compare_pronouns(
            encoder.trace(pair.first),
            encoder.trace(pair.second),
            pair.pronoun,
            (pair.right_in_first, pair.right_in_second),
        )
        for pair in pairs
    ]
    return PronounTest(
        torch.stack([result.changes_side for result in results]),
        torch.stack([result.leans for result in results]),
    )


def best_by_luck(n_heads: int, n_pairs: int, chance: float) -> tuple[float, ...]:
    """Compute how well the best of many guessing heads does, since the best of many is lucky.

    One guessing head is right on at most k of n pairs with the binomial probability
    F(k) = Σ_{j≤k} C(n, j) p^j (1 − p)^(n − j), and h heads are all so with F(k)^h.

    Args:
        n_heads: Heads that guess, each for itself.
        n_pairs: Pairs that each of them guesses.
        chance: Probability that a guess is right.

    Returns:
        The probability that the best head is right on exactly 0, 1 … n_pairs pairs; sums to 1.

    Raises:
        ValueError: If `chance` is not between 0 and 1, `n_heads` < 1 or `n_pairs` < 0.
    """
    if not 0 <= chance <= 1 or n_heads < 1 or n_pairs < 0:
        raise ValueError(f"{chance=} is not in [0, 1], {n_heads=} < 1 or {n_pairs=} < 0")
    one_head = [
        comb(n_pairs, k) * chance**k * (1 - chance) ** (n_pairs - k) for k in range(n_pairs + 1)
    ]
    at_most = [0.0, *(share**n_heads for share in accumulate(one_head))]
    return tuple(after - before for before, after in pairwise(at_most))
