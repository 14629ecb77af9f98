"""What `nclib measure` says of a network, in words and tables."""

import re

import numpy as np
import pytest

import nclib as nc
from nclib.metrics import BALANCED

COUNTS = [40, 20, 10]
LABELS = np.repeat(np.arange(3), COUNTS)


def written(path, *, problem=None, features=None, labels=LABELS, **head):
    """A file of the optimum of a problem, or of the features and the head that are given."""
    if problem is not None:
        Ws, H_bar, b = nc.global_minimizer(problem).weights()
        features = H_bar.T[labels]
        head = {f"W{j}": W for j, W in enumerate(Ws, 1)} | ({} if b is None else {"b": b})
    np.savez(path, features=features, labels=labels, **head)
    return path


def tables(text):
    """The tables of a text by their titles, with the words of each row."""
    found = {}
    for part in re.split(r"\n(?=(?:Metrics|Classes|Modes)\b)", f"\n{text}")[1:]:
        name, *lines = part.splitlines()
        rule = next(
            i for i, line in enumerate(lines) if "\N{BOX DRAWINGS LIGHT HORIZONTAL}" in line
        )
        rows = []
        for line in lines[rule + 1 :]:
            if not line.strip():
                break
            rows.append(line.split())
        found[name] = (" ".join(" ".join(lines[:rule]).split()), rows)
    return found


@pytest.mark.parametrize(
    ("bias", "words"), [(True, "L = 2, bias; 2 of 2"), (False, "L = 2, no bias; 3 of 3")]
)
def test_at_the_optimum_all_of_it_is_said(nclib, tmp_path, bias, words):
    problem = nc.Problem(COUNTS, 2, bias=bias, lambda_W=0.01, lambda_H=0.001)
    path = written(tmp_path / "n.npz", problem=problem)
    command = ("measure", path, "--lambda-W", 0.01)
    text = nclib(*command).flat
    assert text.startswith(
        f"70 samples of 3 classes, 3 features; {words} modes alive at the optimum. "
        "Effective lambda_H, measured and used: 0.001. The theory applies to this network. Metrics"
    )
    given = nclib(*command, "--lambda-H", 0.002).flat
    assert "at the optimum. lambda_H given: 0.002; effective: 0.001. The theory does not" in given
    found = tables(nclib(*command).out)
    best = nc.global_minimizer(problem)
    head, rows = found["Classes"]
    assert head == "class samples predicted right right nearest mean"
    assert rows == [
        [f"{k}", f"{COUNTS[k]}", *["100", "%"] * 3] for k in range(3)
    ]  # fmt: skip
    head, rows = found["Modes, strongest first"]
    assert head.startswith("mode kappa z alive NC2^H")
    for j, row in enumerate(rows):
        alive = "yes" if j < best.alive else "no"
        assert row[:4] == [f"{j}", f"{best.kappa[j]:.4g}", f"{best.z[j]:.4g}", alive]
        # By mode, the optimum is measured at 0.
        assert len(row) == len(head.split())
        assert all(value == "-" or abs(float(value)) < 1e-6 for value in row[4:])
    for words in ("span", "not unique", "rows;", "literature"):
        assert words not in text


def test_without_a_head_only_what_needs_none_is_shown(nclib, tmp_path):
    problem = nc.Problem(COUNTS, 1, lambda_W=0.01, lambda_H=0.001)
    _, H_bar, _ = nc.global_minimizer(problem).weights()
    path = written(tmp_path / "n.npz", features=H_bar.T[LABELS])
    command = ("measure", path, "-L", 1, "--lambda-W", 0.01, "--lambda-H", 0.001)
    text = nclib(*command)
    found = tables(text.out)
    assert [row[0] for row in found["Metrics against the optimum"][1]] == [
        "NC1,",
        "NC2^H,",
    ]
    assert found["Classes"] == (
        "class samples predicted right",
        [[f"{k}", f"{n}", "100", "%"] for k, n in enumerate(COUNTS)],
    )
    assert found["Modes, strongest first"][0] == "mode kappa z alive NC2^H"
    assert "effective" not in text.flat
    assert "The theory" not in text.flat
    assert nclib(*command, "--json").json["bias"] is True
    assert nclib(*command, "--no-bias", "--json").json["bias"] is False


def test_where_the_class_means_span_less_than_those_of_the_optimum_it_is_said(nclib, tmp_path):
    path = written(
        tmp_path / "n.npz", features=np.eye(3)[[0, 1, 1]][LABELS], W=np.eye(3), b=np.zeros(3)
    )
    text = nclib("measure", path, "--lambda-W", 1e-3).flat
    assert (
        "The class means span 1 directions, those of the optimum 2: NC1 measures along 1." in text
    )


def test_where_the_optimum_is_not_unique_it_is_said(nclib, tmp_path):
    """Where a mode of a deep head is about to die it may as well be alive."""
    path = tmp_path / "n.npz"
    words = "The optimum is not unique: NC2 and NC3 need not be 0 at another one."
    for depth, there in ((1, False), (2, True)):
        problem = nc.Problem(COUNTS, depth, bias=False, lambda_W=1, lambda_H=1)
        lam = float(nc.collapse_factors(problem)[2])
        best = nc.global_minimizer(
            nc.Problem(COUNTS, depth, bias=False, lambda_W=lam, lambda_H=lam)
        )
        assert best.unique == (not there)
        head = {"W": np.eye(3)} if depth == 1 else {"W1": np.eye(3), "W2": np.eye(3)}
        written(path, features=np.eye(3)[LABELS], **head)
        text = nclib("measure", path, "--lambda-W", repr(lam), "--lambda-H", repr(lam)).flat
        assert (words in text) == there


def test_of_many_classes_the_first_and_the_last_are_shown(nclib, tmp_path):
    labels = np.tile(np.arange(31), 2)
    path = written(tmp_path / "n.npz", features=np.eye(31)[labels], labels=labels, W=np.eye(31))
    text = nclib("measure", path, "--lambda-W", 1e-6)
    found = tables(text.out)
    for name in ("Classes", "Modes, strongest first"):
        names = [row[0] for row in found[name][1]]
        assert names == [*map(str, range(15)), "...", *map(str, range(16, 31))]
    assert text.flat.count("31 rows; --json has all of them.") == 2


def test_metrics_of_the_balanced_literature_have_two_columns_of_words(nclib, tmp_path, monkeypatch):
    path = written(tmp_path / "n.npz", problem=nc.Problem(COUNTS, 1, lambda_W=0.01, lambda_H=0.001))
    monkeypatch.setenv("COLUMNS", "100")
    text = nclib("measure", path, "--lambda-W", 0.01, "--metrics", "balanced").out
    block = text.partition("balanced data\n")[2].partition("Classes")[0].splitlines()
    begins = {
        line.index(f" {metric.meaning.split()[0]} ", len(metric.label) + 1)
        for metric in BALANCED
        for line in block
        if line.startswith(f" {metric.label} ")
    }
    assert len(begins) == 1
    assert "value" in block[1]
    assert max(map(len, block)) <= 100
