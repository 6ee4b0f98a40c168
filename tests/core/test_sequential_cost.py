import json
import signal
import subprocess
import sys
from math import inf
from time import perf_counter, sleep

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import (
    FlopCounterMode,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)
from torch.utils.weak import WeakIdKeyDictionary

from core.sequential_cost import (
    GATES,
    LAYERS,
    LENGTHS,
    MAX_BATCH,
    MAX_WIDTH,
    Cost,
    Setup,
    Timing,
    clock,
    count_cost,
    counts_processor_time,
    hidden_width,
    layer_types,
    lengths_for,
    make_layer,
    quartiles,
    time_layers,
    time_one_product,
)
from tests.browser.conftest import ROOT

WIDTH, LENGTH, BATCH = 13, 7, 3
PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.addmm, torch.ops.aten.baddbmm}

FUSED_ON_A_CPU = {  # PyTorch counts these for GPUs only
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *rest, **more: (
        sdpa_flop_count(q, k, v)
    ),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: (
        lambda grad, q, k, v, *rest, **more: sdpa_backward_flop_count(grad, q, k, v)
    ),
}


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Path(TorchDispatchMode):
    """Follows every tensor: how many matrix products, one after the other, led to it."""

    def __init__(self):
        super().__init__()
        self.depth = WeakIdKeyDictionary()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        depth = max((self.depth.get(tensor, 0) for tensor in tensors), default=0)
        depth += operation.overloadpacket in PRODUCTS
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.depth[leaf] = max(depth, self.depth.get(leaf, 0))
        return result


@pytest.fixture
def plain_kernels():
    """PyTorch without oneDNN, whose LSTM is one operation that nobody can look into."""
    torch.backends.mkldnn.set_flags(_enabled=False)
    yield
    torch.backends.mkldnn.set_flags(_enabled=True)


@pytest.mark.usefixtures("plain_kernels")
@pytest.mark.parametrize("layer", [*GATES, "attention"])
@pytest.mark.parametrize("length", [1, 7])
def test_the_critical_path_is_the_longest_chain_of_products_in_what_pytorch_does(layer, length):
    module = make_layer(layer, WIDTH)
    x = random(BATCH, length, WIDTH).requires_grad_()
    path = Path()
    with path:
        output = module(x) if layer == "attention" else module(x)[0]
        gradients = torch.autograd.grad(output.sum(), [x, *module.parameters()])
    longest = max(path.depth[gradient] for gradient in gradients)
    assert longest == count_cost(layer, length, WIDTH, BATCH).path


@pytest.mark.usefixtures("plain_kernels")
@pytest.mark.parametrize("layer", LAYERS)
def test_operations_equal_those_that_pytorch_counts(layer):
    module, x = make_layer(layer, WIDTH), random(BATCH, LENGTH, WIDTH).requires_grad_()
    counter = FlopCounterMode(display=False, custom_mapping=FUSED_ON_A_CPU)
    with counter:
        output = module(x)[0] if layer in GATES else module(x)
        output.sum().backward()
    # Nobody asks for the gradient of the zeros that stand before the first token.
    hidden = hidden_width(layer, WIDTH) if layer in GATES else 0
    unasked = 2 * BATCH * GATES.get(layer, 0) * hidden**2
    assert counter.get_total_flops() == (
        count_cost(layer, LENGTH, WIDTH, BATCH).operations - unasked
    )


def test_costs_counted_by_hand():
    # RNN: 2 tokens, each 5·15 + 15·15 weights, twice (times, plus), thrice (forward and backward).
    assert count_cost("RNN", 2, 5) == Cost(4, 3 * 2 * 2 * 300, 2, 15)
    # Block: 12·25 weights for each of 2 tokens, and 2 products of 2·2 pairs over 5 columns.
    operations = 3 * (2 * 2 * 300 + 2 * 2 * 2 * 2 * 5)
    assert count_cost("attention", 2, 5) == Cost(12, operations, 1, 4)
    fused = count_cost("fused attention", 2, 5)
    assert fused == Cost(12, operations + 2 * 2 * 2 * 5, 1, 2)
    assert count_cost("LSTM", 2, 64).memory == 2 * 83


