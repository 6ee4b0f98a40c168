"""How a vocabulary of pieces is learned from a text, and how its merge rules cut a word.

Sources: Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units",
algorithm 1 (byte-pair encoding, BPE); Radford et al. (2019), section 2.2 (the same over bytes);
Schuster and Nakajima (2012) and Devlin et al. (2019) (WordPiece); Kudo (2018), section 3.2
(the unigram language model).
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, TypeAlias

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

# One thread per training: several learners share the cores, and the library is silent after a fork.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

KINDS = ("wordpiece", "bpe", "unigram", "byte-bpe")
VOCAB_SIZES = (100, 5_000)  # smallest and largest
MAX_CORPUS = 200_000  # characters
UNKNOWN = "[UNK]"
CONTINUATION = "##"  # WordPiece's mark in front of a piece that continues a word

Pair: TypeAlias = tuple[str, str]
Word: TypeAlias = tuple[str, ...]  # a word as the pieces it is made of


def valid_text(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding can write, by U+FFFD; join whole pairs.

    Nothing else changes.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# What is learned from


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
    if tokenizer.normalizer is not None:
        text = tokenizer.normalizer.normalize_str(text)
    words = [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
    mark = CONTINUATION if isinstance(tokenizer.model, models.WordPiece) else ""
    return [(word[0], *(mark + character for character in word[1:])) for word in words]


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
    counts = Counter(
        word for text in texts for word in first_pieces(tokenizer, valid_text(text))
    )
    if not counts:
        raise ValueError(f"corpus={corpus!r} holds no word to learn from")
    return counts


# Byte-pair encoding


def pair_counts(words: Mapping[Word, int]) -> Counter[Pair]:
    """Count how often each two pieces stand side by side in the words of a corpus."""
    counts: Counter[Pair] = Counter()
    for word, n_times in words.items():
        for pair in zip(word, word[1:], strict=False):
            counts[pair] += n_times
    return counts


def merge_pair(word: Word, pair: Pair) -> Word:
    """Merge every occurrence of a pair in a word, from left to right."""
    merged: list[str] = []
    i = 0
    while i < len(word):
        if word[i : i + 2] == pair:
            merged.append(word[i] + word[i + 1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def byte_pair_encoding(words: Mapping[Word, int], n_merges: int) -> list[Pair]:
    """Merge the most frequent pair of pieces, again and again: algorithm 1 of Sennrich et al.

    Of pairs that are equally frequent, the one whose pieces are older is merged: characters by
    their code, then merged pieces as they came. A pair seen once is not worth a rule.

    Args:
        words: How often each word occurs, as the characters it is made of.
        n_merges: Rules to learn at most.

    Returns:
        The merge rules, in the order in which they were learned.
    """
    pieces = sorted({piece for word in words for piece in word})
    age = {piece: number for number, piece in enumerate(pieces)}
    merges: list[Pair] = []
    while len(merges) < n_merges:
        counts = pair_counts(words)
        pair = min(counts, key=lambda p: (-counts[p], age[p[0]], age[p[1]]), default=None)
        if pair is None or counts[pair] < 2:
            break
        age.setdefault(pair[0] + pair[1], len(age))
        merges.append(pair)
        words = {merge_pair(word, pair): n_times for word, n_times in words.items()}
    return merges


@dataclass(frozen=True)
class LearnedMerge:
    """A merge rule, and the counts that decided it."""

    pair: Pair
    count: int  # occurrences of the pair in the corpus at that moment
    runners_up: tuple[tuple[Pair, int], ...]  # the next most frequent pairs, with their counts


def learn_merges(
    words: Mapping[Word, int], n_merges: int, mark: str = "", n_runners_up: int = 3
) -> tuple[LearnedMerge, ...]:
    """Learn the same rules as `byte_pair_encoding`, fast enough for a page, and keep the counts.

    Instead of counting anew after every merge, it looks only at the places where the pair stood:
    there, and nowhere else, pairs vanish and new ones arise.

    Args:
        words: How often each word occurs, as the characters it is made of.
        n_merges: Rules to learn at most.
        mark: What stands in front of pieces that continue a word; it vanishes inside a merged piece.
        n_runners_up: Pairs to keep beside the chosen one.
    """
    names = sorted({piece for word in words for piece in word})
    number = {name: i for i, name in enumerate(names)}  # below, a piece is its number

    # All words in a row: for every place its piece, its neighbours' places (-1: none), its weight.
    pieces: list[int] = []
    left: list[int] = []
    right: list[int] = []
    weight: list[int] = []
    for word, n_times in words.items():
        first, end = len(pieces), len(pieces) + len(word)
        pieces += [number[piece] for piece in word]
        left += [-1, *range(first, end - 1)]
        right += [*range(first + 1, end), -1]
        weight += [n_times] * len(word)

    counts: Counter[tuple[int, int]] = Counter()
    places: defaultdict[tuple[int, int], set[int]] = defaultdict(set)  # of the left piece
    for i, j in enumerate(right):
        if j >= 0:
            counts[pieces[i], pieces[j]] += weight[i]
            places[pieces[i], pieces[j]].add(i)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapify(heap)

    merges: list[LearnedMerge] = []
    while len(merges) < n_merges:
        best = _most_frequent(heap, counts, 1 + n_runners_up)
        if not best or best[0][1] < 2:
            break
        (a, b), count = best[0]
        named = [((names[x], names[y]), n) for (x, y), n in best]
        merges.append(LearnedMerge(named[0][0], count, tuple(named[1:])))

        name = names[a] + names[b].removeprefix(mark)
        merged = number.setdefault(name, len(names))
        if merged == len(names):
            names.append(name)

        risen: set[tuple[int, int]] = set()
        for i in sorted(places.pop((a, b))):
            j = right[i]
            if pieces[i] != a or j < 0 or pieces[j] != b:
                continue  # taken by the merge just left of it, as in "aaa"
            before, after = left[i], right[j]
            if before >= 0:
                old, new = (pieces[before], a), (pieces[before], merged)
                counts[old] -= weight[i]
                counts[new] += weight[i]
                places[old].discard(before)
                places[new].add(before)
                risen.add(new)
            if after >= 0:
                old, new = (b, pieces[after]), (merged, pieces[after])
                counts[old] -= weight[i]
                counts[new] += weight[i]
                places[old].discard(j)
                places[new].add(i)
                risen.add(new)
                left[after] = i
            pieces[i], pieces[j], right[i] = merged, -1, after
        del counts[a, b]
        for pair in risen:
            heappush(heap, (-counts[pair], pair))
    return tuple(merges)


def _most_frequent(
    heap: list[tuple[int, tuple[int, int]]], counts: Mapping[tuple[int, int], int], n: int
) -> list[tuple[tuple[int, int], int]]:
    """List the n most frequent pairs, and put right what has changed since the heap was filled."""
    found: dict[tuple[int, int], int] = {}
    while heap and len(found) < n:
        negative, pair = heappop(heap)
        count = counts[pair]
        if count == -negative:
            found[pair] = count
        elif 0 < count < -negative:
            heappush(heap, (-count, pair))
    for pair, count in found.items():
        heappush(heap, (-count, pair))
    return list(found.items())


# Tokenizers


def train_tokenizer(
    corpus: str | Sequence[str], vocab_size: int = 1_000, kind: str = "bpe"
) -> Tokenizer:
    """Learn a vocabulary from a text; the same text gives the same vocabulary.

    "bpe" and "byte-bpe" start from single characters and from the 256 bytes, and merge the most
    frequent pair until the vocabulary is full. "wordpiece" does so too, as the published trainers
    do, but keeps only the pieces and cuts a word by taking the longest that fits. "unigram" starts
    from every frequent substring and drops the least useful half until few enough are left.

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
        special_tokens=[UNKNOWN],
        unk_token=UNKNOWN,
        seed_size=10_000,
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
        pairs = list(zip(pieces, pieces[1:], strict=False))
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
    words = first_pieces(tokenizer, valid_text(text))
    known = [[piece if piece in vocab else unknown for piece in word] for word in words]
    return [tuple(piece for piece in word if piece is not None) for word in known]


def _bpe_model(tokenizer: Tokenizer) -> dict[str, Any]:
    """Read vocabulary and merge rules of a BPE tokenizer; the library shows them only as JSON."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    if model["type"] != "BPE":
        raise ValueError(f"tokenizer is of the kind {model['type']}; only BPE has merges to replay")
    return model
