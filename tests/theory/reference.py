"""The corrected formulas of the paper, written again for the tests: dense, slow, small K.

Nothing of nclib is imported here. numpy's dense SVD gives the singular values and vectors of
the effective label matrix, brentq the roots; the formulas are the paper's (sigma, c, q) with
its errata corrected, not the compact form that the library uses.
"""

from math import prod

import numpy as np
from scipy.optimize import brentq


def effective_label_matrix(n, bias):
    """Yhat = (I - n 1'/N) D with bias, D without."""
    n = np.asarray(n, dtype=float)
    D = np.diag(np.sqrt(n))
    if not bias:
        return D
    return (np.eye(len(n)) - np.outer(n, np.ones(len(n))) / n.sum()) @ D


def singular_values(n, bias):
    kappa = np.linalg.svd(effective_label_matrix(n, bias=bias), compute_uv=False)
    if bias:
        kappa[-1] = 0.0  # exactly: Yhat sqrt(n) = 0
    return kappa


def alpha_threshold(L):
    """alpha* of Lemma A.2, 0^0 = 1."""
    return (L - 1) ** ((L - 1) / L) / L


def alpha_spinodal(L):
    """The largest alpha for which g has a local minimum at x > 0."""
    return (L + 1) ** ((L + 1) / L) * (L - 1) ** ((L - 1) / L) / (4 * L)


def largest_root(alpha, L):
    """The largest x with alpha = L x^(L-1) / (x^L + 1)^2, by brentq in log x."""

    def log_ratio(y):
        return np.log(L) + (L - 1) * y - 2 * np.logaddexp(0.0, L * y) - np.log(alpha)

    if L == 1:
        return alpha**-0.5 - 1
    peak = np.log((L - 1) / (L + 1)) / L  # where the right side is largest
    high = (np.log(L) - np.log(alpha)) / (L + 1) + 1.0
    return float(np.exp(brentq(log_ratio, peak, max(high, peak + 1.0), xtol=1e-16, rtol=1e-15)))


def alphas(kappa, n, depth, lambda_W, lambda_H):
    N = sum(n)
    root = (N * lambda_H * prod(lambda_W)) ** (1 / depth)
    return np.array([np.inf if k == 0 else depth * N / k**2 * root for k in kappa])


def collapse_factors(n, depth, bias, lambda_W, lambda_H):
    """The common factor on every lambda at which each mode dies, from its two objectives.

    alpha grows like t^((L+1)/L), so alpha(t) = alpha* gives t.
    """
    alpha = alphas(singular_values(n, bias), n, depth, lambda_W, lambda_H)
    return (alpha_threshold(depth) / alpha) ** (depth / (depth + 1))


class ClosedForm:
    """Theorem 4.3 for a set of alive modes (by default those of the global minimiser).

    `sigma`, `q` and `c` are the paper's; U and V are numpy's; `cut` tells that the width limit
    cuts a block of equal singular values, so that the minimisers are not all alike.
    """

    def __init__(self, n, depth, bias, lambda_W, lambda_H, widths=None, alive=None):
        self.n, L, lW, lH = np.asarray(n), depth, lambda_W, lambda_H
        K, N = len(n), int(sum(n))
        self.U, self.kappa, Vt = np.linalg.svd(effective_label_matrix(n, bias=bias))
        self.V = Vt.T
        if bias:
            self.kappa[-1] = 0.0
        self.rank_limit = r = min([K, *(widths or ())])
        alpha = alphas(self.kappa, n, L, lW, lH)
        survives = (alpha < alpha_threshold(L)) & (np.arange(K) < r)
        if alive is not None:
            survives = np.arange(K) < alive
        self.survives = survives
        self.x = np.array(
            [
                largest_root(a, L) if alive_k else 0.0
                for a, alive_k in zip(alpha, survives, strict=True)
            ]
        )
        self.c = c = lW[0] ** (L - 1) / prod(lW[1:])
        self.sigma2 = (N * lH / c) ** (1 / L) * self.x
        self.q = c * self.sigma2**L + N * lH
        self.depth, self.bias, self.lambda_W, self.lambda_H, self.N = L, bias, lW, lH, N
        count = int(survives.sum())
        near = 1e-9 * self.kappa[0]
        self.cut = bool(0 < count < K and abs(self.kappa[count - 1] - self.kappa[count]) < near)

    @property
    def objective(self):
        """1/2 sum_k (lambda_H kappa^2/q + L lambda_W1 sigma^2)."""
        return 0.5 * float(
            np.sum(
                self.lambda_H * self.kappa**2 / self.q + self.depth * self.lambda_W[0] * self.sigma2
            )
        )

    @property
    def last_layer_gram(self):
        """W_L W_L'."""
        factor = self.lambda_W[0] / self.lambda_W[-1]
        return self.U @ np.diag(factor * self.sigma2) @ self.U.T

    @property
    def product_gram(self):
        """P P', P = W_L...W_1."""
        return self.U @ np.diag(self.c * self.sigma2**self.depth) @ self.U.T

    @property
    def feature_gram(self):
        """D Hbar' Hbar D."""
        values = self.c * self.sigma2**self.depth * self.kappa**2 / self.q**2
        return self.V @ np.diag(values) @ self.V.T

    @property
    def prediction(self):
        """P Hbar D, the fourth identity with q to the first power (E3 corrected)."""
        values = self.c * self.sigma2**self.depth * self.kappa / self.q
        return self.U @ np.diag(values) @ self.V.T

    @property
    def printed_prediction(self):
        """The fourth identity as the paper prints it: q squared (E3)."""
        values = self.c * self.sigma2**self.depth * self.kappa / self.q**2
        return self.U @ np.diag(values) @ self.V.T

    @property
    def logits(self):
        """What the optimum outputs for each class: P Hbar + b 1'."""
        logits = self.prediction / np.sqrt(self.n)
        return logits + (self.n / self.N)[:, None] if self.bias else logits
