from dataclasses import replace
from itertools import product
from math import comb
from pathlib import Path

import pytest
import torch
import yaml

from core.attention import causal_mask
from core.decoder import DecoderTrace
from core.encoder import EncoderTrace
from core.heads import (
    KINDS,
    PATTERNS,
    PronounPair,
    PronounTrace,
    best_by_luck,
    compare_pronouns,
    evaluate_heads,
    head_kinds,
    may_look,
    pattern_targets,
    received_weight,
    word_tokens,
    word_weight,
)
from core.pretrained import load_decoder
from tests.core.hugging_face import save_small_gpt2

DATA = Path(__file__).parents[2] / "assets/data"
TIRED = "The animal didn't cross the street because it was too tired."
WIDE = "The animal didn't cross the street because it was too wide."
SENTENCES = [
    TIRED,
    "She sat on the bank of the river and watched the boats.",
    "When the rain stopped, the children ran into the garden and played until dinner.",
    "The cat chased the mouse, and the mouse chased the cheese.",
    "What time does the next train to London leave?",
    "My sister's friend gave me a book about the history of mathematics.",
    "We bought bread, milk, eggs and cheese at the market.",
    "The committee, which met on Tuesday, decided that the plan would not be changed.",
]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_decoder(save_small_gpt2(tmp_path_factory.mktemp("gpt2")))


def with_weights(
    trace: EncoderTrace | DecoderTrace, weights: torch.Tensor
) -> EncoderTrace | DecoderTrace:
    """A trace of one block, all of whose heads have the given weights (query, key)."""
    block = trace.blocks[0]
    attention = replace(block.attention, weights=weights.expand_as(block.attention.weights))
    return replace(trace, blocks=(replace(block, attention=attention),))


def pronoun_pairs(name) -> list[PronounPair]:
    return [PronounPair(**pair) for pair in yaml.safe_load((DATA / name).read_text())]


def test_every_cell_has_the_role_given_by_hand(encoder):
    reading = encoder.reader.read("a dog, a cat")
    assert reading.tokens == ("[CLS]", "a", "dog", ",", "a", "cat", "[SEP]")
    letters = {"previous token": "p", "next token": "n", "same word elsewhere": "s",
               "itself": "i", "punctuation": ".", "first token": "f"}  # fmt: skip
    grid = [["-"] * 7 for _ in range(7)]
    for pattern, query, key in pattern_targets(reading).nonzero().tolist():
        assert grid[query][key] == "-"  # one role at most
        grid[query][key] = letters[PATTERNS[pattern]]
    assert ["".join(row) for row in grid] == [
        "fn-.--.",
        "fin.s-.",
        "fpin--.",
        "f-pin-.",
        "fs-pin.",
        "f--.pin",
        "f--.-pi",
    ]  # fmt: skip


def test_pieces_that_look_like_words_are_words_and_signs_are_not(encoder):
    reading = encoder.reader.read("é 我 7 ##x € … [MASK]")
    targets = pattern_targets(reading)[PATTERNS.index("punctuation")].any(dim=0)
    signs = [token for token, is_sign in zip(reading.tokens, targets, strict=True) if is_sign]
    assert signs == ["#", "#", "€", "…", "[SEP]"]


def test_a_repeated_sign_is_no_repeated_word(encoder):
    reading = encoder.reader.read("one, two, three")
    commas = [place for place, token in enumerate(reading.tokens) if token == ","]
    roles = pattern_targets(reading)[:, commas[0], commas[1]]
    assert [PATTERNS[role] for role in roles.nonzero()[:, 0].tolist()] == ["punctuation"]


def test_scores_are_mean_weights_over_the_queries_that_have_a_target(encoder):
    trace = encoder.trace("a dog, a cat")
    w = trace.weights
    found = head_kinds(trace).scores
    by_hand = {
        "previous token": sum(w[..., i, i - 1] for i in range(2, 7)) / 5,
        "next token": sum(w[..., i, i + 1] for i in range(6)) / 6,
        "same word elsewhere": (w[..., 1, 4] + w[..., 4, 1]) / 2,
        "itself": sum(w[..., i, i] for i in range(1, 7)) / 6,
        "first token": w[..., :, 0].mean(dim=-1),
    }
    for pattern, expected in by_hand.items():
        torch.testing.assert_close(found[..., PATTERNS.index(pattern)], expected)


