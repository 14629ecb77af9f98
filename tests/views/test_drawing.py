"""Figures as SVG: text as text, colours as variables, two forms, the same at every run."""

import functools
import re
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import nclib as nc
from nclib.views import figures, style
from nclib.views.drawing import SVG, svg

LESIONS = nc.ClassCounts([6705, 1113, 1099, 514, 327, 142, 115])

DRAWN = {
    "lines": lambda: figures.lemma_curves(3),
    "marks": lambda: figures.interlacing({"a": nc.Spectrum(LESIONS)}, "Between counts"),
    "map": lambda: figures.survival_map(LESIONS, depths=(1, 3), lambdas=(1e-3, 1e-1)),
    "formulas": lambda: figures.label_matrices(np.eye(3), np.eye(3) - 0.1),
    "regions": lambda: figures.class_regions(np.eye(2), np.eye(2), np.zeros(2), {0: "one"}),
}

drawn = pytest.mark.parametrize("name", DRAWN)


@functools.cache
def drawing(name):
    return style.drawing(DRAWN[name]())


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def forms(text):
    return {form.get("class"): form for form in ET.fromstring(text).findall(f"{{{SVG}}}svg")}


def words(form):
    return ["".join(text.itertext()) for text in form.iter(f"{{{SVG}}}text")]


def plain(draw):
    """One axis that is drawn by hand, as SVG of one form."""
    figure = Figure(figsize=(4, 3))
    draw(figure.subplots())
    return svg({"only": figure}, style.VARIABLES)


@drawn
def test_a_drawing_is_the_same_at_every_run(name):
    assert drawing(name) == style.drawing(DRAWN[name]())


@drawn
def test_both_forms_say_the_same_and_the_first_alone_is_displayed(name):
    found = forms(drawing(name))
    assert list(found) == ["wide", "narrow"]
    assert [form.get("display") for form in found.values()] == [None, "none"]
    width, height = (
        [float(form.get("viewBox").split()[axis]) for form in found.values()] for axis in (2, 3)
    )
    assert width == pytest.approx([72 * style.WIDE, 72 * style.WIDTH])
    assert height[0] <= height[1]
    # But for where a line breaks, and the numbers at an axis.
    letters = [set(re.findall(r"[^\W\d]", "".join(words(form)))) for form in found.values()]
    assert letters[0] == letters[1]


@drawn
def test_every_identifier_is_used_and_stands_once(name):
    text = drawing(name)
    known = re.findall(r'\bid="(.+?)"', text)
    used = set(re.findall(r'(?:url\(#|href="#)([\w-]+)', text))
    assert len(known) == len(set(known))
    assert set(known) == used
    assert all(re.fullmatch(r"(?:wide|narrow)-\d+", one) for one in known)


@drawn
def test_every_colour_is_a_variable_or_a_mixture(name):
    for form in forms(drawing(name)).values():
        for element in form.iter():
            said = re.findall(r"\b(fill|stroke): ([^;]+)", element.get("style", ""))
            for kind in ("fill", "stroke"):
                values = [value for one, value in said if one == kind]
                # What a browser does not understand, it passes over for what stands before.
                assert len(values) <= 2
                last = values[-1] if values else "none"
                assert re.match(r"none$|var\(--nc-[\w-]+, #|color-mix\(", last), values


def test_the_literal_colour_is_the_one_that_was_drawn():
    text = plain(lambda axis: axis.plot([0, 1], [0, 1], color=style.DEPTH_COLORS[3]))
    assert "stroke: var(--nc-depth-3, #007a58)" in text


def test_a_grey_is_mixed_of_ink_and_paper_and_another_colour_stays():
    text = plain(lambda axis: axis.plot([0, 1], [0, 1], color="#8c8c8d"))
    share = (255 - 0x8C) / (255 - 0x1A)
    mixed = f"color-mix(in srgb, var(--nc-ink, #1a1a1a) {share:.0%}, var(--nc-paper, #ffffff))"
    assert f"stroke: #8c8c8d; stroke: {mixed}" in text
    text = plain(lambda axis: axis.plot([0, 1], [0, 1], color="#123456"))
    assert "stroke: #123456;" in text


def test_text_stays_text_in_letters_that_a_page_may_enlarge():
    form = forms(style.drawing(figures.lemma_curves(3)))["wide"]
    assert "L = 3: the lowest point jumps" in words(form)
    (title,) = (text for text in form.iter(f"{{{SVG}}}text") if "jumps" in "".join(text.itertext()))
    assert "font-size: calc(var(--nc-letters, 1) * 11px)" in title.get("style")
    assert "font-weight: 700" in title.get("style")


