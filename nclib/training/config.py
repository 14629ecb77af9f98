"""All settings of a training run; checked without torch, which a stored run needs not either."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

import numpy as np

from nclib._checks import as_whole, between, choice, plain
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem
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
        Whether the head has a bias.
    lambda_b : float, default 0
        Penalty on the bias. (A weight decay on all parameters is one.)
    loss : SquaredError or CrossEntropy, optional
        Default: the plain squared error, which the paper has. Class weights are divided by their
        mean over all samples, not over those of each batch as torch does it.
    sampling : Sampling, optional
        Then an epoch is as many samples as there are, drawn with replacement with the shares of
        this sampler. Default: every sample once.
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
    lambda_b: float = 0.0
    loss: SquaredError | CrossEntropy = field(default_factory=SquaredError, hash=False)
    sampling: Sampling | None = field(default=None, hash=False)
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
            ("lambda_b", math.inf, True),
            ("weight_decay", math.inf, True),
            ("lambda_warmup", 1, True),
        ):
            value = between(name, getattr(self, name), 0, below, low_allowed=zero_allowed)
            object.__setattr__(self, name, value)
        if self.lambda_b and not self.bias:
            raise ValueError(f"lambda_b must be 0 without a bias; got {self.lambda_b}")
        if not isinstance(self.loss, SquaredError | CrossEntropy):
            raise TypeError(f"loss must be a SquaredError or a CrossEntropy; got {self.loss!r:.60}")
        if self.sampling is not None and not isinstance(self.sampling, Sampling):
            raise TypeError(f"sampling must be a Sampling or None; got {self.sampling!r:.60}")

    @property
    def is_papers(self) -> bool:
        """Whether the objective is the paper's: squared error, free bias, every sample once."""
        return self.loss == SquaredError() and self.sampling is None and self.lambda_b == 0

    def problem(self, counts: ClassCounts) -> Problem | LossProblem:
        """Return the model whose optimum this training aims at.

        Parameters
        ----------
        counts : ClassCounts
            Samples of each class in the training set.

        Returns
        -------
        Problem or LossProblem
            The paper's model, or that for another loss, a sampler or a penalised bias.
        """
        feature_dim = self.width if self.feature_dim is None else self.feature_dim
        widths = (feature_dim, *[self.width] * (self.depth - 1))
        if self.is_papers:
            return Problem(
                counts,
                self.depth,
                bias=self.bias,
                lambda_W=self.lambda_W,
                lambda_H=self.lambda_H,
                widths=widths,
            )
        return LossProblem(
            counts,
            self.loss,
            self.depth,
            bias=("decayed" if self.lambda_b else "free") if self.bias else "none",
            lambda_W=self.lambda_W,
            lambda_H=self.lambda_H,
            lambda_b=self.lambda_b or None,
            sampling=self.sampling,
            non_negative=self.last_relu,
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
        """Return all settings as plain values that JSON can hold.

        What makes another objective than the paper's is left out where there is nothing of it.
        """
        settings = {each.name: getattr(self, each.name) for each in fields(self)}
        settings["lambda_W"] = list(self.lambda_W)
        of_objective = {name: settings.pop(name) for name in ("lambda_b", "loss", "sampling")}
        if not self.is_papers:
            kind = {"kind": _KINDS[type(self.loss)]}
            settings |= of_objective | {"loss": kind | _plain_fields(self.loss)}
            if self.sampling is not None:
                settings["sampling"] = _plain_fields(self.sampling)
        return settings

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a configuration from what `to_dict` returned.

        Raises
        ------
        ValueError
            If a setting is unknown or missing.
        """
        known = {each.name for each in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise ValueError(f"settings must be those of TrainingConfig; got {unknown}")
        missing = sorted({"depth", "lambda_W", "lambda_H"} - set(settings))
        if missing:
            raise ValueError(f"settings must have {missing}")
        values = dict(settings)
        if isinstance(values.get("loss"), Mapping):
            values["loss"] = _loss_from(values["loss"])
        if isinstance(values.get("sampling"), Mapping):
            values["sampling"] = Sampling(**values["sampling"])
        return cls(**values)


_KINDS: dict[type, str] = {SquaredError: "squared error", CrossEntropy: "cross-entropy"}


def _plain_fields(record: SquaredError | CrossEntropy | Sampling) -> dict[str, Any]:
    """Return the fields of a loss or sampler that are not at their default, for JSON."""
    values = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if isinstance(value, np.ndarray):
            values[each.name] = value.tolist()
        elif value != each.default:
            values[each.name] = value
    return values


def _loss_from(settings: Mapping[str, Any]) -> SquaredError | CrossEntropy:
    """Make a loss from what `to_dict` wrote."""
    values = dict(settings)
    kind = values.pop("kind", None)
    for cls, name in _KINDS.items():
        if kind == name:
            known = {each.name for each in fields(cls)}
            if unknown := sorted(set(values) - known):
                raise ValueError(f"settings of the loss must be those of {name}; got {unknown}")
            loss: SquaredError | CrossEntropy = cls(**values)
            return loss
    allowed = " or ".join(map(repr, _KINDS.values()))
    raise ValueError(f"kind of the loss must be {allowed}; got {kind!r:.60}")
