"""The tokenization page: what it says of the sentence, and what it learns when asked."""

import subprocess
import sys

import pytest

from tests.browser.conftest import ROOT
from tests.pages.conftest import ODD_SENTENCES
from tests.pages.test_all_pages import texts


def learn(app, text="", size=1_000, method="BPE"):
    app.text_area(key="own_text").set_value(text)
    app.slider(key="train_size").set_value(size)
    app.segmented_control(key="train_method").set_value(method)
    next(button for button in app.button if button.label == "Learn it").click().run()
    return texts(app)


def test_the_sentence_is_read_as_tokens_between_two_that_are_added(open_page):
    said = texts(open_page("tokenization"))
    assert "60 characters became 16 tokens; `[CLS]` and `[SEP]` are added" in said
    assert "`didn't` takes 3 tokens: `didn` `'` `t`." in said


def test_what_the_model_changes_before_cutting_is_shown(open_page):
    said = texts(open_page("tokenization", sentence="The CAFÉ in Zürich 🦜"))
    assert "The vocabulary sees `the cafe in zurich 🦜`: small letters, no accents." in said
    assert "`🦜` has no token, so the model reads `[UNK]`" in said


def test_sizes_of_pieces_stand_beside_their_vocabularies(open_page):
    app = open_page("tokenization")
    said = texts(app)
    assert "One text: 1 sentence, 12 words, 16 tokens, 60 characters or 60 bytes." in said
    assert (
        "Not in Alice, and so lost to a vocabulary of its words: `street` (1 of 12 words)" in said
    )
    table = app.table[0].value
    assert list(table["vocabulary"]) == ["808", "2,232", "30,522", "64", "256"]
    assert list(table["unknown"]) == ["1", "1", "0", "0", "0"]


@pytest.mark.parametrize("size", ["300", "1000", "2000"])
def test_four_methods_learn_as_many_pieces_as_asked(open_page, size):
    table = open_page("tokenization", methods_size=size).table[1].value
    assert list(table["method"]) == ["WordPiece", "BPE", "Unigram", "byte-level BPE"]
    assert set(table["vocabulary"]) == {f"{int(size):,}"}


def test_larger_vocabularies_take_fewer_pieces(open_page):
    small, large = (
        open_page("tokenization", methods_size=size).table[1].value["pieces"].astype(int)
        for size in ("300", "2000")
    )
    assert (large < small).all()


@pytest.mark.parametrize("method", ["WordPiece", "BPE", "Unigram", "byte-level BPE"])
def test_nothing_more_is_learned_than_the_text_gives(open_page, method):
    said = texts(open_page("tokenization", train_size="5000", train_method=method))
    assert f"{method} learned 2," in said
    assert "pieces from Alice, not 5,000" in said


def test_a_vocabulary_of_the_learners_own_text(open_page):
    said = learn(open_page("tokenization", sentence="low lower"), "low low lower lowest", 100)
    assert "pieces from your text, not 100" in said
    assert "Merge 1 of" in said


def test_what_is_typed_is_learned_only_when_the_button_is_pressed(open_page):
    app = open_page("tokenization")
    assert "BPE learned 1,000 pieces from Alice" in texts(app)
    assert "BPE learned 500 pieces from Alice" in learn(app, size=500)


def test_what_cannot_be_learned_is_refused_in_a_sentence(open_page):
    app = open_page("tokenization")
    said = learn(app, size=100, method="byte-level BPE")
    assert "starts from 256 pieces" in app.warning[0].value
    assert "BPE learned 1,000 pieces from Alice" in said
    assert not app.exception


@pytest.mark.parametrize("method", ["WordPiece", "BPE", "Unigram", "byte-level BPE"])
@pytest.mark.parametrize("text", ODD_SENTENCES.values(), ids=ODD_SENTENCES)
def test_any_text_is_learned_or_refused(open_page, text, method):
    app = open_page("tokenization")
    said = learn(app, text[:20_000], 300, method)
    assert not app.exception
    assert " learned " in said


def test_a_word_is_put_together_with_the_counts_that_decided(open_page):
    said = texts(open_page("tokenization", merge_word="animal"))
    assert "How is `animal` put together?" in said
    assert "Merge 1 of 3: `a` and `n` become `an`" in said
    assert "`a` stood before `n` 905 times in the corpus. Next was `o` before `u`, 887" in said


def test_steps_go_forward_and_back_and_stop_at_the_ends(open_page):
    app = open_page("tokenization", merge_word="animal", merge="2")
    assert "Merge 2 of 3: `a` and `l`" in texts(app)
    for _ in range(3):
        app.button(key="merge-Next").click().run()
    assert "Merge 3 of 3: `i` and `m`" in texts(app)
    for _ in range(5):
        app.button(key="merge-Back").click().run()
    assert "It begins as 6 single characters; 3 merges will follow." in texts(app)


def test_a_shorter_word_does_not_keep_a_step_it_does_not_have(open_page):
    app = open_page("tokenization", merge_word="because", merge="6")
    app.text_input(key="merge_word").set_value("it").run()
    assert not app.exception
    assert "Merge 1 of 1: `i` and `t` become `it`" in texts(app)


def test_a_word_without_merges_says_so(open_page):
    said = texts(open_page("tokenization", merge_word="猫"))
    assert "It stays 1 single character" in said
    assert "Why this pair?" not in said


@pytest.mark.parametrize("text", ODD_SENTENCES.values(), ids=ODD_SENTENCES)
def test_every_control_survives_any_text(open_page, text):
    names = ("merge_word", "merge", "methods_size", "train_size", "train_method")
    app = open_page("tokenization", **dict.fromkeys(names, text))
    assert not app.exception
    assert "put together?" in texts(app)


def test_a_text_longer_than_the_model_reads_is_cut_alike_in_all_rows(open_page):
    said = texts(open_page("tokenization", sentence="word " * 190))
    assert "128 tokens" in said
    assert "126 words, 128 tokens" in said


def test_the_whole_page_is_shown_without_pytorch():
    script = (
        "import sys; from streamlit.testing.v1 import AppTest; import pages.ui.lesson as lesson;"
        "lesson.SECTIONS_AT_FIRST = 99;"
        f"app = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=60);"
        "app.switch_page('pages/tokenization.py').run();"
        "assert app.table and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)
