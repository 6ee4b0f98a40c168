"""From text to tokens: what the model reads, and how a vocabulary is learned from a text.

Other ways to cut a text and ways to show a token are in `core.pieces`, the learning of merge rules
in `core.merges`.

Sources: Sennrich et al. (2016) (byte-pair encoding, BPE); Radford et al. (2019), section 2.2 (the
same over bytes); Schuster and Nakajima (2012), Wu et al. (2016), section 4.1, and Devlin et al.
(2019) (WordPiece); Kudo (2018), section 3.2 (the unigram language model).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from core.merges import Pair, Word, learn_merges

# One thread per training: several learners share the cores, and the library is silent after a fork.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

MAX_TOKENS = 128  # what all-MiniLM-L6-v2 was trained to read
KINDS = ("wordpiece", "bpe", "unigram", "byte-bpe")
VOCAB_SIZES = (100, 5_000)  # smallest and largest
MAX_CORPUS = 200_000  # characters
UNKNOWN = "[UNK]"
CONTINUATION = "##"  # WordPiece's mark in front of a piece that continues a word
WORD_START = "▁"  # Unigram's mark in front of a piece that begins a word

Offsets: TypeAlias = tuple[tuple[int, int], ...]  # (start, end) in characters


def valid_text(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding can write, by U+FFFD; join whole pairs.

    Nothing else changes.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Reading


@dataclass(frozen=True)
class Reading:
    """A text cut into the pieces that a model reads."""

    text: str
    tokens: tuple[str, ...]  # special tokens included
    token_ids: tuple[int, ...]
    offsets: Offsets  # (0, 0) for added tokens; nothing for a ▁ that stands alone before a word
    n_left_out: int  # tokens at the end of the text that did not fit
    unknown_id: int | None = None  # the id of every piece that is not in the vocabulary
    byte_level: bool = False  # True: a token is a run of bytes, one character for each


@dataclass(frozen=True, eq=False)
class TextTrace:
    """What the trace of any model begins with: how the text was cut."""

    reading: Reading

    @property
    def tokens(self) -> tuple[str, ...]:
        """The pieces the model reads, special tokens included."""
        return self.reading.tokens

    @property
    def token_ids(self) -> tuple[int, ...]:
        """The number of each piece in the vocabulary."""
        return self.reading.token_ids

    @property
    def offsets(self) -> Offsets:
        """Where each piece stands in the text: (start, end), in characters."""
        return self.reading.offsets


class Reader:
    """A tokenizer in Hugging Face format that never pads, and cuts where the model's reach ends."""

    def __init__(self, tokenizer: Tokenizer, max_len: int = MAX_TOKENS) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self.max_len = max_len
        unknown = getattr(tokenizer.model, "unk_token", None) or UNKNOWN
        self.unknown_id: int | None = tokenizer.token_to_id(unknown)
        self.byte_level = "ByteLevel" in str(tokenizer.pre_tokenizer)

    def read(self, text: str) -> Reading:
        """Cut a text into tokens; keep the first ones and the closing token if it is too long."""
        text = valid_text(text)
        encoding = self.tokenizer.encode(text)
        tokens, ids, offsets = encoding.tokens, encoding.ids, encoding.offsets
        n_tokens = len(ids)
        kept = list(range(min(n_tokens, self.max_len)))
        if n_tokens > self.max_len and encoding.special_tokens_mask[-1]:
            kept[-1] = n_tokens - 1
        return Reading(
            text,
            tuple(tokens[i] for i in kept),
            tuple(ids[i] for i in kept),
            tuple(_own_offsets(text, tokens[i], offsets[i]) for i in kept),
            n_tokens - len(kept),
            self.unknown_id,
            self.byte_level,
        )


def _own_offsets(text: str, token: str, offsets: tuple[int, int]) -> tuple[int, int]:
    """Take from the mark ▁ the letter after it, which the library counts as the mark's own."""
    start, end = offsets
    return (start, start) if token == WORD_START != text[start:end] else (start, end)


def normalized(tokenizer: Tokenizer, text: str) -> str:
    """Give the text as the vocabulary sees it; the reading model's: lower case, without accents."""
    text = valid_text(text)
    return text if tokenizer.normalizer is None else tokenizer.normalizer.normalize_str(text)


# Learning a vocabulary


