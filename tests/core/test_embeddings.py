import pytest
import torch
from torch.nn import functional

from core.embeddings import Embeddings, cosine_similarity, nearest_rows, principal_components


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def embeddings() -> Embeddings:
    layer = Embeddings(23, 17, 2, 7, 1e-3).requires_grad_(False)
    for seed, parameter in enumerate(layer.parameters()):
        parameter.copy_(random(*parameter.shape, seed=seed))
    return layer


def test_rows_are_looked_up_added_and_normalised(embeddings):
    trace = embeddings(torch.tensor([5, 19, 5]), torch.tensor([0, 1, 2]))
    assert torch.equal(trace.token, embeddings.token[[5, 19, 5]])
    assert torch.equal(trace.position, embeddings.position[:3])
    assert torch.equal(trace.segment, embeddings.segment[[0, 0, 0]])
    total = embeddings.token[[5, 19, 5]] + embeddings.position[:3] + embeddings.segment[0]
    torch.testing.assert_close(trace.sum, total)
    scaled = (total - total.mean(-1, keepdim=True)) / (
        total.var(-1, keepdim=True, correction=0) + 1e-3
    ).sqrt()
    expected = scaled * embeddings.norm.weight + embeddings.norm.bias
    torch.testing.assert_close(trace.output, expected, rtol=1e-5, atol=1e-5)


def test_without_positions_the_same_word_is_the_same_vector_everywhere(embeddings):
    token_ids, positions = torch.tensor([5, 19, 5]), torch.tensor([0, 1, 2])
    intact = embeddings(token_ids, positions)
    trace = embeddings(token_ids, positions, positions=False)
    assert (trace.position == 0).all()
    assert torch.equal(trace.token, intact.token)
    assert torch.equal(trace.sum, trace.token + trace.segment)
    assert torch.equal(trace.output[0], trace.output[2])
    assert not torch.equal(intact.output[0], intact.output[2])


def test_each_text_of_a_batch_has_its_own_positions(embeddings):
    token_ids, positions = torch.tensor([[5, 19], [3, 2]]), torch.tensor([[0, 2], [1, 2]])
    batch = embeddings(token_ids, positions)
    for row in range(2):
        alone = embeddings(token_ids[row], positions[row])
        assert torch.equal(batch.output[row], alone.output)


def test_cosine_similarity_equals_torch():
    a, b = random(5, 7), random(3, 7, seed=1)
    reference = functional.cosine_similarity(a[:, None], b[None], dim=-1)
    torch.testing.assert_close(cosine_similarity(a, b), reference)


def test_cosine_with_a_zero_vector_is_zero():
    assert (cosine_similarity(torch.zeros(2, 7), random(3, 7)) == 0).all()


def test_nearest_rows_come_in_order_of_their_cosine():
    table, vector = random(23, 7), random(7, seed=1)
    rows, cosines = nearest_rows(table, vector, 5)
    reference = cosine_similarity(table, vector[None])[:, 0]
    assert rows.tolist() == reference.argsort(descending=True)[:5].tolist()
    torch.testing.assert_close(cosines, reference[rows])


def test_a_small_table_gives_all_its_rows():
    rows, _ = nearest_rows(random(3, 7), random(7, seed=1), 5)
    assert sorted(rows.tolist()) == [0, 1, 2]


def test_principal_components_equal_the_singular_value_decomposition():
    vectors = random(11, 7)
    centred = vectors - vectors.mean(dim=0)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    projection = principal_components(vectors, 3)
    torch.testing.assert_close(projection.points.abs(), (u * s)[:, :3].abs(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(projection.variance_shares, (s.square() / s.square().sum())[:3])


def test_principal_components_do_not_flip():
    vectors = random(11, 7)
    projection, mirrored = principal_components(vectors, 3), principal_components(-vectors, 3)
    largest = projection.points.abs().argmax(dim=0)
    assert (projection.points[largest, torch.arange(3)] > 0).all()
    torch.testing.assert_close(mirrored.points, projection.points, rtol=1e-4, atol=1e-5)


def test_vectors_that_do_not_differ_project_on_one_point():
    projection = principal_components(torch.ones(5, 7), 2)
    assert (projection.points == 0).all()
    assert (projection.variance_shares == 0).all()


def test_one_vector_has_no_principal_components():
    with pytest.raises(ValueError, match="n=1 vectors have no directions of difference"):
        principal_components(random(1, 7), 2)


@pytest.mark.parametrize(
    ("first", "second", "cosine"),
    [
        ("dog", "puppy", 0.54), ("car", "van", 0.31), ("dog", "car", 0.25),
        ("puppy", "van", 0.06), ("king", "queen", 0.63), ("good", "bad", 0.54),
    ],
)  # fmt: skip
def test_related_words_are_as_close_as_measured(encoder, first, second, cosine):
    a, b = (encoder.reader.tokenizer.token_to_id(word) for word in (first, second))
    table = encoder.embeddings.token
    assert cosine_similarity(table[[a]], table[[b]]).item() == pytest.approx(cosine, abs=0.006)


def test_a_word_is_its_own_nearest_and_its_relatives_follow(encoder):
    tokenizer = encoder.reader.tokenizer
    table = encoder.embeddings.token
    rows, cosines = nearest_rows(table, table[tokenizer.token_to_id("dog")], 5)
    words = [tokenizer.id_to_token(row) for row in rows.tolist()]
    assert words[0] == "dog"
    assert cosines[0].item() == pytest.approx(1, abs=1e-5)
    assert set(words[1:]) == {"dogs", "canine", "puppy", "pets"}
