"""The one list of metrics: whatever names, shows, draws or stores them reads it here.

A new metric is one entry, one function and one test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nclib.metrics import balanced, formulas

Family = Literal["collapse", "penalty", "balanced"]


@dataclass(frozen=True)
class Metric:
    """What is to be known of a metric apart from its values.

    Attributes
    ----------
    key : str
        Its name in results, tables and files; for those of `Metrics` the attribute.
    label : str
        How it is written in plain text; ``^`` raises what follows.
    meaning : str
        What it measures, for a table with room.
    short : str
        The same in two or three words.
    formula : callable
        The function that computes it, from what `SecondPass` and `MetricsAccumulator` collect.
    needs_head : bool
        Whether there is none without a head.
    against_optimum : bool
        Whether it compares with a minimiser, and is 0 there.
    family : {"collapse", "penalty", "balanced"}
        NC1 to NC4, the effective penalty, or what the literature on balanced data reports, each a
        function of `Measured` in `nclib.metrics.balanced`.
    color : str or None
        Its colour where several are in one picture, seen on white and on black; None where no
        picture shows it.
    legend : str or None
        Its name in a legend that says in words which part it is of; None for the label.
    """

    key: str
    label: str
    meaning: str
    short: str
    formula: Callable[..., Any]
    needs_head: bool
    against_optimum: bool = False
    family: Family = "collapse"
    color: str | None = None
    legend: str | None = None

    @property
    def title(self) -> str:
        """The label with raised letters, as matplotlib writes them."""
        base, _, raised = self.label.partition("^")
        return rf"{base}$^{{\mathdefault{{{raised}}}}}$" if raised else base

    @property
    def plain(self) -> str:
        """The label without raised letters, which not every font of a browser has."""
        return self.label.replace("^", " ")

    @property
    def described(self) -> str:
        """Label and short meaning, for a table's first column."""
        return f"{self.label}, {self.short}"


def _balanced(
    formula: Callable[..., float], label: str, meaning: str, *, needs_head: bool = False
) -> Metric:
    """Make the entry of a function in `nclib.metrics.balanced`, whose name is the key."""
    return Metric(formula.__name__, label, meaning, label, formula, needs_head, family="balanced")


METRICS = (
    Metric(
        "nc1",
        "NC1",
        "variability within the classes",
        "spread within classes",
        formulas.nc1_by_mode,
        needs_head=False,
        color="#7a7f8c",
    ),
    Metric(
        "nc2_w",
        "NC2^W",
        "the head, from its geometry at the optimum",
        "head",
        formulas.compare,
        needs_head=True,
        against_optimum=True,
        color="#c2448f",
        legend="NC2, head",
    ),
    Metric(
        "nc2_h",
        "NC2^H",
        "class means, from theirs",
        "class means",
        formulas.compare,
        needs_head=False,
        against_optimum=True,
        color="#8a6fd1",
        legend="NC2, class means",
    ),
    Metric(
        "nc2_wh",
        "NC2^WH",
        "predictions, from theirs",
        "their product",
        formulas.compare,
        needs_head=True,
        against_optimum=True,
        color="#a8683a",
        legend="NC2, product",
    ),
    Metric(
        "nc3",
        "NC3",
        "directions of the head, from those of the class means",
        "head against means",
        formulas.compare,
        needs_head=True,
        against_optimum=True,
        color="#5f8f1e",
    ),
    Metric(
        "nc4",
        "NC4",
        "share that the head gives to the nearest class mean",
        "agrees with nearest mean",
        formulas.nc4,
        needs_head=True,
    ),
    Metric(
        "lambda_H",
        "lambda_H",
        "effective penalty on the features",
        "effective penalty",
        formulas.balance,
        needs_head=True,
        family="penalty",
    ),
    _balanced(
        balanced.cdnv,
        "CDNV",
        "spread within two classes over the distance of their means, on average",
    ),
    _balanced(
        balanced.equinorm_means, "equinorm, means", "variation of the lengths of the class means"
    ),
    _balanced(
        balanced.equinorm_head,
        "equinorm, head",
        "variation of the lengths of the classifiers",
        needs_head=True,
    ),
    _balanced(
        balanced.equiangle_means,
        "equiangle, means",
        "standard deviation of the cosines between class means",
    ),
    _balanced(
        balanced.equiangle_head,
        "equiangle, head",
        "standard deviation of the cosines between classifiers",
        needs_head=True,
    ),
    _balanced(
        balanced.max_angle_means,
        "max angle, means",
        "distance of the cosines between class means from -1/(K-1)",
    ),
    _balanced(
        balanced.max_angle_head,
        "max angle, head",
        "distance of the cosines between classifiers from -1/(K-1)",
        needs_head=True,
    ),
    _balanced(
        balanced.etf_means, "ETF, means", "class means, from a simplex equiangular tight frame"
    ),
    _balanced(
        balanced.etf_head,
        "ETF, head",
        "classifiers, from a simplex equiangular tight frame",
        needs_head=True,
    ),
    _balanced(
        balanced.self_duality, "self-duality", "classifiers, from the class means", needs_head=True
    ),
    _balanced(
        balanced.minority_cosine,
        "minority cosine",
        "cosine between classifiers of classes smaller than the average",
        needs_head=True,
    ),
    _balanced(
        balanced.global_mean_norm, "global mean", "length of the global mean of the features"
    ),
    _balanced(
        balanced.accuracy_many,
        "accuracy, many",
        "accuracy of classes with many training samples",
        needs_head=True,
    ),
    _balanced(
        balanced.accuracy_medium,
        "accuracy, medium",
        "accuracy of classes with a medium number of training samples",
        needs_head=True,
    ),
    _balanced(
        balanced.accuracy_few,
        "accuracy, few",
        "accuracy of classes with few training samples",
        needs_head=True,
    ),
)
"""All metrics, in the order in which they are shown."""

NUMBERS = tuple(m for m in METRICS if m.family in ("collapse", "penalty"))
"""Those of `Metrics` that are one number."""

COLLAPSE = tuple(m for m in METRICS if m.family == "collapse")
"""NC1 to NC4."""

BALANCED = tuple(m for m in METRICS if m.family == "balanced")
"""What the literature on balanced data reports."""

AGAINST_OPTIMUM = tuple(m for m in METRICS if m.against_optimum)

DRAWN = tuple(m for m in METRICS if m.color is not None)
"""The metrics of the paper's figures, in their order there."""


def metric(key: str) -> Metric:
    r"""Return the metric with a key.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> metric("nc2_wh").title
    'NC2$^{\\mathdefault{WH}}$'
    """
    for one in METRICS:
        if one.key == key:
            return one
    raise ValueError(f"key must be one of {', '.join(m.key for m in METRICS)}; got {key!r}")
