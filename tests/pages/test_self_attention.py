"""The self-attention page: what it says of the sentence it was given."""

from tests.pages.test_all_pages import texts


def test_it_looks_at_animal_in_block_4_head_2(open_page):
    app = open_page("self_attention")
    assert "In head L4H2 (mixed), `it` looks most at `animal`: 0.68" in texts(app)


def test_the_address_chooses_head_and_token(open_page):
    app = open_page("self_attention", block="1", head="3", token="4")
    assert "In head L1H3 (previous token), `didn` looks most at `animal`: 1.00" in texts(app)


def test_the_sink_is_the_first_token_and_said_beside_an_even_share(open_page):
    app = open_page("self_attention")
    assert "`[CLS]` receives 0.47 of all attention; an even share would be 0.06." in texts(app)


def test_shared_keys_make_the_scores_symmetric_and_nothing_else_says_so(open_page):
    assert "symmetric" in texts(open_page("self_attention", without="own keys"))
    assert "symmetric" not in texts(open_page("self_attention", without="scaling"))


def test_pronouns_are_shown_as_real_partial_and_not_solved(open_page):
    said = texts(open_page("self_attention"))
    assert "5 of 72 heads move to the right noun" in said
    assert "Over all heads `animal` has 0.61 of the weight on both nouns" in said
    assert "the best of the 72 heads, L4H4, moves its weight the right way in 10" in said
    assert "On 10 other pairs L4H4 is right in 5" in said


def test_learner_text_is_quoted_in_titles(open_page):
    app = open_page("self_attention", sentence="**x** was [link](https://evil.example)")
    links = [line for line in texts(app).splitlines() if "evil" in line]
    assert all("`" in line for line in links)
