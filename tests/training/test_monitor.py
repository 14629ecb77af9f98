"""The monitor: what it reports against values worked out by hand, and that it only looks on."""

import json
import math
import random
import warnings
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    WeightedRandomSampler,
)

import nclib as nc
from nclib.training.monitor import Monitor

COUNTS = (36, 18, 6)
N = sum(COUNTS)
METRICS = ("nc1", "nc2_w", "nc2_h", "nc2_wh", "nc3", "nc4", "lambda_H")

pytestmark = pytest.mark.usefixtures("one_thread")


def images(counts=COUNTS, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    x = rng.standard_normal((len(counts), 1, 8, 8))[y] + 0.3 * rng.standard_normal(
        (y.size, 1, 8, 8)
    )
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class Net(nn.Module):
    """Convolution, batch norm, dropout; features with both signs; a linear head called fc."""

    def __init__(self, K=3, d=8, before_head=None, head=None, dropout=0.2):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(4 * 64, d),
        )
        self.before_head = before_head or nn.Identity()
        self.fc = head or nn.Linear(d, K)

    def features(self, x):
        return self.before_head(self.body(x))

    def forward(self, x):
        return self.fc(self.features(x))


def made(seed=0, **options):
    torch.manual_seed(seed)
    return Net(**options)


def batches(x, y, size=10):
    return list(zip(x.split(size), y.split(size), strict=True))


def squared_error(logits, y):
    return nn.functional.mse_loss(logits, nn.functional.one_hot(y, logits.shape[1]).float())


def step(model, optimizer, x, y, loss=nn.functional.cross_entropy):
    optimizer.zero_grad()
    logits = model(x)
    torch.autograd.backward(loss(logits, y))
    optimizer.step()
    return logits


def pass_through(monitor, samples):
    """Watch an epoch of a network that does not learn."""
    for x, _ in monitor.watch(samples):
        monitor.model(x)


# ---------------------------------------------------------------- what it reports


def assert_row(row, metrics, names=METRICS):
    for name in names:
        wanted = getattr(metrics, name)
        wanted = wanted.value if name == "nc1" else wanted
        assert row[name] == pytest.approx(wanted, rel=1e-9), name


@pytest.mark.parametrize(
    ("depth", "loss"),
    [(1, nn.functional.cross_entropy), (1, squared_error), (3, squared_error)],
    ids=["cross-entropy", "squared error", "three layers"],
)
def test_an_epoch_is_that_of_the_features_that_training_computed(depth, loss, record_error):
    head = None if depth == 1 else nn.Sequential(nn.Linear(8, 7), nn.Linear(7, 5), nn.Linear(5, 3))
    model, (x, y) = made(head=head), images()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    seen, right = [], np.zeros(3)
    hook = model.before_head.register_forward_hook(lambda *a: seen.append(a[2].detach().clone()))
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        assert len(monitor.head) == depth
        for _ in range(2):
            seen.clear()
            right[:] = 0
            for x_batch, y_batch in monitor.watch(batches(x, y)):
                answers = step(model, optimizer, x_batch, y_batch, loss).argmax(dim=1)
                right += np.bincount(y_batch[answers == y_batch], minlength=3)
    hook.remove()
    features = torch.cat(seen)
    layers = list(model.fc) if depth > 1 else [model.fc]
    Ws = [layer.weight.detach().double().numpy() for layer in layers]
    b = np.zeros(3)
    for W, layer in zip(Ws, layers, strict=True):
        b = (W @ b if b.size == W.shape[1] else 0) + layer.bias.detach().double().numpy()
    lambda_H = 1e-3 * np.sum(Ws[0] ** 2)
    means = np.stack([features[y == k].double().mean(dim=0).numpy() for k in range(3)])
    lambda_H /= np.sum(means**2 * np.array(COUNTS)[:, None])
    if loss is squared_error:
        best = nc.global_minimizer(nc.Problem(COUNTS, depth, lambda_W=1e-3, lambda_H=lambda_H))
    else:
        best = nc.loss_minimizer(
            nc.LossProblem(COUNTS, nc.CrossEntropy(), lambda_W=1e-3, lambda_H=lambda_H)
        )
    wanted = nc.measure(features, y, Ws, b, best)
    row = monitor.history[-1]
    assert_row(row, wanted, METRICS[1:5])
    error = abs(row["lambda_H"] / lambda_H - 1)
    assert record_error("monitor: lambda_H of an epoch", error, 1e-9)
    assert row["alive_optimum"] == best.alive
    centred = (means - np.array(COUNTS) @ means / N).T * np.sqrt(COUNTS)
    z = np.linalg.svd(np.linalg.multi_dot([*Ws[::-1], centred]), compute_uv=False)
    assert row["alive"] == np.count_nonzero(z > 0.01 * z[0])
    assert math.isnan(row["nc1"])
    assert math.isnan(row["nc4"])
    assert (row["epoch"], row["evaluated"]) == (2, False)
    assert row["accuracy"] == pytest.approx(right.sum() / N)
    assert [row[f"accuracy {k}"] for k in range(3)] == pytest.approx(list(right / COUNTS))


