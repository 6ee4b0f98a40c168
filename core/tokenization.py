"""From text to tokens: what the model reads, other ways to cut, and how a vocabulary is learned.

Sources: Sennrich et al. (2016), byte-pair encoding; Wu et al. (2016), WordPiece;
Kudo (2018), the unigram language model.
"""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer

MAX_TOKENS = 128  # what all-MiniLM-L6-v2 was trained to read


@dataclass(frozen=True)
class Reading:
    """A text cut into the pieces that a model reads."""

    text: str
    tokens: tuple[str, ...]  # special tokens included
    token_ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]  # (start, end) in characters; (0, 0) for added tokens
    n_left_out: int  # tokens at the end of the text that did not fit


class Reader:
    """A tokenizer in Hugging Face format that never pads, and cuts where the model's reach ends."""

    def __init__(self, tokenizer: Tokenizer, max_len: int = MAX_TOKENS) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self.max_len = max_len

    def read(self, text: str) -> Reading:
        """Cut a text into tokens; keep the first ones and the closing token if it is too long."""
        encoding = self.tokenizer.encode(text)
        n_tokens = len(encoding.ids)
        kept = list(range(min(n_tokens, self.max_len)))
        kept[-1] = n_tokens - 1
        return Reading(
            text,
            tuple(encoding.tokens[i] for i in kept),
            tuple(encoding.ids[i] for i in kept),
            tuple(encoding.offsets[i] for i in kept),
            n_tokens - len(kept),
        )
