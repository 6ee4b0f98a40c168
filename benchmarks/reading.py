"""Text to the whole trace: against transformers with hooks, and the matrix products alone.

The peer is transformers' BertModel with eager attention and a forward hook on every module whose
output is a quantity of our trace; raw scores, which no hook gets to see, are computed from the
hooked q and k. It is favoured twice: it is given our tokenizer, which is quicker than its own, and
it need not keep scaled scores. Everything runs
in one thread and is timed by that thread's processor time, so that busy neighbours count less.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from transformers import BertModel
from transformers.utils import logging

from benchmarks.measure import Row, in_turn
from benchmarks.sentences import new_sentence
from core.encoder import Encoder, EncoderTrace
from core.pretrained import bundled_folder, load_encoder

REPETITIONS = {8: 200, 32: 120, 128: 60}  # number of tokens -> rounds
EMBEDDING_PARTS = ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm")
BLOCK_PARTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.self",  # context and weights
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "intermediate.intermediate_act_fn",
    "output.dense",
    "output",
)


def rows() -> Iterator[Row]:
    """Measure at 8, 32 and 128 tokens."""
    torch.set_num_threads(1)
    encoder, peer = load_encoder(), HookedBert()
    for n_tokens, repetitions in REPETITIONS.items():
        text = new_sentence(random.Random(n_tokens), n_tokens)
        require_equal(encoder.trace(text), peer.trace(text, encoder), n_tokens)
        products = MatrixProducts(encoder, n_tokens)
        ours, hooked, bare = in_turn(
            repetitions,
            lambda text=text: encoder.trace(text),
            lambda text=text: peer.trace(text, encoder),
            products.multiply,
            clock=time.thread_time,
        )
        name = f"reading {n_tokens} tokens: "
        yield Row(f"{name}transformers + hooks", "ms", ours, hooked, limit=0.8)
        yield Row(f"{name}matrix products alone", "ms", ours, bare, limit=1.15)


class HookedBert:
    """Transformers' own model, with hooks that keep what it computes."""

    def __init__(self) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.model = BertModel.from_pretrained(
            bundled_folder(), attn_implementation="eager", add_pooling_layer=False
        ).eval()
        self.kept: dict[str, Tensor | tuple[Tensor, ...]] = {}
        for part in EMBEDDING_PARTS:
            self.keep(f"embeddings.{part}")
        for number in range(self.model.config.num_hidden_layers):
            for part in BLOCK_PARTS:
                self.keep(f"encoder.layer.{number}.{part}")
            self.keep_raw_scores(f"encoder.layer.{number}.attention.self")

    def keep(self, name: str) -> None:
        """Put a hook on one module."""

        def hook(_module, _inputs, output):
            self.kept[name] = output

        self.model.get_submodule(name).register_forward_hook(hook)

    def keep_raw_scores(self, name: str) -> None:
        """Put a hook on one attention that multiplies the queries and keys seen before."""

        def hook(attention, _inputs, _output):
            q, k = (
                self.kept[f"{name}.{part}"].unflatten(-1, (attention.num_attention_heads, -1))
                for part in ("query", "key")
            )
            self.kept[f"{name}.raw_scores"] = q.transpose(1, 2) @ k.permute(0, 2, 3, 1)

        self.model.get_submodule(name).register_forward_hook(hook)

    @torch.inference_mode()
    def trace(self, text: str, encoder: Encoder) -> dict[str, Tensor | tuple[Tensor, ...]]:
        """Read a text and give everything that the hooks saw."""
        self.model(torch.tensor([encoder.reader.read(text).token_ids]))
        kept, self.kept = self.kept, {}
        return kept


def require_equal(ours: EncoderTrace, theirs: dict, n_tokens: int) -> None:
    """Refuse to compare the times of two computations that do not agree."""
    if len(ours.tokens) != n_tokens:
        raise ValueError(f"the sentence has {len(ours.tokens)} tokens, not {n_tokens}")
    for number, block in enumerate(ours.blocks):
        name = f"encoder.layer.{number}"
        for mine, other in (
            (block.attention.raw_scores, theirs[f"{name}.attention.self.raw_scores"]),
            (block.attention.weights, theirs[f"{name}.attention.self"][1]),
            (block.output, theirs[f"{name}.output"]),
        ):
            torch.testing.assert_close(mine, other[0], atol=1e-4, rtol=1e-3)


class MatrixProducts:
    """The matrix products of one reading, on the same weights, and nothing else."""

    def __init__(self, encoder: Encoder, n_tokens: int) -> None:
        config = encoder.config
        d_k = config.d_model // config.n_heads
        self.x = torch.randn(n_tokens, config.d_model)
        self.hidden = torch.randn(n_tokens, config.d_ff)
        self.q = torch.randn(config.n_heads, n_tokens, d_k)
        self.weights = torch.rand(config.n_heads, n_tokens, n_tokens)
        self.maps = [
            [getattr(block.attention, name).weight for name in ("w_q", "w_k", "w_v", "w_o")]
            + [block.w_1.weight]
            for block in encoder.blocks
        ]
        self.maps_back = [block.w_2.weight for block in encoder.blocks]

    @torch.inference_mode()
    def multiply(self) -> None:
        """Multiply as plain PyTorch does: x Wᵀ."""
        for maps, w_2 in zip(self.maps, self.maps_back, strict=True):
            for w in maps:
                self.x @ w.T
            self.q @ self.q.transpose(-2, -1)
            self.weights @ self.q
            self.hidden @ w_2.T
