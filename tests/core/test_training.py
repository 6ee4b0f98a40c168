import threading
import time

import numpy as np
import pytest

from core.training import MAX_STEPS, TURN, UNSEEN, Frame, Job, Workshop, WorkshopFullError

N_SEEDS = 3


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Counting:
    """A run of two models whose loss is a count; each update takes a time of the clock."""

    n_models = 2

    def __init__(self, clock, seconds=TURN, fails_at=None):
        self.clock, self.seconds, self.fails_at = clock, seconds, fails_at
        self.n_steps = 0

    def step(self):
        if self.n_steps == self.fails_at:
            raise ArithmeticError("no such number\nand more that nobody needs to read")
        self.clock.now += self.seconds
        model, step = self.n_steps % 2, self.n_steps // 2 + 1
        self.n_steps += 1
        profile = np.full((N_SEEDS, 5), float(step)) if step % 2 else None
        return Frame(model, step, np.full((1, N_SEEDS), float(self.n_steps)), profile)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def workshop(clock):
    """No threads: the test takes every turn itself."""
    return Workshop(n_threads=0, n_served=2, n_waiting=3, clock=clock)


@pytest.fixture
def new_job(clock):
    def make(n_steps=100, **options):
        limits = {"max_seconds": options.pop("max_seconds", 60.0)}
        return Job(lambda: Counting(clock, **options), n_steps, **limits)

    return make


def test_a_job_runs_to_its_last_step_and_is_done(workshop, new_job):
    job = new_job(n_steps=7)
    workshop.start(job)
    while workshop.turn():
        pass
    assert (job.state, job.step, job.why) == ("done", 7, "")
    assert [len(job.history[model]) for model in (0, 1)] == [4, 3]
    assert not workshop.jobs
    assert job.run is None


def test_a_turn_ends_with_the_update_that_uses_it_up(workshop, new_job):
    job = new_job(seconds=0.4 * TURN)
    workshop.start(job)
    workshop.turn()
    assert job.step == 3
    slow = new_job(seconds=100 * TURN)
    workshop.start(slow)
    workshop.turn()
    assert slow.step == 1


def test_jobs_take_turns(workshop, new_job):
    jobs = [new_job(), new_job()]
    for job in jobs:
        workshop.start(job)
    for n_turns in range(1, 11):
        workshop.turn()
        assert abs(jobs[0].step - jobs[1].step) <= 1
        assert jobs[0].step + jobs[1].step == n_turns


def test_those_who_find_no_place_wait_in_order_and_are_told_where(workshop, new_job):
    jobs = [new_job(n_steps=2) for _ in range(5)]
    for job in jobs:
        workshop.start(job)
    assert [job.state for job in jobs] == ["running"] * 2 + ["queued"] * 3
    assert [workshop.place(job) for job in jobs] == [0, 0, 1, 2, 3]
    workshop.stop(jobs[2])
    assert [workshop.place(job) for job in jobs] == [0, 0, 0, 1, 2]
    workshop.stop(jobs[0])
    assert jobs[3].state == "running"
    while workshop.turn():
        pass
    assert [job.state for job in jobs] == ["stopped", "done", "stopped", "done", "done"]
    assert jobs[4].step == 2


def test_a_full_queue_refuses_with_a_sentence(workshop, new_job):
    for _ in range(5):
        workshop.start(new_job())
    late = new_job()
    with pytest.raises(WorkshopFullError, match="All 2 places are taken and 3 trainings are wait"):
        workshop.start(late)
    assert late.state == "paused"
    workshop.stop(workshop.jobs[0])
    workshop.start(late)
    assert late.state == "queued"


def test_starting_twice_is_starting_once(workshop, new_job):
    job = new_job()
    workshop.start(job)
    workshop.start(job)
    assert workshop.jobs == [job]


def test_a_paused_job_makes_no_step_and_takes_no_place(workshop, new_job):
    paused, other, waiting = new_job(), new_job(), new_job()
    for job in (paused, other, waiting):
        workshop.start(job)
    workshop.turn()
    workshop.pause(paused)
    before = paused.step
    assert waiting.state == "running"
    for _ in range(10):
        workshop.turn()
    assert paused.step == before
    workshop.start(paused)
    assert paused.state == "queued"
    workshop.stop(other)
    workshop.turn()
    assert paused.state == "running"


def test_a_paused_job_makes_as_many_steps_as_are_asked_for(workshop, new_job):
    job = new_job(n_steps=9)
    workshop.step(job, 3)
    while workshop.turn():
        pass
    assert (job.state, job.step) == ("paused", 3)
    workshop.step(job, 3)
    workshop.turn()
    workshop.pause(job)  # takes back the rest
    workshop.start(job)
    while workshop.turn():
        pass
    assert (job.state, job.step) == ("done", 9)


def test_a_step_that_was_under_way_when_the_job_was_paused_is_not_lost(clock, workshop):
    job = Job(lambda: run, 10)

    class PausedMeanwhile(Counting):
        def step(self):
            workshop.pause(job)
            return super().step()

    run = PausedMeanwhile(clock)
    for expected in (1, 2, 3):
        workshop.start(job)
        workshop.turn()
        assert (job.state, job.step) == ("paused", expected)
    assert [frame.step for _, frame in job.recent] == [1, 1, 2]


def test_a_step_that_was_under_way_when_the_job_was_stopped_is_not_shown(clock, workshop):
    job = Job(lambda: run, 10)

    class StoppedMeanwhile(Counting):
        def step(self):
            workshop.stop(job)
            return super().step()

    run = StoppedMeanwhile(clock)
    workshop.start(job)
    workshop.turn()
    assert (job.state, job.step, job.run) == ("stopped", 0, None)


