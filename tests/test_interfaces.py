"""What people expect of every object: copies, pickles, equality, `repr`, tables, plain values."""

import copy
import functools
import importlib
import inspect
import json
import math
import pickle
import pkgutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import nclib as nc
from nclib._records import plain_values
from nclib.cli._measurement import Loaded, Measurement
from nclib.diagnosis import Prediction
from nclib.metrics import Accuracy, Measured, Metric, SecondPass
from nclib.training.data import ImageData, Normalization, imbalanced_subset
from nclib.training.engine import DivergenceError, TrainingConfig, TrainingResult, train
from nclib.training.experiments import Experiment, Result, Scale

COUNTS = [30, 5, 5, 2]
NAMES = ("cat", "dog", "<b>&amp;", "eel")
CONFIG = {"depth": 2, "lambda_W": 5e-4, "lambda_H": 1e-5, "width": 8, "epochs": 1}


def problem(depth=2, **changes):
    return nc.Problem(
        nc.ClassCounts(COUNTS, NAMES), depth, **{"lambda_W": 0.01, "lambda_H": 0.001} | changes
    )


def samples(size):
    best = nc.global_minimizer(problem())
    labels = np.repeat(np.arange(4), COUNTS)
    return size * best.weights()[1].T[labels], labels, best


def metrics(size):
    features, labels, best = samples(size)
    Ws, _, b = best.weights()
    return nc.measure(features, labels, Ws, b, best)


def images(shift):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 250, (42, 3, 4), dtype=np.uint8)
    return ImageData("noise", noise + np.uint8(shift), np.repeat(np.arange(4), COUNTS), NAMES)


@functools.cache
def trained(seed):
    data = images(0)
    config = TrainingConfig(**CONFIG, seed=seed)
    return train(config, data.images / 255.0, data.labels, progress=False)


def descent(seed):
    return nc.descend(problem(), 1, seed, max_steps=5, class_means=True)


def result(seed):
    config = TrainingConfig(**CONFIG, seed=seed)
    history = [{"epoch": 1, "gap": 0.5, "metrics": {"corrected": {"nc3": None}}}]
    return Result(Experiment("noise", COUNTS, config), history, {}, {"train": 42}, {}, 1.5)


def penalised(rho_b):
    return nc.theory.penalised_bias_minimizer(problem(1), rho_b)


def measured_modes(i):
    accumulator = nc.metrics.MetricsAccumulator(2, np.eye(2))
    accumulator.update(np.eye(2) * i, np.arange(2))
    return accumulator.modes(0.1)


def loss_problem(i, bias="free", **changes):
    counts = nc.ClassCounts([9, 5, 5, 2])
    loss = nc.CrossEntropy()
    return nc.LossProblem(counts, loss, bias=bias, lambda_W=0.01, lambda_H=0.001 * i, **changes)


def target_problem(i):
    targets = np.array([[1.0, 0.0, 0.5, 0.0], [0.0, 1.0, 0.5, i]])
    return nc.theory.TargetProblem.from_targets(targets, 2, lambda_W=0.01, lambda_H=0.001)


