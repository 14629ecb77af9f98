"""Training with every loss, weight and sampler: the objective exactly, and its optimum in the end.

What is compared with is torch's own loss of every sample, and the theory's objective of features
that agree within a class.
"""

import json
import math
from dataclasses import fields

import numpy as np
import pytest
import torch
from small_runs import COUNTS, blobs
from small_runs import config as small_config
from torch.nn import functional

from nclib import CrossEntropy, LossProblem, Problem, SquaredError, loss_minimizer
from nclib.theory import Sampling
from nclib.training import engine
from nclib.training.engine import TrainingConfig, train
from nclib.training.experiment import Experiment

VECTOR = (0.5, 1.0, 2.5)
CPU = torch.device("cpu")

OBJECTIVES = {
    "cross-entropy": {"loss": CrossEntropy()},
    "weights": {"loss": CrossEntropy(class_weights=VECTOR), "bias": False},
    "smoothing and weights": {"loss": CrossEntropy(class_weights=VECTOR, label_smoothing=0.2)},
    "adjustment": {"loss": CrossEntropy(adjustment=1.3), "bias": False},
    "adjustment by vector": {"loss": CrossEntropy(adjustment=VECTOR)},
    "margins": {"loss": CrossEntropy(margins=VECTOR), "lambda_b": 0.03},
    "logit factors": {"loss": CrossEntropy(logit_factors=VECTOR)},
    "sample factors": {"loss": CrossEntropy(sample_factors=VECTOR)},
    "balanced": {"loss": CrossEntropy(), "sampling": Sampling("balanced"), "lambda_b": 0.02},
    "fixed penalty": {"loss": CrossEntropy(), "sampling": Sampling("sqrt", "fixed")},
    "sampled weights": {
        "loss": CrossEntropy(class_weights=VECTOR),
        "sampling": Sampling((1, 2, 3)),
    },
    "squared, weights": {"loss": SquaredError(class_weights=VECTOR)},
    "squared, smoothing": {"loss": SquaredError(label_smoothing=0.1), "lambda_b": 0.04},
    "squared, three layers": {
        "loss": SquaredError(class_weights=VECTOR),
        "bias": False,
        "depth": 3,
        "lambda_W": (0.02, 0.01, 0.03),
    },
    "squared, sampled": {"loss": SquaredError(), "sampling": Sampling("balanced"), "bias": False},
}


def config(**settings):
    return small_config(**({"depth": 1, "dtype": "float64"} | settings))


def trainer(spread=0.1, **settings):
    return engine._Trainer(config(**settings), *blobs(spread=spread), None, CPU)


def frequency(run):
    """How often each class is drawn, beside how often it is there."""
    n = torch.tensor(COUNTS, dtype=torch.float64)
    if run.config.sampling is None:
        return torch.ones(3, dtype=torch.float64)
    shares = run.config.sampling.shares
    if isinstance(shares, str):
        shares = {"balanced": n**0, "sqrt": n**0.5}[shares]
    else:
        shares = torch.tensor(np.array(shares))
    return n.sum() * shares / shares.sum() / n


def losses(run, logits, y):
    """Loss of each sample by torch's own functions, class weights over their mean in an epoch."""
    loss, n = run.config.loss, torch.tensor(COUNTS, dtype=torch.float64)
    weight = None
    if loss.class_weights is not None:
        weight = torch.tensor(np.array(loss.class_weights))
        mean = (weight * frequency(run) * n).sum() / n.sum()
        weight = weight / mean
    if isinstance(loss, SquaredError):
        eps = loss.label_smoothing
        targets = (1 - eps) * functional.one_hot(y, 3).double() + eps / 3
        each = functional.mse_loss(logits, targets, reduction="none").sum(dim=1) / 2
        return each if weight is None else weight[y] * each
    for factors, of in ((loss.logit_factors, slice(None)), (loss.sample_factors, y)):
        if factors is not None:
            factor = torch.tensor(np.array(factors))[of]
            logits = logits * (factor if of == slice(None) else factor[:, None])
    if isinstance(loss.adjustment, float):
        logits = logits + loss.adjustment * torch.log(n / n.sum())
    else:
        logits = logits + torch.tensor(np.array(loss.adjustment))
    if loss.margins is not None:
        margin = torch.tensor(np.array(loss.margins))
        logits = logits - margin[y][:, None] * functional.one_hot(y, 3)
    return functional.cross_entropy(
        logits, y, weight, label_smoothing=loss.label_smoothing, reduction="none"
    )


