"""descend: free features by gradient reach the closed form, or report what is stuck at zero."""

import ast
import inspect
import re

import numpy as np
import pytest
from brute_force import FreeProblem, curvatures, objective_and_gradient
from instances import arrays_of, formula
from reference import collapse_factors

import nclib as nc
from nclib.theory import descent


def make(n, depth, bias, fraction, widths=None):
    """Unequal lambdas at `fraction` of the first death."""
    lambda_W = tuple(1.0 + 0.5 * j for j in range(depth))
    deaths = collapse_factors(n, depth, bias, lambda_W, 0.8)
    factor = fraction * deaths[deaths > 0].min()
    return nc.Problem(
        n,
        depth,
        bias=bias,
        lambda_W=tuple(float(factor * lam) for lam in lambda_W),
        lambda_H=float(0.8 * factor),
        widths=widths,
    )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("n", "widths", "fraction"),
    [
        ((3, 2, 1), None, 0.5),
        ((3, 2, 1), (7,), 1.4),
        ((2, 4, 2, 1), (2,), 0.3),
        ((4, 1), None, 3.0),
        ((2, 2, 2), None, 0.5),
    ],
)
def test_depth_one_reaches_the_global_minimum_from_any_start(
    n, widths, fraction, bias, record_error
):
    problem = make(n, 1, bias, fraction, widths)
    for seed, scale in ((0, 1.0), (1, 0.01), (2, 10.0)):
        found = nc.descend(problem, starts=1, seed=seed, scale=scale)
        assert record_error(
            "descend, L = 1", abs(found.objective - formula(problem).objective), 1e-9
        )
        assert len(found.stuck) == 0


@pytest.mark.parametrize(
    ("depth", "bias"),
    [
        (2, True),
        (2, False),
        (3, True),
        (3, False),
        (6, True),
        pytest.param(6, False, marks=pytest.mark.slow),
    ],
)
def test_deeper_the_best_of_several_starts_reaches_the_global_minimum(depth, bias, record_error):
    problem = make((3, 2, 1), depth, bias, 0.3)
    # Without bias a mode that starts with the wrong sign has to pass through zero, where it
    # stays: at six layers few starts get all three right.
    hard = depth == 6 and not bias
    found = nc.descend(problem, starts=40 if hard else 10, seed=0, scale=2.0 if hard else 1.0)
    assert record_error("descend, L > 1", abs(found.objective - formula(problem).objective), 1e-9)
    assert len(found.stuck) == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_plain_gradient_steps_reach_it_too(depth, record_error):
    problem = make((3, 2, 1), depth, True, 0.3)
    found = nc.descend(problem, starts=1, seed=0, method="gradient", learning_rate=1.0)
    # first-order steps: the objective is known to the square of the last gradient only
    assert record_error(
        "descend by gradient steps", abs(found.objective - formula(problem).objective), 1e-7
    )


def test_class_means_reach_the_same_minimum():
    problem = make((3, 2, 1), 2, True, 0.3)
    found = nc.descend(problem, seed=0, class_means=True)
    assert found.H.shape == (3, 3)
    assert found.objective == pytest.approx(formula(problem).objective, abs=1e-9)


def test_no_descent_ends_below_the_closed_form():
    for depth in (1, 2, 3):
        for bias in (True, False):
            problem = make((2, 3, 1), depth, bias, 0.7)
            objectives = nc.descend(problem, starts=6, seed=4).objectives
            assert min(objectives) > formula(problem).objective - 1e-14


@pytest.mark.parametrize("method", ["lbfgs", "gradient"])
@pytest.mark.parametrize("depth", [2, 3])
def test_a_tiny_start_ends_at_zero_and_reports_every_mode_as_stuck(depth, method):
    """Zero is a local minimum of every mode for L >= 2, at every lambda."""
    problem = make((3, 2, 1), depth, True, 0.3)
    starts = {"lbfgs": 2, "gradient": 1}[method]
    found = nc.descend(problem, starts, seed=0, scale=1e-3, method=method, learning_rate=1.0)
    total_collapse = 0.5 * (1 - (9 + 4 + 1) / 36)
    assert nc.global_minimizer(problem).alive == 2
    np.testing.assert_allclose(found.objectives, total_collapse, rtol=0, atol=1e-9)
    assert sorted(found.stuck) == [0, 1]
    assert max(np.abs(W).max() for W in found.Ws) < 1e-3


