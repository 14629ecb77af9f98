"""What is written in the pictures of explorables and beside them, and where it stands.

Numbers at axes, names of rows and lines, numbers in cells and sentences; and marks of pictures
whose places no other test looks at.
"""

import math
import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from every_explorable import ECOLI, explorable
from made_results import made
from vega_marks import WIDTH, in_svg, marks, same, size_of, svg_of, words_of

import nclib as nc
from nclib.views import explorables, style

LESIONS = [
    "nv, 6,705",
    "mel, 1,113",
    "bkl, 1,099",
    "bcc, 514",
    "akiec, 327",
    "vasc, 142",
    "df, 115",
]
KAPPA_MAX = np.linalg.svd(nc.effective_label_matrix(ECOLI), compute_uv=False)[0]

# Ends of the horizontal axis, the numbers at it; the same of the vertical one.
NUMBERS = {
    "survival": ((2e-4, 3e-2), "0.0002 0.0005 0.001 0.002 0.005 0.01 0.02", None, ""),
    "one-rule": ((0, 1.08 * KAPPA_MAX), "0 2 4 6 8 10", (0, 1.08 * KAPPA_MAX), "0 2 4 6 8 10"),
    "lemma": (
        (0, 2.4),
        "0.0 0.2 0.4 0.6 0.8 1.0 1.2 1.4 1.6 1.8 2.0 2.2 2.4",
        (0.3, 1.6),
        "0.4 0.6 0.8 1.0 1.2 1.4 1.6",
    ),
    "phases": ((1e-5, 1e-2), "0.00001 0.0001 0.001 0.01", (1, 1000), "1 10 100 1000"),
    "secular": ((0, 600), "0 100 300 500", (-6, 6), "−6 −3 0 3 6"),
    "curves": (
        (1, 600),
        "1 10 100",
        (1e-8, 100),
        "1e-8 1e-7 0.000001 0.00001 0.0001 0.001 0.01 0.1 1 10 100",
    ),
    "data-sets": (
        (0, 100),
        "0% 20% 40% 60% 80% 100%",
        (0.7, 3e5),
        "1 10 100 1k 10k 100k",
    ),
    "remedies": ((-1, 1), "−1.0 −0.5 0.0 0.5 1.0", None, ""),
}
LOGARITHMIC = {("survival", 0), ("phases", 0), ("phases", 1), ("curves", 0), ("curves", 1)}
LOGARITHMIC |= {("data-sets", 1)}


def number(text):
    return float(text.replace("−", "-").replace("k", "000").removesuffix("%"))


def labels(found):
    return [text for text, _ in found]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_stand_at_their_places_of_an_axis(name):
    svg = explorable(name).static
    written = words_of(svg, "axis-label")
    for axis, (ends, expected) in enumerate((NUMBERS[name][:2], NUMBERS[name][2:])):
        if ends is None:
            continue
        assert labels(written[axis]) == expected.split()
        scale = math.log if (name, axis) in LOGARITHMIC else float
        low, high = map(scale, ends)
        size = size_of(svg)[axis]
        for text, place in written[axis]:
            share = (scale(number(text)) - low) / (high - low)
            # The letters stand on a line a little below their middle.
            expected_place = size * share if axis == 0 else size * (1 - share) + 4
            assert place[axis] == pytest.approx(expected_place, abs=0.02)


def test_the_three_panels_of_the_norms_have_numbers_of_their_own():
    svg = explorable("norms").static
    width, height = size_of(svg)
    assert width > 300  # panels that do not fit leave no room, and every place is 0
    *panels, classes = words_of(svg, "axis-label")
    numbers = (("0 10", 20.0), ("0 0.1 0.2", 0.25), ("0 0.5 1", 1.0))
    for panel, (written, (expected, end)) in enumerate(zip(panels, numbers, strict=True)):
        assert labels(written) == expected.split()
        for text, (x, _) in written:
            assert x == pytest.approx(width * (0.35 * panel + 0.3 * float(text) / end), abs=0.02)
    assert labels(classes) == LESIONS
    assert [y for _, (_, y) in classes] == pytest.approx(
        [height * (k + 0.5) / 7 + 3.5 for k in range(7)]
    )
    filled = re.findall(r'<path aria-label="(?:row|mean|output): [^>]*fill="(#\w+)"', svg)
    # Four living classes in three panels, in the colour of one layer; the rest are ticks.
    assert [one for one in filled if one != style.LABELS] == [style.DEPTH_COLORS[1]] * 12


ROWS = {
    "gram": (("class means", "predictions"), ["frequent"] * 3 + ["rare"] * 3),
    "relatives": (("class means", "classifiers"), [f"class {k}" for k in range(1, 7)]),
}


