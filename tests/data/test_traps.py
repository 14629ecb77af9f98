"""What torch's own losses, samplers and decay compute, against their translations.

Values and gradients come from torch, on samples; nclib is told of them in the words of a script.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import nclib as nc
from nclib.data.batches import batch_shares, last_batch_weight, weighted_sampler
from nclib.data.penalties import translate_penalties
from nclib.data.script import script_model
from nclib.data.weights import class_weights
from nclib.theory.losses.objects import dense_loss

N_K = [5, 3, 2]
COUNTS = nc.ClassCounts(N_K)
N, K, D = 10, 3, 4
LABELS = torch.repeat_interleave(torch.arange(K), torch.tensor(N_K))
ONE_HOT = F.one_hot(LABELS).double()
W = torch.tensor([0.4, 1.5, 3.0], dtype=torch.float64)
SPREAD = W[LABELS][:, None].expand(N, K)
"""The weight of a sample at each of its outputs, as mse_loss wants it."""
IGNORED = 4


def ignoring(z, **options):
    """With samples whose label is ignored; their logits are those of the first ones."""
    labels = torch.cat([LABELS, torch.full((IGNORED,), -100)])
    return nn.CrossEntropyLoss(**options)(torch.cat([z, z[:IGNORED]]), labels)


# What the script computes of all samples' logits (N, K); what translate_penalties is told; the loss
# of the theory.
SCRIPTS = {
    "CrossEntropyLoss": (
        lambda z: nn.CrossEntropyLoss()(z, LABELS),
        {"loss": "cross-entropy"},
        nc.CrossEntropy(),
    ),
    "weight divides by the sum of the weights": (
        lambda z: nn.CrossEntropyLoss(weight=W)(z, LABELS),
        {"loss": "cross-entropy", "class_weights": W},
        nc.CrossEntropy(W),
    ),
    "constant weights do nothing": (
        lambda z: nn.CrossEntropyLoss(weight=torch.full((K,), 7.0, dtype=torch.float64))(z, LABELS),
        {"loss": "cross-entropy", "class_weights": [7.0] * K},
        nc.CrossEntropy(),
    ),
    "a sum is not divided": (
        lambda z: nn.CrossEntropyLoss(weight=W, reduction="sum")(z, LABELS),
        {"loss": "cross-entropy", "class_weights": W, "reduction": "sum"},
        nc.CrossEntropy(W),
    ),
    "the remedy: none, and a constant divisor": (
        lambda z: nn.CrossEntropyLoss(weight=W, reduction="none")(z, LABELS).sum() / N,
        {"loss": "cross-entropy", "class_weights": W, "reduction": "batchmean"},
        nc.CrossEntropy(W),
    ),
    "one-hot targets as probabilities: the mean divides by B": (
        lambda z: nn.CrossEntropyLoss(weight=W)(z, ONE_HOT),
        {"loss": "cross-entropy", "class_weights": W, "probability_targets": True},
        nc.CrossEntropy(W),
    ),
    "probabilities without weights": (
        lambda z: nn.CrossEntropyLoss(label_smoothing=0.2)(z, ONE_HOT),
        {"loss": "cross-entropy", "probability_targets": True},
        nc.CrossEntropy(label_smoothing=0.2),
    ),
    "smoothing takes the weight of each target logit": (
        lambda z: nn.CrossEntropyLoss(weight=W, label_smoothing=0.3)(z, LABELS),
        {"loss": "cross-entropy", "class_weights": W},
        nc.CrossEntropy(W, 0.3),
    ),
    "probabilities, weights and smoothing": (
        lambda z: nn.CrossEntropyLoss(weight=W, label_smoothing=0.3)(z, ONE_HOT),
        {"loss": "cross-entropy", "class_weights": W, "probability_targets": True},
        nc.CrossEntropy(W, 0.3),
    ),
    "MSELoss divides by the classes": (
        lambda z: nn.MSELoss()(z, ONE_HOT),
        {},
        nc.SquaredError(),
    ),
    "MSELoss, sum": (
        lambda z: nn.MSELoss(reduction="sum")(z, ONE_HOT),
        {"reduction": "sum"},
        nc.SquaredError(),
    ),
    "mse_loss(weight=) divides by the sum of the expanded weights": (
        lambda z: F.mse_loss(z, ONE_HOT, weight=SPREAD),
        {"class_weights": W},
        nc.SquaredError(W),
    ),
    "mse_loss(weight=), sum": (
        lambda z: F.mse_loss(z, ONE_HOT, weight=SPREAD, reduction="sum"),
        {"class_weights": W, "reduction": "sum"},
        nc.SquaredError(W),
    ),
    "a mean of w times squares, by hand": (
        lambda z: (SPREAD * (z - ONE_HOT) ** 2).mean(),
        {"class_weights": W, "reduction": "batchmean", "scale": 1 / K},
        nc.SquaredError(W),
    ),
    "ignored labels leave the divisor": (
        ignoring,
        {"loss": "cross-entropy", "ignored": IGNORED},
        nc.CrossEntropy(),
    ),
    "ignored labels leave the sum of the weights": (
        lambda z: ignoring(z, weight=W),
        {"loss": "cross-entropy", "ignored": IGNORED, "class_weights": W},
        nc.CrossEntropy(W),
    ),
    "ignored labels are zeros of a sum": (
        lambda z: ignoring(z, reduction="sum"),
        {"loss": "cross-entropy", "ignored": IGNORED, "reduction": "sum"},
        nc.CrossEntropy(),
    ),
}


def logits(seed=0):
    return torch.tensor(2 * np.random.default_rng(seed).standard_normal((N, K)), requires_grad=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_its_factor_times_the_loss_in_value_and_gradient(name):
    script, told, loss = SCRIPTS[name]
    c = translate_penalties(COUNTS, weight_decay=1, **told).loss_factor
    z = logits()
    value = script(z)
    value.backward()
    Z = z.detach().numpy().T
    assert value.item() == pytest.approx(c * loss.fit(Z, COUNTS), rel=1e-13)
    np.testing.assert_allclose(z.grad.numpy().T, c * loss.gradient(Z, COUNTS), rtol=1e-12)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("bias", ["free", "decayed"])
def test_with_its_decay_and_feature_penalty_it_is_that_factor_times_the_objective(name, bias):
    """One step of SGD with rate 1: what every parameter moves by is the objective's gradient.

    `weight_decay` for all parameters decays the bias too, unless it has a group of its own.
    """
    script, told, loss = SCRIPTS[name]
    decay, mu = 0.3, 0.7
    penalties = translate_penalties(COUNTS, weight_decay=decay, feature_penalty=mu, **told)
    problem = nc.LossProblem(
        COUNTS, loss, bias=bias, lambda_W=penalties.lambda_W, lambda_H=penalties.lambda_H
    )
    rng = np.random.default_rng(1)
    head = nn.Linear(D, K, dtype=torch.float64)
    H = torch.tensor(rng.standard_normal((K, D)), requires_grad=True)
    before = [p.detach().numpy().copy() for p in (head.weight, H, head.bias)]
    alone = {"params": [head.bias], "weight_decay": decay if bias == "decayed" else 0.0}
    optimizer = torch.optim.SGD([{"params": [head.weight]}, alone], lr=1.0, weight_decay=decay)
    if bias == "decayed":  # as it is written, when nobody thinks of the bias
        optimizer = torch.optim.SGD(head.parameters(), lr=1.0, weight_decay=decay)
    h = H[LABELS]
    # Of ignored samples the features have gone to 0, and count in the mean.
    samples = N + told.get("ignored", 0)
    total = script(head(h)) + mu * h.square().sum() / samples
    total.backward()
    optimizer.step()
    moved = [
        before[0] - head.weight.detach().numpy(),
        H.grad.numpy(),
        before[2] - head.bias.detach().numpy(),
    ]

    def objective(W_1, means, b):
        return problem.objective([W_1], means.T, b)

    step = 1e-5
    for which, gradient in enumerate(moved):
        for index in np.ndindex(gradient.shape):
            ends = []
            for sign in (1, -1):
                point = [part.copy() for part in before]
                point[which][index] += sign * step
                ends.append(objective(*point))
            slope = penalties.loss_factor * (ends[0] - ends[1]) / (2 * step)
            assert gradient[index] == pytest.approx(slope, abs=1e-7 * penalties.loss_factor + 1e-8)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_bce_is_a_sum_over_the_classes_times_its_factor(reduction):
    z = logits()
    value = nn.BCEWithLogitsLoss(reduction=reduction)(z, ONE_HOT)
    value.backward()
    Z, Y = z.detach().numpy(), ONE_HOT.numpy()
    mean_of_sums = np.sum(np.logaddexp(0, Z) - Y * Z) / N
    slope = (1 / (1 + np.exp(-Z)) - Y) / N
    c = translate_penalties(COUNTS, weight_decay=1, loss="bce", reduction=reduction).loss_factor
    assert c == {"mean": 1 / K, "sum": N}[reduction]
    assert value.item() == pytest.approx(c * mean_of_sums, rel=1e-13)
    np.testing.assert_allclose(z.grad.numpy(), c * slope, rtol=1e-12)


def test_a_batch_in_which_all_labels_are_ignored_is_nan():
    z = logits()
    assert math.isnan(nn.CrossEntropyLoss()(z, torch.full((N,), -100)).item())
    # The mean of a sum is 0 there, and no harm is done.
    assert nn.CrossEntropyLoss(reduction="sum")(z, torch.full((N,), -100)).item() == 0


# ---------------------------------------------------------------- batches


def all_batches(size, replacement=False):
    """Every batch of so many samples, and how probable it is."""
    if replacement:
        batches = list(itertools.product(range(N), repeat=size))
    else:
        batches = list(itertools.combinations(range(N), size))
    return [torch.tensor(batch) for batch in batches]


@pytest.mark.parametrize("size", [1, 2, 4, 9, 10])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_in_small_batches_weights_are_a_ratio_of_sums(size, smoothing):
    """The mean over all batches of torch's own loss, value and gradient."""
    z = logits()
    torch_loss = nn.CrossEntropyLoss(weight=W, label_smoothing=smoothing)
    losses = [torch_loss(z[batch], LABELS[batch]) for batch in all_batches(size)]
    value = torch.stack(losses).mean()
    value.backward()
    model = script_model(
        COUNTS, weight_decay=1, lambda_H=1, bias="none", class_weight=W.numpy(),
        label_smoothing=smoothing, batch_size=size, drop_last=True,
    )  # fmt: skip
    problem = model.problem
    Z = z.detach().numpy()
    # The objective's first term for logits by sample: by class it is linear in the losses.
    terms = problem.loss.terms(COUNTS, problem.drawn)
    share = (problem.drawn / COUNTS.n / N)[LABELS.numpy()]
    whole, slope = dense_loss(terms, Z.T, LABELS.numpy(), share)
    assert value.item() == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(z.grad.numpy().T, slope * share, rtol=1e-10, atol=1e-15)
    assert problem.feature_weight.tolist() == N_K


