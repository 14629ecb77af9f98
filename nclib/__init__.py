"""Neural collapse under imbalanced data: the theory of arXiv 2411.17278, as a library.

The names below are the public interface. They and the parts of the package, such as
`nclib.metrics`, are loaded when first used, so that importing `nclib` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nclib.data.batches import batch_shares as batch_shares
    from nclib.data.batches import last_batch_weight as last_batch_weight
    from nclib.data.batches import weighted_sampler as weighted_sampler
    from nclib.data.class_weights import class_weights as class_weights
    from nclib.data.penalties import Penalties as Penalties
    from nclib.data.penalties import translate_penalties as translate_penalties
    from nclib.data.published import PublishedCounts as PublishedCounts
    from nclib.data.published import gallery as gallery
    from nclib.data.readers import read_counts as read_counts
    from nclib.data.script import ScriptModel as ScriptModel
    from nclib.data.script import script_model as script_model
    from nclib.metrics import Metrics as Metrics
    from nclib.metrics import MetricsAccumulator as MetricsAccumulator
    from nclib.metrics import NC1Result as NC1Result
    from nclib.metrics import effective_lambda_H as effective_lambda_H
    from nclib.metrics import measure as measure
    from nclib.metrics import nc1 as nc1
    from nclib.theory.collapse import TwoClassLimits as TwoClassLimits
    from nclib.theory.collapse import collapse_factors as collapse_factors
    from nclib.theory.collapse import collapse_lambda_H as collapse_lambda_H
    from nclib.theory.collapse import two_class_limits as two_class_limits
    from nclib.theory.counts import ClassCounts as ClassCounts
    from nclib.theory.descent import Descent as Descent
    from nclib.theory.descent import DescentPath as DescentPath
    from nclib.theory.descent import LambdaSweep as LambdaSweep
    from nclib.theory.descent import descend as descend
    from nclib.theory.descent import sweep_lambdas as sweep_lambdas
    from nclib.theory.factors import cheapest_factors as cheapest_factors
    from nclib.theory.geometry import cosines as cosines
    from nclib.theory.geometry import mode_coordinates as mode_coordinates
    from nclib.theory.losses.closed import NonNegativeMinimizer as NonNegativeMinimizer
    from nclib.theory.losses.margins import loss_first_lost as loss_first_lost
    from nclib.theory.losses.margins import weight_decay_leaving as weight_decay_leaving
    from nclib.theory.losses.minimizer import LossMinimizer as LossMinimizer
    from nclib.theory.losses.objects import CrossEntropy as CrossEntropy
    from nclib.theory.losses.objects import Sampling as Sampling
    from nclib.theory.losses.objects import SquaredError as SquaredError
    from nclib.theory.losses.optimum import loss_minimizer as loss_minimizer
    from nclib.theory.losses.optimum import loss_path as loss_path
    from nclib.theory.losses.problem import LossProblem as LossProblem
    from nclib.theory.losses.targets import TargetMinimizer as TargetMinimizer
    from nclib.theory.losses.targets import TargetProblem as TargetProblem
    from nclib.theory.losses.targets import target_minimizer as target_minimizer
    from nclib.theory.losses.thresholds import CollapseFactors as CollapseFactors
    from nclib.theory.losses.thresholds import LossMargins as LossMargins
    from nclib.theory.losses.thresholds import loss_collapse_factors as loss_collapse_factors
    from nclib.theory.losses.thresholds import loss_margins as loss_margins
    from nclib.theory.losses.thresholds import penalties_leaving as penalties_leaving
    from nclib.theory.margins import FirstLoss as FirstLoss
    from nclib.theory.margins import first_loss as first_loss
    from nclib.theory.margins import misclassification_factors as misclassification_factors
    from nclib.theory.minimizer import LocalMinima as LocalMinima
    from nclib.theory.minimizer import Minimizer as Minimizer
    from nclib.theory.minimizer import global_minimizer as global_minimizer
    from nclib.theory.minimizer import local_minima as local_minima
    from nclib.theory.optimum import ClassOutcomes as ClassOutcomes
    from nclib.theory.optimum import TrainingAccuracy as TrainingAccuracy
    from nclib.theory.optimum import class_fates as class_fates
    from nclib.theory.penalised_bias import PenalisedBiasMinimizer as PenalisedBiasMinimizer
    from nclib.theory.penalised_bias import penalised_bias_minimizer as penalised_bias_minimizer
    from nclib.theory.penalised_bias import penalised_bias_threshold as penalised_bias_threshold
    from nclib.theory.problem import ObjectiveParts as ObjectiveParts
    from nclib.theory.problem import Problem as Problem
    from nclib.theory.sample_counts import RightCounts as RightCounts
    from nclib.theory.sample_counts import right_counts as right_counts
    from nclib.theory.shrinkage import lemma_a2_alpha as lemma_a2_alpha
    from nclib.theory.shrinkage import lemma_a2_g as lemma_a2_g
    from nclib.theory.shrinkage import lemma_a2_minimizer as lemma_a2_minimizer
    from nclib.theory.shrinkage import lemma_a2_spinodal as lemma_a2_spinodal
    from nclib.theory.shrinkage import lemma_a2_stationary as lemma_a2_stationary
    from nclib.theory.shrinkage import lemma_a2_threshold as lemma_a2_threshold
    from nclib.theory.shrinkage import scalar_objective as scalar_objective
    from nclib.theory.shrinkage import shrink as shrink
    from nclib.theory.shrinkage import threshold_kappa as threshold_kappa
    from nclib.theory.spectrum import Spectrum as Spectrum
    from nclib.theory.spectrum import effective_label_matrix as effective_label_matrix
    from nclib.theory.tables import fates_over_lambda_H as fates_over_lambda_H
    from nclib.training.monitor import Monitor as Monitor

__version__ = "0.1.0"

_HOME = {
    "ClassCounts": "theory.counts",
    "ClassOutcomes": "theory.optimum",
    "CollapseFactors": "theory.losses.thresholds",
    "CrossEntropy": "theory.losses.objects",
    "Descent": "theory.descent",
    "DescentPath": "theory.descent",
    "FirstLoss": "theory.margins",
    "LambdaSweep": "theory.descent",
    "LocalMinima": "theory.minimizer",
    "LossMargins": "theory.losses.thresholds",
    "LossMinimizer": "theory.losses.minimizer",
    "LossProblem": "theory.losses.problem",
    "Metrics": "metrics",
    "MetricsAccumulator": "metrics",
    "Minimizer": "theory.minimizer",
    "Monitor": "training.monitor",
    "NC1Result": "metrics",
    "NonNegativeMinimizer": "theory.losses.closed",
    "ObjectiveParts": "theory.problem",
    "PenalisedBiasMinimizer": "theory.penalised_bias",
    "Penalties": "data.penalties",
    "Problem": "theory.problem",
    "PublishedCounts": "data.published",
    "RightCounts": "theory.sample_counts",
    "Sampling": "theory.losses.objects",
    "ScriptModel": "data.script",
    "Spectrum": "theory.spectrum",
    "SquaredError": "theory.losses.objects",
    "TargetMinimizer": "theory.losses.targets",
    "TargetProblem": "theory.losses.targets",
    "TrainingAccuracy": "theory.optimum",
    "TwoClassLimits": "theory.collapse",
    "batch_shares": "data.batches",
    "cheapest_factors": "theory.factors",
    "class_fates": "theory.optimum",
    "class_weights": "data.class_weights",
    "collapse_factors": "theory.collapse",
    "collapse_lambda_H": "theory.collapse",
    "cosines": "theory.geometry",
    "descend": "theory.descent",
    "effective_label_matrix": "theory.spectrum",
    "effective_lambda_H": "metrics",
    "fates_over_lambda_H": "theory.tables",
    "first_loss": "theory.margins",
    "gallery": "data.published",
    "global_minimizer": "theory.minimizer",
    "last_batch_weight": "data.batches",
    "lemma_a2_alpha": "theory.shrinkage",
    "lemma_a2_g": "theory.shrinkage",
    "lemma_a2_minimizer": "theory.shrinkage",
    "lemma_a2_spinodal": "theory.shrinkage",
    "lemma_a2_stationary": "theory.shrinkage",
    "lemma_a2_threshold": "theory.shrinkage",
    "local_minima": "theory.minimizer",
    "loss_collapse_factors": "theory.losses.thresholds",
    "loss_first_lost": "theory.losses.margins",
    "loss_margins": "theory.losses.thresholds",
    "loss_minimizer": "theory.losses.optimum",
    "loss_path": "theory.losses.optimum",
    "measure": "metrics",
    "misclassification_factors": "theory.margins",
    "mode_coordinates": "theory.geometry",
    "nc1": "metrics",
    "penalised_bias_minimizer": "theory.penalised_bias",
    "penalised_bias_threshold": "theory.penalised_bias",
    "penalties_leaving": "theory.losses.thresholds",
    "read_counts": "data.readers",
    "right_counts": "theory.sample_counts",
    "scalar_objective": "theory.shrinkage",
    "script_model": "data.script",
    "shrink": "theory.shrinkage",
    "sweep_lambdas": "theory.descent",
    "target_minimizer": "theory.losses.targets",
    "threshold_kappa": "theory.shrinkage",
    "translate_penalties": "data.penalties",
    "two_class_limits": "theory.collapse",
    "weight_decay_leaving": "theory.losses.margins",
    "weighted_sampler": "data.batches",
}

_PARTS = ("data", "diagnosis", "metrics", "teaching", "theory", "training", "views")

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return import_module(f"nclib.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'nclib' has no attribute {name!r}")
    value = getattr(import_module(f"nclib.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *_PARTS, "__version__"]