def test_the_same_tiny_start_at_depth_one_is_not_stuck():
    problem = make((3, 2, 1), 1, True, 0.3)
    found = nc.descend(problem, starts=1, seed=0, scale=1e-3)
    assert found.objective == pytest.approx(formula(problem).objective, abs=1e-9)
    assert len(found.stuck) == 0


def test_modes_that_the_global_minimiser_gives_up_are_not_stuck():
    problem = make((9, 4, 1), 2, True, 1.3)
    assert nc.global_minimizer(problem).alive == 1
    found = nc.descend(problem, starts=8, seed=0)
    assert found.objective == pytest.approx(formula(problem).objective, abs=1e-9)
    assert len(found.stuck) == 0


def test_objective_is_that_of_the_returned_point():
    problem = make((3, 2, 1), 2, True, 0.5, (4, 2))
    found = nc.descend(problem, starts=4, seed=1)
    free = FreeProblem((3, 2, 1), 2, True, problem.lambda_W, problem.lambda_H, (4, 2))
    f, gradient = objective_and_gradient([*found.Ws, found.H, found.b], free)
    assert found.objective == pytest.approx(f, rel=1e-14)
    assert found.objective == min(found.objectives)
    assert len(found.objectives) == 4
    assert max(np.abs(g).max() for g in gradient) < 1e-7
    assert [W.shape for W in found.Ws] == [(2, 4), (3, 2)]
    assert (found.H.shape, found.b.shape) == ((4, 6), (3,))
    assert nc.descend(make((3, 2, 1), 2, False, 0.5), starts=1).b is None


def test_descent_is_determined_by_the_seed():
    problem = make((3, 2, 1), 2, True, 0.5)
    first, again = (nc.descend(problem, starts=2, seed=3) for _ in range(2))
    other = nc.descend(problem, starts=2, seed=4)
    np.testing.assert_array_equal(first.objectives, again.objectives)
    np.testing.assert_array_equal(first.H, again.H)
    assert np.abs(first.H - other.H).max() > 1e-3


def test_gradient_steps_never_raise_the_objective():
    path = nc.descend(
        make((3, 2, 1), 2, True, 0.5), starts=1, method="gradient", max_steps=1000
    ).path
    assert path.objective.size > 5
    assert (np.diff(path.objective) <= 0).all()
    assert (np.diff(path.step) > 0).all()


def every_sample(found):
    """Features and predictions of all samples at the end of a descent, from its weights alone."""
    n = np.array(found.problem.counts.n)
    label = np.repeat(np.arange(n.size), n)
    H = found.H if found.H.shape[1] == n.sum() else found.H[:, label]
    means = np.stack([H[:, label == k].mean(axis=1) for k in range(n.size)], axis=1)[:, label]
    prediction = means
    for W in found.Ws:
        prediction = W @ prediction
    return H, means, prediction


