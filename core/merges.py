"""Byte-pair encoding: learn which neighbouring pieces to merge, from nothing but counts.

Source: Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units",
algorithm 1; without its mark at the end of words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]
Word: TypeAlias = tuple[str, ...]  # a word as the pieces it is made of
Numbers: TypeAlias = tuple[int, int]  # a pair, each piece as its number


def pair_counts(words: Mapping[Word, int]) -> Counter[Pair]:
    """Count how often each two pieces stand side by side in the words of a corpus."""
    counts: Counter[Pair] = Counter()
    for word, n_times in words.items():
        for pair in pairwise(word):
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

    Instead of counting all pairs anew after every merge, it looks only at the places where the
    merged pair stood: there, and nowhere else, pairs vanish and new ones arise.

    Args:
        words: How often each word occurs, as the characters it is made of.
        n_merges: Rules to learn at most.
        mark: What stands in front of pieces that continue a word; a merged piece has it in
            front only.
        n_runners_up: Pairs to keep beside the chosen one.
    """
    names = sorted({piece for word in words for piece in word})
    number = {name: i for i, name in enumerate(names)}  # below, a piece is its number

    pieces, left, right, weight = _row(words, number)

    counts: Counter[Numbers] = Counter()
    places: defaultdict[Numbers, set[int]] = defaultdict(set)  # of the left piece
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

        risen: set[Numbers] = set()
        for i in sorted(places.pop((a, b))):
            j = right[i]
            if pieces[i] != a or j < 0 or pieces[j] != b:
                continue  # taken by the merge just left of it, as in "aaa"
            before, after = left[i], right[j]
            changes: list[tuple[int, Numbers, int, Numbers]] = []  # a pair and its place, then anew
            if before >= 0:
                new = (pieces[before], merged)
                changes.append((before, (pieces[before], a), before, new))
            if after >= 0:
                left[after] = i
                new = (merged, pieces[after])
                changes.append((j, (b, pieces[after]), i, new))
            for old_place, old, new_place, new in changes:
                counts[old] -= weight[i]
                counts[new] += weight[i]
                places[old].discard(old_place)
                places[new].add(new_place)
                risen.add(new)
            pieces[i], pieces[j], right[i] = merged, -1, after
        del counts[a, b]
        for pair in risen:
            heappush(heap, (-counts[pair], pair))
    return tuple(merges)


def _row(
    words: Mapping[Word, int], number: Mapping[str, int]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Write all words in a row.

    Returns:
        For every place in the row its piece, the places to its left and right (-1 at the ends of a
        word), and how often its word occurs.
    """
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
    return pieces, left, right, weight


def _most_frequent(
    heap: list[tuple[int, Numbers]], counts: Mapping[Numbers, int], n: int
) -> list[tuple[Numbers, int]]:
    """List the n most frequent pairs; of the equally frequent, those of the oldest pieces first.

    Counts that have changed since they were put on the heap are put right on the way.
    """
    found: dict[Numbers, int] = {}
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
