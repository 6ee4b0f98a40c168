"""The page on sentence meaning: what it says of real sentences, and of lines it cannot use."""

import re

import numpy as np
import pytest
import torch

from core.pretrained import load_encoder
from pages.ui.bar import DEFAULT_SENTENCE
from pages.ui.cached import sentence_meaning as cached
from pages.ui.controls.sentence_meaning import MAX_EXAMPLES, parse_examples, parse_lines
from tests.pages.conftest import ODD_SENTENCES
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import offered


@pytest.fixture
def meaning(open_page):
    def open_it(lines=None, examples=None, **address):
        app = open_page("sentence_meaning", **address)
        for key, text in (("lines", lines), ("examples", examples)):
            if text is not None:
                app.text_area(key=key).set_value(text)
        for button in app.button:
            button.click()
        return app.run()

    return open_it


def infos(app):
    return [info.value for info in app.info]


# Lines


def test_empty_lines_are_dropped_and_lines_are_cleaned():
    kept, notes = parse_lines("\n  One.  \n\n\t\nTwo\x00.\r\n", 12)
    assert kept == ["One.", "Two."]
    assert notes == ["Line 2: 1 invisible control characters were taken out."]


def test_too_many_lines_are_cut_with_a_note():
    kept, notes = parse_lines("\n".join("abcdefghijklmno"), 12)
    assert kept == list("abcdefghijkl")
    assert notes == ["Only the first 12 of 15 lines are read."]


def test_a_line_longer_than_the_model_reads_is_named():
    _, notes = parse_lines("short\n" + "word " * 150, 12)
    assert notes == ["Line 2: the model reads 128 tokens; the last 24 are left out."]


def test_a_line_is_a_label_a_colon_and_a_sentence():
    examples, notes = parse_examples(
        "food: Soup: hot!\n乐趣：我们玩\n no label \n:x\nfun:\n a :  b"
    )
    assert examples == (("food", "Soup: hot!"), ("乐趣", "我们玩"), ("a", "b"))
    assert [note[:17] for note in notes] == [f"Line {n} is skipped" for n in (3, 4, 5)]
    assert notes[0].endswith("a colon and a sentence: `no label`")


def test_examples_are_bounded():
    examples, notes = parse_examples("\n".join(f"l{n}: x" for n in range(MAX_EXAMPLES + 5)))
    assert len(examples) == MAX_EXAMPLES
    assert notes == [f"Only the first {MAX_EXAMPLES} of {MAX_EXAMPLES + 5} lines are read."]


# The page as it opens


def test_every_figure_speaks_of_real_sentences_without_a_click(open_page):
    said = texts(open_page("sentence_meaning"))
    assert "`animal` gives most, 8.5%" in said
    assert "Most alike, 0.57: `The stock market fell sharply today.` (line 4)" in said
    assert "is `A dog was too exhausted to walk over the road.`, 0.77" in said
    assert "`animals` wins with 0.42" in said
    assert "Of the 12 lines, each judged without having been learned, 11" in said
    assert re.search(r"The probe says: `animals` 8\d\.\d%", said)
    assert "Without `animal`, `animals` would have" in said


def test_the_limits_are_measured(open_page):
    app = open_page("sentence_meaning")
    assert (
        "In 14 of 15 ready examples the sentence with the other meaning comes closer than the "
        "paraphrase: negation 5 of 5, numbers 4 of 5, word order 5 of 5."
    ) in texts(app)


def test_shares_of_the_tokens_add_up_in_the_table(open_page):
    app = open_page("sentence_meaning", sentence="Birds sing.")
    assert "an even share would be 20.0%" in texts(app)  # birds, sing and . between two specials


# What the learner writes


def test_own_lines_are_compared_and_searched(meaning):
    app = meaning(
        lines="Rain fell all day.\nIt was wet outside.\nThe goalkeeper was hurt.",
        query="a football player is injured",
    )
    said = texts(app)
    assert "Most alike" in said
    assert "(line 1) and `It was wet outside.` (line 2)" in said
    assert "Nearest to `a football player is injured` is `The goalkeeper was hurt.`" in said


