"""The training script, read from its optimiser and from the gradient at the logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from nclib._records import Record
from nclib._text import numbers_text
from nclib.data.recognition import RecognisedLoss, labels_of_gradient, recognise_loss
from nclib.diagnosis.validity import Outside
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.groups import Bias
from nclib.theory.losses.objects import CrossEntropy, SquaredError
from nclib.theory.losses.problem import LossProblem
from nclib.theory.problem import Problem
from nclib.training.monitor.collector import Piece, in_full
from nclib.training.monitor.head import WatchedHead

Array = NDArray[np.float64]

_TRIES = 50
"""Batches in which the loss is looked for."""

_SCALED = 1 / 64
"""Below this, gradients that come out smaller than they went in have been unscaled."""

_L2 = ("SGD", "Adam", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "ASGD")
_DECOUPLED = ("AdamW", "Adafactor", "Muon")


@dataclass(frozen=True, eq=False)
class Script(Record):
    """What a training script was found to minimise; `Monitor.script`.

    Attributes
    ----------
    loss : SquaredError, CrossEntropy or None
        Class weights included. None where it is none that the theory has.
    loss_name : str
        What it is, in words.
    loss_factor : float
        ``weight_decay = loss_factor * lambda_W``, as for `translate_penalties`; NaN where the loss
        was not seen.
    weight_decay : tuple of float or None
        On the layers of the head, W_1 first; None where no optimiser was given.
    lambda_W : tuple of float or None
        What that is in the theory, or what was given; None where it stands for nothing there.
    bias : {"free", "none", "decayed"}
    lambda_b : float or None
        Penalty on a decayed bias.
    everywhere : bool or None
        Whether layers below the head are decayed too.
    outside : tuple of Outside
        What of it the theory does not have.
    """

    loss: SquaredError | CrossEntropy | None
    loss_name: str
    loss_factor: float
    weight_decay: tuple[float, ...] | None
    lambda_W: tuple[float, ...] | None
    bias: Bias
    lambda_b: float | None
    everywhere: bool | None
    outside: tuple[Outside, ...]

    def __str__(self) -> str:
        parts = [self.loss_name[0].upper() + self.loss_name[1:]]
        if self.weight_decay is not None:
            where = "all layers" if self.everywhere else "the head"
            bias = {"free": ", not on the bias", "decayed": " and the bias", "none": ""}[self.bias]
            decay = numbers_text(self.weight_decay, 4)
            parts.append(f"weight decay {decay} on {where}{bias}")
        if self.lambda_W is None:
            return f"{'; '.join(parts)}."
        return f"{'; '.join(parts)}: lambda_W = {numbers_text(self.lambda_W, 4)}."

    def problem(
        self,
        counts: ClassCounts,
        widths: Sequence[int],
        lambda_H: float,
        non_negative: bool = False,
    ) -> Problem | LossProblem | None:
        """Return the model with a lambda_H, or None where its optimum is not known."""
        if self.loss is None or self.lambda_W is None:
            return None
        depth = len(self.lambda_W)
        loss, squared = self.loss, isinstance(self.loss, SquaredError)
        plain = squared and loss.class_weights is None and loss.label_smoothing == 0
        common: Any = {"lambda_W": self.lambda_W, "lambda_H": lambda_H, "widths": tuple(widths)}
        if plain and (self.bias != "decayed" or depth > 1):
            # Of a decayed bias below several layers no optimum is known: `outside` says so.
            return Problem(counts, depth, bias=self.bias != "none", **common)
        if depth > 1 and not (squared and self.bias != "decayed"):
            return None
        return LossProblem(
            counts,
            self.loss,
            depth,
            bias=self.bias,
            lambda_b=self.lambda_b,
            non_negative=non_negative and self.bias == "none",
            **common,
        )


class ScriptReader:
    """Reads a script while it trains: its loss from gradients, its penalties from the optimiser.

    Parameters
    ----------
    head : WatchedHead
    counts : ClassCounts
    model : torch.nn.Module
    optimizer : torch.optim.Optimizer or None
    lambda_W : tuple of float or None
        Where given, this and not what the optimiser says.
    loss : Loss or None
        Where given, this and not what the gradient says.
    """

    def __init__(
        self,
        head: WatchedHead,
        counts: ClassCounts,
        model: nn.Module,
        optimizer: Optimizer | None,
        lambda_W: tuple[float, ...] | None,
        loss: SquaredError | CrossEntropy | None,
    ) -> None:
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer must be a torch.optim.Optimizer; got {optimizer!r:.60}")
        if loss is not None and not isinstance(loss, SquaredError | CrossEntropy):
            raise TypeError(f"loss must be a SquaredError or a CrossEntropy; got {loss!r:.60}")
        self.head, self.counts, self.model = head, counts, model
        self.optimizer, self._lambda_W, self._loss = optimizer, lambda_W, loss
        self.rest: float | None = None
        self._known: RecognisedLoss | None = None
        self._weighted = False
        self.permuted = False
        """Whether a batch goes through the model in another order than that of its labels."""
        self._tries = 0
        self._seen: _Epoch | None = None
        self._last: _Epoch | None = None
        self._unscaled = 1.0
        self._explicit = 0.0
        self._checked = optimizer is None
        self._hook: Any = None

    def attach(self) -> None:
        """Begin to look at the optimiser's steps."""
        if self.optimizer is not None:
            self._hook = self.optimizer.register_step_pre_hook(self._on_step)

    def remove(self) -> None:
        """Read no longer."""
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def begin_epoch(self) -> None:
        """Begin an epoch: sums start at 0."""
        self._seen = _Epoch(self.counts.K)

    def see(self, piece: Piece, logits: Tensor, inputs: Tensor) -> None:
        """Look at the gradient of a batch when it comes; mend its labels where need be."""
        if not logits.requires_grad or self._seen is None:
            return
        values, inputs, epoch = in_full(logits), inputs.detach(), self._seen
        hook: Any = logits.register_hook
        hook(lambda G: self._on_gradient(epoch, values, inputs, piece, G.detach()))

    # ------------------------------------------------------------ from the gradient

    def _on_gradient(
        self, epoch: _Epoch, Z: Tensor, X: Tensor, piece: Piece, gradient: Tensor
    ) -> None:
        if piece.labels is None:
            return
        half = gradient.dtype in (torch.float16, torch.bfloat16) or X.dtype != gradient.dtype
        # A replica's are elsewhere.
        there = self.head.layers[-1].weight.device
        Z, X, G = Z.to(there), X.to(there), in_full(gradient).to(there)
        y = torch.as_tensor(piece.labels, device=there).long()
        if self._known is None and self._tries < _TRIES:
            self._tries += 1
            self._recognise(Z, y, G, 2e-2 if half else 1e-4)
        if self.permuted:
            trained = labels_of_gradient(Z.cpu().double().numpy(), G.cpu().double().numpy())
            if trained is not None:
                piece.labels = y = torch.as_tensor(trained, device=Z.device)
        epoch.batches += 1
        grad_W = G.T @ X.to(G.dtype)
        epoch.pending = grad_W if epoch.pending is None else epoch.pending + grad_W
        if self.optimizer is None:
            epoch.close_step()
        if self._known is None or self._known.loss is None:
            return
        direction = self.residual(Z, y)
        along, square = (G * direction).sum(dim=1), direction.square().sum(dim=1)
        epoch.add_factors(y, along, square, G.square().sum())

    def _recognise(self, Z: Tensor, y: Tensor, G: Tensor, tol: float) -> None:
        arrays = (a.cpu().double().numpy() for a in (Z, G))
        logits, gradient = arrays
        labels = y.cpu().numpy()
        found = recognise_loss(logits, labels, gradient, self.counts, tol=tol)
        if found is None:
            return
        trained = labels_of_gradient(logits, gradient, tol=tol) if found.loss is None else None
        if trained is not None and (np.sort(trained) == np.sort(labels)).all():
            other = recognise_loss(logits, trained, gradient, self.counts, tol=tol)
            if other is not None and other.loss is not None:
                found, labels, self.permuted = other, trained, True
        self._known = found
        if found.factors is not None:
            by_class = [found.factors[labels == k].mean() for k in np.unique(labels)]
            self._weighted = bool(np.ptp(by_class) > 30 * tol * np.max(by_class))

    def residual(self, Z: Tensor, y: Tensor) -> Tensor:
        """Return what the gradient of each sample is a multiple of, (B, K)."""
        terms = self._terms()
        own, other, shift = (
            torch.as_tensor(a, dtype=Z.dtype, device=Z.device)
            for a in (terms.own, terms.other, terms.shift)
        )
        targets = other.repeat(len(Z), 1)
        rows = torch.arange(len(Z), device=Z.device)
        targets[rows, y] += own[y]
        if not terms.softmax:
            return Z - targets
        return targets.sum(dim=1, keepdim=True) * torch.softmax(Z + shift, dim=1) - targets

    def losses(self, Z: Tensor, y: Tensor) -> Tensor | None:
        """Return the loss of each sample without class weights, (B,); None for an unknown one."""
        if self.loss is None:
            return None
        terms = self._terms()
        own, other, shift = (
            torch.as_tensor(a, dtype=Z.dtype, device=Z.device)
            for a in (terms.own, terms.other, terms.shift)
        )
        rows = torch.arange(len(Z), device=Z.device)
        if not terms.softmax:
            return self.residual(Z, y).square().sum(dim=1) / 2
        log_p = torch.log_softmax(Z + shift, dim=1)
        return -(log_p @ other) - own[y] * log_p[rows, y]

    def _terms(self) -> Any:
        loss = self.loss
        assert loss is not None
        return loss.terms(self.counts, self.counts.n.astype(float))

    @property
    def loss(self) -> SquaredError | CrossEntropy | None:
        """The loss without class weights, as given, recognised or, unseen, the squared error."""
        if self._loss is not None:
            return self._loss
        return SquaredError() if self._known is None else self._known.loss

    # ------------------------------------------------------------ from the optimiser

    def _on_step(self, optimizer: Optimizer, *_: Any) -> None:
        epoch = self._seen
        if epoch is None or epoch.pending is None:
            return
        weight = self.head.layers[-1].weight
        if not self._checked and weight.grad is not None:
            self._checked = True
            self._compare(weight.grad, epoch.pending, weight)
        epoch.close_step()

    def _compare(self, grad: Tensor, own: Tensor, weight: Tensor) -> None:
        """Find what the gradient of W_L has beyond that of its logits: a scale, a penalty."""
        arrays = (a.detach().cpu().double().flatten().numpy() for a in (own, weight, grad))
        *pair_of, target = arrays
        pair = np.stack(pair_of, axis=1)
        size = np.linalg.norm(pair, axis=0)
        if not (size.all() and np.isfinite(size).all() and np.linalg.norm(target)):
            return
        # Of a network at rest the two are one direction, and nothing can be told apart.
        if np.linalg.cond(pair / size) > 30:
            return
        scale, explicit = np.linalg.lstsq(pair, target, rcond=None)[0].tolist()
        if np.linalg.norm(pair @ [scale, explicit] - target) > 0.02 * np.linalg.norm(target):
            return
        if 0 < scale < _SCALED:
            self._unscaled = scale
        if explicit * size[1] > 1e-3 * np.linalg.norm(target):
            self._explicit = explicit

    def _decays(self) -> tuple[tuple[float, ...], float, bool | None, list[Outside]]:
        """Return the decay of the layers, of the bias, whether others have it, and what is odd."""
        assert self.optimizer is not None
        kind = type(self.optimizer).__name__
        of = {id(p): group for group in self.optimizer.param_groups for p in group["params"]}
        groups = [of.get(id(layer.weight)) for layer in self.head.layers]
        outside = []
        layers = [0.0 if g is None else float(g.get("weight_decay", 0.0)) for g in groups]
        bases = [base.__name__ for base in type(self.optimizer).__mro__]
        decoupled = any(name in _DECOUPLED for name in bases) or any(
            g is not None and g.get("decoupled_weight_decay", False) for g in groups
        )
        if any(layers) and decoupled:
            outside.append(
                Outside(
                    f"{kind} decouples its weight decay",
                    "then it stands for no lambda_W; Adam or SGD with weight_decay have one",
                )
            )
        elif any(layers) and not any(name in _L2 for name in bases):
            outside.append(
                Outside(
                    f"how {kind} decays weights is not known here",
                    "give lambda_W, or take Adam or SGD",
                )
            )
        biases = [
            p
            for layer in self.head.layers
            for name, p in layer.named_parameters(recurse=False)
            if name == "bias"
        ]
        bias = max(
            (float((of.get(id(b)) or {}).get("weight_decay", 0.0)) for b in biases), default=0.0
        )
        own = {id(layer.weight) for layer in self.head.layers} | {id(b) for b in biases}
        below = [
            float((of.get(id(p)) or {}).get("weight_decay", 0.0))
            for p in self.model.parameters()
            if p.ndim > 1 and id(p) not in own
        ]
        layers[-1] += self._explicit
        if not all(layers):
            outside.append(
                Outside(
                    f"W_{layers.index(0.0) + 1} of the head has no weight decay",
                    "then nothing holds it back, and the theory divides by its penalty",
                )
            )
        return tuple(layers), bias, any(below) if below else None, outside

    # ------------------------------------------------------------ the script

    def end_epoch(self) -> None:
        """End an epoch: what was seen of it is what `script` says."""
        epoch, self._seen = self._seen, None
        if epoch is None or not epoch.batches:
            return
        epoch.close_step()
        self._last = epoch

    def script(self) -> Script:
        """Return what has been found."""
        outside: list[Outside] = []
        known, last = self._known, self._last
        loss, name, factor = (
            self.loss,
            "the loss was not seen; taken is the squared error",
            math.nan,
        )
        if self._loss is not None:
            name = "the loss that was given"
        elif known is not None:
            name = known.name
            if known.loss is None:
                outside.append(Outside(f"the loss is {name}", "no optimum is known for it"))
        if known is not None and known.loss is not None and last is not None and last.steps:
            factor, weights, error = last.loss_factor(self.counts, self._unscaled)
            if error > 0.05 and self._loss is None:
                loss, name = None, "a loss that is none of those known here"
                outside.append(
                    Outside(
                        f"the gradient at the logits is not that of {known.name} in all batches",
                        "the loss is another, or changes, and no optimum is known for it",
                    )
                )
            elif self._weighted and self._loss is None:
                loss = _weighted(known.loss, weights)
                low, high = weights.min() / weights.max(), 1.0
                name += f", class weights in the ratio {low:.3g} to {high:g}"
        weight_decay, everywhere, decayed = None, None, 0.0
        lambda_W = self._lambda_W
        if self.optimizer is not None:
            weight_decay, decayed, everywhere, odd = self._decays()
            if lambda_W is None:
                outside += odd
                if all(weight_decay) and not odd and not math.isnan(factor):
                    lambda_W = tuple(decay / factor for decay in weight_decay)
        has_bias = any(layer.bias is not None for layer in self.head.layers)
        bias: Bias = "free" if has_bias else "none"
        lambda_b = None
        if has_bias and decayed > 0 and not math.isnan(factor):
            bias, lambda_b = "decayed", decayed / factor
        if len(self.head.layers) > 1 and loss is not None:
            if isinstance(loss, CrossEntropy):
                outside.append(
                    Outside(
                        "cross-entropy with more than one linear layer",
                        "no optimum is known for it",
                    )
                )
            elif bias == "decayed":
                outside.append(
                    Outside(
                        "the weight decay is on the bias, too",
                        "with more than one layer no optimum is known: give it a group of its own",
                    )
                )
        return Script(
            loss, name, factor, weight_decay, lambda_W, bias, lambda_b, everywhere, tuple(outside)
        )

    def at_rest(self, script: Script) -> float | None:
        """Return how far W_L was from rest in the last epoch; None where that was not seen."""
        last = self._last
        if script.lambda_W is None or math.isnan(script.loss_factor):
            return None
        if last is None or last.gradient is None:
            return None
        decay = script.loss_factor * script.lambda_W[-1] * self.head.layers[-1].weight.detach()
        size = float(decay.norm())
        mean = last.gradient.to(decay.dtype) * (self._unscaled / last.steps)
        return float((mean + decay).norm()) / size if size else math.inf


