"""What the monitor reads of a script, against what the script was told and what torch computes."""

import math

import numpy as np
import pytest
import torch
from few import few
from torch import nn

import nclib as nc
from nclib.data import batch_shares
from nclib.training.monitor import Monitor

COUNTS = (40, 15, 5)
N, K = sum(COUNTS), 3
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(COUNTS))

pytestmark = pytest.mark.usefixtures("one_thread", "no_warnings")


def made(depth=1, bias=True, seed=0):
    torch.manual_seed(seed)
    inner = [nn.Linear(6, 6, bias=False) for _ in range(depth - 1)]
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), *inner, nn.Linear(6, K, bias=bias))


def samples(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(K, 4, generator=generator)[LABELS]
    return x + 0.3 * torch.randn(N, 4, generator=generator)


def mse(z, y):
    return nn.functional.mse_loss(z, nn.functional.one_hot(y, K).to(z.dtype))


def ce(z, y, **options):
    return nn.functional.cross_entropy(z, y, **options)


def watch(criterion, optimizer=None, model=None, size=12, epochs=1, train=None, **options):
    """Train a small network for an epoch or two, and return its monitor."""
    model = model or made()
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.02)
    x = samples()
    generator = torch.Generator().manual_seed(1)
    with Monitor(model, COUNTS, optimizer=optimizer, **options) as monitor:
        for _ in range(epochs):
            order = torch.randperm(N, generator=generator).split(size)
            batches = [(x[rows], LABELS[rows]) for rows in order]
            if train is not None:
                train(monitor.watch(batches), model, optimizer)
                continue
            for x_batch, y_batch in monitor.watch(batches):
                optimizer.zero_grad()
                criterion(model(x_batch), y_batch).backward()
                optimizer.step()
    return monitor


# ---------------------------------------------------------------- the loss


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (mse, {}),
        (lambda z, y: 0.5 * mse(z, y), {"scale": 0.5}),
        (
            lambda z, y: nn.functional.mse_loss(
                z, nn.functional.one_hot(y, K).float(), reduction="sum"
            ),
            {"reduction": "sum", "batch_size": 12},
        ),
        (ce, {"loss": "cross-entropy"}),
    ],
    ids=["MSELoss", "half of it", "sum", "cross-entropy"],
)
def test_lambda_W_is_what_translate_penalties_says(loss, told):
    found = watch(loss).script
    wanted = nc.translate_penalties(COUNTS, weight_decay=0.02, **told)
    assert found.loss_factor == pytest.approx(wanted.loss_factor, rel=1e-4)
    assert found.lambda_W == pytest.approx((wanted.lambda_W,), rel=1e-4)
    assert found.outside == ()


def test_of_a_sum_over_unequal_batches_the_mean_counts():
    found = watch(
        lambda z, y: nn.functional.mse_loss(
            z, nn.functional.one_hot(y, K).float(), reduction="sum"
        ),
        size=25,
    ).script
    wanted = nc.translate_penalties(COUNTS, weight_decay=0.02, reduction="sum", batch_size=25)
    assert found.loss_factor == pytest.approx(wanted.loss_factor, rel=1e-4)


def test_class_weights_are_those_that_batches_have():
    weights = 1 / torch.tensor(COUNTS, dtype=torch.float32)
    monitor = watch(lambda z, y: ce(z, y, weight=weights), epochs=1, size=12)
    found = monitor.script
    assert found.loss_factor == pytest.approx(1.0, rel=1e-4)
    given = found.loss.class_weights * np.array(COUNTS)
    # What batches of 12 leave of the weights on average; one epoch has five of them.
    expected = batch_shares(nc.ClassCounts(COUNTS), weights.numpy(), 12)
    assert given / given.sum() == pytest.approx(expected / expected.sum(), abs=0.06)
    whole = watch(lambda z, y: ce(z, y, weight=weights), size=N).script
    given = whole.loss.class_weights * np.array(COUNTS)
    assert given / given.sum() == pytest.approx(np.full(K, 1 / 3), rel=1e-4)


