"""The page on the encoder: what it says of each claim, and what the address decides."""

import re

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.deep_stack import WIRINGS, draw_stack
from core.encoder import Ablation
from core.pretrained import bundled_folder
from pages.ui.answers import encoder as answers
from pages.ui.bar import DEFAULT_SENTENCE
from pages.ui.cached import encoder as cached
from pages.ui.cached.model import encoder
from pages.ui.controls import encoder as controls
from pages.ui.figures import encoder as figures
from tests.core.hugging_face import load_bert
from tests.pages.test_predict import offered


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


@pytest.fixture(scope="module")
def intact():
    return encoder().trace(DEFAULT_SENTENCE)


def test_each_claim_is_seen_with_default_settings(open_page):
    (stream, shares, stages, units, unit, travel, near, broken, difference, gradients, likeness,
     training, alike, turned) = looked_for(open_page("encoder"))  # fmt: skip
    assert "`tired` stays between 11.4 and 13.4 long" in stream
    assert "0.88 after block 1 and 0.46 after block 6" in stream
    assert "the feed-forward layer adds most in block 6, a vector 0.74 times" in shares
    assert "between 0.68 and 11.32; normalised again, between 0.42 and 0.64" in stages
    assert "of 1,536 units fire" in units
    assert "highest places: `not`, `t`, `un`, `didn`" in unit
    assert "`tired` after block 3 lies nearest to `tired`" in near
    assert "by 9% of its length after one block, on average, `[CLS]` least, by 0.09%" in travel
    assert "and by 47% after 6" in travel
    assert "All tokens have become one: 1.000 instead of 0.41" in broken
    assert "after block 6 by 160%" in difference
    assert "**no skip** 10⁻⁰·²" in gradients
    assert "**neither** 10⁻³·⁸" in gradients
    assert "**pre-norm** not in this depth; **no skip** from block 3 on" in likeness
    assert "all of them guess and get 8%" in training
    assert "of 0.83 after the last block" in alike
    assert "Of the 15 tokens that both share" in turned


def test_the_address_decides_token_depth_unit_and_stack(open_page):
    app = open_page(
        "encoder",
        enc_token="11 it",
        enc_measure="length",
        enc_block="6",
        enc_unit_block="1",
        enc_unit="0",
        enc_depth="0",
        second="Hello it is.",
        enc_stack="24",
        enc_wirings="no norm",
    )
    said = looked_for(app)
    assert "The vector of `it`" in said[0]
    assert "entries in block 6" in said[2]
    assert "For `it`" in said[3]
    assert "Without the word `it`" in said[5]
    assert "`it` as it enters lies nearest to `it`" in said[6]
    assert "**no norm** 10⁸·⁴" in said[9]
    assert "Of the 4 tokens that both share" in said[13]
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
    assert said in looked_for(open_page("encoder", enc_without=part))[7]


NAMES = ("token", "measure", "block", "unit_block", "unit", "depth", "without", "stack",
         "wirings", "learn", "seed")  # fmt: skip


@pytest.mark.parametrize("value", ["", "-1", "1e309", "9" * 5_000, "é<b>"])
def test_bad_settings_fall_back_to_a_whole_page(open_page, value):
    app = open_page("encoder", **{f"enc_{name}": value for name in NAMES})
    assert len(looked_for(app)) == 14


@pytest.mark.parametrize(
    ("sentence", "n_figures"),
    [("word", 14), ("\u0301", 13), ("the " * 300, 14), ("<b>x</b> `y` [z](w)", 14)],
)
def test_a_short_a_long_and_an_odd_sentence_show_all_figures(open_page, sentence, n_figures):
    app = open_page("encoder", sentence=sentence, second=sentence)
    assert len(looked_for(app)) == n_figures  # without a word none is shared


def test_sentences_without_a_common_word_are_still_compared_as_a_whole(open_page):
    app = open_page("encoder", sentence="Hello", second="Birds sing")
    assert len(looked_for(app)) == 13
    assert "share no word" in app.info[0].value
    app.text_input(key="second").set_value("").run()
    assert len(looked_for(app)) == 12
    assert "Type a second sentence" in app.info[0].value


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


# Predicted and so


@pytest.mark.parametrize(
    ("sentence", "token", "block", "part"),
    [
        (DEFAULT_SENTENCE, 13, 4, "skip connections"),
        ("A bird sings!", 2, 1, "normalisation"),
        ("Zoë 🦜", 1, 6, "attention"),
        ("hello hello", 0, 5, "feed-forward"),
    ],
)
def test_what_is_so_is_found_by_other_ways(open_page, sentence, token, block, part):
    trace = encoder().trace(sentence)
    name = f"{token + 1} {trace.tokens[token]}"
    app = open_page(
        "encoder",
        sentence=sentence, ask="true", enc_token=name, enc_unit_block=f"{block}", enc_without=part,
    )  # fmt: skip
    for buttons in offered(app).values():
        next(iter(buttons.values())).click()
    app.run()
    assert not app.exception
    truth = {
        identity.split(".")[1]: kept.truth
        for identity, kept in app.session_state["predictions"].items()
    }

    layer, found = encoder().blocks[block - 1].w_1, trace.blocks[block - 1]
    scores = found.attention_output[token] @ layer.weight.T + layer.bias
    assert 0 < (scores > 0).float().mean() < 0.4
    assert truth["firing"] == "a minor part of them"

    assert truth["reach"] == f"{changed_by_one_block(trace, token)}"

    slug = part.replace(" ", "-")
    alike = mean_cosine(encoder().trace(sentence, ABLATIONS[part]).output.double().numpy())
    assert float(truth[f"without-{slug}"]) == pytest.approx(alike, abs=0.006)

    assert truth["gradient"] == "a thousandth, or less"


