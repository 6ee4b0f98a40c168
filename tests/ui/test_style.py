"""The palette: readable in both themes, on every background it is used on."""

import plotly.graph_objects as go
import pytest

from pages.ui.figures import style


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def shade(scale, share: float) -> str:
    """Mix the colour that a scale has at a place from 0 to 1."""
    above = next(i for i, (place, _) in enumerate(scale) if place >= share and i)
    (low, first), (high, second) = scale[above - 1], scale[above]
    part = (share - low) / (high - low)
    pairs = [[int(colour[i : i + 2], 16) for colour in (first, second)] for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("quantity", style.COLORS)
def test_every_colour_is_readable_as_text(quantity, theme):
    assert contrast(style.COLORS[quantity][theme], style.BACKGROUND[theme]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_quantities_differ_in_colour(theme):
    shades = list(style.colors(theme).values())
    assert len(set(shades)) == len(shades)


def test_labels_show_what_plotly_would_swallow():
    assert style.plot_text("<s>") == "\u2068&lt;s&gt;\u2069"
    assert style.plot_text("&amp;") == "\u2068&amp;amp;\u2069"
    assert style.plot_text(" ") == "␣"


def test_equal_labels_stay_apart():
    labels = style.plot_labels(["the", "cat", "the"])
    assert len(set(labels)) == 3


def test_on_a_projector_a_figure_is_larger():
    note = {"text": "a", "font": {"size": 12}}
    bar = go.Bar(y=[1], textfont={"size": 13, "color": "#123456"}, marker={"line": {"width": 1}})
    figure = style.drawn(bar, "light", 300, annotations=[note])
    style.enlarge(figure)
    assert figure.layout.annotations[0].font.size == 18
    assert figure.data[0].textfont.size == pytest.approx(18.6, abs=0.1)
    assert figure.data[0].textfont.color == "#123456"
    assert figure.layout.template == style.TEMPLATES["light"]
    assert figure.layout.height == pytest.approx(300 * style.LARGER)
    assert figure.layout.font.size == 20
