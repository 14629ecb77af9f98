"""Every optimum keeps what `Optimum` promises, whatever it is the optimum of."""

import numpy as np
import pytest

from nclib.metrics import measure
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.optimum import loss_minimizer
from nclib.theory.losses.problem import LossProblem
from nclib.theory.minimizer import LocalMinima, global_minimizer, local_minima
from nclib.theory.optimum import class_outcomes
from nclib.theory.penalised_bias import penalised_bias_minimizer
from nclib.theory.problem import Problem

COUNTS = np.array([9, 2, 5, 5, 2, 2])
DEEP = {"lambda_W": 0.04, "lambda_H": 0.02}


def paper(depth, lam, **more):
    return Problem(COUNTS, depth, lambda_W=lam, lambda_H=lam, **more)


def of_loss(loss, depth=1, lam=0.01, **more):
    return loss_minimizer(LossProblem(COUNTS, loss, depth, lambda_W=lam, lambda_H=lam, **more))


OPTIMA = {
    "one layer": global_minimizer(paper(1, 0.02)),
    "three layers": global_minimizer(paper(3, 0.035)),
    "no bias": global_minimizer(paper(2, 0.04, bias=False)),
    "a width that cuts a block": global_minimizer(paper(2, 0.01, widths=(9, 4))),
    "a width that cuts a block, no bias": global_minimizer(
        paper(2, 0.01, bias=False, widths=(9, 4))
    ),
    "a local minimum": local_minima(paper(3, 0.035))[1],
    "another": local_minima(paper(2, 0.03))[2],
    "total collapse": LocalMinima(paper(3, 1.0)).best,
    "penalised bias": penalised_bias_minimizer(paper(1, 0.02), 0.1),
    "penalised bias, strong": penalised_bias_minimizer(paper(1, 0.1), 0.3),
    "cross-entropy": of_loss(CrossEntropy()),
    "cross-entropy, classes merged": of_loss(CrossEntropy(), lam=0.025),
    "cross-entropy, no bias": of_loss(CrossEntropy(label_smoothing=0.1), bias="none"),
    "cross-entropy, decayed bias": of_loss(CrossEntropy(), bias="decayed"),
    "logit adjustment, sampler": of_loss(
        CrossEntropy(adjustment=1.0), sampling=Sampling("sqrt", "fixed")
    ),
    "a sampler that the penalty follows": of_loss(CrossEntropy(), sampling=Sampling("sqrt")),
    "weights, three layers": of_loss(SquaredError(1.0 / COUNTS), 3, 0.02, bias="none"),
    "smoothing, two layers": of_loss(SquaredError(label_smoothing=0.1), 2, 0.03),
    "non-negative": of_loss(CrossEntropy(), bias="none", non_negative=True),
    "non-negative, dead classes": of_loss(CrossEntropy(), lam=0.06, bias="none", non_negative=True),
}
each = pytest.mark.parametrize("best", OPTIMA.values(), ids=OPTIMA)


def bias_of(best):
    return 0.0 if best.b is None else best.b[:, None]


@each
def test_logits_are_those_of_head_and_class_means(best):
    close = {"rtol": 0, "atol": 1e-11}
    product = best.head() @ best.class_means()
    np.testing.assert_allclose(best.logits(), product + bias_of(best), **close)
    weighted = product * np.sqrt(best.problem.feature_weight)
    z = np.linalg.svd(weighted, compute_uv=False)
    np.testing.assert_allclose(best.singular_values, z, **close)
    if best.shares_modes:
        assert best.alive == np.sum(z > 1e-9)
        for factor, values in (
            (best.head(), best.product_singular_values),
            (best.class_means() * np.sqrt(best.problem.feature_weight), None),
        ):
            expected = best.feature_singular_values if values is None else values
            found = np.linalg.svd(factor, compute_uv=False)
            np.testing.assert_allclose(found, np.sort(expected)[::-1], rtol=0, atol=1e-10)


@each
def test_weights_attain_the_objective_and_cost_what_they_should(best):
    Ws, means, b = best.weights(seed=3)
    widths = best.problem.widths or (6,) * best.problem.depth
    assert [W.shape[1] for W in Ws] == list(widths)
    value = best.problem.objective(Ws, means, b)
    value += getattr(best, "rho_b", 0.0) / 2 * float(np.sum(bias_of(best) ** 2))
    assert value == pytest.approx(best.objective, rel=1e-9)
    assert 0 <= best.certificate <= 1e-9


