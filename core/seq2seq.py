"""Translate word by word: through one vector, with attention, or as a Transformer.

All three read the source into one state per word and write the target word after word; they differ
in what each written word may see of the source. `RecurrentTranslator` without attention sees one
vector only, the encoder's last state (Sutskever et al., 2014; given to every step, as in Cho et
al., 2014). With attention it sees a mixture of all states, chosen anew for every word (Bahdanau et
al., 2015; in the form of Luong et al., 2015, section 3.1). `TransformerTranslator` has no recurrent
state (Vaswani et al., 2017, section 3.1); its norms stand before the layers (Xiong et al., 2020).

The recurrent layers are PyTorch's `nn.LSTM`, which runs the loop over the words in one fused call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from core.attention import (
    SelfAttention,
    causal_mask,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)
from core.linear import Linear
from core.positional_encoding import sinusoidal_encoding

PAD, START, END = 0, 1, 2  # ids that are no words: filling, before the first, after the last

Kind = Literal["fixed", "attention", "transformer"]
KINDS: tuple[Kind, ...] = ("fixed", "attention", "transformer")


@dataclass(frozen=True)
class Seq2SeqConfig:
    """The sizes of a translator."""

    source_size: int  # ids, with PAD, START and END
    target_size: int
    d_embedding: int = 32  # of the recurrent translators; the Transformer's is d_model
    d_model: int = 64
    n_heads: int = 4  # of the Transformer, as are the last two
    n_layers: int = 2
    d_ff: int = 128


@dataclass(frozen=True, eq=False)
class Encoded:
    """What the encoder hands to the decoder."""

    states: Float[Tensor, "batch source d_model"]
    mask: Bool[Tensor, "batch source"]  # False where PAD fills the batch
    context: Float[Tensor, "batch d_model"]  # c, the state of the last word


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the decoder makes of it, for every word of the target at once."""

    states: Float[Tensor, "batch target d_model"]
    contexts: Float[Tensor, "batch target d_model"]  # what each step sees of the source
    weights: Float[Tensor, "batch head target source"] | None  # None: no attention
    logits: Float[Tensor, "batch target target_size"]


class RecurrentTranslator(nn.Module):
    """An LSTM reads the source, another writes the target."""

    def __init__(self, config: Seq2SeqConfig, attention: bool) -> None:
        super().__init__()
        d_embedding, d_model = config.d_embedding, config.d_model
        self.source_embedding = nn.Embedding(config.source_size, d_embedding)
        self.target_embedding = nn.Embedding(config.target_size, d_embedding)
        self.encoder = nn.LSTM(d_embedding, d_model, batch_first=True)
        self.bridge = nn.Linear(d_model, d_model)
        self.decoder = nn.LSTM(d_embedding, d_model, batch_first=True)
        self.w_a = nn.Linear(d_model, d_model, bias=False) if attention else None
        self.w_c = nn.Linear(2 * d_model, d_model)
        self.w_s = nn.Linear(d_model, config.target_size)

    def encode(self, source_ids: Int[Tensor, "batch source"]) -> Encoded:
        """Read the source from left to right."""
        return self.encode_embedded(self.source_embedding(source_ids), source_ids != PAD)

    def encode_embedded(
        self, x: Float[Tensor, "batch source d_embedding"], mask: Bool[Tensor, "batch source"]
    ) -> Encoded:
        """Read embedded words; apart from `encode`, so that ∂c/∂x can be asked for."""
        states, _ = self.encoder(x)
        return Encoded(states, mask, last_state(states, mask))

    def decode(self, encoded: Encoded, target_ids: Int[Tensor, "batch target"]) -> Decoded:
        """Predict each next word: h̃_t = tanh(W_c [c_t; h_t]), logits W_s h̃_t (Luong, eq. 5, 6).

        Args:
            encoded: The source; its last state is where the decoder starts.
            target_ids: START and the words before the predicted ones.
        """
        start = self.bridge(encoded.context).tanh()[None]
        states, _ = self.decoder(
            self.target_embedding(target_ids), (start, torch.zeros_like(start))
        )
        contexts, weights = self.look_back(states, encoded)
        combined = self.w_c(torch.cat([contexts, states], dim=-1)).tanh()
        return Decoded(states, contexts, weights, self.w_s(combined))

    def look_back(
        self, states: Float[Tensor, "batch target d_model"], encoded: Encoded
    ) -> tuple[
        Float[Tensor, "batch target d_model"], Float[Tensor, "batch head target source"] | None
    ]:
        """Choose what each step sees of the source: always c, or a mixture of all states.

        The score of source state h̄_s is h_tᵀ W_a h̄_s (Luong, equation 8, "general"), divided by
        √d_model as in Vaswani et al.
        """
        if self.w_a is None:
            return encoded.context[:, None].expand_as(states), None
        trace = scaled_dot_product_attention(
            states,
            self.w_a(encoded.states),
            encoded.states,
            encoded.mask[:, None].expand(-1, states.shape[1], -1),
        )
        return trace.output, trace.weights[:, None]