def full_objective(run):
    """The whole objective, every sample as often as it is drawn."""
    config, network, y = run.config, run.network, run.y
    logits, H = network(run.x)
    often = frequency(run)[y]
    value = (often * losses(run, logits, y)).sum() / run.problem.N
    fixed = config.sampling is not None and config.sampling.feature_penalty == "fixed"
    squares = H.square().sum(dim=1)
    value = value + config.lambda_H / 2 * (squares if fixed else often * squares).sum()
    for lam, W in zip(config.lambda_W, network.head.weights, strict=True):
        value = value + lam / 2 * W.square().sum()
    if network.head.b is not None:
        value = value + config.lambda_b / 2 * network.head.b.square().sum()
    return value


def gradients_given(run, rows):
    """What Adam adds up for one batch: the loss's gradient and the decays."""
    run.network.zero_grad()
    run._batch_loss(rows, 1.0).backward()
    decay = {id(p): g["weight_decay"] for g in run.optimizer.param_groups for p in g["params"]}
    return [p.grad + decay[id(p)] * p.detach() for p in run.network.parameters()]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_batches_have_the_gradient_of_the_objective_as_their_mean(name, record_error):
    """Exactly: over all samples that may come, or over the batches of an epoch."""
    run = trainer(**OBJECTIVES[name])
    with torch.no_grad():
        for parameter in run.network.parameters():  # away from where the bias is 0
            parameter += 0.1 * torch.randn(
                parameter.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64
            )
    run._set_rates(1.0)
    N = run.problem.N
    if run.config.sampling is None:
        batches = [(rows, len(rows) / N) for rows in torch.arange(N).split(16)]
        assert len(batches[-1][0]) < 16
    else:
        chance = frequency(run)[run.y] / N
        batches = [(torch.tensor([i]), float(chance[i])) for i in range(N)]
    total = [torch.zeros_like(p) for p in run.network.parameters()]
    for rows, share in batches:
        for part, gradient in zip(total, gradients_given(run, rows), strict=True):
            part += share * gradient
    run.network.zero_grad()
    full_objective(run).backward()
    for part, parameter in zip(total, run.network.parameters(), strict=True):
        error = float((part - parameter.grad).norm() / parameter.grad.norm())
        assert record_error("losses: batch gradients against the full one", error, 1e-12)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_history_has_the_objective_of_the_theory(name, record_error):
    """Of features that agree within each class, which the theory's own objective takes."""
    settings = OBJECTIVES[name]
    if name == "squared, weights":
        settings = settings | {"bias": False}
    run = trainer(spread=0.0, **settings)
    run._train_epoch()
    entry = run.evaluator.entry(1, 0.0)
    with torch.no_grad():
        features = run.network(run.x)[1].numpy()
    H = np.array([features[run.y.numpy() == k][0] for k in range(3)]).T
    Ws = [W.detach().numpy() for W in run.network.head.weights]
    b = None if run.network.head.b is None else run.network.head.b.detach().numpy()
    assert isinstance(run.problem, LossProblem)
    expected = run.problem.objective(Ws, H, b)
    assert record_error("losses: objective", abs(entry["objective"] / expected - 1), 1e-13)
    assert record_error(
        "losses: objective by torch", abs(full_objective(run).item() / expected - 1), 1e-13
    )
    parts = [entry[key] for key in ("fit", "penalty_W", "penalty_H", "penalty_b") if key in entry]
    assert math.fsum(parts) == pytest.approx(entry["objective"], rel=1e-14)
    assert ("penalty_b" in entry) == (run.config.lambda_b > 0)
    assert entry["gap"] == pytest.approx(expected / loss_minimizer(run.problem).objective - 1)
    d = np.sqrt(frequency(run).numpy() * COUNTS)
    if name == "fixed penalty":
        d = np.sqrt(COUNTS)
    product = Ws[0] if len(Ws) == 1 else Ws[2] @ Ws[1] @ Ws[0]
    z = np.linalg.svd(product @ H * d, compute_uv=False)
    assert entry["singular_values"]["prediction"] == pytest.approx(z, rel=1e-9, abs=1e-12)


