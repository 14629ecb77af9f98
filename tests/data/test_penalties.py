"""Each row of the table of penalties, trained to the optimum, against the closed form."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from few import few
from torch import nn

import nclib as nc
from nclib.data.penalties import Penalties, translate_penalties

COUNTS = nc.ClassCounts([6, 4, 2])
LABELS = torch.repeat_interleave(torch.arange(3), torch.tensor([6, 4, 2]))
WIDTH = 4

# What the script does: a name, the loss of a batch, how the function is told of it, the optimiser
# and the batch size.
ROWS = [
    (
        "1/2 mean of sums, SGD",
        lambda z, y: (z - y).square().sum(dim=1).mean() / 2,
        {"reduction": "batchmean", "scale": 0.5},
        "sgd",
        None,
    ),
    ("MSELoss, SGD", nn.MSELoss(), {}, "sgd", None),
    ("1/2 MSELoss, Adam", lambda z, y: 0.5 * nn.MSELoss()(z, y), {"scale": 0.5}, "adam", None),
    ("MSELoss, Adam, batches", nn.MSELoss(), {}, "adam", 4),
    (
        "MSELoss sum, SGD, uneven batches",
        nn.MSELoss(reduction="sum"),
        {"reduction": "sum"},
        "sgd",
        5,
    ),
    ("MSELoss sum, Adam", nn.MSELoss(reduction="sum"), {"reduction": "sum"}, "adam", None),
]


def trained(loss, optimizer, batch_size, decays, mu, c):
    """Free features below a linear head of L layers; returns logits of classes, P and Hbar."""
    generator = torch.Generator().manual_seed(0)
    sizes = [WIDTH] * len(decays) + [3]
    Ws = [
        torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        .mul_(0.6)
        .requires_grad_()
        for columns, rows in pairwise(sizes)
    ]
    # Both to the optimum: with two layers, not so small that they would end at zero.
    H = torch.randn(12, WIDTH, generator=generator, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    groups = [
        {"params": [W], "weight_decay": decay} for W, decay in zip(Ws, decays, strict=True)
    ] + [{"params": [H, b], "weight_decay": 0.0}]
    if optimizer == "sgd":
        steps = torch.optim.SGD(groups, lr=0.25 / c, momentum=0.5)
    else:
        kind = torch.optim.Adam if optimizer == "adam" else torch.optim.AdamW
        steps = kind(groups, lr=0.05, betas=(0.9, 0.99))
    epochs = 1500 if batch_size is None else 800
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, epochs)
    Y = nn.functional.one_hot(LABELS).double()
    for _ in range(epochs):
        order = torch.randperm(12, generator=generator)
        for rows in torch.split(order, batch_size or 12):
            h = H[rows]
            z = h
            for W in Ws:
                z = z @ W.T
            steps.zero_grad()
            torch.autograd.backward(loss(z + b, Y[rows]) + mu * h.square().sum(dim=1).mean())
            steps.step()
        schedule.step()
    with torch.no_grad():
        P = Ws[-1] if len(Ws) == 1 else torch.linalg.multi_dot(Ws[::-1])
        means = torch.stack([h.mean(dim=0) for h in H.split([6, 4, 2])])
        return (means @ P.T + b).T.numpy(), [W.numpy() for W in Ws], means.T.numpy()


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def errors(found, penalties, depth):
    """Largest relative error of the logits, the layers and the features against the closed form."""
    best = nc.global_minimizer(
        nc.Problem(COUNTS, depth, lambda_W=penalties.lambda_W, lambda_H=penalties.lambda_H)
    )
    assert best.alive == 2
    logits, Ws, means = found
    weighted = np.linalg.svd(means * np.sqrt(COUNTS.n), compute_uv=False)
    return max(
        relative(logits, best.logits()),
        relative(weighted[:3], best.feature_singular_values),
        *(
            relative(np.linalg.svd(W, compute_uv=False)[:3], values)
            for W, values in zip(Ws, best.layer_singular_values, strict=True)
        ),
    )


@pytest.mark.parametrize("depth", few([1, 2], [2]))
@pytest.mark.parametrize(("name", "loss", "told", "optimizer", "batch_size"), ROWS)
def test_a_row_of_the_table_trained_to_the_optimum(
    name, loss, told, optimizer, batch_size, depth, record_error
):
    lambda_W, lambda_H = (0.06, 0.04)[:depth], 0.02
    wanted = translate_penalties(
        COUNTS,
        lambda_W=lambda_W,
        lambda_H=lambda_H,
        batch_size=batch_size,
        optimizer=optimizer,
        **told,
    )
    back = translate_penalties(
        COUNTS,
        weight_decay=wanted.weight_decay,
        feature_penalty=wanted.feature_penalty,
        batch_size=batch_size,
        optimizer=optimizer,
        **told,
    )
    assert back.lambda_W == pytest.approx(lambda_W, rel=1e-14)
    assert back.lambda_H == pytest.approx(lambda_H, rel=1e-14)
    found = trained(
        loss,
        optimizer,
        batch_size,
        wanted.weight_decay,
        wanted.feature_penalty,
        wanted.loss_factor,
    )
    kind, allowed = ("full batch", 1e-3) if batch_size is None else ("batches", 3e-3)
    assert record_error(f"penalties by training, {kind}", errors(found, back, depth), allowed)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_adamw_ends_elsewhere(batch_size):
    """Why it is refused: with the decay that gives Adam the penalty, it is far off."""
    wanted = translate_penalties(COUNTS, lambda_W=0.06, lambda_H=0.02, batch_size=batch_size)
    found = trained(
        nn.MSELoss(),
        "adamw",
        batch_size,
        [wanted.weight_decay],
        wanted.feature_penalty,
        wanted.loss_factor,
    )
    assert errors(found, wanted, 1) > 0.1


def test_adamw_is_refused_and_told_why():
    with pytest.raises(
        ValueError, match="decay of 'adamw' is decoupled and stands for no lambda_W"
    ):
        translate_penalties(COUNTS, weight_decay=0.01, optimizer="adamw")


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        ({"reduction": "mean"}, 2 / 3),
        ({"reduction": "mean", "scale": 0.5}, 1 / 3),
        ({"reduction": "batchmean"}, 2),
        ({"reduction": "batchmean", "scale": 0.5, "batch_size": 5}, 1),
        ({"reduction": "sum"}, 24),
        ({"reduction": "sum", "batch_size": 4}, 8),
        # 5 + 5 + 2: the loss of an epoch's average batch.
        ({"reduction": "sum", "batch_size": 5}, 8),
    ],
)
def test_the_loss_factor_is_the_loss_over_the_objectives_first_term(settings, factor):
    told = translate_penalties(COUNTS, weight_decay=0.3, **settings)
    assert told.loss_factor == pytest.approx(factor, rel=1e-15)
    rng = np.random.default_rng(0)
    Z, Y = rng.standard_normal((12, 3)), np.eye(3)[LABELS]
    size = settings.get("batch_size", 12)
    how = {
        "mean": lambda E: (E**2).mean(),
        "sum": lambda E: (E**2).sum(),
        "batchmean": lambda E: (E**2).sum() / len(E),
    }[settings["reduction"]]
    if settings["reduction"] == "sum" or size == 12:
        losses = [how(Z[i : i + size] - Y[i : i + size]) for i in range(0, 12, size)]
        loss = settings.get("scale", 1) * np.mean(losses)
        assert loss / (((Z - Y) ** 2).sum() / 24) == pytest.approx(factor, rel=1e-12)
    assert told == Penalties(
        lambda_W=pytest.approx(0.3 / factor),
        lambda_H=None,
        weight_decay=0.3,
        feature_penalty=None,
        loss_factor=told.loss_factor,
    )


@pytest.mark.parametrize(("batch_size", "batches"), [(None, 1), (4, 3), (5, 2), (7, 1), (12, 1)])
def test_with_drop_last_every_batch_of_a_sum_is_full(batch_size, batches):
    """The batches that torch makes, over orders in which each sample is left out as often."""
    told = translate_penalties(
        COUNTS, weight_decay=0.3, reduction="sum", batch_size=batch_size, drop_last=True
    )
    rng = np.random.default_rng(0)
    Z, Y = torch.tensor(rng.standard_normal((12, 3))), torch.eye(3, dtype=torch.float64)[LABELS]
    loss, losses = nn.MSELoss(reduction="sum"), []
    for shift in range(12):
        order = [(i + shift) % 12 for i in range(12)]
        loader = torch.utils.data.DataLoader(
            list(zip(Z, Y, strict=True)), batch_size or 12, sampler=order, drop_last=True
        )
        losses.append([loss(z, y).item() for z, y in loader])
    assert np.shape(losses) == (12, batches)
    first_term = ((Z - Y) ** 2).sum().item() / 24
    assert told.loss_factor == pytest.approx(np.mean(losses) / first_term, rel=1e-12)
    assert told.lambda_W == pytest.approx(0.3 / told.loss_factor)


@pytest.mark.parametrize("reduction", ["mean", "batchmean"])
def test_a_mean_does_not_depend_on_the_batches(reduction):
    factors = {
        translate_penalties(
            COUNTS, lambda_H=1, reduction=reduction, batch_size=size, drop_last=drop_last
        ).loss_factor
        for size in (None, 5)
        for drop_last in (False, True)
    }
    assert len(factors) == 1


def test_samples_with_targets_of_zeros_are_ignored_ones():
    """Probabilities know no ignored label: such a sample has a loss of 0, and is in the mean."""
    told = translate_penalties(
        COUNTS, weight_decay=0.3, loss="cross-entropy", probability_targets=True, ignored=3
    )
    Z = torch.tensor(np.random.default_rng(0).standard_normal((15, 3)))
    targets = torch.zeros(15, 3, dtype=torch.float64)
    targets[:12] = torch.eye(3, dtype=torch.float64)[LABELS]
    loss = nn.CrossEntropyLoss()
    of_labelled = loss(Z[:12], torch.as_tensor(LABELS))
    assert loss(Z, targets).item() == pytest.approx(told.loss_factor * of_labelled.item())
    assert told.loss_factor == pytest.approx(12 / 15)


def test_one_number_for_every_layer_or_one_for_each():
    told = translate_penalties([3, 2], lambda_W=np.array([1e-3, 2e-3]), lambda_H=1e-4)
    assert told.weight_decay == pytest.approx((1e-3, 2e-3))
    assert told.lambda_W == (1e-3, 2e-3)
    assert told.feature_penalty == pytest.approx(2.5e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ValueError, "give weight_decay or lambda_W"),
        ({"weight_decay": 1, "lambda_W": 1}, ValueError, "give weight_decay or lambda_W, not both"),
        ({"weight_decay": 0.0}, ValueError, "weight_decay must be positive and finite; got 0.0"),
        ({"weight_decay": (1e-3, -1.0)}, ValueError, r"weight_decay\[1\] must be positive"),
        ({"lambda_H": math.nan}, ValueError, "lambda_H must be positive and finite; got nan"),
        ({"lambda_H": [1.0]}, TypeError, "lambda_H must be a number"),
        ({"lambda_H": 1, "scale": 0}, ValueError, "scale must be positive"),
        ({"lambda_H": 1, "reduction": "none"}, ValueError, "reduction must be 'mean' or 'sum' or"),
        ({"lambda_H": 1, "optimizer": "lion"}, ValueError, "optimizer must be 'sgd' or 'adam' or"),
        ({"lambda_H": 1, "drop_last": 1}, TypeError, "drop_last must be True or False; got 1"),
        ({"lambda_H": 1, "probability_targets": 1}, TypeError, "probability_targets must be"),
        ({"lambda_H": 1, "ignored": -1}, ValueError, "ignored must be a whole number, at least 0"),
        ({"lambda_H": 1, "batch_size": 13}, ValueError, "batch_size must be a whole number from 1"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, words):
    with pytest.raises(error, match=words):
        translate_penalties(COUNTS, **arguments)