IDEAL = {
    "previous token": lambda n: torch.eye(n).roll(1, 0).index_fill(0, torch.tensor(0), 0),
    "next token": lambda n: torch.eye(n).roll(-1, 0).index_fill(0, torch.tensor(n - 1), 0),
    "itself": torch.eye,
    "first token": lambda n: torch.zeros(n, n).index_fill(1, torch.tensor(0), 1),
}


@pytest.mark.parametrize("kind", IDEAL)
@pytest.mark.parametrize("text", ["word", "one two", TIRED, "no " * 50], ids=len)
def test_a_head_that_does_one_thing_only_is_named_after_it(encoder, kind, text):
    trace = encoder.trace(text)
    n = len(trace.tokens)
    weights = IDEAL[kind](n)
    weights[:, 0] += 1 - weights.sum(dim=-1)  # where there is no target it rests
    kinds = head_kinds(with_weights(trace, weights)).kinds
    assert KINDS[kinds[0, 0]] == kind


def test_heads_that_look_at_repetitions_or_signs_are_named_after_it(encoder):
    trace = encoder.trace("the cat, the dog, the bird.")
    targets = pattern_targets(trace.reading).float()
    for kind in ("same word elsewhere", "punctuation"):
        weights = targets[PATTERNS.index(kind)] + 1e-6
        weights /= weights.sum(dim=-1, keepdim=True)
        assert KINDS[head_kinds(with_weights(trace, weights)).kinds[0, 0]] == kind


@pytest.mark.parametrize("text", ["", "word", "!!!", TIRED, "no " * 200], ids=len)
def test_even_attention_is_spread(encoder, text):
    trace = encoder.trace(text)
    n = len(trace.tokens)
    found = head_kinds(with_weights(trace, torch.full((n, n), 1 / n)))
    assert KINDS[found.kinds[0, 0]] == "spread"
    assert found.entropy[0, 0].item() == pytest.approx(1, abs=1e-5)


def test_a_head_without_a_pattern_is_mixed(encoder):
    trace = encoder.trace("one two three four five six seven eight")
    weights = torch.zeros(10, 10)
    weights[:, [3, 6]] = 0.5
    assert KINDS[head_kinds(with_weights(trace, weights)).kinds[0, 0]] == "mixed"


def test_the_model_has_the_heads_that_were_measured(encoder):
    traces = [encoder.trace(text) for text in SENTENCES]
    found = [head_kinds(trace) for trace in traces]
    for kinds in found:
        assert KINDS[kinds.kinds[0, 2]] == "previous token"  # L1H3
        assert KINDS[kinds.kinds[1, 8]] == "next token"  # L2H9
        assert KINDS[kinds.kinds[4, 5]] == "first token"  # L5H6
        assert KINDS[kinds.kinds[2, 7]] == "first token"  # L3H8
    mean = torch.stack([kinds.scores for kinds in found]).mean(dim=0)
    assert mean[0, 2, PATTERNS.index("previous token")] > 0.99
    assert mean[1, 8, PATTERNS.index("next token")] > 0.55
    assert mean[..., PATTERNS.index("itself")].max() < 0.2
    sink = torch.stack([trace.weights[..., 0].mean() for trace in traces]).mean()
    assert 0.35 < sink < 0.55


def test_in_a_decoder_no_cell_ahead_has_a_role_and_even_attention_is_spread(decoder):
    trace = decoder.trace("the cat sat on the mat")
    allowed = may_look(trace)
    n = len(trace.tokens)
    assert torch.equal(allowed, causal_mask(n))
    kinds = head_kinds(with_weights(trace, allowed / allowed.sum(dim=-1, keepdim=True)))
    assert {KINDS[kind] for kind in kinds.kinds[0]} == {"spread"}
    assert kinds.entropy[0, 0].item() == pytest.approx(1, abs=1e-5)
    assert not kinds.scores[..., PATTERNS.index("next token")].any()
    first = kinds.scores[0, 0, PATTERNS.index("first token")].item()
    assert first == pytest.approx(sum(1 / (i + 1) for i in range(n)) / n)


@pytest.mark.parametrize("kind", ["previous token", "itself", "first token"])
def test_a_head_of_a_decoder_that_does_one_thing_only_is_named_after_it(decoder, kind):
    trace = decoder.trace("the cat sat on the mat")
    weights = IDEAL[kind](len(trace.tokens))
    weights[:, 0] += 1 - weights.sum(dim=-1)
    kinds = head_kinds(with_weights(trace, weights)).kinds
    assert KINDS[kinds[0, 0]] == kind


def test_an_encoder_lets_every_token_look_at_all(encoder):
    assert may_look(encoder.trace("a dog")).all()


