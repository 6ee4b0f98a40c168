import copy
from itertools import permutations

import pytest
import torch

from core.embeddings import nearest_rows
from core.encoder import Ablation
from core.positional_encoding import vectors_by_depth
from core.pretrained import load_encoder
from core.residual_stream import (
    all_heads,
    block_statistics,
    compare_streams,
    firing_share,
    follow_unit,
    mean_token_cosine,
    read_out,
    sentence_cosines,
    stream,
    vectors_without_word,
)

TEXT = "The animal didn't cross the street because it was too tired."
TEXTS = ["the dogs sat on the mat", "", "it is a cat, the cat"]


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def small(small_folder):
    return load_encoder(small_folder)


def test_the_stream_is_followed_as_computed_token_by_token(small):
    trace = small.trace(TEXTS[0])
    found = stream(trace)
    depths = [trace.embeddings.output, *(block.output for block in trace.blocks)]
    for token in range(len(trace.tokens)):
        for depth, vectors in enumerate(depths):
            x, start, end = vectors[token], depths[0][token], depths[-1][token]
            expected = x.dot(x) ** 0.5, x.dot(start), x.dot(end)
            assert found.norm[depth, token].item() == pytest.approx(expected[0].item(), rel=1e-5)
            for cosine, product, other in (
                (found.cosine_to_start, expected[1], start),
                (found.cosine_to_end, expected[2], end),
            ):
                lengths = expected[0] * other.dot(other) ** 0.5
                assert cosine[depth, token].item() == pytest.approx(
                    (product / lengths).item(), abs=1e-5
                )
        for number, block in enumerate(trace.blocks):
            added = (block.attention_sum - block.input)[token].norm() / block.input[token].norm()
            assert found.attention_share[number, token].item() == pytest.approx(added.item(), 1e-4)
            base = block.attention_output
            added = (block.feed_forward_sum - base)[token].norm() / base[token].norm()
            assert found.feed_forward_share[number, token].item() == pytest.approx(
                added.item(), 1e-4
            )


def test_a_feed_forward_layer_that_is_off_adds_nothing(small):
    trace = small.trace(TEXTS[0], Ablation(feed_forward=False))
    assert (stream(trace).feed_forward_share == 0).all()
    assert (stream(trace).attention_share > 0).all()


def test_what_comes_before_a_feed_forward_layer_that_is_off_stays_bit_for_bit(small):
    intact, off = (
        small.trace(TEXTS[0], Ablation(feed_forward=on)).blocks[0] for on in (True, False)
    )
    for name in ("attention_update", "attention_output", "hidden", "activations"):
        assert torch.equal(getattr(intact, name), getattr(off, name)), name
    assert torch.equal(off.feed_forward_sum, off.attention_output)


def test_statistics_are_all_that_a_normalisation_needs(small):
    block = small.trace(TEXTS[0]).blocks[1]
    found = block_statistics(block)
    assert found.norm.shape == (5, len(block.input))
    layers = small.blocks[1]
    for stage, x, norm, normalised in (
        (1, block.attention_sum, layers.attention_norm, block.attention_output),
        (3, block.feed_forward_sum, layers.feed_forward_norm, block.output),
    ):
        mean, spread = found.mean[stage][:, None], found.spread[stage][:, None]
        by_hand = norm.weight * (x - mean) / (spread.square() + norm.eps).sqrt() + norm.bias
        torch.testing.assert_close(by_hand, normalised)
        # ‖x‖² = d (mean² + spread²)
        squares = 35 * (mean.square() + spread.square())[:, 0]
        torch.testing.assert_close(found.norm[stage].square(), squares)