@pytest.mark.parametrize("method", ["lbfgs", "gradient"])
@pytest.mark.parametrize("class_means", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_the_path_is_what_the_weights_of_each_step_give(bias, class_means, method, record_error):
    """Over all samples, with a dense projector in place of weighted means.

    With a bias the prediction is centred: the samples' mean is for the bias to answer. A start has
    features whose mean is not 0, so that it shows.
    """
    problem = make((5, 3, 2), 2, bias, 0.3)
    settings = {"seed": 1, "method": method, "class_means": class_means}
    path = nc.descend(problem, starts=1, max_steps=6, **settings).path
    assert path.step.tolist() == list(range(7))
    N, differ = problem.N, []
    centre = np.eye(N) - np.ones((N, N)) / N
    for step in range(1, 7):
        found = nc.descend(problem, starts=1, max_steps=step, **settings)
        H, means, prediction = every_sample(found)
        plain, centred = (
            np.linalg.svd(matrix, compute_uv=False)[:3]
            for matrix in (prediction, prediction @ centre)
        )
        error = np.abs(path.z[step] - (centred if bias else plain)).max()
        assert record_error("path of a descent, z", error, 1e-12)
        assert path.variability[step] == pytest.approx(
            np.mean((H - means) ** 2) / np.mean(H**2), abs=1e-14
        )
        differ.append(np.abs(centred - plain).max())
    assert max(differ) > 0.05


def test_fewer_steps_end_higher():
    problem = make((3, 2, 1), 2, True, 0.3)
    short = nc.descend(problem, starts=1, seed=0, method="gradient", max_steps=3)
    longer = nc.descend(problem, starts=1, seed=0, method="gradient", max_steps=300)
    assert short.path.step[-1] <= 3
    assert longer.objective < short.objective


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("problem", None),
        ("problem", (3, 2, 1)),
        ("starts", 0),
        ("starts", -1),
        ("starts", 1.5),
        ("starts", "2"),
        ("starts", True),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", "a"),
        ("method", "newton"),
        ("method", None),
        ("scale", 0),
        ("scale", -1.0),
        ("scale", float("nan")),
        ("scale", float("inf")),
        ("learning_rate", 0),
        ("learning_rate", -0.1),
        ("learning_rate", float("nan")),
        ("max_steps", 0),
        ("max_steps", 2.5),
        ("max_steps", "10"),
    ],
)
def test_bad_arguments_are_refused_by_name(argument, value):
    arguments = {"problem": make((3, 2, 1), 1, True, 0.5), argument: value}
    with pytest.raises((ValueError, TypeError), match=argument):
        nc.descend(**arguments)