@pytest.mark.parametrize("eps", [0.1, 0.2])
def test_smoothing_and_adjustment(eps):
    found = watch(lambda z, y: ce(z, y, label_smoothing=eps)).script
    assert found.loss == nc.CrossEntropy(label_smoothing=eps)
    shares = torch.tensor(COUNTS) / N
    found = watch(lambda z, y: ce(z + shares.log(), y)).script
    assert found.loss == nc.CrossEntropy(adjustment=1.0)


def test_a_loss_that_the_theory_does_not_have():
    monitor = watch(nn.functional.multi_margin_loss)
    assert monitor.script.loss is None
    assert monitor.validity.answer == "does not apply"
    assert "the loss is" in monitor.validity.reasons[0].what
    assert monitor.minimizer is None
    assert monitor.prediction is None
    # What is measured is always shown.
    assert monitor.history[-1]["alive"] > 0
    assert "accuracy" in monitor.report()


def test_a_loss_that_changes_is_noticed():
    torch.manual_seed(0)
    count = [0]

    def changing(z, y):
        count[0] += 1
        return ce(z, y) if count[0] == 1 else nn.functional.multi_margin_loss(z, y)

    found = watch(changing).script
    assert found.loss is None
    assert "not that of cross-entropy in all batches" in found.outside[0].what


def test_accumulated_gradients_are_one_step():
    def train(batches, model, optimizer):
        for i, (x, y) in enumerate(batches):
            (ce(model(x), y) / 5).backward()
            if i % 5 == 4:
                optimizer.step()
                optimizer.zero_grad()

    found = watch(None, train=train).script
    assert found.loss_factor == pytest.approx(1.0, rel=1e-4)


def test_a_scaled_loss_is_unscaled():
    def train(batches, model, optimizer):
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
        for x, y in batches:
            optimizer.zero_grad()
            scaler.scale(ce(model(x), y)).backward()
            scaler.step(optimizer)
            scaler.update()

    found = watch(None, train=train).script
    assert found.loss_factor == pytest.approx(1.0, rel=1e-3)
    assert found.lambda_W == pytest.approx((0.02,), rel=1e-3)


def test_a_penalty_in_the_loss_is_a_weight_decay():
    model = made()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    found = watch(
        lambda z, y: ce(z, y) + 0.03 / 2 * model[-1].weight.square().sum(), optimizer, model
    ).script
    assert found.weight_decay == pytest.approx((0.03,), rel=1e-3)


# ---------------------------------------------------------------- the optimiser


L2 = ["SGD", "Adam", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "ASGD"]


@pytest.mark.parametrize("kind", L2)
def test_optimisers_whose_decay_is_a_penalty(kind):
    model = made()
    optimizer = getattr(torch.optim, kind)(model.parameters(), lr=1e-3, weight_decay=0.02)
    found = watch(ce, optimizer, model).script
    assert found.lambda_W == pytest.approx((0.02,), rel=1e-4)
    assert found.outside == ()
    assert (found.bias, found.everywhere) == ("decayed", True)
    assert found.lambda_b == pytest.approx(0.02, rel=1e-4)


@pytest.mark.parametrize("options", [{"foreach": True}, {"foreach": False}, {"fused": True}])
def test_however_it_is_computed(options):
    model = made()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.02, **options)
    assert watch(ce, optimizer, model).script.lambda_W == pytest.approx((0.02,), rel=1e-4)


class MyAdamW(torch.optim.AdamW):
    pass


class Own(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 0.1, "weight_decay": 0.02})

    def step(self, closure=None):
        pass


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.02), "AdamW decouples"),
        (lambda p: MyAdamW(p, lr=1e-3, weight_decay=0.02), "MyAdamW decouples"),
        (
            lambda p: torch.optim.NAdam(p, weight_decay=0.02, decoupled_weight_decay=True),
            "NAdam decouples",
        ),
        (lambda p: Own(p), "how Own decays weights is not known"),
        (lambda p: torch.optim.Adam(p, lr=1e-3), "W_1 of the head has no weight decay"),
    ],
    ids=["AdamW", "a subclass", "a flag", "an unknown one", "none"],
)
def test_decays_that_are_no_penalty(make, words):
    model = made()
    monitor = watch(ce, make(model.parameters()), model)
    assert monitor.script.lambda_W is None
    assert words in monitor.script.outside[0].what
    assert monitor.validity.answer == "does not apply"
    assert words in " ".join(one.what for one in monitor.validity.reasons)
    assert math.isnan(monitor.history[-1]["nc2_w"])
    assert monitor.history[-1]["alive"] > 0


