"""The page on positional encoding: what it measures, and what the address decides."""

import re

import numpy as np
import pytest
import torch

from core.pretrained import load_encoder
from tests.pages.test_predict import revealed


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_without_positions_word_order_is_invisible_and_with_them_it_is_seen(open_page):
    first, shuffled, *_ = looked_for(open_page("positional_encoding"))
    assert "by up to 0.25 after the last; the cosine of the two is 0.965" in first
    assert "ithout" not in first  # the next figure asks what happens without
    assert "at most 5 · 10⁻⁷ in any" in shuffled
    assert "The student and the apple without positions: 5 · 10⁻⁷." in shuffled


def test_the_page_holds_the_measured_numbers_of_the_model(open_page):
    sentences = " ".join(looked_for(open_page("positional_encoding")))
    assert "5 and 10 of 0.73, 5 and 50 of 0.26" in sentences
    assert "position is 0.43, of a word 1.04" in sentences
    assert "largest error is 1 · 10⁻⁷" in sentences


def test_another_shuffle_gives_another_order_and_goes_into_the_address(open_page):
    app = open_page("positional_encoding")
    before = looked_for(app)[1]
    app.button(key="shuffle-next").click().run()
    assert app.query_params["shuffle"] == "2"
    assert looked_for(app)[1] != before


@pytest.mark.parametrize("sentence", ["word", "the the the the", "猫坐在垫子上。"])
def test_words_of_one_order_make_room_for_the_student_and_the_apple(open_page, sentence):
    app = open_page("positional_encoding", sentence=sentence)
    assert "Shuffled: `An apple is eating the student`" in looked_for(app)[1]
    assert "no other order" in app.info[0].value


@pytest.mark.parametrize("sentence", ["I like apples 🎈", "नमस्ते दुनिया", "so it is [MASK]"])
def test_words_whose_tokens_might_change_with_the_order_are_read(open_page, sentence):
    assert len(looked_for(open_page("positional_encoding", sentence=sentence))) >= 12


def test_a_text_that_is_too_long_is_shuffled_as_far_as_it_is_read(open_page):
    numbered = " ".join(f"word{number}" for number in range(200))
    shuffled = looked_for(open_page("positional_encoding", sentence=numbered))[1]
    assert "word2" in shuffled
    assert "word199" not in shuffled


@pytest.mark.parametrize(
    "address",
    [
        {"pe_length": "1e309", "pe_width": "7", "pe_base": "0"},
        {"pe_length": "-3", "pe_width": "nan", "pe_base": "x"},
        {"pe_dims": "255", "pe_width": "4"},
        {"pe_dims": "-1", "pe_from": "500", "pe_step": "0", "shuffle": "0"},
        {"shuffle": "99999999999999999999"},
    ],
)
def test_bad_addresses_give_a_sensible_page(open_page, address):
    assert len(looked_for(open_page("positional_encoding", **address))) == 13


def test_the_address_decides_what_is_drawn(open_page):
    address = {"pe_length": "32", "pe_width": "8", "pe_base": "100", "pe_from": "7", "pe_step": "9"}
    app = open_page("positional_encoding", shuffle="5", **address)
    sentences = " ".join(looked_for(app))
    assert "Within 32 positions 2 of 4 pairs" in sentences
    assert "on by 9;" in sentences
    assert app.slider(key="shuffle").value == 5
    assert "How do you get from position 7 to 16?" in [text.value for text in app.subheader]


SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "Unbelievable tokenizers! 🦜",
    "word " * 150,
    "[MASK]",
)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def read(encoder, token_ids, positions):
    """Read tokens by hand: what block 1 gets, what attention adds there, what comes out."""
    tables = encoder.embeddings
    x = tables.token[token_ids] + tables.segment[0]
    if positions:
        x = x + tables.position[: len(token_ids)]
    with torch.inference_mode():
        blocks = encoder.run_blocks(tables.norm(x))
    return blocks[0].attention_update.numpy(), blocks[-1].output.numpy()


