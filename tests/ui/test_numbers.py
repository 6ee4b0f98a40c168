"""Numbers in cells can be read: on every colour, and with room for each."""

from functools import partial
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from pages.ui.figures import numbers, style
from pages.ui.figures.comparison import comparison
from tests.ui.test_style import contrast, shade

SCALES = {quantity: partial(style.sequential_scale, quantity) for quantity in style.COLORS}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [*SCALES, "diverging"])
def test_numbers_in_cells_are_readable_on_every_colour_of_every_scale(name, theme):
    diverging = name == "diverging"
    scale = style.diverging_scale(theme) if diverging else SCALES[name](theme)
    z = np.linspace(-1 if diverging else 0, 1, 17 * 19, dtype=np.float32).reshape(17, 19)
    middle = {"zmid": 0} if diverging else {}
    figure = style.drawn(go.Heatmap(z=z, colorscale=scale, **middle), theme, 300)
    numbers.write_numbers(figure)
    cells, lying_on_top = figure.data
    for i, share in np.ndenumerate((z - z.min()) / (z.max() - z.min())):
        written = [text.strip() for text in (cells.text[i], lying_on_top.text[i])]
        ink = numbers.INKS[0] if written[0] else numbers.INKS[1]
        assert "".join(written) == f"{z[i].round(2) + 0:.2f}"
        assert contrast(ink, shade(scale, float(share))) >= 4.5


@pytest.mark.parametrize(("shape", "height"), [((1_001, 1), 90_000), ((101, 7), 600)])
def test_numbers_that_nobody_could_read_are_left_out(shape, height):
    figure = style.drawn(go.Heatmap(z=np.zeros(shape)), "light", height)
    assert numbers.write_numbers(figure) == 0
    assert len(figure.data) == 1


def test_many_columns_ask_for_a_wider_figure_and_large_type_for_more():
    widths = []
    for n_columns, size in ((7, 14), (31, 14), (31, 20)):
        heatmap = go.Heatmap(
            z=np.zeros((3, n_columns)), colorscale=style.sequential_scale("q", "light")
        )
        figure = style.drawn(heatmap, "light", 300, font={"size": size})
        widths.append(numbers.write_numbers(figure))
    assert widths == sorted(set(widths))
    assert widths[1] >= 31 * 2 * 14  # two ems hold "-0.00"


def test_panels_side_by_side_are_put_one_below_another():
    values = np.eye(5)
    labels = [*"abcde"]
    figure = comparison(
        values, 1 - values, labels, labels, ("one", "two"), "q", "light", measure="m", axis="row"
    )
    numbers.write_numbers(figure)
    domains = [figure.layout[f"yaxis{number}"].domain for number in ("", "2", "3")]
    assert [trace.yaxis for trace in figure.data] == ["y", "y2", "y3"] * 2
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    assert [title.y for title in figure.layout.annotations] == [top for _, top in domains]
    difference = [trace.text[0][0].strip() for trace in (figure.data[2], figure.data[5])]
    assert sorted(difference) == ["", "-1.00"]


def test_empty_cells_stay_empty_and_a_shared_colour_axis_is_followed():
    z = np.array([[0.0, np.nan, 1.0]])
    axis = {"colorscale": style.sequential_scale("q", "light"), "cmin": 0, "cmax": 1}
    figure = style.drawn(go.Heatmap(z=z, coloraxis="coloraxis"), "light", 300, coloraxis=axis)
    numbers.write_numbers(figure)
    first, second = (trace.text.tolist()[0] for trace in figure.data)
    assert [text.strip() for text in first] == ["0.00", "", ""]
    assert [text.strip() for text in second] == ["", "", "1.00"]
    assert first[1] == second[1] == ""
