"""The tests' own objective and optimiser: torch's losses on every sample, L-BFGS over W, H and b.

Of nclib nothing is used but the description of the problem.
"""

from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import minimize
from torch.nn.functional import cross_entropy, mse_loss

from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError
from nclib.theory.losses.problem import LossProblem


def tensor(values):
    return torch.tensor(np.array(values), dtype=torch.float64)


def torch_loss(loss, counts, logits, labels, frequency=None):
    """What a script computes for logits (samples, K); `frequency` says how often each is drawn."""
    n = tensor(counts)
    K = n.numel()
    if frequency is None:
        frequency = torch.ones(len(labels), dtype=torch.float64)
    weight = None if loss.class_weights is None else tensor(loss.class_weights)
    if isinstance(loss, SquaredError):
        targets = torch.nn.functional.one_hot(labels, K).double()
        targets = (1 - loss.label_smoothing) * targets + loss.label_smoothing / K
        of_sample = frequency * (1.0 if weight is None else weight[labels])
        spread = of_sample[:, None].expand_as(targets)
        return mse_loss(logits, targets, weight=spread) * K / 2
    u = logits
    if loss.logit_factors is not None:
        u = u * tensor(loss.logit_factors)
    if loss.sample_factors is not None:
        u = u * tensor(loss.sample_factors)[labels][:, None]
    if isinstance(loss.adjustment, float):
        u = u + loss.adjustment * torch.log(n / n.sum())
    else:
        u = u + tensor(loss.adjustment)
    if loss.margins is not None:
        own = torch.nn.functional.one_hot(labels, K).double()
        u = u - own * tensor(loss.margins)[labels][:, None]
    each = cross_entropy(
        u, labels, weight=weight, label_smoothing=loss.label_smoothing, reduction="none"
    )
    of_sample = frequency if weight is None else frequency * weight[labels]
    return (frequency * each).sum() / of_sample.sum()


def drawn(problem):
    """Expected samples of each class in an epoch."""
    n = np.array(problem.counts.n, dtype=float)
    if problem.sampling is None:
        return n
    shares = problem.sampling.shares
    if isinstance(shares, str):
        shares = {"balanced": np.ones_like(n), "sqrt": np.sqrt(n)}[shares]
    return n.sum() * np.array(shares) / np.sum(shares)


def free_minimum(problem, seed=0, starts=2, width=None):
    """Smallest objective that L-BFGS finds over free layers, features of the classes and bias."""
    return free_optimum(problem, seed, starts, width)[0]


def free_optimum(problem, seed=0, starts=2, width=None):
    """The same with the logits there, a column for each class."""
    n = np.array(problem.counts.n)
    K, L = n.size, problem.depth
    width = width or K
    labels = torch.arange(K).repeat_interleave(torch.tensor(n))
    frequency = tensor(drawn(problem) / n)[labels]
    follows = problem.sampling is None or problem.sampling.feature_penalty == "sampled"
    feature_weight = tensor(drawn(problem) if follows else n)
    shapes = [(width, width)] * (L - 1) + [(K, width), (width, K)]
    if problem.bias != "none":
        shapes.append((K,))
    sizes = [int(np.prod(shape)) for shape in shapes]

    def logits(parts):
        Z = parts[L]
        for W in parts[:L]:
            Z = W @ Z
        return Z if problem.bias == "none" else Z + parts[L + 1][:, None]

    def split(x):
        return [part.reshape(s) for part, s in zip(x.split(sizes), shapes, strict=True)]

    def objective(flat):
        x = torch.tensor(flat, dtype=torch.float64, requires_grad=True)
        parts = split(x)
        Ws, H, Z = parts[:L], parts[L], logits(parts)
        value = torch_loss(problem.loss, n, Z.T[labels], labels, frequency)
        for lam, W in zip(problem.lambda_W, Ws, strict=True):
            value = value + lam / 2 * (W**2).sum()
        value = value + problem.lambda_H / 2 * (H**2 @ feature_weight).sum()
        if problem.bias == "decayed":
            value = value + problem.lambda_b / 2 * (parts[L + 1] ** 2).sum()
        value.backward()
        return float(value.detach()), x.grad.numpy().copy()

    bounds = [(None, None)] * sum(sizes)
    if problem.non_negative:
        first = sum(sizes[:L])
        bounds[first : first + sizes[L]] = [(0, None)] * sizes[L]
    rng = np.random.default_rng(seed)

    def search(flat):
        return minimize(
            objective,
            flat,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 4000, "maxfun": 8000, "ftol": 0, "gtol": 1e-13, "maxcor": 40},
        )

    ends = [search(rng.standard_normal(sum(sizes)) * 0.7) for _ in range(starts)]
    best = min(ends, key=lambda end: end.fun)
    for _ in range(2):  # L-BFGS forgets its past: a restart goes on where rounding stopped it
        best = search(best.x)
    return best.fun, logits(split(torch.tensor(best.x))).numpy()


def random_problem(rng):
    """One layer, a random loss of every kind, a few classes of a few counts."""
    K = int(rng.integers(2, 7))
    values = rng.integers(2, 40, size=int(rng.integers(1, 4)))
    n = rng.choice(values, K)
    of_count = {
        int(v): float(x) for v, x in zip(values, rng.uniform(0.3, 2, values.size), strict=True)
    }
    vector = np.array([of_count[int(v)] for v in n])
    kind = int(rng.integers(10))
    loss = [
        CrossEntropy(),
        SquaredError(class_weights=vector),
        SquaredError(label_smoothing=0.2),
        CrossEntropy(class_weights=vector),
        CrossEntropy(label_smoothing=0.15),
        CrossEntropy(class_weights=vector, label_smoothing=0.1),
        CrossEntropy(adjustment=float(rng.uniform(0.2, 1.5))),
        CrossEntropy(margins=vector),
        CrossEntropy(logit_factors=vector),
        CrossEntropy(sample_factors=vector, adjustment=0.3 * vector),
    ][kind]
    sampling = [
        None,
        None,
        Sampling("balanced"),
        Sampling(vector * n),
        Sampling("sqrt", "fixed"),
    ][int(rng.integers(5))]
    bias = ("free", "none", "decayed")[int(rng.integers(3))]
    price = np.sqrt(n.max()) / n.sum() * 10 ** rng.uniform(-2, 0)
    ratio = 10 ** rng.uniform(-1, 1)
    return LossProblem(
        n,
        loss,
        bias=bias,
        lambda_W=price * ratio,
        lambda_H=price / ratio,
        lambda_b=price * 10 ** rng.uniform(-1, 1) if bias == "decayed" else None,
        sampling=sampling,
    )


def at_price(problem, price):
    """The same problem with lambda_W = lambda_H = price."""
    return replace(problem, lambda_W=price, lambda_H=price)
