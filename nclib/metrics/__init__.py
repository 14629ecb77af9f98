"""Metrics of neural collapse, NC1 to NC4, on numpy arrays or torch tensors.

The samples are read in blocks where they lie (any device) and added up in float64; what remains is
the size of the class means, K x d, and is finished in numpy. No d x d matrix is formed.
"""

from nclib.metrics.accumulator import MetricsAccumulator
from nclib.metrics.accuracy import Accuracy
from nclib.metrics.arrays import Between, Center, Reading
from nclib.metrics.balanced import Measured
from nclib.metrics.measuring import balanced_metrics, effective_lambda_H, measure, nc1
from nclib.metrics.registry import (
    AGAINST_OPTIMUM,
    BALANCED,
    COLLAPSE,
    DRAWN,
    METRICS,
    NUMBERS,
    Metric,
)
from nclib.metrics.results import Metrics, NC1Result
from nclib.metrics.second_pass import SecondPass

__all__ = [
    "AGAINST_OPTIMUM",
    "BALANCED",
    "COLLAPSE",
    "DRAWN",
    "METRICS",
    "NUMBERS",
    "Accuracy",
    "Between",
    "Center",
    "Measured",
    "Metric",
    "Metrics",
    "MetricsAccumulator",
    "NC1Result",
    "Reading",
    "SecondPass",
    "balanced_metrics",
    "effective_lambda_H",
    "measure",
    "nc1",
]
