"""The loss of a batch for every loss, class weight and sampler, and what training it aims at.

A sampler draws, in every epoch, N samples with replacement, each class with its share. Class
weights are divided by their mean over an epoch, which is constant: torch divides by that over each
batch, which fluctuates. So the gradients of batches have the objective's gradient as their mean,
and of an epoch without a sampler they add up to it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.training.config import TrainingConfig

Loss: TypeAlias = SquaredError | CrossEntropy


class BatchObjective:
    """What a batch's samples cost, by the class of each: tables with a row for each class.

    Parameters
    ----------
    config : TrainingConfig
    counts : ClassCounts
        Of the training samples.
    dtype : torch.dtype
    device : torch.device

    Attributes
    ----------
    drawn : (K,) ndarray
        Samples of each class in an epoch, on average.
    feature_weight : (K,) ndarray
        How often the features' penalty counts a class mean: d^2.
    """

    def __init__(
        self,
        config: TrainingConfig,
        counts: ClassCounts,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        n, sampling = counts.n.astype(float), config.sampling
        self.N = counts.N
        self.drawn = n if sampling is None else sampling.expected_counts(counts)
        sampled = sampling is None or sampling.feature_penalty == "sampled"
        self.feature_weight = self.drawn if sampled else n
        terms = config.loss.terms(counts, self.drawn)
        identity = np.eye(counts.K)

        def table(rows: NDArray[np.float64], trivial: float) -> Tensor | None:
            if (rows == trivial).all():
                return None
            return torch.tensor(rows, dtype=dtype, device=device)

        self.softmax = terms.softmax
        self.targets = torch.tensor(
            terms.other + terms.own[:, None] * identity, dtype=dtype, device=device
        )
        self.weight = table(terms.weight, 1.0)
        self.factor = table(np.outer(terms.sample_factor, terms.logit_factor), 1.0)
        self.shift = table(terms.shift - terms.margin[:, None] * identity, 0.0)
        # Under a sampler that the penalty does not follow, a sample that comes twice counts half.
        self.feature_share = table(self.feature_weight / self.drawn, 1.0)
        self.chances = None if sampling is None else torch.from_numpy(self.drawn / n)

    def epoch(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Draw the order of an epoch's samples, (N,); `y` and the result are on the CPU."""
        if self.chances is None:
            return torch.randperm(self.N, generator=generator)
        chances = self.chances[y]
        return torch.multinomial(chances, self.N, replacement=True, generator=generator)

    def fit(self, logits: Tensor, y: Tensor) -> Tensor:
        """Sum the losses of samples with logits (B, K) and classes (B,)."""
        targets = self.targets[y]
        if not self.softmax:
            squares = (logits - targets).square()
            if self.weight is None:
                return squares.sum() / 2
            return (squares.sum(dim=1) * self.weight[y]).sum() / 2
        if self.factor is not None:
            logits = logits * self.factor[y]
        if self.shift is not None:
            logits = logits + self.shift[y]
        losses = (targets * functional.log_softmax(logits, dim=1)).sum(dim=1)
        return -(losses if self.weight is None else losses * self.weight[y]).sum()

    def squares(self, features: Tensor, y: Tensor) -> Tensor:
        """Sum the squares of features (B, d), as often as the penalty counts each."""
        if self.feature_share is None:
            return features.square().sum()
        return (features.square().sum(dim=1) * self.feature_share[y]).sum()

    def of_all(self, logits: Tensor, features: Tensor, y: Tensor) -> tuple[float, float]:
        """Return the mean loss and the penalised sum of squares over an epoch, in expectation.

        Parameters
        ----------
        logits, features : (N, K) and (N, d) tensor
            Of every training sample once.
        y : (N,) tensor of int

        Returns
        -------
        fit, squares : float
        """
        if self.chances is None:
            return float(self.fit(logits, y)) / self.N, float(self.squares(features, y))
        # Each class by itself, as often as it is drawn.
        fit = squares = 0.0
        for k, chance in enumerate(self.chances.tolist()):
            rows = y == k
            fit += chance * float(self.fit(logits[rows], y[rows]))
            squares += chance * float(self.squares(features[rows], y[rows]))
        return fit / self.N, squares