@pytest.mark.parametrize(
    ("sentence", "read_sentence"),
    [(SENTENCES[0], SENTENCES[0]), ("red green blue", "red green blue"), ("x", "The student is")],
)
def test_without_positions_any_order_of_the_tokens_gives_the_same_mean(
    open_page, encoder, sentence, read_sentence
):
    kept = revealed(
        open_page("positional_encoding", sentence=sentence, ask="true"),
        "positional_encoding.without-positions",
    )
    assert read_sentence in kept.ask
    assert kept.truth == "not at all"
    token_ids = list(encoder.reader.read(read_sentence).token_ids)
    for positions, differs in ((True, True), (False, False)):
        forward, backward = (
            read(encoder, ids, positions)[1].mean(axis=0)
            for ids in (token_ids, [token_ids[0], *token_ids[-2:0:-1], token_ids[-1]])
        )
        assert (np.abs(forward - backward).max() > 1e-4) == differs


@pytest.mark.parametrize(
    ("sentence", "word", "other"),
    [
        (SENTENCES[0], "tired", "too"),
        (SENTENCES[1], "unbelievable", "token"),
        (SENTENCES[2], "word", "word"),
        ("!", "!", "[SEP]"),
        ("[MASK]", "[CLS]", "[MASK]"),
    ],
)
def test_an_exchanged_word_changes_what_attention_adds_by_as_much_as_is_said(
    open_page, encoder, sentence, word, other
):
    kept = revealed(
        open_page("positional_encoding", sentence=sentence, ask="true"),
        "positional_encoding.exchange",
    )
    reading = encoder.reader.read(sentence)
    token_ids, place = list(reading.token_ids), int(re.search(r"at place (\d+)", kept.ask)[1]) - 1
    assert f"“{word}” is replaced" in kept.ask
    assert f"added to “{other}”" in kept.ask
    assert reading.tokens[place] == other
    assert kept.truth == "what attention adds"
    old = read(encoder, token_ids, positions=True)[0][place]
    last = max(i for i, token in enumerate(reading.tokens) if token == word and i != place)
    token_ids[last] = encoder.reader.tokenizer.token_to_id("[MASK]")
    new = read(encoder, token_ids, positions=True)[0][place]
    assert f"{np.linalg.norm(new - old) / np.linalg.norm(old):.0%} of its length" in kept.because


@pytest.mark.parametrize("sentence", SENTENCES)
def test_words_and_positions_are_found_in_the_sum_by_hand_as_well(open_page, encoder, sentence):
    kept = revealed(
        open_page("positional_encoding", sentence=sentence, ask="true"),
        "positional_encoding.read-back",
    )
    tables = encoder.embeddings
    token_ids = encoder.reader.read(sentence).token_ids
    words, positions = tables.token.detach().numpy(), tables.position.detach().numpy()
    n_words = n_positions = 0
    for place, number in enumerate(token_ids):
        total = words[number] + positions[place] + tables.segment[0].detach().numpy()
        n_words += (words @ total / np.linalg.norm(words, axis=1)).argmax() == number
        n_positions += (positions @ total / np.linalg.norm(positions, axis=1)).argmax() == place
    assert kept.truth == str(n_words)
    assert kept.because.endswith(f"{n_positions} of the positions can be read back, too.")


def test_the_shared_words_of_two_sentences_are_compared_without_positions(open_page, encoder):
    sentences = {"sentence": "Dogs chase cats.", "second": "The dogs chase cats."}
    said = looked_for(open_page("positional_encoding", **sentences))[-1]
    moved = []
    for text, shared in zip(sentences.values(), (slice(None), [0, 2, 3, 4, 5, 6]), strict=True):
        token_ids = list(encoder.reader.read(text).token_ids)
        whole, bare = (read(encoder, token_ids, positions)[1] for positions in (True, False))
        moved.append(np.linalg.norm(whole - bare, axis=-1)[shared])
    first, second = map(np.median, moved)
    assert f"move the 6 shared tokens by {first:.1f} in your sentence and by {second:.1f}" in said
    most = np.abs(moved[1] - moved[0]).argmax()
    assert said.endswith(f"{moved[0][most]:.1f} and {moved[1][most]:.1f}.")


def test_a_second_sentence_without_a_shared_word_is_not_compared(open_page):
    app = open_page("positional_encoding", sentence="Dogs bark", second="snow")
    assert "shares a word" in app.info[-1].value
