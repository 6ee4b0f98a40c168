"""One vector for a whole text, and what it is good for: comparing, searching, sorting by label.

Sources: Reimers and Gurevych (2019), "Sentence-BERT", section 3 (mean pooling); Alain and Bengio
(2017), "Understanding intermediate layers using linear classifier probes" (a linear classifier on
vectors that stay as they are); Li et al. (2016), "Understanding Neural Networks through
Representation Erasure" (the decision without each token).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from core.attribution import copies_at_once, last_output
from core.encoder import Ablation, Encoder, EncoderTrace

STEP_SIZE = 1.0  # with vectors of length 1 the loss bends so little that no such step overshoots
WEIGHT_DECAY = 0.001


@dataclass(frozen=True, eq=False)
class ProbeTrace:
    """A linear probe, and how it was trained, from step 0 on.

    Left out: each example is judged by a probe that was trained on all the others.
    """

    weights: Float[Tensor, "label d_model"]
    bias: Float[Tensor, "label"]
    loss: Float[Tensor, "step"]  # mean over the examples, nats
    left_out_loss: Float[Tensor, "step"]  # likewise
    left_out_right: Float[Tensor, "step"]  # share of them that get their own label


# From token vectors to one


def sentence_vector(
    output: Float[Tensor, "*batch seq d_model"],
) -> Float[Tensor, "*batch d_model"]:
    """Pool the tokens of a text: s = m / ‖m‖ with m the mean of all x_t, [CLS] and [SEP] included.

    Returns:
        A vector of length 1; the product of two of them is their cosine.
    """
    return functional.normalize(output.mean(dim=-2), dim=-1)


def token_shares(output: Float[Tensor, "seq d_model"]) -> Float[Tensor, "seq"]:
    """Split the length of the mean vector among the tokens: (x_t · s) / (n ‖m‖).

    Because m is a sum of x_t / n, and s its direction, nothing is left over.

    Returns:
        Shares that sum to 1; below 0 for a token that points away from the whole.
    """
    mean = output.mean(dim=-2)
    return output @ sentence_vector(output) / (len(output) * mean.norm())


@torch.inference_mode()
def vectors_without_each(encoder: Encoder, trace: EncoderTrace) -> Float[Tensor, "seq d_model"]:
    """Read a text again without each token in turn; the others keep their positions.

    Returns:
        The sentence vector that is left; NaN for special tokens, which are never left out.
    """
    device = trace.output.device
    token_ids = torch.tensor(trace.token_ids, device=device)
    places = torch.arange(len(token_ids), device=device)
    start, end = torch.tensor(trace.offsets, device=device).T
    vectors = torch.full_like(trace.output, float("nan"))
    for removed in places[start < end].split(copies_at_once(len(places))):
        kept = places.expand(len(removed), -1)[places != removed[:, None]]
        kept = kept.view(len(removed), len(places) - 1)
        x = encoder.embeddings(token_ids[kept], kept).output
        vectors[removed] = sentence_vector(last_output(encoder, x, Ablation()))
    return vectors


# A linear probe


def probe_log_probabilities(
    vectors: Float[Tensor, "n d_model"],
    weights: Float[Tensor, "*fit label d_model"],
    bias: Float[Tensor, "*fit label"],
) -> Float[Tensor, "*fit n label"]:
    """Give every label a score, and the scores to softmax: log softmax(W s + b), in nats."""
    return functional.log_softmax(vectors @ weights.mT + bias[..., None, :], dim=-1)


def probe_gradients(
    vectors: Float[Tensor, "example d_model"],
    labels: Int[Tensor, "example"],
    example_shares: Float[Tensor, "*fit example"],
    weights: Float[Tensor, "*fit label d_model"],
    log_probabilities: Float[Tensor, "*fit example label"],
) -> tuple[Float[Tensor, "*fit label d_model"], Float[Tensor, "*fit label"]]:
    """Differentiate L = −Σ_i a_i log p_i(label of i) + λ/2 ‖W‖² with respect to W and b.

    ∂L/∂W = Σ_i a_i (p_i − y_i) s_iᵀ + λ W and ∂L/∂b = Σ_i a_i (p_i − y_i), where y_i is 1 for the
    label of example i and 0 for the others, and λ is `WEIGHT_DECAY`.

    Args:
        vectors: s_i, of the examples.
        labels: Their labels, counted from 0.
        example_shares: a_i, how much each example counts; 0 leaves it out.
        weights: W.
        log_probabilities: log p_i, from `probe_log_probabilities`.
    """
    y = functional.one_hot(labels, weights.shape[-2])
    errors = example_shares[..., None] * (log_probabilities.exp() - y)
    return errors.mT @ vectors + WEIGHT_DECAY * weights, errors.sum(dim=-2)


def train_probe(
    vectors: Float[Tensor, "example d_model"],
    labels: Int[Tensor, "example"],
    n_steps: int,
) -> ProbeTrace:
    """Learn labels from examples by gradient descent from zero, all examples at every step.

    Beside the probe for all examples, as many more are trained, each without one of them: what a
    probe makes of an example that it never saw shows what it has learned.

    Args:
        vectors: Sentence vectors, of length 1; they stay as they are.
        labels: Of the examples, counted from 0.
        n_steps: Steps of size `STEP_SIZE`.

    Raises:
        ValueError: If there are no two labels.
    """
    n_examples, d_model = vectors.shape
    if len(labels.unique()) < 2:
        raise ValueError(f"labels={labels.tolist()} hold fewer than two; there is no choice")
    all_but_one = ~torch.eye(n_examples, dtype=torch.bool, device=vectors.device)
    taught = torch.cat([torch.ones_like(all_but_one[:1]), all_but_one]).to(vectors.dtype)
    example_shares = taught / taught.sum(dim=-1, keepdim=True)

    n_labels = int(labels.max()) + 1
    weights = vectors.new_zeros(n_examples + 1, n_labels, d_model)
    bias = vectors.new_zeros(n_examples + 1, n_labels)
    history = [probe_log_probabilities(vectors, weights, bias)]
    for _ in range(n_steps):
        grad_weights, grad_bias = probe_gradients(
            vectors, labels, example_shares, weights, history[-1]
        )
        weights = weights - STEP_SIZE * grad_weights
        bias = bias - STEP_SIZE * grad_bias
        history.append(probe_log_probabilities(vectors, weights, bias))

    log_probabilities = torch.stack(history)  # (step, fit, example, label)
    examples = torch.arange(n_examples, device=vectors.device)
    losses = -log_probabilities[..., examples, labels]
    right = log_probabilities.argmax(dim=-1) == labels
    return ProbeTrace(
        weights[0],
        bias[0],
        losses[:, 0].mean(dim=-1),
        left_out(losses).mean(dim=-1),
        left_out(right).to(losses.dtype).mean(dim=-1),
    )


def left_out(
    judged: Float[Tensor, "step fit example"] | Bool[Tensor, "step fit example"],
) -> Float[Tensor, "step example"] | Bool[Tensor, "step example"]:
    """Take for each example what the probe says that was trained without it."""
    return judged[:, 1:].diagonal(dim1=1, dim2=2)


def token_effects(
    probabilities: Float[Tensor, "label"], without_each: Float[Tensor, "seq label"]
) -> Float[Tensor, "seq"]:
    """Say what each token did for the label that won: its probability with the token − without.

    Args:
        probabilities: Of the labels, for the whole text.
        without_each: The same with each token left out; NaN for those that stay.

    Returns:
        Above 0 for tokens that spoke for the label, below 0 for those against it.
    """
    winner = probabilities.argmax()
    return probabilities[winner] - without_each[:, winner]
