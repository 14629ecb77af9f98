"""All settings of a training run; checked without torch, which a stored run needs not either."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from nclib._checks import as_whole, between, choice, plain
from nclib.theory.counts import ClassCounts
from nclib.theory.problem import Problem

BackboneKind = Literal["mlp", "conv"]
HeadKind = Literal["linear", "relu"]


Schedule = Literal["constant", "cosine", "step"]


Precision = Literal["float32", "float64", "bfloat16"]


WARMUP_START = 1e-3
"""The factor on every lambda with which a warm-up begins."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All settings of a run that change its numbers.

    The defaults are the paper's where it names a value. It names neither the lambdas nor the
    schedule of the learning rate.

    Parameters
    ----------
    depth : int
        Number L of linear layers in the head.
    lambda_W : float or (L,) sequence of float
        Penalty on the head's layers, as for `Problem`.
    lambda_H : float
        Penalty on the features.
    bias : bool, default True
        Whether the head has a bias (not penalised).
    backbone : {"mlp", "conv"}, default "mlp"
        The paper's six affine maps, or a small convolutional network.
    width : int, default 2048
        Width of the backbone and of the head's inner layers.
    feature_dim : int, optional
        Dimension d of the features. Default: `width`.
    last_relu : bool, default False
        Whether the backbone ends with a ReLU. Then the optimum with a bias is out of reach.
    head : {"linear", "relu"}, default "linear"
        "relu" puts a ReLU between the head's layers, which the theory does not cover: the metrics
        that need the product of the layers are then left out.
    head_scale : float, default 1
        Factor on the initial weights of the head's layers. Where all modes of a deep head begin
        weak, those of rare classes may be lost; a larger beginning keeps them.
    epochs : int, default 12000
    batch_size : int, default 128
        The last batch of an epoch is smaller.
    learning_rate : float, default 1e-4
        Of Adam, at the start.
    schedule : {"constant", "cosine", "step"}, default "constant"
        "cosine" falls to 0; "step" divides by 10 after half of the epochs and again after three
        quarters.
    lambda_warmup : float, default 0
        Share of the epochs, in [0, 1), over which all lambdas rise, log-linearly, from 1e-3 of
        their value. A surviving mode outlasts a rising lambda, a dead one does not come back.
    weight_decay : float, default 0
        Adam's L2 decay on the backbone.
    dtype : {"float32", "float64", "bfloat16"}, default "float32"
        "bfloat16" keeps everything in float32 but rounds what goes into matrix products while it
        trains: faster where the hardware has it.
    seed : int, default 0
        Draws the weights and the order of the samples.
    evaluations : int, default 60
        At most how many epochs enter the history, spaced evenly in log(epoch).

    Raises
    ------
    TypeError, ValueError
        If a setting is not as described; the message names it.

    Examples
    --------
    >>> config = TrainingConfig(depth=2, lambda_W=5e-4, lambda_H=1e-5, epochs=100, width=64)
    >>> config.lambda_W, config.seed
    ((0.0005, 0.0005), 0)
    >>> TrainingConfig.from_dict(config.to_dict()) == config
    True
    """

    depth: int
    lambda_W: tuple[float, ...]
    lambda_H: float
    bias: bool = True
    backbone: BackboneKind = "mlp"
    width: int = 2048
    feature_dim: int | None = None
    last_relu: bool = False
    head: HeadKind = "linear"
    head_scale: float = 1.0
    epochs: int = 12_000
    batch_size: int = 128
    learning_rate: float = 1e-4
    schedule: Schedule = "constant"
    lambda_warmup: float = 0.0
    weight_decay: float = 0.0
    dtype: Precision = "float32"
    seed: int = 0
    evaluations: int = 60

    def __post_init__(self) -> None:
        problem = Problem(
            ClassCounts([1, 1]),
            self.depth,
            bias=self.bias,
            lambda_W=self.lambda_W,
            lambda_H=self.lambda_H,
        )
        for name in ("depth", "bias", "lambda_W", "lambda_H"):
            object.__setattr__(self, name, getattr(problem, name))
        for name in ("width", "epochs", "batch_size", "evaluations"):
            object.__setattr__(self, name, as_whole(name, getattr(self, name), 1))
        if self.feature_dim is not None:
            feature_dim = as_whole("feature_dim", self.feature_dim, 1)
            object.__setattr__(self, "feature_dim", feature_dim)
        object.__setattr__(self, "seed", as_whole("seed", self.seed, 0))
        for name, choices in (
            ("backbone", BackboneKind),
            ("head", HeadKind),
            ("schedule", Schedule),
            ("dtype", Precision),
        ):
            object.__setattr__(self, name, choice(name, getattr(self, name), choices))
        last_relu = plain(self.last_relu)
        if not isinstance(last_relu, bool):
            raise TypeError(f"last_relu must be True or False; got {self.last_relu!r:.60}")
        object.__setattr__(self, "last_relu", last_relu)
        for name, below, zero_allowed in (
            ("learning_rate", math.inf, False),
            ("head_scale", math.inf, False),
            ("weight_decay", math.inf, True),
            ("lambda_warmup", 1, True),
        ):
            value = between(name, getattr(self, name), 0, below, low_allowed=zero_allowed)
            object.__setattr__(self, name, value)

    def problem(self, counts: ClassCounts) -> Problem:
        """Return the model whose closed form this training aims at.

        Parameters
        ----------
        counts : ClassCounts
            Samples of each class in the training set.

        Returns
        -------
        Problem
        """
        feature_dim = self.width if self.feature_dim is None else self.feature_dim
        widths = (feature_dim, *[self.width] * (self.depth - 1))
        return Problem(
            counts,
            self.depth,
            bias=self.bias,
            lambda_W=self.lambda_W,
            lambda_H=self.lambda_H,
            widths=widths,
        )

    def learning_rate_at(self, progress: float) -> float:
        """Return the learning rate when a share `progress`, in [0, 1], of the steps is done."""
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * progress)) / 2
        if self.schedule == "step" and progress >= 0.5:
            return self.learning_rate * (0.1 if progress < 0.75 else 0.01)
        return self.learning_rate

    def lambda_factor_at(self, progress: float) -> float:
        """Return the factor on every lambda when a share `progress` of the steps is done."""
        if progress >= self.lambda_warmup:
            return 1.0
        return float(WARMUP_START ** (1 - progress / self.lambda_warmup))

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as plain values that JSON can hold."""
        return {**asdict(self), "lambda_W": list(self.lambda_W)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a configuration from what `to_dict` returned.

        Raises
        ------
        ValueError
            If a setting is unknown or missing.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise ValueError(f"settings must be those of TrainingConfig; got {unknown}")
        missing = sorted({"depth", "lambda_W", "lambda_H"} - set(settings))
        if missing:
            raise ValueError(f"settings must have {missing}")
        return cls(**settings)
