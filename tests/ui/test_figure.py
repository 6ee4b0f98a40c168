"""The table of a figure, as a file."""

import csv
import io

from pages.ui.figure import csv_text


def test_csv_holds_the_table():
    text = csv_text({"token": ["a,b", 'say "hi"'], "weight": [0.25, 0.75]})
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [["token", "weight"], ["a,b", "0.25"], ['say "hi"', "0.75"]]


def test_csv_cells_cannot_run_as_formulas():
    text = csv_text({"token": ["=1+1", "+2", "-3", "@x", "safe"], "n": [-1, 2, 3, 4, 5]})
    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert [row[0] for row in rows] == ["'=1+1", "'+2", "'-3", "'@x", "safe"]
    assert rows[0][1] == "-1"
