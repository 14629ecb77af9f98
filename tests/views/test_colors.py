"""Colours mean one thing, are the same in figures and pages, and are never all that tells apart."""

import itertools
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from color_vision import VISIONS, difference
from every_explorable import EXPLORABLES, stored
from matplotlib.colors import is_color_like, to_hex, to_rgb

from nclib.views import style
from nclib.views.explorables.explorable import asset

BOOK = Path(__file__).resolve().parents[2] / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))

# In units of CIE 1976, of which 2.3 can just be seen side by side.
APART = 10
# Two things that a reader has to name, seen apart from each other.
NAMED_APART = 18

MEANINGS = {
    "right": style.RIGHT,
    "merged": style.MERGED,
    "wrong": style.WRONG,
    "dead": style.DEAD,
    **{f"L = {depth}": style.DEPTH_COLORS[depth] for depth in (1, 3, 6)},
}


def least_difference(first, second):
    return min(difference(first, second, vision) for vision in VISIONS)


def css_variables(theme):
    text = (BOOK / "_static" / "nclib.css").read_text(encoding="utf-8")
    start = {
        "light": ":root {\n  --nc-depth-1",
        "dark": 'html[data-theme="dark"] {\n  --nc-depth-1',
    }
    block = text[text.index(start[theme]) :]
    found = re.findall(r"--nc-([\w-]+): ([^;]+);", block[: block.index("}")])
    return {name: to_hex(value) if is_color_like(value) else value for name, value in found}


def test_a_colour_has_one_meaning():
    constants = [
        *MEANINGS.values(),
        *(style.INK, style.MUTED, style.GRID, style.LABELS, style.PAPER, style.DESCENT),
        *style.CLASS_COLORS,
        *(style.DEPTH_COLORS[depth] for depth in (2, 4, 5)),
    ]
    assert len(constants) == len(set(constants)) == len(style.VARIABLES) - 4


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_sets_the_variables_of_the_figures_in_both_themes(theme):
    css = css_variables("light") | css_variables(theme)
    own = {"on-pale", "on-dark"}  # words on maps, which stay as they are
    assert css.keys() == set(style.VARIABLES.values()) - own
    if theme == "light":
        for color, name in style.VARIABLES.items():
            assert css.get(name, color) in (color, *(v for v in css.values() if "--pst" in v)), name


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "pair", list(itertools.combinations(MEANINGS, 2)), ids=lambda pair: " and ".join(pair)
)
def test_colours_of_meanings_are_told_apart_with_all_cones(pair, theme):
    names = {f"L = {depth}": f"depth-{depth}" for depth in (1, 3, 6)}
    css = css_variables(theme)
    first, second = (css[names.get(one, one)] for one in pair)
    assert difference(first, second, "all cones") >= NAMED_APART


# ---------------------------------------------------------------- figures

# A line of a listing: how it looks, and where it leads.
LOOK = re.compile(r"  (\S*) ?(#[0-9a-f]{6})(?: filled \S+)?(?:, a run)?[:,]")


def looks_of_axes(listing):
    """For each axes of a figure the looks of its lines and marks: what they are, and the colour."""
    found = []
    for line in listing.split("\n"):
        if line.startswith("axes "):
            found.append(set())
        elif found and (match := LOOK.match(line)):
            found[-1].add(match.groups())
    return found


def figures_of(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if "image/svg+xml" in output.get("data", {}):
                yield cell["id"], "".join(output["data"]["text/plain"])


def too_close(looks):
    """Pairs that have the same dash and mark, and colours that some readers see as one."""
    return [
        (one, other)
        for one, other in itertools.combinations(sorted(looks), 2)
        # A box has its words in it, or beside it.
        if one[0] == other[0] != "boxes" and least_difference(one[1], other[1]) < APART
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_lines_and_marks_of_every_figure_are_told_apart_by_everyone(path, theme):
    css = css_variables(theme)
    shown = {color: css.get(name, color) for color, name in style.VARIABLES.items()}
    shown = {color: value for color, value in shown.items() if is_color_like(value)}
    if theme == "dark":
        shown |= {style.INK: "#ced6dd", style.MUTED: "#9ca4af"}  # the theme's text on dark
    for name, listing in figures_of(path):
        for number, drawn in enumerate(looks_of_axes(listing), start=1):
            looks = {(look, shown.get(color, color)) for look, color in drawn}
            assert too_close(looks) == [], f"{name}, axes {number}"


def test_the_book_has_figures_with_lines():
    looks = [
        one for path in NOTEBOOKS for _, text in figures_of(path) for one in looks_of_axes(text)
    ]
    assert sum(len(one) > 1 for one in looks) > 40


@pytest.mark.parametrize("dash", ["-", "--"])
def test_two_that_are_one_under_deuteranopia_are_found(dash):
    # Yellowish green and orange of one lightness.
    listing = f"axes 1: \n  - #8f9400: (0, 1)\n  {dash} #b87f00: (0, 2)"
    (looks,) = looks_of_axes(listing)
    assert bool(too_close(looks)) == (dash == "-")


# ---------------------------------------------------------------- explorables


def looks_of_picture(text):
    """Shape or dash, and colour, of what is drawn in each kind of mark of an explorable."""
    found = {}
    for group in ET.fromstring(text).iter():
        kind = re.search(r"mark-(line|symbol|rule|rect|area) role-mark", group.get("class", ""))
        if not kind:
            continue
        for part in group:
            colors = [part.get(key, "none") for key in ("fill", "stroke")]
            for color in filter(is_color_like, set(colors) - {"none"}):
                # A mark by its form, a line by its dashes.
                shape = part.get("d") if kind[1] == "symbol" else part.get("stroke-dasharray", "")
                found.setdefault(kind[1], set()).add((shape, to_hex(color)))
    return found


# What a page stands on, in each theme.
GROUND = {"light": "#ffffff", "dark": "#121212"}


def contrast(first, second):
    """By WCAG 2: the ratio of the relative luminances."""
    lights = []
    for color in (first, second):
        parts = np.array(to_rgb(color))
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", EXPLORABLES)
def test_lines_and_marks_of_every_explorable_are_told_apart_by_everyone(name, theme):
    picture = re.search(r'<figure class="nc-static">\s*(<svg.*?</svg>)', stored()[name], re.DOTALL)
    looks_of = looks_of_picture(picture[1])
    assert looks_of
    css, rules = css_variables(theme), asset("explorables.css")
    # A variable of the page is the colour only where a rule says so.
    shown = {
        color: css[variable]
        for color, variable in style.VARIABLES.items()
        if f'[stroke="{color}"] {{\n  stroke: var(--nc-{variable}, {color})' in rules
        and f'[fill="{color}"] {{\n  fill: var(--nc-{variable}, {color})' in rules
        and variable in css
    }
    for kind, looks in looks_of.items():
        named = {color for _, color in looks} & set(style.VARIABLES) - set(style.GROUNDS)
        assert named <= shown.keys(), kind
        seen = {(look, shown.get(color, color)) for look, color in looks}
        meant = {color for _, color in seen if color in shown.values()}
        assert all(contrast(color, GROUND[theme]) > 2 for color in meant), kind
        if kind not in ("rect", "area"):  # cells of a map, whose numbers stand in words
            assert too_close(seen) == [], kind
