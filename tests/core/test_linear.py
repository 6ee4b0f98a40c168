import copy

import pytest
import torch
from torch.nn import functional

from core.linear import Linear

SHAPES = [(7,), (5, 7), (2, 3, 5, 7), (0, 7)]


def packed_layer() -> Linear:
    generator = torch.Generator().manual_seed(0)
    layer = Linear(7, 11).requires_grad_(False)
    layer.weight.copy_(torch.randn(11, 7, generator=generator))
    layer.bias.copy_(torch.randn(11, generator=generator))
    layer.pack()
    return layer


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_packed_weights_equal_plain_ones(shape):
    layer = packed_layer()
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    plain = functional.linear(x, layer.weight, layer.bias)
    with torch.inference_mode():
        packed = layer(x)
    assert layer.packed_weight is not None
    torch.testing.assert_close(packed, plain, rtol=1e-5, atol=1e-6)


def test_packed_weights_are_the_ones_used_for_reading():
    layer = packed_layer()
    layer.weight.zero_()
    with torch.inference_mode():
        assert layer(torch.ones(5, 7)).sub(layer.bias).abs().max() > 1


def test_vectors_that_do_not_lie_in_order_are_multiplied_alike():
    layer = packed_layer()
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(1)).T
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), functional.linear(x, layer.weight, layer.bias))


def test_a_packed_layer_still_has_gradients():
    layer = packed_layer()
    x = torch.ones(5, 7, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.sum(dim=0).expand(5, 7))


def test_converted_weights_are_used_after_a_conversion():
    layer = packed_layer().double()
    with torch.inference_mode():
        assert layer(torch.ones(5, 7, dtype=torch.float64)).dtype == torch.float64


def test_a_moved_layer_forgets_the_copy_that_stayed_behind():
    layer = packed_layer().to("meta")
    with torch.inference_mode():
        assert layer(torch.ones(5, 7, device="meta")).device.type == "meta"


def test_a_copy_of_a_packed_layer_gives_the_same():
    layer = packed_layer()
    copied = copy.deepcopy(layer)
    with torch.inference_mode():
        torch.testing.assert_close(copied(torch.ones(5, 7)), layer(torch.ones(5, 7)))
