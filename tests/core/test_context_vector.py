import pytest
import torch

from core.context_vector import (
    RIDGE,
    context_gradients,
    probe_context,
    read_back,
    ridge_regression,
    with_bias,
)
from core.number_words import english
from core.seq2seq import PAD, build
from core.seq2seq_training import translator_config
from core.translation_task import NUMBERS, REVERSAL, pairs_of_length


def made(task=NUMBERS, d_model=20):
    config = translator_config(task, d_model)
    translator = build("fixed", config, torch.Generator().manual_seed(2))
    return translator.eval().requires_grad_(False)


def test_context_gradients_equal_the_jacobian_word_by_word():
    translator = made().double()
    source_ids = NUMBERS.source_ids([english(21_741)])[0]
    x = translator.source_embedding(source_ids)[None]
    mask = torch.ones(1, len(source_ids), dtype=torch.bool)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: translator.encode_embedded(x, mask).context[0], x
    )[:, 0]
    found = context_gradients(translator, source_ids)
    torch.testing.assert_close(found, torch.stack([word.norm() for word in jacobian.unbind(1)]))


def test_context_gradients_predict_a_small_step():
    translator = made().double()
    source_ids = NUMBERS.source_ids([english(345)])[0]
    x = translator.source_embedding(source_ids)[None]
    mask = torch.ones(1, len(source_ids), dtype=torch.bool)
    before = translator.encode_embedded(x, mask).context
    squares = 0.0
    for dimension in range(x.shape[2]):
        step = torch.zeros_like(x)
        step[0, 1, dimension] = 1e-6
        moved = translator.encode_embedded(x + step, mask).context - before
        squares += (moved / 1e-6).square().sum().item()
    found = context_gradients(translator, source_ids)[1].item()
    assert found == pytest.approx(squares**0.5, rel=1e-4)


def test_context_gradients_are_found_in_the_middle_of_reading():
    translator, source_ids = made(), NUMBERS.source_ids([english(345)])[0]
    with torch.inference_mode():
        inside = context_gradients(translator, source_ids)
    assert torch.equal(inside, context_gradients(translator, source_ids))
    assert inside.dtype == torch.float64


def test_a_fresh_lstm_has_nearly_forgotten_the_first_words():
    norms = context_gradients(made(), NUMBERS.source_ids([english(987_654_321_987)])[0])
    assert norms[0] < 1e-3 * norms[-1]


def test_ridge_regression_solves_its_equations():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(31, 5, generator=generator), torch.randn(31, 3, generator=generator)
    weights = ridge_regression(x, y.double())
    residual = with_bias(x) @ weights - y
    gradient = with_bias(x).T @ residual + RIDGE * 31 * weights
    assert gradient.abs().max() < 1e-10


def test_ridge_regression_finds_a_linear_rule():
    x = torch.randn(401, 5, generator=torch.Generator().manual_seed(0)).double()
    rule = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double()
    torch.testing.assert_close(ridge_regression(x, with_bias(x) @ rule), rule, rtol=1e-2, atol=1e-2)


def test_a_probe_of_one_word_reads_it_back():
    probe = probe_context(made(REVERSAL), REVERSAL, 1, torch.Generator().manual_seed(0))
    assert probe.accuracy.tolist() == [1.0]
    assert probe.guessing[0] < 0.1


def test_the_accuracy_of_a_probe_is_that_of_its_reader_on_sources_it_never_saw():
    translator, generator = made(), torch.Generator().manual_seed(4)
    probe = probe_context(translator, NUMBERS, 5, generator, n_train=211, n_test=101)
    drawn = pairs_of_length(NUMBERS, torch.Generator().manual_seed(4), 5, 312)
    ids = NUMBERS.source_ids([source for source, _ in drawn])
    assert not (ids == PAD).any()
    found = read_back(probe.reader, translator.encode(ids[211:]).context, 5)
    right = (found == ids[211:, :5]).double().mean(dim=0)
    assert torch.equal(probe.accuracy, right)
    commonest = [column.bincount().argmax() for column in ids[:211, :5].T]
    guessed = [(ids[211:, place] == word).double().mean() for place, word in enumerate(commonest)]
    assert probe.guessing.tolist() == pytest.approx([float(share) for share in guessed])


def test_the_last_word_is_read_from_a_fresh_lstm_better_than_the_first():
    probe = probe_context(made(), NUMBERS, 8, torch.Generator().manual_seed(0), 500, 211)
    above = probe.accuracy - probe.guessing
    assert above[-1] > above[0] + 0.3
