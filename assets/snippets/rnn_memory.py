"""How far each word moves the vector of an encoder before any training: ‖∂c/∂x_k‖.

Printed is the dotted line "before training" of the figure on the gradient. The trained networks
have weights of their own, which come with the course.
"""

import torch
from torch import nn

SOURCE = "twelve million three hundred forty five thousand six hundred seventy eight"
SEED = 0  # of the networks, counted from 0
D_EMBEDDING, D_MODEL = 32, 64
N_GERMAN = 40  # words and signs of the other language

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
TEENS = "fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred billion million thousand"
PAD, START, END = 0, 1, 2
WORDS = ["PAD", "START", "END", *ONES.split(), *TEENS.split(), *TENS.split()]

# Embeddings are normal, weights of an LSTM even in ±1/√d_model; all come from one generator.
generator = torch.Generator().manual_seed(SEED)
source_embedding = torch.empty(len(WORDS), D_EMBEDDING).normal_(generator=generator)
target_embedding = torch.empty(N_GERMAN, D_EMBEDDING).normal_(generator=generator)  # not used
encoder = nn.LSTM(D_EMBEDDING, D_MODEL, batch_first=True)
for weight in encoder.parameters():
    nn.init.uniform_(weight, -(D_MODEL**-0.5), D_MODEL**-0.5, generator=generator)

words = SOURCE.split()
x = source_embedding[[*map(WORDS.index, words), END]]


def context(x: torch.Tensor) -> torch.Tensor:
    """Read the embedded words; c is the last state."""
    states, _ = encoder(x[None])
    return states[0, -1]


jacobian = torch.autograd.functional.jacobian(context, x)  # (d_model, word, d_embedding)
for word, norm in zip(words, jacobian.norm(dim=(0, 2)), strict=False):
    print(f"{word} {norm:.4g}")
