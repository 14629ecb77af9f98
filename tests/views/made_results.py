"""Result files of experiments that nobody ran, with numbers that tests can follow."""

import json

import nclib as nc
from nclib.training.engine import TrainingConfig
from nclib.training.experiments import Experiment, Result, load_results

COUNTS = [60, 30, 30, 12]
EPOCHS = [0, 1, 2, 5, 10]
METRICS = ("nc1", "nc2_w", "nc2_h", "nc2_wh", "nc3")


def made(*, data="digits", alive=None, level=1.0, epochs=EPOCHS, **settings):
    """A result whose curves fall like `level` times a number of the metric over the epoch."""
    config = {"depth": 3, "lambda_W": 5e-4, "lambda_H": 1e-4, "width": 8, "epochs": epochs[-1]}
    experiment = Experiment(data, COUNTS, TrainingConfig(**config | settings))
    best = experiment.minimizer
    alive = best.alive if alive is None else alive
    minima = nc.local_minima(best.problem)
    reached = minima[min(alive, len(minima) - 1)]
    history = []
    for epoch in epochs:
        size = level * (1 + experiment.config.seed) / (1 + epoch)
        corrected = {name: size * (1 + k) for k, name in enumerate(METRICS)}
        printed = {name: value + 0.5 for name, value in corrected.items()}
        share = [1.0 if k < alive else 1e-4 for k in range(4)]
        history.append(
            {
                "epoch": epoch,
                "lambda_factor": min(1.0, epoch / 5),
                "objective": reached.objective * (1 + size),
                "gap": reached.objective * (1 + size) / best.objective - 1,
                "train_accuracy": 1 - 0.5 / (1 + epoch),
                "test_accuracy": 0.5,
                "train_accuracy_per_class": [1.0, 1.0, 1.0, 0.5],
                "test_accuracy_per_class": [0.8, 0.6 + 0.05 * size, 0.5, 0.1],
                "metrics": {"corrected": corrected, "as_printed": printed},
                "singular_values": {
                    "product": (best.product_singular_values * (1 + size)).tolist(),
                    "features": (best.feature_singular_values * (1 + size)).tolist(),
                    "prediction": [k * s for k, s in zip(best.kappa, share, strict=True)],
                },
                "alive": alive,
            }
        )
    end = {
        "alive": alive,
        "objective": reached.objective,
        "gap": history[-1]["objective"] / reached.objective - 1,
        "is_global": reached.is_global,
        "metrics": corrected,
    }
    samples = {"train": 132, "test": 100, "left_out": 0}
    return Result(experiment, history, end, samples, {"device": "cpu"}, 90.0)


def stored(folder, results):
    """Write results to a folder; return them as they are read back, and the files' contents."""
    paths = sorted(result.save(folder) for result in results)
    return load_results(folder), [json.loads(path.read_text()) for path in paths]
