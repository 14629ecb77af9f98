"""Small runs that tests train: samples around class means, and settings that take no time."""

import numpy as np

from nclib.training.config import TrainingConfig

COUNTS = (30, 20, 9)


def blobs(counts=COUNTS, d=8, spread=0.1, seed=0):
    """Samples around random class means, shuffled."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    means = rng.standard_normal((len(counts), d))
    return means[labels] + spread * rng.standard_normal((labels.size, d)), labels


def config(**settings):
    """Two layers and a few epochs, but for what is given."""
    small = {
        "depth": 2,
        "lambda_W": 0.01,
        "lambda_H": 0.001,
        "width": 16,
        "epochs": 5,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "evaluations": 4,
    }
    return TrainingConfig(**(small | settings))
