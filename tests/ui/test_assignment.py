"""A teacher's link: what it says comes back, and what it should not say is left out."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui.assignment import MAX_NOTE, MAX_TITLE, Assignment, link, read, refused, written

FULL = Assignment(
    "Attention, part 1",
    "Answer & compare: 50 % <b>?</b>",
    ("weights", "sinks"),
    ("menu", "sentence"),
    ("block",),
    ("most-received",),
    present=True,
)


def opened(address):
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def test_what_a_link_says_comes_back():
    address = link("http://host/self_attention?old=1", {"sentence": "a b&c=d", "block": "2"}, FULL)
    parameters = opened(address)
    assert address.startswith("http://host/self_attention?")
    assert read(parameters) == FULL
    assert parameters["sentence"] == "a b&c=d"
    assert parameters["block"] == "2"
    assert "old" not in parameters


def test_a_link_made_from_a_link_carries_only_the_new_assignment():
    state = {"block": "2"} | written(FULL)
    assert opened(link("http://host/x", state, Assignment())) == {"block": "2"}


def test_an_empty_assignment_says_nothing():
    assert written(Assignment()) == {}
    assert read({}) == Assignment()


@pytest.mark.parametrize("name", ["only", "hide", "lock", "asked"])
def test_names_are_names_and_nothing_that_could_be_a_rule_of_style(name):
    found = read({name: "good,{display:none},a b,../x,<b>,,also-good,ü"})
    assert getattr(found, name) == ("good", "also-good")


def test_title_and_note_are_one_line_of_readable_text_and_not_too_long():
    found = read({"title": "a\x00b\u202ec\nd" + "x" * 100, "note": "y" * 1_000})
    assert found.title == ("abc d" + "x" * 100)[:MAX_TITLE]
    assert found.note == "y" * MAX_NOTE


@given(st.dictionaries(st.sampled_from(Assignment._fields), st.text(), max_size=7))
def test_any_address_is_read_and_what_was_read_is_written_as_it_was(parameters):
    found = read(parameters)
    assert read(written(found)) == found


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"sentence": "anything", "block": "6", "head": "1", "ask": "false", "depth": "Numbers"},
        {"title": "x", "embed": "true", "embed_options": "light_theme", "present": "1"},
        {"methods_size": "300"},  # of another page, brought along
    ],
)
def test_what_fits_is_not_mentioned(parameters):
    assert refused("self_attention", parameters) == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"block": "99"}, "“block” cannot be “99”; it stands at its default."),
        ({"depth": "Deep"}, "“depth” cannot be “Deep”; it stands at its default."),
        ({"ask": "maybe"}, "“ask” cannot be “maybe”; it stands at its default."),
        ({"colour": "red"}, "No control here is called “colour”."),
    ],
)
def test_what_does_not_fit_is_named(parameters, said):
    assert refused("self_attention", parameters) == [said]


def test_of_many_bad_values_only_the_first_few_are_named():
    assert len(refused("self_attention", {f"x{i}": "1" for i in range(50)})) == 5
