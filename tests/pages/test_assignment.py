"""A teacher's link opens what it says; every name in the address is documented."""

import yaml

from tests.pages import addresses
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import offered


def test_only_the_named_sections_are_gone_through_and_nothing_after_them(open_page):
    app = open_page("tokenization", only="units")
    assert "Which tokens do two sentences share?" not in [f.value for f in app.subheader]
    assert "Sentences, words, characters or bytes" in [header.value for header in app.header]
    assert not [link for link in app.get("page_link") if link.proto.label.startswith("Next")]


def test_sections_of_another_lesson_leave_this_one_whole(open_page):
    app = open_page("tokenization", only="sinks")
    assert "Which tokens do two sentences share?" in [f.value for f in app.subheader]


def test_only_the_chosen_questions_are_asked(open_page):
    app = open_page("tokenization", ask="true", asked="whole-words", merge="1")
    assert list(offered(app)) == ["tokenization.whole-words"]


def test_a_teachers_words_are_plain_text(open_page):
    app = open_page("tokenization", title="*A* [x](http://y)", note="<b>Do</b> :smile: $x$")
    said = app.info[0].value.replace("\u2060", "")
    assert r"\*A\* \[x\]\(http\:\/\/y\)" in said
    assert r"\<b\>Do\<\/b\> \:smile\: \$x\$" in said


def test_the_link_stays_on_the_way_and_can_be_left(open_page):
    app = open_page("tokenization", title="Part 1")
    app.switch_page("pages/embeddings.py").run()
    assert "Part 1" in app.info[0].value
    app.button(key="leave").click().run()
    assert not [info for info in app.info if "Part 1" in info.value]


def test_a_value_that_was_ignored_is_named(open_page):
    app = open_page("tokenization", methods_size="77", depth="Story")
    assert "methods\\_size" in app.warning[0].value
    app.switch_page("pages/embeddings.py").run()
    assert not app.warning


def test_names_of_no_section_question_or_control_leave_a_page_that_works(open_page):
    app = open_page("tokenization", only="nothing", hide="nothing", lock="x", asked="none")
    assert not app.exception
    assert "What does the model read?" in [f.value for f in app.subheader]


def test_every_name_in_the_address_is_documented_as_it_is():
    written = yaml.safe_load(addresses.FILE.read_text(encoding="utf-8"))
    assert written == addresses.addresses(), "run python -m tests.pages.addresses"


def test_the_table_of_addresses_shows_a_page(open_page):
    app = open_page("classroom")
    assert "title" in list(app.table[0].value["name"])
    app.selectbox[0].select("Self-attention").run()
    assert "block" in list(app.table[1].value["name"])
    assert "present=1" in texts(app)