@pytest.mark.parametrize("layer", LAYERS)
def test_a_batch_multiplies_the_work_and_nothing_that_waits(layer):
    one, three = (count_cost(layer, 11, 5, batch) for batch in (1, 3))
    assert three.operations == 3 * one.operations
    assert (three.path, three.distance, three.memory) == (one.path, one.distance, one.memory)


@pytest.mark.parametrize("width", [64, 128, 256])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_have_equal_parameters_within_one_percent(layer, width):
    n_weights = sum(weight.numel() for weight in make_layer(layer, width).parameters())
    assert n_weights == pytest.approx(12 * width**2, rel=0.01)
    if layer in GATES:
        hidden = hidden_width(layer, width)
        assert n_weights == GATES[layer] * (width * hidden + hidden * hidden)


def test_the_state_of_an_rnn_is_three_times_as_wide_as_a_token():
    assert [hidden_width("RNN", width) for width in (5, 64, 128)] == [15, 192, 384]
    assert (hidden_width("GRU", 64), hidden_width("LSTM", 64)) == (100, 83)


def test_recurrent_layers_wait_for_every_token_and_attention_for_none():
    for length in LENGTHS:
        assert count_cost("attention", length, 64).path == 12
        assert {count_cost(layer, length, 64).path for layer in GATES} == {2 * length}


def test_attention_written_out_equals_the_fused_one_in_output_and_gradients():
    plain, fused = make_layer("attention", WIDTH), make_layer("fused attention", WIDTH)
    fused.load_state_dict(plain.state_dict())
    x = random(BATCH, LENGTH, WIDTH).requires_grad_()
    results = []
    for block in (plain, fused):
        output = block(x)
        weights = random(BATCH, LENGTH, WIDTH, seed=1)
        results.append(
            [output, *torch.autograd.grad((output * weights).sum(), [x, *block.parameters()])]
        )
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_an_attention_block_sees_every_token_from_every_token_and_a_recurrent_layer_those_before():
    x = random(1, LENGTH, WIDTH).requires_grad_()
    for layer, reaches in (("attention", LENGTH), ("GRU", 3)):
        module = make_layer(layer, WIDTH)
        output = module(x) if layer == "attention" else module(x)[0]
        (gradient,) = torch.autograd.grad(output[0, 2].sum(), x)
        assert int((gradient[0] != 0).any(dim=-1).sum()) == reaches


def test_only_the_fused_block_asks_pytorch_for_fused_attention():
    class Names(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            called.add(getattr(function, "__name__", ""))
            return function(*args, **(kwargs or {}))

    for layer, is_fused in (("attention", False), ("fused attention", True)):
        called = set()
        with Names():
            make_layer(layer, WIDTH)(random(BATCH, LENGTH, WIDTH))
        assert ("scaled_dot_product_attention" in called) == is_fused


def test_table_1_by_hand():
    attention, recurrent, convolutional, restricted = layer_types(9, 5, kernel=3, neighbours=2)
    assert (attention.operations, attention.sequential, attention.path) == (405, 1, 1)
    assert (recurrent.operations, recurrent.sequential, recurrent.path) == (225, 9, 9)
    assert (convolutional.operations, convolutional.sequential, convolutional.path) == (675, 1, 2)
    assert (restricted.operations, restricted.sequential, restricted.path) == (90, 1, 5)


def test_in_table_1_attention_computes_less_than_recurrence_while_n_is_below_d():
    for length, width in ((5, 7), (7, 5)):
        attention, recurrent, *_ = layer_types(length, width, 3, 3)
        assert (attention.operations < recurrent.operations) == (length < width)


def test_neighbours_never_outnumber_the_tokens_and_one_token_needs_no_way():
    assert layer_types(3, 5, 3, 100)[3] == layer_types(3, 5, 3, 3)[3]
    assert [row.path for row in layer_types(1, 5, 3, 2)] == [1, 1, 1, 1]


def test_quartiles_lie_around_the_median():
    assert quartiles([4.0, 1.0, 3.0, 2.0, 5.0]) == (2, 3, 4)
    assert quartiles([2.5]) == (2.5, 2.5, 2.5)


def test_every_layer_is_timed_in_turn_at_every_length():
    timings = list(time_layers(WIDTH, BATCH, (2, 5), 3, "cpu", inf))
    assert [timing.layer for timing in timings] == [*LAYERS] * 6
    assert [timing.length for timing in timings] == [2] * 15 + [5] * 15
    assert [timing.repetitions for timing in timings[::5]] == [1, 2, 3] * 2
    assert all(0 < timing.low <= timing.middle <= timing.high for timing in timings)


def test_no_timing_starts_after_the_deadline():
    assert not list(time_layers(WIDTH, BATCH, (2,), 3, "cpu", deadline=perf_counter()))


def test_the_clock_of_a_cpu_stands_still_while_others_use_it():
    before = perf_counter(), clock("cpu")
    sleep(0.2)
    slept, counted = perf_counter() - before[0], clock("cpu") - before[1]
    assert slept >= 0.2
    assert counted < 0.1 or not counts_processor_time("cpu")


def test_one_product_takes_time():
    assert time_one_product(WIDTH, BATCH, 3, "cpu") > 0


def test_lengths_whose_weights_need_too_much_memory_are_left_out():
    assert lengths_for(1) == lengths_for(4) == LENGTHS
    assert lengths_for(16) == LENGTHS[:-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("perceptron", 2, 5), "layer='perceptron' is not one of RNN, GRU, LSTM"),
        (("RNN", 0, 5), "length=0, width=5, batch=1: every size"),
        (("RNN", 2, -1), "width=-1"),
        (("RNN", 2, 5, 0), "batch=0"),
    ],
)
def test_costs_of_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        count_cost(*arguments)