def test_a_question_finds_the_line_that_answers(open_page):
    said = texts(open_page("sentence_meaning", query="What did she bake?"))
    assert "`What did she bake?` is `She baked a chocolate cake for his birthday.`" in said


def test_duplicate_lines_are_alike(meaning):
    said = texts(meaning(lines="The same.\nThe same.\nAnother."))
    assert "Most alike, 1.00: `The same.` (line 1) and `The same.` (line 2)" in said


@pytest.mark.parametrize("lines", ["Only one.", "\n Only one. \n\n"])
def test_one_line_is_asked_for_a_second_and_still_searched(meaning, lines):
    app = meaning(lines=lines)
    assert infos(app) == ["Write at least two sentences, each on a line of its own."]
    assert "is `Only one.`" in texts(app)


def test_no_line_at_all_says_what_to_do(meaning):
    assert infos(meaning(lines=" \n ")) == [
        "Write at least two sentences, each on a line of its own.",
        "There is nothing to search in: write some lines in the box above.",
    ]


@pytest.mark.parametrize("text", ["", "food", ", ,food,food,"])
def test_one_label_is_asked_for_a_second(open_page, text):
    app = open_page("sentence_meaning", labels=text)
    assert infos(app) == ["Give at least two labels, with commas between them."]


def test_labels_from_the_address_sort_the_sentence(open_page):
    said = texts(
        open_page("sentence_meaning", labels="tennis, cooking", sentence="Chop the onions.")
    )
    assert "`cooking` wins" in said


def test_more_labels_than_fit_are_cut_with_a_note(open_page):
    app = open_page("sentence_meaning", labels=",".join("abcdefghijklmn"))
    assert "Only the first 12 of 14 labels are compared." in texts(app)


def test_own_examples_train_a_probe_and_a_bad_line_is_named(meaning):
    app = meaning(
        examples="calm: We rest by the lake.\ncalm: A quiet evening.\nangry: He shouted at us.\n"
        "angry: They slammed the door.\nforgotten colon",
        sentence="She yelled in fury.",
    )
    said = texts(app)
    assert "Of the 4 lines" in said
    assert "The probe says: `angry`" in said
    assert "Line 5 is skipped" in said
    assert app.text_area(key="examples").value.endswith("forgotten colon")  # nothing is lost


@pytest.mark.parametrize("examples", ["", "food: soup", "food: soup\nfood: bread", "no colon"])
def test_examples_of_one_label_say_what_to_do(meaning, examples):
    assert infos(meaning(examples=examples)) == [
        "Write examples for at least two labels, for instance food: I like soup."
    ]


