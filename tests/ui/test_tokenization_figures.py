"""What the tokenization figures say and show of cuts and merges."""

import pytest

from core.pieces import cut_into
from pages.ui import strips
from pages.ui.cached import tokenization as cached
from pages.ui.components.token_strips import Strip, strips_payload
from pages.ui.figures import style, tokenization

COLORS = style.colors("light")
COUNTED = ((("<b>", "n"), 13), (("a", "b"), 7), (("c", "d"), 5))


def tokens_of(text):
    return cached.cuts(text)["tokens"]


def look_for(text, divided=()):
    characters = cut_into("characters", text)
    return tokenization.look_for_tokens(
        characters, tokens_of(text), cached.normalized(text), divided
    )


def test_a_strip_has_the_places_and_ids_of_its_cut():
    row = strips.strip(tokens_of("Rare snarks"))
    assert row.labels[0] == "[CLS]"
    assert list(zip(row.labels, row.starts, row.ends, strict=True))[1:3] == [
        ("rare", 0, 4),
        ("s", 5, 6),
    ]
    assert row.ids[:2] == (101, 4678)


def test_the_model_spells_its_tokens_itself_where_it_changed_the_text():
    assert tokens_of("The CAFÉ").labels == ("[CLS]", "the", "cafe", "[SEP]")


def test_tokens_that_share_a_character_keep_the_label_that_says_so():
    assert tokens_of("한").labels[1:4] == ("한 1/3 · ᄒ", "한 2/3 · ##ᅡ", "한 3/3 · ##ᆫ")


def test_unknown_pieces_are_those_without_an_id_and_unk():
    cuts = cached.cuts("the 🦜 snark")
    assert strips.strip(cuts["words"]).unknown == [1, 2]
    assert strips.strip(cuts["tokens"]).unknown == [2]
    assert strips.strip(cuts["bytes"]).unknown == []


def test_a_cut_without_a_vocabulary_has_nothing_unknown():
    assert strips.strip(cut_into("characters", "é")).unknown == []


def test_the_characters_of_a_strip_join_to_the_labels_above_them():
    text = "\u0301a \u0301 👩‍👧 b\u200ec"
    cut = cut_into("sentences", f"x{text}")
    assert "".join(strips.characters(f"x{text}")) == cut.labels[0]


def test_a_word_is_put_together_row_by_row_and_the_last_merge_is_marked():
    replay = cached.replay("because", cached.Training(cached.alice(), 1_000, "BPE"))
    rows = strips.merge_strips(replay, 2)
    assert [row.name for row in rows] == ["characters", "merge 1", "merge 2"]
    assert rows[0].labels == tuple("because")
    assert rows[1].labels == ("b", "e", "c", "a", "u", "se")
    assert (rows[1].marked, rows[2].marked) == ((0, 1), (0,))
    assert (rows[2].starts, rows[2].ends) == ([0, 2, 3, 4, 5], [2, 3, 4, 5, 7])


def test_all_merges_end_where_the_tokenizer_cuts():
    training = cached.Training(cached.alice(), 1_000, "byte-level BPE")
    for word in ("animal", "two words"):
        replay = cached.replay(word, training)
        rows = strips.merge_strips(replay, len(replay.steps))
        assert rows[-1].labels == cached.trained_cut(word, training).labels
        assert len(rows) == len(replay.counts) + 1
        assert rows[-1].ends[-1] == len(replay.rows[0])


def test_merges_of_bytes_show_bytes_until_they_are_characters():
    replay = cached.replay("été", cached.Training("été " * 7, 300, "byte-level BPE"))
    assert replay.rows[0] == ("C3", "A9", "t", "C3", "A9")
    assert replay.rows[-1] == ("été",)


def test_every_merge_comes_with_the_count_that_no_other_pair_exceeded():
    replay = cached.replay("remarkably", cached.Training(cached.alice(), 2_000, "BPE"))
    for number, counted in enumerate(replay.counts):
        step = replay.steps[number]
        assert counted[0][0] == replay.rows[number][step.position : step.position + 2]
        counts = [count for _, count in counted]
        assert counts == sorted(counts, reverse=True)
        assert step.rank < replay.n_rules


@pytest.mark.parametrize("method", ["WordPiece", "Unigram"])
def test_a_vocabulary_without_merges_is_replayed_as_plain_bpe(method):
    training = cached.Training("low lower lowest low", 100, method)
    assert cached.replay("low", training) == cached.replay("low", training._replace(method="BPE"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Strip("x", ["a", "b"], [0], [1]), "different lengths"),
        (Strip("x", ["a"], [0], [1], ids=[1, 2]), "different lengths"),
        (Strip("x", ["a"], [0], [4]), "leaves the text"),
        (Strip("x", ["a"], [2], [1]), "leaves the text"),
    ],
)
def test_rows_that_do_not_fit_are_refused(row, reason):
    with pytest.raises(ValueError, match=reason):
        strips_payload(["a", "b", "c"], [row], "rows", COLORS)


