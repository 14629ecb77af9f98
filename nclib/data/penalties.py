"""Penalties as a training script sets them, and as the theory counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from nclib._checks import as_sequence, as_whole, positive
from nclib.data.weights import one_per_class
from nclib.theory.counts import CountsLike, as_counts

ScriptLoss = Literal["mse", "cross-entropy", "bce"]
Reduction = Literal["mean", "sum", "batchmean"]
Optimizer = Literal["sgd", "adam", "adamw"]

_DECOUPLED = (
    "optimizer must be 'sgd' or 'adam': the decay of 'adamw' is decoupled and stands for no "
    "lambda_W. It shrinks each weight by lr * weight_decay in a step whose other half is the "
    "gradient divided by its own size. At rest the gradient of a weight w is therefore "
    "-weight_decay * w times that size: a penalty of its own for every weight, large where "
    "batches disagree, next to nothing where they agree. Adam with weight_decay has the penalty"
)


@dataclass(frozen=True)
class Penalties:
    """The same penalties, as the objective (4.3) has them and as a training script has them.

    Made by `translate_penalties`. What was not given, on either side, is None.

    Attributes
    ----------
    lambda_W : float, tuple of float or None
        Penalty on the head's layers, one number or one per layer, as for `Problem`.
    lambda_H : float or None
        Penalty on the features.
    weight_decay : float, tuple of float or None
        `weight_decay` of the optimiser for the head's layers.
    feature_penalty : float or None
        Number that the script multiplies the batch mean of ||h||^2 with and adds to its loss.
    loss_factor : float
        What the script's loss is, on average over the batches, in units of the first term of the
        objective: ``1/(2N) ||W_L ... W_1 H + b 1' - Y||^2`` for the squared error, and for others
        the mean over the samples of the loss of each.
    """

    lambda_W: float | tuple[float, ...] | None
    lambda_H: float | None
    weight_decay: float | tuple[float, ...] | None
    feature_penalty: float | None
    loss_factor: float


def translate_penalties(
    counts: CountsLike,
    *,
    weight_decay: float | Sequence[float] | None = None,
    feature_penalty: float | None = None,
    lambda_W: float | Sequence[float] | None = None,
    lambda_H: float | None = None,
    loss: ScriptLoss = "mse",
    reduction: Reduction = "mean",
    scale: float = 1.0,
    class_weights: ArrayLike | None = None,
    probability_targets: bool = False,
    batch_size: int | None = None,
    drop_last: bool = False,
    ignored: int = 0,
    optimizer: Optimizer = "sgd",
) -> Penalties:
    r"""Translate between the penalties of the theory and those of a training script.

    Give either `weight_decay` or `lambda_W`, either `feature_penalty` or `lambda_H`; the other of
    each pair is computed. The default loss is that of ``torch.nn.MSELoss()`` on one-hot labels.

    Parameters
    ----------
    counts : ClassCounts
        Samples per class of the training set, or anything that `Problem` takes for them. Of a file,
        take `read_counts`. Where labels are ignored, of the samples that are not.
    weight_decay : float or sequence of float, optional
        `weight_decay` of the optimiser, for all layers of the head or for each, W_1 first.
    feature_penalty : float, optional
        mu, where the script adds ``mu * features.square().sum(dim=1).mean()`` to the loss that it
        has computed for the batch.
    lambda_W : float or sequence of float, optional
        Penalty of the objective on all layers, or on each.
    lambda_H : float, optional
        Penalty of the objective on the features.
    loss : {"mse", "cross-entropy", "bce"}, default "mse"
        ``MSELoss``, ``CrossEntropyLoss``, or ``BCEWithLogitsLoss`` on one-hot labels.
    reduction : {"mean", "sum", "batchmean"}, default "mean"
        How the script's loss adds up: "mean", as torch does it (of "mse" and "bce" over samples and
        classes, so it divides by K too); "sum" over all; or "batchmean", written by hand: the sum
        over the classes and the mean over the samples of the batch.
    scale : float, default 1.0
        What the script multiplies that loss with: 0.5 where it has the half.
    class_weights : (K,) array_like, optional
        Positive weight of the samples of each class: ``weight=`` of ``CrossEntropyLoss``; for the
        squared error, ``weight=`` of ``mse_loss``, expanded to each sample; with "batchmean" what
        the script multiplies the loss of each sample with.
    probability_targets : bool, default False
        Whether ``CrossEntropyLoss`` is given probabilities instead of labels, one-hot ones say.
    batch_size : int, optional
        Samples in a batch; only "sum" depends on it. A smaller last batch of an epoch is taken into
        account. Default: all N samples.
    drop_last : bool, default False
        Whether the script leaves out a smaller last batch, as ``DataLoader(drop_last=True)`` does;
        the samples must be shuffled, so that it is others in each epoch.
    ignored : int, default 0
        Samples whose label is the ``ignore_index`` of ``CrossEntropyLoss``. They are in the batches
        and in the batch mean of ||h||^2.
    optimizer : {"sgd", "adam", "adamw"}, default "sgd"
        "sgd" (with or without momentum) and "adam" add ``weight_decay * W`` to the gradient, which
        is a penalty. "adamw" does something else, and is refused.

    Returns
    -------
    Penalties

    Raises
    ------
    TypeError
        If a number is none, or `drop_last` or `probability_targets` is not True or False.
    ValueError
        If nothing or both of a pair are given, a number is not positive, or the optimiser's decay
        is decoupled (also ``Adam(decoupled_weight_decay=True)``: say "adamw").

    Notes
    -----
    With c the `loss_factor` and omega the weight decay, the optimiser minimises

    .. math:: \frac{c}{2N} \lVert Z - Y \rVert_F^2 + \frac{\omega}{2} \sum_j \lVert W_j \rVert_F^2
        + \frac{\mu}{N} \lVert H \rVert_F^2

    (and the like for other losses). Division by c gives

    .. math:: \lambda_W = \frac{\omega}{c}, \qquad \lambda_H = \frac{2 \mu}{c N}

    with c / scale being::

                        "mean"               "sum"         "batchmean"
        mse             2 / K                2 B wbar      2 wbar
        cross-entropy   1                    B wbar        wbar
        bce             wbar / K             B wbar        wbar

    where B = N / (number of batches in an epoch), or B = `batch_size` with
    `drop_last`, where all batches are full, and wbar the mean weight of a sample, 1 without
    weights: the losses of the theory, `SquaredError` and `CrossEntropy`, are divided by it. So does
    torch in its weighted "mean", but not where the targets are probabilities, even one-hot ones:
    then "mean" is what "batchmean" is. (In small batches the sum of the weights fluctuates, and
    they count for less: `batch_shares`.) Ignored labels leave torch's divisor too; in a sum or mean
    over the whole batch they are zeros, and so they are in that of ||h||^2, as their features go to
    0: then N is to be read as the number of all samples. (Of a batch without any other label torch
    makes NaN.)

    The learning rate and its schedule do not enter: they decide whether and when the minimum is
    reached. Neither does momentum.

    `weight_decay` of an optimiser that is given all parameters decays the head's bias too, by the
    same lambda: ``LossProblem(bias="decayed")``. In the paper's model it has no penalty: give it a
    parameter group with ``weight_decay=0``. A usual script has no feature penalty; what its network
    behaves as if it had can be measured: `effective_lambda_H`.

    Examples
    --------
    ``MSELoss()`` and ``SGD(weight_decay=5e-4)`` on ten classes regularise five times as much as it
    seems:

    >>> penalties = translate_penalties([500] * 5 + [50] * 5, weight_decay=5e-4, lambda_H=1e-5)
    >>> round(penalties.loss_factor, 12), round(penalties.lambda_W, 12)
    (0.2, 0.0025)
    >>> round(penalties.feature_penalty, 12)
    0.00275

    What to set for the lambdas of the paper's objective, with the loss written as there:

    >>> translate_penalties(
    ...     [30, 20, 10], lambda_W=1e-3, lambda_H=1e-4, reduction="batchmean", scale=0.5
    ... ).weight_decay
    0.001
    """
    counts = as_counts(counts)
    for name, value, choices in (
        ("loss", loss, get_args(ScriptLoss)),
        ("reduction", reduction, get_args(Reduction)),
        ("optimizer", optimizer, get_args(Optimizer)),
    ):
        if value not in choices:
            allowed = " or ".join(map(repr, choices))
            raise ValueError(f"{name} must be {allowed}; got {value!r}")
    if optimizer == "adamw":
        raise ValueError(_DECOUPLED)
    for name, given in (("drop_last", drop_last), ("probability_targets", probability_targets)):
        if not isinstance(given, bool | np.bool_):
            raise TypeError(f"{name} must be True or False; got {given!r:.60}")
    if probability_targets and loss != "cross-entropy":
        raise ValueError(
            f"probability_targets must be False unless loss is 'cross-entropy'; got {loss!r}"
        )
    others = as_whole("ignored", ignored, 0)
    if others and loss != "cross-entropy":
        raise ValueError(f"ignored must be 0 unless loss is 'cross-entropy'; got {ignored!r}")
    samples = counts.N + others
    batch = samples if batch_size is None else as_whole("batch_size", batch_size, 1, samples)
    mean_batch = batch if drop_last else samples / -(-samples // batch)
    mean_weight = 1.0
    if class_weights is not None:
        mean_weight = float(one_per_class("class_weights", class_weights, counts) @ counts.n)
        mean_weight /= counts.N
    kept = counts.N / samples
    c = positive("scale", scale) * (2.0 if loss == "mse" else 1.0)
    if reduction == "sum":
        c *= mean_batch * kept * mean_weight
    elif reduction == "batchmean":
        c *= kept * mean_weight
    elif loss == "cross-entropy":
        c *= mean_weight * kept if probability_targets else 1.0
    else:
        c *= (mean_weight if loss == "bce" else 1.0) / counts.K
    script_W, paper_W = _pair("weight_decay", weight_decay, "lambda_W", lambda_W, c)
    script_H, paper_H = _pair(
        "feature_penalty", feature_penalty, "lambda_H", lambda_H, c * samples / 2
    )
    if script_W is script_H is None:
        raise ValueError(
            "give weight_decay or lambda_W, or feature_penalty or lambda_H, or one of each"
        )
    return Penalties(paper_W, paper_H, script_W, script_H, c)


def _pair(
    script_name: str, script: Any, paper_name: str, paper: Any, factor: float
) -> tuple[Any, Any]:
    """Return both of a pair of which one is given: the script's is `factor` times the paper's."""
    if script is not None and paper is not None:
        raise ValueError(f"give {script_name} or {paper_name}, not both")
    if script is None and paper is None:
        return None, None
    name, given = (script_name, script) if paper is None else (paper_name, paper)
    layers = as_sequence(given) if script_name == "weight_decay" else None
    if layers is not None:
        number: Any = tuple(positive(f"{name}[{j}]", entry) for j, entry in enumerate(layers))
    else:
        number = positive(name, given)
    other = np.multiply(number, factor if script is None else 1 / factor).tolist()
    other = tuple(other) if isinstance(other, list) else other
    return (other, number) if script is None else (number, other)
