"""Stacks of many fresh blocks: what skip connections and normalisation do to gradients and tokens.

Sources: Vaswani et al. (2017), section 3.1 (skip connection, then normalisation); Xiong et al.
(2020), "On Layer Normalization in the Transformer Architecture" (normalisation before or after each
part; section 3.3 and Theorem 1 on the size of gradients); Dong et al. (2021), "Attention is Not All
You Need", section 2 (attention alone makes all tokens one). Logarithms are to base 10: decades.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Literal, NamedTuple, TypeAlias

import torch
from jaxtyping import Float, Float64, Int
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy, one_hot

from core.attention import merge_heads, scaled_dot_product_attention, split_heads
from core.attention_block import normalise
from core.gradients import norms
from core.recurrent_training import Adam, in_rows, views
from core.residual_stream import mean_token_cosine
from core.training import Frame

Vectors: TypeAlias = Float[Tensor, "seed batch seq d_model"]

N_HEADS = 4
LENGTH = 16  # tokens of a sequence
N_SEQUENCES, N_CLASSES = 2, 100  # of the fresh stacks, as in the experiments of Xiong et al.

# What is learned: to name the symbol before, for each of a row of symbols.
N_SYMBOLS = 12
D_TRAINED = 32
BATCH = 16
LEARNING_RATE = 3e-3
GUESSING_LOSS, GUESSING_ACCURACY = log(N_SYMBOLS), 1 / N_SYMBOLS
SERIES = ("loss", "accuracy", "gradient norm", "token cosine")  # of a frame


class Wiring(NamedTuple):
    """How the two parts of a block, f(x), are put together.

    Attributes:
        norm: "before": f(LN(x)); "after": LN of what leaves the part; None: no normalisation.
        skip: Whether x is added to what the part answers.
    """

    norm: Literal["before", "after"] | None
    skip: bool


WIRINGS = {
    "pre-norm": Wiring("before", skip=True),
    "post-norm": Wiring("after", skip=True),
    "no norm": Wiring(None, skip=True),
    "no skip": Wiring("after", skip=False),
    "neither": Wiring(None, skip=False),
}


class BlockWeights(NamedTuple):
    """The weights of one block for every seed; biases would start as 0 and are left out."""

    w_q: Float[Tensor, "seed d_model d_model"]
    w_k: Float[Tensor, "seed d_model d_model"]
    w_v: Float[Tensor, "seed d_model d_model"]
    w_o: Float[Tensor, "seed d_model d_model"]
    w_1: Float[Tensor, "seed d_model d_ff"]
    w_2: Float[Tensor, "seed d_ff d_model"]


@dataclass(frozen=True, eq=False)
class Stack:
    """Fresh blocks, what they read, and what they should have answered; a batch for each seed."""

    x: Vectors
    targets: Int[Tensor, "seed batch seq"]
    blocks: tuple[BlockWeights, ...]
    w_out: Float[Tensor, "seed d_model class"]


@dataclass(frozen=True, eq=False)
class StackTrace:
    """What passes through fresh stacks, forward and back; depth 0 is what enters.

    −inf where float32 held only 0, NaN where a number was too large for it.
    """

    log_grad_norm: Float64[Tensor, "depth seed"]  # log10 ‖∂L/∂x_n‖
    log_grad_w_2: Float64[Tensor, "block seed"]  # log10 ‖∂L/∂W_2‖, Frobenius norm
    token_cosine: Float64[Tensor, "depth seed"]  # between the tokens of a sequence, on average
    mean_square: Float64[Tensor, "depth seed"]  # E ‖x_n‖² / d_model


# A stack


def xavier(
    n_seeds: int, d_in: int, d_out: int, generator: Generator
) -> Float[Tensor, "n_seeds d_in d_out"]:
    """Draw matrices from U(−a, a) with a = √(6 / (d_in + d_out)) (Glorot & Bengio, 2010)."""
    shape = (n_seeds, d_in, d_out)
    uniform = torch.rand(shape, generator=generator, device=generator.device)
    return (2 * uniform - 1) * sqrt(6 / (d_in + d_out))


def draw_block(n_seeds: int, d_model: int, generator: Generator) -> BlockWeights:
    """Draw the weights of a block; its feed-forward layer is 4·d_model wide."""
    w_q, w_k, w_v, w_o = (xavier(n_seeds, d_model, d_model, generator) for _ in range(4))
    w_1 = xavier(n_seeds, d_model, 4 * d_model, generator)
    w_2 = xavier(n_seeds, 4 * d_model, d_model, generator)
    return BlockWeights(w_q, w_k, w_v, w_o, w_1, w_2)


def project(
    x: Float[Tensor, "seed batch seq d_in"], w: Float[Tensor, "seed d_in d_out"]
) -> Float[Tensor, "seed batch seq d_out"]:
    """Multiply the vectors of each seed by its own matrix, all sequences in one product."""
    return (x.flatten(1, 2) @ w).unflatten(1, x.shape[1:3])


def attend(x: Vectors, block: BlockWeights) -> Vectors:
    """Let all tokens of a sequence look at each other."""
    q, k, v = (split_heads(project(x, w), N_HEADS) for w in (block.w_q, block.w_k, block.w_v))
    return project(merge_heads(scaled_dot_product_attention(q, k, v).output), block.w_o)


def feed_forward(x: Vectors, block: BlockWeights) -> Vectors:
    """Change each token by itself: ReLU(x W_1) W_2 (Vaswani et al., equation 2)."""
    return project(torch.relu(project(x, block.w_1)), block.w_2)


def wire(x: Vectors, part: Callable[[Vectors], Vectors], wiring: Wiring) -> Vectors:
    """Put a part of a block into the stream.

    Before: x + f(LN(x)); after: LN(x + f(x)); without skip connections the x + is missing.
    """
    answer = part(normalise(x) if wiring.norm == "before" else x)
    total = x + answer if wiring.skip else answer
    return normalise(total) if wiring.norm == "after" else total


def run_stack(x: Vectors, blocks: Sequence[BlockWeights], wiring: Wiring) -> list[Vectors]:
    """Send vectors through all blocks: x_0, what enters, then x_n after each block."""
    depths = [x]
    for block in blocks:
        y = wire(depths[-1], lambda x, block=block: attend(x, block), wiring)
        depths.append(wire(y, lambda x, block=block: feed_forward(x, block), wiring))
    return depths


def answer(
    x: Vectors, w_out: Float[Tensor, "seed d_model class"], wiring: Wiring
) -> Float[Tensor, "seed batch seq class"]:
    """Score the classes for each token; what was not normalised on its way is so at the end."""
    return project(normalise(x) if wiring.norm == "before" else x, w_out)


def mean_loss(
    answers: Float[Tensor, "seed batch seq class"], targets: Int[Tensor, "seed batch seq"]
) -> Float[Tensor, "seed"]:
    """Average the cross-entropy over the tokens of each seed, in nats."""
    losses = cross_entropy(answers.flatten(0, 2), targets.flatten(), reduction="none")
    return losses.unflatten(0, targets.shape).mean(dim=(1, 2))


# Fresh stacks


def draw_stack(n_blocks: int, generator: Generator, n_seeds: int = 8, d_model: int = 64) -> Stack:
    """Draw stacks that differ only in their seed, with noise to read and classes to answer.

    The first blocks of a deep stack are those of a shallow one drawn with the same seed.

    Args:
        n_blocks: Blocks of each stack.
        generator: Makes the draws; its device is where they are computed.
        n_seeds: Stacks.
        d_model: Width of the vectors.

    Raises:
        ValueError: If a size is below 1 or `d_model` is no multiple of the number of heads.
    """
    if min(n_blocks, n_seeds, d_model) < 1 or d_model % N_HEADS:
        raise ValueError(
            f"{n_blocks=}, {n_seeds=}, {d_model=}: each must be at least 1, and d_model a multiple "
            f"of {N_HEADS} heads"
        )
    shape, device = (n_seeds, N_SEQUENCES, LENGTH), generator.device
    x = torch.randn((*shape, d_model), generator=generator, device=device)
    targets = torch.randint(N_CLASSES, shape, generator=generator, device=device)
    w_out = xavier(n_seeds, d_model, N_CLASSES, generator)
    blocks = tuple(draw_block(n_seeds, d_model, generator) for _ in range(n_blocks))
    return Stack(normalise(x), targets, blocks, w_out)


def watch_stack(stack: Stack, wiring: Wiring) -> StackTrace:
    """Send a batch through fresh stacks and its loss back, and measure both at every depth."""
    with torch.inference_mode(False), torch.enable_grad():
        x = stack.x.clone().requires_grad_()
        blocks = [b._replace(w_2=b.w_2.clone().requires_grad_()) for b in stack.blocks]
        depths = run_stack(x, blocks, wiring)
        loss = mean_loss(answer(depths[-1], stack.w_out, wiring), stack.targets).sum()
        grads = torch.autograd.grad(loss, [*depths, *(block.w_2 for block in blocks)])
    log_norms = torch.stack([norms(grad.flatten(1)).log10() for grad in grads])
    vectors = torch.stack(depths).detach()
    return StackTrace(
        log_norms[: len(depths)],
        log_norms[len(depths) :],
        mean_token_cosine(vectors).mean(dim=-1),
        vectors.double().square().mean(dim=(2, 3, 4)),
    )


# Stacks that learn


def draw_symbols(
    n_seeds: int, generator: Generator
) -> tuple[Float[Tensor, "n_seeds batch seq symbol"], Int[Tensor, "n_seeds batch seq"]]:
    """Draw rows of symbols, one-hot, and for each place the symbol before it.

    Nothing stands before the first; it is asked for the last one.
    """
    shape = (n_seeds, BATCH, LENGTH)
    symbols = torch.randint(N_SYMBOLS, shape, generator=generator)
    return one_hot(symbols, N_SYMBOLS).float(), symbols.roll(1, dims=-1)


class StackLearner:
    """Stacks wired in one way, one per seed, that learn to name the symbol before.

    Symbols enter as embedding + learned position. Every update reads fresh rows.

    Args:
        wiring: How the blocks are put together.
        n_blocks: Of each stack.
        n_seeds: Stacks, with weights and symbols of their own.
        seed: Decides everything that is drawn.
        device: Where it is computed. What is drawn does not depend on it.
    """

    def __init__(
        self, wiring: Wiring, n_blocks: int, n_seeds: int, seed: int, device: torch.device
    ) -> None:
        self.wiring, self.device = wiring, device
        self.symbols = Generator().manual_seed(2 * seed)  # all wirings read the same
        drawn = Generator().manual_seed(2 * seed + 1)  # and start from the same weights
        weights = [
            xavier(n_seeds, N_SYMBOLS, D_TRAINED, drawn),
            xavier(n_seeds, LENGTH, D_TRAINED, drawn),
            xavier(n_seeds, D_TRAINED, N_SYMBOLS, drawn),
            *(w for _ in range(n_blocks) for w in draw_block(n_seeds, D_TRAINED, drawn)),
        ]
        self.shapes = [weight.shape[1:] for weight in weights]
        self.parameters = in_rows(weights).to(device)
        self.adam = Adam(LEARNING_RATE)

    def update(self) -> tuple[Float64[Tensor, "series seed"], Float64[Tensor, "seed depth"]]:
        """Read fresh symbols, learn from them, and tell what was measured on the way.

        Returns:
            `SERIES`; and log10 ‖∂L/∂x_n‖ at every depth n.
        """
        inputs, targets = draw_symbols(len(self.parameters), self.symbols)
        inputs, targets = inputs.to(self.device), targets.to(self.device)
        with torch.inference_mode(False), torch.enable_grad():
            parameters = self.parameters.requires_grad_()
            symbols, positions, w_out, *flat = views(parameters, self.shapes)
            blocks = [BlockWeights(*flat[n : n + 6]) for n in range(0, len(flat), 6)]
            depths = run_stack(project(inputs, symbols) + positions[:, None], blocks, self.wiring)
            answers = answer(depths[-1], w_out, self.wiring)
            loss = mean_loss(answers, targets)
            grad, *grads = torch.autograd.grad(loss.sum(), [parameters, *depths])
        self.parameters = parameters.detach() + self.adam.change(grad)
        right = (answers.argmax(dim=-1) == targets) & answers.isfinite().all(dim=-1)
        series = [
            loss.detach().double(),
            right.double().mean(dim=(1, 2)),
            norms(grad),
            mean_token_cosine(depths[-1].detach()).mean(dim=-1),
        ]
        profile = torch.stack([norms(grad.flatten(1)).log10() for grad in grads], dim=1)
        return torch.stack(series), profile


class StackRun:
    """Several wirings learn the same task from the same weights, in turns; a `core.training.Run`.

    Args:
        wirings: How the blocks of each model are put together.
        n_blocks: Of every stack.
        n_seeds: Stacks of each model.
        seed: The same seed makes the same run, bit for bit on one device.
        device: Where it is computed.

    Raises:
        ValueError: If there is no wiring, no block or no seed.
    """

    def __init__(
        self,
        wirings: Sequence[Wiring],
        n_blocks: int,
        n_seeds: int,
        seed: int,
        device: torch.device | None = None,
    ) -> None:
        if min(len(wirings), n_blocks, n_seeds) < 1:
            raise ValueError(
                f"{len(wirings)} wirings, {n_blocks=} and {n_seeds=}: at least one of each"
            )
        device = device or torch.device("cpu")
        self.learners = [StackLearner(w, n_blocks, n_seeds, seed, device) for w in wirings]
        self.n_models = len(wirings)
        self.n_steps = 0

    def step(self) -> Frame:
        """Update the model whose turn it is."""
        n_updates, model = divmod(self.n_steps, self.n_models)
        self.n_steps += 1
        series, profile = self.learners[model].update()
        return Frame(
            model, n_updates + 1, series.float().cpu().numpy(), profile.float().cpu().numpy()
        )
