"""Theorem 4.4: the secular function, its poles and its zeros, as the groups change."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from nclib.theory.counts import ClassCounts
from nclib.theory.spectrum import Spectrum
from nclib.views import style
from nclib.views.explorables.explorable import (
    Explorable,
    Handle,
    Picture,
    Slider,
    State,
    chosen,
    states,
)

COUNTS = (500, 300, 100)
SLIDERS = tuple(
    Slider(f"l{j}", f"Classes of {count} samples", (1, 2, 3, 5, 8, 13, 20, 40, 100), default=2)
    for j, count in enumerate(COUNTS, start=1)
)
SHARES = tuple(f"of_{count}" for count in COUNTS)
ZEROS = ("upper zero", "lower zero")

END, REACH = 600, 6
"""Ends of the axes."""

HEIGHT = 320


def secular_function() -> Explorable:
    """Show the secular function of three groups, and how its zeros move between the counts.

    Returns
    -------
    Explorable
        The curve of S(t) / K, from the share in S of a class of each count. Dashed lines: its
        poles, the counts, and above them the number of classes that have the count. Rings: its
        zeros, the squares of the between-group kappa.

    References
    ----------
    Liu, arXiv 2411.17278, Theorem 4.4, for the zeros; for the function see
    `nclib.Spectrum.secular_function`.

    Examples
    --------
    >>> secular_function().summaries[1, 1, 1]  # classes of 500, 300 and 100
    'S is zero at 379.3, between 300 and 500, and at 131.8, between 100 and 300.'
    """
    # S is a sum over the classes, so each count has one curve, however many classes have it.
    points = _points()
    of_one = [Spectrum(ClassCounts([n, n])).secular_function(points) / 2 for n in COUNTS]
    rows: list[tuple[Any, ...]] = [
        (None, None, None, "curve", t, *shares) for t, *shares in zip(points, *of_one, strict=True)
    ]
    rows += [(None, None, None, "pole", count, None, None, None) for count in COUNTS]
    summaries: dict[State, str] = {}
    for sizes in states(SLIDERS):
        spectrum = Spectrum(ClassCounts(np.repeat(COUNTS, sizes)))
        zeros = spectrum.kappa[spectrum.is_between][:-1] ** 2
        rows += [(*sizes, part, t, None, None, None) for part, t in zip(ZEROS, zeros, strict=True)]
        summaries[sizes] = _sentence(spectrum, *zeros)
    names = (*(slider.name for slider in SLIDERS), "part", "t", *SHARES)
    return Explorable(
        name="secular",
        question="Where do the modes between the groups go when a group grows?",
        alt_text=(
            "A curve in four pieces, with dashed lines, its poles, at 100, 300 and 500. Between "
            "neighbouring poles it rises from far below to far above and crosses zero once; rings "
            "mark the places, near 132 and 379. Left of 100 it is positive, right of 500 negative."
        ),
        sliders=SLIDERS,
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(),
        summaries=summaries,
        # Each ring moves with the outer of its two neighbours.
        handles=(
            Handle(("l1",), "t", {"part": ZEROS[0]}, y=HEIGHT // 2),
            Handle(("l3",), "t", {"part": ZEROS[1]}, y=HEIGHT // 2),
        ),
    )


def _points() -> NDArray[np.float64]:
    """Where the curve is drawn: the nearer to a pole, the denser."""
    # Where a group of one class stands beside hundreds, its pole is narrow.
    near = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7, 1.5, 3, 5, 8, 12, 17, 23])
    pieces = []
    for low, high in pairwise((0, *COUNTS[::-1], END)):
        middle = np.linspace(low + 30, high - 30, (high - low) // 20).round()
        pieces += [low + near, middle, high - near[::-1]]
    return np.concatenate(pieces)


def _sentence(spectrum: Spectrum, upper: float, lower: float) -> str:
    inner = [
        f"{count} ({'once' if size == 2 else f'{size - 1} times'})"
        for count, size in zip(COUNTS, spectrum.counts.multiplicities, strict=True)
        if size > 1
    ]
    sentence = (
        f"S is zero at {upper:.1f}, between 300 and 500, and at {lower:.1f}, between 100 and 300."
    )
    if not inner:
        return sentence
    return (
        f"{sentence} κ² is also {', '.join(inner[:-1])}{' and ' if inner[1:] else ''}{inner[-1]}."
    )


def _picture() -> Picture:
    names = [slider.name for slider in SLIDERS]
    sizes = " + ".join(names)
    total = " + ".join(f"{name} * datum.{of}" for name, of in zip(names, SHARES, strict=True))
    # The curve breaks at its poles: count those to the left.
    curve = (
        alt.Chart()
        .transform_filter("datum.part === 'curve'")
        .transform_calculate(
            piece=" + ".join(f"(datum.t > {count})" for count in COUNTS),
            S=f"({total}) / ({sizes})",
        )
    )
    size = "".join(f"datum.t === {n} ? {j} : " for j, n in zip(names, COUNTS, strict=True))
    poles = (
        alt.Chart()
        .transform_filter("datum.part === 'pole'")
        .transform_calculate(text=f"({size} 0) + ' × ' + datum.t")
    )
    zeros = (
        alt.Chart()
        .transform_filter(f"indexof({list(ZEROS)}, datum.part) >= 0 && {chosen(*SLIDERS)}")
        .transform_calculate(text="format(datum.t, '.1f')", S="0")
    )
    # The number of a zero stands on the side of the pole that is farther away.
    near_upper = " || ".join(
        f"(datum.t > {(low + high) / 2} && datum.t < {high})" for high, low in pairwise(COUNTS)
    )
    x = alt.X(
        "t:Q",
        scale=alt.Scale(domain=[0, END], nice=False),
        axis=alt.Axis(title="t", values=[0, *COUNTS], grid=False),
    )
    y = alt.Y(
        "S:Q",
        scale=alt.Scale(domain=[-REACH, REACH], nice=False),
        axis=alt.Axis(title="S(t) / K", values=[-REACH, -3, 0, 3, REACH], grid=False),
    )
    tooltip = [alt.Tooltip("part:N", title="S(t)"), alt.Tooltip("t:Q", format=".2f")]
    return alt.layer(
        poles.mark_rule(strokeDash=[5, 4]).encode(x=x),
        poles.mark_text(baseline="bottom", dy=-5).encode(x=x, y=alt.value(0), text="text:N"),
        zeros.mark_rule().encode(y=y),
        curve.mark_line(interpolate="monotone", color="currentColor", clip=True).encode(
            x=x, y=y, detail="piece:N"
        ),
        zeros.mark_point(
            size=90, fill="white", stroke=style.LABELS, strokeWidth=2.5, opacity=1
        ).encode(x=x, y=y, tooltip=tooltip),
        zeros.transform_filter(near_upper)
        .mark_text(align="right", dx=-9, dy=-12)
        .encode(x=x, y=y, text="text:N"),
        zeros.transform_filter(f"!({near_upper})")
        .mark_text(align="left", dx=9, dy=13)
        .encode(x=x, y=y, text="text:N"),
    ).properties(height=HEIGHT)
