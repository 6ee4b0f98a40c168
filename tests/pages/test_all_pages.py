"""What holds for every page of the menu: odd sentences, odd addresses."""

import pytest

from pages.ui.menu import HOME, LESSONS
from tests.pages.conftest import ODD_SENTENCES

TOPICS = [topic.name for topic in (HOME, *LESSONS)]
ODD_ADDRESSES = {
    "out of range": {"block": "99", "head": "-3", "token": "1000", "share": "999", "view": "pie"},
    "no numbers": {"block": "nan", "head": "abc", "token": "x", "share": "1e309", "cell": "a-b-c"},
    "endless numbers": {"token": "9" * 5_000, "share": "9" * 5_000, "cell": f"q-1-1-{'9' * 5_000}"},
    "infinity": dict.fromkeys(
        ("block", "seed", "shuffle", "out_token", "out_column", "train_size", "merge"), "1e309"
    ),
    "unknown names": {"colour": "red", "DROP TABLE": "1", "block ": "2"},
    "empty values": dict.fromkeys(
        ("block", "sentence", "off", "without", "make", "mask", "source", "seed", "temperature"), ""
    ),
    "forged lists": {"off": "L99H1", "without": "everything", "mask": "all", "source": "yours"},
}


def texts(app) -> str:
    blocks = [*app.markdown, *app.title, *app.header, *app.subheader, *app.caption]
    return "\n".join(block.value for block in blocks)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("sentence", ODD_SENTENCES.values(), ids=ODD_SENTENCES)
def test_every_page_reads_any_sentence(open_page, topic, sentence):
    app = open_page(topic, sentence=sentence, second=sentence, depth="Numbers")
    assert not app.exception
    assert app.title


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("address", ODD_ADDRESSES.values(), ids=ODD_ADDRESSES)
def test_every_page_survives_any_address(open_page, topic, address):
    app = open_page(topic, **address)
    assert not app.exception
    assert app.title


def test_an_empty_sentence_is_answered_with_what_to_do(open_page):
    app = open_page("home", sentence="   ")
    assert "type a sentence above" in texts(app)


def test_what_did_not_fit_is_said(open_page):
    app = open_page("home", sentence="word " * 300)
    assert "Only the first 1,000 of 1,499 characters are read." in texts(app)
    assert "The model reads 128 tokens; the last" in texts(app)


def test_a_sample_becomes_the_sentence_and_says_why(open_page):
    app = open_page("home")
    app.menu_button(key="sample").click("An apple is eating the student.").run()
    assert app.text_input(key="sentence").value == "An apple is eating the student."
    assert "Only positions tell the two apart" in texts(app)


def test_the_sentence_moves_along_to_the_next_page(open_page):
    app = open_page("home")
    app.text_input(key="sentence").set_value("Birds sing.").run()
    app.switch_page("pages/self_attention.py").run()
    assert app.text_input(key="sentence").value == "Birds sing."
