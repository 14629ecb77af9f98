"""Marks and words of an explorable in the picture that Vega draws of a state."""

import functools
import re
from xml.etree import ElementTree

import numpy as np
import vl_convert

from nclib.views import style

WIDTH = 400


@functools.cache
def chart_of(shown):
    """What Vega gets; Altair makes it in half a second."""
    return shown.chart.to_dict(validate=False)


def svg_of(shown, state, width=WIDTH):
    """Vega's picture of a state."""
    chart = chart_of(shown)
    moved = [
        parameter | {"value": value}
        for parameter, value in zip(chart["params"], state, strict=True)
    ]
    return vl_convert.vegalite_to_svg(chart | {"params": moved, "width": width})


def marks(shown, state, width=WIDTH):
    """Crosses and dots of a state, (x, y) in pixels from the upper left, and labels of crosses."""
    return in_svg(svg_of(shown, state, width))


def in_svg(svg):
    found = {"cross": [], "dot": [], "labels": []}
    for group in ElementTree.fromstring(svg).iter():
        if not re.search(r"mark-symbol role-mark", group.get("class", "")):
            continue
        for path in group:
            place = place_of(path)
            stroke, fill = path.get("stroke"), path.get("fill", "none")
            if path.get("d").count("M") == 2:  # two lines
                assert stroke in (style.DEAD, style.WRONG)
                found["cross"].append(place)
                found["labels"].append(path.get("aria-label"))
            elif fill not in ("none", "transparent"):
                found["dot"].append(place)
    return found


def place_of(element):
    return tuple(map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", element.get("transform"))))[:2]


def same(drawn, expected):
    drawn, expected = (
        np.array(sorted(map(tuple, places))).reshape(-1, 2) for places in (drawn, expected)
    )
    assert drawn.shape == expected.shape
    np.testing.assert_allclose(drawn, expected, atol=0.02)


def words_of(svg, role):
    """Text of each group of a role, with its place: ``axis-label``, ``legend-label``, ``mark``."""
    return [
        [(text.text, place_of(text)) for text in group]
        for group in ElementTree.fromstring(svg).iter()
        if f"mark-text role-{role}" in group.get("class", "")
    ]


def size_of(svg):
    """Width and height of the picture without its axes."""
    frame = re.search(r'class="background"[^>]* d="M0,0h([\d.]+)v([\d.]+)', svg)
    return float(frame[1]), float(frame[2])
