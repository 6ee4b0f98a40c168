"""The page on vanishing gradients: what it measures, and what the address decides."""

import pytest

from pages.ui.cached import vanishing_gradients as cached
from pages.ui.components.gradient_view import Position


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_each_claim_is_seen_with_default_settings(open_page):
    sentence, lab, gates, attention, theory, zero, weights, *_ = looked_for(
        open_page("vanishing_gradients")
    )
    assert "`the` gets 10⁻⁶ in the tanh RNN" in sentence
    assert "127 back: tanh 10⁻²⁶" in lab
    assert "(bias 0) the LSTM passes 10⁻¹¹ over 50 steps" in gates
    assert "distance costs nothing" in attention
    assert "must explode, and this one vanishes" in theory
    assert "all 0 from 108 on" in zero
    assert "At gain 3 both explode: 10¹³" in weights


def test_the_address_decides_what_the_lab_shows(open_page):
    address = {"steps": "64", "units": "32", "networks": "4", "init": "orthogonal"}
    app = open_page("vanishing_gradients", gain="3", forget="0", **address)
    lab = looked_for(app)[1]
    assert "63 back" in lab
    assert "(gain 3)" in lab
    assert "(bias 0)" in lab


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"gain": "0"}, "With gain 0 no step"),
        ({"steps": "1"}, "One step only"),
        ({"networks": "1", "forget": "9999"}, "(bias 5)"),
        ({"gain": "2.4"}, "(gain 2.5)"),
        ({"gain": "nan", "forget": "1e309"}, "(gain 1)"),
        ({"gain": "x" * 5_000, "forget": ""}, "(gain 1)"),
        ({"steps": "-5", "units": "1e309", "networks": "nan", "init": ""}, "127 back"),
        ({"steps": "4096", "units": "1024", "device": "cuda:7"}, "127 back"),
    ],
)
def test_bad_settings_give_a_picture_and_a_sentence(open_page, address, said):
    assert said in looked_for(open_page("vanishing_gradients", **address))[1]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"chain_gain": "0.0"}, "Gain 0: the recurrent matrix is 0"),
        ({"activation": "none", "chain_gain": "1.25"}, "must explode, and this one explodes"),
        ({"activation": "", "chain_gain": "-1"}, "vanishes"),
    ],
)
def test_the_theory_follows_activation_and_gain(open_page, address, said):
    assert said in looked_for(open_page("vanishing_gradients", **address))[4]


@pytest.mark.parametrize("sentence", ["word", "\u0301", "🎈", "the " * 300])
def test_sentences_of_one_token_or_too_many_are_read(open_page, sentence):
    assert len(looked_for(open_page("vanishing_gradients", sentence=sentence))) >= 7


def test_too_much_at_once_is_cut_down_and_said(open_page):
    app = open_page("vanishing_gradients", steps="256", units="256", networks="64")
    assert any("more than one visitor gets here; 2 are shown" in note.value for note in app.caption)


def test_no_setting_asks_for_more_than_the_ceiling():
    for kind, ceiling in cached.CEILING.items():
        largest = cached.LARGEST[kind]._replace(device=kind)
        setting = cached.affordable(largest)
        assert setting.n_seeds >= 1
        assert setting.length * setting.width**2 * setting.n_seeds <= ceiling


def test_what_is_seen_comes_first_and_the_rest_when_asked_for():
    setting, position = cached.Setting(7, 8, 3), Position(2, 1)
    seen = cached.curves(setting, position, more=False)
    assert not seen.complete
    assert [list(line.curves) for line in seen.lines] == [[2], [2], [1], [1], [0]]
    while not (rest := cached.curves(setting, position, more=True)).complete:
        assert len(rest.lines[0].curves) >= 1
    assert [len(line.curves) for line in rest.lines] == [13, 13, 8, 8, 1]
    for name, curve in seen.seen.items():
        assert curve is rest.seen[name]


def test_the_time_on_this_device_is_measured_only_when_asked_for(open_page):
    assert not any("takes longest" in text for text in looked_for(open_page("vanishing_gradients")))
    times = cached.seconds_per_step()
    assert list(times) == list(cached.devices().values())
    assert all(seconds > 0 for networks in times.values() for seconds in networks.values())
