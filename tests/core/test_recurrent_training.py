import numpy as np
import pytest
import torch

from core.recurrent_training import (
    BATCH,
    RECIPES,
    SERIES,
    Adam,
    AttentionModel,
    GradientDescent,
    Learner,
    MemoryRun,
    Recipe,
    RecurrentModel,
    clipped,
    in_rows,
    views,
)
from core.rnn import Cell, run_plainly
from core.tasks import TASKS
from core.training import Job, Workshop

LENGTH, N_SEEDS = 7, 3
LOSS, ACCURACY, NORM, CLIPPED = range(4)
N_UPDATES = 180  # enough at 20 steps for those who learn


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def trained(task, length, recipes, n_updates, n_seeds=5, seed=0):
    """All updates: series (model, update, series, seed) and profiles (model, update, seed, x)."""
    run = MemoryRun(task, length, recipes, n_seeds, seed)
    frames = [[run.step() for _ in recipes] for _ in range(n_updates)]
    series = np.array([[frame.series for frame in row] for row in frames])
    profiles = np.array([[frame.profile for frame in row] for row in frames])
    return series.swapaxes(0, 1), profiles.swapaxes(0, 1)


def plain_loss(model, task, examples):
    """Let autograd follow the plain loop: loss, gradient of the parameters, of every state."""
    parameters = model.parameters.clone().requires_grad_()
    *cell_weights, w_answer, b_answer = views(parameters, model.shapes)
    hidden = run_plainly(Cell(model.kind, *cell_weights), examples.inputs)
    for state in hidden:
        state.retain_grad()
    loss = task.score(hidden[-1] @ w_answer + b_answer[:, None], examples.targets).loss
    loss.sum().backward()
    reach = torch.stack([state.grad.double().flatten(1).norm(dim=1) for state in hidden], dim=1)
    return loss, parameters.grad, reach


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", [name for name in RECIPES if name != "attention"])
def test_every_gradient_equals_autograd_on_the_plain_loop(task, name):
    task = TASKS[task]
    model = RecurrentModel(RECIPES[name], task, LENGTH, N_SEEDS, generator())
    examples = task.draw(LENGTH, N_SEEDS, 5, generator(1))
    measured = model.measure(task, examples)
    loss, grad, reach = plain_loss(model, task, examples)
    torch.testing.assert_close(measured.score.loss, loss)
    torch.testing.assert_close(measured.grad, grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(measured.reach, reach, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_attention_is_followed_back_to_every_position(task):
    task = TASKS[task]
    model = AttentionModel(task, N_SEEDS, generator())
    examples = task.draw(LENGTH, N_SEEDS, 5, generator(1))
    measured = model.measure(task, examples)
    assert measured.grad.shape == model.parameters.shape
    assert measured.reach.shape == (N_SEEDS, LENGTH)
    assert (measured.reach > 0).all()
    step = 1e-3 * measured.grad / measured.grad.norm()
    model.parameters = model.parameters + step
    rise = (model.measure(task, examples).score.loss - measured.score.loss).sum()
    assert rise.item() == pytest.approx(1e-3 * measured.grad.norm().item(), rel=0.05)


def test_parameters_in_a_row_are_the_same_weights():
    weights = [torch.randn(2, 3, 5), torch.randn(2, 7)]
    rows = in_rows(weights)
    assert rows.shape == (2, 22)
    again = views(rows, [weight.shape[1:] for weight in weights])
    assert all(torch.equal(*pair) for pair in zip(weights, again, strict=True))


def test_clipping_shortens_only_what_is_too_long_seed_by_seed():
    grad = torch.tensor([[3.0, 4.0], [0.3, 0.4], [3e30, -4e30]])
    expected = torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.6, -0.8]])
    torch.testing.assert_close(clipped(grad, 1.0), expected)
    assert clipped(grad, None) is grad


def test_what_is_no_number_is_not_made_one_by_clipping():
    grad = torch.tensor([[float("nan"), 1.0], [1.0, 0.0]])
    assert clipped(grad, 1.0).isnan().any(dim=1).tolist() == [True, False]


def test_plain_descent_goes_against_the_gradient():
    torch.testing.assert_close(
        GradientDescent(0.5).change(torch.tensor([[2.0, -4.0]])), torch.tensor([[-1.0, 2.0]])
    )