@pytest.mark.parametrize(
    ("formula", "spans"),
    [
        (r"$\lambda_W$", [("λ", None, "italic"), ("W", "0.278em", "italic")]),
        (r"$10^{-3}$", [("10", None, None), ("−3", "-0.500em", None)]),
        (r"$\mathdefault{10^{-3}}$", [("10", None, None), ("−3", "-0.500em", None)]),
        (
            r"with $x_{n}^2 = 1$",
            [
                ("with ", None, None),
                ("x", None, "italic"),
                ("n", "0.278em", "italic"),
                ("2", "-0.778em", None),
                ("\u2009=\u20091", "0.360em", None),
            ],
        ),
        (r"$\hat Y$", [("Y\u0302", None, "italic")]),
        (
            r"$\operatorname{tr}(Z)$",
            [("tr(", None, None), ("Z", None, "italic"), (")", None, None)],
        ),
    ],
)
def test_a_formula_is_spans_of_text(formula, spans):
    form = forms(plain(lambda axis: axis.set_xlabel(formula)))["only"]
    label = list(form.iter(f"{{{SVG}}}text"))
    found = [
        [
            (span.text, span.get("dy"), span.get("font-style"))
            for span in text.iter(f"{{{SVG}}}tspan")
        ]
        for text in label
    ]
    assert spans in found


def test_a_formula_that_is_not_known_is_named():
    with pytest.raises(ValueError, match=r"\\Omega must be one of"):
        plain(lambda axis: axis.set_xlabel(r"$\Omega$"))


def test_lines_that_are_centred_stay_so_in_other_letters():
    form = forms(plain(lambda axis: axis.text(0.5, 0.5, "one\nlonger", ha="center")))["only"]
    lines = [
        text
        for text in form.iter(f"{{{SVG}}}text")
        if "".join(text.itertext()) in ("one", "longer")
    ]
    assert len(lines) == 2
    middles = []
    for line in lines:
        assert "text-anchor: middle" in line.get("style")
        start = float(re.match(r"translate\(([\d.]+)", line.get("transform"))[1])
        middles.append(start + float(line.get("x")))
    assert middles[0] == pytest.approx(middles[1], abs=0.3)


def test_marks_of_one_look_say_it_once():
    text = plain(lambda axis: axis.plot(range(50), range(50), "o", color=style.RIGHT))
    assert text.count("<use ") > 50
    assert text.count("var(--nc-right") < 10


def test_a_figure_that_was_changed_by_hand_is_shown_as_it_is():
    figure = figures.lemma_curves(3)
    figure.axes[0].set_title("my own title", loc="left")
    found = forms(style.drawing(figure))
    assert list(found) == ["narrow"]
    assert "my own title" in words(found["narrow"])


def test_drawing_it_leaves_nothing_for_pyplot_to_show():
    figure = figures.lemma_curves(3)
    style.drawing(figure)
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("rows", "shape"),
    [(1, (1, 1)), (2, (1, 2)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3)), (6, (2, 3))],
)
def test_panels_of_a_column_stand_side_by_side_where_there_is_room(rows, shape):
    @style.styled
    def draw():
        figure, axes = style.new_figure(rows, height=2.0 * rows)
        assert len(axes) == rows
        axes[-1].set_xlabel("below")
        return figure

    figure = style.in_wide_form(draw())
    assert len(figure.axes) == rows
    places = [axis.get_subplotspec() for axis in figure.axes]
    assert {place.get_gridspec().get_geometry() for place in places} == {shape}
    for axis, place in zip(figure.axes, places, strict=True):
        assert axis.get_xlabel() == ("below" if place.is_last_row() else "")


def test_a_title_that_is_too_long_for_its_panel_breaks_between_words():
    title = "Class means: longest at four times the threshold, $n = 4 N^2$"

    @style.styled
    def draw():
        figure, axes = style.new_figure(3, height=5.0)
        for axis in axes:
            axis.set_title(title)
        return figure

    figure = style.in_wide_form(draw())
    for axis in figure.axes:
        shown = axis.get_title(loc="left")
        assert shown.replace("\n", " ") == title
        assert "$n = 4 N^2$" in shown
        assert "\n" in shown


def test_a_notebook_gets_the_drawing_and_its_listing(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    figure = figures.lemma_curves(3)
    figure._ipython_display_()
    assert shown == [{"image/svg+xml": style.drawing(figure), "text/plain": figure.as_drawn}]
    assert figure.as_drawn.startswith('axes 1: title "L = 3')
