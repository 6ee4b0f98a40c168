"""What a recurrent layer and an attention block cost: the queue, the operations, and the clock.

Printed are the counts of the figure "What grows with the length, and how fast?", and a time on
this computer, which differs from run to run.
"""

from time import perf_counter

import torch
from torch import nn
from torch.nn import functional

WIDTH = 64
BATCH = 1
LENGTHS = (16, 64, 256, 1024)


class AttentionBlock(nn.Module):
    """One head of self-attention, written out, and a feed-forward layer: 12 d² weights."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.w_qkv = nn.Linear(d, 3 * d, bias=False)
        self.w_o = nn.Linear(d, d, bias=False)
        self.w_1, self.w_2 = nn.Linear(d, 4 * d, bias=False), nn.Linear(4 * d, d, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute six products, one after the other, each for all tokens."""
        q, k, v = self.w_qkv(functional.layer_norm(x, x.shape[-1:])).chunk(3, dim=-1)
        weights = (q @ k.mT / x.shape[-1] ** 0.5).softmax(dim=-1)
        y = x + self.w_o(weights @ v)
        return y + self.w_2(self.w_1(functional.layer_norm(y, x.shape[-1:])).relu())


torch.set_num_threads(1)
state = 3 * WIDTH  # so that the RNN, too, has d·h + h² = 12 d² weights
layers = {
    "RNN": nn.RNN(WIDTH, state, bias=False, batch_first=True),
    "attention": AttentionBlock(WIDTH),
}
for n in LENGTHS:
    x = torch.randn(BATCH, n, WIDTH, requires_grad=True)
    # Every weight multiplies and adds once per token, and as much again, twice, on the way back.
    weights_work = 3 * BATCH * n * 2 * 12 * WIDTH**2
    pairs_work = 3 * BATCH * 2 * n * n * 2 * WIDTH  # scores, and the weighted sum of the values
    counts = {
        "RNN": (2 * n, weights_work),  # n steps there, n back, each waiting for the one before
        "attention": (2 * 6, weights_work + pairs_work),
    }
    for name, layer in layers.items():
        for _ in range(2):  # the first time prepares memory; the second is printed
            start = perf_counter()
            output = layer(x)[0] if name == "RNN" else layer(x)
            torch.autograd.grad(output.sum(), [x, *layer.parameters()])
            milliseconds = 1e3 * (perf_counter() - start)
        queue, operations = counts[name]
        print(
            f"{name}, {n} tokens: {queue} products in the queue, {operations} operations, "
            f"{milliseconds:.2f} ms"
        )
