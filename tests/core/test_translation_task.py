from itertools import islice

import pytest
import torch

from core.number_words import LARGEST, english, german, value
from core.seq2seq import END, KINDS, PAD, START, build
from core.seq2seq_training import translator_config
from core.translation_task import (
    NUMBERS,
    REVERSAL,
    pairs_of_length,
    pairs_up_to,
    translation,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_ids_stand_between_start_and_end_and_are_filled_up():
    source_ids, target_ids = NUMBERS.ids([(english(41), german(41)), (english(5), german(5))])
    forty, one, five = (NUMBERS.source_words.index(word) + 3 for word in ("forty", "one", "five"))
    assert source_ids.tolist() == [[forty, one, END], [five, END, PAD]]
    ein, und, vierzig, fuenf = (
        NUMBERS.target_words.index(word) + 3 for word in ("ein", "und", "vierzig", "fünf")
    )
    assert target_ids.tolist() == [[START, ein, und, vierzig, END], [START, fuenf, END, PAD, PAD]]


@pytest.mark.parametrize("number", [0, 7, 41, 1_000_000_001, LARGEST])
def test_the_words_of_a_target_come_back_from_its_ids(number):
    ids = NUMBERS.target_ids([german(number), german(LARGEST)])[0].tolist()
    assert NUMBERS.target(ids) == german(number)


def test_what_is_written_after_the_end_is_not_read():
    assert REVERSAL.target([START, 3, 4, END, 5, START, 6]) == ("a", "b")
    assert REVERSAL.target([START, 3, PAD, START, 4]) == ("a", "b")
    assert REVERSAL.target([START, END]) == ()


@pytest.mark.parametrize("task", [NUMBERS, REVERSAL], ids=["numbers", "reversal"])
def test_pairs_are_right_and_no_longer_than_asked(task):
    pairs = [*islice(pairs_up_to(task, seeded(), 5), 211)]
    assert {len(source) for source, _ in pairs} == {1, 2, 3, 4, 5}
    for source, target in pairs:
        right = german(value(source)) if task is NUMBERS else [*reversed(source)]
        assert [*target] == [*right]


@pytest.mark.parametrize("task", [NUMBERS, REVERSAL], ids=["numbers", "reversal"])
@pytest.mark.parametrize("length", [1, 7, 12])
def test_pairs_of_one_length_have_it(task, length):
    pairs = pairs_of_length(task, seeded(), length, 13)
    assert [len(source) for source, _ in pairs] == [length] * 13
    assert pairs == pairs_of_length(task, seeded(), length, 13)
    assert pairs != pairs_of_length(task, seeded(1), length, 13)


def test_every_letter_is_drawn():
    pairs = islice(pairs_up_to(REVERSAL, seeded(), 9), 300)
    assert {letter for source, _ in pairs for letter in source} == {*REVERSAL.source_words}


@pytest.mark.parametrize("kind", KINDS)
def test_a_translation_keeps_a_row_of_weights_per_word_and_one_for_the_end(kind):
    translator = build(kind, translator_config(NUMBERS, 20), seeded(5))
    found = translation(translator, NUMBERS, english(741))
    assert 0 < len(found.words) <= 30
    if kind == "fixed":
        assert found.weights is None
    else:
        assert found.weights.shape in [(len(found.words) + n, 5) for n in (0, 1)]
        torch.testing.assert_close(found.weights.sum(dim=-1), torch.ones(len(found.weights)))