@pytest.mark.parametrize("class_means", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("depth", "widths", "let_through"),
    [
        (1, None, 1),
        (2, None, 1),
        (1, (15,), 1 / 2),
        (1, (60,), 1 / 2),
        (2, (60, 30), 1 / 2),
        (2, (15, 60), 1 / 4),
    ],
)
def test_a_start_has_the_size_of_a_solution(depth, widths, let_through, bias, class_means):
    """Layers are orthonormal and features Gaussian, each of size kappa^(1/(L+1)) when scaled.

    So the squares of the singular values of what K classes are answered have the mean kappa^2, less
    the share of one mode that a bias answers, and less what a width does not let through.
    """
    n, scale = [7] + [3] * 14 + [1] * 15, 0.7
    unit = nc.Problem(n, depth, bias=bias, lambda_W=2.0, lambda_H=0.3, widths=widths)
    path = nc.descend(unit, 1, 0, scale=scale, max_steps=1, class_means=class_means).path
    expected = (30 - bias) * let_through * nc.Spectrum(n, bias=bias).kappa[0] ** 2
    found = (path.z[0] ** 2).sum() / scale ** (2 * (depth + 1))
    assert found == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(
    ("depth", "bias"), [(1, False), (2, False), (2, True), (3, False), (3, True)]
)
def test_the_first_gradient_step_is_as_long_as_the_stiffest_direction_says(depth, bias):
    """Relative to one over the largest curvature where the layers alike fit the labels.

    With all penalties 1 the scaled variables are the plain ones. (With one layer the direction in
    which the bias and the features' mean move together can be stiffer by some percent.)
    """
    n, unit = (3, 2, 1), (1.0,) * depth
    fit = nc.global_minimizer(nc.Problem(n, depth, bias=bias, lambda_W=1e-9, lambda_H=1e-9))
    free = FreeProblem(n, depth, bias, unit, 1.0, (3,) * depth)
    stiffest = curvatures(free, arrays_of(fit))[-1]
    problem = nc.Problem(n, depth, bias=bias, lambda_W=1.0, lambda_H=1.0)
    settings = {"starts": 1, "method": "gradient", "max_steps": 1, "scale": 0.5}
    start = nc.descend(problem, learning_rate=1e-300, **settings)
    moved = nc.descend(problem, learning_rate=0.01, **settings)
    arrays = [*start.Ws, start.H, *([start.b] if bias else [])]
    _, gradient = objective_and_gradient(arrays, free)
    for before, after, slope in zip(arrays, [*moved.Ws, moved.H, moved.b], gradient, strict=False):
        np.testing.assert_allclose(before - after, 0.01 / stiffest * slope, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("class_means", [True, False])
def test_modes_are_stuck_below_a_thousandth_of_what_they_should_be(class_means):
    """As a small start grows, step by step: each mode is stuck at first and is not later."""
    problem, seen = make((5, 2, 1), 1, True, 0.3), set()
    best = nc.global_minimizer(problem)
    for steps in range(1, 25):
        found = nc.descend(
            problem, 1, scale=0.01, method="gradient", learning_rate=0.5, max_steps=steps,
            class_means=class_means,
        )  # fmt: skip
        prediction = every_sample(found)[2]
        z = np.linalg.svd(prediction - prediction.mean(axis=1, keepdims=True), compute_uv=False)
        share = z[: best.alive] / best.z[: best.alive]
        assert found.stuck == tuple(np.flatnonzero(share < 1e-3).tolist())
        seen.add(len(found.stuck))
    assert seen == {0, 1, 2}


def test_a_start_has_no_bias():
    """Nothing is answered yet, so that the fit costs half of the labels' mean square."""
    path = nc.descend(make((3, 2, 1), 2, True, 0.3), 1, scale=1e-8, max_steps=1).path
    assert path.objective[0] == pytest.approx(0.5, abs=1e-14)


@pytest.mark.parametrize("kick", [0.5, 2.0])
@pytest.mark.parametrize("depth", [1, 2])
def test_a_push_has_the_size_of_a_solution(depth, kick):
    """From zero, with steps too small to matter: as of a start, but all layers are Gaussian."""
    n = [7] + [3] * 14 + [1] * 15
    problem = nc.Problem(n, depth, lambda_W=2.0, lambda_H=0.3)
    zero = nc.global_minimizer(problem)
    assert zero.alive == 0
    sweep = descent.sweep_lambdas(zero, [1.0, 1.0], kick=kick, learning_rate=1e-300, max_steps=1)
    expected = 29 * nc.Spectrum(n).kappa[0] ** 2 * kick ** (2 * (depth + 1))
    assert (sweep.z[0] ** 2).sum() == pytest.approx(expected, rel=0.25)
    # The second push comes on top of the first.
    assert (sweep.z[1] ** 2).sum() > 1.5 * (sweep.z[0] ** 2).sum()


def test_snapshots_are_every_step_at_first_and_then_one_in_ten_percent():
    path = nc.descend(make((3, 2, 1), 2, True, 0.3), 1, method="gradient", max_steps=500).path
    step = path.step
    assert step[:11].tolist() == list(range(11))
    assert step[-1] == 500
    ratio = step[11:-1] / step[10:-2]
    assert (ratio >= 1.1).all()
    assert (ratio <= 1.1 + 1.01 / step[10:-2]).all()


def test_a_descent_stops_where_no_entry_of_the_gradient_is_large():
    """Long before its last step, and with the gradient, scaled, at 1e-9 or so."""
    problem = make((3, 1), 1, True, 0.5)
    found = nc.descend(problem, 1, max_steps=5000)
    assert found.path.step[-1] < 1000
    free = FreeProblem((3, 1), 1, True, problem.lambda_W, problem.lambda_H, (2,))
    _, gradient = objective_and_gradient([*found.Ws, found.H, found.b], free)
    scales = [np.sqrt(problem.lambda_W[0]), np.sqrt(problem.lambda_H), 1.0]
    assert max(np.abs(g).max() / s for g, s in zip(gradient, scales, strict=True)) < 3e-9


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (nc.descend, {"starts", "seed", "method", "scale", "learning_rate", "max_steps"}),
        (descent.sweep_lambdas, {"kick", "seed"}),
    ],
)
def test_what_is_not_given_is_as_the_words_say(function, words):
    """Read from the parameters of the docstring."""
    problem = make((3, 1), 1, True, 0.5)
    found = nc.descend(problem)
    assert len(found.objectives) == 5
    np.testing.assert_array_equal(found.H, nc.descend(problem, 5, 0, method="lbfgs").H)
    assert found.H.shape == (2, 4)
    said = dict(re.findall(r"^ +(\w+) : .*, default (.*)$", function.__doc__, re.MULTILINE))
    assert words <= said.keys()
    parameters = inspect.signature(function).parameters
    for name, value in said.items():
        assert parameters[name].default == ast.literal_eval(value)
    assert parameters["max_steps"].default == 10_000
    sweep = inspect.signature(descent.sweep_lambdas).parameters
    assert sweep["learning_rate"].default == 1.0  # ten times that of a descent


