"""What is left of each source word in the one vector that a translator without attention has.

Two measurements that know nothing of each other: how strongly the vector c answers to a word
(∂c/∂x_k), and how well a linear reader finds the word in c (a probe: Alain and Bengio, 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn import functional

from core.seq2seq import PAD, RecurrentTranslator, Translator
from core.translation_task import Task, pairs_of_length

RIDGE = 1e-3  # of the probe: keeps its weights finite where dimensions of c move together


@dataclass(frozen=True, eq=False)
class Probe:
    """How often each word of the source is read back from c, on sources the reader never saw."""

    reader: Float[Tensor, "d_model_and_1 answers"]  # one score per word, the positions side by side
    accuracy: Float[Tensor, "position"]
    guessing: Float[Tensor, "position"]  # always saying the commonest word of that position


def context_gradients(
    translator: RecurrentTranslator, source_ids: Int[Tensor, "source"]
) -> Float[Tensor, "source"]:
    """Measure ‖∂c/∂x_k‖, how far c moves when the embedding x_k of word k does.

    One copy of the source per dimension of c: the gradient of c_i comes from copy i, so that one
    pass backwards gives the whole Jacobian.

    Returns:
        Frobenius norms over the dimensions of c and x_k, in float64.
    """
    with torch.inference_mode(False), torch.enable_grad():
        embedded = translator.source_embedding(source_ids.clone()).detach()
        d_model = translator.bridge.in_features
        x = embedded.expand(d_model, -1, -1).clone().requires_grad_()
        mask = (source_ids != PAD).expand(d_model, -1).clone()
        context = translator.encode_embedded(x, mask).context
        (jacobian,) = torch.autograd.grad(context.diagonal().sum(), x)
    return torch.linalg.vector_norm(jacobian, dim=(0, 2), dtype=torch.float64)


def probe_context(
    translator: Translator,
    task: Task,
    length: int,
    generator: Generator,
    n_train: int = 1000,
    n_test: int = 500,
) -> Probe:
    """Train a linear reader for every word of sources of one length, and test it on others.

    Args:
        translator: Makes c.
        task: Where the sources come from.
        length: In source words.
        generator: Draws the sources.
        n_train: Sources the reader is fitted to.
        n_test: Sources it is then asked about.
    """
    drawn = pairs_of_length(task, generator, length, n_train + n_test)
    source_ids = task.source_ids([source for source, _ in drawn])
    with torch.inference_mode():
        context = translator.encode(source_ids.to(translator.w_s.weight.device)).context.cpu()
    words = source_ids[:, :length]
    reader = ridge_regression(context[:n_train], one_hot(words[:n_train], task))
    read = read_back(reader, context[n_train:], length)
    commonest = words[:n_train].mode(dim=0).values
    truth = words[n_train:]
    return Probe(
        reader, (read == truth).double().mean(dim=0), (commonest == truth).double().mean(dim=0)
    )


def read_back(
    reader: Float[Tensor, "d_model_and_1 answers"],
    context: Float[Tensor, "batch d_model"],
    length: int,
) -> Int[Tensor, "batch position"]:
    """Say which word the reader finds at each position of the source (ids)."""
    return (with_bias(context) @ reader).unflatten(-1, (length, -1)).argmax(dim=-1)


def one_hot(words: Int[Tensor, "batch source"], task: Task) -> Float[Tensor, "batch answers"]:
    """Write each word as a 1 among zeros, the positions side by side."""
    return functional.one_hot(words, len(task.source_words) + 3).double().flatten(1)


def with_bias(x: Float[Tensor, "batch d_model"]) -> Float[Tensor, "batch d_model_and_1"]:
    """Append a 1 to every vector, for the constant of a linear function."""
    return functional.pad(x.double(), (0, 1), value=1.0)


def ridge_regression(
    x: Float[Tensor, "batch d_model"], y: Float[Tensor, "batch answers"]
) -> Float[Tensor, "d_model_and_1 answers"]:
    """Solve min_W ‖X W − Y‖² + λ n ‖W‖² in closed form: W = (Xᵀ X + λ n I)⁻¹ Xᵀ Y."""
    x = with_bias(x)
    ridge = RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    return torch.linalg.solve(x.T @ x + ridge, x.T @ y)
