import pytest
import torch
from torch.nn import functional

from core import attribution
from core.attribution import (
    attention_rollout,
    gelu_slope,
    gradient_times_input,
    leave_one_out,
    norm_movement,
    softmax_movement,
)
from core.encoder import Ablation
from core.pretrained import bundled_folder, load_encoder
from tests.core.hugging_face import load_bert

TEXT = "The animal didn't cross the street because it was too tired."


@pytest.fixture
def small_encoder(small_folder):
    return load_encoder(small_folder).double()


@torch.no_grad()
def test_leaving_one_out_equals_hugging_face_reading_what_is_left(encoder):
    bert = load_bert(bundled_folder())
    trace = encoder.trace(TEXT)
    token = trace.tokens.index("it")
    effects = leave_one_out(encoder, trace, token)
    for removed in range(1, 15):
        if removed == token:
            continue
        kept = [place for place in range(16) if place != removed]
        left = bert(
            torch.tensor([[trace.token_ids[place] for place in kept]]),
            position_ids=torch.tensor([kept]),
        ).last_hidden_state[0, kept.index(token)]
        cosine = functional.cosine_similarity(left.double(), trace.output[token].double(), dim=0)
        assert effects[removed].item() == pytest.approx(1 - cosine.item(), rel=1e-3, abs=1e-6)


def test_without_positions_leaving_one_out_is_reading_a_shorter_text(encoder):
    blind = Ablation(positions=False)
    words = ["the", "old", "man", "bit", "the", "dog"]
    trace = encoder.trace(" ".join(words), blind)
    effects = leave_one_out(encoder, trace, 6, blind)
    for removed in range(5):
        shorter = encoder.trace(" ".join(words[:removed] + words[removed + 1 :]), blind)
        cosine = functional.cosine_similarity(
            shorter.output[5].double(), trace.output[6].double(), dim=0
        )
        found = effects[removed + 1].item()
        assert found == pytest.approx(1 - cosine.item(), rel=1e-3, abs=1e-6)


def test_special_tokens_and_the_token_itself_are_never_left_out(encoder):
    trace = encoder.trace("A [MASK] sat.")
    effects = leave_one_out(encoder, trace, 3)
    assert trace.tokens == ("[CLS]", "a", "[MASK]", "sat", ".", "[SEP]")
    assert effects.isnan().tolist() == [True, False, False, True, False, True]
    assert (effects[[1, 2, 4]] > 0).all()


def test_a_text_of_one_token_leaves_nothing_to_leave_out(encoder):
    for text, token in (("", 0), ("word", 1)):
        assert leave_one_out(encoder, encoder.trace(text), token).isnan().all()


def test_the_special_token_can_be_watched(encoder):
    effects = leave_one_out(encoder, encoder.trace("A dog sat."), 0)
    assert effects.isnan().tolist() == [True, False, False, False, False, True]


def test_only_the_words_a_token_looks_at_matter_when_all_heads_are_off(encoder):
    ablation = Ablation(heads={(block, head) for block in range(6) for head in range(12)})
    trace = encoder.trace(TEXT, ablation)
    effects = leave_one_out(encoder, trace, 5, ablation)
    assert effects[~effects.isnan()].max() < 1e-10
    movement = gradient_times_input(encoder, trace, 5, ablation)
    assert movement[5] > 0.1
    assert movement[torch.arange(16) != 5].max() == 0


@pytest.mark.parametrize("function", [leave_one_out, gradient_times_input])
def test_reading_copies_one_by_one_gives_the_same(encoder, monkeypatch, function):
    trace = encoder.trace("The dog bit the old man.")
    together = function(encoder, trace, 2)
    monkeypatch.setattr(attribution, "TOKENS_AT_ONCE", 1)
    alone = function(encoder, trace, 2)
    torch.testing.assert_close(alone, together, rtol=1e-3, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize(
    "ablation",
    [
        Ablation(),
        Ablation(positions=False, heads={(1, 2), (1, 4), (2, 0)}, scale=False),
        Ablation(residual=False),
        Ablation(norm=False),
        Ablation(shared_qk=True),
        Ablation(feed_forward=False),
    ],
    ids=str,
)
def test_gradient_times_input_equals_autograd(small_encoder, ablation):
    trace = small_encoder.trace("the cat sat on it.", ablation)
    x = trace.embeddings.output.clone()
    jacobian = torch.autograd.functional.jacobian(
        lambda x: small_encoder.run_blocks(x, ablation)[-1].output[3], x
    )
    expected = torch.einsum("ojd,jd->jo", jacobian, x).norm(dim=-1)
    torch.testing.assert_close(gradient_times_input(small_encoder, trace, 3, ablation), expected)


def test_gradient_times_input_predicts_a_small_step(small_encoder):
    trace = small_encoder.trace("the cat sat on it.")
    x = trace.embeddings.output.clone()
    movement = gradient_times_input(small_encoder, trace, 3)
    for token in range(len(x)):
        scaled = x.clone()
        scaled[token] *= 1 + 1e-6
        step = small_encoder.run_blocks(scaled)[-1].output[3] - trace.output[3]
        assert step.norm().item() / 1e-6 == pytest.approx(movement[token].item(), rel=1e-3)


def test_the_slopes_of_gelu_softmax_and_norm_equal_autograd():
    generator = torch.Generator().manual_seed(0)
    x, moved = (torch.randn(5, 7, generator=generator, dtype=torch.float64) for _ in range(2))
    norm = torch.nn.LayerNorm(7, eps=1e-3).double().requires_grad_(False)
    norm.weight.copy_(moved[0])
    found = {
        functional.gelu: gelu_slope(x) * moved,
        norm: norm_movement(norm, x, moved),
        lambda x: x.softmax(dim=-1): softmax_movement(x.softmax(dim=-1), moved),
    }
    for function, movement in found.items():
        _, expected = torch.autograd.functional.jvp(function, x, moved)
        torch.testing.assert_close(movement, expected)


@pytest.mark.parametrize("function", [leave_one_out, gradient_times_input])
@pytest.mark.parametrize("token", [-1, 4])
def test_a_token_that_is_not_there_is_refused(encoder, function, token):
    with pytest.raises(ValueError, match=f"token={token} is not one of the 4 tokens"):
        function(encoder, encoder.trace("A dog"), token)


def test_rollout_matches_the_one_computed_by_hand():
    first = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]])
    second = torch.tensor([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    # ½ mean + ½ I: [[.75, .25], [.5, .5]] and [[.5, .5], [0, 1]]
    shares = attention_rollout(torch.stack([first, second]))
    torch.testing.assert_close(shares[0], torch.tensor([[0.75, 0.25], [0.5, 0.5]]))
    torch.testing.assert_close(shares[1], torch.tensor([[0.625, 0.375], [0.5, 0.5]]))


def test_rollout_shares_sum_to_one(encoder):
    shares = attention_rollout(encoder.trace(TEXT).weights)
    assert shares.shape == (6, 16, 16)
    torch.testing.assert_close(shares.sum(dim=-1), torch.ones(6, 16))
    assert (shares >= 0).all()


def test_rollout_of_heads_that_look_at_themselves_goes_nowhere():
    shares = attention_rollout(torch.eye(5).expand(2, 3, 5, 5))
    torch.testing.assert_close(shares, torch.eye(5).expand(2, 5, 5))


def test_movements_are_found_on_the_device_of_the_trace(elsewhere):
    encoder, trace = elsewhere
    assert gradient_times_input(encoder, trace, 2).device.type == "meta"
    assert attention_rollout(trace.weights).device.type == "meta"