def test_an_evaluation_has_everything_of_the_network_in_eval_mode(record_error):
    model, (x, y) = made().double(), images()
    x = x.double()
    counts = nc.ClassCounts(COUNTS, names=["cat", "dog", "owl"])
    with Monitor(model, counts, lambda_W=1e-3, lambda_H=2e-4) as monitor:
        row = monitor.evaluate(batches(x, y))
    model.eval()
    with torch.no_grad():
        features, logits = model.features(x), model(x)
    best = nc.global_minimizer(nc.Problem(COUNTS, 1, lambda_W=1e-3, lambda_H=2e-4))
    W, b = model.fc.weight.detach(), model.fc.bias.detach()
    assert_row(row, nc.measure(features, y, W, b, best), METRICS[:-1])
    assert row["lambda_H"] == 2e-4
    assert row["alive"] == best.alive
    H, labels = features.double().numpy(), y.numpy()
    means = np.stack([H[labels == k].mean(axis=0) for k in range(3)])
    within = np.cov((H - means[labels]).T, bias=True)
    between = (means - H.mean(axis=0)).T @ (means - H.mean(axis=0)) / 3
    nc1 = np.trace(within @ np.linalg.pinv(between, rcond=1e-9)) / 3
    assert record_error("monitor: nc1 of an evaluation", abs(row["nc1"] / nc1 - 1), 1e-9)
    right = (logits.argmax(dim=1) == y).numpy()
    assert row["accuracy"] == pytest.approx(right.mean())
    assert row["accuracy owl"] == pytest.approx(right[labels == 2].mean())
    assert monitor.metrics.nc4_by_class.shape == (3,)
    assert monitor.minimizer.objective == best.objective


def test_at_the_minimiser_everything_is_zero():
    best = nc.global_minimizer(nc.Problem(COUNTS, 2, lambda_W=1e-3, lambda_H=1e-3, widths=(6, 5)))
    Ws, H_bar, b = best.weights()
    head = nn.Sequential(nn.Linear(6, 5, bias=False), nn.Linear(5, 3)).double()
    with torch.no_grad():
        for layer, W in zip(head, Ws, strict=True):
            layer.weight.copy_(torch.tensor(W))
        head[1].bias.copy_(torch.tensor(b))
    y = torch.arange(3).repeat_interleave(torch.tensor(COUNTS))
    with Monitor(head, COUNTS, lambda_W=1e-3) as monitor:
        row = monitor.evaluate([(torch.tensor(H_bar.T)[y], y)])
    assert row["nc4"] == row["accuracy"] == 1
    assert row["lambda_H"] == pytest.approx(1e-3, rel=1e-12)
    assert max(abs(row[name]) for name in METRICS[:5]) < 1e-12


def test_more_classes_than_features():
    model, (x, y) = made(d=2), images()
    with Monitor(model, COUNTS, lambda_W=1e-4, lambda_H=1e-5) as monitor:
        monitor.evaluate(batches(x, y))
        assert monitor.minimizer.alive == 2
    counts = [6] * 10
    model, (x, y) = made(K=10, d=4), images(counts)
    with Monitor(model, counts, lambda_W=1e-4, lambda_H=1e-5) as monitor:
        row = monitor.evaluate(batches(x, y))
    assert row["alive"] == 4
    assert not monitor.metrics.target_unique
    assert all(math.isfinite(row[name]) for name in METRICS)


