"""The page that sums up a learner's predictions."""

import json

from streamlit.testing.v1 import AppTest

from pages.ui.predict import Kept, read_kept
from pages.ui.summary import table
from tests.pages.test_all_pages import texts
from tests.pages.test_predict import MISCONCEPTIONS, offered

HOSTILE = "<b>x</b> [y](https://evil.example) $z$ :smile:"


def test_without_a_prediction_the_page_says_what_to_do(open_page):
    app = open_page("predictions")
    assert "No prediction yet." in app.info[0].value


def test_what_was_predicted_stands_beside_what_was_so(open_page):
    app = open_page("tokenization", ask="true")
    offered(app)["tokenization.whole-words"]["all"].click().run()
    app.switch_page("pages/predictions.py").run()
    said = texts(app)
    assert "**0 of 1** came true." in said
    assert "You predicted **12**; it was **11**." in said


def test_every_belief_has_what_is_so(open_page):
    said = texts(open_page("predictions"))
    for misconception in MISCONCEPTIONS.values():
        assert misconception["belief"] in said
        assert misconception["instead"] in said


def test_what_a_browser_kept_is_shown_as_text(open_page):
    app: AppTest = open_page("predictions")
    kept = {"tokenization.x.0123456789ab": Kept(HOSTILE, "one", "two", HOSTILE)._asdict()}
    app.session_state["predictions"] = read_kept(json.dumps(kept))
    said = texts(app.run())
    assert not app.exception
    shown = r"\<b\>x\<\/b\> \[y\]\(https\:\/\/evil\.example\) \$z\$ \:smile\:"
    assert shown in said.replace("\u2060", "")


def test_the_table_to_take_along_has_a_row_for_each():
    one = Kept("?", "a", "b", "c")
    rows = table({"tokenization.x.0123456789ab": one, "nowhere.x.0123456789ab": one})
    assert rows["lesson"] == ["Tokenization", ""]
    assert {len(column) for column in rows.values()} == {2}
