"""The operator's own models: who may be chosen, what follows the choice, what does not."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from core.models import listed_models
from pages.ui.cached import model
from pages.ui.cached import scaled_dot_product as cached
from pages.ui.cached import texts as lessons
from tests.core.hugging_face import save_small_bert, save_small_gpt2
from tests.pages.conftest import ODD_SENTENCES
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import offered, revealed

HEADS = ("self_attention", "scaled_dot_product")
GPT2_READS = (
    "`Small *GPT-2*` reads here: a decoder of 9 blocks with 7 heads each; "
    "no token looks at a later one."
)
BERT_READS = "`Small BERT` reads here: an encoder of 3 blocks with 5 heads each"
MINILM_READS = "`all-MiniLM-L6-v2` reads here: an encoder of 6 blocks with 12 heads each"
DEFAULT_READS = "The default model, all-MiniLM-L6-v2, reads here."


def table(name: str, label: str, folder: Path) -> str:
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    return f'[{name}]\nlabel = "{label}"\nfolder = "{folder}"\nsha256 = "{sha256}"\n'


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Path:
    """Write a list: a BERT of 3 blocks, a GPT-2 of 9 and the same again, one that is not there."""
    bert = save_small_bert(tmp_path_factory.mktemp("bert"))
    gpt2 = save_small_gpt2(tmp_path_factory.mktemp("gpt2"), n_layer=9, n_head=7)
    file = tmp_path_factory.mktemp("settings") / "models.toml"
    gone = table("gone", "Gone", bert).replace(str(bert), "nowhere")
    file.write_text(
        table("bert", "Small BERT", bert)
        + table("gpt2", "Small *GPT-2*", gpt2)
        + table("again", "Small GPT-2 again", gpt2)
        + gone
    )
    return file


def read_list(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Let the app read this list instead of its own."""
    monkeypatch.setattr(model, "listed_models", partial(listed_models, file))
    for cache in (model.listed, model.listed_model, model.listed_trace, model.reading):
        cache.clear()
    lessons.addresses.clear()


@pytest.fixture
def listed(settings, monkeypatch, tmp_path) -> Iterator[None]:
    read_list(monkeypatch, settings)
    yield
    read_list(monkeypatch, tmp_path / "models.toml")


@pytest.mark.parametrize("topic", HEADS)
def test_without_a_list_nothing_of_it_is_on_screen(open_page, topic):
    app = open_page(topic, model="gpt2")
    assert "model" not in [box.key for box in app.selectbox]
    assert "reads here" not in texts(app)


def test_a_list_that_is_not_in_order_offers_nothing_and_stops_nobody(
    open_page, monkeypatch, tmp_path, caplog
):
    (tmp_path / "models.toml").write_text("[one]")
    read_list(monkeypatch, tmp_path / "models.toml")
    app = open_page("self_attention")
    assert not app.exception
    assert "reads here" not in texts(app)
    assert "models.toml, [one] says nothing; a model has label" in caplog.text
    model.listed.clear()


@pytest.mark.parametrize("address", [{}, {"model": "evil"}, {"model": "../bert"}, {"model": ""}])
def test_a_list_offers_its_ids_and_the_default_reads_unless_one_is_chosen(
    open_page, listed, address
):
    app = open_page("scaled_dot_product", block="9", **address)
    assert not app.exception
    assert app.selectbox(key="model").options == ["minilm", "bert", "gpt2", "again", "gone"]
    assert app.selectbox(key="model").value == "minilm"
    assert app.selectbox(key="block").value == "4"
    assert MINILM_READS in texts(app)


@pytest.mark.parametrize("topic", HEADS)
def test_blocks_and_heads_follow_the_model(open_page, listed, topic):
    app = open_page(topic, model="gpt2", block="9", head="7", off="L9H7")
    assert not app.exception
    assert GPT2_READS in texts(app)
    assert (app.selectbox(key="block").value, app.selectbox(key="head").value) == ("9", "7")
    assert "head L9H7" in texts(app)
    app.selectbox(key="model").set_value("bert").run()
    assert not app.exception
    assert BERT_READS in texts(app)
    assert (app.selectbox(key="block").value, app.selectbox(key="head").value) == ("3", "2")
    app.selectbox(key="model").set_value("minilm").run()
    assert not app.exception
    assert MINILM_READS in texts(app)
    assert len(app.selectbox(key="block").options) == 6


def test_a_link_with_a_listed_model_is_taken_whole(open_page, listed):
    app = open_page("scaled_dot_product", model="gpt2", block="9", mask="causal")
    assert not app.warning


def test_a_model_that_is_not_listed_is_named_as_such(open_page, listed):
    app = open_page("self_attention", model="evil")
    assert ["evil" in warning.value for warning in app.warning] == [True]


def test_a_model_that_is_not_there_is_answered_in_words(open_page, listed, caplog):
    app = open_page("self_attention", model="gone")
    assert not app.exception
    assert [warning.value for warning in app.warning] == [
        "That model cannot be read on this server; the default reads instead."
    ]
    assert MINILM_READS in texts(app)
    assert "nowhere" not in texts(app)  # the operator's folders are nobody else's business
    assert "The model gone cannot be read: the model 'gone' is not in folder=" in caplog.text