def test_only_the_first_call_of_a_batch_counts():
    model, (x, y) = made(), images()
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        for x_batch, _ in monitor.watch(batches(x, y)):
            model(x_batch)
            model(x_batch[:3] + 100)
    assert monitor.metrics.counts.tolist() == list(COUNTS)


# ---------------------------------------------------------------- the training stays the same


class Augmented(Dataset):
    """Noise from torch, numpy's and Python's global states, as people's data sets have it."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        shift = random.random() + float(np.random.rand())  # noqa: NPY002
        return self.x[i] + 0.1 * torch.randn(1, 8, 8) + 0.1 * shift, self.y[i]


def of_loader(data, generator):
    return DataLoader(data, batch_size=12, shuffle=True, generator=generator)


def of_sampler(data, generator):
    return DataLoader(data, batch_size=12, sampler=RandomSampler(data, generator=generator))


def of_weighted_sampler(data, generator):
    weights = torch.ones(len(data))
    sampler = WeightedRandomSampler(weights, len(data), replacement=False, generator=generator)
    return DataLoader(data, batch_size=12, sampler=sampler)


def of_batch_sampler(data, generator):
    ordered = RandomSampler(data, generator=generator)
    return DataLoader(data, batch_sampler=BatchSampler(ordered, 12, drop_last=False))


def of_plain_batches(data, generator):
    """No loader of torch's: whatever has a sampler."""
    loader = of_sampler(data, generator)
    return type("Batches", (), {"sampler": loader.sampler, "__iter__": lambda _: iter(loader)})()


# Which modules are in eval mode while the network trains: somebody's frozen layers.
FROZEN = {
    "none": lambda model: [],
    "the convolution": lambda model: [model.body[0]],
    "the batch norm": lambda model: [model.body[1]],
    "dropout": lambda model: [model.body[3]],
    "the body": lambda model: model.body.modules(),
    "the network, but not its parts": lambda model: [model],
    "all but the batch norm": lambda model: set(model.modules()) - {model.body[1]},
    "all": lambda model: model.modules(),
}


