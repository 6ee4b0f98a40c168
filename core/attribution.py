"""Which words a token's vector really depends on, beside the weights that seem to say so.

A large attention weight is not an explanation (Jain and Wallace, 2019): the value behind it may be
small (Kobayashi et al., 2020), and other paths lead around it.

Sources: Li et al. (2016), "Understanding Neural Networks through Representation Erasure" (leave one
out); Shrikumar et al. (2016), "Not Just a Black Box" (gradient × input); Abnar and Zuidema (2020),
"Quantifying Attention Flow in Transformers", section 3 (rollout).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import LayerNorm, functional

from core.attention import merge_heads, split_heads
from core.encoder import Ablation, BlockTrace, Encoder, EncoderBlock, EncoderTrace

INTACT = Ablation()
TOKENS_AT_ONCE = 1024  # of all copies of a text together; bounds the memory, hardly the speed


@torch.inference_mode()
def leave_one_out(
    encoder: Encoder, trace: EncoderTrace, token: int, ablation: Ablation = INTACT
) -> Float[Tensor, "seq"]:
    """Read the text again without each token in turn and see how far the chosen one turns.

    The others keep their positions. Special tokens are never left out.

    Args:
        encoder: The model that made the trace.
        trace: The text as it was read.
        token: Whose output vector is watched, counted from 0.
        ablation: What was taken away when the trace was made.

    Returns:
        1 − cosine of the token's last vector with and without each other token: 0 where nothing
        changes, up to 2; NaN for the token itself and for special tokens.

    Raises:
        ValueError: If the text has no such token.
    """
    check_token(trace, token)
    device = trace.output.device
    token_ids = torch.tensor(trace.token_ids, device=device)
    places = torch.arange(len(trace.tokens), device=device)
    start, end = torch.tensor(trace.offsets, device=device).T
    removable = places[(start < end) & (places != token)]
    effects = torch.full_like(trace.output[:, 0], float("nan"))
    direction = functional.normalize(trace.output[token].double(), dim=-1)
    for removed in removable.split(copies_at_once(len(places))):
        kept = places.expand(len(removed), -1)[places != removed[:, None]]
        kept = kept.view(len(removed), len(places) - 1)
        x = encoder.embeddings(token_ids[kept], kept, positions=ablation.positions).output
        turned = functional.normalize(last_output(encoder, x, ablation)[kept == token].double())
        # 1 − cosine, as half the squared distance of unit vectors: no cancellation near 0
        effects[removed] = ((turned - direction).square().sum(dim=-1) / 2).to(effects.dtype)
    return effects


@torch.inference_mode()
def gradient_times_input(
    encoder: Encoder, trace: EncoderTrace, token: int, ablation: Ablation = INTACT
) -> Float[Tensor, "seq"]:
    """Measure how much the chosen token's vector moves when each embedding grows a little.

    ‖J_j x_j‖ with J_j = ∂output[token] / ∂x_j and x_j the normalised embedding of token j, exact:
    each x_j is a direction that is followed through the derivative of every block.

    Args:
        encoder: The model that made the trace.
        trace: The text as it was read.
        token: Whose output vector is watched, counted from 0.
        ablation: What was taken away when the trace was made.

    Returns:
        One length ≥ 0 per token, special tokens and the token itself included.

    Raises:
        ValueError: If the text has no such token.
    """
    check_token(trace, token)
    blocks = cast("Sequence[EncoderBlock]", encoder.blocks)
    x = trace.embeddings.output
    places = torch.arange(len(x), device=x.device)
    lengths = []
    for chosen in places.split(copies_at_once(len(x))):
        moved = x * (places == chosen[:, None])[..., None]
        for number, (block, block_trace) in enumerate(zip(blocks, trace.blocks, strict=True)):
            moved = block_movement(block, block_trace, moved, ablation, ablation.heads_off(number))
        lengths.append(moved[:, token].norm(dim=-1))
    return torch.cat(lengths)


def attention_rollout(
    weights: Float[Tensor, "block head query key"],
) -> Float[Tensor, "block query key"]:
    """Follow the weights down through all blocks, half of each step staying where it is.

    Ã_l = A_l R_{l−1} with A_l = ½ mean over heads of W_l + ½ I: the ½ I stands for the skip
    connection (Abnar and Zuidema, section 3).

    Returns:
        After each block, how the tokens of the text share in each token; rows sum to 1.
    """
    mean = weights.mean(dim=1)
    own = torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    steps = (mean + own) / 2
    shares = [steps[0]]
    for step in steps[1:]:
        shares.append(step @ shares[-1])
    return torch.stack(shares)


def check_token(trace: EncoderTrace, token: int) -> None:
    """Refuse a token that the text does not have.

    Raises:
        ValueError: If there is no token at that place.
    """
    if not 0 <= token < len(trace.tokens):
        raise ValueError(f"{token=} is not one of the {len(trace.tokens)} tokens, counted from 0")


def block_movement(
    block: EncoderBlock,
    trace: BlockTrace,
    moved: Float[Tensor, "copy seq d_model"],
    ablation: Ablation,
    heads_off: Sequence[int] = (),
) -> Float[Tensor, "copy seq d_model"]:
    """Differentiate a block along some directions: how its output moves when its input does.

    Each line is the derivative of the line in `EncoderBlock.forward` that computes the quantity of
    the same name.

    Args:
        block: The block.
        trace: What it computed.
        moved: Directions in which its input moves.
        ablation: What was taken away when the trace was made.
        heads_off: Heads of this block that were switched off.
    """
    layer, attention = block.attention, trace.attention
    w_k = layer.w_q if ablation.shared_qk else layer.w_k
    q, k, v = (
        split_heads(moved @ projection.weight.T, layer.n_heads)
        for projection in (layer.w_q, w_k, layer.w_v)
    )
    scores = q @ attention.k.mT + attention.q @ k.mT
    scores = scores / sqrt(q.shape[-1]) if ablation.scale else scores
    weights = softmax_movement(attention.weights, scores)
    output = weights @ attention.v + attention.weights @ v
    output[..., list(heads_off), :, :] = 0
    update = merge_heads(output) @ layer.w_o.weight.T
    added = moved + update if ablation.residual else update
    y = norm_movement(block.attention_norm, trace.attention_sum, added) if ablation.norm else added

    activations = gelu_slope(trace.hidden) * (y @ block.w_1.weight.T)
    update = activations @ block.w_2.weight.T
    update = update if ablation.feed_forward else torch.zeros_like(y)
    total = y + update if ablation.residual else update
    if not ablation.norm:
        return total
    return norm_movement(block.feed_forward_norm, trace.feed_forward_sum, total)


def softmax_movement(
    weights: Float[Tensor, "... key"], moved: Float[Tensor, "*batch key"]
) -> Float[Tensor, "*batch key"]:
    """Differentiate softmax along a direction of its scores: p_i (s_i − Σ_j p_j s_j)."""
    return weights * (moved - (weights * moved).sum(dim=-1, keepdim=True))


def gelu_slope(x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Differentiate GELU(x) = x Φ(x): Φ(x) + x φ(x), with the normal distribution Φ, density φ."""
    return torch.special.ndtr(x) + x * (-x.square() / 2).exp() / sqrt(2 * pi)


def norm_movement(
    norm: LayerNorm,
    x: Float[Tensor, "... d_model"],
    moved: Float[Tensor, "*batch d_model"],
) -> Float[Tensor, "*batch d_model"]:
    """Differentiate a normalisation at x along a direction.

    γ (u − mean(u) − z mean(z u)) / σ with z = (x − mean(x)) / σ: what shifts or stretches the whole
    vector is lost.
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    deviation = (centred.square().mean(dim=-1, keepdim=True) + norm.eps).sqrt()
    z = centred / deviation
    kept = moved - moved.mean(dim=-1, keepdim=True) - z * (z * moved).mean(dim=-1, keepdim=True)
    return norm.weight * kept / deviation


def last_output(
    encoder: Encoder, x: Float[Tensor, "*batch seq d_model"], ablation: Ablation
) -> Float[Tensor, "*batch seq d_model"]:
    """Send embedded tokens through the stack and keep the last vectors only."""
    for number, block in enumerate(encoder.blocks):
        x = block(x, ablation, ablation.heads_off(number)).output
    return x


def copies_at_once(n_tokens: int) -> int:
    """Choose how many copies of a text are read together."""
    return max(1, TOKENS_AT_ONCE // n_tokens)
