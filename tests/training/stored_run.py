"""What the numbers of a stored run have to do with each other. No test by itself.

Everything is worked out from the formulas and by `nclib.theory`, not by what wrote the numbers.
Seven digits are stored: each comparison allows what that leaves open, and no more.
"""

import json
import math
from functools import cache

import numpy as np

import nclib as nc
from nclib.training.experiments import Experiment

CIFAR = "e0b56c4cada9c21dd29c4a58a884536b3207cf0b40b18d71c9b12847757cf194"
LETTERS = "69e59717ccf366188fe84bca407a28461ce15a0bb5a7c2d5715defb3cc16ebc7"
DIGITS = None

# Of images by their content. The first thousand test images of CIFAR-10; fifty of each letter are
# held out; every fifth of scikit-learn's digits.
TEST_IMAGES = {
    CIFAR: [103, 89, 100, 103, 90, 86, 112, 102, 106, 109],
    LETTERS: [50] * 26,
    DIGITS: [35, 36, 35, 36, 36, 36, 36, 35, 34, 36],
}
# Letters whose bitmap is there under two labels.
LEFT_OUT = {CIFAR: 0, LETTERS: 1537, DIGITS: 0}

PARTS = ("fit", "penalty_W", "penalty_H")
AGAINST_MINIMUM = {"nc2_w", "nc2_h", "nc2_wh", "nc3"}


def half(value):
    """Half a unit of the last of seven digits."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - 6) if value else 0.0


def close(one, other, *stored, slack=0.0):
    """Whether numbers agree but for the rounding of those that are stored."""
    return abs(one - other) <= 1.01 * sum(map(half, stored)) + slack


def gap_fits(objective, minimum, gap):
    """Whether an objective is so far above a minimum, relative to it."""
    return close(objective, minimum * (1 + gap), objective, slack=1.01 * minimum * half(gap))


def falls(sigma):
    """Whether singular values are in their order."""
    return not (np.diff(sigma) > 0).any() and min(sigma) >= 0


class Truth:
    """What the theory says of an experiment, in the form of its results."""

    def __init__(self, settings):
        self.experiment = Experiment.from_dict(settings)
        self.config, self.n = self.experiment.config, self.experiment.counts.n
        self.best = nc.global_minimizer(self.config.problem(self.experiment.counts))
        self.minima = nc.local_minima(self.best.problem)
        f, z, kappa = self.best.feature_singular_values, self.best.z, self.best.kappa
        # Two readings of NC2^WH measure from one matrix to these two targets. Without a bias both
        # the matrix and the targets are divided by D.
        divisor = np.ones(self.n.size) if self.config.bias else kappa
        alive = self.best.survives
        printed = np.zeros(self.n.size)
        printed[alive] = f[alive] ** 2 / kappa[alive] / divisor[alive]
        corrected = z / divisor
        self.between_readings = np.linalg.norm(
            printed / np.linalg.norm(printed) - corrected / np.linalg.norm(corrected)
        )
        self.dead = self.n.size - int(alive.sum())
        # NC2 compares these, of norm 1, with the same of the network.
        self.targets = {"product": self.best.product_singular_values**2}
        if self.config.bias:
            self.targets |= {"features": f**2, "prediction": z}


@cache
def _truth(settings):
    return Truth(json.loads(settings))


def truth_of(content):
    """Return what the theory says of a run."""
    return _truth(json.dumps(content["experiment"]))


def complaints(content):
    """All that is wrong with a stored run, as read from JSON."""
    yield from of_run(content)
    for t, entry in enumerate(content["history"]):
        yield from (f"history[{t}]: {what}" for what in of_entry(truth_of(content), entry))


def of_run(content):
    """Complain about what is not of a single entry of the history."""
    truth, history, reached = truth_of(content), content["history"], content["reached"]
    config, digest, last = truth.config, truth.experiment.digest, history[-1]
    # Evenly in the logarithm, besides the beginning.
    epochs = np.rint(np.geomspace(1, config.epochs, config.evaluations)).astype(int).tolist()
    if [entry["epoch"] for entry in history] != sorted({0, *epochs}):
        yield "epoch: others than are evaluated"
    seconds = [entry["seconds"] for entry in history]
    if seconds != sorted(seconds) or seconds[0] != 0 or seconds[-1] != content["seconds"]:
        yield "seconds: time goes back"
    if content["samples"] != {
        "train": int(truth.n.sum()),
        "test": sum(TEST_IMAGES[digest]),
        "left_out": LEFT_OUT[digest],
    }:
        yield "samples: others than the images have"
    if reached["alive"] != last["alive"]:
        yield "reached: not the modes that are alive at the end"
    minimum = truth.minima[min(reached["alive"], len(truth.minima) - 1)]
    if not close(reached["objective"], minimum.objective, reached["objective"]):
        yield "reached: not the objective of that local minimum"
    if not gap_fits(last["objective"], minimum.objective, reached["gap"]):
        yield "reached: not the gap to that local minimum"
    is_global = minimum.alive == truth.best.alive == reached["alive"]
    if reached["is_global"] is not is_global:
        yield "reached: not whether it is the global one"
    if is_global and reached["gap"] != last["gap"]:
        yield "reached: two gaps to one minimum"
    compared = config.head == "linear" and minimum.unique and minimum.alive == reached["alive"] > 0
    if set(reached["metrics"]) != (AGAINST_MINIMUM if compared else set()):
        yield "reached: metrics where there are none, or none where there are"
    elif compared and is_global:
        for name, value in reached["metrics"].items():
            if not math.isclose(value, last["metrics"]["corrected"][name], rel_tol=1e-5):
                yield f"reached: two values of {name} at one minimum"
    if config.head == "linear":
        yield from of_layers(truth, last)


def of_layers(truth, last):
    """Complain about the singular values of the head's layers: at the end, the largest of each."""
    layers, config = last["singular_values"]["layers"], truth.config
    norms = [float(np.square(sigma).sum()) for sigma in layers]
    of_layers = sum(lam / 2 * norm for lam, norm in zip(config.lambda_W, norms, strict=True))
    if not all(map(falls, layers)):
        yield "layers: singular values do not fall"
    # All of a last layer, whose rows are K, and nearly all of the others.
    missing = 1 - of_layers / last["penalty_W"]
    if not -2e-6 <= missing <= (2e-6 if config.depth == 1 else 0.05):
        yield "layers: not the penalty of the head"
    if config.depth == 1 and layers[0] != last["singular_values"]["product"]:
        yield "layers: the only one is not the product"