@pytest.mark.parametrize(
    ("name", "width"), [("gram", 300), ("gram", 650), ("relatives", 300)], ids=str
)
def test_each_map_has_its_title_its_rows_and_its_numbers(name, width):
    shown, (maps, names) = explorable(name), ROWS[name]
    state = tuple(slider.default for slider in shown.sliders)
    svg = svg_of(shown, state, width)
    (rows,) = [found for found in words_of(svg, "axis-label") if found]
    titles, cells = words_of(svg, "mark")
    # On a phone one below the other, with a row between them that is free.
    narrow = width < 480
    broad, high = (width / 6, 300 / 13) if narrow else (width / 13, 300 / 6)
    assert labels(titles) == [f"cosines of {of}" for of in maps]
    assert labels(rows) == names * (2 if narrow else 1)
    middles = [k + 0.5 for k in (*range(6), *(range(7, 13) if narrow else ()))]
    assert [y for _, (_, y) in rows] == pytest.approx([high * k + 4 for k in middles], abs=0.02)
    numbers = {(int(x // broad), int(y // high)): number(text) for text, (x, y) in cells}
    colors = colors_of_cells(svg, broad, high)
    # Orange below 0, white there, purple above: as matplotlib has them.
    colormap = mpl.colormaps["PuOr"]
    assert len(numbers) == len(colors) == 72
    for of, k, j, cosine in rows_of(shown, state, "of", "class", "other", "cosine"):
        second = 7 * maps.index(of)
        at = (j - 1, k - 1 + second) if narrow else (j - 1 + second, k - 1)
        assert numbers[at] == pytest.approx(cosine, abs=0.00501)
        assert colors[at] == pytest.approx(colormap((cosine + 1) / 2)[:3], abs=0.13)


def rows_of(shown, state, *names):
    """Cells of some columns in the rows of a state."""
    keys = zip(*(shown.table[slider.name] for slider in shown.sliders), strict=True)
    cells = zip(*(shown.table[name] for name in names), strict=True)
    return [row for key, row in zip(keys, cells, strict=True) if key == state]


def colors_of_cells(svg, broad, high):
    """Colour of each cell by its column and row."""
    found = {}
    for group in ElementTree.fromstring(svg).iter():
        if "mark-rect role-mark" in group.get("class", ""):
            for path in group:
                x, y = map(float, re.findall(r"[-\d.]+(?:e-\d+)?", path.get("d"))[:2])
                color = [int(part) / 255 for part in re.findall(r"\d+", path.get("fill"))]
                found[round(x / broad), round(y / high)] = color
    return found


def test_lines_of_the_phases_are_named_and_told_apart_by_their_dashes():
    svg = explorable("phases").static
    assert [label for (label, _), in words_of(svg, "legend-label")] == [
        "the rare classes merge", "their means are 0", "all means are 0"
    ]  # fmt: skip
    dashes = [
        path.get("stroke-dasharray")
        for group in ElementTree.fromstring(svg).iter()
        if "mark-line role-mark" in group.get("class", "")
        for path in group
    ]
    assert len(set(dashes)) == len(dashes) == 3


@pytest.mark.parametrize("state", [(1, 0.0005, 100), (3, 0.001, 5)])
def test_the_phases_have_a_dot_at_the_penalty_and_the_imbalance(state):
    svg = svg_of(explorable("phases"), state)
    _, lam, ratio = state
    x = WIDTH * math.log(lam / 1e-5) / math.log(1000)
    same(in_svg(svg)["dot"], [(x, 320 * (1 - math.log(ratio) / math.log(1000)))])
    assert re.search(r"modes alive of 9: \d;", svg)


@pytest.mark.parametrize(
    "state",
    [
        ("cross-entropy", "nothing", 0.0013),
        ("squared error", "class weights 1/n", 0.0127),
        ("cross-entropy", "balanced sampling", 0.015),
    ],
)
def test_remedies_have_dots_and_crosses_at_the_leads(state):
    shown = explorable("remedies")
    drawn = marks(shown, state)
    expected = {0: [], 1: []}
    # Seven rows and a little room, 34 pixels for each.
    for k, lead, right in rows_of(shown, state, "class", "lead", "right"):
        expected[right].append((WIDTH * (lead + 1) / 2, 238 * (k - 0.4) / 7.2))
    same(drawn["dot"], expected[1])
    same(drawn["cross"], expected[0])
    svg = svg_of(shown, state)
    (_, classes) = words_of(svg, "axis-label")
    assert labels(classes) == LESIONS[::-1]
    zero = re.search(r"mark-rule role-mark layer_0_marks.*?<line[^>]*translate\(([\d.]+),", svg)
    assert float(zero[1]) == pytest.approx(WIDTH / 2)


@pytest.mark.parametrize("sizes", [(2, 2, 2), (1, 8, 40), (100, 1, 1), (1, 100, 100)])
def test_rings_of_the_secular_function_are_at_its_zeros_with_numbers_on_the_free_side(sizes):
    n = np.repeat([500.0, 300.0, 100.0], sizes)
    kappa = np.linalg.svd(nc.effective_label_matrix(n.astype(int)), compute_uv=False)
    squares = kappa**2
    zeros = [
        squares[(squares > low + 1e-6) & (squares < high - 1e-6)][0]
        for low, high in ((300, 500), (100, 300))
    ]
    svg = svg_of(explorable("secular"), sizes)
    same(in_svg(svg)["dot"], [(WIDTH * t / 600, 160) for t in zeros])
    counted, near_upper, near_lower = words_of(svg, "mark")
    assert labels(counted) == [
        f"{size} × {count}" for size, count in zip(sizes, (500, 300, 100), strict=True)
    ]
    for t, (low, high) in zip(zeros, ((300, 500), (100, 300)), strict=True):
        is_near_upper = high - t < t - low
        (x,) = (
            x
            for text, (x, _) in (near_upper if is_near_upper else near_lower)
            if text == f"{t:.1f}"
        )
        assert (x < WIDTH * t / 600) == is_near_upper


class TestSentences:
    def test_where_alive_and_dead_cost_the_same_the_lemma_says_at_which_size(self):
        for depth in range(2, 7):
            # Lemma A.2: the threshold, and the minimiser there.
            threshold = (depth - 1) ** ((depth - 1) / depth) / depth
            said = explorable("lemma").summaries[depth, 1.0]
            assert said.startswith(f"α = α* = {threshold:.3g}: ")
            assert f"at x = 0 and at x = {(depth - 1) ** (1 / depth):.3g}. " in said

    def test_the_lemma_says_on_which_side_of_the_threshold_the_price_is(self):
        for (depth, price), said in explorable("lemma").summaries.items():
            if price == 1:
                assert ("equal to α* = 1" in said) == (depth == 1)
            else:
                assert (", above α*" in said, ", below α*" in said) == (price > 1, price < 1)
            if price > 1:
                assert said.endswith("g is lowest at x = 0, where it is 1. The mode is dead.")

    def test_one_class_survives_and_two_survive(self):
        for said in explorable("norms").summaries.values():
            alive = said.partition(" ")[0]
            assert (
                alive == "No" or f" classes {'survives' if alive == '1' else 'survive'}. " in said
            )

    def test_shares_have_one_digit_after_the_point(self):
        for said in explorable("phases").summaries.values():
            assert re.search(r"gets \d+\.\d % of", said)

    def test_a_cosine_of_nearly_zero_has_no_sign(self):
        table = explorable("gram").table
        assert any(-0.005 < cosine < -0.0005 for cosine in table["cosine"] if cosine is not None)
        for said in explorable("gram").summaries.values():
            assert "−0.00" not in said

    @pytest.mark.parametrize(
        ("known", "compared"),
        [
            ((), None),
            (("nc3",), None),
            (("nc1", "nc3"), ("NC1", "NC3")),
        ],
    )
    def test_metrics_are_compared_where_two_are_known(self, known, compared):
        run = made(epochs=[0, 1, 2])
        for entry in run.history:
            for name, value in entry["metrics"]["corrected"].items():
                # The distances grow from nc1 to nc3; one that has come to 0 has no place.
                entry["metrics"]["corrected"][name] = value if name in known else 0.0
        shown = explorables.training_curves([run])
        said = shown.summaries["digits", "with", 3, "corrected", 2]
        if compared is None:
            assert said.endswith("above its minimum (1 seed).")
        else:
            nearest, farthest = compared
            assert said.endswith(f" Nearest to collapse is {nearest}, farthest from it {farthest}.")


def test_a_share_in_thirds_is_rounded_to_six_digits():
    table = explorable("survival").table
    assert sorted(set(table["kept_before_death"])) == [0, 0.5, 0.666667, 0.75, 0.8, 0.833333]


def test_one_layer_starts_from_nothing_at_its_threshold():
    table = explorable("one-rule").table
    starts = {z for z, L in zip(table["z_at_threshold"], table["L"], strict=True) if L == 1}
    assert starts == {0}


@pytest.mark.parametrize(
    ("name", "column", "digits"), [("relatives", "cosine", 3), ("remedies", "lead", 5)]
)
def test_digits_after_the_point_are_as_many_as_are_shown(name, column, digits):
    cells = [cell for cell in explorable(name).table[column] if cell is not None]
    assert all(cell == round(cell, digits) for cell in cells)


def test_borders_of_the_phases_and_the_secular_curve_stay_on_their_axes():
    table = explorable("phases").table
    assert min(table["ratio"]) == 1
    assert max(table["ratio"]) == 1000
    grid = [t for t in explorable("secular").table["t"] if t]
    assert 0 < min(grid) < 0.01
    assert 599.99 < max(grid) < 600
