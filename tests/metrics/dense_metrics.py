"""The metrics written again for the tests, as their formulas stand: dense d x d, loops, mpmath.

Nothing of nclib is imported here. The targets are those of `reference.ClosedForm`, as matrices
over the classes, so that no basis of singular vectors comes in.
"""

import mpmath as mp
import numpy as np


def class_means(X, labels):
    X = np.asarray(X, dtype=float)
    return np.array([X[labels == k].mean(axis=0) for k in range(labels.max() + 1)])


def covariances(X, labels, between="unweighted", center="samples"):
    X = np.asarray(X, dtype=float)
    n = np.bincount(labels)
    means = class_means(X, labels)
    within = X - means[labels]
    middle = X.mean(axis=0) if center == "samples" else means.mean(axis=0)
    share = n / n.sum() if between == "weighted" else np.full(n.size, 1 / n.size)
    spread = means - middle
    return within.T @ within / n.sum(), (spread.T * share) @ spread


def nc1(X, labels, rtol, **definition):
    """Return NC1 and the rank, by a d x d pseudo-inverse in float64."""
    Sigma_W, Sigma_B = covariances(X, labels, **definition)
    values = np.linalg.eigvalsh(Sigma_B)
    inverse = np.linalg.pinv(Sigma_B, rcond=rtol, hermitian=True)
    rank = int(np.sum(values > rtol * values.max()))
    return float(np.trace(Sigma_W @ inverse)) / (labels.max() + 1), rank


def nc1_exact(X, labels, rank, digits=60):
    """NC1 to `digits` digits from the features as they are, with the `rank` largest eigenvalues."""
    with mp.workdps(digits):
        N, d = X.shape
        K = int(labels.max()) + 1
        rows = [[mp.mpf(float(entry)) for entry in row] for row in X]
        members = [[i for i in range(N) if labels[i] == k] for k in range(K)]
        means = [[mp.fsum(rows[i][j] for i in m) / len(m) for j in range(d)] for m in members]
        middle = [mp.fsum(row[j] for row in rows) / N for j in range(d)]
        W = mp.matrix(N, d)
        for i in range(N):
            for j in range(d):
                W[i, j] = rows[i][j] - means[labels[i]][j]
        B = mp.matrix(K, d)
        for k in range(K):
            for j in range(d):
                B[k, j] = means[k][j] - middle[j]
        values, vectors = mp.eigsy(B.T * B / K)  # rising
        total = mp.mpf(0)
        for j in range(d - rank, d):
            along = W * vectors[:, j]
            total += (along.T * along)[0] / N / values[j]
        return float(total / K)


def unit(A):
    return A / np.linalg.norm(A)


def nc2(P, Hbar, form, reading):
    """Return NC2^W, NC2^H, NC2^WH over the classes, Hbar (d, K), `form` a ClosedForm."""
    D = np.diag(np.sqrt(form.n))
    out = np.eye(len(form.n)) if form.bias else np.linalg.inv(D)
    E = Hbar @ D @ out
    prediction = form.printed_prediction if reading == "as_printed" else form.prediction
    H = E.T @ E
    size_H = np.linalg.norm(E if reading == "as_printed" and not form.bias else H)
    return (
        np.linalg.norm(unit(P @ P.T) - unit(form.product_gram)),
        np.linalg.norm(H / size_H - unit(out @ form.feature_gram @ out)),
        np.linalg.norm(unit(P @ E) - unit(prediction @ out)),
    )


def nc3(P, Hbar, form, reading):
    """Return NC3 of surviving modes, or of all; distinct kappa, or no bias."""
    rows, columns = form.U.T @ P, Hbar @ np.diag(np.sqrt(form.n)) @ form.V
    total = 0.0
    for k in range(len(form.n)):
        if form.survives[k] or reading == "as_printed":
            total += np.sum((unit(rows[k]) - unit(columns[:, k])) ** 2)
    return np.sqrt(total)


def nc4(X, labels, P, b):
    """Share of samples, by class, for which head and nearest class mean agree."""
    means = class_means(X, labels)
    agree = [
        np.argmax(P @ x + b) == np.argmin([np.sum((x - mean) ** 2) for mean in means]) for x in X
    ]
    return np.array([np.mean(np.array(agree)[labels == k]) for k in range(len(means))])


def samples(n, d, within, rng, offset=0.0, spread=1.0):
    """Features around random class means, shuffled, and their labels."""
    labels = rng.permutation(np.repeat(np.arange(len(n)), n))
    means = spread * rng.standard_normal((len(n), d)) + offset
    return means[labels] + within * rng.standard_normal((len(labels), d)), labels
