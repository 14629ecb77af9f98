"""The engine: the objective exactly, the closed form in the end, and errors that say what to do."""

import json
import math

import numpy as np
import pytest
import torch
from few import few
from small_runs import blobs, config

import nclib as nc
from nclib.training import engine
from nclib.training.engine import (
    DivergenceError,
    TrainingConfig,
    chosen_device,
    history_epochs,
    train,
)

CPU = torch.device("cpu")


def trainer(samples=None, **settings):
    x, y = blobs() if samples is None else samples
    return engine._Trainer(config(**settings), x, y, None, CPU)


def parameters(network):
    return torch.cat([p.detach().flatten().double() for p in network.parameters()])


# ---------------------------------------------------------------- modes alive


def predicting(run, shares):
    """Logits of all samples with s_k = z_k / kappa_k as given, by a dense decomposition."""
    n = run.problem.counts.n.astype(float)
    labels = np.diag(np.sqrt(n)) - run.problem.bias * np.outer(n, np.sqrt(n)) / n.sum()
    U, kappa, Vt = np.linalg.svd(labels)
    Z = U @ np.diag(kappa * [*shares, *[0.0] * (n.size - len(shares))]) @ Vt
    return torch.from_numpy((Z / np.sqrt(n)).T[run.y.numpy()])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3, 6])
def test_a_mode_counts_as_alive_from_half_of_the_least_share_it_can_keep(depth, bias):
    """Whatever its size: at 1e-3, or a tenth, a mode of a deep head is dying, and not alive."""
    run = trainer(blobs((30, 20, 9, 4)), depth=depth, bias=bias, dtype="float64")
    modes = 4 - bias
    least = (depth - 1) / (2 * depth)  # on a branch: chapter 5, at its end
    cut = least / 2 if depth > 1 else 1e-3
    features = torch.zeros(63, 16, dtype=torch.float64)

    def alive(*shares):
        logits = predicting(run, shares)
        if bias:
            logits = logits + run.network.head.b.detach()
        values = run.evaluator._singular_values(features, logits)
        z = np.linalg.svd(np.diag(run.minimizer.kappa[: len(shares)] * shares), compute_uv=False)
        np.testing.assert_allclose(values["prediction"][: len(z)], z, rtol=1e-10)
        return run.evaluator._alive(values)

    for first in range(modes):
        above, rest = [0.95] * first, modes - first
        assert alive(*above, *[1.02 * cut] * rest) == modes
        assert alive(*above, *[0.98 * cut] * rest) == first
        assert alive(*above, *[max(least, 1.02 * cut)] * rest) == modes
        assert alive(*above, *[0.5 * cut] * rest) == first
        # Between 1e-3 and the cut, where there is something between.
        assert alive(*above, *[np.sqrt(1e-3 * cut) * 0.999] * rest) == first
    assert alive(*[0.0] * modes) == 0


# ---------------------------------------------------------------- the objective


