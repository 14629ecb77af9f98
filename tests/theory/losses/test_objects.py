"""Every loss object computes what torch computes, value and gradient."""

import dataclasses

import numpy as np
import pytest
import torch
from torch_reference import tensor, torch_loss

from nclib.theory.counts import ClassCounts
from nclib.theory.losses.objects import CrossEntropy, Sampling, SquaredError

N = [7, 4, 4, 1]
V = np.array([0.4, 1.3, 2.0, 0.7])

LOSSES = {
    "squared": SquaredError(),
    "squared, weights": SquaredError(class_weights=V),
    "squared, smoothing": SquaredError(label_smoothing=0.2),
    "squared, both": SquaredError(class_weights=V, label_smoothing=0.2),
    "cross-entropy": CrossEntropy(),
    "weights": CrossEntropy(class_weights=V),
    "smoothing": CrossEntropy(label_smoothing=0.1),
    "weights and smoothing": CrossEntropy(class_weights=V, label_smoothing=0.1),
    "adjustment": CrossEntropy(adjustment=1),
    "adjustment by vector": CrossEntropy(adjustment=[0.5, -1.0, 0.0, 2.0]),
    "margins": CrossEntropy(margins=V),
    "logit factors": CrossEntropy(logit_factors=V),
    "sample factors": CrossEntropy(sample_factors=V),
    "everything": CrossEntropy(V, 0.1, 0.7, V[::-1], V**2, 1 / V),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_value_and_gradient_are_those_of_torch(kind):
    loss = LOSSES[kind]
    labels = torch.arange(4).repeat_interleave(torch.tensor(N))
    Z = tensor(np.random.default_rng(1).standard_normal((4, 16)) * 2).requires_grad_()
    expected = torch_loss(loss, N, Z.T, labels)
    expected.backward()
    logits = Z.detach().numpy()
    assert loss.fit(logits, N) == pytest.approx(float(expected.detach()), rel=1e-14)
    np.testing.assert_allclose(loss.gradient(logits, N), Z.grad.numpy(), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("kind", LOSSES)
def test_one_column_for_each_class_stands_for_all_its_samples(kind):
    loss = LOSSES[kind]
    Z = np.random.default_rng(2).standard_normal((4, 4))
    labels = np.repeat(np.arange(4), N)
    assert loss.fit(Z, N) == pytest.approx(loss.fit(Z[:, labels], N), rel=1e-14)
    by_sample = loss.gradient(Z[:, labels], N)
    summed = np.stack([by_sample[:, labels == k].sum(axis=1) for k in range(4)], axis=1)
    np.testing.assert_allclose(loss.gradient(Z, N), summed, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("make", [CrossEntropy, SquaredError])
def test_constant_weights_do_nothing(make):
    Z = np.random.default_rng(3).standard_normal((4, 4))
    assert make(class_weights=[3.0] * 4).fit(Z, N) == pytest.approx(make().fit(Z, N), rel=1e-14)


def test_torch_drops_the_division_by_the_weights_for_probability_targets():
    # A trap of torch, not of ours: one-hot probabilities with weight= divide by the batch.
    Z = tensor(np.random.default_rng(4).standard_normal((16, 4)))
    labels = torch.arange(4).repeat_interleave(torch.tensor(N))
    one_hot = torch.nn.functional.one_hot(labels, 4).double()
    w = tensor(V)
    ours = CrossEntropy(class_weights=V).fit(Z.T.numpy(), N)
    soft = float(torch.nn.functional.cross_entropy(Z, one_hot, weight=w))
    mean_weight = float(w[labels].mean())
    assert soft == pytest.approx(ours * mean_weight, rel=1e-13)
    assert abs(soft - ours) > 0.01 * ours


def test_an_overflow_of_logits_does_no_harm():
    """One answer is right by 2000, one wrong by it: the loss is 2000 for each of its samples."""
    Z = np.array([[2000.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, -2000, 0], [0, 0, 0, 0]])
    expected = (4 * np.log(4) + 4 * (2000 + np.log(3)) + np.log(4)) / 16
    assert CrossEntropy().fit(Z, N) == pytest.approx(expected, rel=1e-14)


def test_samples_drawn_more_often_count_as_often():
    """Of a sampler that draws a class twice as often: the loss of data that have it twice."""
    Z = np.random.default_rng(5).standard_normal((4, 4))
    twice = np.array([14.0, 4, 4, 2])
    for loss in (CrossEntropy(V, 0.1), SquaredError(V)):
        expected = loss.fit(Z, twice.astype(int)) * 24 / 16
        assert loss.fit(Z, N, drawn=twice) == pytest.approx(expected, rel=1e-14)
        by_sample = loss.fit(np.repeat(Z, N, axis=1), N, drawn=twice)
        assert by_sample == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("kind", LOSSES)
def test_plain_is_cross_entropy_with_weights_at_most(kind):
    if isinstance(LOSSES[kind], CrossEntropy):
        assert LOSSES[kind].is_plain is (kind in ("cross-entropy", "weights"))


def test_expected_counts_of_samplers():
    counts = ClassCounts([8, 2])
    np.testing.assert_allclose(Sampling("balanced").expected_counts(counts), [5, 5])
    np.testing.assert_allclose(Sampling("sqrt").expected_counts(counts), [20 / 3, 10 / 3])
    np.testing.assert_allclose(Sampling([3, 1]).expected_counts(counts), [7.5, 2.5])


def test_a_sampler_of_torch_draws_the_expected_counts():
    n, shares = np.array([90, 10]), np.array([0.3, 0.7])
    labels = np.repeat([0, 1], n)
    sampler = torch.utils.data.WeightedRandomSampler(
        (shares / n)[labels], 40_000, replacement=True, generator=torch.Generator().manual_seed(0)
    )
    seen = np.bincount(labels[list(sampler)]) / 400
    np.testing.assert_allclose(seen, Sampling(shares).expected_counts(ClassCounts(n)), atol=1)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: CrossEntropy(label_smoothing=1.0), ValueError, "label_smoothing must be at least"),
        (lambda: CrossEntropy(label_smoothing="a"), TypeError, "label_smoothing must be a number"),
        (lambda: CrossEntropy(class_weights=[1, 0]), ValueError, r"class_weights\[1\] = 0"),
        (lambda: CrossEntropy(class_weights="balanced"), TypeError, "one number per class"),
        (lambda: CrossEntropy(adjustment=np.inf), ValueError, "adjustment must be finite"),
        (lambda: CrossEntropy(adjustment=None), TypeError, "adjustment must be a number"),
        (lambda: CrossEntropy(margins=[[1.0]]), TypeError, "margins must be one number per class"),
        (lambda: SquaredError([1, 2]).fit(np.eye(3), [1, 1, 1]), ValueError, "each of the 3"),
        (lambda: CrossEntropy(label_smoothing=-0.5), ValueError, "label_smoothing must be at"),
        (lambda: CrossEntropy(margins=[0, np.nan]), ValueError, r"margins\[1\] = nan"),
        (lambda: Sampling([1.0, -1.0]), ValueError, "shares must be finite and positive"),
        (
            lambda: Sampling([1.0, 1.0]).expected_counts(ClassCounts([1] * 3)),
            ValueError,
            "of the 3",
        ),
        (lambda: SquaredError().fit(np.eye(3), [1, 1]), ValueError, "logits must have shape"),
        (lambda: SquaredError().fit([1.0, 2.0], [1, 1]), ValueError, "logits must have shape"),
        (lambda: SquaredError().fit(np.ones((3, 2)), [1, 1]), ValueError, "logits must have"),
        (lambda: SquaredError().fit(np.ones((2, 3)), [1, 1]), ValueError, "logits must have"),
        (lambda: SquaredError().fit(np.ones((2, 2, 2)), [1, 1]), ValueError, "logits must have"),
        (lambda: Sampling("even"), ValueError, "shares must be 'balanced'"),
        (lambda: Sampling("sqrt", "none"), ValueError, "feature_penalty must be"),
    ],
)
def test_bad_input_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: SquaredError(V),
        lambda: CrossEntropy(V, margins=-V),
        lambda: Sampling(V),
        lambda: Sampling("sqrt", "fixed"),
    ],
)
def test_nothing_of_a_loss_can_be_changed(make):
    record = make()
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, value)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[0] = 1.0
    assert V[0] == 0.4


def test_losses_are_equal_by_content():
    assert Sampling([1, 2]) == Sampling(np.array([1.0, 2.0]))
    assert SquaredError([1, 2]) == SquaredError(np.array([1.0, 2.0]))
    assert CrossEntropy(class_weights=[1, 2]) == CrossEntropy(class_weights=np.array([1.0, 2.0]))
    assert CrossEntropy(class_weights=[1, 2]) != CrossEntropy()