def test_longer_training_lowers_the_loss(open_page):
    losses = [
        float(
            re.search(
                r"from 1\.10 to (\d\.\d+)", texts(open_page("sentence_meaning", probe_steps=steps))
            )[1]
        )
        for steps in ("3", "30", "400")
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 2 * losses[2]


def test_a_long_sentence_asks_before_it_is_read_again_and_again(open_page):
    app = open_page("sentence_meaning", sentence="The dog eats. " * 20)
    assert "The probe says" in texts(app)
    assert "spoke most for it" not in texts(app)
    assert "without each of its 82 tokens" in app.toggle(key="effects").label


def test_an_own_pair_is_compared(open_page):
    said = texts(open_page("sentence_meaning", pair_one="Same.", pair_two="Same."))
    assert "Your pair has 1.00." in said


CONTROLS = ("query", "labels", "probe_steps", "effects", "pair_one", "pair_two")


@pytest.mark.parametrize("text", ODD_SENTENCES.values(), ids=ODD_SENTENCES)
def test_every_control_survives_any_text(meaning, text):
    app = meaning(
        lines=f"{text}\nA line.",
        examples=f"a: {text}\n{text}: b\n{text}",
        **dict.fromkeys(CONTROLS, text),
    )
    assert not app.exception
    assert "Your pair has" in texts(app)


# Predicted and so


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def vector(encoder, text):
    """Pool a text by hand: the mean of its tokens, at length 1."""
    tokens = encoder.trace(text).output.double().numpy()
    mean = tokens.sum(axis=0) / len(tokens)
    return mean / np.sqrt((mean**2).sum())


@pytest.mark.parametrize(
    ("sentence", "lines", "pair"),
    [
        (DEFAULT_SENTENCE, None, ("Open the window.", "Never open the window.")),
        (
            "The soup was hot.",
            "The dog was hot.\nHe burned his tongue at dinner.\nRain fell.\nThe soup was hot.",
            ("Rain fell.", "Interest rates rose."),
        ),
    ],
)
def test_what_is_so_is_found_by_other_ways(meaning, encoder, sentence, lines, pair):
    app = meaning(lines=lines, sentence=sentence, ask="true", pair_one=pair[0], pair_two=pair[1])
    for buttons in offered(app).values():  # of the new lines
        next(iter(buttons.values())).click()
    app.run()
    assert not offered(app)
    truth = {
        identity.split(".")[1]: kept.truth
        for identity, kept in app.session_state["predictions"].items()
    }
    read = (lines or cached.defaults()["lines"]).splitlines()
    query = vector(encoder, sentence)
    assert truth["search"] == max(read, key=lambda line: vector(encoder, line) @ query)
    assert truth["learned"] == "0"
    cosine = vector(encoder, pair[0]) @ vector(encoder, pair[1])
    assert float(truth["pair"]) == pytest.approx(cosine, abs=0.0051)


def test_no_line_is_nearest_if_two_are(meaning):
    asked = offered(meaning(lines="The same.\nthe same.", ask="true"))
    assert not any("search" in name for name in asked)


def test_what_is_searched_for_may_share_most_words_with_another_line(open_page):
    query = "Is the dog of the city ill?"
    buttons = offered(open_page("sentence_meaning", ask="true", query=query))
    options = {name: button.label for name, button in buttons["sentence_meaning.search"].items()}
    assert (
        options["first"]
        != options["words"]
        == ("`Cars are stuck in the city centre this morning.`")
    )


def test_weights_are_counted_against_those_of_the_beginning(encoder):
    *parts, probe = cached.weights_now(
        DEFAULT_SENTENCE, (cached.Example("a", "Rain."), cached.Example("b", "Sun.")), 3
    )
    assert [part for part, _, _ in parts] == ["embeddings", *(f"block {n}" for n in range(1, 7))]
    assert sum(n for _, _, n in parts) == sum(p.numel() for p in encoder.parameters())
    assert {changed for _, changed, _ in parts} == {0}
    assert probe.n_weights == 2 * 384 + 2
    assert 2 * 384 <= probe.n_changed <= probe.n_weights  # equal examples leave the bias at 0


def test_the_arithmetic_is_that_of_the_figures_above_it(open_page, encoder):
    app = open_page("sentence_meaning", depth="Numbers")
    share, cosine = (text.value for text in app.markdown if "In numbers" in text.value)
    assert "`animal` reaches" in share
    assert share.endswith("= 0.0855$.")  # 8.5 % in the figure
    lines = "The stock market fell sharply today.", "Shares lost much of their value on Monday."
    assert all(line in cosine for line in lines)
    first, second = (vector(encoder, line) for line in lines)
    expected = first @ second
    assert float(re.search(r"= (\d\.\d{4})\$", cosine)[1]) == pytest.approx(expected, abs=1e-4)


def test_shared_tokens_are_followed_into_both_vectors(open_page, encoder):
    second = "A tired animal."
    found = cached.shared(DEFAULT_SENTENCE, second)
    assert found.tokens[0], found.tokens[-1] == ("[CLS]", "[SEP]")
    place = found.tokens.index("animal") if "animal" in found.tokens else None
    at, word = (place, "animal") if place is not None else (found.tokens.index("tired"), "tired")
    trace = encoder.trace(second)
    x = trace.output[trace.tokens.index(word)]
    mean = trace.output.mean(dim=0)
    assert found.second[at] == pytest.approx(
        (torch.dot(x, mean) / (len(trace.tokens) * mean.square().sum())).item(), abs=1e-5
    )
    said = texts(open_page("sentence_meaning", second=second))
    assert f"Of the {len(found.tokens)} tokens that both share" in said
    app = open_page("sentence_meaning", second="Birds sing")
    assert "share no word" in infos(app)[0]
