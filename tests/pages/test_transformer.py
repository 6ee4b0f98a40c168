"""The page of the map: what it says of each claim, and what the address decides."""

import re

import numpy as np
import pytest
import torch

from core.pretrained import bundled_folder
from pages.ui.bar import DEFAULT_SENTENCE
from pages.ui.cached import model
from pages.ui.cached import transformer as cached
from pages.ui.figures.transformer import LINES
from tests.core.hugging_face import load_bert
from tests.pages.test_predict import offered


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_each_claim_is_seen_with_default_settings(open_page):
    whole, kinds, layers, growth, path, compared = looked_for(open_page("transformer"))
    assert "16 tokens enter and 16 vectors leave" in whole
    assert "in block 1 they look most at `[CLS]`, with 21% of their attention" in whole
    assert "BERT and the model that reads here keep 8 of 19 boxes" in kinds
    assert "24% goes to *later* tokens" in kinds
    assert "the first one, 63 back, gets: **tanh RNN** 10⁻¹³" in path
    assert "**Transformer encoder** 0.2" in path
    assert "to 10⁻²⁶, **LSTM, bias 1** from 0.16 to 10⁻⁹" in growth
    assert "**Transformer encoder** from 0.71 to 0.13" in growth
    assert "**RNN, LSTM** 128, **Transformer encoder** 6" in layers
    assert "14 shared tokens" in compared


def test_the_address_decides_block_kind_and_length(open_page):
    app = open_page("transformer", map_block="6", kind="decoder-only", map_length="8")
    whole, kinds, _, _, path, _ = looked_for(app)
    assert "in block 6" in whole
    assert "GPT keeps 9 of 19 boxes" in kinds
    assert "the last of 8 tokens, the first one, 7 back" in path


@pytest.mark.parametrize("value", ["", "-1", "1e309", "9" * 5_000, "é<b>"])
def test_bad_settings_fall_back_to_a_whole_page(open_page, value):
    app = open_page("transformer", map_block=value, kind=value, map_length=value)
    assert len(looked_for(app)) == 6


@pytest.mark.parametrize("sentence", ["word", "é", "the " * 300, "<b>x</b> `y` [z](w)"])
def test_a_short_a_long_and_an_odd_sentence_show_all_figures(open_page, sentence):
    app = open_page("transformer", sentence=sentence, second=f"{sentence} and more")
    assert len(looked_for(app)) == 6


def test_the_share_on_later_tokens_is_what_a_causal_mask_would_take():
    weights = model.encoder_trace(DEFAULT_SENTENCE).weights
    n = weights.shape[-1]
    taken = [
        sum(weights[block, head, i, j].item() for i in range(n) for j in range(i + 1, n)) / n
        for block, head in ((0, 0), (5, 11))
    ]
    alone = weights.triu(diagonal=1).sum(dim=-1).mean(dim=-1)
    assert [alone[0, 0].item(), alone[5, 11].item()] == pytest.approx(taken, rel=1e-4)
    assert cached.later_shares(DEFAULT_SENTENCE) == pytest.approx(alone.mean(dim=1).numpy())


def test_every_network_is_followed_at_every_length_and_counted():
    found = cached.paths("Birds sing.")
    for by_length in found.decades.values():
        assert [len(values) for values in by_length.values()] == list(cached.LENGTHS)
    assert found.layers == {"RNN, LSTM": list(cached.LENGTHS), cached.ENCODER: [6] * 5}
    assert set(LINES) == {*found.decades, *found.layers}


# Predicted and so


@pytest.fixture(scope="module")
def bert():
    """Hugging Face's reading of the same weights."""
    return load_bert(bundled_folder())


def comes_back(bert, token_ids, block=0):
    """Send v · (last output) back to what enters a block; in shares of the last token, in v.

    It goes through Hugging Face's model, by autograd, for the five v of the page.
    """
    read = bert(torch.tensor([token_ids]), output_hidden_states=True)
    directions = torch.randn(5, 384, generator=torch.Generator().manual_seed(3))
    shares = []
    for v in directions / directions.norm(dim=-1, keepdim=True):
        loss = read.last_hidden_state[0, -1] @ v
        (grad,) = torch.autograd.grad(loss, read.hidden_states[block], retain_graph=True)
        lengths = grad[0].norm(dim=-1)
        shares.append((lengths / lengths[-1]).numpy())
    return np.median(shares, axis=0)


def answered(app, name):
    """Answer the questions, each by an option of that place; give what was so, by slug."""
    for buttons in offered(app).values():
        list(buttons.values())[name].click()
    app.run()
    assert not app.exception
    kept = app.session_state["predictions"]
    return {identity.split(".")[1]: prediction.truth for identity, prediction in kept.items()}