@pytest.mark.parametrize("state", ["running", "queued", "paused"])
def test_a_job_that_nobody_looks_at_stops_itself(workshop, new_job, clock, state):
    jobs = [new_job(), new_job(), new_job()]
    for job in jobs:
        workshop.start(job)
    job = jobs[2] if state == "queued" else jobs[0]
    if state == "paused":
        workshop.pause(job)
    for others in [other for other in jobs if other is not job]:
        workshop.stop(others) if state != "queued" else None
    assert job.state == state
    clock.now += UNSEEN - 0.1
    workshop.see(job)
    clock.now += UNSEEN - 0.1
    workshop.turn()
    assert job.state != "stopped"
    clock.now += UNSEEN
    workshop.turn()
    assert job.state == "stopped"
    assert "nobody was looking" in job.why
    assert not workshop.jobs


def test_the_time_a_job_may_run_is_bounded_and_waiting_does_not_count(workshop, new_job, clock):
    job, first, second = new_job(max_seconds=1.0), new_job(), new_job()
    for each in (first, second, job):
        workshop.start(each)
    clock.now += 3
    assert (job.state, job.seconds) == ("queued", 0)
    workshop.stop(first)
    clock.now += 0.6
    workshop.pause(job)
    assert job.seconds == pytest.approx(0.6)
    clock.now += 3
    workshop.start(job)
    workshop.turn()
    assert job.state == "running"
    clock.now += 0.4
    workshop.turn()
    assert (job.state, job.why) == ("done", "The time of 1 s is used up.")


def test_the_time_left_follows_from_the_pace_so_far(workshop, new_job):
    job = new_job(n_steps=10, seconds=0.5)
    assert job.seconds_left is None
    workshop.start(job)
    for _ in range(4):
        workshop.turn()
    workshop.pause(job)
    assert job.seconds_left == pytest.approx(3.0)
    hurried = new_job(n_steps=1_000, seconds=0.5, max_seconds=5.0)
    workshop.start(hurried)
    workshop.turn()
    workshop.pause(hurried)
    assert hurried.seconds_left == pytest.approx(4.5)


def test_a_run_that_fails_says_why_and_makes_room(workshop, new_job):
    failing, waiting = new_job(fails_at=1), new_job(n_steps=2)
    for job in (failing, new_job(fails_at=0), waiting):
        workshop.start(job)
    while workshop.turn():
        pass
    assert (failing.state, failing.step) == ("failed", 1)
    assert failing.why == "The training failed: no such number"
    assert waiting.state == "done"


def test_a_run_that_cannot_be_built_fails_too(workshop):
    def make_run():
        raise ValueError("gap=7 is not on offer")

    job = Job(make_run, 10)
    workshop.start(job)
    assert workshop.turn()
    assert (job.state, job.why) == ("failed", "The training failed: gap=7 is not on offer")


def test_what_has_ended_stays_ended(workshop, new_job):
    job = new_job()
    workshop.start(job)
    workshop.stop(job)
    why = job.why
    workshop.start(job)
    workshop.step(job, 5)
    workshop.pause(job)
    workshop.stop(job)
    assert (job.state, job.why, workshop.turn()) == ("stopped", why, False)


@pytest.mark.parametrize("n_steps", [0, -1, MAX_STEPS + 1])
def test_no_job_has_more_steps_than_the_ceiling(n_steps):
    with pytest.raises(ValueError, match=f"n_steps={n_steps} is not between 1 and"):
        Job(lambda: None, n_steps)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan")])
def test_no_job_has_more_time_than_the_ceiling(seconds):
    with pytest.raises(ValueError, match="max_seconds"):
        Job(lambda: None, 1, max_seconds=seconds)


def test_frames_are_found_by_time_and_profiles_by_model(workshop, new_job, clock):
    job = new_job(n_steps=6, seconds=TURN)
    workshop.start(job)
    workshop.turn()
    workshop.turn()
    moment = clock.now
    while workshop.turn():
        pass
    assert [(frame.model, frame.step) for frame in job.frames_since(moment)] == [
        (0, 2), (1, 2), (0, 3), (1, 3),
    ]  # fmt: skip
    assert {model: profile[0, 0] for model, profile in job.profiles.items()} == {0: 3, 1: 3}
    assert job.history[1][2].tolist() == [[6.0] * N_SEEDS]


def test_who_pauses_can_wait_for_the_step_that_is_under_way(clock):
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Counting):
        def step(self):
            begun.set()
            assert go_on.wait(timeout=10)
            return super().step()

    workshop = Workshop(n_threads=1)
    job = Job(lambda: Slow(clock), 10)
    workshop.start(job)
    assert begun.wait(timeout=10)
    threading.Timer(0.05, go_on.set).start()
    workshop.pause(job, patience=10.0)
    assert (job.state, job.step) == ("paused", 1)
    workshop.close()


def test_threads_serve_two_jobs_and_end_when_the_workshop_closes(clock):
    met = threading.Barrier(2, timeout=10)

    class Meeting(Counting):
        """Makes its first step only together with another run, on another thread."""

        def step(self):
            if not self.n_steps:
                met.wait()
            return super().step()

    workshop = Workshop(n_threads=2)
    jobs = [Job(lambda: Meeting(clock), 10) for _ in range(2)]
    for job in jobs:
        workshop.start(job)
    for _ in range(1_000):
        if all(job.ended for job in jobs):
            break
        time.sleep(0.01)
    assert [job.state for job in jobs] == ["done", "done"]
    workshop.close()
    assert not any(thread.is_alive() for thread in workshop.threads)


def test_a_closed_workshop_stops_its_jobs_and_takes_no_more(workshop, new_job):
    job = new_job()
    workshop.start(job)
    workshop.close()
    assert job.state == "stopped"
    with pytest.raises(WorkshopFullError):
        workshop.start(new_job())
