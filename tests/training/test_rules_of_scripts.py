"""The rules that say which classes a script will lose, and their tables, of runs by hand."""

import pytest

import nclib as nc
from nclib.training.scripts import (
    RULES,
    answers_table,
    predicted_by,
    rule_table,
    verdict_table,
)


def a_run(lost=(), predicted=(), below=2, activation="relu", **changes):
    run = {
        "case": {"name": "a script", "below": below, "activation": activation},
        "answer": "applies",
        "lost": list(lost),
        "predicted_lost": None if predicted is None else list(predicted),
        "counts": [40, 15, 5],
        "lambda_W": [0.01, 0.02],
        "lambda_H": 0.001,
        "lambda_H_of_first_layer": 0.002,
        "observation": {"lambda_H": [0.003, 0.004, 0.0005]},
    }
    return run | changes


@pytest.mark.parametrize(
    ("rule", "depth", "lambda_H"),
    [
        ("lambda_H of the head", 1, 0.001),
        ("the largest of a mode", 1, 0.004),
        ("layers below counted", 2, 0.002),
    ],
)
def test_each_rule_is_a_model(rule, depth, lambda_H):
    problem = RULES[rule](a_run())
    assert isinstance(problem, nc.Problem)
    assert (problem.depth, problem.lambda_H) == (depth, lambda_H)
    assert problem.lambda_W == (0.01,) * depth
    assert problem.counts == nc.ClassCounts([40, 15, 5])
    right = nc.global_minimizer(problem).training_accuracy().per_class
    assert predicted_by(rule, a_run()) == {k for k in range(3) if right[k] < 0.5}


def test_classes_that_are_right_in_half_are_not_named():
    # Of two classes in a tie whichever wins is right.
    tied = a_run(counts=[5, 5], lambda_W=[10.0], lambda_H=10.0)
    assert predicted_by("lambda_H of the head", tied) == set()
    unequal = a_run(counts=[6, 5], lambda_W=[10.0], lambda_H=10.0)
    assert predicted_by("lambda_H of the head", unequal) == {1}


def test_a_verdict_says_how_many_more_or_fewer_were_lost():
    runs = [
        a_run([1, 2], [1, 2]),
        a_run([1, 2], [2]),
        a_run([], [1, 2]),
        a_run([0, 1], [2]),
        a_run([1], None),
    ]
    assert [row[2:] for row in verdict_table(runs).rows] == [
        (2, 2, "as predicted"),
        (2, 1, "1 more"),
        (0, 2, "2 fewer"),
        (2, 1, "2 more, 1 fewer"),
        (1, "unknown", ""),
    ]
    answers = answers_table([*runs, a_run([], [], answer="does not apply")])
    assert answers.rows == (("applies", 5, 1), ("does not apply", 1, 1))


def test_the_table_of_rules_counts_what_is_named_and_what_in_vain():
    strong = {"lambda_W": [10.0], "lambda_H": 10.0, "lambda_H_of_first_layer": 10.0,
              "observation": {"lambda_H": [1e-9]}}  # fmt: skip
    # By the first rule and the third classes 1 and 2 are lost, by the second none.
    runs = [
        a_run([1, 2], below=1, **strong),
        a_run([2], below=1, **strong),
        a_run([], below=2, **strong, activation="tanh"),
    ]
    assert [predicted_by(rule, runs[0]) for rule in RULES] == [{1, 2}, set(), {1, 2}]
    weak = {"lambda_W": [1e-9], "observation": {"lambda_H": [1e-9]}}
    assert predicted_by("the largest of a mode", a_run(**weak)) == set()
    runs.append(a_run([0], below=2, activation="tanh", **weak))
    assert rule_table(runs).rows == (
        ("relu, 1 layer below", 2, 3, "3 + 1", "0 + 0", "3 + 1"),
        ("tanh, 2 layers below", 2, 1, "0 + 2", "0 + 0", "0 + 2"),
        ("exactly right in", 4, 4, "1", "1", "1"),
    )
