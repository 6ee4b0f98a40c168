"""The glossary's terms are complete and well made, are found, and are linked with restraint."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pages.ui.glossary import (
    LINKS_AT_MOST,
    Term,
    find_terms,
    link_terms,
    parse_glossary,
    with_sentence,
)
from pages.ui.menu import HOME, LESSONS
from pages.ui.text import LessonText, parse_lesson

ASSETS = Path(__file__).parents[2] / "assets"
WRITTEN = (ASSETS / "glossary.yaml").read_text(encoding="utf-8")
TERMS = parse_glossary(WRITTEN)
TEXTS = {
    file.stem: parse_lesson(file.read_text(encoding="utf-8"))
    for file in sorted(ASSETS.glob("lessons/*.md"))
}
LINK = re.compile(r"\[([^\[\]]+)\]\(/glossary#([\w-]+)(?: \"[^\"]+\")?\)")
# The keywords of the seven chapters that the course is built on.
KEYWORDS = """
rnn, recurrent neural network, lstm, long-term memory, encoder-decoder, sequence processing,
vanishing gradient, exploding gradient, bptt, gpu, parallelism, training speed, instability,
limitation, transformer, google brain, parallel computation, vanishing gradient problem,
language translation, sequence-to-sequence, input processing, tokenization, token, encoding,
embedding, semantic representation, text processing, positional encoding, sequence order,
token order, periodic function, input embedding, vector representation, encoder,
sequence transformation, hidden representation, context representation, parallel generation,
input vector, encoder block, self-attention, feed-forward, skip connection, normalization,
query, key, value, attention weight, word importance, mapping function, attention score,
sequence encoding, scaled dot-product attention, matrix multiplication, softmax, weight scaling,
differentiable function
"""


def names_of(term: Term) -> set[str]:
    return {name.casefold().replace("–", "-") for name in term.names}


def term(name, *also, lesson="elsewhere", section="", not_in=()):
    return Term(name, "One. Two.", lesson, section, also, not_in)


def linked(text, *terms, topic="here", section="part"):
    lesson = LessonText("", {section: ("Title", text)})
    return link_terms(lesson, topic, terms).sections[section][1].replace(' "One.")', ")")


ATTENTION = term("Attention")
SELF_ATTENTION = term("Self-attention")
STATE = term("Hidden state", "hidden states")


# The terms


@pytest.mark.parametrize("entry", yaml.safe_load(WRITTEN), ids=lambda entry: entry["term"])
def test_an_entry_has_a_name_two_sentences_and_a_lesson_and_nothing_unknown(entry):
    assert {"term", "text", "lesson"} <= set(entry) <= {"term", "text", "lesson", "also", "not_in"}
    assert len(re.findall(r"[.?!](?=\s|$)", entry["text"])) == 2
    assert entry["text"].endswith(".")
    assert all(isinstance(name, str) for name in (*entry.get("also", ()), *entry.get("not_in", ())))
    assert "](" not in entry["text"]


def test_names_and_places_are_unique():
    names = [name for entry in TERMS for name in names_of(entry)]
    assert sorted(set(names)) == sorted(names)
    assert len({entry.slug for entry in TERMS}) == len(TERMS)


@pytest.mark.parametrize("entry", TERMS, ids=lambda entry: entry.name)
def test_a_term_leads_to_a_lesson_and_a_section_that_exist(entry):
    topics = {topic.name for topic in (HOME, *LESSONS)} - {"glossary"}
    assert {entry.topic, *entry.not_in} <= topics
    assert not entry.section or entry.section in TEXTS[entry.topic].sections


@pytest.mark.parametrize("keyword", KEYWORDS.replace("\n", " ").split(","))
def test_every_keyword_of_the_course_text_is_the_name_of_a_term(keyword):
    assert any(keyword.strip() in names_of(entry) for entry in TERMS)


def test_terms_stand_in_the_order_of_the_alphabet():
    assert [entry.slug for entry in TERMS] == sorted(entry.slug for entry in TERMS)
    assert TERMS[0].name == "Ablation"


def test_a_place_is_written_with_letters_digits_and_hyphens():
    assert term("Gradient × input").slug == "gradient-input"
    assert term("Encoder–decoder").slug == "encoder-decoder"
    assert term("Q, K and V").slug == "q-k-and-v"


# Search


@pytest.mark.parametrize("search", ["lstm", "LSTM", "long short-term", "long short term"])
def test_a_term_is_found_by_any_name_whatever_its_case_and_dashes(search):
    assert [found.name for found in find_terms(TERMS, search)] == ["LSTM"]


def test_explanations_are_searched_only_if_no_name_has_the_words():
    assert {found.name for found in find_terms(TERMS, "hochreiter")} == {"LSTM"}
    assert {found.name for found in find_terms(TERMS, "softmax")} == {"Softmax"}


def test_no_words_find_all_terms_and_strange_words_none():
    assert find_terms(TERMS, "") == find_terms(TERMS, " – ") == list(TERMS)
    assert find_terms(TERMS, "xylophone") == []


# Links


def test_the_first_occurrence_is_linked_and_no_other():
    expected = "Some [attention](/glossary#attention), then attention."
    assert linked("Some attention, then attention.", ATTENTION) == expected


def test_who_points_at_a_link_reads_the_first_sentence():
    odd = Term("Odd", 'The "cell" `c` of $x_{1}$, 0.5 of it. More.', "elsewhere", "", (), ())
    lesson = LessonText("An odd one.", {})
    assert link_terms(lesson, "here", [odd]).lead == (
        'An [odd](/glossary#odd "The ”cell” c of x_1, 0.5 of it.") one.'
    )
    assert all('"' not in entry.gist and len(entry.gist) < 300 for entry in TERMS)


def test_a_term_is_linked_once_on_a_page():
    lesson = LessonText(
        "Attention!", {"one": ("Attention", "Attention."), "two": ("T", "Attention.")}
    )
    assert link_terms(lesson, "here", [ATTENTION]) == LessonText(
        '[Attention](/glossary#attention "One.")!',
        {"one": ("Attention", "Attention."), "two": ("T", "Attention.")},
    )


def test_the_longest_name_wins_and_its_parts_are_left():
    text = linked("Self-attention is attention; self-attention.", ATTENTION, SELF_ATTENTION)
    assert text == (
        "[Self-attention](/glossary#self-attention) is [attention](/glossary#attention);"
        " self-attention."
    )


def test_other_forms_lead_to_the_same_term_also_over_a_line_break():
    assert linked("its hidden\nstates", STATE) == "its [hidden\nstates](/glossary#hidden-state)"


@pytest.mark.parametrize(
    ("text", "name"),
    [("encoder–decoder", "Encoder-decoder"), ("encoder-decoder", "Encoder–decoder")],
)
def test_a_hyphen_and_a_dash_are_the_same(text, name):
    assert linked(text, term(name)) == f"[{text}](/glossary#encoder-decoder)"


@pytest.mark.parametrize(
    "text",
    [
        "inattention",
        "attentions",
        "attention_view",
        "attention-like",
        "non–attention",
        "`attention`",
        "`` a ` attention ``",
        "```\nattention\n```",
        "~~~\nattention\n~~~",
        "$attention$",
        "$a +\nattention$",
        "$$\nattention\n$$",
        "[attention](https://example.com)",
        "[the [old] attention](#attention)",
        "[attention][1]",
        "![attention](attention.png)",
        "<https://example.com/attention>",
        "see https://example.com/attention now",
        "# Attention",
        "Text.\n\n### On attention",
        ":material/attention:",
    ],
)
def test_parts_of_words_code_formulas_links_and_headings_stay_as_they_are(text):
    assert linked(text, ATTENTION) == text


def test_what_is_left_alone_does_not_count_as_the_first_occurrence():
    text = linked("`attention` and $attention$ are attention.", ATTENTION)
    assert text == "`attention` and $attention$ are [attention](/glossary#attention)."


def test_emphasis_stays_around_a_link():
    assert linked("the *attention* of", ATTENTION) == "the *[attention](/glossary#attention)* of"


def test_a_page_does_not_link_what_it_is_about_nor_a_section_what_it_explains():
    topic_word = term("Attention", lesson="here")
    explained = term("Mask", lesson="here", section="part")
    assert linked("attention, mask", topic_word, explained) == "attention, mask"
    assert "[mask]" in linked("attention, mask", topic_word, explained, section="other")


def test_a_word_that_means_something_else_in_a_lesson_is_not_linked_there():
    query = term("Query", not_in=("search",))
    assert linked("a query", query, topic="search") == "a query"
    assert linked("a query", query, topic="here") == "a [query](/glossary#query)"


def test_a_section_gets_few_links_and_those_to_other_lessons_first():
    own = [term(f"own {name}", lesson="here", section="other") for name in "ab"]
    others = [term(f"word {name}") for name in "abc"]
    text = linked("own a, own b, word a, word b, word c", *own, *others)
    assert [label for label, _ in LINK.findall(text)] == ["own a", "word a", "word b", "word c"]


@given(st.text(alphabet=" \n`$[]()#*-–\\aAtteniohd", max_size=80))
def test_linking_adds_links_and_changes_nothing_else(text):
    assert LINK.sub(r"\1", linked(text, ATTENTION, term("A"), term("One", "hi", "not"))) == text


@pytest.mark.parametrize("name", TEXTS)
def test_links_in_a_lesson_are_few_differ_and_leave_its_text_as_it_was(name):
    lesson = link_terms(TEXTS[name], name, TERMS)
    before = [TEXTS[name].lead, *(text for _, text in TEXTS[name].sections.values())]
    after = [lesson.lead, *(text for _, text in lesson.sections.values())]
    assert [LINK.sub(r"\1", text) for text in after] == before
    links = [LINK.findall(text) for text in after]
    assert max(map(len, links)) <= LINKS_AT_MOST
    slugs = [slug for section in links for _, slug in section]
    assert len(set(slugs)) == len(slugs)
    assert {entry.slug for entry in TERMS} >= set(slugs)


def test_lessons_are_linked_and_the_glossary_not_to_itself():
    with_links = {name for name, text in TEXTS.items() if link_terms(text, name, TERMS) != text}
    assert {topic.name for topic in LESSONS if topic.minutes >= 10} <= with_links
    assert "glossary" not in with_links


# The sentence goes along


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_a_link_carries_any_sentence_and_stays_one_link(sentence):
    text = with_sentence('A [word](/glossary#word "One.") and [more](https://a.example).', sentence)
    tokens = MarkdownIt().parseInline(text)[0].children
    links = [token.attrs["href"] for token in tokens if token.type == "link_open"]
    assert links[1:] == ["https://a.example"]
    address = urlsplit(links[0])
    assert (address.netloc, address.path, address.fragment) == ("", "/glossary", "word")
    assert parse_qs(address.query) == {"sentence": [sentence]}