def test_the_plain_squared_error_is_the_papers_problem():
    assert isinstance(config().problem([3, 2]), Problem)
    assert config(loss=SquaredError()) == config()
    assert "loss" not in config().to_dict()


def test_a_sampler_draws_its_shares_with_replacement(record_error):
    run = trainer(loss=CrossEntropy(), sampling=Sampling((1, 2, 5)))
    labels = run.y.numpy()
    drawn, repeated = np.zeros(3), 0
    epochs = 400
    for _ in range(epochs):
        rows = run.objective.epoch(run.labels, run.order).numpy()
        assert rows.size == run.problem.N
        drawn += np.bincount(labels[rows], minlength=3)
        repeated += rows.size - np.unique(rows).size
    expected = np.array([1, 2, 5]) / 8 * drawn.sum()
    # Chi-square with two degrees of freedom: a fair sampler exceeds 16 once in 3,000 seeds.
    chi_square = float(((drawn - expected) ** 2 / expected).sum())
    assert record_error("sampler: chi-square of the shares drawn", chi_square, 16)
    assert repeated > 0.2 * drawn.sum()


def test_without_a_sampler_every_sample_comes_once():
    run = trainer(loss=CrossEntropy())
    rows = run.objective.epoch(run.labels, run.order)
    assert sorted(rows.tolist()) == list(range(run.problem.N))


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": CrossEntropy()},
        {"loss": CrossEntropy(class_weights=VECTOR), "lambda_b": 0.02},
        {"loss": CrossEntropy(), "sampling": Sampling("balanced")},
        {
            "loss": SquaredError(class_weights=VECTOR),
            "bias": False,
            "depth": 3,
            "lambda_H": 0.004,
        },
    ],
    ids=["plain", "weights", "balanced", "three layers"],
)
def test_training_comes_to_the_certified_optimum(settings, record_error):
    common = {
        "lambda_W": 0.02,
        "lambda_H": 0.005,
        "epochs": 400,
        "learning_rate": 1e-2,
        "schedule": "cosine",
        "lambda_warmup": 0.3,
        "dtype": "float32",
    }
    result = train(config(**(common | settings)), *blobs(spread=0.05), progress=False)
    best = result.minimizer
    assert result.reached is best
    assert best.certificate <= 1e-9
    assert record_error("losses: gap after training", result.final["gap"], 2e-3)
    assert result.final["gap"] > -1e-6
    assert result.final["alive"] == best.alive
    assert result.final["train_accuracy"] == best.training_accuracy().overall
    z = result.final["singular_values"]["prediction"]
    assert z == pytest.approx(best.singular_values, abs=0.05 * max(z))
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()


def test_a_class_that_the_optimum_loses_is_lost():
    """One that weights keep, and that weights of the other sign would not."""
    settings = {
        "lambda_W": 0.06,
        "lambda_H": 0.06,
        "epochs": 250,
        "learning_rate": 1e-2,
        "schedule": "cosine",
        "lambda_warmup": 0.3,
        "dtype": "float32",
    }
    for loss in (CrossEntropy(), CrossEntropy(class_weights=1 / np.sqrt(COUNTS))):
        result = train(config(**settings, loss=loss), *blobs(spread=0.05), progress=False)
        right = result.minimizer.training_accuracy().per_class
        assert result.final["train_accuracy_per_class"] == right.tolist()
        assert result.final["alive"] == result.minimizer.alive
        assert right[2] == (loss.class_weights is not None)


