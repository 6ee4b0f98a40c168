"""How far it is from the last token back to the first: in layers, and for the gradient.

A recurrent network passes through one step for every token between; a Transformer encoder through
the same blocks, however long the text. Compared are ∂L/∂x_t, the gradients of what is read: the
embedded tokens, the same for all.

Source: Vaswani et al. (2017), "Attention Is All You Need", section 4 and table 1 (maximum path
length: O(n) for recurrent layers, O(1) for self-attention).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from core.encoder import Encoder
from core.gradients import backpropagate, for_each_seed, norms
from core.rnn import Cell, run


def repeated(token_ids: Sequence[int], length: int) -> list[int]:
    """Say a text again and again until it has so many tokens; a longer one is cut.

    Args:
        token_ids: As the model reads them: the first and the last one open and close the text.
        length: Tokens, with those two.

    Raises:
        ValueError: If there is no room for both and a token between.
    """
    if length < 3 or len(token_ids) < 2:
        raise ValueError(
            f"{length=}, {len(token_ids)} token_ids: a text opens, closes and has one token between"
        )
    opening, *words, closing = token_ids
    words = words or [opening]
    inner = words * (length // len(words) + 1)
    return [opening, *inner[: length - 2], closing]


def embedded(encoder: Encoder, token_ids: Sequence[int]) -> Float[Tensor, "seq d_model"]:
    """Embed tokens as the encoder does, each at its place; what enters the first block."""
    ids = torch.tensor(token_ids, device=encoder.embeddings.token.device)
    with torch.no_grad():
        return encoder.embeddings(ids, torch.arange(len(ids), device=ids.device)).output


def encoder_gradients(
    encoder: Encoder,
    inputs: Float[Tensor, "seq d_model"],
    directions: Float[Tensor, "direction d_model"],
) -> Float64[Tensor, "direction block seq"]:
    """Measure ‖∂L/∂x_t‖ at every token as it enters each block, by autograd.

    Args:
        encoder: The whole stack is passed through, every block.
        inputs: Embedded tokens: what enters the first block.
        directions: One v for each loss L = v · (output of the last token).
    """
    with torch.inference_mode(False), torch.enable_grad():
        x = inputs.clone().requires_grad_()
        outputs = [block.output for block in encoder.run_blocks(x)]
        entering, last = [x, *outputs[:-1]], outputs[-1][-1]
        grads = [torch.autograd.grad(last, entering, v, retain_graph=True) for v in directions]
    return norms(torch.stack([torch.stack(by_block) for by_block in grads]))


def encoder_input_gradients(
    encoder: Encoder,
    inputs: Float[Tensor, "seq d_model"],
    directions: Float[Tensor, "direction d_model"],
) -> Float64[Tensor, "direction seq"]:
    """Measure ‖∂L/∂x_t‖ at every embedded token: the gradients that enter the first block."""
    return encoder_gradients(encoder, inputs, directions)[:, 0]


def recurrent_input_gradients(
    cell: Cell, inputs: Float[Tensor, "length d_input"], grad_last: Float[Tensor, "*seed d_hidden"]
) -> Float64[Tensor, "seed length"]:
    """Measure ‖∂L/∂x_t‖ at every step, for ∂L/∂h_T given: ∂L/∂x_t = ∂L/∂(x_t W_x) W_xᵀ.

    Args:
        cell: Networks that all read the same sequence.
        inputs: The sequence.
        grad_last: ∂L/∂h_T, for all networks or one for each.

    Raises:
        ValueError: If inputs or grad_last do not fit the cell.
    """
    states = run(cell, inputs)
    gradients = backpropagate(cell, states, for_each_seed(cell.w_h, grad_last))
    projected = gradients.projected[1:, :, 0].transpose(0, 1)
    return norms(projected @ cell.w_x.mT)


def by_distance(measured: Float64[Tensor, "run seq"]) -> Float64[Tensor, "distance"]:
    """Give the median over runs of ‖∂L/∂x_{T−d}‖ ÷ ‖∂L/∂x_T‖; index 0 is the last token, 1.

    For an even number of runs it is the lower one of the two in the middle.
    """
    return (measured / measured[:, -1:]).median(dim=0).values.flip(0)
