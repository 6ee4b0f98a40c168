"""The page on sequential cost: what it shows, what the address decides, and who may measure."""

import json
import re
from collections.abc import Callable
from time import monotonic, sleep

import pytest
import torch

from core.sequential_cost import LAYERS, lengths_for, make_layer
from pages.ui.answers import sequential_cost as answers
from pages.ui.cached import sequential_cost as cached
from pages.ui.cached.sequential_cost import Measurements, Setting
from tests.browser.conftest import ROOT

LONG = Setting("cpu", 256, 16)  # takes longer than any test waits


@pytest.fixture
def measurements(monkeypatch):
    """The measurements of a fresh server whose visitors look on patiently."""
    fresh = Measurements()
    monkeypatch.setattr(cached, "measurements", lambda: fresh)
    monkeypatch.setattr(cached, "UNSEEN_SECONDS", 120)
    return fresh


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def captions(app):
    return " ".join(caption.value for caption in app.caption)


def until(true: Callable[[], object], seconds: float = 60) -> bool:
    """Wait until something holds."""
    end = monotonic() + seconds
    while not true() and monotonic() < end:
        sleep(0.05)
    return bool(true())


def test_recurrent_steps_wait_for_each_other_and_those_of_attention_do_not(open_page):
    steps, ways, work, measures, model = looked_for(open_page("sequential_cost"))
    assert "For your 16 tokens the recurrent layer takes 16 steps" in steps
    assert "the attention block takes 6, and takes 6 for any length" in steps
    assert "a recurrent layer takes 16 steps, attention 1" in ways
    assert "self-attention computes 16,384, less than a recurrent layer with 65,536" in work
    assert "12 of its products wait for each other, and 4,096 of the RNN's" in measures
    assert "341 times less. That is a model, not a measurement." in model


def test_before_anybody_measures_the_recorded_times_are_shown_as_recorded(open_page):
    app = open_page("sequential_cost")
    recorded = r"Recorded on 20\d\d-\d\d-\d\d, not now\. \d+ × .+: CPU, 1 thread"
    assert re.search(recorded, captions(app))
    assert "Measured on this server" not in captions(app)
    assert "The clock: LSTM" in looked_for(app)[3]


@pytest.mark.parametrize("width", [64, 128, 256])
@pytest.mark.parametrize("batch", [1, 4, 16])
def test_every_setting_has_a_recording_of_every_layer_and_length(width, batch):
    found = cached.recorded(Setting("cpu", width, batch))
    assert list(found.curves) == list(LAYERS)
    for curve in found.curves.values():
        assert tuple(curve.lengths) == lengths_for(batch)
        assert (curve.low > 0).all()
        assert (curve.low <= curve.middle).all()
        assert (curve.middle <= curve.high).all()
    assert 1e-7 < found.setup.product < 1e-3


def test_no_gpu_is_recorded_and_the_page_says_so(open_page, monkeypatch):
    assert cached.recorded(Setting("cuda:0", 64, 1)) is None
    monkeypatch.setattr(cached, "devices", lambda: ("cpu", "cuda:0"))
    app = open_page("sequential_cost", cost_device="cuda:0")
    assert app.selectbox(key="cost_device").value == "cuda:0"
    assert "Nobody has measured this setting here yet" in app.info[0].value
    assert looked_for(app)[3].startswith(":material/visibility: No time yet.")
    assert "Measure this setting first" in app.info[1].value


def test_the_address_decides_what_is_counted_and_measured(open_page):
    sentences = looked_for(open_page("sequential_cost", cost_width="128", cost_batch="16"))
    assert "the RNN a state of 384 numbers" in sentences[1]
    assert "At 1,024 tokens attention computes" in sentences[3]
    assert "2,048 × " in sentences[4]


@pytest.mark.parametrize(
    "address",
    [
        {"cost_width": "65", "cost_batch": "0"},
        {"cost_width": "", "cost_batch": ""},
        {"cost_width": "1e309", "cost_batch": "-1", "cost_device": "cuda:9"},
    ],
)
def test_bad_addresses_show_the_default(open_page, address):
    sentences = looked_for(open_page("sequential_cost", **address))
    assert "the RNN a state of 192 numbers" in sentences[1]
    assert "At 2,048 tokens" in sentences[3]


def test_a_word_alone_is_through_first_in_the_recurrent_layer(open_page):
    steps, ways, *_ = looked_for(open_page("sequential_cost", sentence="Hi"))
    assert "For your 3 tokens" in steps
    assert "the recurrent layer is through first" in steps
    assert "3 × 3 = 9 weights" in ways


def test_the_button_starts_a_measurement_and_stop_ends_it(open_page, measurements):
    app = open_page("sequential_cost", cost_width="256", cost_batch="16")
    app.button(key="cost-start").click().run()
    running = measurements.find(LONG)
    assert running.runs
    assert "cost-start" not in [button.key for button in app.button]
    app.button(key="cost-stop").click().run()
    assert until(lambda: not running.runs)
    assert app.button(key="cost-start")
    assert running.share < 1