def everything(monitored, own_generator=False, made_by=of_loader, frozen="the convolution"):
    """Train for 50 steps; return all that training has touched."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    model, (x, y) = Net(), images()
    for module in FROZEN[frozen](model):
        module.training = False
    generator = torch.Generator().manual_seed(5) if own_generator else None
    loader = made_by(Augmented(x, y), generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-3)

    def train(monitor):
        for epoch in range(10):
            for x_batch, y_batch in monitor.watch(loader) if monitor else loader:
                step(model, optimizer, x_batch, y_batch)
            if monitor and epoch % 3 == 0:
                monitor.evaluate(loader)

    if monitored:
        with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
            train(monitor)
        assert len(monitor.history) == 14
    else:
        train(None)
    return {
        "weights and batch statistics": list(model.state_dict().values()),
        "gradients": [p.grad for p in model.parameters()],
        "optimiser": [t for state in optimizer.state.values() for t in state.values()],
        "torch": [torch.get_rng_state()],
        "loader": [generator.get_state()] if generator else [],
        "numpy": [torch.tensor(np.random.get_state()[1].astype(np.int64))],  # noqa: NPY002
        "python": [torch.tensor(random.getstate()[1])],
        "modes": [torch.tensor([module.training for module in model.modules()])],
        "hooks": [
            torch.tensor(
                [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
            )
        ],
    }


def assert_the_same(**options):
    with_it, without = everything(True, **options), everything(False, **options)
    for what, tensors in without.items():
        for one, other in zip(tensors, with_it[what], strict=True):
            assert torch.equal(one, other), what


@pytest.mark.parametrize("own_generator", [False, True])
def test_fifty_steps_with_and_without_are_the_same_bit_for_bit(own_generator):
    assert_the_same(own_generator=own_generator)


@pytest.mark.parametrize(
    "made_by", [of_sampler, of_weighted_sampler, of_batch_sampler, of_plain_batches]
)
def test_nor_do_generators_of_samplers_move(made_by):
    assert_the_same(own_generator=True, made_by=made_by)


@pytest.mark.parametrize("frozen", FROZEN)
def test_each_module_stays_in_its_mode(frozen):
    """A batch norm that came back in the other mode would train on with other statistics."""
    assert_the_same(frozen=frozen)


def states_of(model, generator):
    """Random states and modes of the modules, to compare."""
    return (
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        torch.get_rng_state().tolist(),
        generator.get_state().tolist(),
        [module.training for module in model.modules()],
    )


@pytest.mark.parametrize("fails_at", [None, 1, 5, 6, 9])
def test_after_an_evaluation_all_is_as_before_even_where_it_failed(fails_at):
    """Five batches in each of the two passes, and an error in either."""
    model, (x, y) = made(), images()
    model.body[1].eval()
    generator = torch.Generator().manual_seed(3)
    loader = of_loader(Augmented(x, y), generator)
    seen = []

    def forward(batch):
        assert not any(module.training for module in model.modules())
        seen.append(batch[0].clone())
        if len(seen) == fails_at:
            raise ArithmeticError("in the middle")
        model(batch[0])

    before = states_of(model, generator)
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        if fails_at is None:
            monitor.evaluate(loader, forward)
            # Both passes were over the same samples, noise and order and all.
            assert len(seen) == 10
            for one, other in zip(seen[:5], seen[5:], strict=True):
                assert torch.equal(one, other)
        else:
            with pytest.raises(ArithmeticError, match="in the middle"):
                monitor.evaluate(loader, forward)
            assert len(seen) == fails_at
    assert states_of(model, generator) == before


def test_what_it_was_given_is_let_go():
    model, (x, y) = made(), images()
    alive = []
    model.before_head.register_forward_hook(lambda *a: alive.append(weakref.ref(a[2])))
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        for x_batch, _ in monitor.watch(batches(x, y)):
            model(x_batch)
    assert len(alive) == 6
    assert not any(reference() is not None for reference in alive)


def test_an_evaluation_in_the_middle_of_an_epoch_disturbs_neither():
    model, (x, y) = made(), images()
    model.eval()

    def watched(evaluate):
        with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
            for i, (x_batch, _) in enumerate(monitor.watch(batches(x, y))):
                model(x_batch)
                if evaluate and i == 2:
                    monitor.evaluate(batches(x, y))
        return monitor.history[-1]

    assert str(watched(True)) == str(watched(False))


# ---------------------------------------------------------------- the head, found or named


@pytest.mark.parametrize(
    ("model", "named", "found"),
    [
        (Net(), None, ("fc",)),
        (Net(head=nn.Sequential(nn.Linear(8, 5), nn.Linear(5, 3))), None, ("fc.0", "fc.1")),
        (Net(head=nn.Sequential(nn.Linear(8, 5), nn.Linear(5, 3))), "fc", ("fc.0", "fc.1")),
        (Net(head=nn.Sequential(nn.Linear(8, 5), nn.Linear(5, 3))), ["fc.1"], ("fc.1",)),
        (Net(head=nn.Sequential(nn.Dropout(), nn.Linear(8, 3), nn.Softmax(1))), None, ("fc.1",)),
        (
            Net(head=nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 5), nn.Dropout(),
                                   nn.Linear(5, 3))),
            None,
            ("fc.2", "fc.4"),
        ),
        (nn.Linear(4, 3), None, ("",)),
        (nn.ModuleDict({"head": nn.Linear(4, 3), "last": nn.Linear(4, 4)}), "head", ("head",)),
    ],
)  # fmt: skip
def test_the_head_is_found_or_named(model, named, found):
    assert Monitor(model, COUNTS, lambda_W=1e-3, head=named).head == found


@pytest.mark.parametrize(
    ("name", "found"), [("resnet18", "fc"), ("vgg11", "classifier.6"), ("vit_b_16", "heads.head")]
)
def test_the_heads_of_known_networks(name, found):
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        model = getattr(models, name)(num_classes=3)
    assert Monitor(model, COUNTS, lambda_W=1e-3).head == (found,)


@pytest.mark.parametrize(
    ("model", "named", "words"),
    [
        (nn.Conv2d(1, 3, 3), None, "must have a torch.nn.Linear as its head; it has none"),
        (Net(K=4), None, r"last must have K = 3 outputs; got 'fc' \(8 to 4\)"),
        (Net(), "classifier", r"'classifier' is none of them: .* 'body.5', 'fc'"),
        (Net(), "body", "nothing between them; 'body.0' is a Conv2d"),
        (Net(), ["fc", "body.5"], "each of which takes what the one before gives"),
        (Net(), [], "got none"),
    ],
)
def test_a_head_that_is_none_is_refused(model, named, words):
    with pytest.raises(ValueError, match=words):
        Monitor(model, COUNTS, lambda_W=1e-3, head=named)


# ---------------------------------------------------------------- beyond the theory


class FirstToken(nn.Module):
    """What transformers do: normalise all tokens, keep one."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def forward(self, h):
        return self.norm(h[:, None, :].expand(-1, 4, -1))[:, 0]