# For each class a function that makes two different objects, from 1 and from 2.
CLASSES = {
    nc.ClassCounts: lambda i: nc.ClassCounts([30, i], ["cat", "dog"]),
    nc.data.PublishedCounts: lambda i: list(nc.gallery().values())[i],
    nc.Problem: problem,
    nc.theory.ObjectiveParts: lambda i: problem(i).split(
        *nc.global_minimizer(problem(i)).weights()
    ),
    nc.Spectrum: lambda i: nc.Spectrum(COUNTS, bias=i == 1),
    nc.Minimizer: lambda i: nc.global_minimizer(problem(i)),
    nc.theory.LocalMinima: lambda i: nc.local_minima(problem(i)),
    nc.theory.TrainingAccuracy: lambda i: nc.global_minimizer(
        problem(lambda_W=100 ** (1 - i))
    ).training_accuracy(),
    nc.theory.ClassOutcomes: lambda i: nc.class_outcomes(nc.global_minimizer(problem(i))),
    nc.theory.FirstLoss: lambda i: nc.first_loss(problem(i)),
    nc.theory.RightCounts: lambda i: nc.right_counts(
        nc.Problem([9, 5, 2], i, lambda_W=1e-2, lambda_H=1)
    )[2],
    nc.data.Penalties: lambda i: nc.translate_penalties(COUNTS, weight_decay=0.1 * i),
    nc.data.ScriptModel: lambda i: nc.script_model(COUNTS, weight_decay=0.1 * i, lambda_H=0.1),
    nc.theory.TwoClassLimits: lambda i: nc.theory.two_class_limits(
        nc.Problem([3, i], 1, lambda_W=1, lambda_H=1)
    ),
    nc.theory.PenalisedBiasMinimizer: penalised,
    nc.SquaredError: lambda i: nc.SquaredError(class_weights=[1, 1, i, 3]),
    nc.CrossEntropy: lambda i: nc.CrossEntropy(label_smoothing=0.1 * i),
    nc.theory.Sampling: lambda i: nc.theory.Sampling([1, 1, 1, i]),
    nc.LossProblem: loss_problem,
    nc.theory.LossMinimizer: lambda i: nc.loss_minimizer(loss_problem(i)),
    nc.theory.NonNegativeMinimizer: lambda i: nc.loss_minimizer(
        loss_problem(i, bias="none", non_negative=True)
    ),
    nc.theory.CollapseFactors: lambda i: nc.theory.loss_collapse_factors(loss_problem(i)),
    nc.theory.LossMargins: lambda i: nc.theory.loss_margins(loss_problem(i)),
    nc.theory.TargetProblem: target_problem,
    nc.theory.TargetMinimizer: lambda i: nc.theory.target_minimizer(target_problem(i)),
    nc.theory.Descent: descent,
    nc.theory.DescentPath: lambda i: descent(i).path,
    nc.theory.LambdaSweep: lambda i: nc.theory.sweep_lambdas(
        descent(1), [1.0, 1.1], seed=i, max_steps=5
    ),
    nc.data.RecognisedLoss: lambda i: nc.data.recognise_loss(
        [[2.0, 0.5], [0.1, 0.3]], [0, 1], [[i, 0.5 * i], [0.1 * i, -0.7 * i]], [5, 3]
    ),
    nc.metrics.MeasuredModes: measured_modes,
    nc.metrics.NC1Result: lambda i: metrics(i).nc1,
    nc.metrics.Metrics: metrics,
    ImageData: images,
    Normalization: lambda i: Normalization.of(images(i)),
    TrainingConfig: lambda i: TrainingConfig(**CONFIG, seed=i),
    Experiment: lambda i: result(i).experiment,
    Result: result,
    Scale: lambda i: Scale(width=i, epochs=2, learning_rate=0.1),
}
every = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)

# Those that compare by identity: they hold a network, or change.
BY_IDENTITY = {nc.metrics.MetricsAccumulator, nc.Monitor, TrainingResult, SecondPass, Accuracy}

# What others are made from, and entries of the one list of metrics.
ABSTRACT = {nc.theory.Optimum, nc.theory.Loss, Measured, Metric, DivergenceError}


@functools.cache
def made(kind, i):
    """An object that has worked out all that it can."""
    one = CLASSES[kind](i)
    for name, attribute in inspect.getmembers(kind):
        if isinstance(attribute, property | functools.cached_property):
            getattr(one, name)
    return one


def pickled(one):
    return pickle.loads(pickle.dumps(one))


def test_no_public_class_is_forgotten():
    packages = (nc, nc.data, nc.metrics, nc.theory, nc.training)
    named = {getattr(package, name) for package in packages for name in package.__all__}
    public = {value for value in named if inspect.isclass(value) and value.__module__ != "typing"}
    assert public - ABSTRACT <= CLASSES.keys() | BY_IDENTITY


