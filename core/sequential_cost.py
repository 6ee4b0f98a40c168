"""What reading a sequence costs: what is counted on paper, and what a clock says.

Recurrent layers and an attention block of equal size read the same sequence, forward and backward.
`python -m core.sequential_cost` measures them on one device and prints a JSON line per timing.

Source: Vaswani et al. (2017), "Attention Is All You Need", section 4 and table 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from math import ceil, log, sqrt
from pathlib import Path
from statistics import median, quantiles
from time import get_clock_info, perf_counter, thread_time
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.attention import fused_attention, scaled_dot_product_attention
from core.device import describe

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}  # pairs of weight matrices in a recurrent layer
BLOCK_PRODUCTS = (  # of an attention block: each needs the one before, and none another token's
    "queries, keys, values",
    "scores",
    "weighted sum of the values",
    "output projection",
    "feed-forward, wider",
    "feed-forward, back",
)
LAYERS = (*GATES, "attention", "fused attention")
LENGTHS = (16, 32, 64, 128, 256, 512, 1_024, 2_048)
MAX_WIDTH, MAX_BATCH = 256, 16
MAX_WEIGHTS = 2**24  # attention weights of one batch: 64 MiB, of which a few copies are alive
PRODUCTS_IN_A_ROW = 256


@dataclass(frozen=True)
class Cost:
    """What a layer costs on sequences of one length, counted; forward and backward.

    Attributes:
        path: Matrix products of which each needs the result of the one before.
        operations: Multiplications and additions in all matrix products.
        distance: Steps that information takes from the first token to the last.
        memory: Numbers that carry what was read to the tokens still to come (a recurrent state), or
            that say who looks at whom (attention); per sequence.
    """

    path: int
    operations: int
    distance: int
    memory: int


def count_cost(layer: str, length: int, width: int, batch: int = 1) -> Cost:
    """Count what a layer costs; nothing is measured.

    A recurrent step needs the state of the step before: n products wait for each other forward, n
    backward. In an attention block the six of `BLOCK_PRODUCTS` do, and six backward, whatever n is.

    Every product of a (m × k) and a (k × n) matrix is 2mkn operations, and two such products
    belong to it backward. Torch's fused attention never keeps the n × n weights, only one number
    per query, and computes the scores a second time backward instead (Dao, 2023, section 3.1).

    Args:
        layer: One of `LAYERS`.
        length: Tokens in a sequence, n.
        width: Of the vector of a token, d_model.
        batch: Sequences read side by side.

    Raises:
        ValueError: If there is no such layer, or a size is below 1.
    """
    if layer not in LAYERS:
        raise ValueError(f"{layer=} is not one of {', '.join(LAYERS)}")
    if min(length, width, batch) < 1:
        raise ValueError(f"{length=}, {width=}, {batch=}: every size is at least 1")
    if layer in GATES:
        hidden = hidden_width(layer, width)
        per_token = 2 * GATES[layer] * (width * hidden + hidden * hidden)
        state = 2 * hidden if layer == "LSTM" else hidden
        return Cost(2 * length, 3 * batch * length * per_token, length, state)
    per_token, per_pair = 2 * 12 * width * width, 2 * width  # projections; scores or weighted sum
    n_pair_products, memory = (7, length) if layer == "fused attention" else (6, length * length)
    operations = 3 * length * per_token + n_pair_products * length * length * per_pair
    return Cost(2 * len(BLOCK_PRODUCTS), batch * operations, 1, memory)


def hidden_width(layer: str, width: int) -> int:
    """Choose the state of a recurrent layer so that it has as many weights as an attention block.

    gates · (d h + h²) = 12 d², solved for h and rounded: 3 d for the RNN, less with more gates.
    """
    return round(width * (sqrt(1 + 48 / GATES[layer]) - 1) / 2)


class LayerType(NamedTuple):
    """One row of table 1 of Vaswani et al. (2017), without the constants that O(·) leaves out.

    Attributes:
        name: As in the table.
        operations: Per layer.
        sequential: Operations that must wait for each other.
        path: Longest way between two positions.
    """

    name: str
    operations: int
    sequential: int
    path: int


def layer_types(length: int, width: int, kernel: int, neighbours: int) -> tuple[LayerType, ...]:
    """Fill in table 1 for n = `length`, d = `width`, k = `kernel` and r = `neighbours`.

    Raises:
        ValueError: If a size is below 1, or `kernel` below 2: a kernel of 1 connects no positions.
    """
    if min(length, width, neighbours) < 1 or kernel < 2:
        raise ValueError(
            f"{length=}, {width=}, {neighbours=} must be at least 1 and {kernel=} at least 2"
        )
    n, d, k, r = length, width, kernel, min(neighbours, length)
    return (
        LayerType("Self-attention", n * n * d, 1, 1),
        LayerType("Recurrent", n * d * d, n, n),
        LayerType("Convolutional", k * n * d * d, 1, max(1, ceil(log(n, k)))),
        LayerType("Self-attention (restricted)", r * n * d, 1, ceil(n / r)),
    )


class TransformerBlock(nn.Module):
    """Self-attention with one head and a feed-forward layer: 4 d² and 8 d² weights, no biases.

    y = x + Attention(LayerNorm(x)),  z = y + max(0, LayerNorm(y) W_1) W_2 (sections 3.1 and 3.3;
    the norms stand where most models since have them: Xiong et al., 2020).
    """

    def __init__(self, width: int, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.w_qkv = nn.Linear(width, 3 * width, bias=False)
        self.w_o = nn.Linear(width, width, bias=False)
        self.w_1 = nn.Linear(width, 4 * width, bias=False)
        self.w_2 = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Float[Tensor, "batch seq width"]) -> Float[Tensor, "batch seq width"]:
        """Read all tokens at once."""
        q, k, v = self.w_qkv(functional.layer_norm(x, x.shape[-1:])).chunk(3, dim=-1)
        if self.fused:
            attended = fused_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        else:
            attended = scaled_dot_product_attention(q, k, v).output
        y = x + self.w_o(attended)
        return y + self.w_2(self.w_1(functional.layer_norm(y, x.shape[-1:])).relu())


def make_layer(layer: str, width: int) -> nn.Module:
    """Make one of `LAYERS` with about 12 d² weights and no biases; its weights are random."""
    if layer not in GATES:
        return TransformerBlock(width, fused=layer == "fused attention")
    recurrent = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}[layer]
    return recurrent(width, hidden_width(layer, width), bias=False, batch_first=True)


def forward_backward(layer: nn.Module, x: Float[Tensor, "batch seq width"]) -> None:
    """Read sequences and find the gradient of every weight and input.

    All outputs count, so that every step sends a gradient of ordinary size: where gradients fade
    to denormal numbers a CPU would slow down for a reason of its own.
    """
    output = layer(x)[0] if isinstance(layer, nn.RNNBase) else layer(x)
    torch.autograd.grad(output.sum(), [x, *layer.parameters()])


@dataclass(frozen=True)
class Setup:
    """What is measured, and on what.

    Attributes:
        device: Its name.
        processor: How many cores of which kind the machine has.
        torch: Version of PyTorch.
        clock: What is counted: "processor time" or "wall time".
        date: Year, month and day.
        width: Of the vector of a token, d_model.
        batch: Sequences read side by side.
        product: Time of one matrix product that has to wait for the one before, in seconds.
        n_timings: How many timings will follow if nobody stops them.
    """

    device: str
    processor: str
    torch: str
    clock: str
    date: str
    width: int
    batch: int
    product: float
    n_timings: int


@dataclass(frozen=True)
class Timing:
    """What the clock said so far: how long one layer takes on one length.

    Attributes:
        layer: One of `LAYERS`.
        length: Tokens in a sequence.
        repetitions: How often it was timed.
        low: First quartile, in seconds.
        middle: Median, in seconds.
        high: Third quartile, in seconds.
    """

    layer: str
    length: int
    repetitions: int
    low: float
    middle: float
    high: float


def time_layers(
    width: int,
    batch: int,
    lengths: Sequence[int],
    repetitions: int,
    device: str,
    deadline: float,
) -> Iterator[Timing]:
    """Time every layer on growing lengths; each timing is handed over at once.

    The layers take turns, so that whatever disturbs the machine disturbs them alike.

    Args:
        width: Of the vector of a token, d_model.
        batch: Sequences read side by side.
        lengths: Tokens in a sequence, to be tried in this order.
        repetitions: How often each layer reads each length.
        device: As PyTorch names it.
        deadline: By `time.perf_counter`; no timing starts after it.

    Raises:
        ValueError: If a size is below 1 or above what this course lends to one measurement.
    """
    _refuse_excess(width, batch)
    if tuple(lengths) != lengths_for(batch, lengths) or min(lengths, default=0) < 1:
        raise ValueError(
            f"lengths={tuple(lengths)}: need at least one, each above 0, and with {batch=} "
            f"at most {MAX_WEIGHTS:,} attention weights"
        )
    layers = {layer: make_layer(layer, width).to(device) for layer in LAYERS}
    for length in lengths:
        x = torch.randn(batch, length, width, device=device, requires_grad=True)
        for layer in layers.values():
            forward_backward(layer, x)  # the first time prepares kernels and memory
        seconds: dict[str, list[float]] = {layer: [] for layer in LAYERS}
        for _ in range(repetitions):
            for name, layer in layers.items():
                if perf_counter() > deadline:
                    return
                start = clock(device)
                forward_backward(layer, x)
                seconds[name].append(clock(device) - start)
                yield Timing(name, length, len(seconds[name]), *quartiles(seconds[name]))


def lengths_for(batch: int, lengths: Sequence[int] = LENGTHS) -> tuple[int, ...]:
    """Leave out the lengths whose n² attention weights would take too much memory."""
    return tuple(length for length in lengths if batch * length * length <= MAX_WEIGHTS)


def time_one_product(width: int, batch: int, repetitions: int, device: str) -> float:
    """Time one matrix product that has to wait for the one before, in seconds (median).

    (batch × width) times (width × width), many in a row; the matrix keeps the length of a vector.

    Raises:
        ValueError: If a size is below 1 or above what this course lends to one measurement.
    """
    _refuse_excess(width, batch)
    x = torch.randn(batch, width, device=device)
    rotation = torch.linalg.qr(torch.randn(width, width)).Q.to(device)
    seconds: list[float] = []
    for _ in range(repetitions):
        start = clock(device)
        for _ in range(PRODUCTS_IN_A_ROW):
            x = x @ rotation
        seconds.append((clock(device) - start) / PRODUCTS_IN_A_ROW)
    return median(seconds)


def _refuse_excess(width: int, batch: int) -> None:
    if not (1 <= width <= MAX_WIDTH and 1 <= batch <= MAX_BATCH):
        raise ValueError(
            f"{width=} is not between 1 and {MAX_WIDTH}, or {batch=} not between 1 and {MAX_BATCH}"
        )


def clock(device: str) -> float:
    """Read the clock once the device has done all it was asked to do.

    On a CPU it is the clock of this thread: it stands still while others use the processor.
    """
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return (thread_time if counts_processor_time(device) else perf_counter)()


def counts_processor_time(device: str) -> bool:
    """Say whether the thread's own clock is used: on a CPU, where it is fine enough."""
    return device == "cpu" and get_clock_info("thread_time").resolution < 1e-6


def quartiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Find the first quartile, the median and the third; a single value is all three."""
    if len(seconds) == 1:
        return seconds[0], seconds[0], seconds[0]
    low, middle, high = quantiles(seconds, n=4, method="inclusive")
    return low, middle, high


def processor() -> str:
    """Name the processor of this machine as its system does: "2 × AMD EPYC"."""
    described = Path("/proc/cpuinfo")  # Linux
    names = re.findall(r"model name\s*: (.+)", described.read_text() if described.exists() else "")
    return f"{os.cpu_count()} × {(names or [platform.machine()])[0]}"


def main(arguments: Sequence[str]) -> None:
    """Measure in a process of its own: a line with the `Setup`, then a line per `Timing`."""
    parser = argparse.ArgumentParser(prog="python -m core.sequential_cost", description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--longest", type=int, default=max(LENGTHS), help="tokens in a sequence")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=60, help="no timing starts later")
    asked = parser.parse_args(arguments)
    deadline = perf_counter() + asked.seconds
    if hasattr(os, "nice"):
        os.nice(10)  # whoever reads the course at the same time comes first
    torch.set_num_threads(1)
    lengths = [length for length in lengths_for(asked.batch) if length <= asked.longest]
    timings = time_layers(
        asked.width, asked.batch, lengths, asked.repetitions, asked.device, deadline
    )
    setup = Setup(
        device=describe(torch.device(asked.device)),
        processor=processor(),
        torch=torch.__version__,
        clock="processor time" if counts_processor_time(asked.device) else "wall time",
        date=date.today().isoformat(),
        width=asked.width,
        batch=asked.batch,
        product=time_one_product(asked.width, asked.batch, asked.repetitions, asked.device),
        n_timings=len(lengths) * len(LAYERS) * asked.repetitions,
    )
    print(json.dumps(asdict(setup)), flush=True)
    for timing in timings:
        print(json.dumps(asdict(timing)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