ABLATIONS = {
    "skip connections": Ablation(residual=False),
    "normalisation": Ablation(norm=False),
    "attention": Ablation(heads={(block, head) for block in range(6) for head in range(12)}),
    "feed-forward": Ablation(feed_forward=False),
}


def changed_by_one_block(trace, token):
    """Count the vectors that change when Hugging Face's model gets a zero for one word."""
    model = load_bert(bundled_folder())
    words = model.embeddings.word_embeddings.weight.detach()[list(trace.token_ids)]
    without = words.clone()
    without[token] = 0
    with torch.inference_mode():
        one, other = (
            model(inputs_embeds=rows[None], output_hidden_states=True).hidden_states[1][0]
            for rows in (words, without)
        )
    moved = (one - other).norm(dim=-1) > 1e-4
    return int(moved.sum()) - int(moved[token])


def mean_cosine(vectors):
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = directions @ directions.T
    return cosines[~np.eye(len(cosines), dtype=bool)].mean()


@pytest.mark.parametrize(("n_blocks", "orders"), [(2, 1), (4, 2), (12, 4)])
def test_the_gradient_through_bare_blocks_is_that_of_autograd(n_blocks, orders):
    stack = draw_stack(n_blocks, torch.Generator().manual_seed(0))
    start = x = stack.x.clone().requires_grad_()
    for w_q, w_k, w_v, w_o, w_1, w_2 in stack.blocks:
        q, k, v = ((x @ w[:, None]).unflatten(-1, (4, -1)).transpose(2, 3) for w in (w_q, w_k, w_v))
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        x = torch.relu(mixed.transpose(2, 3).flatten(-2) @ w_o[:, None] @ w_1[:, None])
        x = x @ w_2[:, None]
    scores = x @ stack.w_out[:, None]
    losses = torch.nn.functional.cross_entropy(
        scores.flatten(0, 2), stack.targets.flatten(), reduction="none"
    )
    loss = losses.unflatten(0, stack.targets.shape).mean(dim=(1, 2)).sum()
    first, last = torch.autograd.grad(loss, [start, x])
    ratios = first.flatten(1).norm(dim=1) / last.flatten(1).norm(dim=1)
    decades = -ratios.log10().numpy()
    curves = cached.stack("neither", n_blocks).log_grad_norm
    assert curves[-1] - curves[0] == pytest.approx(decades, abs=0.01)
    assert round(float(np.median(decades))) == orders
    expected = ("all", "tenth", "hundredth", "less")[min(orders, 3)]
    assert answers.gradient({"neither": curves}).right == expected


def test_nothing_is_asked_of_bare_blocks_that_are_not_drawn(open_page):
    assert answers.gradient({"no skip": np.zeros((3, 2))}) is None
    asked = offered(open_page("encoder", ask="true", enc_wirings="pre-norm"))
    assert "encoder.gradient" not in asked
    assert "encoder.reach" in asked


def test_the_arithmetic_is_that_of_the_figures_above_it(open_page):
    app = open_page("encoder", depth="Numbers")
    said = [text.value for text in app.markdown if "In numbers" in text.value]
    found = cached.stream(DEFAULT_SENTENCE)
    token = 13  # tired
    assert said[0].endswith(f"= {found.attention_share[:, token].max():.2f}$.")
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d{3}", said[1].replace("- ", "-"))]
    weight, value, minus_mean, spread, shift, result = numbers
    assert result == pytest.approx(weight * (value + minus_mean) / spread + shift, abs=0.01)
    trace = encoder().trace(DEFAULT_SENTENCE)
    assert abs(result) == pytest.approx(trace.blocks[0].output[token].abs().max().item(), abs=1e-3)


def test_shared_tokens_are_followed_in_both_sentences(intact):
    second = "Because the animal was wide."
    found = cached.shared(DEFAULT_SENTENCE, second)
    other = encoder().trace(second)
    for place, token in enumerate(found.tokens):
        if token in ("animal", "was"):
            for trace, cosines in ((intact, found.first), (other, found.second)):
                at = trace.tokens.index(token)
                expected = torch.cosine_similarity(
                    trace.output[at], trace.embeddings.output[at], dim=0
                )
                assert cosines[-1, place] == pytest.approx(expected.item(), abs=1e-5)
    assert "animal" in found.tokens


def test_one_sentence_is_compared_with_itself_without_a_part(open_page, intact):
    address = {"second": DEFAULT_SENTENCE, "enc_without_second": "attention"}
    said = " ".join(looked_for(open_page("encoder", **address)))
    heads = frozenset((block, head) for block in range(6) for head in range(12))
    broken = encoder().trace(DEFAULT_SENTENCE, Ablation(heads=heads))
    first, second = (
        torch.cosine_similarity(trace.output, trace.embeddings.output, dim=-1)
        for trace in (intact, broken)
    )
    most = (second - first).abs().argmax()
    assert f"is {first[most]:.2f} in your sentence and {second[most]:.2f} in the second" in said