def test_bytes_that_are_written_as_letters_are_no_words(decoder):
    reading = decoder.reader.read("the cat  , 猫")
    signs = pattern_targets(reading)[PATTERNS.index("punctuation")].any(dim=0)
    found = [token for token, is_sign in zip(reading.tokens, signs, strict=True) if is_sign]
    assert found == ["Ġ", "Ġ", ",", "Ġ"]


def test_most_kinds_occur_on_an_ordinary_sentence(encoder):
    kinds = head_kinds(encoder.trace("The cat chased the mouse, and the mouse chased the cheese."))
    found = {KINDS[kind] for kind in kinds.kinds.flatten().tolist()}
    assert found >= set(KINDS) - {"itself", "punctuation"}


@pytest.mark.parametrize("text", ["", "x", "a b", "!!!", "word " * 500, "👩‍👩‍👧‍👦"], ids=len)
def test_every_text_gives_every_head_a_kind(encoder, text):
    found = head_kinds(encoder.trace(text))
    assert found.kinds.shape == (6, 12)
    assert found.kinds.min() >= 0
    assert found.kinds.max() < len(KINDS)
    assert found.scores.isfinite().all()
    assert (found.scores >= 0).all()
    assert (found.scores <= 1 + 1e-5).all()


def test_received_weight_is_a_mean_over_heads_and_queries(encoder):
    weights = encoder.trace(TIRED).weights
    received = received_weight(weights)
    torch.testing.assert_close(received[3, 5], weights[3, :, :, 5].mean())
    torch.testing.assert_close(received.sum(dim=-1), torch.ones(6))


def test_a_word_is_found_with_all_its_pieces(encoder):
    reading = encoder.reader.read("It isn't Photosynthesis, it is it.")
    pieces = [reading.tokens[i] for i in word_tokens(reading, "photosynthesis")]
    assert "".join(pieces).replace("##", "") == "photosynthesis"
    assert word_tokens(reading, "it") == [1]
    assert word_tokens(reading, "is") == [reading.tokens.index("is", 3)]


@pytest.mark.parametrize("word", ["dog", "anim", "", "[CLS]"])
def test_a_word_that_is_not_there_is_refused(encoder, word):
    with pytest.raises(ValueError, match=r"word='.*' is not a word of the text"):
        word_tokens(encoder.reader.read("The animal sat."), word)


def test_a_word_that_was_cut_off_is_refused(encoder):
    with pytest.raises(ValueError, match="word='end' is not a word"):
        word_tokens(encoder.reader.read("word " * 130 + "end"), "end")


def test_the_weight_on_a_word_of_several_pieces_is_their_sum(encoder):
    trace = encoder.trace("Photosynthesis is it.")
    pieces = word_tokens(trace.reading, "photosynthesis")
    assert len(pieces) > 1
    query = trace.tokens.index("it")
    torch.testing.assert_close(
        word_weight(trace, "it", "photosynthesis"), trace.weights[:, :, query, pieces].sum(-1)
    )
    back = word_weight(trace, "photosynthesis", "it")
    torch.testing.assert_close(back, trace.weights[:, :, pieces, query].mean(-1))


def test_tired_and_wide_move_the_pronoun_as_measured(encoder):
    result = compare_pronouns(encoder.trace(TIRED), encoder.trace(WIDE), "it", ("animal", "street"))
    assert result.shares.tolist() == pytest.approx([0.61, 0.54], abs=0.006)
    follows = (result.changes_side == 1).nonzero().tolist()
    assert follows == [[3, 3], [3, 5], [4, 0], [4, 5], [4, 7]]  # L4H4, L4H6, L5H1, L5H6, L5H8
    assert result.weights[:, 3, 1, 0].tolist() == pytest.approx([0.68, 0.28], abs=0.006)
    expected = torch.tensor([[0.10, 0.08], [0.05, 0.19]])
    torch.testing.assert_close(result.weights[:, 4, 0], expected, rtol=0, atol=0.006)


def test_sides_and_leanings_match_those_found_by_hand():
    first = [[0.6, 0.2], [0.2, 0.6], [0.6, 0.2], [0.5, 0.1], [0.5, 0.1], [0.0, 0.0]]
    second = [[0.1, 0.3], [0.3, 0.1], [0.5, 0.2], [0.3, 0.3], [0.8, 0.1], [0.2, 0.1]]
    result = PronounTrace(torch.tensor([first, second])[:, None])
    assert result.changes_side.tolist() == [[1, -1, 0, 0, 0, 0]]
    assert result.leans.tolist() == [[True, False, True, True, False, False]]
    assert result.shares.tolist() == pytest.approx([2.4 / 3.6, 2.2 / 3.3])


