"""The tests' own optimiser of the L-EUFM: free W_1..W_L, all N features, bias. No closed form.

Nothing of nclib is imported here. The objective is Definition 3.1 of the paper,

    f = 1/(2N) ||W_L...W_1 H + b 1' - Y||^2 + 1/2 sum_j lambda_Wj ||W_j||^2 + lambda_H/2 ||H||^2,

minimised by L-BFGS-B in the variables sqrt(lambda_Wj) W_j, sqrt(lambda_H) H and b (in which
the penalty is a plain sum of squares), from many random starts, and polished by Newton steps.

For L >= 2 zero is always a local minimum and so is every set of strongest modes, so the starts
cover every rank of the product, three scales (of the product W_L...W_1 H against the labels,
never small) and two kinds of layer: gaussian, and orthogonal. (A product of many gaussian layers
has one large singular value and the rest tiny, so at depth 6 it rarely keeps every mode alive.)
Eight more runs for each rank have their last layer turned towards the labels (a mode that starts
with the wrong sign has to pass through zero, where it stays), start at a thousandth of every
lambda, where no mode is in danger of falling to zero, and raise the lambdas in steps.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

SCALES = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class FreeProblem:
    """One instance; `widths` is (d_0, ..., d_{L-1}), `lambda_W[0]` belongs to W_1."""

    n: tuple
    depth: int
    bias: bool
    lambda_W: tuple
    lambda_H: float
    widths: tuple

    @property
    def K(self):
        return len(self.n)

    @property
    def N(self):
        return sum(self.n)

    @property
    def labels(self):
        """One-hot labels Y, K x N, columns ordered by class."""
        return np.repeat(np.eye(self.K), self.n, axis=1)

    @property
    def shapes(self):
        d = (*self.widths, self.K)
        shapes = [(d[j + 1], d[j]) for j in range(self.depth)]
        shapes.append((self.widths[0], self.N))
        if self.bias:
            shapes.append((self.K,))
        return shapes

    @property
    def penalties(self):
        """One factor for each array of `shapes`; 0 for the bias."""
        return [*self.lambda_W, self.lambda_H] + [0.0] * self.bias


def objective_and_gradient(arrays, problem, labels=None):
    """f and its gradient at arrays = [W_1, ..., W_L, H(, b)]; works on complex arrays too."""
    Y = problem.labels if labels is None else labels
    L, N = problem.depth, problem.N
    Ws, H = arrays[:L], arrays[L]
    layers = [H]
    for W in Ws:
        layers.append(W @ layers[-1])
    residual = layers[-1] - Y
    if problem.bias:
        residual = residual + arrays[L + 1][:, None]
    f = (residual**2).sum() / (2 * N)
    for penalty, array in zip(problem.penalties, arrays, strict=True):
        f = f + penalty / 2 * (array**2).sum()
    back = residual / N
    gradient = [None] * len(arrays)
    if problem.bias:
        gradient[L + 1] = back.sum(axis=1) + problem.penalties[L + 1] * arrays[L + 1]
    for j in range(L - 1, -1, -1):
        gradient[j] = back @ layers[j].T + problem.lambda_W[j] * Ws[j]
        back = Ws[j].T @ back
    gradient[L] = back + problem.lambda_H * H
    return f, gradient


def _unpack(x, shapes, roots):
    arrays, start = [], 0
    for shape, root in zip(shapes, roots, strict=True):
        size = int(np.prod(shape))
        arrays.append(x[start : start + size].reshape(shape) / root)
        start += size
    return arrays


def scaled_objective(problem):
    """The objective as a function of one flat scaled vector."""
    labels, shapes = problem.labels, problem.shapes
    roots = [np.sqrt(p) if p > 0 else 1.0 for p in problem.penalties]

    def fun(x):
        f, gradient = objective_and_gradient(_unpack(x, shapes, roots), problem, labels)
        flat = [(g / root).ravel() for g, root in zip(gradient, roots, strict=True)]
        return f, np.concatenate(flat)

    return fun, shapes, roots


def _random_layer(rng, shape, orthogonal):
    array = rng.standard_normal(shape)
    if orthogonal:
        U, _, Vt = np.linalg.svd(array, full_matrices=False)
        return U @ Vt
    return array


def random_start(problem, rng, rank, scale, orthogonal=False, turned=False):
    """A start of the given rank, with ||W_L...W_1 H|| = scale ||Y||."""
    arrays = []
    for j, shape in enumerate(problem.shapes[: problem.depth + 1]):
        # only the first `rank` units of every inner layer; the last layer keeps all K outputs
        rows = shape[0] if j == problem.depth - 1 else rank
        columns = shape[1] if j == problem.depth else rank
        array = np.zeros(shape)
        array[:rows, :columns] = _random_layer(rng, (rows, columns), orthogonal)
        arrays.append(array)
    if turned:
        arrays[problem.depth - 1] = turned_layer(problem, arrays, rank)
    product = arrays[-1]
    for W in arrays[:-1]:
        product = W @ product
    roots = [np.sqrt(p) for p in problem.penalties[: problem.depth + 1]]
    factor = scale * np.sqrt(problem.N) / np.linalg.norm(product)
    # equal factors in the scaled variables, so that no layer starts out of balance
    common = (factor * np.prod(roots)) ** (1 / (problem.depth + 1))
    arrays = [common / root * array for array, root in zip(arrays, roots, strict=True)]
    if problem.bias:
        arrays.append(rng.standard_normal(problem.K))
    return arrays


def turned_layer(problem, arrays, rank):
    """The orthogonal last layer that brings the outputs nearest to the labels (Procrustes)."""
    features = arrays[problem.depth]
    for W in arrays[: problem.depth - 1]:
        features = W @ features
    U, _, Vt = np.linalg.svd(problem.labels @ features.T)
    return U[:, :rank] @ Vt[:rank]


def flat(arrays, roots):
    return np.concatenate([(root * a).ravel() for a, root in zip(arrays, roots, strict=True)])


def hessian_of(fun, x):
    """By complex steps through the gradient: exact to rounding."""
    hessian = np.empty((x.size, x.size))
    for i in range(x.size):
        z = x.astype(complex)
        z[i] += 1e-30j
        hessian[i] = fun(z)[1].imag / 1e-30
    return (hessian + hessian.T) / 2


def curvatures(problem, arrays):
    """Eigenvalues of the Hessian at [W_1, ..., W_L, H(, b)], rising.

    In the scaled variables, where the penalty alone has curvature 1 in every direction but b.
    """
    fun, _, roots = scaled_objective(problem)
    return np.linalg.eigvalsh(hessian_of(fun, flat(arrays, roots)))


def _newton(fun, x, steps=12):
    """Newton steps on the gradient; flat directions (rotations of the layers) are left alone."""
    f, g = fun(x)
    for _ in range(steps):
        values, vectors = np.linalg.eigh(hessian_of(fun, x))
        keep = np.abs(values) > 1e-8 * np.abs(values).max()
        step = vectors[:, keep] @ ((vectors[:, keep].T @ g) / values[keep])
        x_new = x - step
        f_new, g_new = fun(x_new)
        if not np.linalg.norm(g_new) < np.linalg.norm(g) or f_new > f + 1e-12 * abs(f):
            break
        x, f, g = x_new, f_new, g_new
        if np.linalg.norm(g) < 1e-15:
            break
    return x, f


@dataclass(frozen=True)
class FreeMinimum:
    Ws: list
    H: np.ndarray
    b: np.ndarray | None
    objective: float
    objectives: tuple

    def class_means(self, n):
        edges = np.concatenate([[0], np.cumsum(n)])
        return np.stack(
            [self.H[:, i:j].mean(axis=1) for i, j in itertools.pairwise(edges)],
            axis=1,
        )

    @property
    def product(self):
        P = self.Ws[0]
        for W in self.Ws[1:]:
            P = W @ P
        return P


def _descend(problem, arrays, maxiter):
    """L-BFGS-B from `arrays`; returns the arrays it ends at and their objective."""
    fun, shapes, roots = scaled_objective(problem)
    options = {"maxiter": maxiter, "maxfun": 2 * maxiter, "ftol": 0, "gtol": 1e-10, "maxcor": 20}
    result = minimize(fun, flat(arrays, roots), jac=True, method="L-BFGS-B", options=options)
    return _unpack(result.x, shapes, roots), float(result.fun)


RISING = (0.001, 0.01, 0.1, 0.4, 1.0)


def descend(problem, arrays, factors=RISING, maxiter=4000, warm_up=200):
    """Descend with every lambda times one factor after the other; the last one is 1."""
    for factor in factors:
        stage = replace(
            problem,
            lambda_W=tuple(factor * penalty for penalty in problem.lambda_W),
            lambda_H=factor * problem.lambda_H,
        )
        arrays, objective = _descend(stage, arrays, maxiter if factor == 1.0 else warm_up)
    return arrays, objective


def _plan(problem):
    """(rank, scale, orthogonal, factors on every lambda) of each start: five or more."""
    largest_rank = min(*problem.widths, problem.K)
    if problem.depth == 1:  # no spurious minima to look out for
        return [
            (largest_rank, scale, orthogonal, (1.0,))
            for orthogonal in (False, True)
            for scale in SCALES
        ]
    plan = []
    for rank in range(1, largest_rank + 1):
        plan += [(rank, scale, False, (1.0,)) for scale in SCALES]
        plan += [(rank, 1.0, True, (1.0,))]
        plan += [(rank, 1.0, True, RISING)] * 8
    return plan


def minimise(problem, seed=0, maxiter=4000):
    """The best of many L-BFGS-B runs (six or more), polished by Newton steps."""
    rng = np.random.default_rng(seed)
    objectives, best, best_objective = [], None, np.inf
    for rank, scale, orthogonal, factors in _plan(problem):
        turned = len(factors) > 1
        arrays = random_start(problem, rng, rank, scale, orthogonal, turned)
        arrays, objective = descend(problem, arrays, factors, maxiter)
        objectives.append(objective)
        if objective < best_objective:
            best, best_objective = arrays, objective
    fun, shapes, roots = scaled_objective(problem)
    x, f = _newton(fun, flat(best, roots))
    arrays = _unpack(x, shapes, roots)
    return FreeMinimum(
        Ws=arrays[: problem.depth],
        H=arrays[problem.depth],
        b=arrays[problem.depth + 1] if problem.bias else None,
        objective=float(f),
        objectives=tuple(objectives),
    )