def test_mean_token_cosine_is_the_mean_over_all_pairs():
    x = random(2, 5, 7)
    for row, found in zip(x, mean_token_cosine(x), strict=True):
        pairs = [torch.cosine_similarity(a, b, dim=0) for a, b in permutations(row, 2)]
        assert found.item() == pytest.approx(torch.stack(pairs).mean().item(), abs=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_mean_token_cosine_holds_where_squares_leave_float32(scale):
    x = random(5, 7)
    torch.testing.assert_close(mean_token_cosine(scale * x), mean_token_cosine(x))
    assert mean_token_cosine(scale * x[:1].expand(5, -1)).item() == pytest.approx(1)


def test_one_token_has_no_pair():
    with pytest.raises(ValueError, match="seq=1 tokens have no pairs"):
        mean_token_cosine(random(3, 1, 7))


def test_without_skip_connections_the_real_model_makes_all_tokens_one(encoder):
    intact, broken = (
        mean_token_cosine(vectors_by_depth(encoder.trace(TEXT, Ablation(residual=residual))))
        for residual in (True, False)
    )
    assert intact.max() < 0.5
    assert broken[0] == intact[0]
    assert broken[4:].min() > 0.999


def test_without_normalisation_vectors_of_the_real_model_grow_a_hundredfold(encoder):
    intact, broken = (
        stream(encoder.trace(TEXT, Ablation(norm=norm))).norm.mean(dim=1) for norm in (True, False)
    )
    assert intact.max() < 1.5 * intact[0]
    assert broken[-1] > 100 * broken[0]


def test_with_all_heads_off_no_token_hears_of_another(encoder):
    heads = all_heads(encoder.config)
    assert len(heads) == 72
    deaf, other = (
        encoder.trace(f"the {word} sat", Ablation(heads=heads)).output for word in ("cat", "dog")
    )
    changed = (deaf - other).abs().amax(dim=-1) > 1e-5
    assert changed.tolist() == [False, False, True, False, False]


def test_streams_are_compared_by_distance_and_direction():
    x = random(3, 5, 7)
    same, longer = compare_streams(x, x), compare_streams(x, 3 * x)
    assert (same.distance == 0).all()
    torch.testing.assert_close(longer.distance, torch.full((3, 5), 2.0))
    for found in (same, longer):
        torch.testing.assert_close(found.cosine, torch.ones(3, 5))
    torch.testing.assert_close(compare_streams(x, -x).cosine, -torch.ones(3, 5))


def test_a_word_left_out_is_a_row_of_zeros_in_the_table(small):
    trace = small.trace(TEXTS[0])
    token = trace.tokens.index("on")
    forgetful = copy.deepcopy(small)
    forgetful.embeddings.token.data[trace.token_ids[token]] = 0
    expected = vectors_by_depth(forgetful.trace(TEXTS[0]))
    torch.testing.assert_close(vectors_without_word(small, trace, token), expected)


def test_a_word_reaches_every_token_within_one_block(encoder):
    trace = encoder.trace(TEXT)
    token = trace.tokens.index("street")
    without = vectors_without_word(encoder, trace, token)
    distance = compare_streams(vectors_by_depth(trace), without).distance
    assert distance[0].nonzero().flatten().tolist() == [token]
    assert (distance[1:] > 0).all()
    others = torch.arange(len(trace.tokens)) != token
    assert distance[6, others].mean() > 2 * distance[1, others].mean()  # and more, the deeper


def test_read_out_finds_the_nearest_rows_at_every_depth(small):
    trace = small.trace(TEXTS[0])
    table, token = small.embeddings.token, 3
    found = read_out(small, trace, token, 5)
    for depth, vector in enumerate(vectors_by_depth(trace)[:, token]):
        rows, cosines = nearest_rows(table, vector, len(table))
        assert torch.equal(found.token_ids[depth], rows[:5])
        torch.testing.assert_close(found.cosines[depth], cosines[:5])
        rank = rows.tolist().index(trace.token_ids[token])
        assert found.own_rank[depth] == rank
        torch.testing.assert_close(found.own_cosine[depth], cosines[rank])


def test_what_enters_the_real_model_still_reads_as_its_own_word(encoder):
    trace = encoder.trace(TEXT)
    found = read_out(encoder, trace, trace.tokens.index("street"), 3)
    assert found.own_rank[0] == 0
    assert found.own_cosine[-1] < found.own_cosine[0] - 0.3


def test_sentences_are_compared_at_every_depth(encoder):
    first, second = (encoder.trace(text) for text in (TEXT, "The cat was too lazy to move."))
    found = sentence_cosines(first, second)
    assert found.shape == (7,)
    for depth, (a, b) in enumerate(
        zip(vectors_by_depth(first), vectors_by_depth(second), strict=True)
    ):
        expected = torch.cosine_similarity(a.mean(dim=0), b.mean(dim=0), dim=0)
        torch.testing.assert_close(found[depth], expected)
    torch.testing.assert_close(sentence_cosines(first, first), torch.ones(7))


def test_a_unit_fires_where_its_activation_is_above_zero(small):
    trace = small.trace(TEXTS[0])
    shares = firing_share(trace)
    for number, block in enumerate(trace.blocks):
        for token, hidden in enumerate(block.hidden.tolist()):
            expected = sum(x > 0 for x in hidden) / 53
            assert shares[number, token].item() == pytest.approx(expected)


def test_a_unit_is_followed_over_all_texts(small):
    traces = [small.trace(text) for text in TEXTS]
    found = follow_unit(traces, 2, 11, 4)
    by_hand = [
        (text, place, trace.blocks[2].activations[place, 11].item())
        for text, trace in enumerate(traces)
        for place in range(1, len(trace.tokens) - 1)  # between [CLS] and [SEP]
    ]
    by_hand.sort(key=lambda token: -token[2])
    assert list(found.most_active) == by_hand[:4]
    assert found.firing_share == sum(token[2] > 0 for token in by_hand) / len(by_hand)


@pytest.mark.parametrize(("block", "unit"), [(3, 0), (-1, 0), (0, 53), (0, -1)])
def test_a_unit_that_does_not_exist_is_refused(small, block, unit):
    with pytest.raises(ValueError, match=f"{block=}, {unit=} is outside 3 blocks x 53 units"):
        follow_unit([small.trace("the cat")], block, unit, 1)


def test_texts_without_a_word_excite_no_unit(small):
    with pytest.raises(ValueError, match="1 texts hold no token"):
        follow_unit([small.trace("")], 0, 0, 1)


@pytest.mark.parametrize("token", [-1, 5])
def test_a_token_that_does_not_exist_is_refused(small, token):
    trace = small.trace("a cat sat")
    with pytest.raises(ValueError, match=f"{token=} is not one of the 5 tokens"):
        read_out(small, trace, token, 1)
    with pytest.raises(ValueError, match=f"{token=} is not one of the 5 tokens"):
        vectors_without_word(small, trace, token)


def test_everything_is_computed_on_the_device_of_the_trace(elsewhere):
    encoder, trace = elsewhere
    vectors = vectors_by_depth(trace)
    for tensor in (
        stream(trace).attention_share,
        block_statistics(trace.blocks[0]).spread,
        mean_token_cosine(vectors),
        compare_streams(vectors, vectors_without_word(encoder, trace, 1)).distance,
        read_out(encoder, trace, 1, 2).own_rank,
        sentence_cosines(trace, trace),
        firing_share(trace),
    ):
        assert tensor.device.type == "meta"