def of_entry(truth, entry):
    """Complain about an entry of the history."""
    config, progress = truth.config, entry["epoch"] / truth.config.epochs
    rate, factor = config.learning_rate, 1.0
    if config.schedule == "cosine":
        rate *= (1 + math.cos(math.pi * progress)) / 2
    if progress < config.lambda_warmup:
        factor = 10 ** (-3 * (1 - progress / config.lambda_warmup))
    for name, value in (("learning_rate", rate), ("lambda_factor", factor)):
        if not close(entry[name], value, value):
            yield f"{name}: not as scheduled"
    parts = [entry[name] for name in PARTS]
    if not close(sum(parts), entry["objective"], *parts, entry["objective"]) or min(parts) < 0:
        yield "objective: not the sum of its parts"
    if not gap_fits(entry["objective"], truth.best.objective, entry["gap"]):
        yield "gap: not that to the minimum"
    sizes = {"train": truth.n.tolist(), "test": TEST_IMAGES[truth.experiment.digest]}
    for of, size in sizes.items():
        yield from of_shares(entry, f"{of}_accuracy", size)
    yield from (of_metrics if config.head == "linear" else of_metrics_of_relus)(truth, entry)
    yield from of_singular_values(truth, entry)


def of_shares(entry, name, sizes):
    """Shares of images are whole numbers of images, and the classes together give the whole."""
    right = 0
    for k, (share, size) in enumerate(zip(entry[f"{name}_per_class"], sizes, strict=True)):
        number = round(share * size)
        if not (0 <= share <= 1 and close(share, number / size, share)):
            yield f"{name} of class {k}: no whole number of {size} images"
        right += number
    if not close(entry[name], right / sum(sizes), entry[name]):
        yield f"{name}: not what the classes give"


def of_metrics(truth, entry):
    """Complain about the metrics: what two readings share, and how far they can be apart."""
    corrected, printed = (entry["metrics"][reading] for reading in ("corrected", "as_printed"))
    same = ["nc1", "nc2_w", "nc4", "lambda_H"]
    same += ["nc2_h"] * truth.config.bias + ["nc3"] * (truth.dead == 0)
    for name in same:
        if corrected[name] != printed[name]:
            yield f"{name}: two readings of what is read in one way"
    if min(corrected.values()) < 0:
        yield "metrics: negative"
    N = int(truth.n.sum())
    if not close(corrected["nc4"], round(corrected["nc4"] * N) / N, corrected["nc4"]):
        yield "nc4: no whole number of images"
    if abs(printed["nc2_wh"] - truth.between_readings) > corrected["nc2_wh"] + 1e-6:
        yield "nc2_wh: the readings are further apart than their targets"
    # As printed it adds the dead modes, each of which is at most 2 away, or has no direction.
    low, high = corrected["nc3"], math.hypot(corrected["nc3"], 2 * math.sqrt(truth.dead))
    has = printed["nc3"]
    if truth.dead == 0 if has is None else not low - 1e-6 <= has <= high + 1e-6:
        yield "nc3: the dead modes do not explain how far the readings are apart"


def of_metrics_of_relus(truth, entry):
    """Complain about the metrics of a head that is no matrix: it has NC1 and NC2^H alone."""
    corrected, printed = (entry["metrics"][reading] for reading in ("corrected", "as_printed"))
    if {name for name, value in corrected.items() if value is not None} != {"nc1", "nc2_h"}:
        yield "metrics: a head with ReLUs has NC1 and NC2^H alone"
    if corrected != printed and truth.config.bias:
        yield "metrics: two readings of what is read in one way"


