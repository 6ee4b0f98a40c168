"""The glossary under searches of any kind."""

import pytest

from tests.pages.conftest import ODD_SENTENCES
from tests.pages.test_all_pages import texts


def names(app):
    return [heading.value for heading in app.subheader]


def test_all_terms_are_there_in_order_with_their_sentences(open_page):
    app = open_page("glossary")
    assert names(app)[:2] == ["Ablation", "ALiBi"]
    assert len(names(app)) > 60
    assert "A measure of how evenly weights are spread" in texts(app)


def test_a_search_shows_the_terms_that_have_it_and_how_many(open_page):
    app = open_page("glossary")
    app.text_input(key="term").set_value("skip conn").run()
    assert names(app) == ["Residual connection"]
    assert "1 of " in texts(app)
    app.text_input(key="term").set_value("").run()
    assert len(names(app)) > 60


def test_an_address_can_name_a_search(open_page):
    app = open_page("glossary", term="lstm")
    assert names(app) == ["LSTM"]


def test_a_search_without_result_says_so_and_quotes_it(open_page):
    app = open_page("glossary", term="**b** [x](https://evil.example)")
    assert names(app) == []
    assert app.info[0].value == (
        "No term has `**b** [x](https://evil.example)`. Try a part of the word, or empty the box."
    )


@pytest.mark.parametrize("search", ODD_SENTENCES.values(), ids=ODD_SENTENCES)
def test_any_search_is_answered(open_page, search):
    app = open_page("glossary")
    app.text_input(key="term").set_value(search[:60]).run()
    assert not app.exception
    assert bool(names(app)) != bool(app.info)


def test_links_in_a_lesson_carry_the_sentence(open_page):
    app = open_page("encoder", sentence="Hi!")
    assert "[tokens](/glossary?sentence=%48%69%21#token " in texts(app)
