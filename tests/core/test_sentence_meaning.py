from math import exp, log
from pathlib import Path

import pytest
import torch
import yaml
from torch.nn import functional

from core import sentence_meaning
from core.embeddings import cosine_similarity, nearest_rows
from core.pretrained import bundled_folder, load_encoder
from core.sentence_meaning import (
    STEP_SIZE,
    WEIGHT_DECAY,
    left_out,
    probe_gradients,
    probe_log_probabilities,
    sentence_vector,
    token_effects,
    token_shares,
    train_probe,
    vectors_without_each,
)
from tests.core.test_encoder import TEXT, TEXTS

ROOT = Path(__file__).parents[2]

EXAMPLES = yaml.safe_load((ROOT / "assets/data/sentence_meaning.yaml").read_text())["examples"]
LABELLED = [
    (text, label) for label, texts in enumerate(EXAMPLES.values()) for text in texts
]  # 0: animals, 1: food, 2: money


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def unit_vectors(n, d, seed=0):
    return functional.normalize(random(n, d, seed=seed), dim=-1)


def vectors_of(encoder, texts):
    return torch.stack([sentence_vector(encoder.trace(text).output) for text in texts])


@pytest.fixture(scope="module")
def sentence_transformer():
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(bundled_folder()), device="cpu")
    model.max_seq_length = 128  # as many tokens as are read here
    return model


# One vector for a text


def test_sentence_vectors_equal_sentence_transformers(encoder, sentence_transformer):
    texts = [text for text in TEXTS if "\x00" not in text]
    assert len(texts) >= 20
    theirs = sentence_transformer.encode(texts, batch_size=5, convert_to_tensor=True)
    torch.testing.assert_close(vectors_of(encoder, texts), theirs, atol=1e-5, rtol=0)


def test_a_sentence_vector_by_hand():
    output = torch.tensor([[6.0, 0], [0, 8], [3, 4]])  # mean (3, 4), of length 5
    assert sentence_vector(output).tolist() == pytest.approx([0.6, 0.8])
    assert token_shares(output).tolist() == pytest.approx([3.6 / 15, 6.4 / 15, 5 / 15])


def test_texts_of_a_batch_are_pooled_each_for_itself():
    output = random(3, 5, 7)
    pooled = sentence_vector(output)
    torch.testing.assert_close(pooled[1], sentence_vector(output[1]))
    torch.testing.assert_close(pooled.norm(dim=-1), torch.ones(3).double())


@pytest.mark.parametrize("text", ["a", TEXT, "word " * 127], ids=["short", "usual", "long"])
def test_shares_of_the_tokens_sum_to_1(encoder, text):
    output = encoder.trace(text).output
    shares = token_shares(output)
    assert len(shares) == len(output)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)


def test_a_token_that_points_away_from_the_whole_takes_from_it():
    output = torch.tensor([[5.0, 0], [-1, 0]])
    assert token_shares(output).tolist() == pytest.approx([1.25, -0.25])


def test_a_share_is_what_the_mean_loses_in_its_own_direction():
    output = random(7, 5)
    vector, shares = sentence_vector(output), token_shares(output)
    emptied = output.clone()
    emptied[3] = 0
    lost = 1 - emptied.mean(dim=0) @ vector / output.mean(dim=0).norm()
    torch.testing.assert_close(shares[3], lost)


def test_word_order_changes_little_and_meaning_much(encoder):
    eats, eaten, other = vectors_of(
        encoder,
        ["The student is eating an apple", "An apple is eating the student", "Stocks fell today"],
    )
    assert float(eats @ eaten) == pytest.approx(0.965, abs=0.001)
    assert float(eats @ other) < 0.2


def test_a_paraphrase_without_common_words_is_found_among_lines(encoder):
    lines = ["Shares fell on Monday.", "A dog was too exhausted to walk over the road.", "I bake."]
    rows, cosines = nearest_rows(
        vectors_of(encoder, lines), vectors_of(encoder, [TEXT])[0], len(lines)
    )
    assert rows[0] == 1
    assert sorted(rows.tolist()) == [0, 1, 2]
    assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)


def test_the_cosine_of_sentence_vectors_is_their_product(encoder):
    vectors = vectors_of(encoder, [text for text, _ in LABELLED])
    torch.testing.assert_close(cosine_similarity(vectors, vectors), vectors @ vectors.T)


# Reading without each token