def test_shares_of_batches_that_are_drawn_with_replacement():
    drawn = np.array([2.0, 3.0, 5.0])
    p = drawn / 10
    w = W.numpy()
    for size in (2, 4):
        expected = np.zeros(K)
        for batch in itertools.product(range(K), repeat=size):
            weights = np.bincount(batch, minlength=K) * w
            expected += np.prod(p[list(batch)]) * weights / weights.sum()
        found = batch_shares(COUNTS, w, size, drop_last=True, drawn=drawn)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_as_many_draws_with_replacement_as_samples_are_not_all_samples():
    """Of 2 + 1 + 1 samples four are drawn: every one of the 81 orders of classes by hand."""
    w, p = np.array([1.0, 2.0, 5.0]), np.array([0.5, 0.25, 0.25])
    expected = np.zeros(3)
    for batch in itertools.product(range(3), repeat=4):
        weights = np.bincount(batch, minlength=3) * w
        expected += np.prod(p[list(batch)]) * weights / weights.sum()
    found = batch_shares([2, 1, 1], w, 4, drawn=[2, 1, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    whole = [2 / 9, 2 / 9, 5 / 9]
    np.testing.assert_allclose(batch_shares([2, 1, 1], w, 4), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("size", "shares"),
    [
        (1, (0.901, 0.090, 0.009)),
        (8, (0.61, 0.33, 0.06)),
        (128, (0.365, 0.355, 0.280)),
        (1110, (1 / 3, 1 / 3, 1 / 3)),
    ],
)
def test_noted_shares(size, shares):
    """[1000, 100, 10] with weights 1/n."""
    n = [1000, 100, 10]
    found = batch_shares(n, [1 / k for k in n], size, drop_last=True)
    np.testing.assert_allclose(found, shares, atol=6e-3 if size == 8 else 6e-4)
    assert found.sum() == pytest.approx(1, rel=1e-13)


def test_a_smaller_last_batch_is_a_step_like_any_other():
    """10 samples in batches of 4: two of 4 and one of 2, all of one weight; three of 3 and a 1."""
    of = {size: batch_shares(COUNTS, W, size, drop_last=True) for size in (4, 3, 2, 1)}
    np.testing.assert_allclose(batch_shares(COUNTS, W, 4), (2 * of[4] + of[2]) / 3, rtol=1e-12)
    np.testing.assert_allclose(batch_shares(COUNTS, W, 3), (3 * of[3] + of[1]) / 4, rtol=1e-12)


def test_shares_of_many_samples_and_of_nearly_all():
    """For large counts with replacement or without is next to the same; all but one, nearly all."""
    n = np.array([40_000, 9_000, 1_000])
    w = 1 / n
    without = batch_shares(n, w, 64, drop_last=True)
    replaced = batch_shares(n, w, 64, drop_last=True, drawn=n)
    np.testing.assert_allclose(without, replaced, rtol=2e-3)
    assert np.abs(without / replaced - 1).max() > 1e-6
    small = [30, 12, 7]
    for size in (47, 48):
        np.testing.assert_allclose(
            batch_shares(small, [1, 2, 3], size, drop_last=True),
            batch_shares(small, [1, 2, 3], 49), atol=2e-3,
        )  # fmt: skip


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_sample_of_the_last_batch_weighs_more_where_nothing_is_shuffled(drop_last):
    """An epoch in a fixed order: the sum of the batches' gradients, by sample."""
    z = torch.zeros((N, K), dtype=torch.float64, requires_grad=True)
    loader = torch.utils.data.DataLoader(range(N), batch_size=4, drop_last=drop_last)
    for batch in loader:
        nn.CrossEntropyLoss()(z[batch], LABELS[batch]).backward()
    size = z.grad.abs().sum(dim=1).numpy()
    weight = last_batch_weight(N, 4, drop_last=drop_last)
    np.testing.assert_allclose(size[8:] / size[0], weight, rtol=1e-12)
    np.testing.assert_allclose(size[:8], size[0], rtol=1e-12)
    assert weight == (0 if drop_last else 2)
    assert last_batch_weight(8, 4) == last_batch_weight(8, 8) == 1


# ---------------------------------------------------------------- samplers


def test_a_sampler_with_replacement_has_the_expected_counts():
    labels = LABELS.numpy()
    weight = [0.3, 2.0, 1.0]
    sampling = weighted_sampler(COUNTS, weight)
    expected = sampling.expected_counts(COUNTS)
    draws = 40_000
    generator = torch.Generator().manual_seed(0)
    sampler = torch.utils.data.WeightedRandomSampler(
        np.array(weight)[labels], draws, replacement=True, generator=generator
    )
    seen = np.bincount(labels[list(sampler)], minlength=K) / draws
    share = expected / N
    assert np.all(np.abs(seen - share) < 5 * np.sqrt(share * (1 - share) / draws))
    assert expected.sum() == pytest.approx(N)
    balanced = weighted_sampler(COUNTS, 1 / COUNTS.n)
    np.testing.assert_allclose(balanced.expected_counts(COUNTS), N / K)
    # How many are drawn in an epoch says nothing of the shares.
    assert weighted_sampler(COUNTS, weight, num_samples=1) == sampling


def test_without_replacement_it_only_permutes():
    weight = np.array([0.3, 2.0, 1.0])
    generator = torch.Generator().manual_seed(0)
    sampler = torch.utils.data.WeightedRandomSampler(
        weight[LABELS.numpy()], N, replacement=False, generator=generator
    )
    assert sorted(sampler) == list(range(N))
    assert weighted_sampler(COUNTS, weight, replacement=False) is None
    with pytest.raises(ValueError, match="num_samples must be all 10 samples"):
        weighted_sampler(COUNTS, weight, replacement=False, num_samples=5)


# ---------------------------------------------------------------- scripts


def test_of_batches_of_one_the_words_say_that_weights_count_for_nothing():
    model = script_model(COUNTS, weight_decay=1, lambda_H=1, class_weight=[4, 2, 18], batch_size=1)
    assert model.words[-1].endswith(
        "and in batches of 1 a sample of the class with the largest weight counts 1 times one of "
        "the class with the smallest, not 9 times."
    )


def test_a_weighted_sum_over_a_batch_has_the_penalties_that_are_translated_for_it():
    """`translate_penalties` is held against torch above."""
    for given in (0.3, (0.3, 1 / 7)):
        model = script_model(
            COUNTS, loss="mse-sum", weight_decay=given, class_weight=W.numpy(), batch_size=5,
            lambda_H=1, depth=2, bias="free",
        )  # fmt: skip
        told = translate_penalties(
            COUNTS, weight_decay=given, class_weights=W, reduction="sum", batch_size=5
        )
        wanted = np.broadcast_to(told.lambda_W, 2)
        np.testing.assert_allclose(model.problem.lambda_W, wanted, rtol=1e-13)
        assert model.loss_factor == pytest.approx(told.loss_factor, rel=1e-13)
    # 2 B times the mean weight, 1.25, is 12.5.
    assert model.words[-1] == "The weight decay 0.3, 0.142857 is lambda_W = 0.024, 0.0114286."


def test_a_sum_over_a_batch_grows_with_it_without_weights_too():
    model = script_model(COUNTS, loss="mse-sum", weight_decay=0.3, batch_size=5, lambda_H=1)
    assert (model.loss_factor, model.problem.lambda_W[0]) == pytest.approx((10, 0.03))


def test_the_loss_factor_is_that_of_a_loss_that_is_named_or_goes_with_a_weight_decay():
    options = {"lambda_H": 1}
    assert script_model(COUNTS, lambda_W=1, **options).loss_factor is None
    assert script_model(COUNTS, lambda_W=1, loss="mse", **options).loss_factor == 2 / 3
    assert script_model(COUNTS, weight_decay=1, **options).loss_factor == 1


def test_logits_are_adjusted_for_cross_entropy_alone():
    options = {"weight_decay": 1, "lambda_H": 1, "logit_adjustment": 0.5}
    model = script_model(COUNTS, **options)
    assert model.problem.loss == nc.CrossEntropy(adjustment=0.5)
    assert model.words[1].endswith("logit adjustment 0.5.")
    with pytest.raises(ValueError, match=r"logit_adjustment must be 0 for the squared error"):
        script_model(COUNTS, loss="mse", **options)


def test_shares_of_a_sampler_as_numbers_and_in_a_file_are_the_same(tmp_path):
    path = tmp_path / "shares.csv"
    path.write_text("0.5\n0.3\n0.2\n")
    options = {"weight_decay": 1, "lambda_H": 1}
    models = [script_model(COUNTS, sampler=one, **options) for one in ([0.5, 0.3, 0.2], path)]
    assert models[0].problem.sampling == models[1].problem.sampling
    np.testing.assert_allclose(models[0].problem.drawn, [5, 3, 2])
    assert "a sampler with shares as given." in models[0].words[1]
    assert f"a sampler with shares {path}." in models[1].words[1]
    assert "sampler" not in script_model(COUNTS, **options).words[1]


# ---------------------------------------------------------------- rules for class weights


def test_rules_for_class_weights_are_those_of_their_sources():
    n = COUNTS.n
    np.testing.assert_allclose(class_weights(COUNTS, "balanced"), N / (K * n))  # scikit-learn's
    root = class_weights(COUNTS, "sqrt")
    np.testing.assert_allclose(root * np.sqrt(n), (root * np.sqrt(n))[0])
    effective = class_weights(COUNTS, "effective:0.9")
    by_hand = np.array([(1 - 0.9) / (1 - 0.9**k) for k in N_K])
    np.testing.assert_allclose(effective / effective[0], by_hand / by_hand[0])
    np.testing.assert_allclose(class_weights(COUNTS, "effective:0"), 1)
    for rule in ("balanced", "sqrt", "effective:0.9"):
        assert class_weights(COUNTS, rule) @ n == pytest.approx(N)
    assert class_weights(COUNTS, "none") is class_weights(COUNTS, None) is None
    assert class_weights(COUNTS, [1, 2, 3]).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: class_weights(COUNTS, [1, 2]), ValueError, "one number for each of the 3 classes"),
        (lambda: class_weights(COUNTS, [1, 2, 0]), ValueError, r"class_weights\[2\] = 0.0"),
        (lambda: class_weights(COUNTS, "effective:2"), ValueError, "below 1; got '2'"),
        (lambda: batch_shares(COUNTS, W, 11), ValueError, "batch_size must be a whole number"),
        (lambda: batch_shares(COUNTS, W, 0), ValueError, "batch_size must be a whole number"),
        (lambda: weighted_sampler(COUNTS, W, num_samples=0), ValueError, "num_samples must be"),
        (lambda: batch_shares(COUNTS, W, 2, drop_last=1), TypeError, "drop_last must be True"),
        (lambda: last_batch_weight(0, 1), ValueError, "samples must be a whole number"),
        (lambda: weighted_sampler(COUNTS, W, replacement=2), TypeError, "replacement must be"),
        (
            lambda: translate_penalties(COUNTS, weight_decay=1, ignored=1),
            ValueError,
            "ignored must be 0 unless loss is 'cross-entropy'",
        ),
        (
            lambda: translate_penalties(COUNTS, weight_decay=1, probability_targets=True),
            ValueError,
            "probability_targets must be False unless loss is 'cross-entropy'",
        ),
        (
            lambda: translate_penalties(COUNTS, weight_decay=1, loss="hinge"),
            ValueError,
            "loss must be 'mse' or 'cross-entropy' or 'bce'",
        ),
        (
            lambda: script_model(COUNTS, lambda_H=1, weight_decay=1, lambda_W=1),
            ValueError,
            "give weight_decay or lambda_W, and not both",
        ),
        (
            lambda: script_model(COUNTS, lambda_H=1, weight_decay=1, loss="mse-sum"),
            ValueError,
            "batch_size must be given for 'mse-sum'",
        ),
        (
            lambda: script_model(
                COUNTS, lambda_H=1, weight_decay=1, class_weight=W.numpy(), label_smoothing=0.1,
                batch_size=2, sampler="balanced",
            ),
            ValueError,
            "class weights, label smoothing and a sampler come together",
        ),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
