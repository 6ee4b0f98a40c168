"""Scripts for the learner: constants are literals, whatever was typed."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui.snippet import filled, notebook

SCRIPT = 'SENTENCE = "one"\nBLOCK = 3\nprint(SENTENCE, BLOCK)\n'


@given(st.text())
def test_any_sentence_becomes_a_literal_and_nothing_else(sentence):
    tree = ast.parse(filled(SCRIPT, SENTENCE=sentence))
    assert len(tree.body) == 3
    assert ast.literal_eval(tree.body[0].value) == sentence


def test_a_constant_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no line HEAD"):
        filled(SCRIPT, HEAD=2)


def test_a_notebook_holds_the_script():
    cells = json.loads(notebook(SCRIPT))["cells"]
    assert "".join(cells[0]["source"]) == SCRIPT
