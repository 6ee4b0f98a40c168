"""The scaled dot-product page: steps, own numbers, masks, scaling."""

import re

import pytest
import torch

from core.pretrained import load_encoder
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import offered, revealed

TIRED = "The animal didn't cross the street because it was too tired."
RIVER = "I saw the bank of the river, then went to the bank."


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def test_the_steps_end_with_the_weights_of_the_model(open_page):
    said = texts(open_page("scaled_dot_product"))
    assert "Follow `it` through the steps: it ends with 0.68 of its attention on `animal`" in said


def test_own_numbers_take_the_place_of_the_sentence(open_page):
    app = open_page("scaled_dot_product", source="my own numbers", typed_q="5 0; 0 5")
    app.text_input(key="typed_k").set_value("5 0; 0 5")
    app.text_input(key="typed_v").set_value("1; 2").run()
    assert not app.exception
    assert "How do vectors become attention?" in texts(app)


def test_own_numbers_that_do_not_fit_are_answered_in_words(open_page):
    app = open_page("scaled_dot_product", source="my own numbers", typed_q="1 2 3; 4 5 6")
    assert [warning.value for warning in app.warning] == [
        "Q and K need rows of the same length: a query is compared with every key."
    ]
    app.text_input(key="typed_q").set_value("1 x").run()
    assert [warning.value for warning in app.warning] == ["Write numbers only, as in 1 0; 0.5 -2."]
    assert not app.exception


def test_the_causal_mask_forbids_a_triangle_and_padding_columns(open_page):
    said = texts(open_page("scaled_dot_product"))
    assert "Of 256 pairs, the causal mask forbids 120 (a triangle)" in said
    assert "the padding mask 64 (whole columns)" in said


def test_temperature_keeps_the_order(open_page):
    said = texts(open_page("scaled_dot_product", temperature="10.0"))
    assert "`it` still looks most at `animal`: 0.68 at temperature 1" in said


def test_only_one_query_matters_for_one_output(open_page):
    said = texts(open_page("scaled_dot_product"))
    assert "Of 16 queries only 1 matters: that of `it`." in said
    assert "In V the gradient is the weight itself: 0.68 at `animal`." in said


@pytest.mark.parametrize(
    ("sentence", "truth"),
    [(TIRED, "the causal mask alone"), ("a b c d e f very good", "both masks")],
)
def test_which_mask_forbids_follows_from_two_places(open_page, encoder, sentence, truth):
    kept = revealed(
        open_page("scaled_dot_product", ask="true", sentence=sentence),
        "scaled_dot_product.forbidden",
    )
    weights = encoder.trace(sentence).weights[3, 1].clone().fill_diagonal_(0)[1:-1, 1:-1]
    earlier, later = sorted(int(i) + 2 for i in divmod(weights.argmax().item(), len(weights)))
    n_tokens = len(weights) + 2
    filled_from = n_tokens - n_tokens // 4 + 1
    assert f"at place {earlier}, " in kept.ask
    assert f"at place {later} of {n_tokens}" in kept.ask
    assert f"from {filled_from} on" in kept.ask
    assert kept.truth == ("both masks" if later >= filled_from else "the causal mask alone")
    assert kept.truth == truth


@pytest.mark.parametrize(("n_keys", "seed"), [(64, 0), (16, 3)])
def test_the_loss_of_gradient_is_that_of_autograd(open_page, n_keys, seed):
    app = open_page("scaled_dot_product", ask="true", n_keys=str(n_keys), seed=str(seed))
    kept = revealed(app, "scaled_dot_product.gradient")
    generator = torch.Generator().manual_seed(seed)
    q, k, v = (
        torch.randn(8, n_keys, width, generator=generator, dtype=torch.float64)
        for width in (4096, 4096, 1)
    )
    norms = []
    for divisor in (1, 64):
        x = q.clone().requires_grad_()
        (((x @ k.mT) / divisor).softmax(dim=-1) @ v).sum().backward()
        norms.append(x.grad.norm(dim=-1).median().item())
    assert kept.truth == "more than a thousand times smaller"
    lost = float(kept.because.split()[1].replace(",", ""))
    assert lost == pytest.approx(norms[1] / norms[0], rel=0.5)
    assert lost > 1000


@pytest.mark.parametrize(("sentence", "temperature"), [(TIRED, 0.5), (TIRED, 5.0), (RIVER, 2.0)])
def test_temperature_moves_the_weights_and_keeps_who_is_first(
    open_page, encoder, sentence, temperature
):
    app = open_page(
        "scaled_dot_product", ask="true", sentence=sentence, temperature=str(temperature)
    )
    kept = revealed(app, "scaled_dot_product.heated")
    trace = encoder.trace(sentence)
    weights = trace.weights[3, 1].clone().fill_diagonal_(0)[1:-1, 1:-1]
    query = int(weights.argmax()) // len(weights) + 1
    scores = trace.blocks[3].attention.scores[1, query]
    usual, changed = (torch.softmax(scores / t, dim=0) for t in (1, temperature))
    most, second = usual.topk(2).indices.tolist()
    assert f"most at “{trace.tokens[most]}” ({usual[most]:.2f})" in kept.ask
    assert f"next at “{trace.tokens[second]}” ({usual[second]:.2f})" in kept.ask
    than = "more" if changed[most] > usual[most] else "less"
    assert kept.truth == f"at {trace.tokens[most]}, with {than} than {usual[most]:.2f}"
    assert ("below 1" if temperature < 1 else "above 1") in kept.ask


def test_at_temperature_one_nothing_is_asked(open_page):
    app = open_page("scaled_dot_product", ask="true", temperature="1.0")
    assert "scaled_dot_product.heated" not in offered(app)
    assert "scaled_dot_product.gradient" in offered(app)


def test_the_division_is_taken_away_from_the_sentence(open_page, encoder):
    said = texts(open_page("scaled_dot_product"))
    scores = encoder.trace(TIRED).blocks[3].attention.scores[1]
    with_it, without = (
        (factor * scores).softmax(dim=-1).amax(dim=-1).mean().item() for factor in (1, 32**0.5)
    )
    assert f"largest weight is {without:.2f} on average, with it {with_it:.2f}" in said


def test_scores_of_two_sentences_are_compared_over_what_they_share(open_page, encoder):
    first, second = (
        encoder.trace(text).blocks[3].attention.scores[1, 10, 2].item()
        for text in (TIRED, TIRED.replace("tired", "wide"))
    )
    app = open_page("scaled_dot_product")
    assert "share 15 tokens. The score that differs most" in texts(app)
    assert abs(first - second) > 0.01
    alone = open_page("scaled_dot_product", second="Zebras yawn")
    assert "share no word" in " ".join(info.value for info in alone.info)


def test_one_sentence_is_compared_with_itself_under_another_setting(open_page, encoder):
    raw = encoder.trace(TIRED).blocks[3].attention.raw_scores[1]
    largest = raw.abs().max() * (1 - 1 / 32**0.5)  # the division takes this away
    app = open_page("scaled_dot_product", second=TIRED, scaled_second="false")
    here, there = re.search(r"([−\d.-]+) in yours, ([−\d.-]+) in the second", texts(app)).groups()
    assert abs(float(there) - float(here)) == pytest.approx(largest.item(), abs=0.02)
    masked = open_page("scaled_dot_product", second=TIRED, mask_second="causal")
    assert "no score differs" in texts(masked)  # none that both may look at