@pytest.mark.parametrize("topic", ["home", "embeddings"])
def test_other_lessons_say_that_the_default_reads(open_page, listed, topic):
    app = open_page("self_attention", model="gpt2")
    app.switch_page(f"pages/{topic}.py").run()
    assert not app.exception
    assert DEFAULT_READS in texts(app)
    assert "model" not in [box.key for box in app.selectbox]
    app.switch_page("pages/scaled_dot_product.py").run()
    assert GPT2_READS in texts(app)


@pytest.mark.parametrize("topic", HEADS)
@pytest.mark.parametrize(
    "kind", ["empty", "20,000 characters", "emoji", "Arabic", "special tokens"]
)
def test_a_decoder_reads_any_sentence(open_page, listed, topic, kind):
    app = open_page(topic, model="gpt2", sentence=ODD_SENTENCES[kind])
    assert not app.exception
    assert GPT2_READS in texts(app)


@pytest.mark.parametrize("topic", HEADS)
@pytest.mark.parametrize("chosen", ["bert", "gpt2"])
@pytest.mark.parametrize("depth", ["Numbers", "Code"])
def test_a_listed_model_is_asked_about_worked_out_and_explained(
    open_page, listed, topic, chosen, depth
):
    app = open_page(topic, model=chosen, depth=depth, ask="true", sentence="the cat sat on the mat")
    asked = offered(app)
    # Of this decoder attention cannot be asked: no head could be halved, no score stands both ways.
    assert bool(asked) != ((topic, chosen) == ("self_attention", "gpt2"))
    for question in asked:
        assert revealed(app, question).truth
    assert ("In numbers" in texts(app)) == (depth == "Numbers")
    assert bool(app.code) == (depth == "Code")
    assert "script of your own" not in texts(app)  # it could not load this model


def test_tokens_of_bytes_are_shown_as_text(open_page, listed):
    app = open_page("self_attention", model="gpt2", sentence="the cat 猫")
    assert "`▁cat`" in texts(app)
    assert "Ġ" not in texts(app)


def test_what_does_not_fit_is_said_for_the_model_that_reads(open_page, listed):
    app = open_page("self_attention", model="gpt2", sentence="the " * 47)
    assert "The model reads 41 tokens; the last 6 of this text are left out." in texts(app)


def test_what_needs_an_encoder_is_left_out_for_a_decoder(open_page, listed):
    app = open_page("self_attention", model="gpt2")
    assert ["the model that reads here is a decoder" in info.value for info in app.info] == [True]
    assert "Which tokens made" not in texts(app)
    assert DEFAULT_READS in texts(app)  # of the two sentences about animal and street
    app = open_page("self_attention", model="bert", measures="true")
    assert not app.info
    assert "Which tokens made" in texts(app)


def test_a_decoder_never_reads_without_its_mask(open_page, listed):
    app = open_page("scaled_dot_product", model="gpt2", mask="none", sentence="the cat sat the cat")
    options = {control.key: control.options for control in app.button_group}
    assert options["mask"] == ["causal", "padding"]
    assert "Of 25 pairs, the causal mask forbids 10 (a triangle), both masks 11." in texts(app)
    app = open_page("scaled_dot_product", model="bert", sentence="the cat sat")
    options = {control.key: control.options for control in app.button_group}
    assert options["mask"] == ["none", "causal", "padding"]


@pytest.mark.parametrize(
    "change", [{}, {"scale": False}, {"temperature": 0.5}, {"mask": "padding"}]
)
def test_every_recomputation_keeps_the_mask_of_a_decoder(listed, change):
    attention = cached.head_attention("the cat sat on a mat", "gpt2", 4, 2, **change)
    later = torch.ones_like(attention.weights, dtype=torch.bool).triu(1)
    assert attention.scores[later].isneginf().all()
    assert not attention.weights[later].any()
    assert cached.fused_difference(attention, change.get("scale", True)) < 1e-4
    if not change:
        own = model.trace("the cat sat on a mat", "gpt2").blocks[4].attention
        torch.testing.assert_close(attention.output, own.output[2])


def test_no_gradient_reaches_what_a_decoder_may_not_look_at(listed):
    gradients = cached.output_gradients("the cat sat on a mat", "gpt2", 4, 2, query=2, dimension=1)
    assert gradients["v"][:3, 1].all()
    assert not gradients["v"][3:].any()
    assert not gradients["k"][3:].any()


def test_two_models_stay_in_memory_and_the_one_not_used_for_longest_leaves(listed):
    bert, gpt2 = (weakref.ref(model.listed_model(name)) for name in ("bert", "gpt2"))
    assert model.listed_model("bert") is bert()
    again = weakref.ref(model.listed_model("again"))
    assert gpt2() is None
    assert bert() is not None
    assert again() is not None
