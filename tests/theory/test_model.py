"""Every problem has one objective and one gradient, whatever its loss; a loss is an object."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from nclib.theory.losses.objects import CrossEntropy, Loss, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.problem import Problem

COUNTS = np.array([4, 1, 2])
LAMBDAS = {"lambda_W": [0.3, 0.2], "lambda_H": 0.1, "widths": (3, 2)}

PROBLEMS = {
    "the paper's": Problem(COUNTS, 2, **LAMBDAS),
    "no bias": Problem(COUNTS, 2, bias=False, **LAMBDAS),
    "cross-entropy, decayed bias": LossProblem(
        COUNTS, CrossEntropy(), 2, bias="decayed", lambda_b=0.7, **LAMBDAS
    ),
    "weights": LossProblem(COUNTS, SquaredError([1, 2, 5]), 2, **LAMBDAS),
    "sampler": LossProblem(COUNTS, CrossEntropy(), 2, sampling=Sampling("balanced"), **LAMBDAS),
    "sampler, fixed penalty": LossProblem(
        COUNTS, SquaredError(), 2, sampling=Sampling([1, 1, 2], "fixed"), bias="none", **LAMBDAS
    ),
}
each = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


def by_hand(problem, Ws, H, b):
    """The objective, sample by sample, from the words of its docstrings, in torch."""
    n = torch.tensor(COUNTS, dtype=torch.float64)
    sampling = getattr(problem, "sampling", None)
    drawn, counted = n, n
    if sampling is not None:
        shares = {"balanced": [1, 1, 1]}.get(str(sampling.shares), sampling.shares)
        shares = torch.as_tensor(np.array(shares, dtype=float))
        drawn = n.sum() * shares / shares.sum()
        counted = drawn if sampling.feature_penalty == "sampled" else n
    weights = torch.ones(3, dtype=torch.float64)
    if problem.loss.class_weights is not None:
        weights = torch.as_tensor(problem.loss.class_weights.copy())
        weights = weights * drawn.sum() / (weights * drawn).sum()
    labels = np.repeat(np.arange(3), COUNTS) if H.shape[1] == 7 else np.arange(3)
    samples = torch.ones(7) if H.shape[1] == 7 else n
    total = sum(lam / 2 * (W**2).sum() for lam, W in zip(problem.lambda_W, Ws, strict=True))
    for i, y in enumerate(labels):
        z = Ws[1] @ (Ws[0] @ H[:, i]) + (0 if b is None else b)
        if isinstance(problem.loss, CrossEntropy):
            loss = torch.logsumexp(z, 0) - z[y]
        else:
            loss = ((z - torch.eye(3)[y]) ** 2).sum() / 2
        total = total + samples[i] * drawn[y] / n[y] * weights[y] * loss / 7
        total = total + samples[i] * counted[y] / n[y] * problem.lambda_H / 2 * (H[:, i] ** 2).sum()
    if getattr(problem, "bias", None) == "decayed":
        total = total + 0.35 * (b**2).sum()
    return total


@each
@pytest.mark.parametrize("columns", [3, 7])
def test_objective_and_gradient_are_those_of_the_sum_over_samples(problem, columns):
    rng = np.random.default_rng(5)
    shapes = [(2, 3), (3, 2), (3, columns)] + [(3,)] * problem.has_bias
    point = [rng.standard_normal(shape) for shape in shapes]
    leaves = [torch.tensor(x, requires_grad=True) for x in point]
    value = by_hand(problem, leaves[:2], leaves[2], leaves[3] if problem.has_bias else None)
    value.backward()
    ours = (point[:2], point[2], point[3] if problem.has_bias else None)
    assert problem.objective(*ours) == pytest.approx(float(value.detach()), rel=1e-14)
    dWs, dH, db = problem.gradient(*ours)
    assert (db is None) == (not problem.has_bias)
    for found, leaf in zip([*dWs, dH] + [db] * problem.has_bias, leaves, strict=True):
        np.testing.assert_allclose(found, leaf.grad.numpy(), rtol=1e-12, atol=1e-15)


@dataclass(frozen=True, eq=False)
class Twice(Loss):
    """Another loss, written outside of the library."""

    loss: Loss

    def terms(self, counts, drawn):
        terms = self.loss.terms(counts, drawn)
        return terms._replace(weight=2 * terms.weight)


@pytest.mark.parametrize("loss", [CrossEntropy(), SquaredError([1, 2, 5])])
def test_another_loss_needs_no_change_of_the_problem(loss):
    """Twice the loss at penalties lambda is twice the loss at lambda / 2, in all."""
    twice = LossProblem(COUNTS, Twice(loss), lambda_W=0.02, lambda_H=0.02)
    once = LossProblem(COUNTS, loss, lambda_W=0.01, lambda_H=0.01)
    best, expected = loss_minimizer(twice), loss_minimizer(once)
    assert best.objective == pytest.approx(2 * expected.objective, rel=1e-8)
    np.testing.assert_allclose(best.logits(), expected.logits(), atol=1e-4)
    Ws, H, b = best.weights()
    assert twice.objective(Ws, H, b) == pytest.approx(best.objective, rel=1e-8)
    assert max(np.abs(part).max() for part in (*twice.gradient(Ws, H, b)[0],)) < 1e-5
