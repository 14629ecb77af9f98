"""Small things that a monitor tells apart: dropout that drops, heads that fit, data of training."""

import warnings

import pytest
import torch
from torch import nn

from nclib.training.monitor import Monitor

COUNTS = (8, 5, 3)
N, K = sum(COUNTS), 3
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(COUNTS))
FEATURES = torch.randn(N, 4, generator=torch.Generator().manual_seed(0))

pytestmark = pytest.mark.usefixtures("one_thread")


def passes(monitor, loss=None):
    """Watch an epoch of one batch, and return all that is said."""
    with warnings.catch_warnings(record=True) as caught, monitor:
        warnings.simplefilter("always")
        for x, y in monitor.watch([(FEATURES, LABELS)]):
            z = monitor.model(x)
            if loss is not None:
                torch.autograd.backward(loss(z, y))
    return " | ".join(str(one.message) for one in caught)


@pytest.mark.parametrize(("p", "drops"), [(0.0, False), (0.5, True), (1.0, True)])
def test_dropout_is_seen_where_it_drops(p, drops):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(p), nn.Linear(6, K))
    assert ("2 (Dropout)" in passes(Monitor(model, COUNTS, lambda_W=1e-3))) == drops
    model[2].eval()
    assert "Dropout" not in passes(Monitor(model, COUNTS, lambda_W=1e-3))


@pytest.mark.parametrize("lowest", [0.0, 0.5, 2.0, -0.5])
@pytest.mark.parametrize("bias", [True, False])
def test_features_that_are_never_negative_are_seen_before_a_bias(lowest, bias):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Softplus(), nn.Linear(6, K, bias=bias))
    with torch.no_grad():
        model[0].bias.fill_(0.0)
    model[1].forward = lambda h: h.relu() + lowest
    said = passes(Monitor(model, COUNTS, lambda_W=1e-3))
    assert ("never negative" in said) == (bias and lowest >= 0)


@pytest.mark.parametrize(
    ("sizes", "named", "fits"),
    [
        ([(4, 6), (6, 3)], ["0", "1"], True),
        ([(4, 6), (5, 3)], ["0", "1"], False),
        ([(4, 6), (6, 4)], ["0", "1"], False),
        ([(4, 3)], ["0"], True),
        ([(4, 4)], ["0"], False),
        ([(4, 6), (6, 5), (5, 3)], ["0", "1", "2"], True),
        ([(4, 6), (6, 5), (5, 3)], ["0", "2"], False),
        ([(4, 6), (6, 3)], [], False),
    ],
)
def test_a_head_is_layers_that_fit_and_end_in_the_classes(sizes, named, fits):
    model = nn.ModuleList([nn.Linear(*size) for size in sizes])
    if fits:
        assert Monitor(model, COUNTS, lambda_W=1e-3, head=named).head == tuple(named)
    else:
        with pytest.raises(ValueError, match="head must be linear layers, each of which takes"):
            Monitor(model, COUNTS, lambda_W=1e-3, head=named)


def test_rows_say_whether_they_are_of_the_training_data():
    batch = (FEATURES, LABELS)
    with Monitor(nn.Linear(4, K), COUNTS, lambda_W=1e-3) as monitor:
        for x, _ in monitor.watch([batch] * 2):
            monitor.model(x)
        monitor.evaluate([batch])
        monitor.evaluate([batch] * 2)
    assert [(row["evaluated"], row["training"]) for row in monitor.history] == [
        (False, True),
        (True, True),
        (True, False),
    ]


@pytest.mark.parametrize(
    "loss",
    [
        nn.functional.multi_margin_loss,
        lambda z, y: nn.functional.cross_entropy(z + 0.01 * z.square(), y),
        lambda z, y: nn.functional.cross_entropy(z, y, reduction="none").square().mean(),
        lambda z, y: nn.functional.cross_entropy(z, y),
    ],
)
def test_a_loss_that_is_not_known_is_not_taken_for_another_order(loss):
    torch.manual_seed(0)
    model = nn.Linear(4, K)
    assert "another order" not in passes(Monitor(model, COUNTS, lambda_W=1e-3), loss)