def of_singular_values(truth, entry):
    """Complain about singular values: their order and number, known norms, and distances."""
    config, corrected = truth.config, entry["metrics"]["corrected"]
    values = {name: np.array(v) for name, v in entry["singular_values"].items() if name != "layers"}
    for name, sigma in values.items():
        if not falls(sigma):
            yield f"{name}: singular values do not fall"
    possible = truth.best.kappa[: truth.n.size - config.bias]
    # A mode that lives has s >= (L - 1) / 2L at every penalty; half of that counts.
    cut = max((config.depth - 1) / (4 * config.depth), 1e-3)
    if entry["alive"] != (values["prediction"][: possible.size] > cut * possible).sum():
        yield "alive: not what the singular values count"
    # The features are at least as long as their class means.
    of_means = float(np.square(values["features"]).sum())
    if config.lambda_H / 2 * of_means > entry["penalty_H"] * (1 + 2e-6):
        yield "features: the means are longer than all features"
    if config.head != "linear":
        return
    # W_1 and the class means in balance: that is what the effective lambda_H was measured from.
    norm_W_1, of_all = corrected["lambda_H"] * of_means, 2 * entry["penalty_W"]
    if config.depth == 1:
        of_product = config.lambda_W[0] * float(np.square(values["product"]).sum())
        for name, norm in (("lambda_H", norm_W_1), ("product", of_product)):
            if not math.isclose(norm, of_all, rel_tol=3e-6):
                yield f"{name}: not the norm of the only layer"
    elif norm_W_1 > of_all * (1 + 3e-6):
        yield "lambda_H: the first layer would be larger than all"
    # Mirsky: singular values are no further apart than the matrices, which NC2 compares.
    for name, metric in (("product", "nc2_w"), ("features", "nc2_h"), ("prediction", "nc2_wh")):
        if name in truth.targets:
            ours = values[name] if name == "prediction" else values[name] ** 2
            theirs = np.sort(truth.targets[name])[::-1]
            apart = ours / np.linalg.norm(ours) - theirs / np.linalg.norm(theirs)
            if np.linalg.norm(apart) > corrected[metric] + 1e-6:
                yield f"{name}: further from the minimum than {metric} says"


# ---------------------------------------------------------------- a run and its repetition

# CPUs round differently, and a training makes more of it, already in the first epoch: Adam
# takes a full step also where a gradient is nothing but rounding. What is allowed is several times
# what single and double precision, inputs changed by 1e-7, and another CPU came to.
ALLOWED = (
    {"objective": 1e-4, "fit": 1e-4, "penalty_W": 1e-4, "penalty_H": 1e-4},
    {"objective": 0.02, "fit": 0.02, "penalty_W": 0.01, "penalty_H": 0.1},
    {"objective": 0.1, "fit": 0.1, "penalty_W": 0.01, "penalty_H": 0.5},
    {"objective": 0.1, "fit": 0.1, "penalty_W": 0.01, "penalty_H": 0.5},
)


def assert_near(entry, expected):
    """Of one of the first three epochs: the same weights, images and order of the samples."""
    epoch = entry["epoch"]
    assert epoch == expected["epoch"]
    for name in ("learning_rate", "lambda_factor"):
        assert close(entry[name], expected[name], expected[name])
    for name, allowed in ALLOWED[epoch].items():
        assert math.isclose(entry[name], expected[name], rel_tol=allowed), (epoch, name)


def assert_repeated(repeated, stored, record_error):
    """To rounding at first, and to the same minimum, about as near to it, in the end."""
    assert repeated.experiment == stored.experiment
    assert repeated.samples == stored.samples
    assert repeated.epochs.tolist() == stored.epochs.tolist()
    for entry, expected in zip(repeated.history, stored.history, strict=True):
        if entry["epoch"] < len(ALLOWED):
            assert_near(entry, expected)
    ratios = repeated.curve("objective") / stored.curve("objective")
    off = float(np.median(np.abs(np.log(ratios))))
    assert record_error("repeated runs: median difference along the training", off, 0.1)
    one, other = repeated.final, stored.final
    assert repeated.reached["alive"] == stored.reached["alive"]
    assert repeated.reached["is_global"] is stored.reached["is_global"]
    assert one["train_accuracy"] == other["train_accuracy"]
    off = abs(one["gap"] - other["gap"]) / (other["gap"] + 2e-4)
    assert record_error("repeated runs: gap at the end, relative to itself", off, 0.5)
    z, w = (np.array(entry["singular_values"]["prediction"]) for entry in (one, other))
    off = float(np.abs(z - w).max() / w.max())
    assert record_error("repeated runs: singular values at the end", off, 5e-3)
    assert abs(one["test_accuracy"] - other["test_accuracy"]) < 0.04
    for name in ("nc1", "nc2_w", "nc2_h", "nc2_wh", "nc3"):
        found, expected = (entry["metrics"]["corrected"][name] for entry in (one, other))
        assert expected / 2 < found < 2 * expected, name
