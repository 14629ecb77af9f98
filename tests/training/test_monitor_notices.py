"""What a monitor says of a network, and where it begins to say it."""

import copy
import types
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import nn

import nclib as nc
from nclib.training.monitor import Monitor
from nclib.training.monitor.collector import Collector
from nclib.training.monitor.coverage import other_proportions
from nclib.training.monitor.watching import replica_of

COUNTS = (8, 5, 3)
N, K = sum(COUNTS), 3
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(COUNTS))

pytestmark = pytest.mark.usefixtures("one_thread")


def features(d=4, rows=N, seed=0):
    return torch.randn(rows, d, generator=torch.Generator().manual_seed(seed))


def passes(monitor, samples, seen=None):
    """Watch an epoch of a network that does not learn."""
    for x, y in monitor.watch(samples):
        if seen is not None:
            seen.append(y)
        monitor.model(x)


def said_of(head, h, batches=1):
    """What is said of a network that is a head alone, by what goes into it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Monitor(head, COUNTS, lambda_W=1e-3, head="") as monitor:
            labels = LABELS.repeat(len(h) // N + 1)[: len(h)]
            size = len(h) // batches
            passes(monitor, zip(h.split(size), labels.split(size), strict=True))
    return " | ".join(str(one.message) for one in caught)


def linear(d=4, dtype=torch.float32, bias=True):
    torch.manual_seed(1)
    return nn.Linear(d, K, bias=bias).to(dtype)


class Temperature(nn.Linear):
    """A head that halves its logits."""

    def forward(self, h):
        return super().forward(h) / 2


# ---------------------------------------------------------------- what comes out of the head


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_head_is_linear_or_not_whatever_the_size_of_its_logits(dtype, size):
    h = features().to(dtype)
    for kind, odd in ((nn.Linear, False), (Temperature, True)):
        torch.manual_seed(1)
        head = kind(4, K).to(dtype)
        with torch.no_grad():
            head.weight *= size
            head.bias *= size
        assert ("what comes out of the head is not W h + b" in said_of(head, h)) == odd


def test_features_of_size_zero_are_of_a_linear_head_and_of_one_length():
    said = said_of(linear(bias=False), torch.zeros(N, 4))
    assert "is not W h + b" not in said
    assert "all have the same length" in said


# ---------------------------------------------------------------- what goes into it


def unit(h):
    return nn.functional.normalize(h)


def standardised(h):
    return (h - h.mean(dim=0)) / h.std(dim=0, correction=0)


@pytest.mark.parametrize("d", [2, 4])
def test_two_features_of_one_length_are_enough_to_tell(d):
    assert "all have the same length" in said_of(linear(d), unit(features(d, 2)))
    assert "all have the same length" not in said_of(linear(d), unit(features(d, 1)))


def test_nearly_one_length_is_not_one_length():
    lengths = torch.linspace(1, 1.001, N)[:, None]
    assert "same length" not in said_of(linear(), unit(features()) * lengths)
    lengths = torch.linspace(1, 1.0001, N)[:, None]
    assert "same length" in said_of(linear(), unit(features()) * lengths)


def test_numbers_of_one_size_are_no_features_of_one_length():
    signs = torch.tensor([-2.0, 2.0]).repeat(N // 2)[:, None]
    assert "length" not in said_of(linear(1), signs)


@pytest.mark.parametrize(("rows", "told"), [(7, False), (8, True), (16, True)])
def test_mean_0_and_variance_1_are_seen_in_batches_from_8_on(rows, told):
    said = said_of(linear(), standardised(features(rows=rows)))
    assert ("have mean 0, variance 1" in said) == told


def test_either_mean_or_variance_alone_is_no_normalisation():
    h = standardised(features())
    assert "variance 1" not in said_of(linear(), h + 0.1)
    assert "variance 1" not in said_of(linear(), 1.1 * h)
    h[:, 2] *= 1.1
    assert "variance 1" not in said_of(linear(), h)


def test_what_a_model_is_tried_on_before_the_first_batch_is_not_looked_at():
    model = linear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
            monitor.begin_epoch()
            model(torch.ones(5, 4))
            monitor.begin_batch((features(), LABELS))
            model(features())
            monitor.end_batch()
            monitor.end_epoch()


def test_one_batch_is_enough_to_see_a_head_that_is_not_linear():
    torch.manual_seed(1)
    assert "is not W h + b" in said_of(Temperature(4, K), features())
    assert said_of(linear(), features()) == ""


# ---------------------------------------------------------------- proportions


SEEN = [(16, 0, 0), (0, 16, 0), (3, 10, 3), (7, 6, 3), (80, 50, 30), (800, 560, 240), (4, 2, 2)]
# With one degree of freedom, or with three, these are on the other side of 1e-6.
SEEN += [(56, 50, 54), (55, 50, 55)]


@pytest.mark.parametrize("seen", SEEN)
def test_proportions_are_odd_where_a_test_of_chance_says_so(seen):
    seen = np.array(seen)
    expected = np.array(COUNTS) * seen.sum() / N
    odd = chisquare(seen, expected).pvalue <= 1e-6
    assert (other_proportions(seen, nc.ClassCounts(COUNTS)) is not None) == odd


def test_proportions_of_a_larger_epoch():
    counts = nc.ClassCounts([36, 18, 6])
    # chi^2 = 16 + 18 + 6: with two degrees of freedom its chance is exp(-20).
    assert other_proportions(np.array([60, 0, 0]), counts) is not None
    assert other_proportions(np.array([33, 20, 7]), counts) is None
    assert other_proportions(np.zeros(3, dtype=int), counts) is None


# ---------------------------------------------------------------- layers and their classes


def of_every_kind():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6), nn.LayerNorm(6), nn.Dropout(0.5), nn.Linear(6, 6), nn.Linear(6, K)
    )


@pytest.mark.parametrize("looks", [False, True])
def test_every_module_is_of_its_own_class_again(looks):
    model = of_every_kind()
    kinds = [type(module) for module in model.modules()]
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        if looks:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                passes(monitor, [(features(), LABELS)])
    assert [type(module) for module in model.modules()] == kinds
    assert not any("_shown_to" in module.__dict__ for module in model.modules())


def test_it_says_which_layer_of_a_head_was_replaced():
    model = of_every_kind()
    monitor = Monitor(model, COUNTS, lambda_W=(1e-3, 1e-3))
    assert monitor.head == ("3", "4")
    model[3] = nn.Linear(6, 6)
    with monitor, pytest.raises(RuntimeError, match="first layer, '3': the model has another"):
        passes(monitor, [(features(), LABELS)])
    untouched = of_every_kind()
    monitor = Monitor(untouched, COUNTS, lambda_W=(1e-3, 1e-3))
    untouched[4] = nn.Linear(6, K)
    with monitor, pytest.raises(RuntimeError, match="'3': is the model called"):
        list(monitor.watch([(features(), LABELS)]))


class Scaled(nn.Linear):
    """A layer that takes a number beside its input."""

    def forward(self, input, scale=1.0):  # noqa: A002
        return super().forward(input) * scale


@pytest.mark.parametrize(
    "call",
    [lambda head, h: head(input=h), lambda head, h: head(h, 1.0), lambda head, h: head(h)],
    ids=["by name", "with a number", "alone"],
)
def test_a_layer_is_seen_however_it_is_called(call):
    torch.manual_seed(0)
    model = Scaled(4, K)
    twin = copy.deepcopy(model)
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        row = monitor.evaluate([(features(), LABELS)], lambda batch: call(model, batch[0]))
    with Monitor(twin, COUNTS, lambda_W=1e-3) as other:
        assert row == other.evaluate([(features(), LABELS)])


def test_replicas_get_the_labels_of_their_device_whichever_comes_first():
    collector = Collector(K)
    collector.labels = torch.tensor([0, 0, 1, 2])
    late, early = (collector.take(torch.zeros(2, 4), replica) for replica in (1, 0))
    assert early.labels.tolist() == [0, 0]
    assert late.labels.tolist() == [1, 2]


def test_a_layer_itself_is_no_replica():
    layer = linear()
    assert replica_of(layer, torch.zeros(1)) is None
    layer._is_replica = True
    assert replica_of(layer, torch.zeros(1)) == 0
    on_second = types.SimpleNamespace(device=torch.device("cuda", 1))
    assert replica_of(layer, on_second) == 1


# ---------------------------------------------------------------- used wrongly


@pytest.mark.parametrize("batch", [5, (torch.zeros(2, 4),), {"x": 1}, None])
def test_a_batch_without_labels_is_named_by_its_type(batch):
    model = linear()
    with (
        Monitor(model, COUNTS, lambda_W=1e-3) as monitor,
        pytest.raises(TypeError, match=rf"must be \(inputs, labels\).*got {type(batch).__name__}$"),
    ):
        next(monitor.watch([batch]))


def test_wrong_labels_are_told_before_the_second_batch():
    model, batches = linear(), [(features(), LABELS + 5)] * 3
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        seen = []
        with pytest.raises(ValueError, match="from 0 to K - 1 = 2"):
            passes(monitor, batches, seen)
        assert len(seen) == 1


@pytest.mark.parametrize(
    ("layers", "listed"),
    [
        (1, "linear layers are '0'"),
        (8, "linear layers are '0', '1', '2', '3', '4', '5', '6', '7'"),
        (9, "linear layers are ..., '1', '2', '3', '4', '5', '6', '7', '8'"),
        (0, "linear layers are none"),
    ],
)
def test_the_last_eight_layers_are_listed(layers, listed):
    model = nn.ModuleList([nn.Linear(4, 4) for _ in range(layers)])
    with pytest.raises(ValueError, match="head must name layers") as error:
        Monitor(model, COUNTS, lambda_W=1e-3, head="head")
    assert str(error.value).endswith(listed)


def test_once_an_epoch_or_an_evaluation_is_over_no_batch_can_end():
    model, batches = linear(), [(features(), LABELS)]
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        passes(monitor, batches)
        with pytest.raises(RuntimeError, match="no epoch has begun"):
            monitor.end_batch()
        monitor.evaluate(batches)
        with pytest.raises(RuntimeError, match="no epoch has begun"):
            monitor.end_batch()
        # An epoch that was left does not end the one that has begun since.
        left = monitor.watch(batches)
        next(left)
        monitor.begin_epoch()
        left.close()
        monitor.begin_batch(batches[0])
        model(features())
        assert monitor.end_epoch()["epoch"] == 2


# ---------------------------------------------------------------- Lightning, as it calls back


def test_the_callback_goes_the_steps_that_lightning_calls(monkeypatch):
    stub = types.SimpleNamespace(Callback=type("Callback", (), {}))
    monkeypatch.setitem(__import__("sys").modules, "lightning.pytorch", stub)
    model, logged = linear(), []
    monitor = Monitor(model, COUNTS, lambda_W=1e-3)
    callback = monitor.lightning_callback()
    assert isinstance(callback, stub.Callback)

    def log(values, step):
        logged.append((values, step))

    trainer = types.SimpleNamespace(
        current_epoch=0, global_step=7, loggers=[types.SimpleNamespace(log_metrics=log)] * 2
    )
    callback.on_fit_start(trainer, model)
    for epoch in (4, 5):
        trainer.current_epoch = epoch
        callback.on_train_epoch_start(trainer, model)
        callback.on_train_batch_start(trainer, model, (features(), LABELS), 0)
        model(features())
        callback.on_train_batch_end(trainer, model, None, None, 0)
        callback.on_train_epoch_end(trainer, model)
    callback.on_fit_end(trainer, model)
    # Lightning counts epochs from 0, and a row from 1.
    assert [row["epoch"] for row in monitor.history] == [5, 6]
    assert len(logged) == 4
    values, step = logged[-1]
    assert step == 7
    assert values["collapse/nc2_w"] == monitor.history[-1]["nc2_w"]
    assert "collapse/nc1" not in values
    assert type(model) is nn.Linear
    with pytest.raises(RuntimeError, match="not attached"):
        monitor.begin_epoch()


# ---------------------------------------------------------------- random states


class Dropping:
    """Batches of another sampler of batches, one left out."""

    def __init__(self, sampler):
        self.sampler = sampler

    def __iter__(self):
        return iter(list(self.sampler)[1:])

    def __len__(self):
        return len(self.sampler) - 1


def test_the_generator_of_a_sampler_inside_a_sampler_stays():
    data = list(zip(features(rows=3 * N), LABELS.repeat(3), strict=True))
    generator = torch.Generator().manual_seed(0)
    inner = torch.utils.data.RandomSampler(data, generator=generator)
    batched = torch.utils.data.BatchSampler(inner, 6, drop_last=False)
    loader = torch.utils.data.DataLoader(data, batch_sampler=Dropping(batched))
    model, before = linear(), generator.get_state()
    with Monitor(model, COUNTS, lambda_W=1e-3) as monitor:
        monitor.evaluate(loader)
    assert torch.equal(generator.get_state(), before)
