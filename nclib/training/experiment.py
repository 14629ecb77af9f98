"""One experiment: a network on an imbalanced subset of real images, and the name of its result."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeAlias

from nclib._records import require_keys
from nclib.theory.counts import ClassCounts, as_counts
from nclib.theory.losses.closed import NonNegativeMinimizer
from nclib.theory.losses.minimizer import LossMinimizer
from nclib.theory.losses.objects import CrossEntropy
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import Minimizer, global_minimizer, local_minima
from nclib.theory.problem import Problem
from nclib.training.config import TrainingConfig

Optimum: TypeAlias = Minimizer | LossMinimizer | NonNegativeMinimizer
"""What a training aims at."""

_NOT_IN_FILE_NAMES = set('/\\:*?"<>|')


_READABLE_BYTES = 200
"""How much of the settings goes into the name of a file, which systems limit to 255 bytes."""


HASH_DIGITS = 10
"""How much of a hash is shown."""


@dataclass(frozen=True)
class Experiment:
    """One network on one imbalanced subset of real images.

    Parameters
    ----------
    data : str
        Name of the images: one that `load_images` knows, or the name without ending of a file or
        folder that `run` is given.
    counts : ClassCounts or array_like of int
        Training images of each class. They are drawn with the seed of `config`. Names, if there
        are any, must be those of the images' classes.
    config : TrainingConfig
    digest : str, optional
        The `content_digest` of images in a file or a folder; `on_images` finds it. Default: None,
        for the images that `load_images` knows by name, which never change.

    Examples
    --------
    >>> config = TrainingConfig(depth=2, lambda_W=5e-4, lambda_H=1e-5, width=64, epochs=10)
    >>> experiment = Experiment("digits", [50] * 5 + [10] * 5, config)
    >>> experiment.name
    'digits-300of10-L2-bias-W0.0005-H1e-05-w64-e10-s0-ddc89dc90a'
    >>> Experiment.from_dict(experiment.to_dict()) == experiment
    True
    """

    data: str
    counts: ClassCounts
    config: TrainingConfig
    digest: str | None = None

    def __post_init__(self) -> None:
        data: object = self.data
        if not isinstance(data, str) or not data or set(data) & _NOT_IN_FILE_NAMES:
            raise ValueError(f"data must be a name that a file can have; got {self.data!r:.60}")
        if not isinstance(self.config, TrainingConfig):
            raise TypeError(f"config must be a TrainingConfig; got {self.config!r:.60}")
        digest: object = self.digest
        if digest is not None and not (
            isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
        ):
            raise ValueError(f"digest must be 64 hexadecimal digits or None; got {digest!r:.80}")
        object.__setattr__(self, "data", str(data))
        object.__setattr__(self, "counts", as_counts(self.counts))

    @property
    def name(self) -> str:
        """What the result's file is called.

        First the settings that are changed most, readable, then a hash of all settings, counts and
        images. The names of the classes are not in it: no number depends on them.
        """
        readable = (
            "-".join(self.readable_parts()).encode()[:_READABLE_BYTES].decode(errors="ignore")
        )
        return f"{readable}-{hash_of(self.identity())[:HASH_DIGITS]}"

    def readable_parts(self, depth: bool = True, seed: bool = True) -> list[str]:
        """Return the parts of the name before the hash, with depth and seed or without."""
        c = self.config
        lambda_W = [f"{lam:g}" for lam in dict.fromkeys(c.lambda_W)]
        if len(lambda_W) > 3:
            lambda_W = [lambda_W[0], "to", lambda_W[-1]]
        parts = [self.data, f"{self.counts.N}of{self.counts.K}"]
        if depth:
            parts.append(f"L{c.depth}")
        parts += [
            "bias" if c.bias else "nobias",
            f"W{'-'.join(lambda_W)}",
            f"H{c.lambda_H:g}",
            f"w{c.width}",
            f"e{c.epochs}",
        ]
        defaults = TrainingConfig(depth=1, lambda_W=(1.0,), lambda_H=1.0)
        if not c.is_papers:
            parts.append("-".join(_objective_words(c)))
        if c.lambda_warmup:
            parts.append(f"warmup{c.lambda_warmup:g}")
        for setting in ("backbone", "head", "dtype"):
            if getattr(c, setting) != getattr(defaults, setting):
                parts.append(f"{setting}-{getattr(c, setting)}")
        if c.head_scale != 1:
            parts.append(f"headscale{c.head_scale:g}")
        if c.last_relu:
            parts.append("lastrelu")
        if seed:
            parts.append(f"s{c.seed}")
        return parts

    def identity(self) -> dict[str, Any]:
        """All that the numbers of a result depend on."""
        return {
            "data": self.data,
            "digest": self.digest,
            "counts": self.counts.n.tolist(),
            "config": self.config.to_dict(),
        }

    @cached_property
    def optimum(self) -> Optimum:
        """What the training aims at: the closed form, or the solution to a certified gap."""
        return optimum_of(self.config.problem(self.counts))

    @property
    def minimizer(self) -> Minimizer:
        """The closed form of what the training aims at, for the paper's objective."""
        if not isinstance(self.optimum.problem, Problem):
            raise TypeError(f"{self.name} has another objective than the paper's: ask for optimum")
        return self.optimum

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        names = {"names": list(self.counts.names)} if self.counts.names else {}
        return self.identity() | names

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make an experiment from what `to_dict` returned.

        Raises
        ------
        TypeError, ValueError
            If a setting is unknown or missing.
        """
        required = {"data", "digest", "counts", "config"}
        require_keys("Experiment", settings, required, {"names"})
        counts = ClassCounts(settings["counts"], settings.get("names"))
        config = TrainingConfig.from_dict(settings["config"])
        return cls(settings["data"], counts, config, settings["digest"])


def optimum_of(problem: Problem | LossProblem) -> Optimum:
    """Find the global minimum of the model that a training aims at."""
    return global_minimizer(problem) if isinstance(problem, Problem) else loss_minimizer(problem)


def reached_minimum(optimum: Optimum, alive: int) -> Optimum:
    """Find the local minimum with so many modes alive, where the local minima are known."""
    if not isinstance(optimum.problem, Problem):
        return optimum
    minima = local_minima(optimum.problem)
    return minima[min(alive, len(minima) - 1)]


def _objective_words(config: TrainingConfig) -> list[str]:
    """Say what differs from the paper's objective, in words for a file's name."""
    loss, sampling = config.loss, config.sampling
    words = ["ce" if isinstance(loss, CrossEntropy) else "mse"]
    if loss.class_weights is not None:
        words.append("weights")
    if loss.label_smoothing:
        words.append(f"smooth{loss.label_smoothing:g}")
    if isinstance(loss, CrossEntropy):
        if not isinstance(loss.adjustment, float):
            words.append("adjusted")
        elif loss.adjustment:
            words.append(f"adjust{loss.adjustment:g}")
        for name in ("margins", "logit_factors", "sample_factors"):
            if getattr(loss, name) is not None:
                words.append(name.replace("_", ""))
    if sampling is not None:
        words.append(sampling.shares if isinstance(sampling.shares, str) else "sampled")
        if sampling.feature_penalty == "fixed":
            words.append("fixedH")
    if config.lambda_b:
        words.append(f"b{config.lambda_b:g}")
    return words


def hash_of(content: Any) -> str:
    """Return the SHA-256 of plain values, whatever the order of the keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