def test_adam_equals_torch():
    ours = torch.randn(N_SEEDS, 11, generator=generator())
    theirs = torch.nn.Parameter(ours.clone())
    adam, peer = Adam(0.01), torch.optim.Adam([theirs], lr=0.01)
    for step in range(5):
        theirs.grad = torch.randn(N_SEEDS, 11, generator=generator(step))
        ours = ours + adam.change(theirs.grad)
        peer.step()
    torch.testing.assert_close(ours, theirs.detach())


@pytest.mark.parametrize("task", TASKS)
def test_a_frame_has_all_series_and_the_gradient_by_distance(task):
    run = MemoryRun(task, LENGTH, [*RECIPES.values()], N_SEEDS, seed=0)
    frames = [run.step() for _ in range(2 * run.n_models)]
    assert [(frame.model, frame.step) for frame in frames] == [
        (model, step) for step in (1, 2) for model in range(5)
    ]
    for frame in frames:
        assert frame.series.shape == (len(SERIES), N_SEEDS)
        assert frame.profile.shape == (N_SEEDS, LENGTH)
        assert (frame.profile[:, 0] == 1).all()  # the last step, compared with itself
        assert (frame.series[CLIPPED] <= 1 + 1e-5).all()
        np.testing.assert_allclose(frame.series[CLIPPED], np.minimum(frame.series[NORM], 1), 1e-5)


def test_the_profile_is_ordered_by_distance():
    frame = MemoryRun("recall", 29, [RECIPES["tanh"]], N_SEEDS, seed=0).step()
    assert (frame.profile[:, -1] < 0.1 * frame.profile[:, 5]).all()


def frames_of(run, n_steps):
    return [run.step() for _ in range(n_steps)]


def assert_equal_bit_by_bit(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.series.tobytes() == other.series.tobytes()
        assert one.profile.tobytes() == other.profile.tobytes()


def test_the_seed_makes_the_run_bit_by_bit():
    recipes = [*RECIPES.values()]
    first, again, other = (
        frames_of(MemoryRun("recall", LENGTH, recipes, N_SEEDS, seed), 15) for seed in (3, 3, 4)
    )
    assert_equal_bit_by_bit(first, again)
    assert first[0].series.tobytes() != other[0].series.tobytes()


def test_pauses_turns_threads_and_other_jobs_change_nothing():
    def make_run():
        return MemoryRun("adding", LENGTH, [RECIPES["lstm"], RECIPES["attention"]], N_SEEDS, 5)

    workshop = Workshop(n_threads=2)
    jobs = [Job(make_run, 40) for _ in range(3)]
    workshop.step(jobs[0], 3, patience=10.0)
    for job in jobs:
        workshop.start(job)
    workshop.pause(jobs[1])
    workshop.step(jobs[1], 7, patience=10.0)
    workshop.start(jobs[1])
    for thread in workshop.threads:
        while thread.is_alive() and not all(job.ended for job in jobs):
            thread.join(timeout=0.02)
            for job in jobs:
                workshop.see(job)
    workshop.close()
    assert [job.state for job in jobs] == ["done"] * 3
    expected = frames_of(make_run(), 40)
    for job in jobs:
        assert_equal_bit_by_bit([frame for _, frame in job.recent], expected)


def test_all_models_read_the_same_sequences_and_a_model_does_not_depend_on_the_others():
    alone = frames_of(MemoryRun("recall", LENGTH, [RECIPES["gru_chrono"]], N_SEEDS, 0), 3)
    both = MemoryRun("recall", LENGTH, [RECIPES["tanh"], RECIPES["gru_chrono"]], N_SEEDS, 0)
    assert_equal_bit_by_bit(alone, frames_of(both, 6)[1::2])


def test_sequences_are_fresh_at_every_update():
    run = MemoryRun("recall", LENGTH, [RECIPES["tanh"]], N_SEEDS, 0)
    learner = run.learners[0]
    first, second = (
        learner.task.draw(LENGTH, N_SEEDS, BATCH, learner.sequences).inputs for _ in range(2)
    )
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("recipes", "n_seeds", "length"), [([], 3, 5), ([Recipe("tanh", 1.0)], 0, 5)]
)
def test_nothing_to_train_is_refused(recipes, n_seeds, length):
    with pytest.raises(ValueError, match="at least one of each"):
        MemoryRun("recall", length, recipes, n_seeds, 0)