# ---------------------------------------------------------------- equality, copies, pickles


@every
def test_equal_is_what_has_the_same_content(kind):
    one, same, other = made(kind, 1), CLASSES[kind](1), CLASSES[kind](2)
    assert isinstance(one, kind)
    assert one is not same or kind is nc.data.PublishedCounts
    assert one == same
    assert (one != same) is False
    assert one != other
    assert one not in (3, None, "one")


@every
def test_equal_objects_have_equal_hashes_or_none(kind):
    one = made(kind, 1)
    try:
        hashed = hash(one)
    except TypeError:
        with pytest.raises(TypeError, match="unhashable"):
            hash(CLASSES[kind](1))
        return
    assert hashed == hash(CLASSES[kind](1)) == hash(pickled(one))


@every
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_copies_and_pickles_are_the_same(kind, again):
    one = made(kind, 1)
    other = again(one)
    assert type(other) is kind
    assert other == one
    assert repr(other) == repr(one)
    for name, attribute in inspect.getmembers(kind):
        if isinstance(attribute, property | functools.cached_property) and name[0] != "_":
            np.testing.assert_equal(str(getattr(other, name)), str(getattr(one, name)))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_copies_are_as_read_only(again):
    counts, data = again(made(nc.ClassCounts, 1)), again(made(ImageData, 1))
    spectrum = again(made(nc.Spectrum, 1))
    for array in (counts.n, counts.values, data.images, data.labels, spectrum.counts.n):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_pickles_leave_out_what_can_be_worked_out():
    best = nc.global_minimizer(nc.Problem([5] * 3000, 2, lambda_W=1e-4, lambda_H=1e-4))
    assert best.kappa.size == best.z.size == 3000
    assert len(pickle.dumps(best)) < 5 * len(pickle.dumps(best.problem.counts))


def test_nan_equals_nan_in_the_same_place():
    one, other = metrics(1), metrics(1)
    for each in (one, other):
        object.__setattr__(each, "nc3", math.nan)
        each.nc3_by_mode[0] = np.nan
    assert one == other
    other.nc3_by_mode[1] = np.nan
    assert one != other


@pytest.mark.parametrize("again", [copy.deepcopy, pickled])
@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
def test_a_copied_accumulator_goes_on_by_itself(again, library):
    features, labels, best = samples(1)
    features = library(features)
    Ws, _, b = best.weights()
    one = nc.metrics.MetricsAccumulator(4, Ws, b)
    one.update(features[:20], labels[:20])
    other = again(one)
    for accumulator in (one, other):
        accumulator.update(features[20:], labels[20:])
    assert repr(other) == "MetricsAccumulator(K=4: 42 samples)"
    one, other = one.second_pass(), again(again(other).second_pass())
    for second in (one, other):
        second.update(features, labels)
    assert one.compute(best) == other.compute(best) == nc.measure(features, labels, Ws, b, best)
    assert repr(one) == "SecondPass(K=4: 42 of 42 samples)"


@pytest.mark.parametrize("again", [copy.deepcopy, pickled])
def test_a_copied_result_of_training_has_its_network(again):
    one = trained(0)
    other = again(one)
    assert other.to_dict() == one.to_dict()
    for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(a, b)


# ---------------------------------------------------------------- repr and tables


@every
def test_repr_says_what_it_is_in_short(kind):
    said = repr(made(kind, 1))
    assert said.startswith(f"{kind.__name__}(")
    assert " object at 0x" not in said
    assert len(said) < 500


def test_reprs_of_large_objects_are_short():
    large = nc.ClassCounts(np.arange(1, 100_001))
    for one in (large, nc.Problem(large, 3, lambda_W=1e-6, lambda_H=1e-6), nc.Spectrum(large)):
        assert len(repr(one)) < 250


