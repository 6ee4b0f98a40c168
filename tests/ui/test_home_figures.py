import numpy as np
import pytest

from pages.ui.figures import home


def test_a_gradient_fades_from_full_colour_to_none_at_six_decades():
    rows = home.reach_rows({"one": np.array([-9.0, -3.0, 0.0]), "two": np.array([-6.0, -1.5, 0.2])})
    assert rows == pytest.approx(np.array([[0, 0.5, 1], [0, 0.75, 1]]))


def test_an_exact_zero_is_painted_as_none():
    assert home.reach_rows({"one": np.array([-np.inf, 0.0])}).tolist() == [[0, 1]]


def test_the_memory_line_reads_the_accuracy_at_twelve_words():
    accuracy = {
        "fixed": np.array([[1.0, 0.1, 0.0], [0.8, 0.3, 0.0]]),
        "attention": np.array([[1.0, 0.9, 0.5], [1.0, 0.7, 0.4]]),
    }
    said = home.memory_lines(np.array([9, 12, 15]), accuracy)
    assert "**20 %** through one vector, **80 %** with attention" in said


def test_the_largest_share_is_named():
    said = home.share_line(np.array([0.2, 0.5, 0.3]), ["[CLS]", "a*b", "[SEP]"])
    assert "`a*b` gives the largest share of it, **50 %**" in said


def test_the_queue_of_both_layers_is_told():
    said = home.cost_lines(16, 32, 12)
    assert said.startswith("Your 16 tokens: **32** matrix products") and "**12**" in said
