"""Sentences of a chosen number of tokens that nobody has sent before."""

from __future__ import annotations

import random

# Each of these words is one token of the reading model, as the measurements check.
WORDS = """
animal apple arm artist autumn baby bag ball band bank bath bear bed bell bird boat body book box
boy bread bridge brother bus cake camera car cat chair child church city clock cloud coat coffee
cow crowd cup dance day desk doctor dog door dream dress driver ear earth egg eye face family farm
father field finger fire fish flag floor flower food foot forest friend fruit game garden gate girl
glass gold grass guest hair hall hand hat head heart hill home horse hotel house ice island jacket
judge key king kitchen knife lady lake lamp law leaf leg letter light lion lip lunch machine man map
market meal meat milk mirror money moon morning mother mountain mouse mouth music name neck news
night nose nurse ocean office oil page paper park party path phone piano picture plane plant plate
player poem pocket queen rain river road rock roof room rose salt school sea shadow shirt shoe shop
""".split()  # noqa: SIM905
SPECIAL_TOKENS = 2  # [CLS] and [SEP]


def new_sentence(random_words: random.Random, n_tokens: int) -> str:
    """Draw words, each at most once, that the reading model cuts into so many tokens."""
    n_words = n_tokens - SPECIAL_TOKENS
    return " ".join(random_words.sample(WORDS * (1 + n_words // len(WORDS)), n_words))
