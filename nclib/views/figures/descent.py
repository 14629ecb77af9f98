"""Descent, and the model that it minimises."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from nclib.theory.descent import Descent
from nclib.views import style

Array = NDArray[np.float64]


@style.styled
def model_sketch() -> Figure:
    """Draw what the model keeps of a network, and what it leaves free.

    Returns
    -------
    matplotlib.figure.Figure
        Boxes from top to bottom, in the order in which a sample passes them.
    """
    figure, (axis,) = style.new_figure(height=5.6, wide=(1, 1, 4.8))
    left_out, modelled = style.LEFT_OUT, style.MODELLED
    boxes = [
        ("a sample", "", left_out),
        ("backbone: all nonlinear layers", "left out: as if it could make any features", left_out),
        (r"features $H$", r"free variables, penalty $\lambda_H$", modelled),
        (
            r"linear layers $W_1, \dots, W_L$",
            r"penalties $\lambda_{W_1}, \dots, \lambda_{W_L}$",
            modelled,
        ),
        (r"bias $b$", "no penalty", modelled),
        ("output", r"compared with the labels $Y$: squared error", modelled),
    ]
    for place, (name, note, color) in enumerate(boxes):
        y = -1.6 * place
        axis.add_patch(
            FancyBboxPatch(
                (0.1, y - 0.45),
                7.8,
                0.9,
                boxstyle="round,pad=0.06",
                facecolor=color,
                edgecolor=style.MUTED,
                linewidth=0.8,
            )
        )
        axis.text(4, y + (0.22 if note else 0), name, ha="center", va="center", weight="bold")
        axis.text(4, y - 0.24, note, ha="center", va="center")
        if place:
            axis.annotate(
                "",
                (4, y + 0.5),
                (4, y + 1.1),
                arrowprops={"arrowstyle": "->", "color": style.MUTED},
            )
    axis.set_xlim(0, 8)
    axis.set_ylim(-1.6 * (len(boxes) - 1) - 0.55, 0.55)
    axis.axis("off")
    return figure


@style.styled
def spread_cost(spread: Array, objective: Array) -> Figure:
    """Draw the objective as the samples of a class are pulled together or pushed apart.

    Parameters
    ----------
    spread : (T,) ndarray
        Factors on the distances from the class mean; 0 and 1 must be among them.
    objective : (T,) ndarray
        Objective at each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = style.new_figure(height=3.2)
    axis.plot(spread, objective, color=style.INK)
    for factor, text, color in (
        (1, "as they were drawn", style.DESCENT),
        (0, "all at their\nclass mean", style.CLOSED_FORM),
    ):
        height = float(objective[int(np.flatnonzero(np.isclose(spread, factor))[0])])
        axis.plot(factor, height, "o", color=color, ms=8, zorder=3)
        axis.annotate(
            text,
            (factor, height),
            xytext=(-10 if factor else 0, 2 if factor else 14),
            textcoords="offset points",
            ha="right" if factor else "center",
        )
    axis.set_xlabel("spread of the samples of a class (1: as drawn)")
    axis.set_ylabel("objective")
    axis.set_title("Lowest where each class is one point")
    return figure


@style.styled
def variability_path(found: Descent) -> Figure:
    """Draw how the features of each class come together in a descent.

    Parameters
    ----------
    found : Descent
        A descent with one feature per sample.

    Returns
    -------
    matplotlib.figure.Figure
        Spread within the classes as a share of all spread, against the step.
    """
    figure, (axis,) = style.new_figure(height=3.0)
    path = found.path
    figure.runs += axis.plot(
        path.step + 1, np.maximum(path.variability, 1e-17), color=style.DESCENT
    )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("steps of descent, counted from 1")
    axis.set_ylabel("within-class share")
    axis.set_title("The samples of a class come together")
    return figure


@style.styled
def descent_path(found: Descent) -> Figure:
    """Draw how a descent comes down to the closed form.

    Parameters
    ----------
    found : Descent
        The descent, with its path.

    Returns
    -------
    matplotlib.figure.Figure
        Above: the objective less the closed-form minimum. Below: the singular values of the
        prediction, with those of the closed form as black marks at the right.
    """
    figure, (above, below) = style.new_figure(2, height=5.2, sharex=True)
    path, best = found.path, found.best
    step = path.step + 1
    gap = np.maximum(path.objective - best.objective, 1e-17)
    figure.runs += above.plot(step, gap, color=style.DESCENT)
    above.set_xscale("log")
    above.set_yscale("log")
    above.set_title("Objective above the closed-form minimum")
    figure.runs += below.plot(step, path.z, color=style.DESCENT, lw=1.4)
    end = np.full(best.z.size, step[-1] * 1.25)
    figure.runs += below.plot(end, best.z, "<", color=style.CLOSED_FORM, ms=6, clip_on=False)
    below.set_title("Singular values of the prediction")
    below.set_xlabel("steps of descent, counted from 1")
    below.set_ylim(0, 1.6 * best.kappa[0])
    below.legend(
        handles=[
            Line2D([], [], color=style.DESCENT, label="descent"),
            Line2D([], [], marker="<", ls="", color=style.CLOSED_FORM, label="closed form"),
        ],
        loc="upper right",
    )
    return figure
