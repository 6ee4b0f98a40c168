"""One Transformer block that reads a sequence and answers at its last position.

Sources: Vaswani et al. (2017), sections 3.1 to 3.5; Xiong et al. (2020), "On Layer Normalization
in the Transformer Architecture" (normalisation before each part, "pre-LN"). The first axis of every
weight counts seeds, and inputs have the shapes of core/rnn.py: the two are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

from core.attention import merge_heads, scaled_dot_product_attention, split_heads
from core.gradients import HiddenGradients, for_each_seed, trace
from core.positional_encoding import sinusoidal_encoding
from core.rnn import per_seed


@dataclass(frozen=True, eq=False)
class AttentionBlock:
    """The weights of `n_seeds` blocks; biases are left out where nothing is lost by it."""

    n_heads: int
    w_x: Float[Tensor, "seed d_input d_model"]
    w_q: Float[Tensor, "seed d_model d_model"]
    w_k: Float[Tensor, "seed d_model d_model"]
    w_v: Float[Tensor, "seed d_model d_model"]
    w_o: Float[Tensor, "seed d_model d_model"]
    w_1: Float[Tensor, "seed d_model d_ff"]
    b_1: Float[Tensor, "seed d_ff"]
    w_2: Float[Tensor, "seed d_ff d_model"]
    b_2: Float[Tensor, "seed d_model"]

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """List what training changes: `AttentionBlock(n_heads, *weights)` is the block again."""
        attention = (self.w_x, self.w_q, self.w_k, self.w_v, self.w_o)
        return (*attention, self.w_1, self.b_1, self.w_2, self.b_2)

    def to(self, target: torch.device | torch.dtype) -> AttentionBlock:
        """Copy the weights to a device or a precision."""
        return AttentionBlock(self.n_heads, *(w.to(target) for w in self.weights))


def draw_block(
    n_seeds: int, d_input: int, d_model: int, n_heads: int, generator: Generator
) -> AttentionBlock:
    """Draw the weights of many independent blocks.

    Entries are N(0, 1/width of what comes in), twice that variance before the ReLU, so that each
    part answers with about the variance it gets. Biases are 0; the feed-forward layer is 2·d_model
    wide.

    Args:
        n_seeds: Blocks, each with its own weights.
        d_input: Width of the inputs.
        d_model: Width of the vectors.
        n_heads: Attention heads of each block.
        generator: Makes the draws and says on which device.

    Raises:
        ValueError: If a size is below 1, or `d_model` odd or no multiple of `n_heads`.
    """
    if min(n_seeds, d_input, d_model, n_heads) < 1 or d_model % n_heads or d_model % 2:
        raise ValueError(
            f"{n_seeds=}, {d_input=}, {d_model=}, {n_heads=}: each must be at least 1, and d_model "
            "even and a multiple of n_heads"
        )

    def draw(width_in: int, width_out: int, variance: float = 1.0) -> Tensor:
        shape = (n_seeds, width_in, width_out)
        normals = torch.randn(shape, generator=generator, device=generator.device)
        return normals * sqrt(variance / width_in)

    w_x = draw(d_input, d_model)
    w_q, w_k, w_v, w_o = (draw(d_model, d_model) for _ in range(4))
    w_1, w_2 = draw(d_model, 2 * d_model, variance=2.0), draw(2 * d_model, d_model)
    b_1, b_2 = w_1.new_zeros(n_seeds, 2 * d_model), w_2.new_zeros(n_seeds, d_model)
    return AttentionBlock(n_heads, w_x, w_q, w_k, w_v, w_o, w_1, b_1, w_2, b_2)


def embed(
    block: AttentionBlock,
    inputs: Float[Tensor, "length d_input"] | Float[Tensor, "length seed batch d_input"],
) -> Float[Tensor, "seed batch length d_model"]:
    """Compute x_t W_x + PE(t): a vector per input that also says where it stands.

    Raises:
        ValueError: If there is no input or it does not fit the block.
    """
    by_seed = per_seed(block.w_x, inputs).permute(1, 2, 0, 3)
    positions = sinusoidal_encoding(len(inputs), block.w_x.shape[-1], dtype=inputs.dtype)
    return by_seed @ block.w_x[:, None] + positions.to(inputs.device)


def last_output(
    block: AttentionBlock, embedded: Float[Tensor, "seed batch length d_model"]
) -> Float[Tensor, "seed batch d_model"]:
    """Let the last position look at all, itself included, and compute its output.

    y = x + Attention(LN(x)) W_o, then y + ReLU(LN(y) W_1 + b_1) W_2 + b_2. Every position has
    keys and values; only the last one has a query, because only its output is asked for.
    """
    x = normalise(embedded)
    q = split_heads(x[..., -1:, :] @ block.w_q[:, None], block.n_heads)
    k = split_heads(x @ block.w_k[:, None], block.n_heads)
    v = split_heads(x @ block.w_v[:, None], block.n_heads)
    heads = merge_heads(scaled_dot_product_attention(q, k, v).output)
    y = embedded[..., -1, :] + heads[..., 0, :] @ block.w_o
    between = torch.relu(normalise(y) @ block.w_1 + block.b_1[:, None])
    return y + between @ block.w_2 + block.b_2[:, None]


def normalise(x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
    """Shift and scale each vector to mean 0 and variance 1."""
    return functional.layer_norm(x, x.shape[-1:])


def attention_gradients(
    block: AttentionBlock,
    inputs: Float[Tensor, "length d_input"],
    grad_last: Float[Tensor, "*seed d_model"],
) -> HiddenGradients:
    """Follow a gradient from the last position's output to the embedded vector of every position.

    The counterpart of `core.gradients.hidden_gradients`: every position is one step away, whatever
    the distance; but all of them share the last one's attention, so each gets the less, the more
    there are.

    Args:
        block: Blocks that all read the same sequence.
        inputs: The sequence.
        grad_last: ∂L/∂output, for all blocks or one for each.

    Returns:
        The trace; `hidden` are the embedded vectors.

    Raises:
        ValueError: If inputs or grad_last do not fit the block.
    """
    start = for_each_seed(block.w_q, grad_last)
    with torch.inference_mode(False), torch.enable_grad():
        embedded = embed(block, inputs).detach().requires_grad_()
        (grad,) = torch.autograd.grad(last_output(block, embedded), embedded, start)
    hidden, grad = (tensor[:, 0].transpose(0, 1) for tensor in (embedded.detach(), grad))
    return trace(hidden, grad)
