"""Which words a token's vector really depends on, beside the weights that seem to say so.

A large attention weight is not an explanation (Jain and Wallace, 2019): the value behind it may be
small, and other paths lead around it.

Sources: Li et al. (2016), "Understanding Neural Networks through Representation Erasure" (leave one
out); Shrikumar et al. (2017), "Not Just a Black Box" (gradient × input); Abnar and Zuidema (2020),
"Quantifying Attention Flow in Transformers" (rollout).
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from core.encoder import Ablation, Encoder, EncoderTrace

INTACT = Ablation()
TOKENS_AT_ONCE = 2048  # of all copies of a text together; bounds the memory, hardly the speed


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


@torch.inference_mode(False)
def gradient_times_input(
    encoder: Encoder, trace: EncoderTrace, token: int, ablation: Ablation = INTACT
) -> Float[Tensor, "seq"]:
    """Measure how much the chosen token's vector moves when each embedding grows a little.

    ‖J_j x_j‖ with J_j = ∂output[token] / ∂x_j and x_j the normalised embedding of token j, exact,
    by forward-mode differentiation: one direction per token through all blocks.

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
    x = trace.embeddings.output.clone()
    places = torch.arange(len(x), device=x.device)

    def chosen_output(x: Float[Tensor, "seq d_model"]) -> Float[Tensor, "d_model"]:
        return last_output(encoder, x, ablation)[token]

    def movement(place: Int[Tensor, ""]) -> Float[Tensor, ""]:
        only_this = x * (places == place)[:, None]
        return torch.func.jvp(chosen_output, (x,), (only_this,))[1].norm()

    return torch.func.vmap(movement, chunk_size=copies_at_once(len(places)))(places)


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
