"""The page of the map: what it says of each claim, and what the address decides."""

import pytest

from pages.ui.bar import DEFAULT_SENTENCE
from pages.ui.cached import model
from pages.ui.cached import transformer as cached
from pages.ui.figures.transformer import LINES


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_each_claim_is_seen_with_default_settings(open_page):
    whole, kinds, path, growth, layers = looked_for(open_page("transformer"))
    assert "16 tokens enter and 16 vectors leave" in whole
    assert "in block 1 they look most at `[CLS]`, with 21% of their attention" in whole
    assert "BERT and the model that reads here keep 8 of 19 boxes" in kinds
    assert "24% goes to *later* tokens" in kinds
    assert "the first one, 63 back, gets: **tanh RNN** 10⁻¹³" in path
    assert "**Transformer encoder** 0.2" in path
    assert "to 10⁻²⁶, **LSTM, bias 1** from 0.16 to 10⁻⁹" in growth
    assert "**Transformer encoder** from 0.71 to 0.13" in growth
    assert "**RNN, LSTM** 128, **Transformer encoder** 6" in layers


def test_the_address_decides_block_kind_and_length(open_page):
    app = open_page("transformer", map_block="6", kind="decoder-only", map_length="8")
    whole, kinds, path, *_ = looked_for(app)
    assert "in block 6" in whole
    assert "GPT keeps 9 of 19 boxes" in kinds
    assert "the last of 8 tokens, the first one, 7 back" in path


@pytest.mark.parametrize("value", ["", "-1", "1e309", "9" * 5_000, "é<b>"])
def test_bad_settings_fall_back_to_a_whole_page(open_page, value):
    app = open_page("transformer", map_block=value, kind=value, map_length=value)
    assert len(looked_for(app)) == 5


@pytest.mark.parametrize("sentence", ["word", "\u0301", "the " * 300, "<b>x</b> `y` [z](w)"])
def test_a_short_a_long_and_an_odd_sentence_show_all_figures(open_page, sentence):
    assert len(looked_for(open_page("transformer", sentence=sentence))) == 5


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
