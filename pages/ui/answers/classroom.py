"""What is so in the steps of the teachers' plans: computed as the pages of the lessons do."""

from __future__ import annotations

from core.pieces import divided_words
from pages.ui.answers import (
    embeddings,
    positional_encoding,
    self_attention,
    tokenization,
    transformer,
    vanishing_gradients,
)
from pages.ui.cached import embeddings as tables
from pages.ui.cached import model
from pages.ui.cached import positional_encoding as positions
from pages.ui.cached import self_attention as attention
from pages.ui.cached import tokenization as pieces
from pages.ui.cached import transformer as readings
from pages.ui.cached import vanishing_gradients as gradients
from pages.ui.figures.self_attention import strongest_link
from pages.ui.questions import Truth

# What the pages open with: block 4 and head 2, and these.
BLOCK, HEAD, WORD, ORDER, GAIN = 3, 1, "dog", 1, 0.75


def truth(question: str, sentence: str) -> Truth | None:
    """Say what is so, on a page that has been given a sentence and nothing else.

    Args:
        question: Lesson and slug, as in `tokenization.whole-words`.
        sentence: The sentence that is read.

    Raises:
        ValueError: If no plan asks it.
    """
    read, default = model.reading(sentence), model.MINILM
    match question:
        case "vanishing_gradients.default-gates":
            so = vanishing_gradients.default_gates(gradients.gates(), gradients.NOTICE)
        case "vanishing_gradients.no-activation":
            found, way = gradients.by_activation(), gradients.CHAIN_LENGTH - 1
            so = vanishing_gradients.no_activation(gradients.GAINS[1:], found, GAIN, way)
        case "vanishing_gradients.latched":
            so = vanishing_gradients.latched(*gradients.latch())
        case "transformer.looking-ahead":
            so = transformer.looking_ahead(readings.later_shares(sentence), len(read.tokens))
        case "tokenization.whole-words":
            n_words = len(pieces.cuts(sentence)["words"].pieces)
            so = tokenization.whole_words(sentence, n_words, len(divided_words(read)))
        case "embeddings.nearest":
            near, cut = tables.neighbours(WORD), tables.pieces(WORD)
            spelled = tables.spelled_alike(WORD)
            so = embeddings.nearest(WORD, cut, near.tokens, near.cosines, spelled)
        case "positional_encoding.without-positions":
            orders = positions.word_orders(*positions.shuffled(sentence, ORDER))
            so = positional_encoding.without_positions(sentence, orders.mean_difference)
        case "self_attention.importance":
            weights = model.encoder_trace(sentence).weights[BLOCK, HEAD].numpy()
            token = strongest_link(weights, read.tokens).query
            shares = attention.token_measures(sentence, default.id, BLOCK, HEAD, token)
            n_heads = default.n_blocks * default.n_heads
            so = self_attention.importance(shares, read.tokens, token, n_heads)
        case _:
            raise ValueError(f"question={question!r} is not asked by any plan")
    return so