class Table(HTMLParser):
    """The cells of a table, row by row."""

    def __init__(self, html):
        super().__init__()
        self.caption, self.rows, self.tags, self.inside = "", [], [], None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "caption":
            self.caption += data
        elif self.inside in ("th", "td"):
            self.rows[-1][-1] += data


@pytest.mark.parametrize("kind", [nc.ClassCounts, nc.Problem, nc.Minimizer, nc.metrics.Metrics])
def test_tables_are_small_and_have_headers(kind):
    table = Table(made(kind, 1)._repr_html_())
    assert table.caption
    head, *rows = table.rows
    assert 2 <= len(head) <= 4
    assert 1 <= len(rows) <= 12
    assert {len(row) for row in rows} == {len(head)}
    scopes = [attributes.get("scope") for tag, attributes in table.tags if tag == "th"]
    assert scopes == ["col"] * len(head) + ["row"] * len(rows)
    allowed = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in table.tags} == allowed


def test_a_table_of_counts_shows_the_largest_and_escapes_names():
    html = nc.ClassCounts(COUNTS, NAMES)._repr_html_()
    assert "<b>" not in html
    table = Table(html)
    assert table.caption == "4 classes, 42 samples, 3 distinct counts"
    assert table.rows[1:3] == [["cat", "30", "71.43%"], ["dog", "5", "11.90%"]]
    assert table.rows[3][0] == "<b>&amp;"
    many = Table(nc.gallery()["places-lt"].counts._repr_html_())
    assert many.caption == "365 classes, 62,500 samples, 201 distinct counts; the 12 largest"
    assert [row[1] for row in many.rows[1:]][:3] == ["4,980", "2,612", "2,400"]
    assert len(many.rows) == 13


def test_a_table_of_a_problem_has_its_settings():
    table = Table(problem(lambda_W=[0.01, 0.02], widths=(9, 8))._repr_html_())
    assert dict(table.rows[1:]) == {
        "samples per class": "30 to 2",
        "linear layers L": "2",
        "bias": "free",
        "lambda_W": "0.01, 0.02 (W_1 first)",
        "lambda_H": "0.001",
        "widths": "9, 8",
    }


def test_a_table_of_a_problem_says_once_what_is_equal_in_all_layers():
    settings = dict(Table(problem(lambda_W=[0.01, 0.01])._repr_html_()).rows[1:])
    assert settings["lambda_W"] == "0.01"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 3])
def test_a_table_of_a_minimizer_says_what_becomes_of_the_classes(depth, bias):
    counts = nc.ClassCounts([50, 50, 20, 8, 8, 8])
    unit = nc.Problem(counts, depth, bias=bias, lambda_W=1, lambda_H=1)
    said = set()
    for factor in np.geomspace(0.5, 1.05, 12) * nc.collapse_factors(unit).max():
        one = nc.Problem(counts, depth, bias=bias, lambda_W=factor, lambda_H=factor)
        for best in {nc.global_minimizer(one), *nc.local_minima(one)}:
            means = best.weights()[1]
            right = best.training_accuracy().per_class
            rows = Table(best._repr_html_()).rows[1:]
            assert [row[:2] for row in rows] == [["50", "2"], ["20", "1"], ["8", "3"]]
            for j, (_, _, outcome, accuracy) in enumerate(rows):
                classes = np.flatnonzero(counts.group == j)
                distance = np.linalg.norm(means[:, classes, None] - means[:, None], axis=0)
                apart = ((distance > 1e-9).sum(axis=1) == counts.K - 1).sum()
                zero = np.linalg.norm(means[:, classes], axis=0) < 1e-9
                rest = "are 0" if zero.any() else "share one"
                expected = f"{apart} apart, the others {rest}" if apart else rest
                if apart == classes.size and not zero.any():
                    expected = "apart"
                assert outcome == expected
                assert accuracy == f"{right[classes].mean():.1%}"
                said.add(outcome)
    assert {"apart", "are 0"} <= said
    assert ("share one" in said) == bias


