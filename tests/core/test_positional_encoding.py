from math import cos, pi, sin

import pytest
import torch

from core.encoder import Ablation
from core.positional_encoding import (
    alibi_slopes,
    compare_word_orders,
    distance_profile,
    distances_by_depth,
    exchange_token,
    relative_rotation,
    rotary_scores,
    rotate,
    shuffle_words,
    sinusoidal_encoding,
    wavelengths,
)

FIRST, SECOND = "The student is eating an apple", "An apple is eating the student"


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_encoding_matches_the_one_computed_by_hand():
    expected = [[0, 1, 0, 1], [sin(1), cos(1), sin(0.01), cos(0.01)]]
    torch.testing.assert_close(sinusoidal_encoding(2, 4), torch.tensor(expected))


@pytest.mark.parametrize(("length", "d_model", "base"), [(7, 10, 10000.0), (513, 38, 50.0)])
def test_encoding_equals_the_formula_cell_by_cell(length, d_model, base):
    encoding = sinusoidal_encoding(length, d_model, base, torch.float64)
    assert encoding.shape == (length, d_model)
    for position in (0, 1, length - 1):
        for column in range(d_model):
            wave = sin if column % 2 == 0 else cos
            angle = position / base ** ((column - column % 2) / d_model)
            assert encoding[position, column].item() == pytest.approx(wave(angle), abs=1e-12)


def test_single_precision_is_the_rounded_double_even_far_out():
    single, double = (
        sinusoidal_encoding(100_003, 6, dtype=dtype) for dtype in (torch.float32, torch.float64)
    )
    assert (single - double).abs().max() < 1e-7


@pytest.mark.parametrize(
    ("length", "d_model", "base", "message"),
    [
        (7, 5, 10000.0, "d_model=5 is not an even number"),
        (7, 0, 10000.0, "d_model=0 is not an even number"),
        (0, 6, 10000.0, "length=0 is below 1"),
        (7, 6, 1.0, "base=1.0 is not above 1"),
        (7, 6, float("nan"), "base=nan is not above 1"),
    ],
)
def test_an_encoding_that_cannot_be_is_refused(length, d_model, base, message):
    with pytest.raises(ValueError, match=message):
        sinusoidal_encoding(length, d_model, base)


def test_wavelengths_grow_from_two_pi_towards_two_pi_times_the_base():
    found = wavelengths(6, 1000.0)
    torch.testing.assert_close(found, 2 * pi * torch.tensor([1, 10, 100], dtype=torch.float64))


def test_a_pair_of_dimensions_starts_again_after_its_wavelength():
    # base chosen so that the second wavelength is a whole number of tokens: 2π √base = 44
    encoding = sinusoidal_encoding(89, 4, (44 / (2 * pi)) ** 2, torch.float64)
    torch.testing.assert_close(encoding[44:, 2:], encoding[:-44, 2:])


@pytest.mark.parametrize("offset", [1, -1, 5, 101, 0])
@pytest.mark.parametrize(("d_model", "base"), [(2, 10000.0), (14, 100.0), (384, 10000.0)])
def test_one_matrix_moves_every_position_by_the_same_offset(offset, d_model, base):
    encoding = sinusoidal_encoding(307, d_model, base, torch.float64)
    rotation = relative_rotation(offset, d_model, base, torch.float64)
    start, moved = encoding[101:-101], encoding[101 + offset : 206 + offset]
    torch.testing.assert_close(start @ rotation, moved, rtol=0, atol=1e-12)


def test_the_offset_matrix_is_exact_to_rounding_in_single_precision():
    encoding, rotation = sinusoidal_encoding(307, 384), relative_rotation(13, 384)
    assert (encoding[:-13] @ rotation - encoding[13:]).abs().max() < 3e-7


def test_offset_matrices_are_rotations_that_add_up():
    one, two, three = (relative_rotation(k, 10, 50.0, torch.float64) for k in (1, 2, 3))
    torch.testing.assert_close(one @ two, three)
    torch.testing.assert_close(one @ one.T, torch.eye(10, dtype=torch.float64))


