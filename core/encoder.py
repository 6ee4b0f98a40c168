"""A BERT-type Transformer encoder, written to be read.

Source: Vaswani et al. (2017), section 3.1 and 3.3 (the block), and Devlin et al. (2019), "BERT"
(normalisation after each residual sum, GELU, learned positions).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.attention import AttentionTrace, SelfAttention
from core.embeddings import Embeddings, EmbeddingTrace
from core.linear import Linear
from core.tokenization import Reader, TextTrace


@dataclass(frozen=True)
class EncoderConfig:
    """The sizes of an encoder."""

    vocab_size: int
    max_len: int
    n_segments: int
    d_model: int
    d_ff: int
    n_heads: int
    n_layers: int
    norm_eps: float


@dataclass(frozen=True)
class Ablation:
    """What is taken away while the model reads. The default takes nothing away.

    Attributes:
        positions: False adds no position to the embeddings.
        heads: (block, head) pairs, counted from 0, whose output is replaced by zeros.
        residual: False leaves the skip connections out of the blocks.
        norm: False leaves the normalisation out of the blocks.
        scale: False leaves out the division by √d_k.
        shared_qk: True makes the keys with w_q, so that q and k are the same.
        feed_forward: False replaces what the feed-forward layers add by zeros.
    """

    positions: bool = True
    heads: Collection[tuple[int, int]] = frozenset()
    residual: bool = True
    norm: bool = True
    scale: bool = True
    shared_qk: bool = False
    feed_forward: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", frozenset(self.heads))

    def require_heads(self, n_layers: int, n_heads: int) -> None:
        """Refuse a block or head that a model does not have."""
        for block, head in self.heads:
            if not (0 <= block < n_layers and 0 <= head < n_heads):
                raise ValueError(
                    f"heads={{({block}, {head})}} is outside {n_layers} blocks x {n_heads} heads"
                )

    def heads_off(self, block: int) -> list[int]:
        """List the heads of one block that are switched off."""
        return sorted(head for in_block, head in self.heads if in_block == block)


@dataclass(frozen=True, eq=False)
class BlockTrace:
    """Every quantity of one block, in the order in which it is computed."""

    input: Float[Tensor, "*batch seq d_model"]
    attention: AttentionTrace
    attention_update: Float[Tensor, "*batch seq d_model"]  # what attention adds
    attention_sum: Float[Tensor, "*batch seq d_model"]  # input + update
    attention_output: Float[Tensor, "*batch seq d_model"]  # normalised
    hidden: Float[Tensor, "*batch seq d_ff"]  # before the activation
    activations: Float[Tensor, "*batch seq d_ff"]
    feed_forward_update: Float[Tensor, "*batch seq d_model"]
    feed_forward_sum: Float[Tensor, "*batch seq d_model"]
    output: Float[Tensor, "*batch seq d_model"]

    @property
    def attention_input(self) -> Float[Tensor, "*batch seq d_model"]:
        """What queries, keys and values are made from: here the input as it comes."""
        return self.input


@dataclass(frozen=True, eq=False)
class EncoderTrace(TextTrace):
    """One text on its way through the whole encoder."""

    embeddings: EmbeddingTrace
    blocks: tuple[BlockTrace, ...]

    @property
    def output(self) -> Float[Tensor, "seq d_model"]:
        """The contextual vector of each token: what the last block hands on."""
        return self.blocks[-1].output

    @property
    def weights(self) -> Float[Tensor, "block head query key"]:
        """The attention weights of all blocks and heads."""
        return torch.stack([block.attention.weights for block in self.blocks])


class EncoderBlock(nn.Module):
    """Self-attention, then a feed-forward layer; each is added to what came in and normalised.

    y = LayerNorm(x + Attention(x)),  z = LayerNorm(y + FFN(y)),
    FFN(y) = GELU(y W_1 + b_1) W_2 + b_2 (section 3.3, with GELU for ReLU).
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.d_model, config.n_heads)
        self.attention_norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.w_1 = Linear(config.d_model, config.d_ff)
        self.w_2 = Linear(config.d_ff, config.d_model)
        self.feed_forward_norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)

    def forward(
        self,
        x: Float[Tensor, "*batch seq d_model"],
        ablation: Ablation,
        heads_off: Collection[int] = (),
    ) -> BlockTrace:
        """Take one step of contextualisation."""
        attention, attention_update = self.attention(
            x, heads_off=heads_off, scale=ablation.scale, shared_qk=ablation.shared_qk
        )
        attention_sum = x + attention_update if ablation.residual else attention_update
        y = self.attention_norm(attention_sum) if ablation.norm else attention_sum

        hidden = self.w_1(y)
        activations = functional.gelu(hidden)
        update = self.w_2(activations) if ablation.feed_forward else torch.zeros_like(y)
        total = y + update if ablation.residual else update
        z = self.feed_forward_norm(total) if ablation.norm else total
        return BlockTrace(
            x, attention, attention_update, attention_sum, y, hidden, activations, update, total, z
        )


class Encoder(nn.Module):
    """A stack of identical blocks over embeddings, with the tokenizer that feeds it."""

    def __init__(self, config: EncoderConfig, reader: Reader) -> None:
        super().__init__()
        self.config = config
        self.reader = reader
        self.embeddings = Embeddings(
            config.vocab_size, config.max_len, config.n_segments, config.d_model, config.norm_eps
        )
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.n_layers))

    @torch.inference_mode()
    def trace(self, text: str, ablation: Ablation = Ablation()) -> EncoderTrace:
        """Read a text and keep every intermediate quantity.

        Args:
            text: Anything; what is longer than the model reads is left out (`reading.n_left_out`).
            ablation: What to take away.

        Raises:
            ValueError: If the ablation names a block or head that does not exist.
        """
        ablation.require_heads(self.config.n_layers, self.config.n_heads)
        reading = self.reader.read(text)
        token_ids = torch.tensor(reading.token_ids, device=self.embeddings.token.device)
        position_ids = torch.arange(len(reading.tokens), device=token_ids.device)
        embeddings = self.embeddings(token_ids, position_ids, positions=ablation.positions)
        return EncoderTrace(reading, embeddings, self.run_blocks(embeddings.output, ablation))

    def run_blocks(
        self, x: Float[Tensor, "*batch seq d_model"], ablation: Ablation = Ablation()
    ) -> tuple[BlockTrace, ...]:
        """Send embedded tokens through the stack, each block reading what the last one wrote."""
        traces: list[BlockTrace] = []
        for number, block in enumerate(self.blocks):
            traces.append(block(x, ablation, ablation.heads_off(number)))
            x = traces[-1].output
        return tuple(traces)