def test_a_table_of_metrics_has_what_was_measured():
    table = Table(metrics(1)._repr_html_())
    names = ["NC1", "NC2^W", "NC2^H", "NC2^WH", "NC3", "NC4", "lambda_H"]
    assert [row[0] for row in table.rows[1:]] == names
    features, labels, _ = samples(1)
    alone = nc.measure(features, labels)
    assert [row[0] for row in Table(alone._repr_html_()).rows[1:]] == ["NC1"]
    assert repr(alone).startswith("Metrics(corrected: NC1=")


# ---------------------------------------------------------------- plain values

WITH_DICTS = [kind for kind in CLASSES if hasattr(kind, "from_dict")]


def measured(i):
    features, labels, best = samples(i)
    Ws, _, b = best.weights()
    loaded = Loaded("here", features, labels, (Ws, b))
    lambda_W = best.problem.lambda_W
    return Measurement.of(loaded, Ws, b, lambda_W, None, True, balanced=True, progress=False)


# Records with to_dict, by their classes: what has no from_dict is made here.
TO_DICTS = {kind: CLASSES[kind] for kind in WITH_DICTS} | {
    TrainingResult: trained,
    Measurement: measured,
    Prediction: lambda i: Prediction.of(problem(lambda_W=0.4 * i), "here", None),
    nc.diagnosis.LossPrediction: lambda i: nc.diagnosis.predict(loss_problem(i)),
    nc.diagnosis.Band: lambda i: nc.diagnosis.Band.of(problem(lambda_W=0.4 * i)),
    nc.diagnosis.Leaving: lambda i: nc.diagnosis.penalties_for(problem(lambda_W=0.4 * i), 2.0),
    nc.diagnosis.Remedy: lambda i: nc.diagnosis.remedies(
        COUNTS, lambda_H=1e-3 * i, weight_decay=5e-4
    )[0],
}


def plain(value):
    """Whether a value is made of nothing but what `json` gives back as it is."""
    if type(value) is dict:
        return all(type(key) is str and plain(item) for key, item in value.items())
    if type(value) is list:
        return all(map(plain, value))
    return type(value) in (int, float, str, bool, type(None))


def test_no_record_with_plain_values_is_forgotten():
    found = set()
    for module in pkgutil.walk_packages(nc.__path__, "nclib."):
        if module.name != "nclib.__main__":
            loaded = importlib.import_module(module.name)
            found |= {
                value
                for value in vars(loaded).values()
                if inspect.isclass(value) and "to_dict" in vars(value)
            }
    here = {kind for kind in found if kind.__module__.startswith("nclib.")}
    here = {each for kind in here for each in (kind, *kind.__subclasses__())}
    here = {kind for kind in here if not kind.__name__.startswith("_")}
    assert here == TO_DICTS.keys()


@pytest.mark.parametrize("kind", TO_DICTS, ids=lambda kind: kind.__name__)
def test_plain_values_are_pythons_own(kind):
    content = TO_DICTS[kind](1).to_dict()
    assert plain(content)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_what_is_infinite_or_no_number_is_null():
    content = TO_DICTS[Prediction](1).to_dict()
    assert content["groups"][0]["right_up_to_factor"] is None  # the largest class is never lost
    assert plain_values({2: [np.inf, -np.inf, np.nan, np.float32(0.5)]}) == {
        "2": [None, None, None, 0.5]
    }


@pytest.mark.parametrize("kind", WITH_DICTS)
def test_plain_values_go_through_json_and_back(kind):
    one = made(kind, 1)
    text = json.dumps(one.to_dict(), allow_nan=False)
    assert kind.from_dict(json.loads(text)) == one


@pytest.mark.parametrize("kind", [kind for kind in WITH_DICTS if kind is not Result])
def test_plain_values_of_something_else_are_refused(kind):
    content = made(kind, 1).to_dict()
    with pytest.raises(ValueError, match="other"):
        kind.from_dict(content | {"other": 1})
    with pytest.raises(ValueError, match=next(iter(content))):
        kind.from_dict({key: content[key] for key in list(content)[1:]})
    with pytest.raises(TypeError):
        kind.from_dict(3)