@torch.inference_mode()
def test_vectors_without_a_token_equal_reading_the_others_at_their_places(encoder):
    trace = encoder.trace(TEXT)
    vectors = vectors_without_each(encoder, trace)
    for removed in (1, 7, len(trace.tokens) - 2):
        kept = [place for place in range(len(trace.tokens)) if place != removed]
        ids = torch.tensor(trace.token_ids)[kept]
        embedded = encoder.embeddings(ids, torch.tensor(kept)).output
        expected = sentence_vector(encoder.run_blocks(embedded)[-1].output)
        torch.testing.assert_close(vectors[removed], expected, atol=1e-5, rtol=0)


def test_special_tokens_are_never_left_out_and_batches_change_nothing(encoder, monkeypatch):
    trace = encoder.trace(TEXT)
    together = vectors_without_each(encoder, trace)
    monkeypatch.setattr(sentence_meaning, "copies_at_once", lambda n_tokens: 5)
    apart = vectors_without_each(encoder, trace)
    assert together.isnan().all(dim=-1).nonzero().flatten().tolist() == [0, len(trace.tokens) - 1]
    torch.testing.assert_close(apart, together, equal_nan=True, atol=1e-6, rtol=0)


def test_an_empty_text_has_nothing_to_leave_out(encoder):
    assert vectors_without_each(encoder, encoder.trace("")).isnan().all()


def test_everything_works_where_the_model_is(elsewhere):
    output = elsewhere[1].output
    assert sentence_vector(output).device == output.device
    assert token_shares(output).device == output.device


# The probe


def test_a_tiny_probe_by_hand():
    """Two examples on one axis, two labels: after one step from zero every number is known."""
    vectors = torch.tensor([[1.0], [-1.0]]).double()
    probe = train_probe(vectors, torch.tensor([0, 1]), n_steps=1)
    # p = 1/2 everywhere, so ∂L/∂W = ½ Σ (p − y) s = (−½, ½) and ∂L/∂b = 0
    assert probe.weights.flatten().tolist() == pytest.approx([STEP_SIZE / 2, -STEP_SIZE / 2])
    assert probe.bias.tolist() == pytest.approx([0, 0])
    margin = STEP_SIZE  # scores ±½
    assert probe.loss.tolist() == pytest.approx([log(2), log(1 + exp(-margin))])
    # Taught by the other example alone, W s and b cancel where it was not: still ½ each
    assert probe.left_out_loss.tolist() == pytest.approx([log(2), log(2)])
    assert probe.left_out_right.tolist() == [0.5, 0.5]


def test_gradients_equal_autograd():
    vectors, labels = unit_vectors(7, 5), torch.tensor([0, 2, 1, 1, 0, 2, 2])
    shares = torch.softmax(random(7, seed=1), dim=0)
    weights = random(3, 5, seed=2).requires_grad_()
    bias = random(3, seed=3).requires_grad_()
    each = functional.cross_entropy(vectors @ weights.T + bias, labels, reduction="none")
    loss = shares @ each + WEIGHT_DECAY / 2 * weights.square().sum()
    expected = torch.autograd.grad(loss, (weights, bias))
    log_probabilities = probe_log_probabilities(vectors, weights, bias).detach()
    found = probe_gradients(vectors, labels, shares, weights.detach(), log_probabilities)
    torch.testing.assert_close(found, expected)


def test_probabilities_sum_to_1_and_fits_of_a_batch_do_not_mix():
    vectors, weights, bias = unit_vectors(7, 5), random(2, 3, 5, seed=1), random(2, 3, seed=2)
    batch = probe_log_probabilities(vectors, weights, bias)
    torch.testing.assert_close(batch.exp().sum(dim=-1), torch.ones(2, 7).double())
    torch.testing.assert_close(batch[1], probe_log_probabilities(vectors, weights[1], bias[1]))