@pytest.mark.parametrize("arguments", [(0, 5, 3, 3), (5, 0, 3, 3), (5, 5, 1, 3), (5, 5, 3, 0)])
def test_a_table_of_nothing_is_refused(arguments):
    with pytest.raises(ValueError, match="at least"):
        layer_types(*arguments)


@pytest.mark.parametrize(
    ("width", "batch", "lengths", "message"),
    [
        (0, 1, (2,), "width=0 is not between 1 and 256"),
        (MAX_WIDTH + 1, 1, (2,), "width=257"),
        (5, MAX_BATCH + 1, (2,), "batch=17"),
        (5, 1, (), "need at least one"),
        (5, 1, (0,), "each above 0"),
        (5, 1, (4_097,), "at most 16,777,216 attention weights"),
        (5, 16, (2_048,), "with batch=16"),
    ],
)
def test_a_measurement_beyond_what_is_lent_is_refused(width, batch, lengths, message):
    with pytest.raises(ValueError, match=message):
        next(time_layers(width, batch, lengths, 1, "cpu", inf))


def test_one_product_beyond_what_is_lent_is_refused():
    with pytest.raises(ValueError, match="width=4096 is not between 1 and 256"):
        time_one_product(4_096, 1, 3, "cpu")


def command(*arguments):
    return [sys.executable, "-m", "core.sequential_cost", *arguments]


def test_the_measuring_process_prints_a_line_about_itself_and_one_per_timing():
    arguments = ["--width=5", "--batch=3", "--longest=32", "--repetitions=2"]
    printed = subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, *lines = map(json.loads, printed.stdout.splitlines())
    setup, timings = Setup(**first), [Timing(**line) for line in lines]
    assert setup.n_timings == len(timings) == 2 * 2 * len(LAYERS)
    assert setup.product > 0
    assert (setup.width, setup.batch) == (5, 3)
    assert (setup.device, setup.torch) == ("CPU, 1 thread", torch.__version__)
    assert {timing.layer for timing in timings} == set(LAYERS)
    assert {timing.length for timing in timings} == {16, 32}
    assert printed.stderr == ""


def test_the_measuring_process_ends_when_it_is_stopped():
    process = subprocess.Popen(
        command("--width=256", "--batch=16"), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert "device" in process.stdout.readline()
    process.terminate()
    assert process.wait(timeout=30) == -signal.SIGTERM
    process.stdout.close()


def test_the_measuring_process_ends_when_nobody_reads_it_any_more():
    process = subprocess.Popen(
        command("--longest=256", "--repetitions=1000"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) != 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_layers_are_timed_on_a_gpu():
    timings = list(time_layers(WIDTH, BATCH, (2, 5), 3, "cuda", inf))
    assert len(timings) == 2 * 3 * len(LAYERS)
    assert all(timing.middle > 0 for timing in timings)