class TransformerTranslator(nn.Module):
    """A small Transformer: no word waits for the one before it."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(config.source_size, config.d_model)
        self.target_embedding = nn.Embedding(config.target_size, config.d_model)
        self.encoder = nn.ModuleList(EncoderBlock(config) for _ in range(config.n_layers))
        self.encoder_norm = nn.LayerNorm(config.d_model)
        self.decoder = nn.ModuleList(DecoderBlock(config) for _ in range(config.n_layers))
        self.decoder_norm = nn.LayerNorm(config.d_model)
        self.w_s = nn.Linear(config.d_model, config.target_size)

    def encode(self, source_ids: Int[Tensor, "batch source"]) -> Encoded:
        """Read all words of the source at once."""
        mask = source_ids != PAD
        x = with_positions(self.source_embedding(source_ids))
        for block in self.encoder:
            x = block(x, mask[:, None, None])
        states = self.encoder_norm(x)
        return Encoded(states, mask, last_state(states, mask))

    def decode(self, encoded: Encoded, target_ids: Int[Tensor, "batch target"]) -> Decoded:
        """Predict each next word from the words before it and all states of the source.

        The contexts and weights are those of the last block, where the next word is decided.
        """
        x = with_positions(self.target_embedding(target_ids))
        contexts, weights = x, None
        for block in self.decoder:
            x, contexts, weights = block(x, encoded)
        states = self.decoder_norm(x)
        return Decoded(states, contexts, weights, self.w_s(states))


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.attention = SelfAttention(config.d_model, config.n_heads)
        self.feed_forward = FeedForward(config)

    def forward(
        self, x: Float[Tensor, "batch seq d_model"], mask: Bool[Tensor, "... query key"]
    ) -> Float[Tensor, "batch seq d_model"]:
        """Mix the words, then work on each of them."""
        mask = mask.expand(*mask.shape[:-2], x.shape[1], -1)
        return self.feed_forward(x + self.attention(self.attention_norm(x), mask)[1])


class DecoderBlock(nn.Module):
    """Attention to the words written so far, then to the source, then feed-forward."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.attention = SelfAttention(config.d_model, config.n_heads)
        self.cross_norm = nn.LayerNorm(config.d_model)
        self.cross_attention = CrossAttention(config.d_model, config.n_heads)
        self.feed_forward = FeedForward(config)

    def forward(
        self, x: Float[Tensor, "batch target d_model"], encoded: Encoded
    ) -> tuple[
        Float[Tensor, "batch target d_model"],
        Float[Tensor, "batch target d_model"],
        Float[Tensor, "batch head target source"],
    ]:
        """Return the block's output, and what it took from the source with which weights."""
        causal = causal_mask(x.shape[1]).to(x.device)
        x = x + self.attention(self.attention_norm(x), causal)[1]
        context, weights = self.cross_attention(self.cross_norm(x), encoded)
        return self.feed_forward(x + context), context, weights


