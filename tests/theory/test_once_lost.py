"""Once lost, lost for good: the theorem of the page on modes and classes, on dense logits."""

import numpy as np
import pytest
from reference import ClosedForm, alpha_threshold, alphas, singular_values

import nclib as nc


def deaths(n, depth):
    alpha = alphas(singular_values(n, True), n, depth, (1.0,) * depth, 1.0)
    return (alpha_threshold(depth) / alpha[:-1]) ** (depth / (depth + 1))


def leads(n, depth, lam):
    """Own answer less each other one, (j, k) for class k, by the paper's formulas."""
    logits = ClosedForm(n, depth, True, (lam,) * depth, lam).logits
    return np.diag(logits) - logits


def random_counts(rng):
    largest = rng.choice([3, 10, 100, 1000])
    return tuple(int(v) for v in rng.integers(1, largest, rng.integers(2, 8), endpoint=True))


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_no_class_comes_back_as_all_penalties_rise(depth, record_error):
    """Over each other class by itself: what was lost to it stays lost to it."""
    rng = np.random.default_rng(depth)
    steps = 0
    for _ in range(60):
        n = random_counts(rng)
        death = deaths(n, depth)
        # Beside each death, and between them.
        factors = np.concatenate(
            [death * 0.999, death * 1.001, rng.uniform(0.3, 1.2, 12) * death.max()]
        )
        lost = np.zeros((len(n), len(n)), dtype=bool)
        for lam in np.sort(factors):
            lead = leads(n, depth, float(lam))
            np.fill_diagonal(lead, 1.0)
            revived = float(lead.max(where=lost, initial=0.0))
            assert record_error("once lost: a lead that came back", revived, 1e-9)
            lost |= lead <= 1e-12
            steps += 1
    assert steps > 700
    assert lost.any()


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_a_lead_over_a_larger_class_falls_wherever_it_is_not_negative(depth, record_error):
    """The step of the proof: by differences, between two deaths."""
    rng = np.random.default_rng(10 + depth)
    seen = 0
    for _ in range(200):
        n = random_counts(rng)
        death = deaths(n, depth)
        lam = float(rng.uniform(0.2, 1.0) * rng.choice(death))
        if (np.abs(death / lam - 1) < 1e-3).any():
            continue
        before, after = leads(n, depth, lam), leads(n, depth, lam * (1 + 1e-5))
        sizes = np.array(n)
        pairs = (sizes[:, None] > sizes) & (before >= 0)
        rise = float((after - before).max(where=pairs, initial=-np.inf))
        if pairs.any():
            seen += int(pairs.sum())
            assert record_error("once lost: rise of a lead", max(rise, 0.0), 0.0)
    assert seen > 100


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_a_stronger_mode_falls_more_slowly(depth):
    """d = s (1 - s) / (2 L s - L + 1) falls in s on the living branch."""
    s = np.linspace((depth - 1) / depth + 1e-9, 1, 2001)
    assert (np.diff(s * (1 - s) / (2 * depth * s - depth + 1)) < 0).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_so_the_factor_of_each_class_divides_right_from_wrong(depth):
    rng = np.random.default_rng(20 + depth)
    for _ in range(10):
        n = random_counts(rng)
        lost = nc.theory.misclassification_factors(nc.Problem(n, depth, lambda_W=1.0, lambda_H=1.0))
        for factor in rng.uniform(0.1, 1.3, 8) * deaths(n, depth).max():
            lead = leads(n, depth, float(factor))
            np.fill_diagonal(lead, 1.0)
            right = lead.min(axis=0) > 1e-12
            sure = np.abs(factor / lost - 1) > 1e-6
            assert (right == (factor < lost))[sure].all()
