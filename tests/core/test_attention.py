from math import exp, sqrt

import jaxtyping
import pytest
import torch
from torch import nn
from torch.nn import functional

from core.attention import (
    SelfAttention,
    causal_mask,
    merge_heads,
    padding_mask,
    scaled_dot_product_attention,
    split_heads,
)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def random_attention(d_model=21, n_heads=3) -> SelfAttention:
    layer = SelfAttention(d_model, n_heads).requires_grad_(False)
    for seed, parameter in enumerate(layer.parameters()):
        parameter.copy_(random(*parameter.shape, seed=seed) / 3)
    return layer


def test_every_step_matches_the_one_computed_by_hand():
    q = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    k = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    v = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    trace = scaled_dot_product_attention(q, k, v)
    first = exp(1 / sqrt(2)) / (exp(1 / sqrt(2)) + 1)  # softmax of (1/√2, 0)
    weights = torch.tensor([[first, 1 - first], [0.5, 0.5]])
    torch.testing.assert_close(trace.raw_scores, torch.tensor([[1.0, 0.0], [2.0, 2.0]]))
    torch.testing.assert_close(trace.scaled_scores, trace.raw_scores / sqrt(2))
    torch.testing.assert_close(trace.scores, trace.scaled_scores)
    torch.testing.assert_close(trace.weights, weights)
    expected = torch.tensor([[3 - 2 * first, 4 - 2 * first], [2.0, 3.0]])
    torch.testing.assert_close(trace.output, expected)


def test_a_mask_leaves_weights_computed_by_hand():
    q, k, v = torch.ones(2, 1), torch.tensor([[0.0], [5.0]]), torch.tensor([[1.0], [3.0]])
    trace = scaled_dot_product_attention(q, k, v, causal_mask(2))
    assert trace.scores[0].tolist() == [0, float("-inf")]
    assert trace.weights[0].tolist() == [1, 0]
    assert trace.output[0].item() == 1


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["open", "masked"])
@pytest.mark.parametrize("scale", [True, False], ids=["scaled", "unscaled"])
def test_output_equals_torch(batch, masked, scale):
    q, k, v = random(*batch, 5, 7), random(*batch, 11, 7, seed=1), random(*batch, 11, 13, seed=2)
    mask = random(*batch, 5, 11, seed=3) > 0 if masked else None
    reference = functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, scale=None if scale else 1.0
    )
    trace = scaled_dot_product_attention(q, k, v, mask, scale)
    torch.testing.assert_close(trace.output, reference, rtol=1e-5, atol=1e-6)


def test_one_mask_serves_every_head_of_a_batch():
    q, k, v = random(2, 3, 5, 7), random(2, 3, 5, 7, seed=1), random(2, 3, 5, 7, seed=2)
    reference = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    trace = scaled_dot_product_attention(q, k, v, causal_mask(5))
    torch.testing.assert_close(trace.output, reference, rtol=1e-5, atol=1e-6)


def test_weights_are_shares_and_forbidden_keys_get_none():
    mask = random(5, 11, seed=3) > 0
    trace = scaled_dot_product_attention(random(5, 7), random(11, 7, seed=1), random(11, 2), mask)
    torch.testing.assert_close(trace.weights.sum(dim=-1), torch.ones(5))
    assert (trace.weights >= 0).all()
    assert (trace.weights[~mask] == 0).all()
    assert (trace.weights[mask] > 0).all()


def test_large_scores_do_not_overflow():
    trace = scaled_dot_product_attention(1e18 * random(5, 7), 1e18 * random(3, 7), random(3, 2))
    torch.testing.assert_close(trace.weights.sum(dim=-1), torch.ones(5))


def test_a_query_that_may_look_at_nothing_is_refused():
    mask = torch.tensor([[True, False], [False, False]])
    with pytest.raises(ValueError, match="mask forbids a query every key"):
        scaled_dot_product_attention(random(2, 3), random(2, 3), random(2, 3), mask)


