"""A GPT-2-type Transformer decoder, written to be read.

Sources: Vaswani et al. (2017), section 3.2.3 (no token sees a later one); Radford et al. (2019),
"Language Models are Unsupervised Multitask Learners", section 2.3 (normalisation before each
sub-layer, and once more after the last block); Press and Wolf (2017) (one table for what is read
and what is predicted).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from core.attention import AttentionTrace, SelfAttention, causal_mask
from core.embeddings import look_up
from core.encoder import Ablation
from core.linear import Linear
from core.tokenization import Reader, TextTrace

INTACT = Ablation()


@dataclass(frozen=True)
class DecoderConfig:
    """The sizes of a decoder."""

    vocab_size: int
    max_len: int
    d_model: int
    d_ff: int
    n_heads: int
    n_layers: int
    norm_eps: float


@dataclass(frozen=True, eq=False)
class DecoderEmbeddingTrace:
    """The two rows that are looked up for each token, and their sum."""

    token: Float[Tensor, "*batch seq d_model"]
    position: Float[Tensor, "*batch seq d_model"]
    output: Float[Tensor, "*batch seq d_model"]


@dataclass(frozen=True, eq=False)
class DecoderBlockTrace:
    """Every quantity of one block, in the order in which it is computed."""

    input: Float[Tensor, "*batch seq d_model"]
    attention_input: Float[Tensor, "*batch seq d_model"]  # normalised
    attention: AttentionTrace
    attention_update: Float[Tensor, "*batch seq d_model"]  # what attention adds
    attention_sum: Float[Tensor, "*batch seq d_model"]  # input + update
    feed_forward_input: Float[Tensor, "*batch seq d_model"]  # normalised
    hidden: Float[Tensor, "*batch seq d_ff"]  # before the activation
    activations: Float[Tensor, "*batch seq d_ff"]
    feed_forward_update: Float[Tensor, "*batch seq d_model"]
    output: Float[Tensor, "*batch seq d_model"]  # attention_sum + update


@dataclass(frozen=True, eq=False)
class DecoderTrace(TextTrace):
    """One text on its way through the whole decoder.

    Byte-level tokens stand as the vocabulary writes them (Ġ: a space);
    `core.pieces.display_labels` makes them readable.
    """

    embeddings: DecoderEmbeddingTrace
    blocks: tuple[DecoderBlockTrace, ...]
    output: Float[Tensor, "seq d_model"]  # the last block's output, normalised

    @property
    def weights(self) -> Float[Tensor, "block head query key"]:
        """The attention weights of all blocks and heads."""
        return torch.stack([block.attention.weights for block in self.blocks])


class DecoderEmbeddings(nn.Module):
    """Two lookup tables: what the token is, and where it stands. The sum is not normalised."""

    def __init__(self, vocab_size: int, max_len: int, d_model: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(vocab_size, d_model))
        self.position = nn.Parameter(torch.zeros(max_len, d_model))

    def forward(
        self,
        token_ids: Int[Tensor, "*batch seq"],
        position_ids: Int[Tensor, "*batch seq"],
        *,
        positions: bool = True,
    ) -> DecoderEmbeddingTrace:
        """Look up the rows and add them.

        Args:
            token_ids: Row of the token table for each token.
            position_ids: Row of the position table for each token, counted from 0.
            positions: False adds a zero instead of the position.
        """
        token, position = look_up(self.token, self.position, token_ids, position_ids, positions)
        return DecoderEmbeddingTrace(token, position, token + position)


class DecoderBlock(nn.Module):
    """Causal self-attention, then a feed-forward layer; each reads what is normalised for it.

    y = x + Attention(LayerNorm(x)),  z = y + FFN(LayerNorm(y)),
    FFN(y) = GELU(y W_1 + b_1) W_2 + b_2, with the tanh form of GELU:
    ½ y (1 + tanh(√(2/π) (y + 0.044715 y³))) (Hendrycks and Gimpel, 2016, section 2).
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.attention = SelfAttention(config.d_model, config.n_heads)
        self.feed_forward_norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.w_1 = Linear(config.d_model, config.d_ff)
        self.w_2 = Linear(config.d_ff, config.d_model)

    def forward(
        self,
        x: Float[Tensor, "*batch seq d_model"],
        mask: Bool[Tensor, "seq seq"],
        ablation: Ablation,
        heads_off: Collection[int] = (),
    ) -> DecoderBlockTrace:
        """Take one step of contextualisation."""
        attention_input = self.attention_norm(x) if ablation.norm else x
        attention, attention_update = self.attention(
            attention_input,
            mask,
            heads_off=heads_off,
            scale=ablation.scale,
            shared_qk=ablation.shared_qk,
        )
        y = x + attention_update if ablation.residual else attention_update

        feed_forward_input = self.feed_forward_norm(y) if ablation.norm else y
        hidden = self.w_1(feed_forward_input)
        activations = functional.gelu(hidden, approximate="tanh")
        update = self.w_2(activations) if ablation.feed_forward else torch.zeros_like(y)
        z = y + update if ablation.residual else update
        return DecoderBlockTrace(
            x,
            attention_input,
            attention,
            attention_update,
            y,
            feed_forward_input,
            hidden,
            activations,
            update,
            z,
        )


class Decoder(nn.Module):
    """A stack of identical blocks over embeddings, with the tokenizer that feeds it."""

    def __init__(self, config: DecoderConfig, reader: Reader) -> None:
        super().__init__()
        self.config = config
        self.reader = reader
        self.embeddings = DecoderEmbeddings(config.vocab_size, config.max_len, config.d_model)
        self.blocks = nn.ModuleList(DecoderBlock(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)

    @torch.inference_mode()
    def trace(self, text: str, ablation: Ablation = INTACT) -> DecoderTrace:
        """Read a text and keep every intermediate quantity.

        Args:
            text: Anything; what is longer than the model reads is left out (`reading.n_left_out`).
                An empty text has no tokens: no vectors are computed.
            ablation: What to take away.

        Raises:
            ValueError: If the ablation names a block or head that does not exist.
        """
        ablation.require_heads(self.config.n_layers, self.config.n_heads)
        reading = self.reader.read(text)
        device = self.embeddings.token.device
        token_ids = torch.tensor(reading.token_ids, dtype=torch.long, device=device)
        position_ids = torch.arange(len(reading.tokens), device=device)
        embeddings = self.embeddings(token_ids, position_ids, positions=ablation.positions)
        blocks = self.run_blocks(embeddings.output, ablation)
        return DecoderTrace(reading, embeddings, blocks, self.norm(blocks[-1].output))

    def run_blocks(
        self, x: Float[Tensor, "*batch seq d_model"], ablation: Ablation = INTACT
    ) -> tuple[DecoderBlockTrace, ...]:
        """Send embedded tokens through the stack, each block reading what the last one wrote."""
        mask = causal_mask(x.shape[-2]).to(x.device)
        traces: list[DecoderBlockTrace] = []
        for number, block in enumerate(self.blocks):
            traces.append(block(x, mask, ablation, ablation.heads_off(number)))
            x = traces[-1].output
        return tuple(traces)

    def logits(
        self, output: Float[Tensor, "*batch seq d_model"]
    ) -> Float[Tensor, "*batch seq vocab_size"]:
        """Score every piece of the vocabulary as the next token: compare with its embedding.

        The table of the input is that of the output, too (Press and Wolf, 2017).

        Args:
            output: What the decoder hands on, as in `trace.output`.

        Returns:
            Scores before softmax.
        """
        return output @ self.embeddings.token.T