@pytest.mark.parametrize("name", ["pronouns.yaml", "pronouns_check.yaml"])
def test_pronoun_pairs_differ_in_what_decides_and_hold_their_words(encoder, name):
    pairs = pronoun_pairs(name)
    assert len(pairs) == 10
    for pair in pairs:
        words = [sentence.rstrip(".").split() for sentence in (pair.first, pair.second)]
        assert sum(a != b for a, b in zip(*words, strict=True)) == 1
        for sentence in words:
            assert sentence.count(pair.pronoun) == 1
            assert pair.right_in_first in sentence
            assert pair.right_in_second in sentence
        assert pair.right_in_first != pair.right_in_second
    first_named = [
        p.first.index(p.right_in_first) < p.first.index(p.right_in_second) for p in pairs
    ]
    assert 4 <= sum(first_named) <= 9


def test_no_head_resolves_as_many_pronouns_as_luck_would(encoder):
    for name in ("pronouns.yaml", "pronouns_check.yaml"):
        best = int(evaluate_heads(encoder, pronoun_pairs(name)).n_resolved.max())
        as_well_by_luck = sum(best_by_luck(72, 10, 1 / 4)[best:])
        assert as_well_by_luck > 0.999


def test_the_head_that_leans_best_on_ten_pairs_fails_on_ten_others(encoder):
    leaning = evaluate_heads(encoder, pronoun_pairs("pronouns.yaml")).n_leaning
    best = leaning == leaning.max()
    fresh = evaluate_heads(encoder, pronoun_pairs("pronouns_check.yaml")).n_leaning[best]
    assert int(leaning.max()) >= 9
    assert fresh.float().mean() <= 6


def test_results_of_pairs_are_those_of_each_alone(encoder):
    pairs = pronoun_pairs("pronouns.yaml")[:3]
    swapped = [
        replace(
            pair,
            first=pair.second,
            second=pair.first,
            right_in_first=pair.right_in_second,
            right_in_second=pair.right_in_first,
        )
        for pair in pairs
    ]
    result, mirrored = evaluate_heads(encoder, pairs), evaluate_heads(encoder, swapped)
    assert result.changes_side.shape == (3, 6, 12)
    assert torch.equal(result.changes_side, mirrored.changes_side)
    assert torch.equal(result.leans, mirrored.leans)
    assert torch.equal(result.n_leaning, result.leans.sum(dim=0))


@pytest.mark.parametrize(
    ("n_heads", "n_pairs", "chance"), [(1, 10, 0.5), (72, 10, 0.25), (3, 2, 0.7)]
)
def test_the_luck_of_the_best_sums_to_one(n_heads, n_pairs, chance):
    probabilities = best_by_luck(n_heads, n_pairs, chance)
    assert len(probabilities) == n_pairs + 1
    assert sum(probabilities) == pytest.approx(1)
    assert all(probability >= 0 for probability in probabilities)


def test_one_guessing_head_is_binomial():
    expected = [comb(10, k) / 2**10 for k in range(11)]
    assert best_by_luck(1, 10, 0.5) == pytest.approx(expected)


def test_the_best_of_two_matches_all_outcomes_counted():
    outcomes = [max(a + b, c + d) for a, b, c, d in product((0, 1), repeat=4)]
    expected = [outcomes.count(k) / 16 for k in range(3)]
    assert best_by_luck(2, 2, 0.5) == pytest.approx(expected)


def test_the_best_of_72_coins_is_right_on_8_or_9_of_10():
    probabilities = best_by_luck(72, 10, 0.5)
    assert sum(k * p for k, p in enumerate(probabilities)) == pytest.approx(8.59, abs=0.01)
    assert probabilities[8] + probabilities[9] > 0.9


@pytest.mark.parametrize("arguments", [(0, 10, 0.5), (72, -1, 0.5), (72, 10, 1.5)], ids=str)
def test_luck_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match="chance="):
        best_by_luck(*arguments)


def test_heads_are_read_on_the_device_of_the_trace(elsewhere):
    _, trace = elsewhere
    assert head_kinds(trace).kinds.device.type == "meta"
    pronouns = compare_pronouns(trace, trace, "it", ("mat", "cat"))
    assert pronouns.changes_side.device.type == "meta"
    assert pronouns.leans.device.type == "meta"
