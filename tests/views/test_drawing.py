"""Figures as SVG: text as text, colours as variables, two forms, the same at every run."""

import base64
import functools
import io
import re
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from few import few
from matplotlib.colors import to_rgb
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


@pytest.mark.parametrize("name", few(list(DRAWN), ["lines", "map"]))
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
    for form in ("wide", "narrow"):
        numbered = {one for one in known if one.startswith(form)}
        assert numbered == {f"{form}-{number}" for number in range(1, len(numbered) + 1)}


@drawn
def test_what_is_not_seen_is_not_written_and_nothing_is_finer_than_can_be_seen(name):
    for element in ET.fromstring(drawing(name)).iter():
        assert (element.tag, element.get("style")) != (f"{{{SVG}}}path", "fill: none")
        for key in ("d", "x", "y", "width", "height", "transform", "viewBox", "style"):
            assert not re.search(r"\.\d{3}", element.get(key, "")), key


def test_a_map_is_stored_in_twice_the_pixels_of_an_ordinary_screen():
    images = forms(drawing("map"))["wide"].iter(f"{{{SVG}}}image")
    image = max(images, key=lambda one: float(one.get("width")))
    pixels = plt.imread(io.BytesIO(base64.b64decode(image.get("href").partition(",")[2])))
    width = pixels.shape[1]
    # A point is 1 / 72 of an inch; such a screen has 96 pixels to the inch.
    assert width == pytest.approx(float(image.get("width")) * 192 / 72, abs=1)
    assert width > 400


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
    for text in label:
        for span in text.iter(f"{{{SVG}}}tspan"):
            # What is raised or lowered is small; the last dy of a line leads back to it.
            small = (span.get("dy"), span.get("font-size")) in {
                (dy, "0.72em") for dy in ("0.278em", "-0.500em", "-0.778em")
            }
            assert small == (span.get("font-size") is not None)


def test_a_formula_that_is_not_known_is_named():
    with pytest.raises(ValueError, match=r"\\Omega must be one of"):
        plain(lambda axis: axis.set_xlabel(r"$\Omega$"))


@pytest.mark.parametrize(
    ("place", "anchor"), [("left", "start"), ("center", "middle"), ("right", "end")]
)
def test_lines_that_are_flush_or_centred_stay_so_in_other_letters(place, anchor):
    form = forms(plain(lambda axis: axis.text(0.5, 0.5, "one\nlonger", ha=place)))["only"]
    lines = [
        text
        for text in form.iter(f"{{{SVG}}}text")
        if "".join(text.itertext()) in ("one", "longer")
    ]
    assert len(lines) == 2
    held = []
    for line in lines:
        assert f"text-anchor: {anchor}" in line.get("style") or anchor == "start"
        assert line.get("y") == "0"
        start = float(re.match(r"translate\(([\d.]+)", line.get("transform"))[1])
        held.append(start + float(line.get("x")))
    assert held[0] == pytest.approx(held[1], abs=0.3)


def test_writing_a_figure_leaves_its_texts_as_they_were():
    figure = Figure()
    words = figure.text(0.5, 0.5, r"$\lambda$")
    svg({"only": figure}, style.VARIABLES)
    assert words.get_gid() is None


def test_marks_of_one_look_say_it_once():
    text = plain(lambda axis: axis.plot(range(50), range(50), "o", color=style.RIGHT))
    assert text.count("<use ") > 50
    assert text.count("var(--nc-right") < 10


def test_of_two_marks_the_look_is_said_once():
    form = forms(plain(lambda axis: axis.plot([0, 1], [0, 1], "o", color=style.RIGHT)))["only"]
    said = [one.tag for one in form.iter() if "fill: var(--nc-right" in one.get("style", "")]
    assert said == [f"{{{SVG}}}g"]


def test_marks_that_are_seen_through_stay_so_one_by_one():
    text = plain(lambda axis: axis.scatter(range(30), range(30), alpha=0.5, color=style.RIGHT))
    through = [
        use
        for use in forms(text)["only"].iter(f"{{{SVG}}}use")
        if "opacity: 0.5" in use.get("style", "")
    ]
    assert len(through) == 30


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


def bias_path(rho, **both):
    return figures.penalised_bias_path(rho, both, (1.0, 2.0), {"bias": rho, "mean": rho}, 0.5)


