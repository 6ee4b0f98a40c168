"""The scaled dot-product page: steps, own numbers, masks, scaling."""

from tests.pages.test_all_pages import texts


def test_the_steps_end_with_the_weights_of_the_model(open_page):
    said = texts(open_page("scaled_dot_product"))
    assert "Follow `it` through the steps: it ends with 0.68 of its attention on `animal`" in said


def test_own_numbers_take_the_place_of_the_sentence(open_page):
    app = open_page("scaled_dot_product", source="my own numbers", typed_q="5 0; 0 5")
    app.text_input(key="typed_k").set_value("5 0; 0 5")
    app.text_input(key="typed_v").set_value("1; 2").run()
    assert not app.exception
    assert "How do vectors become attention?" in texts(app)


def test_own_numbers_that_do_not_fit_are_answered_in_words(open_page):
    app = open_page("scaled_dot_product", source="my own numbers", typed_q="1 2 3; 4 5 6")
    assert [warning.value for warning in app.warning] == [
        "Q and K need rows of the same length: a query is compared with every key."
    ]
    app.text_input(key="typed_q").set_value("1 x").run()
    assert [warning.value for warning in app.warning] == ["Write numbers only, as in 1 0; 0.5 -2."]
    assert not app.exception


def test_the_causal_mask_forbids_a_triangle_and_padding_columns(open_page):
    said = texts(open_page("scaled_dot_product"))
    assert "Of 256 pairs, the causal mask forbids 120 (a triangle)" in said
    assert "the padding mask 64 (whole columns)" in said


def test_temperature_keeps_the_order(open_page):
    said = texts(open_page("scaled_dot_product", temperature="10.0"))
    assert "`it` still looks most at `animal`: 0.68 at temperature 1" in said


def test_only_one_query_matters_for_one_output(open_page):
    said = texts(open_page("scaled_dot_product"))
    assert "Of 16 queries only 1 matters: that of `it`." in said
    assert "In V the gradient is the weight itself: 0.68 at `animal`." in said