@each
def test_outcomes_are_those_of_the_dense_logits(best):
    """Ties and the same means are read off the matrices by eye, with one tolerance for all."""
    Z, means, n = best.logits(), best.class_means(), COUNTS
    slack = 1e-8 * np.abs(Z).max()
    others = np.where(np.eye(6, dtype=bool), -np.inf, Z)
    own = Z.diagonal()
    tied = (np.abs(others - own) <= slack).sum(axis=0)
    right = np.where((others > own + slack).any(axis=0), 0.0, 1 / (1 + tied))
    distance = np.linalg.norm(means[:, :, None] - means[:, None], axis=0)
    merged = (distance <= 1e-7 * max(np.linalg.norm(means, axis=0).max(), 1e-12)).sum(axis=0)

    found = class_outcomes(best)
    np.testing.assert_allclose(found.right[found.group], right, rtol=1e-15)
    np.testing.assert_array_equal(found.merged[found.group], merged)
    np.testing.assert_allclose(found.own_logit[found.group], own, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.rival_logit[found.group], others.max(axis=0), atol=1e-11)
    rival = found.rival[found.group]
    largest = others >= others.max(axis=0) - slack
    assert all(rival[k] in found.group[largest[:, k]] for k in range(6))
    np.testing.assert_array_equal(found.count[found.group], n)
    assert found.accuracy == pytest.approx(right @ n / n.sum(), rel=1e-14)
    assert found.minimizer is best
    accuracy = best.training_accuracy()
    assert accuracy.overall == found.accuracy
    np.testing.assert_array_equal(accuracy.per_class, found.right[found.group])


def unit(A):
    return A / np.linalg.norm(A)


@each
def test_metrics_are_distances_of_gram_matrices(best):
    """From weights of the optimum, turned and disturbed; in the coordinates of the classes."""
    rng = np.random.default_rng(1)
    Ws, means, b = best.weights()
    labels = np.repeat(np.arange(6), COUNTS)
    if not best.alive:
        assert np.isnan(measure(means.T[labels], labels, Ws, b, best).nc2_w)
        return
    at = measure(means.T[labels], labels, Ws, b, best)
    assert max(at.nc2_w, at.nc2_h, at.nc2_wh) < 1e-11
    if best.shares_modes:
        assert at.nc3 < 1e-7
    else:
        assert np.isnan(at.nc3)
    assert at.lambda_H == pytest.approx(best.problem.lambda_H, rel=1e-9)
    assert at.nc1.expected_rank == min(best.alive, 5)

    other = means + 0.1 * rng.standard_normal(means.shape) * np.abs(means).max()
    away = [W + 0.1 * rng.standard_normal(W.shape) * np.abs(W).max() for W in Ws]
    D = np.sqrt(best.problem.feature_weight if best.problem.has_bias else np.ones(6))
    P, P_there = np.linalg.multi_dot([*away[::-1], np.eye(len(means))]), best.head()
    E, E_there = other * D, best.class_means() * D
    found = measure(other.T[labels], labels, away, b, best)
    expected = {
        "nc2_w": np.linalg.norm(unit(P @ P.T) - unit(P_there @ P_there.T)),
        "nc2_h": np.linalg.norm(unit(E.T @ E) - unit(E_there.T @ E_there)),
        "nc2_wh": np.linalg.norm(unit(P @ E) - unit(P_there @ E_there)),
    }
    for key, value in expected.items():
        assert getattr(found, key) == pytest.approx(value, rel=1e-10), key
        by_mode = getattr(found, f"{key}_by_mode")
        assert np.sum(by_mode**2) == pytest.approx(value**2, rel=1e-10)


def test_the_printed_formulas_are_of_the_papers_model_alone():
    best = OPTIMA["cross-entropy"]
    Ws, means, b = best.weights()
    labels = np.repeat(np.arange(6), COUNTS)
    with pytest.raises(ValueError, match="reading must be 'corrected'"):
        measure(means.T[labels], labels, Ws, b, best, reading="as_printed")
