from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.number_words import (
    DICTIONARY,
    ENGLISH_WORDS,
    GERMAN_WORDS,
    LARGEST,
    count_english_words,
    draw_numbers,
    english,
    german,
    read_number,
    value,
)

numbers = st.integers(0, LARGEST)

BY_HAND = {
    0: ("zero", "null"),
    1: ("one", "eins"),
    16: ("sixteen", "sechzehn"),
    20: ("twenty", "zwanzig"),
    41: ("forty one", "ein und vierzig"),
    70: ("seventy", "siebzig"),
    100: ("one hundred", "ein hundert"),
    101: ("one hundred one", "ein hundert eins"),
    119: ("one hundred nineteen", "ein hundert neunzehn"),
    1000: ("one thousand", "ein tausend"),
    1001: ("one thousand one", "ein tausend eins"),
    101101: (
        "one hundred one thousand one hundred one",
        "ein hundert ein tausend ein hundert eins",
    ),
    1_000_000: ("one million", "eine million"),
    2_000_000: ("two million", "zwei millionen"),
    21_000_021: ("twenty one million twenty one", "ein und zwanzig millionen ein und zwanzig"),
    101_000_000: ("one hundred one million", "ein hundert eine millionen"),
    1_000_000_001: ("one billion one", "eine milliarde eins"),
    12_000_345_000: (
        "twelve billion three hundred forty five thousand",
        "zwölf milliarden drei hundert fünf und vierzig tausend",
    ),
    LARGEST: (
        "nine hundred ninety nine billion nine hundred ninety nine million "
        "nine hundred ninety nine thousand nine hundred ninety nine",
        "neun hundert neun und neunzig milliarden neun hundert neun und neunzig millionen "
        "neun hundert neun und neunzig tausend neun hundert neun und neunzig",
    ),
}


@pytest.mark.parametrize("number", BY_HAND)
def test_words_match_those_written_by_hand(number):
    assert (" ".join(english(number)), " ".join(german(number))) == BY_HAND[number]


def test_small_numbers_follow_the_list_that_children_learn():
    thousand = [" ".join(german(number)) for number in range(1000)]
    assert len(set(thousand)) == 1000
    assert all(words.endswith("vierzig") for words in thousand[40:50])
    assert thousand[21:24] == ["ein und zwanzig", "zwei und zwanzig", "drei und zwanzig"]


@settings(deadline=None)
@given(numbers)
def test_english_words_are_read_back_as_the_same_number(number):
    words = english(number)
    assert value(words) == number
    assert read_number(" ".join(words)) == number
    assert read_number(f"{number:,}") == read_number(f" {number} ") == number


@settings(deadline=None)
@given(numbers)
def test_every_german_word_translates_an_english_one_of_the_same_number(number):
    words = [DICTIONARY[word] for word in german(number) if word != "und"]
    assert sorted(words) == sorted(english(number))


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=7))
def test_words_are_counted_as_they_are_written(several):
    counted = count_english_words(torch.tensor([*several, 0, 10, 100, 21_000_000]))
    assert counted.tolist() == [*(len(english(number)) for number in several), 1, 1, 2, 3]


def test_the_dictionary_knows_every_german_word_but_und():
    assert {*GERMAN_WORDS} - {*DICTIONARY} == {"und"}
    assert {*DICTIONARY.values()} == {*ENGLISH_WORDS}
    assert len(set(GERMAN_WORDS)) == len(GERMAN_WORDS) == 37
    assert len(set(ENGLISH_WORDS)) == len(ENGLISH_WORDS) == 32


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("forty-one", 41),
        ("  One Hundred  and TWO ", 102),
        ("1_000_041", 1_000_041),
        ("1'000'041", 1_000_041),
        ("2 000", 2000),
        ("007", 7),
        ("0" * 50 + "5", 5),
    ],
)
def test_usual_ways_to_write_a_number_are_read(text, number):
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "write a number"),
        (" , - and", "write a number"),
        ("hello", "'hello' is neither a whole number nor"),
        ("forty vier", "'vier' is neither a whole number nor"),
        ("-5", "'5' is neither a whole number nor"),
        ("3.14", "'3.14' is neither a whole number nor"),
        ("x" * 500, f"'{'x' * 40}' is neither"),
        ("١٢", "is neither a whole number nor"),
        ("1" + "0" * 12, "more than 12 digits"),
        ("9" * 5000, "more than 12 digits"),
        ("forty forty", "do not make one number"),
        ("one forty", "do not make one number"),
        ("hundred", "do not make one number"),
        ("thousand million", "do not make one number"),
        ("twelve hundred", "do not make one number"),
        ("one thousand two million", "do not make one number"),
        ("hundred " * 5000, "do not make one number"),
        ("nine hundred billion billion", "do not make one number"),
    ],
)
def test_what_is_no_number_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_number(text)


@pytest.mark.parametrize("number", [-1, LARGEST + 1])
@pytest.mark.parametrize("language", [english, german])
def test_numbers_without_words_here_are_refused(number, language):
    with pytest.raises(ValueError, match=f"number={number} is not between 0 and 999,999,999,999"):
        language(number)


def test_drawn_numbers_have_every_word_in_both_languages():
    drawn = draw_numbers(torch.Generator().manual_seed(7), 3_001).tolist()
    assert {word for number in drawn for word in english(number)} == {*ENGLISH_WORDS}
    assert {word for number in drawn for word in german(number)} == {*GERMAN_WORDS}
    assert 0 <= min(drawn) < 10
    assert 10**11 < max(drawn) <= LARGEST


def test_every_length_is_drawn_and_long_ones_more_seldom():
    drawn = draw_numbers(torch.Generator().manual_seed(7), 20_011)
    lengths = count_english_words(drawn).tolist()
    counts = [lengths.count(length) for length in range(8, 20)]
    assert min(counts) > 0
    assert all(longer < shorter for shorter, longer in pairwise(counts[::3]))


def test_the_same_generator_draws_the_same_numbers():
    first, again, other = (
        draw_numbers(torch.Generator().manual_seed(seed), 101) for seed in (3, 3, 5)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
