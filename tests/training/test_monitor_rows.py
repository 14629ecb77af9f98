"""Numbers of a monitor's rows against dense computation, and rows that lack some."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import nclib as nc
from nclib.training.monitor import Monitor

COUNTS = (8, 5, 3)
N, K = sum(COUNTS), 3
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(COUNTS))
DECAY = 0.02

pytestmark = pytest.mark.usefixtures("one_thread", "no_warnings")


def features(d=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(K, d, generator=generator)
    return centres[LABELS] + 0.3 * torch.randn(N, d, generator=generator)


def linear(d=4, bias=True):
    torch.manual_seed(1)
    return nn.Linear(d, K, bias=bias)


def ce(z, y, **options):
    return nn.functional.cross_entropy(z, y, **options)


def half_squares(z, y):
    return (z - nn.functional.one_hot(y, K)).square().sum() / 2 / len(z)


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.05, weight_decay=DECAY)


def train(monitor, head, loss, h=None, y=LABELS, size=N, optimizer=None):
    """Watch one epoch; return the gradients of the head's weights."""
    h, gradients = features() if h is None else h, []
    for x, labels in monitor.watch(list(zip(h.split(size), y.split(size), strict=True))):
        head.zero_grad()
        torch.autograd.backward(loss(head(x), labels))
        gradients.append(head.weight.grad.clone())
        if optimizer is not None:
            optimizer.step()
    return torch.stack(gradients)


def watched(criterion, head=None, make=sgd, h=None, y=LABELS, size=N, **options):
    head = head or linear()
    optimizer = None if make is None else make(head.parameters())
    with Monitor(head, COUNTS, optimizer=optimizer, **options) as monitor:
        train(monitor, head, criterion, h, y, size, optimizer)
    return monitor


# ---------------------------------------------------------------- numbers


WEIGHTS = torch.tensor([1.0, 1.2, 1.5])