def optimum(lam):
    return nc.global_minimizer(nc.Problem([20, 20, 20], 1, lambda_W=lam, lambda_H=lam))


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda: figures.model_sketch(), (1, 1)),
        (lambda: figures.lemma_roots(3, (0.5, 2.0)), (1, 2)),
        (lambda: bias_path(np.array([0.1, 1]), optimum=[1, 2], tempting=[1, 2]), (1, 2)),
        (lambda: figures.two_class_phases(np.array([1.0, 9]), {"a": [1, 1], "b": [1, 1]}), (1, 2)),
        (lambda: figures.plane_geometry([optimum(1e-3), optimum(2e-3)], ["a", "b"]), (1, 2)),
        (lambda: figures.cosine_maps([np.eye(2)] * 3, ["a", "b", "c"]), (1, 4)),
        (lambda: figures.cosine_maps([np.eye(2)] * 5, ["a", "b", "c", "d", "e"]), (2, 4)),
    ],
)
def test_a_figure_may_have_an_order_of_its_own_where_there_is_room(draw, shape):
    figure = draw()
    wide = style.in_wide_form(figure)
    panels = [axis for axis in wide.axes if axis.get_label() != "<colorbar>"]
    assert {axis.get_subplotspec().get_gridspec().get_geometry() for axis in panels} == {shape}
    titles = [
        [axis.get_title(loc="left") for axis in one.axes if axis.get_title(loc="left")]
        for one in (figure, wide)
    ]
    assert [title.replace("\n", " ") for title in titles[1]] == titles[0]


def test_one_panel_is_as_high_where_there_is_room():
    @style.styled
    def draw():
        return style.new_figure(height=4.5)[0]

    assert style.in_wide_form(draw()).get_size_inches().tolist() == [style.WIDE, 4.5]


def test_the_panel_above_a_gap_keeps_the_numbers_of_the_axis_that_it_shares():
    @style.styled
    def draw():
        return style.new_figure(5, height=8.0, sharex=True)[0]

    figure = style.in_wide_form(draw())
    shown = [axis.xaxis.get_tick_params()["labelbottom"] for axis in figure.axes]
    # Of two rows of three the last place is empty.
    assert shown == [False, False, True, True, True]


def test_a_title_that_is_too_long_for_its_panel_breaks_between_words():
    # A word of more letters than fit on average, but narrow ones, stays whole.
    title = "MMMMM illilliilliilliilliilli MMMMM, $n = 4 N^2$"

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
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append((data, raw)))
    figure = figures.lemma_curves(3)
    figure._ipython_display_()
    data = {"image/svg+xml": style.drawing(figure), "text/plain": figure.as_drawn}
    assert shown == [(data, True)]
    assert figure.as_drawn.startswith('axes 1: title "L = 3')


class TestAxes:
    def test_a_logarithmic_axis_of_a_decade_has_its_ticks_at_1_2_and_5(self):
        axis = Figure().subplots()
        axis.set(xscale="log", xlim=(0.0015, 0.03))
        style.plain_log_ticks(axis)
        axis.figure.draw_without_rendering()
        low, high = axis.get_xlim()
        ticks = [
            label.get_text()
            for label in axis.get_xticklabels()
            if low <= label.get_position()[0] <= high
        ]
        assert ticks == ["0.002", "0.005", "0.01", "0.02"]

    @pytest.mark.parametrize("most", [2, 3, 9, 40])
    def test_classes_are_whole_numbers(self, most):
        axis = Figure(figsize=(5, 3)).subplots()
        axis.plot([1, most], [0, 1])
        style.whole_ticks(axis)
        ticks = axis.get_xticks()
        assert len(ticks) >= 2
        assert (ticks == np.round(ticks)).all()

    def test_a_logarithmic_axis_gets_no_zero(self):
        np.testing.assert_array_equal(
            style.positive([2, 1, 0.5, 1e-300, 0, -1]), [2, 1, 0.5, 1e-300, np.nan, np.nan]
        )

    @pytest.mark.parametrize("number", [2, 7])
    def test_greys_go_from_nearly_ink_to_what_is_still_seen_on_paper(self, number):
        levels = [to_rgb(grey)[0] for grey in style.shades(number)]
        assert len(levels) == number
        assert (np.diff(levels) > 0.05).all()
        assert levels[0] == pytest.approx(to_rgb(style.INK)[0], abs=0.01)
        assert levels[-1] < 0.75