def test_groups_say_which_layers_are_decayed():
    model = made(depth=2)
    groups = [
        {"params": [model[2].weight], "weight_decay": 0.01},
        {"params": [model[3].weight], "weight_decay": 0.03},
        {"params": [model[3].bias, *model[0].parameters()]},
    ]
    found = watch(mse, torch.optim.SGD(groups, lr=0.01), model, head=["2", "3"]).script
    factor = 2 / K
    assert found.weight_decay == (0.01, 0.03)
    assert found.lambda_W == pytest.approx((0.01 / factor, 0.03 / factor), rel=1e-4)
    assert (found.bias, found.lambda_b, found.everywhere) == ("free", None, False)
    assert str(found).startswith("The squared error; weight decay 0.01, 0.03 on the head, not on")


def test_a_decayed_bias_over_several_layers_is_open():
    model = made(depth=2)
    monitor = watch(mse, model=model, head=["2", "3"])
    assert "the weight decay is on the bias, too" in monitor.script.outside[0].what
    found = watch(ce, model=made(depth=2, bias=False), head=["2", "3"])
    assert "cross-entropy with more than one linear layer" in found.script.outside[0].what
    assert found.minimizer is None
    assert found.script.problem(nc.ClassCounts(COUNTS), (6, 6), 0.01) is None


def test_what_is_given_goes_before_what_is_read():
    monitor = watch(mse, lambda_W=0.5, lambda_H=0.01, loss=nc.CrossEntropy())
    assert monitor.script.lambda_W == (0.5,)
    assert monitor.script.loss == nc.CrossEntropy()
    problem = monitor.minimizer.problem
    assert isinstance(problem.loss, nc.CrossEntropy)
    assert (problem.lambda_W, problem.lambda_H) == ((0.5,), 0.01)


