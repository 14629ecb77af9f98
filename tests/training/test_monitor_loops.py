"""Loops that are not plain: compiled, in parts, permuted, with more than one model."""

import copy
import io
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import nclib as nc
from nclib.training.monitor import Monitor

COUNTS = (40, 15, 5)
N, K = sum(COUNTS), 3
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(COUNTS))


# Of torch.compile, which looks at the gradients of what comes between two of its graphs.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")

pytestmark = pytest.mark.usefixtures("one_thread")


def made(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, K))


def samples():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(K, 4, generator=generator)[LABELS]
    order = torch.randperm(N, generator=generator)
    return (x + 0.3 * torch.randn(N, 4, generator=generator))[order], LABELS[order]


def batches(size=20):
    x, y = samples()
    return list(zip(x.split(size), y.split(size), strict=True))


def ce(z, y):
    return nn.functional.cross_entropy(z, y)


def half_squares(z, y):
    return nn.functional.mse_loss(z, nn.functional.one_hot(y, K).float()) * K / 2


def plain_step(model, x, y, loss=ce):
    loss(model(x), y).backward()


def train(monitor, model, optimizer, step, epochs=2, of=None):
    for _ in range(epochs):
        for x, y in monitor.watch(of or batches()):
            optimizer.zero_grad()
            step(model, x, y)
            optimizer.step()


def trained(step=plain_step, model=None, of=None, watch=None, **options):
    model = model or made()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=0.01)
    with Monitor(watch or model, COUNTS, optimizer=optimizer, **options) as monitor:
        train(monitor, model, optimizer, step, of=of)
    return monitor


def assert_same(one, other, rel=1e-5):
    assert len(one.history) == len(other.history) > 0
    for row, wanted in zip(one.history, other.history, strict=True):
        assert row == pytest.approx(wanted, rel=rel, abs=1e-6, nan_ok=True)


# ---------------------------------------------------------------- compiled


@pytest.mark.parametrize("when", ["before", "after", "in place", "the step"])
def test_a_compiled_model_gives_the_same_rows(when):
    torch.compiler.reset()
    model = made()
    call = model
    if when in ("before", "after"):
        call = torch.compile(model, backend="eager")
    elif when == "in place":
        model.compile(backend="eager")
    else:
        call = torch.compile(lambda x: model(x), backend="eager")
    if when == "after":
        # The graph is there before the monitor is.
        call(torch.zeros(20, 4))
    found = trained(lambda _, x, y: ce(call(x), y).backward(), model)
    assert_same(found, trained())
    assert str(found.script).startswith("Cross-entropy; weight decay 0.01 on all layers")
    # And it is as it was when the monitor has gone.
    assert type(model[-1]) is nn.Linear
    assert torch.equal(call(torch.zeros(20, 4)), model(torch.zeros(20, 4)))


def test_only_the_head_is_left_out_of_the_graph():
    import torch._dynamo
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    counters.clear()
    model = made()
    call = torch.compile(model, backend="eager")
    with Monitor(model, COUNTS, lambda_W=0.01) as monitor:
        for x, _ in monitor.watch(batches()):
            call(x)
    assert sum(counters["graph_break"].values()) <= 2
    assert not counters["recompile_limit"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_model_that_is_really_compiled(backend):
    torch.compiler.reset()
    model = made()
    call = torch.compile(model, backend=backend)
    found = trained(lambda _, x, y: ce(call(x), y).backward(), model)
    assert_same(found, trained(), rel=1e-3)


# ---------------------------------------------------------------- in parts


@pytest.mark.parametrize("loss", [ce, half_squares])
def test_halves_of_a_batch_are_one_batch(loss):
    def halves(model, x, y):
        for x_half, y_half in zip(x.split(10), y.split(10), strict=True):
            (loss(model(x_half), y_half) / 2).backward()

    found, whole = trained(halves), trained(lambda m, x, y: plain_step(m, x, y, loss))
    assert_same(found, whole, rel=1e-3)
    assert found.script.loss_factor == pytest.approx(1.0, rel=1e-3)


def replicas(module):
    """Make what `DataParallel` makes of a module on another device; here there is one alone."""
    replica = module._replicate_for_data_parallel()
    for name, child in module._modules.items():
        replica._modules[name] = replicas(child)
    for name, parameter in module._parameters.items():
        replica.__dict__[name] = parameter
    return replica


def test_replicas_share_a_batch():
    def parallel(model, x, y):
        ce(torch.cat([replicas(model)(part) for part in x.split(10)]), y).backward()

    found, whole = trained(parallel), trained()
    for row, wanted in zip(found.history, whole.history, strict=True):
        for key in ("accuracy", "nc2_h", "within"):
            assert row[key] == pytest.approx(wanted[key], rel=1e-5), key


def test_a_batch_again_is_not_counted():
    def twice(model, x, y):
        ce(model(x), y).backward()
        model(x)

    assert_same(trained(twice), trained())


def test_two_views_of_a_batch_are_named():
    def views(model, x, y):
        ce(model(torch.cat([x, x])), torch.cat([y, y])).backward()

    with pytest.raises(ValueError, match="two views of a batch, give labels= a function"):
        trained(views)
    doubled = trained(views, labels=lambda batch: torch.cat([batch[1], batch[1]]))
    assert doubled.history[-1]["accuracy"] > 0


def test_a_part_that_is_missing_is_named():
    def half(model, x, y):
        ce(model(x[:10]), y[:10]).backward()

    with pytest.raises(ValueError, match="one entry for each of the 10 rows of features; got 20"):
        trained(half)


# ---------------------------------------------------------------- in another order


@pytest.mark.parametrize("loss", [ce, half_squares])
def test_a_permuted_batch_is_seen_from_the_gradient(loss):
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))

    def permuted(model, x, y):
        loss(model(x[order]), y[order]).backward()

    with pytest.warns(UserWarning, match="in another order than their labels"):
        found = trained(permuted)
    told = trained(permuted, labels=lambda batch: batch[1][order])
    assert_same(found, told)
    assert found.script.loss_factor == pytest.approx(1.0, rel=1e-3)


