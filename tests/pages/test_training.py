"""A training on its page: every button, in every order, without a thread of its own."""

import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.training import Job, Workshop
from pages.ui import training
from pages.ui.cached.training import Visitor
from pages.ui.controls import training as controls
from tests.pages.test_all_pages import texts

SMALL = {"train_steps": "10", "train_models": "tanh RNN"}
KEY = "gradients-train"
OTHER = "gradients-clip"


@pytest.fixture
def visitor(monkeypatch):
    """A visitor of a workshop in which the test itself does the work."""
    torch.set_num_threads(1)
    visitor = Visitor(Workshop(n_threads=0, n_served=1, n_waiting=1))
    monkeypatch.setattr(training, "visitor", lambda: visitor)
    monkeypatch.setattr(training, "PATIENCE", 0.0)
    return visitor


def two_trainings():
    """The sections of a lesson that train, alone."""
    import streamlit as st

    from pages.ui.controls import training as controls
    from pages.ui.training import live_training

    @st.fragment
    def train():
        live_training("gradients-train", controls.memory_training(), "Who?", "alt", "light")

    @st.fragment
    def clip():
        live_training("gradients-clip", controls.exploding_training(), "What?", "alt", "dark")

    train()
    clip()


def opened(**address):
    app = AppTest.from_function(two_trainings, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


@pytest.fixture
def page(visitor):
    return opened(**SMALL)


def press(app, label, key=KEY):
    app.button(key=f"{key}-{label}").click().run()
    assert not app.exception
    return app


def offered(app, key=KEY):
    """The buttons that can be pressed."""
    buttons = [button for button in app.button if (button.key or "").startswith(f"{key}-")]
    return [button.label for button in buttons if not button.disabled]


def work(visitor, n_turns=1_000):
    while n_turns and visitor.workshop.turn():
        n_turns -= 1


def test_before_anything_is_started_the_first_update_is_shown(page, visitor):
    assert not page.exception
    assert offered(page) == ["Start", "Step"]
    assert "At first all of them guess." in texts(page)
    assert not visitor.workshop.jobs


def test_start_pause_resume_stop_reset(page, visitor):
    press(page, "start")
    assert offered(page) == ["Pause", "Stop", "Reset"]
    job = visitor.trainings[KEY].job
    work(visitor, 20)
    press(page, "pause")
    assert offered(page) == ["Resume", "Step", "Stop", "Reset"]
    assert (job.state, job.step > 0) == ("paused", True)
    press(page, "resume")
    assert job.state == "running"
    press(page, "stop")
    assert offered(page) == ["Start", "Reset"]
    assert "Networks that have learned the task after" in texts(page)
    press(page, "reset")
    assert offered(page) == ["Start", "Step"]
    assert not visitor.workshop.jobs


def test_a_training_that_is_done_shows_what_came_of_it(monkeypatch, visitor):
    monkeypatch.setitem(controls.N_UPDATES, 10, 30)
    page = press(opened(**SMALL), "start")
    work(visitor)
    page.run()
    assert offered(page) == ["Start", "Reset"]
    assert "after 30 updates" in texts(page)
    assert "**tanh RNN** 0 of 4" in texts(page)


def test_steps_are_made_one_by_one(page, visitor):
    for n_steps in (1, 2, 3):
        press(page, "step")
        work(visitor)
        assert visitor.trainings[KEY].job.step == n_steps
    press(page, "resume")
    work(visitor, 1)
    assert visitor.trainings[KEY].job.step > 3


def test_one_step_updates_every_model_once(visitor):
    page = opened(train_steps="10")
    press(page, "step")
    work(visitor)
    job = visitor.trainings[KEY].job
    assert [len(job.history[model]) for model in range(4)] == [1] * 4


def test_starting_again_after_the_end_starts_from_the_beginning(page, visitor):
    press(page, "start")
    work(visitor, 1)
    press(page, "stop")
    press(page, "start")
    job = visitor.trainings[KEY].job
    assert (job.step, job.state) == (0, "running")
    assert visitor.workshop.jobs == [job]


def test_a_setting_moved_in_mid_run_changes_nothing_and_the_page_says_so(page, visitor):
    press(page, "start")
    before = visitor.trainings[KEY]
    page.slider(key="train_seed").set_value(7).run()
    assert visitor.trainings[KEY] is before
    note = next(c.value for c in page.caption if "other settings" in c.value)
    assert "seed 0" in note
    assert "Reset takes yours." in note
    press(page, "stop")
    assert any("Start begins one with yours." in caption.value for caption in page.caption)
    press(page, "start")
    assert "seed 7" in visitor.trainings[KEY].experiment.settings
    assert not any("other settings" in caption.value for caption in page.caption)


def test_a_visitor_trains_one_thing_at_a_time_and_keeps_what_was_shown(page, visitor):
    press(page, "start")
    work(visitor, 1)
    press(page, "start", OTHER)
    assert visitor.trainings[KEY].job.state == "stopped"
    assert visitor.trainings[OTHER].job.state == "running"
    assert offered(page, OTHER) == ["Pause", "Stop", "Reset"]
    page.run()
    assert offered(page) == ["Start", "Reset"]


def test_a_full_workshop_lets_wait_and_then_refuses_in_a_sentence(page, visitor):
    others = [Job(lambda: None, 1) for _ in range(2)]
    visitor.workshop.start(others[0])
    press(page, "start")
    assert visitor.workshop.place(visitor.trainings[KEY].job) == 1
    press(page, "reset")
    visitor.workshop.start(others[1])
    press(page, "start")
    assert "All 1 places are taken" in page.warning[0].value
    visitor.workshop.stop(others[1])
    press(page, "resume")
    assert visitor.workshop.place(visitor.trainings[KEY].job) == 1
    assert not page.warning


def test_clicks_that_come_too_late_do_nothing(page, visitor):
    experiment = press(page, "start") and visitor.trainings[KEY].experiment
    job = visitor.trainings[KEY].job
    training._start(KEY, experiment)  # the second of two quick clicks
    assert visitor.trainings[KEY].job is job
    training._stop(KEY, experiment)
    for click in (training._pause, training._resume, training._step, training._stop):
        click(KEY, experiment)
    assert job.state == "stopped"
    training._reset(KEY, experiment)
    for click in (training._pause, training._resume, training._stop, training._reset):
        click(KEY, experiment)
    assert not visitor.trainings


def test_looking_keeps_a_training_alive(page, visitor):
    press(page, "start")
    job = visitor.trainings[KEY].job
    job.last_seen -= 100
    page.run()
    visitor.workshop.turn()
    assert job.state == "running"
    job.last_seen -= 100
    visitor.workshop.turn()
    page.run()
    assert offered(page) == ["Start", "Reset"]


def test_leaving_stops_everything(page, visitor):
    press(page, "start")
    visitor.leave()  # what happens when the session ends
    assert not visitor.workshop.jobs


def test_explosions_are_counted(visitor):
    page = opened(clip_gain="3.0")
    press(page, "start", OTHER)
    work(visitor, 300)
    page.run()
    told = next(block.value for block in page.markdown if "not clipped" in block.value)
    assert "clipped at 1** 0 of 8 networks lost" in told
    assert "not clipped** 0 of 8" not in told


@pytest.mark.parametrize(
    "address",
    [
        {"train_task": "mining", "train_steps": "100000", "train_models": "evil"},
        {"train_task": "", "train_steps": "", "train_models": "", "train_seed": ""},
        {"train_seed": "-5", "clip_seed": "1e309", "clip_gain": "99", "train_clip": "maybe"},
        {"train_seed": "9" * 500, "train_steps": "nan", "train_device": "cuda:99"},
    ],
)
def test_forged_settings_become_ordinary_ones(visitor, address):
    page = opened(**address)
    press(page, "step")
    settings = visitor.trainings[KEY].experiment.settings
    assert settings.startswith("recall, 40 steps, tanh RNN, LSTM, LSTM chrono, attention, clipped")
    assert settings.endswith("seed 0, on cpu")
    press(page, "step", OTHER)
    assert "gain 2, seed 0" in visitor.trainings[OTHER].experiment.settings
