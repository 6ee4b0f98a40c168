from math import log10, sqrt

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.deep_stack import (
    GUESSING_ACCURACY,
    GUESSING_LOSS,
    N_HEADS,
    SERIES,
    WIRINGS,
    StackLearner,
    StackRun,
    Wiring,
    draw_block,
    draw_stack,
    draw_symbols,
    run_stack,
    watch_stack,
    xavier,
)
from core.training import Job, Run, Workshop

ALL_WIRINGS = [Wiring(norm, skip) for norm in ("before", "after", None) for skip in (True, False)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def decades_lost(trace):
    """log10 ‖∂L/∂x_0‖ ÷ ‖∂L/∂x_N‖, median over seeds."""
    return (trace.log_grad_norm[0] - trace.log_grad_norm[-1]).median().item()


# Against the plain form: one stack, one sequence, PyTorch's attention, autograd


def plain_stack(x, blocks, seed, wiring):
    """One sequence through one stack, as PyTorch writes it; the vectors at every depth."""

    def norm(x):
        return functional.layer_norm(x, x.shape[-1:])

    depths = [x]
    for block in blocks:
        w_q, w_k, w_v, w_o, w_1, w_2 = (w[seed] for w in block)
        x = depths[-1]
        for part in ("attention", "feed forward"):
            read = norm(x) if wiring.norm == "before" else x
            if part == "attention":
                update, _ = functional.multi_head_attention_forward(
                    read, read, read, x.shape[-1], N_HEADS,
                    torch.cat([w_q.T, w_k.T, w_v.T]), None, None, None, False, 0.0, w_o.T, None,
                )  # fmt: skip
            else:
                update = functional.linear(functional.relu(functional.linear(read, w_1.T)), w_2.T)
            x = x + update if wiring.skip else update
            x = norm(x) if wiring.norm == "after" else x
        depths.append(x)
    return depths


@pytest.mark.parametrize("wiring", ALL_WIRINGS, ids=str)
def test_a_stack_and_its_gradients_equal_torch(wiring):
    stack = draw_stack(3, generator(), n_seeds=2, d_model=20)
    found = watch_stack(stack, wiring)
    depths = run_stack(stack.x, stack.blocks, wiring)
    for seed in range(2):
        losses, enters, passed = [], [], []
        w_2 = [block.w_2.requires_grad_() for block in stack.blocks]
        for x, targets in zip(stack.x[seed], stack.targets[seed], strict=True):
            plain = plain_stack(x.clone().requires_grad_(), stack.blocks, seed, wiring)
            last = functional.layer_norm(plain[-1], (20,)) if wiring.norm == "before" else plain[-1]
            losses.append(functional.cross_entropy(last @ stack.w_out[seed], targets))
            enters.append(plain)
            passed.append(torch.stack(plain))
        expected = torch.stack(passed, dim=1)
        torch.testing.assert_close(torch.stack(depths)[:, seed], expected, rtol=1e-4, atol=1e-5)
        loss = torch.stack(losses).mean()
        for depth in range(4):
            grads = torch.autograd.grad(loss, [e[depth] for e in enters], retain_graph=True)
            norm = torch.stack(grads).double().norm().item()
            assert found.log_grad_norm[depth, seed].item() == pytest.approx(log10(norm), abs=1e-3)
        for number, grad in enumerate(torch.autograd.grad(loss, w_2)):
            norm = grad[seed].double().norm().item()
            assert found.log_grad_w_2[number, seed].item() == pytest.approx(log10(norm), abs=1e-3)
        squares = expected.double().square().mean(dim=(1, 2, 3))
        torch.testing.assert_close(found.mean_square[:, seed], squares, rtol=1e-4, atol=1e-9)


def test_weights_are_drawn_as_xavier_says():
    w = xavier(7, 53, 211, generator())
    limit = sqrt(6 / (53 + 211))
    assert w.abs().max() <= limit
    assert w.std().item() == pytest.approx(limit / sqrt(3), rel=0.01)
    assert [tuple(w.shape) for w in draw_block(3, 20, generator())] == [
        *[(3, 20, 20)] * 4,
        (3, 20, 80),
        (3, 80, 20),
    ]


def test_a_shallow_stack_is_the_beginning_of_a_deep_one():
    shallow, deep = (draw_stack(n, generator(), n_seeds=2, d_model=20) for n in (2, 3))
    assert torch.equal(shallow.x, deep.x)
    assert torch.equal(shallow.targets, deep.targets)
    assert torch.equal(shallow.w_out, deep.w_out)
    assert all(map(torch.equal, shallow.blocks[1], deep.blocks[1]))


def test_the_same_seed_gives_the_same_stack_and_leaves_the_global_one_alone():
    state = torch.random.get_rng_state()
    first, again, other = (
        watch_stack(draw_stack(2, generator(seed), 2, 20), WIRINGS["pre-norm"]).log_grad_norm
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("sizes", [(0, 1, 4), (1, 0, 4), (1, 1, 0), (1, 1, 6)])
def test_a_stack_of_no_size_is_refused(sizes):
    n_blocks, n_seeds, d_model = sizes
    with pytest.raises(ValueError, match=f"{n_blocks=}, {n_seeds=}, {d_model=}: each must"):
        draw_stack(n_blocks, generator(), n_seeds, d_model)


# What the literature and earlier measurements say

# log10 ‖∂L/∂x_0‖ ÷ ‖∂L/∂x_N‖ for 6 and 24 blocks, measured once with another code and other draws.
MEASURED = {
    "pre-norm": (0.31, 0.52),
    "post-norm": (-0.10, -0.42),
    "no norm": (1.5, 8.5),
    "no skip": (-0.16, -0.68),
    "neither": (-2.3, -6.8),
}


@pytest.fixture(scope="module")
def traces():
    stacks = [draw_stack(n_blocks, generator()) for n_blocks in (6, 24)]
    return {
        name: [watch_stack(stack, wiring) for stack in stacks] for name, wiring in WIRINGS.items()
    }


@pytest.mark.parametrize("name", WIRINGS)
def test_gradients_change_with_depth_as_measured(traces, name):
    found = [decades_lost(trace) for trace in traces[name]]
    tolerance = {"no norm": 0.7, "no skip": 0.6}.get(name, 0.4)  # those of the widest bands
    assert found == pytest.approx(MEASURED[name], abs=tolerance)


def test_without_skip_connections_gradients_look_healthy_but_all_tokens_are_one(traces):
    """Dong et al. (2021): rank collapse."""
    for trace in traces["no skip"]:
        assert abs(decades_lost(trace)) < 1
        assert trace.token_cosine[-1].min() > 0.999
    assert all(trace.token_cosine[-1].median() < 0.9 for trace in traces["pre-norm"])
    assert all(trace.token_cosine[0].abs().max() < 0.05 for trace in traces["pre-norm"])


def test_pre_norm_lets_the_stream_grow_within_the_bounds_of_xiong(traces):
    """Lemma 2: (1 + l/2) d ≤ E‖x_l‖² ≤ (1 + 3l/2) d, for wide blocks."""
    for n_blocks, trace in zip((6, 24), traces["pre-norm"], strict=True):
        assert 1 + n_blocks / 2 < trace.mean_square[-1].median() < 1 + 3 * n_blocks / 2
    assert all((trace.mean_square - 1).abs().max() < 1e-3 for trace in traces["post-norm"])


@pytest.mark.parametrize(("name", "slope"), [("pre-norm", -0.5), ("post-norm", 0.0)])
def test_theorem_1_of_xiong_holds(name, slope):
    """‖∂L/∂W_2‖ of the last block falls like 1/√L with pre-norm, and does not with post-norm."""
    depths = (2, 4, 8, 16, 32)
    found = [
        watch_stack(draw_stack(n, generator(), d_model=32), WIRINGS[name]).log_grad_w_2[-1].median()
        for n in depths
    ]
    fitted, _ = np.polyfit(np.log10(depths), found, 1)
    assert fitted == pytest.approx(slope, abs=0.1)


def test_numbers_too_large_for_float32_are_told_apart_from_small_ones():
    stack = draw_stack(48, generator(), n_seeds=2)
    exploded = watch_stack(stack, WIRINGS["no norm"])
    assert exploded.log_grad_norm[0].isnan().any()
    assert (exploded.mean_square[-1] > 1e18).all()
    vanished = watch_stack(stack, WIRINGS["neither"])
    assert vanished.log_grad_norm.isfinite().all()
    assert vanished.token_cosine[-1].min() > 0.999  # although no entry is larger than 10^-12


# Training


def test_what_is_asked_for_is_the_symbol_before():
    inputs, targets = draw_symbols(3, generator())
    symbols = inputs.argmax(dim=-1)
    assert (inputs.sum(dim=-1) == 1).all()
    assert torch.equal(targets[..., 1:], symbols[..., :-1])
    assert torch.equal(targets[..., 0], symbols[..., -1])


def frames_of(run, n_steps):
    return [run.step() for _ in range(n_steps)]


def test_frames_come_in_turns_with_all_series_and_a_gradient_per_depth():
    run = StackRun([*WIRINGS.values()], 3, 2, seed=0)
    assert isinstance(run, Run)
    frames = frames_of(run, 10)
    assert [(frame.model, frame.step) for frame in frames] == [
        (model, step) for step in (1, 2) for model in range(5)
    ]
    for frame in frames:
        loss, accuracy, norm, cosine = frame.series
        assert frame.series.shape == (len(SERIES), 2)
        assert frame.profile.shape == (2, 4)
        assert np.isfinite(frame.profile).all()
        assert (loss > 0.8 * GUESSING_LOSS).all()  # fresh stacks know nothing
        assert (accuracy < GUESSING_ACCURACY + 0.15).all()
        assert (norm > 0).all()
        assert (abs(cosine) <= 1 + 1e-6).all()


def test_a_frame_holds_the_gradients_of_the_loss_it_shows():
    learner = StackLearner(WIRINGS["pre-norm"], 2, 3, 0, torch.device("cpu"))
    before = learner.parameters.clone()
    series, _ = learner.update()
    direction = learner.parameters.detach() - before
    again = StackLearner(WIRINGS["pre-norm"], 2, 3, 0, torch.device("cpu"))
    again.parameters = before + 1e-3 * direction
    moved, _ = again.update()  # reads the same symbols
    fall = (series[0] - moved[0]) / (1e-3 * direction.norm(dim=1))
    assert (fall > 0).all()
    assert (fall <= series[2] * 1.05).all()  # no direction falls more steeply than the gradient


def test_the_same_seed_makes_the_same_run_bit_for_bit():
    first, again, other = (
        frames_of(StackRun([WIRINGS["post-norm"]], 2, 2, seed), 3)[-1] for seed in (0, 0, 1)
    )
    assert np.array_equal(first.series, again.series)
    assert np.array_equal(first.profile, again.profile)
    assert not np.array_equal(first.series, other.series)


def test_all_wirings_start_from_the_same_weights_and_read_the_same_symbols():
    learners = StackRun([WIRINGS["pre-norm"], WIRINGS["neither"]], 2, 2, seed=0).learners
    assert torch.equal(learners[0].parameters, learners[1].parameters)
    inputs = [draw_symbols(2, learner.symbols)[0] for learner in learners]
    assert torch.equal(*inputs)


def test_pre_norm_learns_what_a_stack_without_skip_connections_does_not():
    run = StackRun([WIRINGS["pre-norm"], WIRINGS["no skip"]], 2, 2, seed=0)
    frames = frames_of(run, 240)
    learned, collapsed = (
        np.mean([frame.series[1] for frame in frames[model::2][-10:]]) for model in (0, 1)
    )
    assert learned > 0.95
    assert collapsed < 0.4


def test_a_training_runs_in_the_workshop():
    workshop = Workshop(n_threads=0)
    job = Job(lambda: StackRun([WIRINGS["no norm"]], 2, 2, seed=0), n_steps=3)
    workshop.start(job)
    while workshop.turn():
        pass
    assert (job.state, job.step, len(job.history[0])) == ("done", 3, 3)


@pytest.mark.parametrize(("wirings", "n_blocks", "n_seeds"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_training_of_nothing_is_refused(wirings, n_blocks, n_seeds):
    with pytest.raises(ValueError, match=f"{wirings} wirings, {n_blocks=} and {n_seeds=}"):
        StackRun([WIRINGS["pre-norm"]] * wirings, n_blocks, n_seeds, seed=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_stacks_are_watched_and_trained_on_a_gpu_as_well():
    trace = watch_stack(draw_stack(6, torch.Generator("cuda").manual_seed(0)), WIRINGS["neither"])
    assert decades_lost(trace) == pytest.approx(MEASURED["neither"][0], abs=0.4)
    cpu, gpu = (
        StackRun([WIRINGS["pre-norm"]], 3, 2, seed=0, device=torch.device(device)).step()
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(cpu.profile, gpu.profile, atol=1e-2)
