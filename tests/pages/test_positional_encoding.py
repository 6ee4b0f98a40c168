"""The page on positional encoding: what it measures, and what the address decides."""

import pytest


def looked_for(app):
    assert not app.exception
    return [text.value for text in app.markdown if text.value.startswith(":material/visibility:")]


def test_without_positions_word_order_is_invisible_and_with_them_it_is_seen(open_page):
    first, shuffled, *_ = looked_for(open_page("positional_encoding"))
    assert "10⁻⁷" in first
    assert "up to 0.25, cosine 0.965" in first
    assert "10⁻⁷" in shuffled


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
def test_words_of_one_order_get_a_sentence_instead_of_a_shuffle(open_page, sentence):
    app = open_page("positional_encoding", sentence=sentence)
    assert len(looked_for(app)) == 9
    assert "no other order" in app.info[0].value


@pytest.mark.parametrize("sentence", ["I like apples 🎈", "नमस्ते दुनिया", "so it is [MASK]"])
def test_words_whose_tokens_might_change_with_the_order_are_read(open_page, sentence):
    assert len(looked_for(open_page("positional_encoding", sentence=sentence))) >= 9


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
    assert len(looked_for(open_page("positional_encoding", **address))) == 10


def test_the_address_decides_what_is_drawn(open_page):
    address = {"pe_length": "32", "pe_width": "8", "pe_base": "100", "pe_from": "7", "pe_step": "9"}
    app = open_page("positional_encoding", shuffle="5", **address)
    sentences = " ".join(looked_for(app))
    assert "Within 32 positions 2 of 4 pairs" in sentences
    assert "on by 9;" in sentences
    assert app.slider(key="shuffle").value == 5
    assert "How do you get from position 7 to 16?" in [text.value for text in app.subheader]