def test_the_probe_reaches_what_lbfgs_finds(monkeypatch):
    decay = 0.1  # strong, so that few steps arrive
    monkeypatch.setattr(sentence_meaning, "WEIGHT_DECAY", decay)
    vectors, labels = unit_vectors(11, 5), torch.tensor([0, 1, 2] * 3 + [0, 1])
    probe = train_probe(vectors, labels, n_steps=500)
    weights = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([weights, bias], max_iter=500, tolerance_grad=1e-10)

    def closure():
        search.zero_grad()
        loss = functional.cross_entropy(vectors @ weights.T + bias, labels)
        loss = loss + decay / 2 * weights.square().sum()
        loss.backward()
        return loss

    search.step(closure)
    torch.testing.assert_close(probe.weights, weights.detach(), atol=0, rtol=1e-3)
    torch.testing.assert_close(probe.bias, bias.detach(), atol=0, rtol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_every_step_lowers_the_loss_of_unit_vectors(seed):
    vectors, labels = unit_vectors(11, 5, seed), torch.tensor([0, 1, 2] * 3 + [0, 1])
    probe = train_probe(vectors, labels, n_steps=200)
    assert float(probe.loss[0]) == pytest.approx(log(3))
    assert len(probe.loss) == len(probe.left_out_loss) == len(probe.left_out_right) == 201
    assert (probe.loss.diff() < 0).all()


def test_a_left_out_example_is_judged_by_a_probe_that_never_saw_it():
    vectors, labels = unit_vectors(7, 5), torch.tensor([0, 0, 1, 1, 0, 1, 1])
    losses = []
    for place in range(7):
        others = [other for other in range(7) if other != place]
        probe = train_probe(vectors[others], labels[others], n_steps=13)
        log_p = probe_log_probabilities(vectors[[place]], probe.weights, probe.bias)[0]
        losses.append(-log_p[labels[place]])
    found = train_probe(vectors, labels, n_steps=13)
    torch.testing.assert_close(found.left_out_loss[-1], torch.stack(losses).mean())
    share = sum(float(loss) < log(2) for loss in losses) / 7
    assert float(found.left_out_right[-1]) == pytest.approx(share)


def test_left_out_takes_the_fit_without_the_example():
    judged = torch.arange(2 * 4 * 3).view(2, 4, 3).double()  # (step, fit, example)
    assert left_out(judged).tolist() == [[3, 7, 11], [15, 19, 23]]


def test_a_probe_of_real_sentences_labels_lines_it_never_saw(encoder):
    texts, labels = zip(*LABELLED, strict=True)
    probe = train_probe(vectors_of(encoder, texts), torch.tensor(labels), n_steps=200)
    assert float(probe.left_out_right[-1]) >= 5 / 6  # luck: 1/3
    log_p = probe_log_probabilities(
        vectors_of(encoder, ["A bear catches a fish.", "The pasta is ready."]),
        probe.weights,
        probe.bias,
    )
    assert log_p.argmax(dim=-1).tolist() == [0, 1]


def test_the_same_examples_give_the_same_probe():
    vectors, labels = unit_vectors(7, 5), torch.tensor([0, 1, 0, 1, 2, 2, 0])
    first, second = (train_probe(vectors, labels, n_steps=17) for _ in range(2))
    assert torch.equal(first.weights, second.weights)
    assert torch.equal(first.loss, second.loss)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_trains_the_same_probe():
    vectors, labels = unit_vectors(7, 5), torch.tensor([0, 1, 0, 1, 2, 2, 0])
    there = train_probe(vectors.cuda(), labels.cuda(), n_steps=17)
    here = train_probe(vectors, labels, n_steps=17)
    assert there.weights.is_cuda
    torch.testing.assert_close(there.weights.cpu(), here.weights)
    torch.testing.assert_close(there.left_out_loss.cpu(), here.left_out_loss)


def test_effects_are_what_the_winning_label_loses():
    probabilities = torch.tensor([0.2, 0.7, 0.1])
    without = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [float("nan")] * 3])
    effects = token_effects(probabilities, without)
    assert effects[:2].tolist() == pytest.approx([0.4, -0.1])
    assert effects[2].isnan()


def test_the_word_that_names_the_topic_speaks_for_its_label(encoder):
    texts, labels = zip(*LABELLED, strict=True)
    probe = train_probe(vectors_of(encoder, texts), torch.tensor(labels), n_steps=200)
    trace = encoder.trace("The horse stood there all day.")
    intact, *without = probe_log_probabilities(
        torch.cat([sentence_vector(trace.output)[None], vectors_without_each(encoder, trace)]),
        probe.weights,
        probe.bias,
    ).exp()
    effects = token_effects(intact, torch.stack(without))
    assert intact.argmax() == 0
    assert trace.tokens[int(effects.nan_to_num().argmax())] == "horse"
    assert float(effects.nan_to_num().max()) > 0.1


# Refusals


def test_a_probe_without_a_choice_is_refused():
    with pytest.raises(ValueError, match=r"labels=\[1, 1, 1\] hold fewer than two"):
        train_probe(unit_vectors(3, 5), torch.tensor([1, 1, 1]), n_steps=1)


def test_a_small_model_with_other_sizes_pools_as_well(small_folder):
    encoder = load_encoder(small_folder)
    trace = encoder.trace("the dogs sat on the mat")
    assert vectors_without_each(encoder, trace).shape == trace.output.shape
    assert float(token_shares(trace.output).sum()) == pytest.approx(1, abs=1e-5)
