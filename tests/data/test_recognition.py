"""The loss recognised from gradients that torch computes."""

import numpy as np
import pytest
import torch
from torch import nn

from nclib import CrossEntropy, SquaredError
from nclib.data import labels_of_gradient, recognise_loss

COUNTS = (100, 60, 30, 10, 5)
K, B = len(COUNTS), 64
SHARES = torch.tensor(COUNTS, dtype=torch.float64) / sum(COUNTS)
WEIGHTS = torch.tensor([1.0, 2.0, 3.0, 5.0, 9.0], dtype=torch.float64)


def batch(scale, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.multinomial(SHARES, B, True, generator=generator)
    y[:K] = torch.arange(K)
    z = scale * torch.randn(B, K, generator=generator, dtype=torch.float64)
    return z.to(dtype).requires_grad_(), y


def recognised(loss, scale=1.0, dtype=torch.float64, tol=1e-4, seed=0):
    z, y = batch(scale, dtype, seed)
    (gradient,) = torch.autograd.grad(loss(z, y), z)
    return recognise_loss(z.detach().double(), y, gradient.double(), COUNTS, tol=tol), y


def one_hot(y, dtype=torch.float64):
    return nn.functional.one_hot(y, K).to(dtype)


def mse(z, y, eps=0.0, **options):
    return nn.functional.mse_loss(z, (1 - eps) * one_hot(y, z.dtype) + eps / K, **options)


def ce(z, y, weight=None, shift=0.0, **options):
    weight = None if weight is None else weight.to(z.dtype)
    return nn.functional.cross_entropy(z + shift, y, weight=weight, **options)


KNOWN = {
    "MSELoss": (mse, SquaredError, 2 / K),
    "MSELoss of sums": (lambda z, y: mse(z, y, reduction="sum"), SquaredError, 2 * B),
    "half the squares": (lambda z, y: mse(z, y) * K / 2, SquaredError, 1.0),
    "a tenth of it, of 4 accumulated": (lambda z, y: mse(z, y) / 40, SquaredError, 2 / K / 40),
    "CrossEntropyLoss": (ce, CrossEntropy, 1.0),
    "CrossEntropyLoss of sums": (lambda z, y: ce(z, y, reduction="sum"), CrossEntropy, B),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("scale", [0.01, 1.0, 5.0])
@pytest.mark.parametrize("name", KNOWN)
def test_losses_and_their_factors(name, scale, dtype):
    loss, kind, factor = KNOWN[name]
    found, _ = recognised(loss, scale, dtype)
    assert isinstance(found.loss, kind)
    assert found.loss == kind()
    # The largest entries say most: of a sample that is learned nothing is left of float32.
    assert np.median(found.factors) * B == pytest.approx(factor, rel=1e-4)
    assert found.factors.sum() == pytest.approx(factor, rel=1e-3)


@pytest.mark.parametrize("eps", [0.05, 0.1, 0.3])
@pytest.mark.parametrize(
    ("loss", "kind"),
    [(mse, SquaredError), (lambda z, y, eps: ce(z, y, label_smoothing=eps), CrossEntropy)],
    ids=["squared error", "cross-entropy"],
)
def test_label_smoothing(loss, kind, eps):
    found, _ = recognised(lambda z, y: loss(z, y, eps), dtype=torch.float32)
    assert isinstance(found.loss, kind)
    assert found.loss.label_smoothing == pytest.approx(eps, rel=1e-3)


@pytest.mark.parametrize("adjusted", [False, True])
def test_class_weights_are_in_the_factors(adjusted):
    shift = SHARES.log() if adjusted else 0.0
    found, y = recognised(lambda z, y: ce(z, y, WEIGHTS, shift))
    # torch divides by the sum of the weights of the batch.
    wanted = WEIGHTS[y] / WEIGHTS[y].sum()
    assert found.factors == pytest.approx(wanted.numpy(), rel=1e-4)
    assert found.loss == CrossEntropy(adjustment=float(adjusted))
    by_hand, y = recognised(lambda z, y: (WEIGHTS[y] * (z - one_hot(y)).square().sum(1)).mean())
    assert by_hand.loss == SquaredError()
    assert by_hand.factors == pytest.approx(2 * WEIGHTS[y].numpy() / B, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_weights_and_smoothing_together_as_torch_mixes_them(seed):
    found, y = recognised(lambda z, y: ce(z, y, WEIGHTS, label_smoothing=0.1), seed=seed)
    assert found.loss.label_smoothing == pytest.approx(0.1, rel=1e-3)
    ratio = found.loss.class_weights / found.loss.class_weights[0]
    assert ratio == pytest.approx(WEIGHTS.numpy(), rel=1e-3)
    # The factor goes with weights of mean 1.
    wanted = float(WEIGHTS.mean() / WEIGHTS[y].sum())
    assert found.factors == pytest.approx(np.full(B, wanted), rel=1e-3)


@pytest.mark.parametrize("tau", [-0.5, 0.5, 1.0, 1.7])
def test_logit_adjustment(tau):
    found, _ = recognised(lambda z, y: ce(z, y, shift=tau * SHARES.log()), dtype=torch.float32)
    assert found.loss.adjustment == pytest.approx(tau, abs=2e-3)


def test_any_vector_that_is_added():
    shift = torch.tensor([0.0, 0.3, -0.2, 0.5, 0.1], dtype=torch.float64)
    found, _ = recognised(lambda z, y: ce(z, y, shift=shift))
    # A constant more or less changes nothing.
    assert np.diff(found.loss.adjustment) == pytest.approx(np.diff(shift.numpy()), abs=1e-9)


def focal(z, y):
    p = torch.softmax(z, 1)[torch.arange(B), y]
    return ((1 - p) ** 2 * nn.functional.cross_entropy(z, y, reduction="none")).mean()


def ldam(z, y):
    margins = torch.tensor(COUNTS, dtype=z.dtype) ** -0.25
    return nn.functional.cross_entropy(z - one_hot(y, z.dtype) * margins, y)


UNKNOWN = {
    "focal loss": (focal, "differ from sample to sample"),
    "margins": (ldam, "differ from sample to sample"),
    "weights by sample": (
        lambda z, y: (torch.arange(1.0, B + 1) * (z - one_hot(y)).square().sum(1)).mean(),
        "differ from sample to sample",
    ),
    "a temperature": (lambda z, y: ce(z / 2, y), "not known here"),
    "binary cross-entropy": (
        lambda z, y: nn.functional.binary_cross_entropy_with_logits(z, one_hot(y, z.dtype)),
        "binary cross-entropy",
    ),
    "hinge": (nn.functional.multi_margin_loss, "not known here"),
    "absolute error": (lambda z, y: (z - one_hot(y, z.dtype)).abs().mean(), "no loss that is"),
    "Huber": (lambda z, y: nn.functional.smooth_l1_loss(z, one_hot(y, z.dtype)), "no loss that is"),
}


@pytest.mark.parametrize("scale", [0.05, 1.0, 4.0])
@pytest.mark.parametrize("name", UNKNOWN)
def test_other_losses_are_not_taken_for_known_ones(name, scale):
    loss, words = UNKNOWN[name]
    found, _ = recognised(loss, scale)
    assert found.loss is None
    assert found.factors is None
    assert words in found.name


@pytest.mark.parametrize("name", [*KNOWN, *UNKNOWN])
def test_what_the_loss_is_multiplied_by_is_in_the_factors_alone(name):
    loss = (KNOWN.get(name) or UNKNOWN[name])[0]
    found, _ = recognised(loss)
    for factor in (1e-6, 1e6):
        scaled, _ = recognised(lambda z, y, factor=factor: factor * loss(z, y))
        assert (scaled.loss, scaled.name) == (found.loss, found.name)
        if found.factors is not None:
            assert scaled.factors == pytest.approx(factor * found.factors, rel=1e-6)


@pytest.mark.parametrize(
    "loss", [lambda z, y: mse(z, y, 0.125), lambda z, y: ce(z, y, label_smoothing=0.125)]
)
def test_a_smoothing_of_three_digits_is_told_without_the_rounding_of_the_gradient(loss):
    found, _ = recognised(loss, dtype=torch.float32)
    assert found.loss.label_smoothing == 0.125


@pytest.mark.parametrize("eps", [0.04567, 0.12345])
def test_a_smoothing_of_more_digits_keeps_them(eps):
    for loss in (lambda z, y: mse(z, y, eps), lambda z, y: ce(z, y, label_smoothing=eps)):
        assert recognised(loss)[0].loss.label_smoothing == pytest.approx(eps, rel=1e-9)


@pytest.mark.parametrize("weight", [0, -1])
def test_a_class_without_weight_with_smoothing_is_no_loss_of_the_theory(weight):
    weights = WEIGHTS.clone()
    weights[2] = weight
    found, _ = recognised(lambda z, y: ce(z, y, weights, label_smoothing=0.1))
    assert found.loss is None


@pytest.mark.parametrize("eps", [-0.1, 1.0, 1.2])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_smoothing_that_leaves_nothing_of_the_labels_is_no_loss_of_the_theory(eps, dtype):
    def soft(z, y, weights=1.0):
        targets = ((1 - eps) * one_hot(y, z.dtype) + eps / K) * weights
        return -(targets * torch.log_softmax(z, dim=1)).sum(dim=1).mean()

    for loss in (
        lambda z, y: mse(z, y, eps),
        soft,
        lambda z, y: soft(z, y, WEIGHTS.to(z.dtype)),
    ):
        assert recognised(loss, dtype=dtype)[0].loss is None


def test_where_a_batch_can_not_tell_nothing_is_said():
    y, zeros = np.arange(K), np.zeros((K, K))
    # A head that begins at 0: smoothing and the size of the loss look the same.
    assert recognise_loss(zeros, y, 1 / K - np.eye(K), COUNTS) is None
    assert recognise_loss(np.eye(K), y, zeros, COUNTS) is None
    assert recognise_loss(np.eye(K), y, zeros + np.nan, COUNTS) is None


@pytest.mark.parametrize(
    "shapes", [((4, 3), (4,), (4, 3)), ((4, K), (3,), (4, K)), ((4, K), (4,), (3, K))]
)
def test_what_does_not_fit_is_refused(shapes):
    z, y, gradient = (np.ones(shape) for shape in shapes)
    with pytest.raises(ValueError, match=r"logits and gradient must have shape \(B, K\) with K"):
        recognise_loss(z, y.astype(int), gradient, COUNTS)


@pytest.mark.parametrize("scale", [0.05, 1.0, 4.0])
@pytest.mark.parametrize("loss", [mse, ce], ids=["squared error", "cross-entropy"])
def test_the_labels_of_a_gradient(loss, scale):
    z, y = batch(scale, seed=3)
    order = torch.randperm(B, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad(loss(z, y[order]), z)
    assert labels_of_gradient(z.detach(), gradient).tolist() == y[order].tolist()


def test_a_sample_without_a_gradient_is_learned_and_a_batch_without_one_tells_nothing():
    z = np.array([[2.0, 0.5, 0.1], [0, 1, 0], [0.3, 0.2, -1.0]])
    gradient = z - np.eye(3)[[2, 1, 0]]
    assert not gradient[1].any()
    assert labels_of_gradient(z, gradient).tolist() == [2, 1, 0]
    assert labels_of_gradient(z, 0 * gradient) is None
    # Upwards, away from the labels.
    assert labels_of_gradient(z, -0.01 * gradient) is None


def test_a_gradient_of_another_loss_has_no_labels():
    z, y = batch(1.0)
    for loss, _ in UNKNOWN.values():
        (gradient,) = torch.autograd.grad(loss(z, y), z)
        found = labels_of_gradient(z.detach(), gradient)
        # Focal loss and margins only change how much each sample counts.
        assert found is None or found.tolist() == y.tolist()
    mixture = 0.7 * one_hot(y) + 0.3 * one_hot(y.flip(0))
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(z, mixture), z)
    assert labels_of_gradient(z.detach(), gradient) is None
    named = recognise_loss(z.detach(), y, gradient, COUNTS)
    assert named.loss is None
    assert "mixed labels" in named.name