def test_a_penalty_that_rises_is_read_anew():
    model = made()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.02)
    x = samples()
    with Monitor(model, COUNTS, optimizer=optimizer) as monitor:
        for decay in (0.02, 0.04):
            optimizer.param_groups[0]["weight_decay"] = decay
            for xb, yb in monitor.watch([(x, LABELS)]):
                optimizer.zero_grad()
                ce(model(xb), yb).backward()
                optimizer.step()
            assert monitor.script.lambda_W == pytest.approx((decay,), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give optimizer, or lambda_W"),
        ({"optimizer": 0.1}, "optimizer must be a torch.optim.Optimizer; got 0.1"),
        ({"lambda_W": 1.0, "loss": nn.MSELoss()}, "loss must be a SquaredError or a CrossEntropy"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(TypeError, match=words):
        Monitor(made(), COUNTS, **arguments)


# ---------------------------------------------------------------- whether the theory speaks


class Features(nn.Module):
    """Free features under a head, as the theory has them, with their penalty in the loss."""

    def __init__(self, depth=1, d=8, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.h = nn.Parameter(0.5 * torch.randn(N, d))
        inner = [nn.Linear(d, d, bias=False) for _ in range(depth - 1)]
        self.head = nn.Sequential(*inner, nn.Linear(d, K))

    def forward(self, index):
        return self.head(self.h[index])


def at_rest(loss, weight_decay, lambda_H, steps=4000, depth=1, d=8):
    """Minimise the theory's own model by Adam over the whole batch, watch its last step."""
    model = Features(depth, d)
    model.double()
    groups = [
        {"params": [layer.weight for layer in model.head], "weight_decay": weight_decay},
        {"params": [model.head[-1].bias, model.h]},
    ]
    optimizer = torch.optim.Adam(groups, lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    index = torch.arange(N)
    with Monitor(model, COUNTS, optimizer=optimizer, head="head") as monitor:
        for step in range(steps):
            for i, y in (
                monitor.watch([(index, LABELS)]) if step in (0, steps - 1) else [(index, LABELS)]
            ):
                z = model(i)
                optimizer.zero_grad()
                (loss(z, y) + (lambda_H * model.h.square()).sum() / 2).backward()
                optimizer.step()
            schedule.step()
        monitor.evaluate([(index, LABELS)])
    return monitor


def half_squares(z, y):
    return K / 2 * mse(z, y)


@pytest.mark.parametrize(
    "case",
    few(
        [(half_squares, 0.5), (half_squares, 1.3), (ce, 0.5), (ce, 1.3)],
        [(half_squares, 0.5), (ce, 1.3)],
    ),
)
def test_the_theorys_own_setting_applies(case):
    loss, strength = case
    lam = strength * math.sqrt(5) / N
    monitor = at_rest(loss, lam, lam)
    assert monitor.validity.answer == "applies"
    row = monitor.history[-1]
    assert row["lambda_H"] == pytest.approx(lam, rel=1e-3)
    assert row["spread"] == pytest.approx(1.0, abs=1e-2)
    assert row["rest"] < 1e-2
    assert abs(row["gap"]) < 1e-4
    # The rarest class alone is at risk, and two classes are apart in any case.
    expected = nc.LossProblem(
        COUNTS,
        nc.CrossEntropy() if loss is ce else nc.SquaredError(),
        lambda_W=lam,
        lambda_H=lam,
    )
    right = nc.class_outcomes(nc.loss_minimizer(expected)).right
    assert [row[f"accuracy {k}"] for k in range(K)] == pytest.approx(right.tolist())
    prediction = monitor.prediction
    assert prediction.alive == row["alive"] == row["alive_optimum"]
    assert "The theory applies to this network." in monitor.report()
    assert "argin" in monitor.report()


def test_the_objective_is_that_of_the_problem():
    lam = 0.4 * math.sqrt(5) / N
    monitor = at_rest(ce, lam, lam, steps=40)
    model, best = monitor.model, monitor.minimizer
    W, b = model.head[0].weight, model.head[0].bias
    H = model.h.detach().numpy().T
    own = best.problem.objective([W.detach().numpy()], H, b.detach().numpy())
    assert monitor.history[-1]["gap"] == pytest.approx(own / best.objective - 1, abs=1e-6)


def test_before_it_is_at_rest_nothing_is_predicted():
    monitor = at_rest(ce, 0.01, 0.01, steps=10)
    assert monitor.validity.answer == "not yet at rest"
    assert monitor.prediction is None
    assert "argin" not in monitor.report()


def test_directions_that_are_held_back_differently_are_enough():
    lam = 0.5 * math.sqrt(5) / N
    # Two directions for two modes, and one costs four times as much.
    monitor = at_rest(ce, lam, lam * torch.tensor([1.0, 4.0], dtype=torch.float64), d=2)
    row = monitor.history[-1]
    assert row["rest"] < 1e-2
    assert row["spread"] == pytest.approx(4.0, rel=0.02)
    assert monitor.validity.answer == "does not apply"
    assert "lambda_H differs from mode to mode" in monitor.validity.reasons[0].what
    assert monitor.prediction is None


def test_a_deep_head_that_has_lost_what_the_optimum_keeps():
    kept = at_rest(half_squares, 5e-3, 5e-3, depth=3)
    assert kept.validity.answer == "applies"
    lost = at_rest(half_squares, 1e-2, 1e-2, depth=3)
    row = lost.history[-1]
    assert (row["alive"], row["alive_optimum"]) == (1, 2)
    assert row["rest"] < 1e-2
    assert lost.validity.answer == "does not apply"
    assert "raise them slowly" in lost.report()
    assert "argin" not in lost.report()


def test_a_script_is_read_bit_for_bit_without_a_change():
    def weights(monitored):
        model = made()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.02)
        x = samples()
        batches = list(zip(x.split(12), LABELS.split(12), strict=True))
        monitor = Monitor(model, COUNTS, optimizer=optimizer)
        with monitor:
            for _ in range(5):
                for xb, yb in monitor.watch(batches) if monitored else batches:
                    optimizer.zero_grad()
                    ce(model(xb), yb).backward()
                    optimizer.step()
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(weights(True), weights(False))


def test_nothing_stays_hanging_in_the_optimiser():
    model = made()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.02)
    watch(ce, optimizer, model)
    assert not optimizer._optimizer_step_pre_hooks
