"""The self-attention page: what it says of the sentence it was given."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from core.encoder import Ablation
from core.pretrained import load_encoder
from pages.ui.answers import self_attention as answers
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import offered, revealed

TIRED = "The animal didn't cross the street because it was too tired."
RIVER = "I saw the bank of the river, then went to the bank."


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


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


@pytest.mark.parametrize("which", ["q", "v"])
def test_more_heads_share_the_same_numbers(open_page, encoder, which):
    kept = revealed(open_page("self_attention", ask="true", make=which), "self_attention.heads")
    matrix = encoder.blocks[0].attention.w_q.weight
    assert f"W_q of {matrix.numel():,} numbers" in kept.ask
    assert kept.truth == f"{matrix.numel():,}"
    assert "12 heads have 32 each, 24 have 16 each" in kept.because


def test_half_a_column_is_no_part_of_a_question():
    assert answers.heads(21, 7) is None
    assert answers.heads(28, 7).measured == {"same": 784, "double": 1568, "half": 392}


@pytest.mark.parametrize(
    ("sentence", "block", "head", "query", "key"),
    [(TIRED, 4, 2, 10, 2), (RIVER, 2, 5, None, None)],
)
def test_with_one_matrix_for_both_two_scores_are_the_same_product(
    open_page, encoder, sentence, block, head, query, key
):
    address = {"sentence": sentence, "block": str(block), "head": str(head)}
    kept = revealed(open_page("self_attention", ask="true", **address), "self_attention.direction")
    traces = encoder.trace(sentence), encoder.trace(sentence, Ablation(shared_qk=True))
    layer, columns = encoder.blocks[block - 1].attention, slice(32 * (head - 1), 32 * head)
    before, after = (
        [made(read.blocks[block - 1].input)[:, columns] for made in projections]
        for read, projections in zip(
            traces, ((layer.w_q, layer.w_k), (layer.w_q, layer.w_q)), strict=True
        )
    )
    if query is None:  # the pair is the one named
        weights = traces[0].weights[block - 1, head - 1].clone().fill_diagonal_(0)[1:-1, 1:-1]
        query, key = (i + 1 for i in divmod(weights.argmax().item(), len(weights)))
    q, k = before
    there, back = (q[query] @ k[key] / 32**0.5).item(), (q[key] @ k[query] / 32**0.5).item()
    tokens = traces[0].tokens
    assert f"“{tokens[query]}” looks at “{tokens[key]}” with a score of {there:.2f}" in kept.ask
    assert f"at “{tokens[query]}” with {back:.2f}" in kept.ask
    asked, found = after
    assert kept.truth == "they become equal"
    assert f"Both are {(asked[query] @ found[key] / 32**0.5).item():.2f} now" in kept.because


def test_where_keys_stay_what_they_are_no_direction_is_asked_for(open_page):
    assert "self_attention.direction" in offered(open_page("self_attention", ask="true"))
    assert "self_attention.direction" not in offered(
        open_page("self_attention", ask="true", without="positions")
    )


@pytest.mark.parametrize(
    ("sentence", "token", "key"), [(TIRED, 10, 2), ("the bank of the river", 2, None)]
)
def test_what_a_word_matters_is_measured_by_reading_without_it(
    open_page, encoder, sentence, token, key
):
    address = {"sentence": sentence, "token": str(token + 1), "measures": "true"}
    kept = revealed(open_page("self_attention", ask="true", **address), "self_attention.importance")
    trace, turns = encoder.trace(sentence), {}
    for removed in range(1, len(trace.tokens) - 1):
        if removed == token:
            continue
        places = [place for place in range(len(trace.tokens)) if place != removed]
        ids = torch.tensor(trace.token_ids)[places]
        with torch.inference_mode():
            x = encoder.embeddings(ids, torch.tensor(places)).output
            last = encoder.run_blocks(x)[-1].output[places.index(token)]
        turns[removed] = 1 - cosine_similarity(last, trace.output[token], dim=0).item()
    looked = max(turns, key=lambda place: trace.weights[3, 1, token, place])
    assert key in (None, looked)
    assert f"“{trace.tokens[looked]}”, at place {looked + 1}," in kept.ask
    assert float(kept.truth) == pytest.approx(turns[looked] / sum(turns.values()), abs=0.006)


def test_one_word_leaves_nothing_to_leave_out(open_page):
    app = open_page("self_attention", ask="true", sentence="hello", measures="true")
    assert "self_attention.importance" not in offered(app)


def test_a_head_that_is_switched_off_looks_as_before_and_the_final_vectors_turn(open_page):
    said = texts(open_page("self_attention", without="", off="L4H2"))
    assert "No weight of this head has changed" in said
    assert "to a cosine of 0." in said
    assert "No final vector has turned." in texts(open_page("self_attention", without=""))


def test_two_sentences_are_compared_over_what_they_share(open_page, encoder):
    said = texts(open_page("self_attention"))
    both = [encoder.trace(TIRED), encoder.trace(TIRED.replace("tired", "wide"))]
    kept = [place for place in range(16) if place != 13]  # 13 is the word that changed
    first, second = (read.weights[3, 1][kept][:, kept] for read in both)
    place = (second - first).abs().argmax().item()
    query, key = divmod(place, 15)
    names = [both[0].tokens[kept[i]] for i in (query, key)]
    assert "share 15 tokens" in said
    assert f"that of `{names[0]}` for `{names[1]}`: {first[query, key]:.2f} in yours" in said
    assert f"{second[query, key]:.2f} in the second" in said
    alone = open_page("self_attention", second="Zebras yawn")
    assert "share no word" in " ".join(info.value for info in alone.info)
    assert "no weight differs" in texts(open_page("self_attention", second=TIRED))


def test_the_same_sentence_is_compared_in_two_settings(open_page, encoder):
    address = {"second": TIRED, "without_second": "positions", "off_first": "L1H1"}
    said = texts(open_page("self_attention", **address))
    first = encoder.trace(TIRED, Ablation(heads=frozenset({(0, 0)}))).weights[3, 1]
    second = encoder.trace(TIRED, Ablation(positions=False)).weights[3, 1]
    query, key = divmod((second - first).abs().argmax().item(), len(first))
    assert "share 16 tokens" in said
    assert f"{first[query, key]:.2f} in yours, {second[query, key]:.2f} in the second" in said


def test_the_weight_that_is_worked_out_can_be_chosen(open_page, encoder):
    app = open_page("self_attention", depth="Numbers", looked_at="9 street", receives="4 didn")
    weight, received = (text.value for text in app.markdown if "In numbers" in text.value)
    trace = encoder.trace(TIRED)
    assert "`it` looks at `street`" in weight
    assert weight.endswith(f"= {trace.weights[3, 1, 10, 8]:.2f}$")
    assert received.endswith(f"= {trace.weights[3, :, :, 3].mean():.2f}$.")
    app.selectbox(key="looked_at").set_value("1 [CLS]").run()
    weight = next(text.value for text in app.markdown if "In numbers" in text.value)
    assert weight.endswith(f"= {trace.weights[3, 1, 10, 0]:.2f}$")


def test_until_somebody_chooses_the_strongest_weight_is_worked_out_in_every_head(
    open_page, encoder
):
    app = open_page("self_attention", depth="Numbers")
    app.selectbox(key="head").set_value("5").run()
    weight = next(text.value for text in app.markdown if "In numbers" in text.value)
    weights = encoder.trace(TIRED).weights[3, 4].fill_diagonal_(0)[1:-1, 1:-1]
    looks = int(weights.argmax()) // len(weights) + 1
    assert weight.endswith(f"= {encoder.trace(TIRED).weights[3, 4, looks].max():.2f}$")
