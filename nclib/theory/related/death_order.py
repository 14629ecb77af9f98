"""Does cross-entropy lose its modes earlier than the squared error? A condition that decides it."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from nclib.theory.losses.minimizer import LossMinimizer
from nclib.theory.losses.objects import CrossEntropy


def residual_norm(best: LossMinimizer) -> float:
    r"""Measure what the answers leave out: at most 1, and the squared error has as many modes.

    Parameters
    ----------
    best : LossMinimizer
        Optimum of plain cross-entropy with one layer and a free bias.

    Returns
    -------
    float
        Largest singular value of ``I - D^-1 P D``, with P the softmax for a sample of each class.

    Raises
    ------
    ValueError
        If `best` is the optimum of another problem.

    Notes
    -----
    With ``S = D^-1 P D`` and ``v = sqrt(n / N)`` the columns of P sum to 1, and the best bias makes
    ``P n = n``: so ``S v = v`` and ``v' S = v'``. N times the negative gradient is
    ``(I - P) D = D (I - S) = Yhat (I - S)``, and each living mode is one of its singular values, at
    ``N lambda``. If the norm of ``I - S`` is at most 1, the r-th singular value is at most kappa_r:
    with r modes alive under cross-entropy ``kappa_r >= N lambda``, and the squared error has r
    modes alive too (or at their death). So cross-entropy loses modes no later.

    For counts of two sizes the condition is proved: there S is symmetric. Between the groups it is
    the number by which a group is answered more often on its own samples than on others', which is
    at least 0; on inner modes it is own answer less another's. For more sizes it held in every
    optimum that was tried.

    Examples
    --------
    >>> import nclib as nc
    >>> problem = nc.LossProblem([90, 30, 10], nc.CrossEntropy(), lambda_W=0.02, lambda_H=0.02)
    >>> residual_norm(nc.loss_minimizer(problem)) <= 1
    True
    """
    problem = best.problem
    loss = problem.loss
    plain = isinstance(loss, CrossEntropy) and loss.is_plain and loss.class_weights is None
    if not plain or problem.bias != "free" or problem.sampling is not None:
        raise ValueError(
            "best must be the optimum of plain cross-entropy with a free bias; got that of "
            f"{problem!r}"
        )
    root = np.sqrt(problem.counts.n)
    answers = softmax(best.logits(), axis=0) * root / root[:, None]
    # v v' of the answers leaves nothing out, whatever the bias's last digits are.
    v = root / np.linalg.norm(root)
    rest = np.eye(problem.K) - answers
    rest = rest - np.outer(v, v @ rest)
    return float(np.linalg.norm(rest - np.outer(rest @ v, v), 2))