def blank_tokenizer(kind: str) -> Tokenizer:
    """Build a tokenizer that cuts a text into words in the manner of its kind, and has no pieces.

    Raises:
        ValueError: If the kind is not one of `KINDS`.
    """
    if kind == "wordpiece":  # lower-cases and strips accents, as the reading model's does
        tokenizer = Tokenizer(models.WordPiece({}, unk_token=UNKNOWN))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece(CONTINUATION)
    elif kind == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    elif kind == "unigram":  # a word longer than 50 characters counts as several
        tokenizer = Tokenizer(models.Unigram())
        words = pre_tokenizers.Split(Regex(r"\S{1,50}"), "removed", invert=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.Metaspace()])
        tokenizer.decoder = decoders.Metaspace()
    elif kind == "byte-bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        raise ValueError(f"kind={kind!r} is not one of {', '.join(KINDS)}")
    return tokenizer


def first_pieces(tokenizer: Tokenizer, text: str) -> list[Word]:
    """Cut a text into words, and every word into the single characters that merging starts from.

    Byte-level BPE writes each byte as one character; WordPiece marks the characters that do not
    begin a word.
    """
    cut = tokenizer.pre_tokenizer.pre_tokenize_str(normalized(tokenizer, text))
    mark = CONTINUATION if isinstance(tokenizer.model, models.WordPiece) else ""
    return [(word[0], *(mark + character for character in word[1:])) for word, _ in cut]


def word_counts(corpus: str | Sequence[str], kind: str = "bpe") -> Counter[Word]:
    """Count the words of a corpus, each written as the characters that merging starts from.

    Args:
        corpus: A text, or several.
        kind: One of `KINDS`; it decides what a word is.

    Raises:
        ValueError: If the kind is unknown, or the corpus is too long or holds no word.
    """
    tokenizer = blank_tokenizer(kind)
    texts = [corpus] if isinstance(corpus, str) else corpus
    length = sum(len(text) for text in texts)
    if length > MAX_CORPUS:
        raise ValueError(f"corpus has {length:,} characters; at most {MAX_CORPUS:,} are learned")
    counts = Counter(word for text in texts for word in first_pieces(tokenizer, text))
    if not counts:
        raise ValueError(f"corpus={corpus!r} holds no word to learn from")
    return counts


def train_tokenizer(
    corpus: str | Sequence[str], vocab_size: int = 1_000, kind: str = "bpe"
) -> Tokenizer:
    """Learn a vocabulary from a text; the same text gives the same vocabulary.

    "bpe" and "byte-bpe" start from single characters and from the 256 bytes, and merge the most
    frequent pair until the vocabulary is full. "wordpiece" does so too, as the trainer of
    the library tokenizers does, but keeps only the pieces and cuts a word by taking the longest
    that fits. "unigram" starts from every frequent substring and drops the least useful half until
    few enough are left.

    Args:
        corpus: A text, or several; at most 200,000 characters.
        vocab_size: Pieces to learn at most; fewer if no pair of pieces is left that occurs twice.
        kind: "wordpiece", "bpe", "unigram" or "byte-bpe".

    Raises:
        ValueError: If an argument is out of range, or the vocabulary too small for the alphabet.
    """
    smallest, largest = VOCAB_SIZES
    if not smallest <= vocab_size <= largest:
        raise ValueError(f"vocab_size={vocab_size} is not between {smallest} and {largest:,}")
    words = word_counts(corpus, kind)
    alphabet = {piece for word in words for piece in word}
    if kind == "byte-bpe":
        start = sorted(pre_tokenizers.ByteLevel.alphabet())
    else:
        start = [UNKNOWN, *sorted(alphabet)]
    if len(start) > vocab_size:
        raise ValueError(
            f"vocab_size={vocab_size} is too small: kind={kind!r} starts from {len(start):,} pieces"
        )

    tokenizer = blank_tokenizer(kind)
    if kind == "unigram":
        texts = [corpus] if isinstance(corpus, str) else corpus
        scores = _unigram_scores(tokenizer, map(valid_text, texts), vocab_size)
        tokenizer.model = models.Unigram([(UNKNOWN, 0.0), *scores], unk_id=0)
        return tokenizer

    mark = CONTINUATION if kind == "wordpiece" else ""
    learned = learn_merges(words, vocab_size - len(start), mark, n_runners_up=0)
    merges = [merge.pair for merge in learned]
    merged = [left + right.removeprefix(mark) for left, right in merges]
    vocab = {piece: i for i, piece in enumerate(dict.fromkeys([*start, *merged]))}
    if kind == "wordpiece":
        tokenizer.model = models.WordPiece(vocab, unk_token=UNKNOWN)
    elif kind == "bpe":
        tokenizer.model = models.BPE(vocab, merges, unk_token=UNKNOWN)
    else:
        tokenizer.model = models.BPE(vocab, merges)
    return tokenizer