@pytest.mark.parametrize("argument", ["starts", "max_steps"])
def test_less_than_one_start_or_step_is_refused(argument):
    with pytest.raises(ValueError, match=f"{argument} must be a whole number, at least 1"):
        nc.descend(make((3, 1), 1, True, 0.5), **{argument: 0})
    with pytest.raises(ValueError, match="max_steps must be a whole number, at least 1"):
        descent.sweep_lambdas(nc.global_minimizer(make((3, 1), 1, True, 0.5)), [1.0], max_steps=0)


def test_the_best_of_the_starts_is_returned_wherever_it_stands():
    problem = make((3, 2, 1), 3, False, 0.3)
    found = nc.descend(problem, starts=3, seed=4, max_steps=40)
    assert np.ptp(found.objectives) > 0.01
    assert found.objectives.argmin() == 2
    assert found.objective == found.objectives.min()
    assert found.path.objective[-1] == pytest.approx(found.objective, rel=1e-14)
    assert problem.objective(found.Ws, found.H, found.b) == pytest.approx(found.objective)


@pytest.mark.parametrize("widths", [None, (4, 2), (2, 5), (7, 7)])
def test_layers_of_a_start_are_orthonormal_up_to_one_size(widths):
    """In the scaled units of the penalties; wide and tall ones alike."""
    problem = make((3, 2, 1), 2, True, 0.5, widths)
    found = nc.descend(problem, 1, method="gradient", learning_rate=1e-300, max_steps=1)
    sizes = []
    for W, lam in zip(found.Ws, problem.lambda_W, strict=True):
        values = np.linalg.svd(W, compute_uv=False) * np.sqrt(lam)
        np.testing.assert_allclose(values, values[0], rtol=1e-12)
        sizes.append(values[0])
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-12)


@pytest.mark.parametrize("learning_rate", [3.0, 1e3, 1e6])
def test_a_step_that_is_too_long_is_halved_until_the_objective_falls(learning_rate):
    """By trying halves of it from the shortest on: the longest that all lower it is taken."""
    settings = {"starts": 1, "method": "gradient", "max_steps": 1}
    problem = make((3, 2, 1), 1, True, 0.3)
    start = nc.descend(problem, learning_rate=1e-300, **settings)
    shortest = nc.descend(problem, learning_rate=learning_rate * 2.0**-24, **settings)
    falls, steps = [], 2.0 ** -np.arange(24.0, -1.0, -1)
    for step in steps * 2.0**24:
        Ws, H, b = (
            [W + step * (V - W) for W, V in zip(start.Ws, shortest.Ws, strict=True)],
            start.H + step * (shortest.H - start.H),
            start.b + step * (shortest.b - start.b),
        )
        falls.append(problem.objective(Ws, H, b) <= start.objective)
    assert not falls[-1]
    longest = steps[np.flatnonzero(falls)[-1]]
    found = nc.descend(problem, learning_rate=learning_rate, **settings)
    moved = np.abs(found.H - start.H).max() / np.abs(shortest.H - start.H).max()
    assert moved == pytest.approx(longest * 2.0**24, rel=1e-5)
    settings["max_steps"] = 40
    path = nc.descend(problem, learning_rate=learning_rate, **settings).path
    assert (np.diff(path.objective) <= 0).all()
    assert path.objective[-1] < 0.2 * path.objective[0]