def test_keys_of_another_width_are_refused():
    with pytest.raises(jaxtyping.TypeCheckError):
        scaled_dot_product_attention(random(5, 7), random(7, 5), random(7, 5))


def test_causal_mask_shows_what_came_before():
    expected = [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(3).tolist() == expected


def test_padding_mask_shows_the_first_tokens():
    assert padding_mask(2, 3).tolist() == [[True, True, False]] * 3


@pytest.mark.parametrize("n_tokens", [0, 4, -1])
def test_padding_that_is_no_padding_is_refused(n_tokens):
    with pytest.raises(ValueError, match=f"n_tokens={n_tokens} is not between 1 and length=3"):
        padding_mask(n_tokens, 3)


def test_self_attention_equals_torch():
    layer = random_attention()
    reference = nn.MultiheadAttention(21, 3, batch_first=True).requires_grad_(False)
    projections = (layer.w_q, layer.w_k, layer.w_v)
    reference.in_proj_weight.copy_(torch.cat([part.weight for part in projections]))
    reference.in_proj_bias.copy_(torch.cat([part.bias for part in projections]))
    reference.out_proj.weight.copy_(layer.w_o.weight)
    reference.out_proj.bias.copy_(layer.w_o.bias)
    x, mask = random(2, 5, 21, seed=9), causal_mask(5)
    trace, update = layer(x, mask)
    expected, weights = reference(x, x, x, attn_mask=~mask, average_attn_weights=False)
    torch.testing.assert_close(update, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(trace.weights, weights, rtol=1e-5, atol=1e-6)


def test_self_attention_is_permutation_equivariant():
    layer, x = random_attention(), random(5, 21, seed=9)
    order = torch.tensor([3, 0, 4, 1, 2])
    _, update = layer(x)
    _, update_of_shuffled = layer(x[order])
    torch.testing.assert_close(update_of_shuffled, update[order], rtol=1e-5, atol=1e-6)


def test_a_mask_ends_permutation_equivariance():
    layer, x = random_attention(), random(5, 21, seed=9)
    order = torch.tensor([3, 0, 4, 1, 2])
    _, update = layer(x, causal_mask(5))
    _, update_of_shuffled = layer(x[order], causal_mask(5))
    assert (update_of_shuffled - update[order]).abs().max() > 0.01


def test_the_same_projection_for_queries_and_keys_makes_scores_symmetric():
    trace, _ = random_attention()(random(5, 21, seed=9), shared_qk=True)
    assert trace.k is trace.q
    torch.testing.assert_close(trace.raw_scores, trace.raw_scores.mT)


def test_a_head_that_is_off_adds_nothing_and_leaves_the_others():
    layer, x = random_attention(), random(2, 5, 21, seed=9)
    intact, _ = layer(x)
    trace, update = layer(x, heads_off=[1])
    assert (trace.output[:, 1] == 0).all()
    assert torch.equal(trace.weights, intact.weights)
    assert torch.equal(trace.output[:, [0, 2]], intact.output[:, [0, 2]])
    assert (intact.output[:, 1] != 0).all()
    columns = torch.arange(21) // 7 != 1
    expected = merge_heads(intact.output)[..., columns] @ layer.w_o.weight[:, columns].T
    torch.testing.assert_close(update, expected + layer.w_o.bias, rtol=1e-5, atol=1e-6)


def test_heads_are_neighbouring_columns_and_merge_back():
    x = torch.arange(2 * 3 * 10).view(2, 3, 10).float()
    heads = split_heads(x, 5)
    assert heads.shape == (2, 5, 3, 2)
    assert torch.equal(heads[:, 1], x[..., 2:4])
    assert torch.equal(merge_heads(heads), x)


def test_a_width_that_heads_cannot_share_is_refused():
    with pytest.raises(ValueError, match="d_model=10 is not a multiple of n_heads=3"):
        SelfAttention(10, 3)