def _unigram_scores(
    tokenizer: Tokenizer, texts: Iterable[str], vocab_size: int
) -> list[tuple[str, float]]:
    """Learn pieces and the logarithm of their probabilities, best first.

    The library adds up in an order that changes from call to call. What that leaves behind is
    removed here: the last digits, and the order of the characters that only stand in the list so
    that every word can be written (their scores lie 0.0001 apart, just above the lowest).
    """
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size,
        unk_token=UNKNOWN,
        seed_size=10_000,  # pyright: ignore[reportCallIssue]: the library's own stub omits it
        shrinking_factor=0.5,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learned: list[tuple[str, float]] = json.loads(tokenizer.to_str())["model"]["vocab"]
    scores = {piece: score for piece, score in learned if piece != UNKNOWN}
    lowest = min(scores.values())
    spread = 0.0001 * sum(len(piece) == 1 for piece in scores)
    for piece, score in scores.items():
        is_spare = len(piece) == 1 and score <= lowest + spread
        scores[piece] = round(lowest if is_spare else score, 4)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


# Replay


@dataclass(frozen=True)
class MergeStep:
    """One merge on the way from characters to tokens."""

    before: tuple[str, ...]
    pair: Pair
    rank: int  # which rule of the vocabulary it is, counted from 0: the first learned comes first
    position: int  # of the left piece in `before`
    after: tuple[str, ...]


def starting_pieces(tokenizer: Tokenizer, word: str) -> tuple[str, ...]:
    """Cut a word into the pieces that its merges start from; unknown characters become [UNK].

    Raises:
        ValueError: If the tokenizer is not of the BPE kind.
    """
    words = _known_pieces(tokenizer, _bpe_model(tokenizer), word)
    return tuple(piece for word in words for piece in word)


def replay_merges(tokenizer: Tokenizer, word: str) -> tuple[MergeStep, ...]:
    """Cut a word as the tokenizer does, one merge at a time.

    Of all neighbouring pieces that some rule merges, those of the rule learned first are merged
    next, the leftmost first. A text of several words is cut word by word.

    Args:
        tokenizer: A tokenizer of the BPE kind, as `train_tokenizer` makes, or from a file.
        word: The word to cut.

    Returns:
        The merges in order; none if the word stays `starting_pieces`.

    Raises:
        ValueError: If the tokenizer is not of the BPE kind.
    """
    model = _bpe_model(tokenizer)
    rank: dict[Pair, int] = {(a, b): i for i, (a, b) in enumerate(model["merges"])}
    words = _known_pieces(tokenizer, model, word)
    pieces = tuple(piece for word in words for piece in word)
    word_of = [number for number, word in enumerate(words) for _ in word]
    steps: list[MergeStep] = []
    while True:
        pairs = list(pairwise(pieces))
        mergeable = [
            (rank[pair], i)
            for i, pair in enumerate(pairs)
            if pair in rank and word_of[i] == word_of[i + 1]
        ]
        if not mergeable:
            return tuple(steps)
        first, i = min(mergeable)
        after = (*pieces[:i], pieces[i] + pieces[i + 1], *pieces[i + 2 :])
        steps.append(MergeStep(pieces, pairs[i], first, i, after))
        pieces = after
        del word_of[i]


def _known_pieces(tokenizer: Tokenizer, model: Mapping[str, Any], text: str) -> list[Word]:
    """Cut a text into words of single characters, those outside the vocabulary as [UNK]."""
    vocab, unknown = model["vocab"], model["unk_token"]
    words = first_pieces(tokenizer, text)
    known = [[piece if piece in vocab else unknown for piece in word] for word in words]
    return [tuple(piece for piece in word if piece is not None) for word in known]


def _bpe_model(tokenizer: Tokenizer) -> dict[str, Any]:
    """Read vocabulary and merge rules of a BPE tokenizer; the library shows them only as JSON."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    if model["type"] != "BPE":
        raise ValueError(f"tokenizer is of the kind {model['type']}; only BPE has merges to replay")
    return model