class Called(nn.Module):
    """A function in place of a module, as people write it in `forward`."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, h):
        return self.function(h)


class Cosine(nn.Linear):
    """A head that looks like a linear one and is none."""

    def forward(self, h):
        normal = nn.functional.normalize
        return 10 * nn.functional.linear(normal(h), normal(self.weight))


def watched(model, x, y, **options):
    with Monitor(model, COUNTS, lambda_W=1e-3, **options) as monitor:
        pass_through(monitor, batches(x, y))
    return monitor


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (nn.LayerNorm(8), r"come out of before_head \(LayerNorm\): the theory does not cover"),
        (nn.BatchNorm1d(8), r"come out of before_head \(BatchNorm1d\): the theory does not cover"),
        (
            nn.Sequential(nn.LayerNorm(8), nn.Dropout(0.0)),
            r"come out of before_head.0 \(LayerNorm\): the theory does not cover",
        ),
        (nn.Dropout(0.5), r"come out of before_head \(Dropout\): the theory does not cover"),
        (Called(nn.functional.normalize), "all have the same length: the theory does not cover"),
        (
            Called(lambda h: nn.functional.batch_norm(h, None, None, training=True)),
            "have mean 0, variance 1: the theory does not cover",
        ),
        (FirstToken(), r"come out of before_head.norm \(LayerNorm\): the theory does not cover"),
        (nn.ReLU(), "never negative: the theory does not cover a ReLU before a head with a bias"),
    ],
)
def test_what_the_theory_does_not_cover_is_said_once(before, words):
    model, (x, y) = made(before_head=before), images()
    monitor = Monitor(model, COUNTS, lambda_W=1e-3)
    with monitor, pytest.warns(UserWarning, match=words) as caught:
        pass_through(monitor, batches(x, y))
    assert len(caught) == 1
    with monitor:  # attached again; it has been said
        pass_through(monitor, batches(x, y))
    assert math.isfinite(monitor.history[-1]["nc2_w"])


@pytest.mark.parametrize(
    "before",
    [
        None,
        nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8)),
        nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 8)),
        nn.Dropout(0.0),
    ],
)
def test_nothing_is_said_of_what_it_covers(before):
    model, (x, y) = made(before_head=before), images()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watched(model, x, y)


@pytest.mark.parametrize(
    "head",
    [
        Cosine(8, 3, bias=False),
        nn.utils.parametrizations.weight_norm(nn.Linear(8, 3)),
        nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 3)),
    ],
    ids=["cosine", "weight norm", "dropout"],
)
def test_a_head_that_is_not_linear(head):
    model, (x, y) = made(head=head), images()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.01)
    names = ["fc.0", "fc.2"] if isinstance(head, nn.Sequential) else "fc"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Monitor(model, COUNTS, optimizer=optimizer, head=names) as monitor:
            for x_batch, y_batch in monitor.watch(batches(x, y)):
                step(model, optimizer, x_batch, y_batch, squared_error)
    assert monitor.validity.answer == "does not apply"
    reason = monitor.validity.reasons[0].what
    weight_norm = "parametrizations" in str(head)
    assert ("no weight decay" if weight_norm else "is not W h + b") in reason


def test_a_head_without_bias_may_follow_a_relu():
    model, (x, y) = made(before_head=nn.ReLU(), head=nn.Linear(8, 3, bias=False)), images()
    assert not watched(model, x, y).minimizer.problem.bias


def test_a_frozen_head_is_compared_only_if_lambda_H_is_given():
    model, (x, y) = made(), images()
    model.fc.requires_grad_(requires_grad=False)
    with pytest.warns(UserWarning, match="the head is frozen: .* no NC2 and NC3 unless"):
        row = watched(model, x, y).history[-1]
    assert math.isnan(row["lambda_H"])
    assert math.isnan(row["nc2_w"])
    with pytest.warns(UserWarning, match="the head is frozen"):
        row = watched(model, x, y, lambda_H=1e-3).history[-1]
    assert math.isfinite(row["nc2_w"])


def test_resampled_epochs_are_noticed():
    model, (x, y) = made(), images((20, 20, 20))
    with pytest.warns(UserWarning, match="other proportions than counts"):
        watched(model, x, y)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision(dtype):
    model, (x, y) = made(dropout=0.0), images()
    model.eval()
    exact = watched(model, x, y).history[-1]
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        for x_batch, _ in monitor.watch(batches(x, y)):
            with torch.autocast("cpu", dtype):
                model(x_batch)
        with torch.autocast("cpu", dtype):
            evaluated = monitor.evaluate(batches(x, y))
    for name in METRICS[1:5]:
        assert monitor.history[0][name] == pytest.approx(exact[name], rel=0.02)
        assert evaluated[name] == pytest.approx(exact[name], rel=0.02)
    half = model.to(dtype)
    assert watched(half, x.to(dtype), y).history[-1]["nc2_h"] == pytest.approx(
        exact["nc2_h"], rel=0.05
    )


# ---------------------------------------------------------------- what must not end a training


def test_features_that_are_not_finite_leave_a_gap_and_training_goes_on():
    model, (x, y) = made(), images()
    model.eval()
    bad = x.clone()
    bad[33] = math.nan
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        with pytest.warns(UserWarning, match="no metrics in epoch 1: features are NaN or infinite"):
            pass_through(monitor, batches(bad, y))
        pass_through(monitor, batches(x, y))
    first, second = monitor.history
    assert math.isnan(first["nc2_w"])
    assert math.isfinite(second["nc2_w"])


def test_weights_that_are_not_finite_leave_a_gap():
    model, (x, y) = made(), images()
    with torch.no_grad():
        model.fc.weight[0, 0] = math.inf
    with pytest.warns(UserWarning, match="head's weights are NaN or infinite"):
        assert math.isnan(watched(model, x, y).history[-1]["nc3"])


def test_a_class_that_was_not_seen_leaves_a_gap():
    model, (x, y) = made(), images()
    with pytest.warns(UserWarning, match="no sample of class 2 was seen"):
        row = watched(model, x[y != 2], y[y != 2]).history[-1]
    assert math.isnan(row["nc2_w"])
    assert math.isnan(row["accuracy 2"])
    assert 0 <= row["accuracy"] <= 1


def test_an_epoch_that_is_left_early_adds_no_row():
    model, (x, y) = made(), images()
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        for x_batch, _ in monitor.watch(batches(x, y)):
            model(x_batch)
            break
        with pytest.raises(TypeError):
            pass_through(monitor, [*batches(x, y), (None, y)])
        assert monitor.history == []
        pass_through(monitor, batches(x, y))
    assert [row["epoch"] for row in monitor.history] == [1]


def by_steps(monitor, samples, epoch=None, between=lambda: None):
    """An epoch that is watched step by step, by a loop that is no `for`."""
    monitor.begin_epoch()
    waiting = list(samples)
    while waiting:
        batch = waiting.pop(0)
        monitor.begin_batch(batch)
        monitor.model(batch[0])
        monitor.end_batch()
        between()
    return monitor.end_epoch(epoch)


def test_steps_of_an_epoch_give_what_watch_gives():
    model, (x, y) = made(dropout=0.0), images()
    samples = batches(x, y)
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        pass_through(monitor, samples)
        by_steps(monitor, samples)
        # What goes through the model between two batches is of neither.
        by_steps(monitor, samples, between=lambda: model(x))
        evaluated = monitor.evaluate(samples)
        third = by_steps(monitor, samples, 9, between=lambda: monitor.evaluate(samples))
        pass_through(monitor, samples)
    watched = [row for row in monitor.history if not row["evaluated"]]
    assert [row["epoch"] for row in watched] == [1, 2, 3, 9, 10]
    for row in watched[1:]:
        assert str(row | {"epoch": 1}) == str(watched[0])
    # Of the same float32 features, added up in another order.
    assert evaluated["nc2_w"] == pytest.approx(third["nc2_w"], rel=1e-5)


def test_a_batch_that_is_skipped_lends_its_labels_to_nothing():
    model, (x, y) = made(dropout=0.0), images()
    samples = batches(x, y)
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        pass_through(monitor, samples)
        monitor.begin_epoch()
        for batch in samples:
            monitor.begin_batch(batch)
            model(batch[0])
            monitor.end_batch()
            monitor.begin_batch(batch)  # and the loop goes on without it
            monitor.end_batch()
            model(batch[0] + 1)
        assert str(monitor.end_epoch() | {"epoch": 1}) == str(monitor.history[0])


def test_steps_out_of_turn_are_refused():
    model, (x, y) = made(), images()
    monitor = Monitor(model, COUNTS, lambda_W=1e-3)
    with pytest.raises(RuntimeError, match="not attached"):
        monitor.begin_epoch()
    with monitor:
        for step_of in (lambda: monitor.begin_batch((x, y)), monitor.end_batch, monitor.end_epoch):
            with pytest.raises(RuntimeError, match="no epoch has begun: call begin_epoch first"):
                step_of()
        monitor.begin_epoch()
        with pytest.raises(RuntimeError, match="the first batch has not gone through"):
            monitor.end_epoch()
        monitor.begin_batch((x, y))
        with pytest.raises(RuntimeError, match="the first batch has not gone through"):
            monitor.end_batch()
        with pytest.raises(ValueError, match="epoch must be a whole number, at least 1; got 0"):
            by_steps(monitor, batches(x, y), 0)
        assert monitor.history == []
        assert by_steps(monitor, batches(x, y))["epoch"] == 1
        with pytest.raises(RuntimeError, match="no epoch has begun"):
            monitor.end_epoch()
    with pytest.raises(RuntimeError, match="no epoch has begun"):
        monitor.end_batch()


# ---------------------------------------------------------------- where rows go


def test_rows_go_to_a_table_a_file_and_a_function(tmp_path):
    model, (x, y) = made(), images()
    rows = []
    path = tmp_path / "collapse.csv"
    with Monitor(model, COUNTS, lambda_W=1e-3, log=rows.append, csv=path) as monitor:
        for _ in range(2):
            for x_batch, _ in monitor.watch(batches(x, y)):
                model(x_batch)
            assert len(pd.read_csv(path)) == len(rows)
        monitor.evaluate(batches(x, y))
    assert rows == monitor.history
    pd.testing.assert_frame_equal(pd.read_csv(path), monitor.to_frame(), check_exact=True)
    assert json.loads(json.dumps(rows[-1])) == pytest.approx(rows[-1], rel=0, nan_ok=True)
    assert repr(monitor) == "Monitor(head=('fc',), K=3, rows=3)"


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nclib.training.monitor.history_file.write_whole", full)
    model, (x, y) = made(), images()
    monitor = watched(model, x, y, csv=tmp_path / "collapse.csv")
    assert len(monitor.history) == 1
    assert "No space left on device); training goes on" in caplog.text


def test_files_are_looked_at_before_the_training(tmp_path):
    (tmp_path / "old.csv").touch()
    with pytest.raises(FileExistsError, match="csv must be a new file"):
        Monitor(Net(), COUNTS, lambda_W=1e-3, csv=tmp_path / "old.csv")
    with pytest.raises(FileNotFoundError, match="in a folder that is there"):
        Monitor(Net(), COUNTS, lambda_W=1e-3, csv=tmp_path / "none" / "a.csv")


# ---------------------------------------------------------------- used wrongly


def test_wrong_use_is_told():
    model, (x, y) = made(), images()
    monitor = Monitor(model, COUNTS, lambda_W=1e-3)
    with pytest.raises(RuntimeError, match="not attached: use it in a `with` statement"):
        next(iter(monitor.watch(batches(x, y))))
    with pytest.raises(RuntimeError, match="not attached"):
        monitor.evaluate(batches(x, y))
    with monitor:
        with pytest.raises(RuntimeError, match="attached already"):
            monitor.__enter__()
        with pytest.raises(RuntimeError, match="'fc': is the model called"):
            list(monitor.watch(batches(x, y)))
        with pytest.raises(RuntimeError, match="is the model called"):
            list(monitor.watch([]))
        with pytest.raises(TypeError, match="readable twice"):
            monitor.evaluate(iter(batches(x, y)))
        with pytest.raises(TypeError, match=r"a batch must be \(inputs, labels\); .* labels="):
            next(monitor.watch([{"x": x, "y": y}]))
    assert not model.fc._forward_hooks


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (lambda y: y[:-1], "one entry for each of the 60 rows of features; got 59"),
        (lambda y: y + 5, "from 0 to K - 1 = 2; got 5"),
        (lambda y: nn.functional.one_hot(y), "labels must be one flat sequence"),
    ],
)
def test_labels_that_are_none_are_refused_at_once(labels, words):
    model, (x, y) = made(), images()
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        with pytest.raises(ValueError, match=words):
            pass_through(monitor, [(x, labels(y.sort().values))] * 2)
        assert not monitor.history


def test_features_of_more_dimensions_are_refused():
    model = nn.Linear(8, 3)
    monitor = Monitor(model, COUNTS, lambda_W=1e-3)
    with monitor, pytest.raises(ValueError, match=r"features must have shape \(N, d\)"):
        pass_through(monitor, [(-torch.ones(60, 2, 8), torch.zeros(60, dtype=torch.int64))])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "resnet"}, TypeError, "model must be a torch.nn.Module; got 'resnet'"),
        ({"lambda_W": 0}, ValueError, "lambda_W must be positive"),
        ({"lambda_W": (1e-3, 1e-3)}, ValueError, "one per layer, depth = 1; got 2"),
        ({"lambda_H": -1.0}, ValueError, "lambda_H must be positive"),
        ({"counts": [3, 0, 1]}, ValueError, "positive"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, words):
    settings = {"model": Net(), "counts": COUNTS, "lambda_W": 1e-3} | arguments
    with pytest.raises(error, match=words):
        Monitor(settings.pop("model"), settings.pop("counts"), **settings)


def test_batches_of_another_kind():
    model, (x, y) = made(), images()
    model.eval()
    dicts = [{"image": a, "label": b} for a, b in batches(x, y)]
    with Monitor(model, COUNTS, lambda_W=1e-3, labels=lambda batch: batch["label"]) as monitor:
        for batch in monitor.watch(dicts):
            model(batch["image"])
        row = monitor.evaluate(dicts, lambda batch: model(batch["image"]))
    assert row["nc2_w"] == pytest.approx(monitor.history[0]["nc2_w"], rel=1e-12)


def test_a_table_without_pandas_says_what_has_the_same_rows(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"extra pandas.*`history` has the same rows"):
        Monitor(Net(), COUNTS, lambda_W=1e-3).to_frame()


# ---------------------------------------------------------------- Lightning


def test_lightning_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lightning.pytorch", None)
    with pytest.raises(ImportError, match="needs Lightning: pip install lightning"):
        Monitor(Net(), COUNTS, lambda_W=1e-3).lightning_callback()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_lightning_gives_what_the_plain_loop_gives(tmp_path):
    """With the real package, and its own validation, loggers and sanity check."""
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is an optional extra")
    loggers = pytest.importorskip("lightning.pytorch.loggers")
    x, y = images()

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = made(dropout=0.0)

        def training_step(self, batch):
            return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def validation_step(self, batch):
            self.network(batch[0])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.05)

    def fitted(monitored):
        module = Module()
        monitor = Monitor(module.network, COUNTS, lambda_W=1e-3)
        trainer = lightning.Trainer(
            max_epochs=3,
            accelerator="cpu",
            callbacks=[monitor.lightning_callback()] if monitored else [],
            logger=loggers.CSVLogger(tmp_path / str(monitored)),
            enable_progress_bar=False,
            enable_checkpointing=False,
        )
        samples = list(zip(x, y, strict=True))
        trainer.fit(module, DataLoader(samples, batch_size=10), DataLoader(samples, batch_size=60))
        return module, monitor, trainer

    module, monitor, trainer = fitted(True)
    plain, _, _ = fitted(False)
    for one, other in zip(module.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert [row["epoch"] for row in monitor.history] == [1, 2, 3]
    assert not module.network.fc._forward_hooks
    logged = pd.read_csv(f"{trainer.logger.log_dir}/metrics.csv")["collapse/nc2_w"].dropna()
    assert logged.tolist() == pytest.approx([row["nc2_w"] for row in monitor.history])

    model = made(dropout=0.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with Monitor(model, COUNTS, lambda_W=1e-3) as by_hand:
        for _ in range(3):
            for x_batch, y_batch in by_hand.watch(batches(x, y)):
                step(model, optimizer, x_batch, y_batch)
    assert str(by_hand.history) == str(monitor.history)
