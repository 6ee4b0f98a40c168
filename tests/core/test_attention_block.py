import pytest
import torch
from torch import nn

from core.attention_block import (
    AttentionBlock,
    attention_gradients,
    draw_block,
    embed,
    last_output,
    normalise,
)
from core.gradients import log_norms
from core.positional_encoding import sinusoidal_encoding
from core.rnn import draw_cell

N_SEEDS, D_INPUT, D_MODEL, N_HEADS, LENGTH, BATCH = 5, 7, 22, 11, 13, 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def a_block():
    """A float64 block in which no bias is 0."""
    *others, b_2 = draw_block(N_SEEDS, D_INPUT, D_MODEL, N_HEADS, generator()).weights
    block = AttentionBlock(N_HEADS, *others[:-2], others[-2] + 0.1, others[-1], b_2 - 0.2)
    return AttentionBlock(N_HEADS, *block.weights).to(torch.float64)


def random(*shape, seed=1):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def test_each_block_equals_torchs_encoder_layer_with_its_weights():
    block, inputs = a_block(), random(LENGTH, N_SEEDS, BATCH, D_INPUT)
    embedded = embed(block, inputs)
    found = last_output(block, embedded)
    layer = nn.TransformerEncoderLayer(
        D_MODEL, N_HEADS, 2 * D_MODEL, dropout=0, batch_first=True, norm_first=True
    ).double()
    for seed in range(N_SEEDS):
        give_weights(layer, block, seed)
        torch.testing.assert_close(found[seed], layer(embedded[seed])[:, -1].detach())


def give_weights(layer, block, seed):
    """Put one block's weights where PyTorch has them: transposed, q, k and v in one."""
    with torch.no_grad():
        qkv = torch.cat([w[seed].T for w in (block.w_q, block.w_k, block.w_v)])
        layer.self_attn.in_proj_weight.copy_(qkv)
        layer.self_attn.in_proj_bias.zero_()
        layer.self_attn.out_proj.weight.copy_(block.w_o[seed].T)
        layer.self_attn.out_proj.bias.zero_()
        layer.linear1.weight.copy_(block.w_1[seed].T)
        layer.linear1.bias.copy_(block.b_1[seed])
        layer.linear2.weight.copy_(block.w_2[seed].T)
        layer.linear2.bias.copy_(block.b_2[seed])


def test_an_input_becomes_a_vector_that_says_where_it_stands():
    block, inputs = a_block(), random(LENGTH, D_INPUT)
    embedded = embed(block, inputs)
    positions = sinusoidal_encoding(LENGTH, D_MODEL)
    for seed in range(N_SEEDS):
        expected = inputs @ block.w_x[seed] + positions
        torch.testing.assert_close(embedded[seed, 0], expected, atol=1e-6, rtol=0)


def test_the_gradients_equal_those_of_torchs_encoder_layer():
    block, inputs, grad_last = a_block(), random(LENGTH, D_INPUT), random(D_MODEL, seed=2)
    found = attention_gradients(block, inputs, grad_last)
    layer = nn.TransformerEncoderLayer(
        D_MODEL, N_HEADS, 2 * D_MODEL, dropout=0, batch_first=True, norm_first=True
    ).double()
    for seed in range(N_SEEDS):
        give_weights(layer, block, seed)
        embedded = embed(block, inputs)[seed].requires_grad_()
        layer(embedded)[:, -1].backward(grad_last[None])
        torch.testing.assert_close(found.hidden[seed], embedded[0].detach())
        torch.testing.assert_close(found.grad_hidden[seed], embedded.grad[0])
        torch.testing.assert_close(found.norms[seed], embedded.grad[0].norm(dim=-1))


@pytest.mark.parametrize("n", [64, 512])
def test_the_gradient_does_not_fade_with_distance_but_is_shared_by_all(n):
    """Each far position gets about 1/n of what the last one gets, near or far alike."""
    draws = generator()
    block = draw_block(16, 32, 64, 4, draws)
    inputs, grad_last = torch.randn(n, 32, generator=draws), torch.randn(64, generator=draws)
    found = attention_gradients(block, inputs, grad_last).norms
    shares = found[:, :-1] / found[:, -1:]
    assert (shares.mean(dim=1) * n > 0.5).all()
    assert (shares.mean(dim=1) * n < 2.5).all()
    first, second = shares[:, : n // 2].mean(dim=1), shares[:, n // 2 :].mean(dim=1)
    assert ((first / second).log().abs() < 0.7).all()
    cell = draw_cell("tanh", 16, 32, 64, generator())
    recurrent = log_norms(cell, inputs, grad_last)
    assert (recurrent[:, -1] - recurrent[:, 0] > 20).all()  # a factor of e^20, and more


def test_blocks_and_sequences_do_not_touch_each_other():
    block, inputs = a_block(), random(LENGTH, N_SEEDS, BATCH, D_INPUT)
    together = last_output(block, embed(block, inputs))
    alone = AttentionBlock(N_HEADS, *(w[2:3] for w in block.weights))
    single = last_output(alone, embed(alone, inputs[:, 2:3, 1:2]))
    torch.testing.assert_close(together[2:3, 1:2], single)


def test_a_normalised_vector_has_mean_0_and_variance_1():
    x = normalise(3 + 5 * random(N_SEEDS, D_MODEL))
    torch.testing.assert_close(x.mean(dim=-1), torch.zeros(N_SEEDS).double())
    torch.testing.assert_close(
        x.var(dim=-1, correction=0), torch.ones(N_SEEDS).double(), rtol=1e-4, atol=0
    )


def test_drawn_weights_have_the_spread_they_promise_and_follow_their_seed():
    first, again, other = (draw_block(3, 101, 64, 4, generator(seed)) for seed in (0, 0, 1))
    assert first.w_x.std().item() == pytest.approx(101**-0.5, rel=0.02)
    assert first.w_v.std().item() == pytest.approx(1 / 8, rel=0.02)
    assert first.w_1.std().item() == pytest.approx(2**0.5 / 8, rel=0.02)
    assert first.w_2.std().item() == pytest.approx(128**-0.5, rel=0.02)
    assert all(torch.equal(a, b) for a, b in zip(first.weights, again.weights, strict=True))
    assert not torch.equal(first.w_x, other.w_x)


@pytest.mark.parametrize(
    "sizes", [(0, 7, 22, 11), (5, 0, 22, 11), (5, 7, 22, 0), (5, 7, 22, 4), (5, 7, 33, 11)]
)
def test_sizes_that_make_no_block_are_refused(sizes):
    with pytest.raises(ValueError, match="d_model even and a multiple of n_heads"):
        draw_block(*sizes, generator())


def test_inputs_and_gradients_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit n_seeds=5 and d_input=7"):
        embed(a_block(), random(LENGTH, D_INPUT + 1))
    with pytest.raises(ValueError, match="does not fit n_seeds=5, d_hidden=22"):
        attention_gradients(a_block(), random(LENGTH, D_INPUT), random(D_MODEL + 1))


def test_gradients_are_on_the_device_of_the_block():
    arguments = [t.to("meta") for t in (random(LENGTH, D_INPUT), random(D_MODEL))]
    found = attention_gradients(a_block().to(torch.device("meta")), *arguments)
    assert found.norms.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same_gradients():
    block, inputs, grad_last = a_block(), random(LENGTH, D_INPUT), random(D_MODEL)
    here = attention_gradients(block, inputs, grad_last)
    there = attention_gradients(block.to(torch.device("cuda")), inputs.cuda(), grad_last.cuda())
    torch.testing.assert_close(there.norms.cpu(), here.norms)
