"""A linear layer whose weights are also kept in the order in which the processor reads them.

The plain form is y = x Wᵀ + b. On a CPU, oneDNN multiplies up to twice as fast once the weights are
laid out for it; the numbers agree to rounding (tests/core/test_linear.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Linear(nn.Linear):
    """y = x Wᵀ + b, with a packed copy of W for reading on a CPU."""

    packed_weight: Tensor | None = None

    def pack(self) -> None:
        """Lay out a copy of the weights for oneDNN, where PyTorch was built with it."""
        if self.weight.device.type == "cpu" and torch.backends.mkldnn.is_available():
            self.packed_weight = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Linear:
        """Drop the packed copy when PyTorch moves or converts the weights: it cannot follow."""
        self.packed_weight = None
        return super()._apply(fn, recurse)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the packed copy out of a copy of the layer: its layout cannot be copied."""
        return {**self.__dict__, "packed_weight": None}

    def forward(self, input: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_out"]:
        """Multiply, with the packed weights when no gradient is asked for."""
        if self.packed_weight is None or not torch.is_inference_mode_enabled():
            return super().forward(input)
        return torch.ops.mkldnn._linear_pointwise(
            input, self.packed_weight, self.bias, "none", [], ""
        )
