"""Numbers in English and German words: a small translation whose every answer is known.

The rules are those of the two languages for 0 … 999,999,999,999, with every part a word of its own:
*forty one* is *ein und vierzig* (written together in real German: einundvierzig). The English is
American: no *and*.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Generator, Tensor

LARGEST = 10**12 - 1
N_DIGITS = 12

# fmt: off
ENGLISH_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)
ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ENGLISH_POWERS = {"billion": 10**9, "million": 10**6, "thousand": 10**3}

GERMAN_ONES = (
    "null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun",
    "zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn",
    "achtzehn", "neunzehn",
)
GERMAN_TENS = (
    "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
)
GERMAN_POWERS = {10**9: ("milliarde", "milliarden"), 10**6: ("million", "millionen")}
# fmt: on

ENGLISH_WORDS = (*ENGLISH_ONES, *ENGLISH_TENS, "hundred", *ENGLISH_POWERS)
GERMAN_WORDS = (
    *GERMAN_ONES,
    *("eins", "eine", "und", *GERMAN_TENS, "hundert", "tausend"),
    *(word for forms in GERMAN_POWERS.values() for word in forms),
)

# German word -> the English word it translates; *und* translates none.
DICTIONARY = {
    **dict(zip(GERMAN_ONES, ENGLISH_ONES, strict=True)),
    **dict(zip(GERMAN_TENS, ENGLISH_TENS, strict=True)),
    **{"eins": "one", "eine": "one", "hundert": "hundred", "tausend": "thousand"},
    **{"million": "million", "millionen": "million"},
    **{"milliarde": "billion", "milliarden": "billion"},
}


def english(number: int) -> tuple[str, ...]:
    """Write a number in English words.

    Raises:
        ValueError: If it is below 0 or has more than 12 digits.
    """
    check(number)
    if number == 0:
        return ("zero",)
    words: list[str] = []
    for power_word, power in ENGLISH_POWERS.items():
        count, number = divmod(number, power)
        if count:
            words += [*english_below_thousand(count), power_word]
    return (*words, *english_below_thousand(number))


def english_below_thousand(number: int) -> list[str]:
    """Write 0 … 999 in English: the hundreds, the tens, the ones; 0 is no word."""
    hundreds, rest = divmod(number, 100)
    words = [ENGLISH_ONES[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        words.append(ENGLISH_TENS[rest // 10 - 2])
        rest %= 10
    return [*words, ENGLISH_ONES[rest]] if rest else words


def count_english_words(numbers: Int[Tensor, "number"]) -> Int[Tensor, "number"]:
    """Count the words of many numbers at once, without writing them."""
    powers = torch.tensor([*ENGLISH_POWERS.values(), 1], device=numbers.device)
    groups = numbers[:, None] // powers % 1000  # billions, millions, thousands, the rest
    tens, ones = groups % 100 // 10, groups % 10
    n_words = 2 * (groups >= 100) + (tens >= 2) + ((ones > 0) | (tens == 1))
    n_powers = (groups[:, :-1] > 0).sum(dim=1)
    return (n_words.sum(dim=1) + n_powers).clamp(min=1)  # zero is a word, too


def german(number: int) -> tuple[str, ...]:
    """Write a number in German words, the ones before the tens.

    A final one is *eins*; before *tausend* it is *ein*, before *million* and *milliarde* *eine*.

    Raises:
        ValueError: If it is below 0 or has more than 12 digits.
    """
    check(number)
    if number == 0:
        return ("null",)
    words: list[str] = []
    for power, (singular, plural) in GERMAN_POWERS.items():
        count, number = divmod(number, power)
        if count:
            words += german_below_thousand(count, one="eine")
            words.append(singular if count == 1 else plural)
    thousands, number = divmod(number, 1000)
    if thousands:
        words += [*german_below_thousand(thousands, one="ein"), "tausend"]
    return (*words, *german_below_thousand(number, one="eins"))


def german_below_thousand(number: int, one: str) -> list[str]:
    """Write 0 … 999 in German; `one` is the word for a 1 at its end, 0 is no word."""
    hundreds, rest = divmod(number, 100)
    words = [GERMAN_ONES[hundreds], "hundert"] if hundreds else []
    tens, ones = divmod(rest, 10)
    if rest >= 20:
        return [*words, *([GERMAN_ONES[ones], "und"] if ones else []), GERMAN_TENS[tens - 2]]
    if rest == 1:
        return [*words, one]
    return [*words, GERMAN_ONES[rest]] if rest else words


def check(number: int) -> None:
    """Refuse a number for which the rules above have no words.

    Raises:
        ValueError: If it is below 0 or has more than 12 digits.
    """
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{number=} is not between 0 and {LARGEST:,}")


def read_number(text: str) -> int:
    """Read a number written in digits (41, 1,000,041) or in English words (forty-one).

    Raises:
        ValueError: If it is neither, or too large; the message is for the one who typed it.
    """
    digits = re.sub(r"[ ,'_]", "", text)
    if re.fullmatch("[0-9]+", digits):
        if len(digits.lstrip("0")) > N_DIGITS:
            raise ValueError(f"a number with more than {N_DIGITS} digits is too large here")
        return int(digits)
    words = [word for word in re.split(r"[\s,-]+", text.lower()) if word not in ("", "and")]
    if not words:
        raise ValueError("write a number, in digits or in English words")
    unknown = next((word for word in words if word not in ENGLISH_WORDS), None)
    if unknown is not None:
        raise ValueError(f"{unknown[:40]!r} is neither a whole number nor an English number word")
    number = value(words)
    if number > LARGEST or english(number) != tuple(words):
        raise ValueError(
            "these words do not make one number; write it as in: two thousand forty one"
        )
    return number


def value(words: Sequence[str]) -> int:
    """Add up English number words from left to right, whatever their order."""
    total, below_thousand = 0, 0
    for word in words:
        if word in ENGLISH_POWERS:
            total += below_thousand * ENGLISH_POWERS[word]
            below_thousand = 0
        elif word == "hundred":
            below_thousand *= 100
        elif word in ENGLISH_TENS:
            below_thousand += 10 * (ENGLISH_TENS.index(word) + 2)
        else:
            below_thousand += ENGLISH_ONES.index(word)
    return total + below_thousand


def draw_numbers(generator: Generator, n_numbers: int) -> Int[Tensor, "number"]:
    """Draw numbers of 1 … 12 digits, some of them full of zeros.

    The number of digits is even over 1 … 12; each number has its own share of zeros, even over
    0 … 1, so that round numbers and long ones are both seen and every word occurs.
    """
    device = generator.device
    shape = (n_numbers, N_DIGITS)
    n_digits = torch.randint(1, N_DIGITS + 1, (n_numbers, 1), generator=generator, device=device)
    share = torch.rand((n_numbers, 1), generator=generator, device=device)
    digits = torch.randint(0, 10, shape, generator=generator, device=device)
    zeroed = torch.rand(shape, generator=generator, device=device) < share
    places = torch.arange(N_DIGITS, device=device)
    return torch.where(zeroed | (places >= n_digits), 0, digits * 10**places).sum(dim=-1)