def test_a_dict_of_metrics_has_null_for_nan_and_leaves_out_the_rest():
    features, labels, best = samples(1)
    gone = nc.measure(0 * features, labels, minimizer=best)
    assert math.isnan(gone.nc2_h)
    content = gone.to_dict()
    assert content["nc2_h"] is None
    assert content["nc1"]["value"] is None
    assert "nc2_w" not in content
    back = nc.metrics.Metrics.from_dict(json.loads(json.dumps(content, allow_nan=False)))
    assert back == gone
    assert back.nc2_w is None
    assert math.isnan(back.nc2_h)


def test_every_local_minimum_comes_back():
    for depth in (1, 2):
        for one in nc.local_minima(problem(depth)):
            assert nc.Minimizer.from_dict(one.to_dict()) == one
    content = nc.global_minimizer(problem(1)).to_dict()
    for depth, alive in ((1, 1), (2, 9)):
        content["problem"]["depth"] = depth
        content["problem"]["lambda_W"] = [0.01] * depth
        with pytest.raises(ValueError, match=rf"alive must be .* a local minimum .*got {alive}"):
            nc.Minimizer.from_dict(content | {"alive": alive})


# ---------------------------------------------------------------- numbers of every kind

KINDS = {
    "numpy": np.int64,
    "small": np.uint8,
    "numpy, 0-d": np.array,
    "torch": torch.tensor,
    "torch, small": lambda k: torch.tensor(k, dtype=torch.int8),
}

TAKE_INTEGERS = {
    "Problem": lambda k: nc.Problem(COUNTS, k, lambda_W=0.01, lambda_H=0.01, widths=[k] * int(k)),
    "exponential": lambda k: nc.ClassCounts.exponential(k, k, k),
    "step": lambda k: nc.ClassCounts.step(5, k, 2, k),
    "ClassCounts": lambda k: nc.ClassCounts([k, 5]),
    "counts of a problem": lambda k: nc.Problem({"a": k, "b": 5}, 1, lambda_W=1, lambda_H=1),
    "seed of weights": lambda k: nc.global_minimizer(problem()).weights(k)[1].tolist(),
    "descend": lambda k: nc.descend(problem(), k, k, max_steps=k, class_means=True),
    "lemma": lambda k: nc.theory.lemma_a2_threshold(k),
    "measure": lambda k: nc.measure(np.eye(3), [0, 1, 2], classes=k),
    "accumulator": lambda k: repr(nc.metrics.MetricsAccumulator(k)),
    "subset": lambda k: imbalanced_subset(images(0), [k, k, k, 1], seed=k),
    "config": lambda k: json.dumps(
        TrainingConfig(
            **CONFIG | {"depth": k, "width": k, "epochs": k},
            batch_size=k,
            feature_dim=k,
            seed=k,
            evaluations=k,
        ).to_dict()
    ),
}


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("use", TAKE_INTEGERS.values(), ids=TAKE_INTEGERS)
def test_integers_of_numpy_and_torch_are_as_pythons_own(use, number):
    assert use(number(3)) == use(3)


@pytest.mark.parametrize(
    "number",
    [True, np.True_, torch.tensor(True), 3.0, torch.tensor(3.0), np.timedelta64(3, "s"), "3"],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda k: nc.Problem(COUNTS, k, lambda_W=0.01, lambda_H=0.01),
        lambda k: nc.ClassCounts.exponential(k, 5, 2),
        lambda k: nc.metrics.MetricsAccumulator(k),
        lambda k: TrainingConfig(**CONFIG | {"width": k}),
        lambda k: nc.global_minimizer(problem()).weights(k),
        lambda k: imbalanced_subset(images(0), [3, 3, 3, 1], seed=k),
    ],
)
def test_what_is_no_integer_is_refused_by_name(use, number):
    name = "(depth|K|classes|width|seed)"
    with pytest.raises(ValueError, match=rf"{name} must be a whole number.*; got "):
        use(number)