class CrossAttention(nn.Module):
    """Queries from the target, keys and values from the source (Vaswani, section 3.2.3)."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.w_q = Linear(d_model, d_model)
        self.w_k = Linear(d_model, d_model)
        self.w_v = Linear(d_model, d_model)
        self.w_o = Linear(d_model, d_model)

    def forward(
        self, x: Float[Tensor, "batch target d_model"], encoded: Encoded
    ) -> tuple[Float[Tensor, "batch target d_model"], Float[Tensor, "batch head target source"]]:
        """Let every written word look at every source word."""
        trace = scaled_dot_product_attention(
            split_heads(self.w_q(x), self.n_heads),
            split_heads(self.w_k(encoded.states), self.n_heads),
            split_heads(self.w_v(encoded.states), self.n_heads),
            encoded.mask[:, None, None].expand(-1, -1, x.shape[1], -1),
        )
        return self.w_o(merge_heads(trace.output)), trace.weights


class FeedForward(nn.Module):
    """x + W_2 max(0, W_1 norm(x)) (Vaswani, equation 2)."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.d_model)
        self.w_1 = nn.Linear(config.d_model, config.d_ff)
        self.w_2 = nn.Linear(config.d_ff, config.d_model)

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """Work on each word by itself."""
        return x + self.w_2(self.w_1(self.norm(x)).relu())


Translator = RecurrentTranslator | TransformerTranslator


def build(kind: Kind, config: Seq2SeqConfig, generator: Generator) -> Translator:
    """Make one translator with fresh weights, on the generator's device.

    Weights and biases are even in ±1/√(inputs), as is PyTorch's habit (an LSTM's: ±1/√d_model);
    embeddings are normal with variance 1, norms start as the identity.
    """
    with torch.device("meta"):
        model = empty(kind, config)
    model.to_empty(device=generator.device)
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, generator=generator)
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()
        elif own:
            inputs = module.hidden_size if isinstance(module, nn.LSTM) else own[0].shape[1]
            for parameter in own:
                nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return model


def empty(kind: Kind, config: Seq2SeqConfig) -> Translator:
    """Make one translator whose weights are still to come."""
    if kind == "transformer":
        return TransformerTranslator(config)
    return RecurrentTranslator(config, attention=kind == "attention")


def last_state(
    states: Float[Tensor, "batch source d_model"], mask: Bool[Tensor, "batch source"]
) -> Float[Tensor, "batch d_model"]:
    """Take the state at the end of each source, before the filling."""
    last = mask.sum(dim=1) - 1
    return states[torch.arange(len(states), device=states.device), last]


def with_positions(x: Float[Tensor, "batch seq d_model"]) -> Float[Tensor, "batch seq d_model"]:
    """Add the sinusoidal encoding (Vaswani, section 3.5)."""
    return x + sinusoidal_encoding(x.shape[1], x.shape[2]).to(x)


def loss(
    model: Translator,
    source_ids: Int[Tensor, "batch source"],
    target_ids: Int[Tensor, "batch target"],
) -> Float[Tensor, ""]:
    """Measure how unexpected each right next word is, given the right words before it (nats)."""
    logits = model.decode(model.encode(source_ids), target_ids[:, :-1]).logits
    return functional.cross_entropy(
        logits.flatten(0, 1), target_ids[:, 1:].flatten(), ignore_index=PAD
    )


@torch.inference_mode()
def is_right(
    model: Translator,
    source_ids: Int[Tensor, "batch source"],
    target_ids: Int[Tensor, "batch target"],
) -> Bool[Tensor, "batch"]:
    """Say of each source whether its greedy translation is right from the first word to END.

    It is exactly when every next word is right after the right words before it, so that one pass
    over the true target decides, without writing word by word.
    """
    following = target_ids[:, 1:]
    logits = model.decode(model.encode(source_ids), target_ids[:, :-1]).logits
    return ((logits.argmax(dim=-1) == following) | (following == PAD)).all(dim=1)


@torch.inference_mode()
def translate(
    model: Translator, source_ids: Int[Tensor, "batch source"], max_words: int
) -> Int[Tensor, "batch target"]:
    """Write the likeliest next word again and again (greedy decoding).

    Returns:
        START, then at most `max_words` ids; what stands after the first END means nothing.
    """
    encoded = model.encode(source_ids)
    target_ids = torch.full_like(source_ids[:, :1], START)
    for _ in range(max_words):
        following = model.decode(encoded, target_ids).logits[:, -1:].argmax(dim=-1)
        target_ids = torch.cat([target_ids, following], dim=1)
        if (target_ids == END).any(dim=1).all():
            break
    return target_ids
