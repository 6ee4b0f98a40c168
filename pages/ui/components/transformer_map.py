"""The map of a Transformer: every box a link to its lesson and a window on the sentence there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from streamlit.components.v2 import component

_FILES = Path(__file__).parents[3] / "assets/components/transformer_map"
_mount = component(
    "transformer_map",
    js=(_FILES / "index.js").read_text(encoding="utf-8"),
    css=(_FILES / "style.css").read_text(encoding="utf-8"),
)

Half = Literal["encoder", "decoder"]


@dataclass(frozen=True)
class Box:
    """One step of the reading: how it is called, its lesson, and what happens there."""

    name: str
    half: Half
    topic: str
    color: str  # a name in the palette
    about: str


# The boxes of figure 1 of Vaswani et al. (2017), each half from its input upwards. Where they stand
# is said in assets/components/transformer_map/index.js.
BOXES: dict[str, Box] = {
    "inputs": Box("Inputs", "encoder", "tokenization", "token", "The text, cut into tokens."),
    "embedding": Box(
        "Input embedding",
        "encoder",
        "embeddings",
        "embedding",
        "Each token becomes its row of a learned table.",
    ),
    "position": Box(
        "Positional encoding",
        "encoder",
        "positional_encoding",
        "position",
        "A vector for its place is added to each token.",
    ),
    "attention": Box(
        "Multi-head attention",
        "encoder",
        "self_attention",
        "attention",
        "Every token looks at all tokens and takes home a mixture.",
    ),
    "attention_norm": Box(
        "Add & norm",
        "encoder",
        "encoder",
        "segment",
        "The mixture is added to what came in; the sum is normalised.",
    ),
    "feed_forward": Box(
        "Feed-forward",
        "encoder",
        "encoder",
        "feed_forward",
        "Each token is changed by itself, through a wider layer.",
    ),
    "feed_forward_norm": Box(
        "Add & norm",
        "encoder",
        "encoder",
        "segment",
        "Added and normalised once more: this enters the next block.",
    ),
    "output": Box(
        "Output vectors",
        "encoder",
        "sentence_meaning",
        "output",
        "After the last block each vector knows its sentence.",
    ),
    "outputs": Box(
        "Outputs so far",
        "decoder",
        "tokenization",
        "token",
        "What has been written already, shifted right by one place.",
    ),
    "output_embedding": Box(
        "Output embedding",
        "decoder",
        "embeddings",
        "embedding",
        "The written tokens become rows of the table, too.",
    ),
    "output_position": Box(
        "Positional encoding",
        "decoder",
        "positional_encoding",
        "position",
        "The same waves say where each of them stands.",
    ),
    "masked_attention": Box(
        "Masked attention",
        "decoder",
        "scaled_dot_product",
        "attention",
        "As in the encoder, but no token sees a later one: that is still to be written.",
    ),
    "masked_norm": Box("Add & norm", "decoder", "encoder", "segment", "Added and normalised."),
    "cross_attention": Box(
        "Cross-attention",
        "decoder",
        "rnn_memory",
        "attention",
        "Queries come from what is written, keys and values from the encoder's output.",
    ),
    "cross_norm": Box("Add & norm", "decoder", "encoder", "segment", "Added and normalised."),
    "decoder_feed_forward": Box(
        "Feed-forward",
        "decoder",
        "encoder",
        "feed_forward",
        "Each token by itself, as in the encoder.",
    ),
    "decoder_norm": Box(
        "Add & norm",
        "decoder",
        "encoder",
        "segment",
        "Added and normalised: this enters the next block.",
    ),
    "linear": Box(
        "Linear",
        "decoder",
        "embeddings",
        "token",
        "A product with the table of embeddings: one score for every token it knows.",
    ),
    "softmax": Box(
        "Softmax",
        "decoder",
        "scaled_dot_product",
        "weights",
        "Scores become probabilities of the next token.",
    ),
}


@dataclass(frozen=True, eq=False)
class Window:
    """What a learner's sentence is at one box.

    Attributes:
        values: (row, column), the part that is painted.
        shape: Of the whole quantity, in words.
        length: Of its vectors, in words.
        seen: What the picture shows.
        signed: Whether values of both signs are painted, or only sizes.
    """

    values: np.ndarray
    shape: str
    length: str
    seen: str
    signed: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind of Transformer: what it leaves away of the original, and what each half then is."""

    left_out: frozenset[str]
    encoder: str
    decoder: str


def _half(half: Half) -> frozenset[str]:
    return frozenset(name for name, box in BOXES.items() if box.half == half)


KINDS = {
    "encoder-only": Kind(_half("decoder"), "all of BERT", "left away"),
    "decoder-only": Kind(
        _half("encoder") | {"cross_attention", "cross_norm"}, "left away", "all of GPT"
    ),
    "both": Kind(frozenset(), "reads the source", "writes the translation"),
}
READING = Kind(_half("decoder"), "reads your sentence", "not in the reading model")


def transformer_map(
    kind: Kind,
    lessons: Mapping[str, str],
    *,
    tokens: Sequence[str],
    windows: Mapping[str, Window],
    colors: Mapping[str, str],
    key: str,
) -> None:
    """Draw the map.

    Args:
        kind: What is greyed out, and what is written above the halves.
        lessons: Topic -> title of every lesson that a box leads to.
        tokens: Of the sentence that is read; shown at the inputs.
        windows: By name of the box; without any the map is drawn small.
        colors: The palette of the current theme.
        key: Name of the figure on its page.
    """
    _mount(data=map_payload(kind, lessons, tokens, windows, colors), key=key)


def map_payload(
    kind: Kind,
    lessons: Mapping[str, str],
    tokens: Sequence[str],
    windows: Mapping[str, Window],
    colors: Mapping[str, str],
) -> bytes:
    """Pack the figure: header length (uint32), header (JSON), windows in steps (uint8).

    A value of a signed window is (step − 128) · limit / 127, of any other step · limit / 255.
    """
    boxes: list[dict[str, Any]] = []
    pixels: list[bytes] = []
    for name, box in BOXES.items():
        boxes.append(
            {
                "id": name,
                "name": box.name,
                "half": box.half,
                "color": colors[box.color],
                "about": box.about,
                "topic": box.topic,
                "lesson": lessons[box.topic],
                "left_out": name in kind.left_out,
            }
        )
        if name in windows:
            window = windows[name]
            limit = float(np.abs(window.values).max(initial=1e-12))
            scaled = np.rint(window.values * ((127 if window.signed else 255) / limit))
            steps = scaled + 128 if window.signed else scaled
            pixels.append(np.ascontiguousarray(steps, dtype=np.uint8).tobytes())
            boxes[-1]["window"] = {
                "rows": window.values.shape[0],
                "columns": window.values.shape[1],
                "limit": limit,
                "signed": window.signed,
                "shape": window.shape,
                "length": window.length,
                "seen": window.seen,
            }
    header = {
        "boxes": boxes,
        "tokens": list(tokens),
        "small": not windows,
        "halves": {"encoder": kind.encoder, "decoder": kind.decoder},
        "colors": {name: colors[name] for name in ("positive", "negative", "weights")},
    }
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + b"".join(pixels)