def test_products_of_positions_depend_on_their_distance_only():
    encoding = sinusoidal_encoding(53, 38, dtype=torch.float64)
    profile = distance_profile(encoding @ encoding.T)
    assert (profile.highest - profile.lowest).max() < 1e-12
    frequencies = 2 * pi / wavelengths(38)
    distances = torch.arange(53, dtype=torch.float64)
    expected = (distances[:, None] * frequencies).cos().sum(dim=-1)  # Σ cos(k ω)
    torch.testing.assert_close(profile.mean[52:], expected)
    torch.testing.assert_close(profile.mean[:53].flip(0), expected)
    assert expected[0].item() == pytest.approx(19)  # sin² + cos² of 19 pairs
    assert expected[1:].max() < 19


def test_a_distance_profile_matches_the_one_computed_by_hand():
    table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])
    profile = distance_profile(table)
    assert profile.distances.tolist() == [-2, -1, 0, 1, 2]
    torch.testing.assert_close(profile.mean, torch.tensor([7, 6, 16 / 3, 4, 3]))
    assert profile.lowest.tolist() == [7, 4, 1, 2, 3]
    assert profile.highest.tolist() == [7, 8, 10, 6, 3]


def test_learned_positions_are_close_when_near_but_not_by_distance_alone(encoder):
    table = torch.nn.functional.normalize(encoder.embeddings.position, dim=-1)
    for other, cosine in ((6, 0.88), (10, 0.73), (50, 0.26)):
        assert (table[5] @ table[other]).item() == pytest.approx(cosine, abs=0.006)
    profile = distance_profile(table[:128] @ table[:128].T)
    assert (profile.highest - profile.lowest)[128] > 0.5


def test_rotation_equals_multiplication_by_a_complex_number():
    x, positions = random(2, 3, 5, 14), torch.tensor([0, 1, 7, 300, -2])
    angles = positions[:, None] * 100.0 ** (-torch.arange(0, 14, 2).double() / 14)
    turned = torch.view_as_complex(x.unflatten(-1, (7, 2))) * torch.polar(
        torch.ones_like(angles), angles
    )
    expected = torch.view_as_real(turned).flatten(-2)
    torch.testing.assert_close(rotate(x, positions, 100.0), expected)


def test_rotation_keeps_lengths_and_position_zero():
    x = random(5, 14)
    turned = rotate(x, torch.arange(5))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[0], x[0])


def test_rotary_scores_depend_on_the_distance_only():
    q, k = random(14), random(14, seed=1)
    distances = torch.arange(-7, 8)
    scores = rotary_scores(q, k, distances)
    for query_at in (0, 11, 200):
        turned_q = rotate(q[None], torch.tensor([query_at]))
        turned_k = rotate(k.expand(15, 14), query_at + distances)
        torch.testing.assert_close((turned_q @ turned_k.T)[0], scores)
    assert scores[7].item() == pytest.approx((q @ k).item())


def test_alibi_slopes_are_the_published_ones():
    assert alibi_slopes(8).tolist() == [2.0**-n for n in range(1, 9)]
    twelve = [*(2.0**-n for n in range(1, 9)), *(2.0 ** (-n / 2) for n in (1, 3, 5, 7))]
    assert alibi_slopes(12).tolist() == pytest.approx(twelve)
    assert alibi_slopes(1).tolist() == [2.0**-8]


def test_alibi_without_heads_is_refused():
    with pytest.raises(ValueError, match="n_heads=0 is below 1"):
        alibi_slopes(0)


def test_without_positions_word_order_is_invisible(encoder):
    blind = Ablation(positions=False)
    order = compare_word_orders(encoder.trace(FIRST, blind), encoder.trace(SECOND, blind))
    assert order.token_distance[0] == 0
    assert order.token_distance.max() < 5e-5  # vectors of length 8: float32 rounding
    assert order.mean_difference.max() < 2e-6
    torch.testing.assert_close(order.mean_cosine, torch.ones(7))


def test_with_positions_the_same_words_in_another_order_differ(encoder):
    order = compare_word_orders(encoder.trace(FIRST), encoder.trace(SECOND))
    assert order.token_distance.shape == (7,)
    assert (order.token_distance > 3).all()
    assert order.mean_cosine[-1].item() == pytest.approx(0.965, abs=0.002)
    assert order.mean_difference[-1].item() == pytest.approx(0.25, abs=0.01)


def test_a_text_compared_with_itself_does_not_differ(encoder):
    trace = encoder.trace("The cat and the dog and the bird.")
    order = compare_word_orders(trace, trace)
    assert order.token_distance.max() == 0
    assert order.mean_difference.max() == 0