@pytest.mark.parametrize("device", ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def test_a_run_with_a_sampler_goes_on_bit_for_bit(device, tmp_path):
    settings = {
        "loss": CrossEntropy(class_weights=VECTOR, label_smoothing=0.1),
        "sampling": Sampling("balanced", "fixed"),
        "lambda_b": 0.01,
        "epochs": 8,
        "dtype": "float32",
        "schedule": "cosine",
    }
    whole = train(config(**settings), *blobs(), device=device, progress=False)

    def stop(run):
        if run.epoch == 5:
            raise KeyboardInterrupt
        return set_rates(run)

    def part(**options):
        return train(
            config(**settings), *blobs(), device=device, checkpoints=tmp_path,
            checkpoint_epochs=1, progress=False, **options,
        )  # fmt: skip

    train_epoch = set_rates = engine._Trainer._train_epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine._Trainer, "_train_epoch", stop)
        with pytest.raises(KeyboardInterrupt):
            part()
    assert engine._Trainer._train_epoch is train_epoch
    resumed = part(resume=True)
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    assert [e["objective"] for e in resumed.history] == [e["objective"] for e in whole.history]
    with pytest.raises(ValueError, match="checkpoints of another run"):
        train(
            config(**settings | {"loss": CrossEntropy()}), *blobs(), device=device,
            checkpoints=tmp_path, resume=True, progress=False,
        )  # fmt: skip


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize("name", OBJECTIVES)
def test_settings_survive_json(name):
    ours = config(**OBJECTIVES[name])
    stored = json.loads(json.dumps(ours.to_dict()))
    assert TrainingConfig.from_dict(stored) == ours
    assert {"loss", "sampling", "lambda_b"} <= stored.keys()
    experiment = Experiment("blobs", COUNTS, ours)
    assert Experiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment
    with pytest.raises(TypeError, match="another objective than the paper's"):
        experiment.minimizer  # noqa: B018
    assert experiment.optimum.objective > 0 or name == "squared, weights"


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"loss": "cross-entropy"}, TypeError, "loss must be a SquaredError or a CrossEntropy"),
        ({"sampling": "balanced"}, TypeError, "sampling must be a Sampling or None"),
        ({"lambda_b": -1.0}, ValueError, "lambda_b must be at least 0"),
        ({"lambda_b": 0.1, "bias": False}, ValueError, "lambda_b must be 0 without a bias"),
        ({"loss": CrossEntropy(), "depth": 3}, ValueError, "no optimum is known for cross-entropy"),
        ({"loss": CrossEntropy([1, 2])}, ValueError, "one number for each of the 3 classes"),
        ({"sampling": Sampling([1, 2])}, ValueError, "one number for each of the 3 classes"),
    ],
)
def test_what_is_not_covered_is_refused_before_the_first_step(settings, error, words):
    with pytest.raises(error, match=words):
        train(config(**settings), *blobs(), progress=False)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ({"kind": "hinge"}, "kind of the loss must be 'squared error' or 'cross-entropy'"),
        ({}, "kind of the loss must be"),
        ({"kind": "squared error", "margins": [1]}, "must be those of squared error"),
    ],
)
def test_a_stored_loss_that_is_none_is_refused(loss, words):
    with pytest.raises(ValueError, match=words):
        TrainingConfig.from_dict(config(loss=CrossEntropy()).to_dict() | {"loss": loss})


def test_all_fields_of_a_loss_are_stored():
    """So that a field that is added can't be forgotten."""
    full = CrossEntropy(VECTOR, 0.1, VECTOR, VECTOR, VECTOR, VECTOR)
    assert len(config(loss=full).to_dict()["loss"]) == 1 + len(fields(CrossEntropy))