class _Epoch:
    """Sums over the batches of an epoch."""

    def __init__(self, K: int) -> None:
        self.K = K
        self.batches = self.steps = 0
        self.pending: Tensor | None = None
        self.gradient: Tensor | None = None
        self._sums: Tensor | None = None
        self._squares: Tensor | None = None

    def close_step(self) -> None:
        """Add what has come since the last step to the mean gradient."""
        if self.pending is None:
            return
        self.gradient = self.pending if self.gradient is None else self.gradient + self.pending
        self.pending = None
        self.steps += 1

    def add_factors(self, y: Tensor, along: Tensor, square: Tensor, size: Tensor) -> None:
        """Add a batch: by class, its factor times its samples, and what the factors leave over."""
        zeros = torch.zeros(self.K, 3, device=y.device, dtype=along.dtype)
        ones = torch.ones_like(along)
        sums = zeros.index_add(0, y, torch.stack([along, square, ones], dim=1))
        factor = torch.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1].clamp_min(1e-38), 0.0)
        left = size - (factor * sums[:, 0]).sum()
        batch = torch.stack([factor * sums[:, 2], sums[:, 2]])
        squares = torch.stack([left, size])
        self._sums = batch if self._sums is None else self._sums + batch
        self._squares = squares if self._squares is None else self._squares + squares

    def loss_factor(self, counts: ClassCounts, unscaled: float) -> tuple[float, Array, float]:
        """Return the loss's factor, the weight of each class, and the relative error of both."""
        assert self._sums is not None
        assert self._squares is not None
        shares, seen = self._sums.cpu().double().numpy() / self.steps
        shares = shares * unscaled
        left, size = self._squares.cpu().double().tolist()
        factor = float(shares.sum())
        weights = np.divide(shares, seen, out=np.zeros_like(shares), where=seen > 0)
        mean = weights @ counts.n / counts.N
        return factor, np.where(weights > 0, weights / mean, 1.0), math.sqrt(max(left, 0.0) / size)


def _weighted(loss: SquaredError | CrossEntropy, weights: Array) -> SquaredError | CrossEntropy:
    if isinstance(loss, SquaredError):
        return SquaredError(weights, loss.label_smoothing)
    return CrossEntropy(weights, loss.label_smoothing, loss.adjustment)
