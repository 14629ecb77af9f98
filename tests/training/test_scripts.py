"""The stored runs of scripts: the verdict on each, against its numbers and the theory's own."""

from pathlib import Path

import numpy as np
import pytest

import nclib as nc
from nclib.diagnosis import BAND, Observation, Outside, judge
from nclib.training.scripts import (
    RULES,
    answers_table,
    load_script_runs,
    predicted_by,
    rule_table,
    verdict_table,
)

FOLDER = Path(__file__).resolve().parents[2] / "book" / "results" / "scripts"
RUNS = {kind: load_script_runs(FOLDER, kind) for kind in ("thresholds", "judged", "decay")}
ALL = [run for runs in RUNS.values() for run in runs]


def named(run):
    return f"{run['case']['images']}: {run['case']['name']}"


def observation(run):
    seen = dict(run["observation"])
    seen["lambda_H"] = np.array(seen["lambda_H"])
    seen["on_edge"] = tuple(seen["on_edge"])
    seen["outside"] = tuple(Outside(what, "") for what in seen["outside"])
    return Observation(**seen)


@pytest.mark.parametrize("run", ALL, ids=named)
def test_the_answer_is_that_of_the_numbers_and_lost_is_what_was_not_right(run):
    assert judge(observation(run)).answer == run["answer"]
    right = np.array(run["accuracy_by_class"])
    assert run["lost"] == np.flatnonzero(right < 0.5).tolist()


def covered(run):
    """Whether the optimum can be written down here without the monitor."""
    case = run["case"]
    plain = case["loss"] == "mse" and not (case["bias"] and case["everywhere"])
    return plain and run["lambda_H"] is not None and case["sampler"] == "none"


@pytest.mark.parametrize("run", list(filter(covered, ALL)), ids=named)
def test_what_is_predicted_is_the_optimum_for_what_was_measured(run):
    case = run["case"]
    problem = nc.Problem(
        run["counts"],
        case["depth"],
        bias=case["bias"],
        lambda_W=run["lambda_W"],
        lambda_H=run["lambda_H"],
    )
    right = nc.global_minimizer(problem).training_accuracy().per_class
    assert run["predicted_lost"] == np.flatnonzero(right < 0.5).tolist()


@pytest.mark.parametrize("run", [run for run in ALL if run["case"]["strength"]], ids=named)
def test_the_penalties_are_those_of_the_script(run):
    case, n = run["case"], np.array(run["counts"])
    if run["lambda_W"] is None:
        assert case["optimizer"] == "adamw"
        return
    product = case["strength"] * np.sqrt(n.min()) / n.sum()
    lambda_W = product * np.sqrt(13)
    assert run["lambda_W"] == pytest.approx([lambda_W] * case["depth"], rel=2e-3)
    # Where the theory applies the effective penalty on the features is that of the loss.
    if run["answer"] == "applies":
        assert run["lambda_H"] == pytest.approx(product / np.sqrt(13), rel=0.05)


def agreeing(runs, answer):
    of_answer = [run for run in runs if run["answer"] == answer]
    return sum(run["lost"] == run["predicted_lost"] for run in of_answer), len(of_answer)


def test_where_it_applies_the_classes_are_as_predicted():
    for kind in ("thresholds", "judged"):
        runs = RUNS[kind]
        right, number = agreeing(runs, "applies")
        assert right == number > 4
        rough, roughly = agreeing(runs, "roughly")
        assert rough >= roughly - 1
        assert number + roughly >= len(runs) / 3
        # The theory's own setting.
        own = [run for run in runs if run["case"]["name"] == "squared error, feature penalty"]
        assert [run["answer"] for run in own] == ["applies"]
    assert {run["case"]["images"] for run in RUNS["judged"]} == {"cifar10_subset"}
    assert {run["case"]["images"] for run in RUNS["thresholds"]} == {"digits"}


def test_no_rule_names_a_class_in_vain_and_none_names_all():
    for rule in RULES:
        told = [(predicted_by(rule, run), set(run["lost"])) for run in RUNS["decay"]]
        assert all(named <= lost for named, lost in told)
        assert any(named < lost for named, lost in told)
    counted = sum(len(predicted_by("layers below counted", run)) for run in RUNS["decay"])
    assert (counted, sum(len(run["lost"]) for run in RUNS["decay"])) == (90, 155)
    assert {run["answer"] for run in RUNS["decay"]} <= {"does not apply", "not yet at rest"}


def test_the_band_holds_what_was_measured_without_a_feature_penalty():
    runs = [run for run in ALL if run["case"]["strength"] is None]
    found = [run["lambda_H"] * sum(run["counts"]) for run in runs]
    assert len(found) == 49
    assert BAND[0] < min(found) < max(found) < BAND[1]
    # As its words say.
    assert (f"{min(found):.1g}", f"{max(found):.2g}") == ("0.0009", "0.11")


def test_tables_count_what_is_in_them():
    table = verdict_table(RUNS["judged"])
    assert len(table.rows) == len(RUNS["judged"]) == 19
    by_answer = {
        answer: (number, right) for answer, number, right in answers_table(RUNS["judged"]).rows
    }
    assert by_answer["applies"] == (7, 7)
    assert sum(number for number, _ in by_answer.values()) == 19
    as_predicted = sum(row[-1] == "as predicted" for row in table.rows)
    assert as_predicted == sum(right for _, right in by_answer.values())
    rules = rule_table(RUNS["decay"]).rows
    assert [sum(column) for column in zip(*(row[1:3] for row in rules[:-1]), strict=True)] == [
        45,
        155,
    ]
    assert rules[-1][:3] == ("exactly right in", 45, 155)


def test_a_set_that_is_none_is_refused():
    with pytest.raises(ValueError, match="kind must be"):
        load_script_runs(FOLDER, "all")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["squared error, feature penalty, strong", "cross-entropy, feature penalty, strong"]
)
def test_a_run_can_be_repeated(name, tmp_path):
    from tools.script_runs import SETS, train

    (case,) = [case for case in SETS["thresholds"]() if case.name == name]
    (stored,) = [run for run in RUNS["thresholds"] if run["case"]["name"] == name]
    again = train(case, tmp_path)
    assert (again["answer"], again["lost"]) == (stored["answer"], stored["lost"])
    assert again["lambda_H"] == pytest.approx(stored["lambda_H"], rel=1e-2)
    assert again["observation"]["outside"] == stored["observation"]["outside"]