def test_word_orders_match_equal_tokens(encoder):
    first, second = encoder.trace("a b c a"), encoder.trace("c a a b")
    distances = [
        (first.embeddings.output[one] - second.embeddings.output[other]).norm().item()
        for one, other in ((0, 0), (1, 2), (2, 4), (3, 1), (4, 3), (5, 5))
    ]
    order = compare_word_orders(first, second)
    assert order.token_distance[0].item() == pytest.approx(max(distances))


def test_texts_of_other_words_are_refused(encoder):
    with pytest.raises(ValueError, match=r"differ in their tokens.*\['cat', 'dog'\]"):
        compare_word_orders(encoder.trace("the cat sat"), encoder.trace("sat the dog"))


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("The animal didn't cross the street because it was too tired.", "."),
        ("Is it you?!", "?!"),
        ('He said "stop."', '."'),
        ("one, two (three) four", ""),
        ("two words", ""),
    ],
)
def test_shuffled_words_are_the_same_words_in_another_order(encoder, text, ending):
    shuffled = shuffle_words(text, torch.Generator().manual_seed(0))
    assert shuffled != text
    assert shuffled.endswith(ending)
    body, words = text.removesuffix(ending), shuffled.removesuffix(ending)
    assert sorted(words.split()) == sorted(body.split())
    assert sorted(encoder.trace(shuffled).tokens) == sorted(encoder.trace(text).tokens)


@pytest.mark.parametrize("text", ["", "   ", "word", "word.", "!!!", "no no no no", "我喜欢。"])
def test_a_text_with_one_order_comes_back(text):
    assert shuffle_words(text, torch.Generator().manual_seed(0)) == text.strip()


def test_the_generator_decides_the_order():
    text = "one two three four five six seven eight nine ten"
    same = {shuffle_words(text, torch.Generator().manual_seed(3)) for _ in range(5)}
    others = {shuffle_words(text, torch.Generator().manual_seed(seed)) for seed in range(5)}
    assert len(same) == 1
    assert len(others) == 5


def test_positions_are_compared_on_the_device_of_the_inputs(elsewhere):
    _, trace = elsewhere
    x, positions = trace.output[:, :34], torch.arange(len(trace.tokens), device="meta")
    assert compare_word_orders(trace, trace).mean_cosine.device.type == "meta"
    assert distance_profile(trace.weights[0, 0]).mean.device.type == "meta"
    assert rotate(x, positions).device.type == "meta"
    assert rotary_scores(x[0], x[1], positions).device.type == "meta"


def test_shuffling_moves_an_emoji_like_a_word_and_keeps_marks_on_their_letter():
    generator = torch.Generator().manual_seed(1)
    assert sorted(shuffle_words("I like apples 🎈", generator).split()) == [
        "I",
        "apples",
        "like",
        "🎈",
    ]
    assert set(shuffle_words("नमस्ते दुनिया", generator).split()) == {"नमस्ते", "दुनिया"}


def test_a_word_elsewhere_changes_what_attention_adds_and_no_position(encoder):
    here, there = "dogs chase cats", "dogs chase mice"
    (mice,) = encoder.reader.read("mice").token_ids[1:-1]
    old, new = encoder.trace(here), encoder.trace(there)
    changed = exchange_token(encoder, old, 3, mice)
    assert changed.position.tolist() == [0] * 5
    update, new_update = (trace.blocks[0].attention_update for trace in (old, new))
    expected = (new_update - update).norm(dim=-1) / update.norm(dim=-1)
    torch.testing.assert_close(changed.attention, expected)
    assert changed.attention.min() > 0.005


@pytest.mark.parametrize("place", [-1, 5])
def test_a_place_outside_the_text_cannot_be_exchanged(encoder, place):
    with pytest.raises(ValueError, match=f"place={place} is outside the 5 tokens"):
        exchange_token(encoder, encoder.trace("dogs chase cats"), place, 103)


def test_two_readings_are_apart_by_the_length_of_the_difference(encoder):
    with_positions = encoder.trace(FIRST)
    without = encoder.trace(FIRST, Ablation(positions=False))
    distances = distances_by_depth(with_positions, without)
    assert distances.shape == (7, 8)
    difference = with_positions.output[3] - without.output[3]
    assert distances[6, 3].item() == pytest.approx(difference.square().sum().sqrt().item())
    assert distances_by_depth(without, without).max() == 0