def full_objective(run, factor=1.0):
    """Objective (4.3) written out, in float64, with the backbone's own decay."""
    network, problem = run.network, run.problem
    logits, H = network(run.x)
    fit = (logits - torch.eye(problem.K, dtype=H.dtype)[run.y]).square().sum() / (2 * problem.N)
    decay = sum(
        lam / 2 * W.square().sum()
        for lam, W in zip(problem.lambda_W, network.head.weights, strict=True)
    )
    backbone = sum(p.square().sum() for p in network.backbone.parameters())
    return (
        fit
        + factor * (decay + problem.lambda_H / 2 * H.square().sum())
        + run.config.weight_decay / 2 * backbone
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"depth": 1},
        {"depth": 3, "lambda_W": (0.02, 0.01, 0.03)},
        {"depth": 2, "bias": False, "weight_decay": 0.05},
        {"depth": 2, "lambda_warmup": 0.5},
        {"depth": 1, "batch_size": 100},
    ],
)
def test_batch_gradients_add_up_to_the_full_gradient(settings, record_error, monkeypatch):
    """What Adam itself was given in each step of an epoch, at weights that stand still.

    Defects 1 and 2: a mean over classes, or a feature penalty without N / B, fails here.
    """
    run = trainer(dtype="float64", **settings)
    size = run.config.batch_size
    N = run.problem.N
    assert N % size  # the last batch is smaller (or the only one)
    factors = []
    set_rates = run._set_rates

    def stand_still(done):
        # All steps of the epoch with the factor of its start.
        factors.append(set_rates(0.0))
        for group in run.optimizer.param_groups:
            group["lr"] = 0.0
        return factors[-1]

    monkeypatch.setattr(run, "_set_rates", stand_still)
    total, before = ({name: 0.0 for name, _ in run.network.named_parameters()} for _ in range(2))
    seen = []
    step = run.optimizer.step
    batch_loss = run._batch_loss

    def spy_loss(rows, factor):
        seen.append(rows)
        return batch_loss(rows, factor)

    def spy_step():
        step()
        for name, parameter in run.network.named_parameters():
            average = run.optimizer.state[parameter]["exp_avg"].clone()
            gradient = (average - 0.9 * before[name]) / 0.1
            total[name] = total[name] + gradient * (len(seen[-1]) / N)
            before[name] = average

    monkeypatch.setattr(run, "_batch_loss", spy_loss)
    monkeypatch.setattr(run.optimizer, "step", spy_step)
    start = parameters(run.network)
    run._train_epoch()
    assert torch.equal(parameters(run.network), start)
    assert sorted(torch.cat(seen).tolist()) == list(range(N))
    assert [len(rows) for rows in seen] == [size] * (N // size) + [N % size]

    run.network.zero_grad()
    full_objective(run, factors[0]).backward()
    assert factors[0] == (1e-3 if run.config.lambda_warmup else 1.0)
    for name, parameter in run.network.named_parameters():
        error = ((total[name] - parameter.grad).norm() / parameter.grad.norm()).item()
        assert record_error("batch gradients against the full one", error, 1e-10), name


def test_gradients_of_head_and_features_are_those_of_the_problem(record_error):
    """The same objective, by the theory's own analytic gradient."""
    run = trainer(dtype="float64", depth=3)
    order = torch.argsort(run.y, stable=True)
    loss = run._batch_loss(order, 1.0)
    loss.backward()
    Ws = [W.detach().numpy() for W in run.network.head.weights]
    H = run.network.backbone(run.x[order]).detach().numpy().T
    dWs, _, db = run.problem.gradient(Ws, H, run.network.head.b.detach().numpy())
    for W, lam, dW in zip(run.network.head.weights, run.problem.lambda_W, dWs, strict=True):
        ours = W.grad.numpy() + lam * W.detach().numpy()
        assert record_error("head gradients", np.abs(ours - dW).max() / np.abs(dW).max(), 1e-12)
    assert record_error("bias gradient", np.abs(run.network.head.b.grad.numpy() - db).max(), 1e-14)


@pytest.mark.parametrize("bias", [True, False])
def test_history_measures_the_objective_and_every_metric(bias, record_error):
    x, y = blobs()
    x_test, y_test = blobs(counts=(4, 0, 3), seed=1)
    result = train(config(bias=bias, dtype="float64"), x, y, test=(x_test, y_test), progress=False)
    entry, problem = result.final, result.minimizer.problem
    order = np.argsort(y, kind="stable")
    with torch.no_grad():
        logits, features = (A.numpy() for A in result.network(torch.as_tensor(x)))
        test_logits = result.network(torch.as_tensor(x_test))[0].numpy()
    Ws = [W.detach().numpy() for W in result.network.head.weights]
    b = result.network.head.b.detach().numpy() if bias else None
    objective = problem.objective(Ws, features[order].T, b)
    assert record_error("objective", abs(entry["objective"] / objective - 1), 1e-13)
    parts = entry["fit"] + entry["penalty_W"] + entry["penalty_H"]
    assert parts == pytest.approx(entry["objective"], rel=1e-14)
    assert entry["gap"] == pytest.approx(objective / result.minimizer.objective - 1, rel=1e-10)

    for reading in ("corrected", "as_printed"):
        expected = nc.measure(features, y, Ws, b, result.minimizer, reading=reading)
        for name, value in entry["metrics"][reading].items():
            reference = float(getattr(expected, name))
            if value is None:
                assert not math.isfinite(reference)
            else:
                assert value == pytest.approx(reference, rel=1e-9), name

    right = logits.argmax(axis=1) == y
    assert entry["train_accuracy"] == right.mean()
    assert entry["train_accuracy_per_class"] == [right[y == k].mean() for k in range(3)]
    right = test_logits.argmax(axis=1) == y_test
    assert entry["test_accuracy"] == right.mean()
    assert entry["test_accuracy_per_class"][1] is None  # no such test sample
    assert entry["test_accuracy_per_class"][2] == right[y_test == 2].mean()

    n = np.bincount(y)
    E = np.array([features[y == k].mean(axis=0) for k in range(3)]).T * np.sqrt(n)
    P = Ws[1] @ Ws[0]
    for name, A in {"product": P, "features": E, "prediction": P @ E}.items():
        expected = np.linalg.svd(A, compute_uv=False)[:3]
        assert entry["singular_values"][name] == pytest.approx(expected, rel=1e-9), name
    for W, values in zip(Ws, entry["singular_values"]["layers"], strict=True):
        assert values == pytest.approx(np.linalg.svd(W, compute_uv=False)[:3], rel=1e-9)


def test_history_is_plain_and_complete():
    result = train(config(epochs=30, evaluations=6), *blobs(), progress=False)
    assert [entry["epoch"] for entry in result.history] == history_epochs(30, 6)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
    seconds = [entry["seconds"] for entry in result.history]
    assert seconds == sorted(seconds)
    assert result.to_dict()["machine"]["torch"] == torch.__version__
    assert TrainingConfig.from_dict(result.to_dict()["config"]) == result.config
    assert "layers" not in result.history[-2]["singular_values"]
    assert repr(result).startswith("TrainingResult(epoch 30, objective=")


@pytest.mark.parametrize(
    ("epochs", "evaluations", "expected"),
    [(1, 60, [0, 1]), (7, 100, list(range(8))), (1000, 4, [0, 1, 10, 100, 1000]), (9, 1, [0, 9])],
)
def test_history_epochs(epochs, evaluations, expected):
    assert history_epochs(epochs, evaluations) == expected


# ---------------------------------------------------------------- the closed form


@pytest.mark.parametrize("head", few(["L1", "L3", "L2-bias-free"], ["L3", "L2-bias-free"]))
def test_training_comes_to_the_closed_form(head, record_error):
    """A real optimum: objective, geometry, singular values, accuracy."""
    depth, bias = int(head[1]), head != "L2-bias-free"
    settings = {
        "depth": depth,
        "bias": bias,
        "lambda_W": 0.02,
        "lambda_H": 0.02 if depth < 3 else 0.01,
        "epochs": 600,
        "learning_rate": 1e-2,
        "schedule": "cosine",
        "lambda_warmup": 0.5,
    }
    result = train(config(**settings), *blobs(spread=0.05), progress=False)
    final, best = result.final, result.minimizer
    corrected = final["metrics"]["corrected"]
    assert record_error("gap to the minimum after training", final["gap"], 1e-3)
    assert final["gap"] > -1e-6
    for name in ("nc2_w", "nc2_h", "nc2_wh"):
        assert record_error(f"{name} after training", corrected[name], 0.01)
    assert record_error("NC3 after training", corrected["nc3"], 0.03)
    assert final["train_accuracy"] == corrected["nc4"] == 1.0
    assert final["alive"] == best.alive == result.reached.alive
    assert result.reached.objective == best.objective
    values = final["singular_values"]
    alive = slice(best.alive)
    assert values["layers"][0][alive] == pytest.approx(best.sigma[alive], rel=0.01)
    assert values["prediction"][alive] == pytest.approx(best.z[alive], rel=0.01)
    assert corrected["lambda_H"] == pytest.approx(best.problem.lambda_H, rel=0.01)


def test_too_strong_penalties_end_at_zero():
    """From small weights, at a lambda where only one mode could survive: the zero minimum."""
    result = train(
        config(depth=3, lambda_W=0.2, lambda_H=0.2, epochs=300, learning_rate=1e-2),
        *blobs(),
        progress=False,
    )
    assert result.minimizer.alive == result.final["alive"] == result.reached.alive == 0
    assert result.final["gap"] < 1e-3
    assert result.final["metrics"]["corrected"]["nc2_wh"] is None  # 0/0 there, not a number


# ---------------------------------------------------------------- settings


def test_same_seed_same_bits_and_another_seed_others():
    data = blobs()
    runs = [train(config(seed=seed), *data, progress=False) for seed in (3, 3, 4)]
    first, same, other = (parameters(run.network) for run in runs)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_samples_are_reshuffled_each_epoch():
    run = trainer()
    orders = []
    run._batch_loss, original = (
        (lambda rows, f: (orders.append(rows), original(rows, f))[1]),
        (run._batch_loss),
    )
    run._train_epoch()
    run._train_epoch()
    steps = len(orders) // 2
    first, second = torch.cat(orders[:steps]), torch.cat(orders[steps:])
    assert not torch.equal(first, second)
    assert torch.equal(first.sort().values, second.sort().values)


def test_schedules():
    assert config().learning_rate_at(0.9) == 1e-3
    step = config(schedule="step")
    rates = [step.learning_rate_at(t) / 1e-3 for t in (0, 0.499, 0.5, 0.749, 0.75, 1)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    cosine = config(schedule="cosine")
    rates = [cosine.learning_rate_at(t) / 1e-3 for t in (0, 0.5, 1)]
    assert rates == pytest.approx([1, 0.5, 0], abs=1e-15)


def test_lambda_warmup_is_log_linear():
    assert config().lambda_factor_at(0) == 1
    rising = config(lambda_warmup=0.5)
    factors = [rising.lambda_factor_at(t) for t in (0, 0.25, 0.5, 1)]
    assert factors == pytest.approx([1e-3, 10**-1.5, 1, 1])


def test_rates_reach_the_optimiser():
    run = trainer(lambda_warmup=0.5, schedule="cosine", weight_decay=0.3, lambda_W=(0.01, 0.02))
    factor = run._set_rates(0.25)
    assert factor == pytest.approx(10**-1.5)
    decay = {
        parameter: group["weight_decay"]
        for group in run.optimizer.param_groups
        for parameter in group["params"]
    }
    head = run.network.head
    assert [decay[W] for W in head.weights] == pytest.approx([0.01 * factor, 0.02 * factor])
    assert decay[head.b] == 0
    assert {decay[p] for p in run.network.backbone.parameters()} == {0.3}
    assert len(decay) == len(list(run.network.parameters()))
    assert all(
        group["lr"] == 1e-3 * (1 + math.cos(math.pi / 4)) / 2
        for group in run.optimizer.param_groups
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 0}, "depth must be a whole number"),
        ({"lambda_W": -1.0}, "lambda_W must be positive"),
        ({"lambda_W": (0.1, 0.1, 0.1)}, "one per layer, depth = 2"),
        ({"lambda_H": 0.0}, "lambda_H must be positive"),
        ({"width": 0}, "width must be a whole number, at least 1; got 0"),
        ({"feature_dim": 2.5}, "feature_dim must be a whole number"),
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": True}, "batch_size must be"),
        ({"seed": -1}, "seed must be a whole number, at least 0"),
        ({"schedule": "linear"}, "schedule must be 'constant' or 'cosine' or 'step'; got 'linear'"),
        ({"dtype": "float16"}, "dtype must be"),
        ({"backbone": "resnet"}, "backbone must be"),
        ({"learning_rate": 0}, "learning_rate must be above 0 and finite; got 0"),
        ({"learning_rate": math.nan}, "learning_rate must be"),
        ({"lambda_warmup": 1}, "lambda_warmup must be at least 0 and below 1; got 1"),
        ({"weight_decay": -1e-4}, "weight_decay must be at least 0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        config(**settings)


def test_settings_of_the_wrong_type_are_refused():
    with pytest.raises(TypeError, match="learning_rate must be a number; got '1e-3'"):
        config(learning_rate="1e-3")
    with pytest.raises(TypeError, match="last_relu must be True or False; got 1"):
        config(last_relu=1)


def test_stored_settings_must_be_known_and_complete():
    stored = config(lambda_W=(0.1, 0.2)).to_dict()
    assert TrainingConfig.from_dict(json.loads(json.dumps(stored))) == config(lambda_W=(0.1, 0.2))
    with pytest.raises(ValueError, match=r"got \['momentum'\]"):
        TrainingConfig.from_dict({**stored, "momentum": 0.9})
    with pytest.raises(ValueError, match=r"must have \['depth'\]"):
        TrainingConfig.from_dict({k: v for k, v in stored.items() if k != "depth"})


# ---------------------------------------------------------------- precision, devices, other parts


def test_bfloat16_keeps_float32_and_leaves_no_setting_behind():
    before = torch.get_float32_matmul_precision()
    result = train(config(dtype="bfloat16", epochs=40), *blobs(), progress=False)
    assert {p.dtype for p in result.network.parameters()} == {torch.float32}
    assert torch.get_float32_matmul_precision() == before
    reference = train(config(epochs=40), *blobs(), progress=False)
    assert result.final["objective"] == pytest.approx(reference.final["objective"], rel=0.05)


def test_float64_runs_in_float64():
    result = train(config(dtype="float64"), *blobs(), progress=False)
    assert {p.dtype for p in result.network.parameters()} == {torch.float64}


def test_the_network_is_an_ordinary_one_afterwards():
    result = train(config(), *blobs(), progress=False)
    assert all(p.grad is None for p in result.network.parameters())
    assert result.network.backbone.gradient_memory is None


def test_device_is_chosen_from_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert chosen_device() == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert chosen_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device().type == "cuda"
    assert chosen_device("cpu") == CPU
    with pytest.raises(ValueError, match="float64"):
        train(config(dtype="float64"), *blobs(), device="mps", progress=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("loss", [nc.SquaredError(), nc.CrossEntropy([1, 2, 3], 0.1, 0.5)])
def test_cuda_comes_to_the_same_objective(dtype, loss):
    settings = {"dtype": dtype, "epochs": 60, "depth": 1, "loss": loss}
    here = train(config(**settings), *blobs(), device="cpu", progress=False)
    there = train(config(**settings), *blobs(), device="cuda", progress=False)
    tolerance = {"float64": 1e-9, "float32": 1e-3, "bfloat16": 0.05}[dtype]
    assert there.final["objective"] == pytest.approx(here.final["objective"], rel=tolerance)


def test_images_train_a_convolutional_network():
    x, y = blobs(d=36)
    result = train(
        config(backbone="conv", feature_dim=12, epochs=40), x.reshape(-1, 6, 6), y, progress=False
    )
    assert result.network.backbone.image_shape == (1, 6, 6)
    assert result.final["train_accuracy"] == 1.0
    assert result.final["objective"] < result.history[0]["objective"]


def test_a_head_with_relus_is_measured_as_far_as_it_goes():
    result = train(config(head="relu", depth=3), *blobs(), progress=False)
    values = result.final["metrics"]["corrected"]
    assert values["nc1"] > 0
    assert values["nc2_h"] > 0
    assert values["nc2_w"] is values["nc2_wh"] is values["nc3"] is values["nc4"] is None
    assert "product" not in result.final["singular_values"]


def test_progress_bar_says_how_long(capsys):
    train(config(), *blobs())
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "objective" in shown
    train(config(), *blobs(), progress=False)
    assert not capsys.readouterr().err


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_divergence_stops_with_the_epoch_and_the_last_good_checkpoint(tmp_path):
    run = config(learning_rate=1e4, epochs=50)
    with pytest.raises(DivergenceError, match=r"diverged in epoch \d+: .*lower learning_rate"):
        train(run, *blobs(), progress=False)
    with pytest.raises(DivergenceError, match="There is no checkpoint"):
        train(run, *blobs(), checkpoints=tmp_path, progress=False)


def test_an_interrupt_says_which_checkpoint_there_is_and_how_to_go_on(tmp_path, monkeypatch):
    train_epoch = engine._Trainer._train_epoch

    def interrupted(self):
        if self.epoch == 3:
            raise KeyboardInterrupt
        return train_epoch(self)

    monkeypatch.setattr(engine._Trainer, "_train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(config(), *blobs(), checkpoints=tmp_path, checkpoint_epochs=1, progress=False)
    (note,) = caught.value.__notes__
    path = tmp_path / "epoch-00000003.pt"
    assert note == f"The last good checkpoint is {path}. resume=True goes on from it."
    with pytest.raises(KeyboardInterrupt) as caught:
        train(config(), *blobs(), progress=False)
    assert caught.value.__notes__ == ["There is no checkpoint."]


def test_nan_is_never_written(tmp_path, monkeypatch):
    """A weight that turns NaN in the last step of an epoch, after the last loss was finite."""
    train_epoch = engine._Trainer._train_epoch

    def poisoned(self):
        loss = train_epoch(self)
        if self.epoch == 3:
            with torch.no_grad():
                self.network.head.weights[0][0, 0] = math.nan
        return loss

    monkeypatch.setattr(engine._Trainer, "_train_epoch", poisoned)
    with pytest.raises(DivergenceError, match=r"epoch 4: head.weights.0 is not finite.*00000003"):
        train(config(), *blobs(), checkpoints=tmp_path, checkpoint_epochs=1, progress=False)
    monkeypatch.undo()
    result = train(config(), *blobs(), checkpoints=tmp_path, resume=True, progress=False)
    assert math.isfinite(result.final["objective"])


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory"),
        MemoryError(),
    ],
)
def test_out_of_memory_says_what_to_lower(error, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setattr(engine._Trainer, "_batch_loss", fail)
    with pytest.raises(
        MemoryError, match=r"Lower width \(now 16\), depth \(2\) or batch_size \(16\)"
    ):
        train(config(), *blobs(), progress=False)


def test_a_network_too_large_to_be_made_says_what_to_lower():
    with pytest.raises(MemoryError, match=r"Lower width \(now 10000000\)"):
        train(config(width=10**7), *blobs(), progress=False)


def test_other_errors_stay_what_they_are(monkeypatch):
    def fail(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(engine._Trainer, "_batch_loss", fail)
    with pytest.raises(RuntimeError, match="something else"):
        train(config(), *blobs(), progress=False)


@pytest.mark.parametrize(
    ("samples", "labels", "error", "message"),
    [
        (np.zeros(4), [0, 1, 0, 1], ValueError, r"samples must have shape .*got \(4,\)"),
        (np.zeros((0, 3)), [], ValueError, "samples must have shape"),
        (np.full((2, 3), np.nan), [0, 1], ValueError, "samples must be finite"),
        (np.zeros((2, 3)), [0.0, 1.0], TypeError, "whole numbers; got torch.float"),
        (np.zeros((2, 3)), [0, 1, 1], ValueError, r"one for each of the 2 samples; got \(3,\)"),
        (np.zeros((2, 3)), [-1, 0], ValueError, "must not be negative; got -1"),
        (np.zeros((3, 3)), [0, 2, 2], ValueError, "every class; no samples of 1"),
        (np.zeros((2, 3)), [0, 0], ValueError, "2 to .* class counts"),
    ],
)
def test_bad_samples_are_refused(samples, labels, error, message):
    with pytest.raises(error, match=message):
        train(config(), samples, labels, progress=False)


def test_bad_test_samples_are_refused():
    x, y = blobs()
    with pytest.raises(ValueError, match=r"test samples must have shape \(8,\)"):
        train(config(), x, y, test=(x[:, :5], y), progress=False)
    with pytest.raises(ValueError, match="test labels must be from 0 to K - 1 = 2; got 3"):
        train(config(), x, y, test=(x, y + 1), progress=False)
