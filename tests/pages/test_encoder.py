"""The page on the encoder: what it says of each claim, and what the address decides."""

import pytest
from streamlit.testing.v1 import AppTest

from core.deep_stack import WIRINGS
from core.encoder import Ablation
from pages.ui.bar import DEFAULT_SENTENCE
from pages.ui.cached import encoder as cached
from pages.ui.cached.model import encoder
from pages.ui.controls import encoder as controls
from pages.ui.figures import encoder as figures


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


@pytest.fixture(scope="module")
def intact():
    return encoder().trace(DEFAULT_SENTENCE)


def test_each_claim_is_seen_with_default_settings(open_page):
    (stream, shares, stages, units, unit, near, alike, travel, broken, difference, gradients,
     likeness, training) = looked_for(open_page("encoder"))  # fmt: skip
    assert "`tired` stays between 11.4 and 13.4 long" in stream
    assert "0.88 after block 1 and 0.46 after block 6" in stream
    assert "the feed-forward layer adds most in block 6, a vector 0.74 times" in shares
    assert "between 0.68 and 11.32; normalised again, between 0.42 and 0.64" in stages
    assert "of 1,536 units fire" in units
    assert "highest places: `not`, `t`, `un`, `didn`" in unit
    assert "`tired` after block 3 lies nearest to `tired`" in near
    assert "0.83 after the last block" in alike
    assert "by 9% of its length after one block, on average, and by 47% after 6" in travel
    assert "All tokens have become one: 1.000 instead of 0.41" in broken
    assert "after block 6 by 160%" in difference
    assert "**no skip** 10⁻⁰·²" in gradients
    assert "**neither** 10⁻³·⁸" in gradients
    assert "**pre-norm** not in this depth; **no skip** from block 3 on" in likeness
    assert "all of them guess and get 8%" in training


def test_the_address_decides_token_depth_unit_and_stack(open_page):
    app = open_page(
        "encoder",
        enc_token="11 it",
        enc_measure="length",
        enc_block="6",
        enc_unit_block="1",
        enc_unit="0",
        enc_depth="0",
        enc_other="Hello.",
        enc_stack="24",
        enc_wirings="no norm",
    )
    said = looked_for(app)
    assert "The vector of `it`" in said[0]
    assert "entries in block 6" in said[2]
    assert "For `it`" in said[3]
    assert "`it` as it enters lies nearest to `it`" in said[5]
    assert "Read as they enter" in said[6]
    assert "Without the word `it`" in said[7]
    assert "**no norm** 10⁸·⁴" in said[10]
    titles = [title.value for title in app.subheader]
    assert "What does unit 0 of block 1 answer to?" in titles
    assert "How much of the gradient comes back through 24 blocks?" in titles


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("normalisation", "The vectors have grown 588 times as long."),
        ("attention", "Between the tokens it is 0.10 instead of 0.41."),
        ("feed-forward", "Between the tokens it is 0.26 instead of 0.41."),
    ],
)
def test_every_missing_part_leaves_its_own_mark(open_page, part, said):
    assert said in looked_for(open_page("encoder", enc_without=part))[8]


NAMES = ("token", "measure", "block", "unit_block", "unit", "depth", "other", "without", "stack",
         "wirings", "learn", "seed")  # fmt: skip


@pytest.mark.parametrize("value", ["", "-1", "1e309", "9" * 5_000, "é<b>"])
def test_bad_settings_fall_back_to_a_whole_page(open_page, value):
    app = open_page("encoder", **{f"enc_{name}": value for name in NAMES})
    assert len(looked_for(app)) == 13


@pytest.mark.parametrize("sentence", ["word", "\u0301", "the " * 300, "<b>x</b> `y` [z](w)"])
def test_a_short_a_long_and_an_odd_sentence_show_all_figures(open_page, sentence):
    assert len(looked_for(open_page("encoder", sentence=sentence))) == 13


def test_a_token_of_another_sentence_in_the_address_is_no_trap(open_page):
    said = looked_for(open_page("encoder", sentence="Birds sing.", enc_token="11 it"))
    assert "The vector of `birds`" in said[0] or "The vector of `sing`" in said[0]


@pytest.mark.parametrize(
    ("part", "ablation"),
    [
        ("skip connections", Ablation(residual=False)),
        ("normalisation", Ablation(norm=False)),
        ("attention", Ablation(heads={(block, head) for block in range(6) for head in range(12)})),
        ("feed-forward", Ablation(feed_forward=False)),
    ],
)
def test_each_part_takes_away_what_it_says(intact, part, ablation):
    changed = encoder().trace(DEFAULT_SENTENCE, ablation)
    found = cached.broken(DEFAULT_SENTENCE, part)
    expected = (changed.output - intact.output).norm(dim=-1) / intact.output.norm(dim=-1)
    assert found.distance[-1] == pytest.approx(expected.numpy(), rel=1e-4)


def test_a_unit_is_told_by_tokens_of_the_sample_sentences():
    found = cached.unit(3, 318)
    assert len(found.tokens) == len(found.sentences) == cached.N_TOKENS
    trace = encoder().trace(found.sentences[0])
    assert found.tokens[0] in trace.tokens
    assert found.activations[0] == pytest.approx(
        trace.blocks[3].activations[:, 318].max().item(), rel=1e-4
    )


def test_the_widgets_offer_what_the_model_has():
    assert encoder().config.d_ff == controls.D_FF
    assert list(figures.WIRINGS) == list(WIRINGS)
    assert max(controls.DEPTHS) == cached.MOST_BLOCKS


def test_a_shallow_stack_is_the_beginning_of_the_deepest():
    shallow, deep = (cached.stack("pre-norm", n_blocks).token_cosine for n_blocks in (2, 4))
    assert (shallow == deep[:3]).all()


def only_training():
    import streamlit as st

    from pages.ui.controls import encoder as controls

    experiment = controls.training()
    frame = experiment.make_run().step()
    st.write(f"{experiment.settings}; {experiment.n_updates} updates; {frame.profile.shape}")


def test_all_five_wirings_learn_in_stacks_of_the_depth_that_was_asked_for():
    app = AppTest.from_function(only_training)
    app.query_params["enc_learn"] = "2"
    app.query_params["enc_seed"] = "7"
    app.run()
    assert not app.exception
    assert "2 blocks, seed 7" in app.markdown[0].value
    assert "200 updates; (2, 3)" in app.markdown[0].value