def test_mixed_labels_are_outside():
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))

    def mixed(model, x, y):
        z = model(0.7 * x + 0.3 * x[order])
        (0.7 * ce(z, y) + 0.3 * ce(z, y[order])).backward()

    monitor = trained(mixed)
    assert monitor.validity.answer == "does not apply"
    assert "mixed labels" in monitor.script.loss_name


# ---------------------------------------------------------------- more than one head or model


class WithAuxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.fc = nn.Linear(4, 6), nn.Linear(6, K)
        self.aux = nn.Linear(6, K)

    def forward(self, x):
        h = self.body(x).tanh()
        return (self.fc(h), self.aux(h)) if self.training else self.fc(h)


def test_of_two_heads_one_must_be_named():
    with pytest.raises(ValueError, match=r"head must be named, head='fc' say: 'fc', 'aux' are"):
        Monitor(WithAuxiliary(), COUNTS, lambda_W=0.01)
    model = WithAuxiliary()
    found = trained(lambda m, x, y: sum(ce(z, y) for z in m(x)).backward(), model, head="fc")
    assert found.head == ("fc",)
    assert isinstance(found.script.loss, nc.CrossEntropy)


def test_a_head_that_was_replaced_is_named():
    model = made()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=0.01)
    monitor = Monitor(model, COUNTS, optimizer=optimizer)
    model[3] = nn.Linear(6, K)
    with monitor, pytest.raises(RuntimeError, match="the model has another there now"):
        train(monitor, model, optimizer, plain_step)


def test_copies_and_files_are_plain():
    model = made()
    with Monitor(model, COUNTS, lambda_W=0.01) as monitor:
        twin = copy.deepcopy(model)
        buffer = io.BytesIO()
        torch.save(model, buffer)
        buffer.seek(0)
        loaded = torch.load(buffer, weights_only=False)
        keys = list(model.state_dict())
        assert isinstance(model[-1], nn.Linear)
        assert repr(model[-1]) == repr(twin[-1])
        for other in (twin, loaded):
            assert type(other[-1]) is nn.Linear
            assert "_shown_to" not in other[-1].__dict__
            assert list(other.state_dict()) == keys
            assert torch.equal(other[-1].weight, model[-1].weight)
        with pytest.raises(RuntimeError, match="of a copy, an average of weights say"):
            monitor.evaluate(batches(), forward=lambda batch: twin(batch[0]))
    assert type(model[-1]) is nn.Linear


def test_an_average_of_weights_has_a_monitor_of_its_own():
    model = made()
    average = torch.optim.swa_utils.AveragedModel(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Monitor(average, COUNTS, lambda_W=0.01) as monitor:
            row = monitor.evaluate(batches())
        with Monitor(model, COUNTS, lambda_W=0.01) as other:
            wanted = other.evaluate(batches())
    assert row == pytest.approx(wanted, nan_ok=True)


# ---------------------------------------------------------------- other data


def test_a_row_of_other_data_is_marked_and_decides_nothing():
    x, y = samples()
    monitor = trained()
    validity = monitor.validity
    chosen = np.concatenate([np.flatnonzero(y == k)[:3] for k in range(K)])
    with monitor:
        training = monitor.evaluate(batches())
        test = monitor.evaluate([(x[chosen], y[chosen])])
    assert training["training"]
    assert not test["training"]
    assert monitor.history[0]["training"]
    assert monitor.validity.answer == validity.answer
    # lambda_H counts the samples of the training: three of each class would make it larger.
    W, means = monitor.model[-1].weight.detach().double().numpy(), []
    h = monitor.model[:3](x[chosen]).detach().double().numpy()
    means = np.stack([h[y[chosen] == k].mean(axis=0) for k in range(K)])
    wanted = 0.01 * np.sum(W**2) / np.sum(np.array(COUNTS)[:, None] * means**2)
    assert test["lambda_H"] == pytest.approx(wanted, rel=1e-4)
