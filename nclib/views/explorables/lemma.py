"""Lemma A.2: the cost of one mode, its lowest point, and the jump at the threshold."""

from __future__ import annotations

import altair as alt
import numpy as np

from nclib.theory.shrinkage import lemma_a2_g, lemma_a2_minimizer, lemma_a2_threshold
from nclib.views import style
from nclib.views.explorables.explorable import (
    CROSS,
    DEPTH_SCALE,
    Explorable,
    Handle,
    Picture,
    Slider,
    State,
    chosen,
    states,
)

DEPTH = Slider("L", "Linear layers", (1, 2, 3, 4, 5, 6), default=3)
PRICE = Slider(
    "price", "Price α, relative to α*", [round(0.4 + 0.05 * k, 2) for k in range(23)], default=0.8
)
X = np.linspace(0, 2.4, 41)


def lemma_curve() -> Explorable:
    """Show the function g of Lemma A.2 and where it is lowest.

    Returns
    -------
    Explorable
        The curve of g for 1 to 6 layers and a price alpha. A dot marks its lowest point, a cross
        where that is x = 0. Small rings: the lowest points for all the other prices.

    References
    ----------
    Liu, arXiv 2411.17278, Lemma A.2.

    Examples
    --------
    >>> lemma_curve().summaries[3, 0.8]  # L, price
    'α = 0.423, below α* = 0.529: g is lowest at x = 1.39, where it is 0.86. The mode is alive.'
    """
    rows = []
    summaries: dict[State, str] = {}
    for depth, price in states((DEPTH, PRICE)):
        threshold = lemma_a2_threshold(depth)
        alpha = price * threshold
        lowest = [float(lemma_a2_minimizer(alpha, depth))]
        if price == 1 and depth > 1:  # the tie: 0 and the root just below the threshold
            lowest.append(float(lemma_a2_minimizer(alpha * (1 - 1e-9), depth)))
        for part, points in (("curve", X), ("lowest", np.array(lowest))):
            for x, g in zip(points, lemma_a2_g(points, alpha, depth), strict=True):
                rows.append((depth, price, part, x, g))
        summaries[depth, price] = _sentence(alpha, threshold, lowest, rows[-1][-1])
    names = ("L", "price", "part", "x", "g")
    return Explorable(
        name="lemma",
        question="As its price rises, does a mode shrink to nothing or jump there?",
        alt_text=(
            "A curve that starts at height 1, climbs a hill and falls into a valley near x = 1.4. "
            "The floor of the valley is below 1; a dot marks it. Small rings show where the lowest "
            "point is for other prices: a row of them runs through the dot and ends at height 1, "
            "and one stands apart, at x = 0."
        ),
        sliders=(DEPTH, PRICE),
        table=dict(zip(names, zip(*rows, strict=True), strict=True)),
        picture=_picture(),
        summaries=summaries,
        handles=(Handle(("price",), "x", {"part": "lowest"}, y="g"),),
        plays="price",
    )


def _sentence(alpha: float, threshold: float, lowest: list[float], g: float) -> str:
    if len(lowest) > 1:
        return (
            f"α = α* = {threshold:.3g}: g is equally low at x = 0 and at x = {lowest[1]:.3g}. "
            "Alive and dead cost the same."
        )
    where = "below" if alpha < threshold else "above" if alpha > threshold else "equal to"
    place = f"α = {alpha:.3g}, {where} α* = {threshold:.3g}: g is lowest at x = {lowest[0]:.3g}"
    return f"{place}, where it is {g:.3g}. The mode is {'alive' if lowest[0] else 'dead'}."


def _picture() -> Picture:
    now = alt.Chart().transform_filter(chosen(DEPTH, PRICE))
    curve = now.transform_filter("datum.part === 'curve'")
    lowest = now.transform_filter("datum.part === 'lowest'")
    trail = alt.Chart().transform_filter(f"{chosen(DEPTH)} && datum.part === 'lowest'")
    x = alt.X("x:Q", title="x: size of the mode", scale=alt.Scale(domain=[0, X[-1]], nice=False))
    y = alt.Y("g:Q", title="g(x): its cost", scale=alt.Scale(domain=[0.3, 1.6], nice=False))
    color = alt.Color("L:N", scale=DEPTH_SCALE, legend=None)
    start = curve.transform_filter("datum.x === 0")
    alive, dead = (lowest.transform_filter(f"datum.x {sign} 0") for sign in (">", "==="))
    tooltip = [
        alt.Tooltip("x:Q", format=".3g"),
        alt.Tooltip("g:Q", title="g(x)", format=".3g"),
        alt.Tooltip("price:Q", title="α / α*"),
    ]
    return alt.layer(
        start.mark_rule(strokeDash=[4, 4]).encode(y=y),
        curve.mark_line(interpolate="monotone", clip=True).encode(x=x, y=y, color=color),
        trail.mark_point(size=24, strokeWidth=1, color=style.LABELS, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
        alive.mark_point(filled=True, size=130, color="currentColor", opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
        dead.mark_point(shape=CROSS, size=130, color=style.DEAD, strokeWidth=3, opacity=1).encode(
            x=x, y=y, tooltip=tooltip
        ),
    ).properties(height=300)