# What the lab claims, on five seeds of five.


@pytest.fixture(scope="module")
def at_20_steps():
    """Five networks of each model: its series and profiles at every update."""
    series, profiles = trained("recall", 20, [*RECIPES.values()], N_UPDATES)
    return dict(zip(RECIPES, zip(series, profiles, strict=True), strict=True))


@pytest.mark.parametrize("name", ["lstm_chrono", "gru_chrono", "attention"])
def test_open_gates_and_attention_recall_over_20_steps(at_20_steps, name):
    series, _ = at_20_steps[name]
    assert (series[:, ACCURACY].max(axis=0) > 0.95).all()


def test_the_usual_lstm_does_not_in_the_same_time(at_20_steps):
    series, _ = at_20_steps["lstm"]
    assert (series[:, ACCURACY].max(axis=0) < 0.95).all()


def test_most_tanh_networks_do_not_either(at_20_steps):
    series, _ = at_20_steps["tanh"]
    assert (series[:, ACCURACY].max(axis=0) < 0.95).sum() >= 3


@pytest.mark.parametrize("name", RECIPES)
def test_at_first_all_networks_guess(at_20_steps, name):
    series, _ = at_20_steps[name]
    assert series[9, ACCURACY] == pytest.approx(1 / 8, abs=0.08)


def test_learning_opens_the_way_back_to_the_first_symbol(at_20_steps):
    _, profiles = at_20_steps["lstm_chrono"]
    assert (profiles[0, :, -1] < 0.03).all()
    assert (profiles[:, :, -1].max(axis=0) > 1).all()


def test_tanh_recalls_over_10_steps():
    series, _ = trained("recall", 10, [RECIPES["tanh"]], N_UPDATES)
    assert (series[0, :, ACCURACY].max(axis=0) > 0.95).all()


def exploding(gain, clip):
    return Recipe("tanh", 0.05, init="gaussian", gain=gain, optimizer="sgd", clip=clip)


@pytest.fixture(scope="module")
def explosion():
    """The same eight networks with large weights, not clipped and clipped."""
    series, _ = trained("adding", 30, [exploding(2.0, None), exploding(2.0, 1.0)], 150, 8)
    return series


def test_large_weights_explode_and_clipping_saves_them(explosion):
    loose, clip = explosion
    assert (~np.isfinite(loose[-1, LOSS])).sum() >= 2
    assert np.nanmax(loose[:, NORM]) > 1e6
    assert np.isfinite(clip[:, LOSS]).all()
    assert (clip[-10:, LOSS].mean(axis=0) < 1).all()
    assert clip[:, NORM].max() > 100
    assert clip[:, CLIPPED].max() <= 1 + 1e-5


def test_a_lost_network_stays_lost_and_the_others_go_on(explosion):
    loose, _ = explosion
    lost = ~np.isfinite(loose[:, LOSS])
    assert (lost[1:] >= lost[:-1]).all()
    assert 0 < lost[-1].sum() < 8
    assert np.isfinite(loose[:, :, ~lost[-1]]).all()


def test_usual_weights_do_not_explode():
    series, _ = trained("adding", 30, [exploding(1.0, None)], 100, 8)
    assert np.isfinite(series[0, :, LOSS]).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_starts_from_the_same_weights_and_sequences():
    devices = (torch.device("cpu"), torch.device("cuda"))
    runs = [MemoryRun("recall", LENGTH, [*RECIPES.values()], N_SEEDS, 0, d) for d in devices]
    for _ in range(runs[0].n_models):
        here, there = (run.step() for run in runs)
        np.testing.assert_allclose(here.series, there.series, rtol=1e-3)
        np.testing.assert_allclose(here.profile, there.profile, rtol=1e-3)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_left_behind_on_the_cpu(task, name):
    """Tensors on the "meta" device have shapes only; mixed with the CPU's they fail as on a GPU."""
    meta = torch.device("meta")
    learner = Learner(TASKS[task], LENGTH, RECIPES[name], N_SEEDS, 0, meta)
    for _ in range(2):
        series, reach = learner.update()
    assert (series.device, series.shape) == (meta, (len(SERIES), N_SEEDS))
    assert (reach.device, reach.shape) == (meta, (N_SEEDS, LENGTH))