def test_gradient_steps_end_where_the_gradient_is_small():
    problem = make((2, 2, 2), 1, False, 0.6)
    settings = {"starts": 1, "method": "gradient", "learning_rate": 1.0}
    found = nc.descend(problem, **settings, max_steps=500)
    last = int(found.path.step[-1])
    assert last < 500
    free = FreeProblem((2, 2, 2), 1, False, problem.lambda_W, problem.lambda_H, (3,))
    largest = []
    for end in (found, nc.descend(problem, **settings, max_steps=last - 1)):
        _, gradient = objective_and_gradient([*end.Ws, end.H], free)
        scales = [np.sqrt(problem.lambda_W[0]), np.sqrt(problem.lambda_H)]
        largest.append(max(np.abs(g).max() / s for g, s in zip(gradient, scales, strict=True)))
    assert largest[0] <= 1e-9 < largest[1]


@pytest.mark.parametrize(("size", "said"), [(1e80, r"1e\+80"), (1e200, r"1e\+200")])
def test_a_start_whose_objective_overflows_is_refused(size, said):
    """With or without the gradient, which overflows later with one layer."""
    problem = make((3, 2, 1), 1, True, 0.3)
    for method in ("lbfgs", "gradient"):
        with pytest.raises(ValueError, match=f"scale must leave the objective finite; got {said}"):
            nc.descend(problem, 1, scale=size, method=method)
    with pytest.raises(ValueError, match=f"kick must leave the objective finite; got {said}"):
        descent.sweep_lambdas(nc.global_minimizer(problem), [1.0], kick=size)


# ---------------------------------------------------------------- sweeps of lambda


def test_a_sweep_goes_on_from_where_a_descent_ended():
    problem = make((3, 2, 1), 2, True, 0.03)
    found = nc.descend(problem, starts=3, seed=0, class_means=True)
    sweep = descent.sweep_lambdas(found, [1.0, 5.0])
    np.testing.assert_array_equal(sweep.factors, [1.0, 5.0])
    assert sweep.z.shape == (2, 3)
    for factor, z, objective in zip(sweep.factors, sweep.z, sweep.objective, strict=True):
        expected = formula(
            nc.Problem(
                (3, 2, 1),
                2,
                lambda_W=tuple(factor * lam for lam in problem.lambda_W),
                lambda_H=factor * problem.lambda_H,
            )
        )
        np.testing.assert_allclose(
            z, np.linalg.svd(expected.prediction, compute_uv=False), atol=1e-3
        )
        assert objective == pytest.approx(expected.objective, abs=1e-7)


@pytest.mark.parametrize("widths", [(5, 4), (4, 2), (2, 7)])
def test_a_sweep_goes_through_layers_of_any_width(widths):
    start = nc.global_minimizer(make((3, 2, 1), 2, True, 0.03, widths))
    sweep = descent.sweep_lambdas(start, [1.0])
    np.testing.assert_allclose(sweep.z[0], start.z, atol=1e-3)
    assert sweep.objective[0] == pytest.approx(start.objective, abs=1e-7)


def test_a_sweep_is_determined_by_its_seed():
    start = nc.global_minimizer(make((3, 1), 2, True, 0.5))
    first, again, other = (
        descent.sweep_lambdas(start, [1.0, 1.5], seed=seed, max_steps=20) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.z, again.z)
    assert np.abs(first.z - other.z).max() > 0


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("start", None),
        ("start", make((3, 1), 1, True, 0.5)),
        ("factors", [1.0, 0.0]),
        ("factors", [-1.0]),
        ("kick", 0),
        ("seed", -1),
        ("learning_rate", 0),
        ("max_steps", 0),
    ],
)
def test_bad_arguments_of_a_sweep_are_refused_by_name(argument, value):
    start = nc.global_minimizer(make((3, 1), 2, True, 0.5))
    arguments = {"start": start, "factors": [1.0], argument: value}
    with pytest.raises((ValueError, TypeError), match=argument):
        descent.sweep_lambdas(**arguments)


def test_a_sweep_needs_class_means():
    found = nc.descend(make((3, 1), 1, True, 0.5), starts=1)
    with pytest.raises(ValueError, match="class_means"):
        descent.sweep_lambdas(found, [1.0])
