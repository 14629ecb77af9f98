"""Two maps of cosines side by side: the picture that several explorables share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from nclib.views import style
from nclib.views.explorables.explorable import CROSS, Picture, Slider, chosen

NARROW = "(width < 480)"
"""Whether the numbers have no room in two maps side by side."""


def two_maps(
    sliders: Sequence[Slider[Any]], classes: int, maps: tuple[str, str], label: str
) -> Picture:
    """Draw two maps of cosines with the numbers written in, and crosses where there is none.

    Both are in one view, since only a single view can be as wide as the page. They stand side by
    side, on a phone one below the other.

    Parameters
    ----------
    sliders : sequence of Slider
        What the table is looked up by. Its other columns are ``of``, ``class``, ``other`` (from 1)
        and ``cosine``.
    classes : int
    maps : (str, str)
        What each is of: the two values of the column ``of``.
    label : str
        Expression of the label of a row, from ``datum.value``: half of a class more than its
        number, and ``classes + 1`` more in the second map.
    """
    second = classes + 1
    middles = [k + 0.5 for k in range(classes)]

    def x(field: str) -> alt.X:
        end = alt.expr(f"{NARROW} ? {classes} : {second + classes}")
        scale = alt.Scale(domain=[0, end], nice=False)
        return alt.X(f"{field}:Q", scale=scale, axis=None)

    def y(field: str) -> alt.Y:
        end = alt.expr(f"{NARROW} ? {second + classes} : {classes}")
        both = [*middles, *(second + middle for middle in middles)]
        axis = alt.Axis(
            title=None,
            values=alt.expr(f"{NARROW} ? {both} : {middles}"),
            labelExpr=label,
            domain=False,
            ticks=False,
            grid=False,
        )
        scale = alt.Scale(domain=[0, end], reverse=True, nice=False)
        return alt.Y(f"{field}:Q", scale=scale, axis=axis)

    color = alt.Color(
        "cosine:Q",
        scale=alt.Scale(scheme="purpleorange", reverse=True, domain=[-1, 1]),
        legend=None,  # the numbers are written in
    )
    ink = alt.condition("abs(datum.cosine) > 0.6", alt.value("white"), alt.value(style.INK))
    first = alt.Chart().transform_filter("datum.class === 1 && datum.other === 1")
    known = alt.Chart().transform_filter("datum.cosine !== null")
    none = alt.Chart().transform_filter("datum.cosine === null")
    tooltip = [
        alt.Tooltip("cosine:Q", title="cosine", format=".3f"),
        alt.Tooltip("pair:N", title="of classes"),
    ]
    drawn = alt.layer(
        first.mark_text(align="left", baseline="bottom", dy=-5).encode(
            x=x("left"), y=y("top"), text="title:N"
        ),
        known.mark_rect(stroke=style.LABELS, strokeWidth=0.5).encode(
            x=x("left"), x2="right", y=y("top"), y2="bottom", color=color
        ),
        known.mark_text(fontSize=12).encode(
            x=x("middle"),
            y=y("centre"),
            text=alt.Text("cosine:Q", format=".2f"),
            color=ink,
            tooltip=tooltip,
        ),
        none.mark_point(shape=CROSS, size=60, color=style.DEAD, strokeWidth=2.5, opacity=1).encode(
            x=x("middle"), y=y("centre"), tooltip=tooltip
        ),
    )
    shift = f"(datum.of === '{maps[1]}' ? {second} : 0)"
    return (
        drawn.transform_filter(chosen(*sliders))
        .transform_calculate(
            left=f"datum.other - 1 + ({NARROW} ? 0 : {shift})",
            top=f"datum.class - 1 + ({NARROW} ? {shift} : 0)",
            title="'cosines of ' + datum.of",
            pair="datum.class + ' and ' + datum.other",
        )
        .transform_calculate(
            right="datum.left + 1",
            bottom="datum.top + 1",
            middle="datum.left + 0.5",
            centre="datum.top + 0.5",
        )
        .properties(height=50 * classes)
    )