@pytest.mark.parametrize(
    "number", [np.float32, np.float64, np.array, torch.tensor], ids=lambda kind: kind.__name__
)
def test_reals_of_numpy_and_torch_are_as_pythons_own(number):
    given = nc.Problem(COUNTS, 2, lambda_W=[number(0.5), number(0.25)], lambda_H=number(0.125))
    assert given == nc.Problem(COUNTS, 2, lambda_W=[0.5, 0.25], lambda_H=0.125)
    assert nc.Problem(COUNTS, 2, lambda_W=number(0.5), lambda_H=0.125).lambda_W == (0.5, 0.5)
    assert (
        TrainingConfig(**CONFIG | {"learning_rate": number(0.5)}).to_dict()["learning_rate"] == 0.5
    )


@pytest.mark.parametrize(
    "sequence", [tuple, np.array, torch.tensor, pd.Series], ids=lambda kind: kind.__name__
)
def test_sequences_of_every_kind_for_layers(sequence):
    given = problem(lambda_W=sequence([0.5, 0.25]), widths=sequence([9, 8]))
    assert given == problem(lambda_W=[0.5, 0.25], widths=(9, 8))


PETS = nc.ClassCounts([30, 5], ["cat", "dog"])


@pytest.mark.parametrize(
    "counts",
    [
        {"cat": 30, "dog": 5},
        pd.Series([30, 5], index=["cat", "dog"]),
        pd.DataFrame({"class": ["cat", "dog"], "count": [30, 5]}),
        pd.Series(["cat"] * 30 + ["dog"] * 5).value_counts(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_counts_of_every_kind_wherever_counts_are_asked_for(counts):
    assert nc.Problem(counts, 1, lambda_W=1, lambda_H=1).counts == PETS
    assert nc.Spectrum(counts).counts == PETS
    np.testing.assert_array_equal(
        nc.effective_label_matrix(counts), nc.effective_label_matrix(PETS)
    )
    assert Experiment("pets", counts, TrainingConfig(**CONFIG)).counts == PETS
    data = ImageData("pets", np.zeros((35, 2, 2), np.uint8), np.repeat([0, 1], [30, 5]), PETS.names)
    assert imbalanced_subset(data, counts, seed=0).counts == PETS


@pytest.mark.parametrize("path", ["counts.csv", Path("counts.csv"), "ham10000"])
def test_files_are_for_the_reader_alone(path):
    """Whatever else takes counts says so: one rule for paths and for names of data sets."""
    for use in (
        lambda: nc.Problem(path, 1, lambda_W=1, lambda_H=1),
        lambda: nc.Spectrum(path),
        lambda: nc.translate_penalties(path, weight_decay=0.1),
        lambda: nc.Monitor(torch.nn.Linear(3, 2), path, lambda_W=1e-3),
        lambda: Experiment("pets", path, TrainingConfig(**CONFIG)),
        lambda: nc.LossProblem(path, nc.CrossEntropy(), lambda_W=1, lambda_H=1),
    ):
        with pytest.raises(TypeError, match=r"of a file .*, take nclib\.read_counts"):
            use()


def test_counts_given_to_the_class_itself_say_where_dicts_go():
    with pytest.raises(TypeError, match=r"of a dict, take nclib\.read_counts"):
        nc.ClassCounts({"cat": 30, "dog": 5})
    with pytest.raises(ValueError, match="n must not have masked entries"):
        nc.ClassCounts(np.ma.array([3, 5], mask=[False, True]))
    with pytest.raises(ValueError, match=r"n\[1\] = inf"):
        nc.ClassCounts(np.array([3, np.inf], dtype=np.float16))
    assert nc.ClassCounts(np.array([3, 2048], dtype=np.float16)) == nc.ClassCounts([3, 2048])
