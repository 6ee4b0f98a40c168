"""What the translators learn: pairs of word sequences, drawn fresh for every batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from string import ascii_lowercase

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from core.number_words import (
    ENGLISH_WORDS,
    GERMAN_WORDS,
    count_english_words,
    draw_numbers,
    english,
    german,
    value,
)
from core.seq2seq import END, PAD, START, Translator, translate

TRAINED_LENGTH = 9  # source words in training; longer ones are the test beyond it
MAX_WORDS = 30  # of a translation; the longest German number has 23
LETTERS = tuple(ascii_lowercase[:20])

Pair = tuple[Sequence[str], Sequence[str]]  # source words, target words


@dataclass(frozen=True)
class Task:
    """A translation whose right answers are known.

    Attributes:
        source_words: All words of the source language; ids count from 3, in this order.
        target_words: Likewise of the target language.
        draw: (generator, n, shortest, longest) -> of n sources those of so many words.
        translate: source -> the right target.
    """

    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    draw: Callable[[Generator, int, int, int], list[Sequence[str]]]
    translate: Callable[[Sequence[str]], Sequence[str]]

    def ids(
        self, pairs: Sequence[Pair]
    ) -> tuple[Int[Tensor, "batch source"], Int[Tensor, "batch target"]]:
        """Number the words of pairs: all sources, all targets."""
        sources, targets = zip(*pairs, strict=True)
        return self.source_ids(sources), self.target_ids(targets)

    def source_ids(self, sources: Sequence[Sequence[str]]) -> Int[Tensor, "batch source"]:
        """Number the words of each source, END after the last, PAD up to the longest."""
        return padded([[*ids(words, self.source_words), END] for words in sources])

    def target_ids(self, targets: Sequence[Sequence[str]]) -> Int[Tensor, "batch target"]:
        """Number the words of each target, between START and END, PAD up to the longest."""
        return padded([[START, *ids(words, self.target_words), END] for words in targets])

    def target(self, target_ids: Sequence[int]) -> tuple[str, ...]:
        """Read the words of one target up to its END; START and PAD are no words."""
        written = takewhile(lambda id: id != END, target_ids)
        return tuple(self.target_words[id - 3] for id in written if id > END)


def ids(words: Sequence[str], vocabulary: tuple[str, ...]) -> list[int]:
    """Number words by their place in the vocabulary, after PAD, START and END."""
    return [vocabulary.index(word) + 3 for word in words]


def padded(rows: Sequence[Sequence[int]]) -> Int[Tensor, "row longest"]:
    """Fill rows up to the longest with PAD."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])


def draw_number_words(
    generator: Generator, n_drawn: int, shortest: int, longest: int
) -> list[Sequence[str]]:
    """Draw numbers, and write those in English that have so many words."""
    numbers = draw_numbers(generator, n_drawn)
    n_words = count_english_words(numbers)
    chosen = numbers[(shortest <= n_words) & (n_words <= longest)]
    return [english(number) for number in chosen.tolist()]


def translate_number(source: Sequence[str]) -> Sequence[str]:
    """Write the same number in German."""
    return german(value(source))


def draw_letters(
    generator: Generator, n_drawn: int, shortest: int, longest: int
) -> list[Sequence[str]]:
    """Draw rows of letters, each of these lengths as often as any other."""
    shape, device = (n_drawn, longest), generator.device
    letters = torch.randint(len(LETTERS), shape, generator=generator, device=device).tolist()
    lengths = torch.randint(shortest, longest + 1, (n_drawn,), generator=generator, device=device)
    return [
        [LETTERS[letter] for letter in row[:length]]
        for row, length in zip(letters, lengths.tolist(), strict=True)
    ]


def reverse(source: Sequence[str]) -> Sequence[str]:
    """Write the same letters from the last to the first."""
    return source[::-1]


@dataclass(frozen=True, eq=False)
class Translation:
    """What a translator makes of one source.

    Attributes:
        words: As far as it wrote, without END.
        weights: How much each written word and END took from each source word and END, mean over
            the heads; None where there is no attention.
    """

    words: tuple[str, ...]
    weights: Float[Tensor, "target source"] | None


@torch.inference_mode()
def translation(translator: Translator, task: Task, source: Sequence[str]) -> Translation:
    """Translate one source, and keep where the translator looked for each word."""
    source_ids = task.source_ids([source]).to(translator.w_s.weight.device)
    target_ids = translate(translator, source_ids, MAX_WORDS)
    words = task.target(target_ids[0].tolist())
    decoded = translator.decode(translator.encode(source_ids), target_ids[:, : len(words) + 1])
    weights = None if decoded.weights is None else decoded.weights[0].mean(dim=0)
    return Translation(words, weights)


NUMBERS = Task(ENGLISH_WORDS, GERMAN_WORDS, draw_number_words, translate_number)
REVERSAL = Task(LETTERS, LETTERS, draw_letters, reverse)


def pairs_up_to(task: Task, generator: Generator, longest: int) -> Iterator[Pair]:
    """Draw without end, and keep what has at most so many source words."""
    while True:
        for source in task.draw(generator, 1024, 1, longest):
            yield source, task.translate(source)


def pairs_of_length(task: Task, generator: Generator, length: int, n_pairs: int) -> list[Pair]:
    """Draw until there are enough sources of exactly this many words."""
    sources: list[Sequence[str]] = []
    while len(sources) < n_pairs:
        sources += task.draw(generator, 4096, length, length)
    return [(source, task.translate(source)) for source in sources[:n_pairs]]
