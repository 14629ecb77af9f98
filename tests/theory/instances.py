"""Problems and minimisers of nclib, handed to the tests' own optimiser and formulas."""

import numpy as np
from brute_force import FreeProblem
from reference import ClosedForm


def free(problem):
    """The same problem for the tests' own optimiser."""
    return FreeProblem(
        tuple(int(v) for v in problem.counts.n),
        problem.depth,
        problem.bias,
        problem.lambda_W,
        problem.lambda_H,
        problem.widths or (problem.K,) * problem.depth,
    )


def formula(problem):
    """Its closed form, by the tests' own formulas."""
    return ClosedForm(
        tuple(int(v) for v in problem.counts.n),
        problem.depth,
        problem.bias,
        problem.lambda_W,
        problem.lambda_H,
        problem.widths,
    )


def arrays_of(minimizer, seed=0):
    """Explicit weights, all features and the bias, as the tests' own objective takes them."""
    Ws, H_bar, b = minimizer.weights(seed=seed)
    H = np.repeat(H_bar, minimizer.problem.counts.n, axis=1)
    return [*Ws, H] + ([] if b is None else [b])
