"""What the embeddings page computes beyond the equations: maps judged, words followed."""

import pytest
import torch

from core.embeddings import (
    cosine_similarity,
    find_word,
    most_misleading_pair,
    principal_components,
    random_cosines,
    read_back,
    word_by_stage,
)


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def unit(vectors):
    return vectors / vectors.norm(dim=-1, keepdim=True)


def test_strangers_side_by_side_are_the_misleading_pair():
    vectors = torch.tensor([[1.0, 0], [0.9, 0.1], [-1, 0]])  # 0 and 2 are opposites
    points = torch.tensor([[0.0], [5], [0.1]])  # and drawn side by side
    assert most_misleading_pair(points, vectors) == (0, 2, 0, 2, 3)


def test_a_map_with_all_axes_misleads_about_no_pair():
    vectors = unit(random(11, 7))
    pair = most_misleading_pair(principal_components(vectors, 7).points, vectors)
    assert pair.rank_on_map == pair.rank_by_cosine


def test_no_pair_gains_more_ranks_than_the_one_that_is_named():
    vectors = unit(random(11, 7))
    points = principal_components(vectors, 2).points
    pair = most_misleading_pair(points, vectors)
    first, second = torch.triu_indices(11, 11, offset=1)
    distances = torch.cdist(points, points)[first, second]
    cosines = cosine_similarity(vectors, vectors)[first, second]
    gains = [
        int((cosines > cosines[i]).sum() - (distances < distances[i]).sum())
        for i in range(len(distances))
    ]
    assert pair.rank_by_cosine - pair.rank_on_map == max(gains) > 0


def test_random_pairs_are_never_a_vector_with_itself():
    cosines = random_cosines(torch.eye(5), 997, torch.Generator().manual_seed(0))
    assert cosines.shape == (997,)
    assert (cosines == 0).all()


def test_the_same_seed_draws_the_same_pairs():
    vectors = random(13, 7)
    one, same, other = (
        random_cosines(vectors, 31, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("n", [0, 1])
def test_one_vector_has_no_pairs(n):
    with pytest.raises(ValueError, match=f"n={n} vectors have no pairs"):
        most_misleading_pair(torch.zeros(n, 2), torch.zeros(n, 7))
    with pytest.raises(ValueError, match=f"n={n} vectors have no pairs"):
        random_cosines(torch.zeros(n, 7), 3, torch.Generator())


TOKENS = ("[CLS]", "snow", "##board", "and", "snow", "fall", "snow", "[SEP]")


@pytest.mark.parametrize(
    ("pieces", "places"),
    [
        (("snow", "##board"), [1, 2]),
        (("snow",), [4]),  # the first one is only a part of another word
        (("and", "snow"), [3, 4]),
        (("##board",), [2]),
        (("[SEP]",), [7]),
        (("rain",), []),
        ((), []),
        (TOKENS + TOKENS, []),
    ],
)
def test_a_word_is_found_where_it_first_stands_whole(pieces, places):
    assert find_word(TOKENS, pieces) == places


def test_a_word_of_two_pieces_is_followed_by_their_mean():
    stages = [random(8, 3, seed=seed) for seed in range(5)]
    vectors = word_by_stage(TOKENS, ("snow", "##board"), stages)
    assert vectors.shape == (5, 3)
    torch.testing.assert_close(vectors[4], (stages[4][1] + stages[4][2]) / 2)


def test_a_word_that_is_not_there_is_not_followed():
    assert word_by_stage(TOKENS, ("rain",), [random(8, 3)]) is None


def test_a_row_is_read_back_where_nothing_else_is_nearer():
    table = torch.tensor([[1.0, 0, 0], [0, 2, 0], [0, 0, 3], [0, 5, 1]])
    found = read_back(torch.tensor([[4.0, 0, 1], [0, 1, 0.1]]), table, torch.tensor([0, 1]))
    torch.testing.assert_close(found.own, torch.tensor([4 / 17**0.5, 1 / 1.01**0.5]))
    assert found.other_row.tolist() == [2, 3]
    torch.testing.assert_close(found.other[1], torch.tensor(5.1 / (26 * 1.01) ** 0.5))


def test_positions_can_be_added_without_losing_the_words(encoder):
    trace = encoder.trace("The animal didn't cross the street because it was too tired.")
    places = torch.arange(len(trace.tokens))
    for table, rows in (
        (encoder.embeddings.token, torch.tensor(trace.token_ids)),
        (encoder.embeddings.position, places),
    ):
        found = read_back(trace.embeddings.sum, table, rows)
        assert (found.own > found.other).all()