def test_the_payload_holds_rows_and_only_the_colours_in_use():
    payload = strips_payload(["a"], [Strip("x", ["a"], [0], [1], ids=[7])], "rows", COLORS)
    assert payload["rows"][0]["ids"] == [7]
    assert set(payload["colors"]) == {"token", "output", "negative"}


def test_it_is_said_what_becomes_of_the_text_before_and_after_cutting():
    assert look_for("the cat").endswith("added at the ends.")
    assert "The vocabulary sees `a cafe`: small letters, no accents." in look_for("A CAFÉ")
    assert "`🦜` has no token, so the model reads `[UNK]`" in look_for("a 🦜")
    assert "`[x](y)` takes 3 tokens: `[CLS]` `a` `[SEP]`." in look_for("a", [("[x](y)", (0, 1, 2))])


def test_units_name_the_words_outside_the_vocabulary():
    said = tokenization.look_for_units(cached.cuts("Alice ate _snarks_. Snarks!"))
    assert said.startswith("One text: 2 sentences, 6 words, ")
    assert said.endswith("`_snarks_`, `Snarks` (2 of 6 words).")
    assert "All its words occur in Alice." in tokenization.look_for_units(cached.cuts("Alice said"))


def test_the_tables_hold_the_counts_of_the_cuts():
    cuts = cached.cuts("the snark")
    table = tokenization.units_table(cuts)
    assert table["cut into"] == ["sentences", "words", "tokens", "characters", "bytes"]
    assert table["pieces"][1:] == ["2", f"{len(cuts['tokens'].pieces)}", "9", "9"]
    assert (table["vocabulary"][2], table["vocabulary"][4]) == ("30,522", "256")
    assert table["unknown"][:2] == ["1", "1"]
    pieces = tokenization.pieces_table([cuts["words"]])
    assert pieces["piece"] == ["the", "snark"]
    assert (pieces["from"], pieces["to"]) == ([1, 5], [3, 9])
    assert pieces["id"][1] is None


def test_methods_say_who_needs_fewest_and_who_loses_what():
    said = tokenization.look_for_methods(cached.methods("a 🦜 sang", 300))
    assert "byte-level BPE" in said.split("Most")[1]
    assert said.endswith("never occur in Alice are lost to WordPiece, BPE, Unigram.")
    same = tokenization.look_for_methods(cached.methods("a", 1000))
    assert same == "All four need 1 piece."


def test_a_small_text_says_that_it_could_not_fill_the_vocabulary():
    own = cached.trained_cut("low", cached.Training("low low low", 100, "BPE"))
    said = tokenization.look_for_training(own, 100, from_alice=False)
    assert "BPE learned 6 pieces from your text, not 100" in said
    assert said.endswith("Your sentence takes 1 piece of them.")


def test_a_word_that_stays_in_characters_says_so():
    replay = cached.replay("qz", cached.Training("low low low", 100, "BPE"))
    assert tokenization.look_for_merge(replay, 0).startswith("It stays 2 single characters: none")


def test_merges_say_their_rule_and_table_lists_them():
    replay = cached.replay("low", cached.Training("low low low", 100, "BPE"))
    said = tokenization.look_for_merge(replay, 1)
    assert said.startswith("Merge 1 of 2: `l` and `o` become `lo`.")
    assert said.endswith("number 1 of 2.")
    table = tokenization.merges_table(replay)
    assert table["pieces"] == ["l | o | w", "lo | w", "low"]
    assert table["rule"] == [None, 1, 2]


def test_count_bars_show_the_counts_with_the_merged_pair_apart():
    bars = tokenization.count_bars(COUNTED, "dark").data[0]
    assert list(bars.x) == [13, 7, 5]
    assert "<b>" not in bars.y[0]
    assert bars.marker.color[0] != bars.marker.color[1] == bars.marker.color[2]
    assert tokenization.counts_table(COUNTED)["count"] == [13, 7, 5]


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (COUNTED, "13 times in the corpus. Next was `a` before `b`, 7 times."),
        (((("a", "b"), 2), (("c", "d"), 2)), "as often as `c` before `d`; of equals"),
        (((("a", "b"), 2),), "and no other pair was left."),
    ],
)
def test_counts_say_how_close_it_was(counted, said):
    assert said in tokenization.look_for_counts(counted)
