"""Equal tokens of two texts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.alignment import aligned_places, shared_tokens

TOKENS = st.lists(st.sampled_from("abc"), max_size=11)


def test_what_stands_around_a_changed_word_is_shared():
    first, second = ["it", "was", "too", "tired", "."], ["it", "was", "very", "very", "wide", "."]
    assert shared_tokens(first, second) == [(0, 0), (1, 1), (4, 5)]


def test_texts_without_a_common_token_share_nothing():
    assert shared_tokens(["a"], ["b"]) == []


@given(TOKENS, TOKENS)
def test_pairs_are_equal_tokens_in_order(first, second):
    pairs = shared_tokens(first, second)
    assert all(first[i] == second[j] for i, j in pairs)
    assert all(i < k and j < l for (i, j), (k, l) in pairwise(pairs))  # noqa: E741


@given(TOKENS)
def test_a_text_shares_every_token_with_itself(tokens):
    assert shared_tokens(tokens, tokens) == [(i, i) for i in range(len(tokens))]


@given(TOKENS, TOKENS)
def test_side_by_side_every_token_stands_once_and_in_order(first, second):
    rows = aligned_places(first, second)
    assert [i for i, _ in rows if i is not None] == list(range(len(first)))
    assert [j for _, j in rows if j is not None] == list(range(len(second)))
    assert [row for row in rows if None not in row] == shared_tokens(first, second)