@pytest.mark.parametrize(
    "loss",
    [
        ce,
        half_squares,
        lambda z, y: ce(z, y, weight=WEIGHTS),
        lambda z, y: ce(z, y, label_smoothing=0.1),
        lambda z, y: ce(z, y, weight=WEIGHTS, label_smoothing=0.2),
        lambda z, y: 100 * half_squares(z, y),
    ],
    ids=["ce", "squares", "weights", "smoothing", "both", "scaled"],
)
@pytest.mark.parametrize("bias", [True, False])
def test_the_gap_is_that_of_the_objective_with_a_decayed_bias(loss, bias):
    head = linear(bias=bias)
    monitor = watched(loss, head)
    with monitor:
        row = monitor.evaluate([(features(), LABELS)])
    best = monitor.minimizer
    assert monitor.script.bias == ("decayed" if bias else "none")
    if bias:
        assert best.problem.bias_penalty == pytest.approx(DECAY / monitor.script.loss_factor)
    b = head.bias.detach().double().numpy() if bias else None
    own = best.problem.objective(
        [head.weight.detach().double().numpy()], features().double().numpy().T, b
    )
    assert row["gap"] == pytest.approx(own / best.objective - 1, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_the_shares_of_squares_within_classes_and_in_the_mean(bias):
    row = watched(ce, linear(bias=bias), size=4).history[-1]
    h, n = features().double().numpy(), np.array(COUNTS)
    means = np.stack([h[k == LABELS].mean(axis=0) for k in range(K)])
    total = np.sum(h**2)
    assert row["within"] == pytest.approx(np.sum((h - means[LABELS]) ** 2) / total, rel=1e-5)
    if bias:
        assert row["mean"] == pytest.approx(n.sum() * np.sum(h.mean(axis=0) ** 2) / total, rel=1e-5)
    else:
        assert math.isnan(row["mean"])


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("size", [4, 16])
def test_rest_is_how_far_the_mean_gradient_is_from_the_decay(size, optimised):
    head = linear()
    optimizer = sgd(head.parameters()) if optimised else None
    given = {"optimizer": optimizer} if optimised else {"lambda_W": DECAY}
    with Monitor(head, COUNTS, **given) as monitor:
        gradients = train(monitor, head, ce, size=size, optimizer=optimizer)
    decay = DECAY * head.weight.detach()
    wanted = (gradients.mean(dim=0) + decay).norm() / decay.norm()
    assert monitor.script.loss_factor == pytest.approx(1.0, rel=1e-4)
    assert monitor.history[-1]["rest"] == pytest.approx(float(wanted), rel=1e-4)


def test_one_epoch_after_another_has_sums_of_its_own():
    head = linear()
    optimizer = sgd(head.parameters())
    with Monitor(head, COUNTS, optimizer=optimizer) as monitor:
        train(monitor, head, ce, size=4, optimizer=optimizer)
        gradients = train(monitor, head, ce, size=8, optimizer=optimizer)
    decay = DECAY * head.weight.detach()
    wanted = (gradients.mean(dim=0) + decay).norm() / decay.norm()
    assert monitor.history[-1]["rest"] == pytest.approx(float(wanted), rel=1e-4)


# ---------------------------------------------------------------- rows that lack numbers


OF_THE_OPTIMUM = ("nc2_w", "nc2_h", "nc2_wh", "nc3", "alive_optimum", "gap")


def test_a_head_of_zeros_has_no_optimum_to_compare_with():
    head = linear()
    nn.init.zeros_(head.weight)
    monitor = watched(ce, head, make=None, lambda_W=DECAY)
    row = monitor.history[-1]
    assert row["lambda_H"] == 0
    assert row["rest"] == math.inf
    assert row["alive"] == 0
    assert all(math.isnan(row[name]) for name in OF_THE_OPTIMUM)


def test_features_of_zeros_have_no_optimum_to_compare_with():
    monitor = watched(ce, make=None, lambda_W=DECAY, h=torch.zeros(N, 4))
    row = monitor.history[-1]
    assert not math.isfinite(row["lambda_H"])
    assert all(math.isnan(row[name]) for name in (*OF_THE_OPTIMUM, "within", "mean"))


def test_an_optimum_that_is_not_known_leaves_a_gap():
    # Smoothing with features that are never negative and no bias.
    monitor = watched(
        lambda z, y: ce(z, y, label_smoothing=0.1), linear(bias=False), h=features().relu()
    )
    assert monitor.script.loss == nc.CrossEntropy(label_smoothing=0.1)
    assert monitor.minimizer is None
    assert math.isfinite(monitor.history[-1]["lambda_H"])
    assert math.isnan(monitor.history[-1]["alive_optimum"])


def test_an_optimum_that_is_not_reached_leaves_a_gap(monkeypatch):
    def unreached(problem):
        raise RuntimeError("the gap was not reached")

    monkeypatch.setattr("nclib.training.monitor.measurer.loss_minimizer", unreached)
    monitor = watched(ce)
    assert monitor.minimizer is None
    assert math.isfinite(monitor.history[-1]["lambda_H"])


@pytest.mark.parametrize(("lowest", "non_negative"), [(0.0, True), (-0.1, False)])
def test_features_are_of_a_relu_where_none_is_negative(lowest, non_negative):
    monitor = watched(ce, linear(bias=False), h=features().relu() + lowest)
    assert monitor.minimizer.problem.non_negative == non_negative


@pytest.mark.parametrize("classes", [100, 101])
def test_of_more_than_100_counts_an_epoch_has_no_optimum(classes):
    torch.manual_seed(0)
    counts = range(classes, 0, -1)
    y = torch.repeat_interleave(torch.arange(classes), torch.tensor(counts))
    h, head = torch.randn(len(y), 2), nn.Linear(2, classes)
    # So strong that every mode is dead: the optimum is found at once.
    options = {"lambda_W": 1.0, "lambda_H": 1.0, "loss": nc.CrossEntropy()}
    with Monitor(head, counts, **options) as monitor:
        for x, _ in monitor.watch([(h, y)]):
            head(x)
        assert (monitor.minimizer is not None) == (classes == 100)
        monitor.evaluate([(h, y)])
        assert monitor.minimizer.alive == 0


# ---------------------------------------------------------------- what a script is read as


def test_a_loss_in_bfloat16_is_recognised():
    head = linear()
    optimizer = sgd(head.parameters())
    with Monitor(head, COUNTS, optimizer=optimizer) as monitor:
        for x, y in monitor.watch([(features(), LABELS)]):
            with torch.autocast("cpu", torch.bfloat16):
                z = head(x)
            ce(z.float(), y).backward()
            optimizer.step()
    assert monitor.script.loss == nc.CrossEntropy()
    assert monitor.script.loss_factor == pytest.approx(1.0, rel=0.02)


def test_what_is_nearly_cross_entropy_is_not():
    monitor = watched(lambda z, y: ce(z + 0.003 * z.square(), y))
    assert monitor.script.loss is None


def test_the_ratio_of_class_weights_is_said():
    script = watched(lambda z, y: ce(z, y, weight=WEIGHTS)).script
    assert "class weights in the ratio 0.667 to 1" in script.loss_name
    weights = script.loss.class_weights
    assert weights / weights[0] == pytest.approx(WEIGHTS.tolist(), rel=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_class_weights_are_seen_whatever_the_scale_of_the_loss(scale):
    loss = watched(lambda z, y: scale * ce(z, y, weight=WEIGHTS)).script.loss
    assert loss.class_weights / loss.class_weights[0] == pytest.approx(WEIGHTS.tolist(), rel=1e-3)
    assert watched(lambda z, y: scale * ce(z, y)).script.loss == nc.CrossEntropy()


def test_a_class_that_was_not_seen_has_weight_1():
    seen = LABELS != 2
    monitor = watched(lambda z, y: ce(z, y, weight=WEIGHTS), h=features()[seen], y=LABELS[seen])
    weights = monitor.script.loss.class_weights
    assert weights[2] == 1
    assert weights[1] / weights[0] == pytest.approx(1.2, rel=1e-4)


def test_a_loss_that_is_given_stays_what_it_is():
    monitor = watched(lambda z, y: ce(z, y, weight=WEIGHTS), loss=nc.CrossEntropy())
    assert monitor.script.loss == nc.CrossEntropy()
    assert monitor.script.loss_name == "the loss that was given"


def test_a_bias_that_no_optimiser_has_is_free():
    def of_the_weights(parameters):
        return sgd(list(parameters)[:1])

    script = watched(ce, make=of_the_weights).script
    assert (script.bias, script.lambda_b) == ("free", None)
    assert script.lambda_W == pytest.approx((DECAY,), rel=1e-4)


def test_a_decay_is_said_to_four_digits():
    script = watched(ce, make=lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.012345)).script
    assert "weight decay 0.01235 on" in str(script)


# ---------------------------------------------------------------- the report


def for_class_0(counts):
    """A head that puts everything into class 0, and its samples."""
    head = nn.Linear(4, len(counts))
    with torch.no_grad():
        head.bias.copy_(torch.eye(len(counts))[0] * 100)
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return head, torch.randn(len(y), 4, generator=torch.Generator().manual_seed(0)), y


@pytest.mark.parametrize(
    ("counts", "lost"),
    [
        ((8, 5, 3), "1 (5 samples), 2 (3 samples)"),
        ((2,) * 9, ", ".join(f"{k} (2 samples)" for k in range(1, 9))),
        ((2,) * 10, ", ".join(f"{k} (2 samples)" for k in range(1, 9)) + " and 1 more"),
        ((2,) * 12, ", ".join(f"{k} (2 samples)" for k in range(1, 9)) + " and 3 more"),
    ],
)
def test_a_report_names_eight_classes_that_are_mostly_wrong(counts, lost):
    head, h, y = for_class_0(counts)
    with Monitor(head, counts, lambda_W=1e-3) as monitor:
        monitor.evaluate([(h, y)])
    share = counts[0] / sum(counts)
    measured = f"Measured (evaluation): accuracy {share:.3f}; mostly wrong: {lost}."
    assert measured in monitor.report().splitlines()


def test_a_report_is_of_the_last_row():
    monitor = Monitor(head := linear(), COUNTS, lambda_W=1e-3)
    assert monitor.report() == "Nothing has been watched yet."
    for what in ("observation", "validity", "prediction", "modes", "metrics", "minimizer"):
        assert getattr(monitor, what) is None
    batch = (features(), LABELS)
    with monitor:
        train(monitor, head, ce)
        assert "Measured (epoch 1)" in monitor.report()
        monitor.evaluate([batch])
        assert "Measured (evaluation)" in monitor.report()
        train(monitor, head, ce)
    assert "Measured (epoch 2)" in monitor.report()


@pytest.mark.parametrize("known", [True, False])
def test_lambda_H_by_mode_is_reported_where_lambda_W_is_known(known):
    kind = torch.optim.Adam if known else torch.optim.AdamW
    monitor = watched(ce, make=lambda p: kind(p, lr=1e-3, weight_decay=DECAY))
    report = monitor.report()
    assert "2 of 2 modes are alive" in report
    assert ("lambda_H by mode" in report) == known
    if known:
        low, high = monitor.modes.lambda_H.min(), monitor.modes.lambda_H.max()
        assert f"lambda_H by mode {low:.3g} to {high:.3g}." in report


def test_what_is_seen_of_other_data_alone_is_measured_and_no_verdict():
    chosen = [0, 1, 8, 9, 13, 14]
    with Monitor(linear(), COUNTS, lambda_W=1e-3) as monitor:
        row = monitor.evaluate([(features()[chosen], LABELS[chosen])])
    assert not row["training"]
    assert monitor.modes is None
    assert monitor.observation.lambda_H.size == 0
    assert monitor.prediction is None
