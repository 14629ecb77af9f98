"""A training script in its own words, as the model that it minimises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np

from nclib._checks import is_number, plain
from nclib._records import Record
from nclib._text import numbers_text
from nclib.data.batches import batch_shares
from nclib.data.penalties import Reduction, ScriptLoss, translate_penalties
from nclib.data.readers import read_counts
from nclib.data.weights import class_weights, read_by_class
from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem

Loss = Literal["mse", "mse-sum", "cross-entropy"]
Bias = Literal["free", "none", "decayed"]

SAMPLERS = ("none", "balanced", "sqrt")

_TORCH: dict[Loss, tuple[ScriptLoss, Reduction, str]] = {
    "mse": ("mse", "mean", "the squared error, a mean over samples and classes (MSELoss)"),
    "mse-sum": ("mse", "sum", "the squared error, summed over each batch (MSELoss, 'sum')"),
    "cross-entropy": ("cross-entropy", "mean", "cross-entropy"),
}

_BIASES = {
    "free": "a bias without a penalty",
    "none": "no bias",
    "decayed": "a bias that is decayed with the rest",
}


@dataclass(frozen=True, eq=False)
class ScriptModel(Record):
    """The model that a training script minimises; made by `script_model`.

    Attributes
    ----------
    problem : LossProblem
    loss_factor : float or None
        ``weight_decay = loss_factor * lambda``; None where no loss was named, so that there is no
        script to translate to.
    words : tuple of str
        What the script was taken to be, in sentences.
    """

    problem: LossProblem
    loss_factor: float | None
    words: tuple[str, ...]


def script_model(
    counts: Any,
    *,
    lambda_H: float,
    loss: Loss | None = None,
    weight_decay: float | Sequence[float] | None = None,
    lambda_W: float | Sequence[float] | None = None,
    depth: int = 1,
    bias: Bias | None = None,
    class_weight: Any = "none",
    sampler: Any = "none",
    label_smoothing: float = 0.0,
    logit_adjustment: float = 0.0,
    batch_size: int | None = None,
    drop_last: bool = False,
) -> ScriptModel:
    r"""Make the model that a training script minimises, from the words of the script.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class of the training set, or anything that `read_counts` takes.
    lambda_H : float
        Penalty on the features.
    loss : {"mse", "mse-sum", "cross-entropy"}, optional
        ``MSELoss()``, the same with ``reduction="sum"`` (which needs `batch_size`), or
        ``CrossEntropyLoss()``. Default: cross-entropy with `weight_decay`, and with `lambda_W` the
        squared error.
    weight_decay : float or sequence of float, optional
        As the optimiser has it (SGD or Adam, not AdamW), for all layers or for each, W_1 first. It
        is translated: see `translate_penalties`.
    lambda_W : float or sequence of float, optional
        Or the penalty of the model, which is not.
    depth : int, default 1
        Linear layers in the head.
    bias : {"free", "none", "decayed"}, optional
        Whether the head has a bias, and whether the weight decay is on it, too. Default: decayed
        with `weight_decay`, since an optimiser that is given all parameters does that; free with
        `lambda_W`, as the paper has it.
    class_weight : str, path-like or array_like, default "none"
        A rule, a file or weights: see `class_weights`.
    sampler : str, path-like or array_like, default "none"
        "balanced": every class has the same share of the draws; "sqrt": by the square root of its
        count; or the shares, in a file or as they are.
    label_smoothing : float, default 0
    logit_adjustment : float, default 0
        tau of ``tau log(n_k / N)``, which training adds to the logits (1: balanced softmax).
    batch_size : int, optional
        With class weights that torch divides by their sum in each batch, the weights are those that
        batches of this size really have (`batch_shares`). Default: the whole training set.
    drop_last : bool, default False
        Whether the script leaves out a smaller last batch.

    Returns
    -------
    ScriptModel

    Raises
    ------
    OSError, TypeError, ValueError
        If an argument is not as described, or an option is none of that loss.

    Examples
    --------
    >>> model = script_model([300, 30], weight_decay=5e-4, class_weight="balanced", lambda_H=1e-5)
    >>> print(*model.words, sep="\n")
    No loss was named: with a weight decay that is cross-entropy.
    Cross-entropy, one linear layer, a bias that is decayed with the rest, class weights balanced.
    The weight decay 0.0005 is lambda_W = 0.0005.
    >>> model.problem.bias, model.problem.lambda_b
    ('decayed', 0.0005)
    """
    counts = read_counts(counts)
    if (weight_decay is None) == (lambda_W is None):
        raise ValueError("give weight_decay or lambda_W, and not both")
    named: Loss = loss or ("cross-entropy" if lambda_W is None else "mse")
    bias = bias or ("decayed" if lambda_W is None else "free")
    for name, value, choices in (("loss", named, get_args(Loss)), ("bias", bias, get_args(Bias))):
        if value not in choices:
            allowed = " or ".join(map(repr, choices))
            raise ValueError(f"{name} must be {allowed}; got {value!r}")
    if named == "mse-sum" and batch_size is None:
        raise ValueError("batch_size must be given for 'mse-sum': a sum over a batch grows with it")
    if drop_last and batch_size is None:
        raise ValueError("batch_size must be given with drop_last")
    weights = class_weights(counts, class_weight)
    sampling = _sampling(counts, sampler)
    drawn = counts.n.astype(float) if sampling is None else sampling.expected_counts(counts)
    kind, reduction, what = _TORCH[named]
    told = translate_penalties(
        counts,
        weight_decay=weight_decay,
        lambda_W=lambda_W,
        loss=kind,
        reduction=reduction,
        batch_size=batch_size,
        drop_last=drop_last,
    )
    factor = told.loss_factor
    if weights is not None and named == "mse-sum":
        # A sum is not divided by the weights: their mean over the samples drawn multiplies it.
        factor *= float(weights @ drawn / drawn.sum())
    lambdas = np.atleast_1d(np.asarray(told.lambda_W, dtype=float))
    if lambda_W is None:
        lambdas *= told.loss_factor / factor
    shares, notes = None, []
    if weights is not None and batch_size is not None and named != "mse-sum":
        of_draws = None if sampling is None else drawn
        shares = batch_shares(counts, weights, batch_size, drop_last=drop_last, drawn=of_draws)
        notes.append(_weakened(weights, shares / drawn, batch_size))
    smoothed = _number("label_smoothing", label_smoothing) > 0
    adjusted = _number("logit_adjustment", logit_adjustment)
    objective: SquaredError | CrossEntropy
    if kind == "mse" and adjusted:
        raise ValueError(
            f"logit_adjustment must be 0 for the squared error; got {logit_adjustment!r}"
        )
    if weights is not None and shares is not None and smoothed and kind != "mse":
        # Torch smooths by the weights themselves, and divides by their sum in the batch. That is as
        # if a class were drawn more or less often, while its features are penalised as ever.
        if sampling is not None:
            raise ValueError(
                "batch_size must be None where class weights, label smoothing and a sampler come "
                "together: what their batches do has no such form"
            )
        sampling = Sampling(shares / weights, "fixed")
    elif shares is not None:
        weights = shares / drawn
    if kind == "mse":
        objective = SquaredError(weights, label_smoothing)
    else:
        objective = CrossEntropy(weights, label_smoothing, adjusted)
    problem = LossProblem(
        counts,
        objective,
        depth,
        bias=bias,
        lambda_W=lambdas.tolist() if lambdas.size > 1 else float(lambdas[0]),  # type: ignore[arg-type]
        lambda_H=lambda_H,
        sampling=sampling,
    )
    words = []
    if loss is None:
        given = "a weight decay" if lambda_W is None else "lambda_W"
        what = "cross-entropy" if lambda_W is None else "the squared error"
        as_it_is = "" if lambda_W is None else ", as the paper has it"
        words.append(f"No loss was named: with {given} that is {what}{as_it_is}.")
    parts = [
        what,
        "one linear layer" if problem.depth == 1 else f"{problem.depth} linear layers",
        _BIASES[bias],
        f"class weights {_name_of(class_weight)}" * (weights is not None),
        f"a sampler with shares {_name_of(sampler)}" * (not _is_none(sampler)),
        f"label smoothing {label_smoothing:g}" * smoothed,
        f"logit adjustment {adjusted:g}" * bool(adjusted),
    ]
    sentence = ", ".join(filter(None, parts))
    words.append(f"{sentence[0].upper()}{sentence[1:]}.")
    if lambda_W is None:
        decay, lam = (numbers_text(np.multiply(problem.lambda_W, c), 6) for c in (factor, 1.0))
        words.append(f"The weight decay {decay} is lambda_W = {lam}.")
    named_or_decayed = loss is not None or lambda_W is None
    return ScriptModel(problem, factor if named_or_decayed else None, (*words, *notes))


def _sampling(counts: ClassCounts, sampler: Any) -> Sampling | None:
    if _is_none(sampler):
        return None
    if isinstance(sampler, str) and sampler in SAMPLERS:
        return Sampling(sampler)
    if isinstance(sampler, str | PathLike):
        sampler = read_by_class(sampler, counts, SAMPLERS)
    sampling = Sampling(sampler)
    sampling.expected_counts(counts)  # a wrong length is refused here
    return sampling


def _is_none(sampler: Any) -> bool:
    return sampler is None or (isinstance(sampler, str) and sampler == "none")


def _name_of(rule: Any) -> str:
    return f"{rule}" if isinstance(rule, str | PathLike) else "as given"


def _number(name: str, value: Any) -> float:
    if not is_number(value):
        raise TypeError(f"{name} must be a number; got {value!r:.60}")
    return float(plain(value))


def _weakened(weights: Any, effective: Any, batch_size: int) -> str:
    """Say what batches leave of the weights."""
    most, least = int(np.argmax(weights)), int(np.argmin(weights))
    asked, left = weights[most] / weights[least], effective[most] / effective[least]
    return (
        f"Torch divides by the weights of each batch, and in batches of {batch_size:,} a sample of "
        f"the class with the largest weight counts {left:.3g} times one of the class with the "
        f"smallest, not {asked:.3g} times."
    )
