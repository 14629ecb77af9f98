"""Neural collapse under imbalanced data: the theory of arXiv 2411.17278, as a library.

The names below are the public interface; they are loaded when first used, so that importing
`nclib` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nclib.metrics import Metrics as Metrics
    from nclib.metrics import MetricsAccumulator as MetricsAccumulator
    from nclib.metrics import NC1Result as NC1Result
    from nclib.metrics import effective_lambda_H as effective_lambda_H
    from nclib.metrics import measure as measure
    from nclib.metrics import nc1 as nc1
    from nclib.theory.counts import ClassCounts as ClassCounts
    from nclib.theory.descent import Descent as Descent
    from nclib.theory.descent import DescentPath as DescentPath
    from nclib.theory.descent import descend as descend
    from nclib.theory.geometry import cosines as cosines
    from nclib.theory.geometry import mode_coordinates as mode_coordinates
    from nclib.theory.minimizer import LocalMinima as LocalMinima
    from nclib.theory.minimizer import Minimizer as Minimizer
    from nclib.theory.minimizer import TrainingAccuracy as TrainingAccuracy
    from nclib.theory.minimizer import collapse_factors as collapse_factors
    from nclib.theory.minimizer import global_minimizer as global_minimizer
    from nclib.theory.minimizer import local_minima as local_minima
    from nclib.theory.problem import Problem as Problem
    from nclib.theory.shrinkage import lemma_a2_alpha as lemma_a2_alpha
    from nclib.theory.shrinkage import lemma_a2_g as lemma_a2_g
    from nclib.theory.shrinkage import lemma_a2_minimizer as lemma_a2_minimizer
    from nclib.theory.shrinkage import lemma_a2_threshold as lemma_a2_threshold
    from nclib.theory.shrinkage import scalar_objective as scalar_objective
    from nclib.theory.shrinkage import shrink as shrink
    from nclib.theory.spectrum import Spectrum as Spectrum
    from nclib.theory.spectrum import effective_label_matrix as effective_label_matrix

__version__ = "0.1.0"

_HOME = {
    "ClassCounts": "theory.counts",
    "Descent": "theory.descent",
    "DescentPath": "theory.descent",
    "LocalMinima": "theory.minimizer",
    "Metrics": "metrics",
    "MetricsAccumulator": "metrics",
    "Minimizer": "theory.minimizer",
    "NC1Result": "metrics",
    "Problem": "theory.problem",
    "Spectrum": "theory.spectrum",
    "TrainingAccuracy": "theory.minimizer",
    "collapse_factors": "theory.minimizer",
    "cosines": "theory.geometry",
    "descend": "theory.descent",
    "effective_label_matrix": "theory.spectrum",
    "effective_lambda_H": "metrics",
    "global_minimizer": "theory.minimizer",
    "lemma_a2_alpha": "theory.shrinkage",
    "lemma_a2_g": "theory.shrinkage",
    "lemma_a2_minimizer": "theory.shrinkage",
    "lemma_a2_threshold": "theory.shrinkage",
    "local_minima": "theory.minimizer",
    "measure": "metrics",
    "mode_coordinates": "theory.geometry",
    "nc1": "metrics",
    "scalar_objective": "theory.shrinkage",
    "shrink": "theory.shrinkage",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'nclib' has no attribute {name!r}")
    value = getattr(import_module(f"nclib.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