def test_a_measurement_that_nobody_looks_at_any_more_ends(measurements, monkeypatch):
    monkeypatch.setattr(cached, "UNSEEN_SECONDS", 0.5)
    measurements.start(LONG, "visitor")
    running = measurements.find(LONG)
    assert until(lambda: not running.runs)
    assert running.share < 1
    assert not running.failure


def test_visitors_share_a_measurement_and_the_next_setting_waits_for_its_turn(measurements):
    other = LONG._replace(width=128)
    measurements.start(LONG, "first")
    running = measurements.find(LONG)
    measurements.start(LONG, "second")
    assert measurements.find(LONG) is running
    assert until(lambda: running.started is not None)
    measurements.start(other, "third")
    waiting = measurements.find(other)
    assert measurements.n_running() == 2
    running.leave("first")
    assert not until(lambda: not running.runs, seconds=1)
    assert waiting.started is None
    running.leave("second")
    assert until(lambda: waiting.started is not None)
    assert not running.runs
    waiting.leave("third")
    assert until(lambda: not waiting.runs)


def test_a_measurement_that_breaks_off_says_why(open_page, measurements):
    setting = Setting("cpu", 512, 1)
    measurements.start(setting, "visitor")
    broken = measurements.find(setting)
    assert until(lambda: not broken.runs)
    assert broken.failure.startswith("ValueError: width=512 is not between 1 and 256")
    measurements._last[Setting("cpu", 64, 1)] = broken
    app = open_page("sequential_cost")
    assert "The measurement broke off" in app.warning[0].value
    assert "Recorded on" in captions(app)


def test_the_timings_of_this_server_replace_the_recorded_ones(open_page, measurements):
    setting = Setting("cpu", 64, 1)
    measurements.start(setting, "visitor")
    running = measurements.find(setting)
    assert until(lambda: running.measured is not None)
    assert 0 < running.share < 1
    assert 0 <= running.seconds_left <= cached.MAX_SECONDS
    running.leave("visitor")
    assert until(lambda: not running.runs)
    app = open_page("sequential_cost")
    assert "Measured on this server" in captions(app)
    assert "The clock:" in looked_for(app)[3]


@pytest.mark.parametrize("width", [64, 128, 256])
def test_where_weights_pass_the_state_is_counted_on_real_tensors(width):
    truth = answers.where_weights_pass_the_state(cached.counted(width, lengths=(16,)))
    rnn = make_layer("RNN", width)
    passed = []
    for length in range(1, 40):
        x = torch.randn(1, length, width)
        weights = torch.softmax(x @ x.mT, dim=-1)
        if weights.numel() > rnn(x)[1].numel():
            passed.append(length)
    assert truth.right == "square"
    assert truth.measured["square"] == truth.numbers["square"] == passed[0]


@pytest.mark.parametrize(("width", "batch"), [(64, 1), (64, 4), (128, 16)])
def test_the_fastest_layer_is_read_from_the_recorded_lines(width, batch):
    lines = map(json.loads, (ROOT / "assets/data/sequential_cost.jsonl").read_text().splitlines())
    times, wanted = {}, False
    for line in lines:
        if "layer" not in line:
            wanted = (line["width"], line["batch"]) == (width, batch)
        elif wanted:
            times[line["length"], line["layer"]] = line["middle"]
    longest = max(length for length, _ in times)
    by_layer = {layer: times[longest, layer] for layer in LAYERS}
    curves = cached.recorded(Setting("cpu", width, batch)).curves
    truth = answers.fastest(curves, width, batch, "cpu")
    assert truth.right == min(by_layer, key=by_layer.__getitem__) == "LSTM"
    assert truth.numbers["length"] == f"{longest:,}"
    assert truth.measured == pytest.approx({layer: 1e3 * s for layer, s in by_layer.items()})


def test_nothing_is_asked_before_a_measurement_or_where_two_layers_are_equally_fast():
    assert answers.fastest({}, 64, 1, "cuda:0") is None
    curve = cached.recorded(Setting("cpu", 64, 1)).curves["RNN"]
    assert answers.fastest({"RNN": curve, "LSTM": curve}, 64, 1, "cpu") is None


def test_a_setting_that_nobody_measured_is_not_asked_about(open_page, monkeypatch):
    monkeypatch.setattr(cached, "devices", lambda: ("cpu", "cuda:0"))
    asked = {
        device: {
            button.key.split(".")[1]
            for button in open_page("sequential_cost", ask="true", cost_device=device).button
            if (button.key or "").startswith("predict-")
        }
        for device in ("cpu", "cuda:0")
    }
    assert asked["cpu"] == {"weights-pass-state", "fastest"}
    assert asked["cuda:0"] == {"weights-pass-state"}