@pytest.mark.parametrize(
    ("sentence", "place"), [(DEFAULT_SENTENCE, 0), ("Birds sing!", -1), ("Zoë 🦜 <b>", 1)]
)
def test_what_is_so_is_found_by_hugging_face_and_autograd(open_page, bert, sentence, place):
    truth = answered(open_page("transformer", ask="true", sentence=sentence), place)
    assert set(truth) == {"looking-ahead", "crowd"}

    opening, *words, closing = token_ids = model.reading(sentence).token_ids
    with torch.inference_mode():
        weights = torch.stack(bert(torch.tensor([token_ids]), output_attentions=True).attentions)
    n = len(token_ids)
    later = np.triu(np.ones((n, n)), 1) * weights[:, 0].mean(dim=(0, 1)).numpy()
    assert float(truth["looking-ahead"].split()[0]) == pytest.approx(100 * later.sum() / n, abs=0.6)

    first = comes_back(bert, [opening, *(words * 128)[:126], closing])[0]
    assert float(truth["crowd"]) == pytest.approx(first, rel=0.06)


def test_the_wrong_options_are_computed_from_the_same_sentence(open_page, bert):
    app = open_page("transformer", ask="true", sentence="Birds sing!")
    asked = offered(app)
    ahead = {name: button.label for name, button in asked["transformer.looking-ahead"].items()}
    n = len(model.reading("Birds sing!").token_ids)
    pairs = [(i, j) for i in range(n) for j in range(n)]
    even = 100 * sum(j > i for i, j in pairs) / len(pairs)
    assert ahead["none"] == "0 percent"
    assert float(ahead["even"].split()[0]) == pytest.approx(even, abs=0.5)
    assert int(ahead["rest"].split()[0]) + int(ahead["later"].split()[0]) == pytest.approx(
        100, abs=1
    )

    opening, *words, closing = model.reading("Birds sing!").token_ids
    same = comes_back(bert, [opening, *(words * 8)[:6], closing])[0]
    crowd = {name: button.label for name, button in asked["transformer.crowd"].items()}
    assert float(crowd["same"]) == pytest.approx(same, rel=0.06)
    assert float(crowd["even"]) == pytest.approx(same / 16, rel=0.06)
    assert re.fullmatch("10⁻²[⁴-⁷]", crowd["recurrent"])


def test_no_figure_before_a_question_gives_its_answer_away(open_page):
    app = open_page("transformer", ask="true")
    before = " ".join(looked_for(app))
    asked = offered(app)
    for slug, right in (("looking-ahead", "later"), ("crowd", "crowded")):
        assert asked[f"transformer.{slug}"][right].label not in re.findall(r"[\d.]+", before)


def test_the_arithmetic_is_that_of_the_figures_above_it(open_page):
    app = open_page("transformer", depth="Numbers", map_block="2", map_length="128")
    whole, path = [text.value for text in app.markdown if "In numbers" in text.value]
    received = model.encoder_trace(DEFAULT_SENTENCE).blocks[1].attention.weights.mean(dim=(0, 1))
    assert whole.endswith(f"/ 16 = {received.max():.2f}$.")
    base, exponent, steps, factor = re.search(
        r"tanh RNN: \$(.+)\\cdot 10\^\{(-\d+)\} = f\^\{(\d+)\}\$.+? = ([\d.]+)\$; LSTM", path
    ).groups()
    assert steps == "127"
    assert float(factor) == pytest.approx(
        (float(base) * 10 ** int(exponent)) ** (1 / 127), abs=0.006
    )


def test_what_comes_back_is_compared_at_every_shared_token(bert):
    second = "Because the animal was wide."
    found = cached.shared(DEFAULT_SENTENCE, second)
    assert "animal" in found.tokens
    assert "[SEP]" not in found.tokens
    for text, measured in ((DEFAULT_SENTENCE, found.first), (second, found.second)):
        read = model.reading(text)
        for block in (0, 4):
            expected = comes_back(bert, read.token_ids, block)[read.tokens.index("animal")]
            at = found.tokens.index("animal")
            assert measured[block, at] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("sentence", ["Birds sing", "\u0301"])
def test_sentences_without_a_shared_word_are_not_drawn(open_page, sentence):
    app = open_page("transformer", sentence=sentence, second="Zebras!")
    assert len(looked_for(app)) == 5
    assert "share no word" in app.info[0].value
    assert cached.shared("[SEP] a", "b [CLS]") is None
