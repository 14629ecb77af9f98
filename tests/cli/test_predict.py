"""`nclib predict`: its numbers against theorems and the library, its errors, its report."""

import json
import math
import re
import sys
from html import escape

import numpy as np
import pytest

import nclib as nc
from nclib import _files
from nclib.theory.prediction import class_fates, misclassification_factors, smallest_counts

PAPER = ("cifar10-paper", "--depth", "3", "--lambda-W", "5e-4", "--lambda-H", "1e-5")


def write_counts(folder, n, names=None):
    path = folder / "counts.csv"
    rows = [
        f"{c}" if names is None else f"{name},{c}" for c, name in zip(n, names or n, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_one_layer_without_bias_is_theorem_4_1(nclib, tmp_path, record_error):
    n, lambda_W, lambda_H = np.array([900, 400, 100, 25]), 6e-3, 5e-3
    found = nclib(
        "predict", write_counts(tmp_path, n), "-L", 1, "--lambda-W", lambda_W,
        "--lambda-H", lambda_H, "--no-bias", "--json",
    ).json  # fmt: skip
    N, tau = n.sum(), math.sqrt(lambda_W * lambda_H)
    alive = n > N**2 * lambda_W * lambda_H
    assert found["modes_alive"] == alive.sum() == 3
    logits = np.diag(np.maximum(1 - N * tau / np.sqrt(n), 0))
    error = np.abs(np.array(found["logits"]) - logits).max()
    assert record_error("predict: logits of Theorem 4.1", error, 1e-14)
    for group, count, lives in zip(found["groups"], n, alive, strict=True):
        factor = math.sqrt(count) / (N * tau)
        assert group["samples"] == count
        assert (group["right"] == 1) == lives
        assert group["right_up_to_factor"] == pytest.approx(factor, rel=1e-8)
        # n > (n + R)^2 lambda_W lambda_H, R the samples of the others
        sizes = np.arange(1, np.delete(n, n == count).max() + 1)
        right = sizes > (sizes + N - count) ** 2 * lambda_W * lambda_H
        smallest = int(sizes[right][0]) if right.any() else None
        assert group["smallest_count"] == smallest


def test_two_classes_are_lost_where_the_closed_form_says(nclib, tmp_path):
    problem = nc.Problem([900, 100], 1, lambda_W=1e-3, lambda_H=1e-3)
    path = write_counts(tmp_path, [900, 100])
    arguments = ("-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3)
    common, rare = nclib("predict", path, *arguments, "--json").json["groups"]
    assert common["right_up_to_factor"] is None  # right even at total collapse
    limits = nc.two_class_limits(problem)
    assert rare["right_up_to_factor"] == pytest.approx(limits.wrong, rel=1e-10)


def test_the_paper_counts_are_what_the_library_says(nclib):
    found = nclib("predict", *PAPER, "--json").json
    problem = nc.Problem(nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=1e-5)
    best = nc.global_minimizer(problem)
    assert found["objective"] == best.objective
    assert found["accuracy"] == 1.0
    np.testing.assert_array_equal(found["logits"], best.logits())
    kappa = np.repeat([m["kappa"] for m in found["modes"]], [m["modes"] for m in found["modes"]])
    np.testing.assert_array_equal(kappa, best.kappa[:9])
    dies = np.repeat(
        [m["dies_at_factor"] for m in found["modes"]], [m["modes"] for m in found["modes"]]
    )
    np.testing.assert_array_equal(dies, nc.collapse_factors(problem)[:9])
    assert [g["classes"] for g in found["groups"]] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert found["first_death_by_depth"]["3"] == nc.collapse_factors(problem)[8]
    text = nclib("predict", *PAPER)
    assert text.code == 0
    assert text.err == ""
    assert "9 of 9 modes are alive" in text.out
    assert "15.3" in text.out


def test_without_lambda_H_the_outcome_goes_from_all_alive_to_none(nclib):
    found = nclib("predict", *PAPER[:-2], "--json").json
    rows = found["outcomes"]
    assert rows[0]["modes_alive"] == 9
    assert rows[-1]["modes_alive"] == 0
    for row in rows:
        best = nc.global_minimizer(
            nc.Problem(nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=row["lambda_H"])
        )
        assert row["modes_alive"] == best.alive
        assert row["accuracy"] == best.training_accuracy().overall
        assert row["classes_merged"] == sum(map(len, best.merged_classes()))
    for end, alive in (("first", 9), ("last", 1)):
        at = found[f"{end}_mode_dies_at_lambda_H"]
        for factor, expected in ((1 - 1e-9, alive), (1 + 1e-9, alive - 1)):
            problem = nc.Problem(
                nc.ClassCounts.cifar10_paper(), 3, lambda_W=5e-4, lambda_H=factor * at
            )
            assert nc.global_minimizer(problem).alive in (expected, expected - 1)
    assert "All 9 modes are alive while lambda_H is below" in nclib("predict", *PAPER[:-2]).out


def test_penalties_may_differ_by_layer(nclib):
    found = nclib(
        "predict", "ecoli", "-L", 2, "--lambda-W", 1e-3, "--lambda-W", 4e-3, "--lambda-H", 1e-3,
        "--json",
    ).json  # fmt: skip
    problem = nc.Problem(nc.read_counts("ecoli"), 2, lambda_W=(1e-3, 4e-3), lambda_H=1e-3)
    assert found["objective"] == nc.global_minimizer(problem).objective
    assert found["first_death_by_depth"] == {}


def test_lost_classes_and_what_to_change_are_said(nclib):
    arguments = ("predict", "ham10000", "-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3)
    found = nclib(*arguments, "--json").json
    lost = [g for g in found["groups"] if g["right"] < 1]
    assert lost
    words = " ".join(found["verdict"] + found["advice"])
    for group in lost:
        assert group["classes"][0] in words
        if group["smallest_count"]:
            assert f"{group['smallest_count']:,} samples" in words
    # The factor that the advice names does what it says.
    factor = float(re.search(r"multiplied by (\S+), every class", words).group(1))
    problem = nc.Problem(
        nc.read_counts("ham10000"), 1, lambda_W=5e-4 * factor, lambda_H=5e-3 * factor
    )
    assert misclassification_factors(problem).min() == pytest.approx(2, rel=0.05)
    assert nc.global_minimizer(problem).training_accuracy().overall == 1
    assert "Weaken the penalties" in nclib(*arguments).out


def test_nothing_is_advised_where_nothing_is_in_danger(nclib):
    assert nclib("predict", *PAPER, "--json").json["advice"] == []


def test_margins_of_named_classes_alone(nclib, tmp_path):
    n = [5000 - 7 * k for k in range(150)]
    path = write_counts(tmp_path, n, [f"c{k}" for k in range(150)])
    arguments = ("predict", path, "-L", 2, "--lambda-W", 1e-5, "--lambda-H", 1e-5, "--json")
    assert not any("smallest_count" in g for g in nclib(*arguments).json["groups"])
    found = nclib(*arguments, "--class", "c149", "--class", 3).json["groups"]
    known = {g["classes"][0]: g for g in found if "smallest_count" in g}
    problem = nc.Problem(n, 2, lambda_W=1e-5, lambda_H=1e-5)
    assert list(known) == ["c3", "c149"]
    assert [g["smallest_count"] for g in known.values()] == smallest_counts(
        problem, [3, 149]
    ).tolist()
    assert nclib(*arguments, "--class", "c150").failed("'c150'", "from 0 to 149")


def test_counts_from_the_standard_input(nclib):
    found = nclib(
        "predict", "-", "-L", 2, "--lambda-W", 1e-3, "--lambda-H", 1e-3, "--json",
        stdin='{"cat": 30, "dog": 5}',
    ).json  # fmt: skip
    assert [g["classes"] for g in found["groups"]] == [["cat"], ["dog"]]


def test_names_cannot_give_orders_to_the_terminal(nclib, tmp_path):
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({"\x1b[31m[bold]red": 30, "<b>": 10}))
    arguments = ("predict", path, "-L", 2, "--lambda-W", 1e-2, "--lambda-H", 1e-2)
    text = nclib(*arguments, "--report", tmp_path / "r.html")
    assert "\x1b" not in text.out
    assert "\\x1b[31m[bold]" in text.out
    assert "<b>" not in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert nclib(*arguments, "--json").json["groups"][0]["classes"] == ["\x1b[31m[bold]red"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ecoli",),
        ("ecoli", "-L", 0, "--lambda-W", 1),
        ("ecoli", "-L", 1.5, "--lambda-W", 1),
        ("ecoli", "-L", 1, "--lambda-W", 0),
        ("ecoli", "-L", 1, "--lambda-W", "nan"),
        ("ecoli", "-L", 1, "--lambda-W", "inf"),
        ("ecoli", "-L", 1, "--lambda-W", 1, "--lambda-H", -1),
        ("ecoli", "-L", 3, "--lambda-W", 1, "--lambda-W", 2),
        ("ecoli", "-L", 1, "--lambda-W", 1, "--report", "r.html"),
        ("ecoli", "-L", 1, "--lambda-W", 1, "--colour"),
    ],
    ids=str,
)
def test_wrong_usage_is_exit_code_2(nclib, arguments):
    outcome = nclib("predict", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no class counts"),
        ("a,1\nb,2".encode("utf-16"), "UTF-16"),
        (b"a,1\nb,nan\n", "line 2"),
        (b"a,1\nb,inf\n", "line 2"),
        (b"a,1\nb,-2\n", "line 2"),
        (b"a,1\nb,two\n", "line 2"),
        (b'a,"1,000"\nb,2\n', "thousands"),
        (b"5\n", "2 to 1,000,000"),
        (b"\x80\x04\x95", "UTF-8"),
    ],
    ids=str,
)
def test_bad_counts_are_one_line(nclib, tmp_path, content, words):
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    report = tmp_path / "r.html"
    arguments = ("-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3, "--report", report)
    assert nclib("predict", path, *arguments).failed(words)
    assert nclib("predict", path, *arguments, "--json").failed(words)
    assert not report.exists()


def test_a_file_that_is_not_there_is_one_line(nclib, tmp_path):
    assert nclib("predict", tmp_path / "none.csv", "-L", 1, "--lambda-W", 1).failed("none.csv")
    assert nclib("predict", tmp_path, "-L", 1, "--lambda-W", 1).failed("0 sub-folders")


# ---------------------------------------------------------------- the report


@pytest.fixture(scope="module")
def page(nclib, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    outcome = nclib(
        "predict", "ham10000", "-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3, "--report", path
    )
    assert outcome.code == 0
    assert f"{path}" in outcome.out.replace("\n", "")
    return path.read_text(encoding="utf-8")


def test_the_report_says_what_the_command_says(nclib, page):
    found = nclib(
        "predict", "ham10000", "-L", 1, "--lambda-W", 5e-4, "--lambda-H", 5e-3, "--json"
    ).json
    for line in found["verdict"] + found["advice"]:
        assert escape(line) in page
    for group in found["groups"]:
        assert f"<td>{group['samples']:,}</td>" in page
        assert f"<td>{group['own_logit']:.4g}</td>" in page
    for mode in found["modes"]:
        assert f"<td>{mode['kappa']:.4g}</td>" in page


def test_the_report_asks_nothing_of_the_network(page):
    assert "default-src 'none'" in page
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", markup)
    assert "@import" not in markup
    assert "url(http" not in markup


def test_charts_of_the_report_hold_what_nclib_computes(page):
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert len(blocks) == 2
    content = json.loads(blocks[0])
    assert content["rows"] == 6 * 21 * 7
    columns = {
        name: column if isinstance(column, list) else None
        for name, column in content["columns"].items()
    }
    # The last slider moves fastest: L = 3 is third, factor 1 in the middle.
    start = (2 * 21 + 10) * 7
    problem = nc.Problem(nc.read_counts("ham10000"), 3, lambda_W=5e-4, lambda_H=5e-3)
    fates = class_fates(nc.global_minimizer(problem))
    np.testing.assert_allclose(columns["own"][start : start + 7], fates.own_logit, rtol=1e-5)
    np.testing.assert_allclose(columns["other"][start : start + 7], fates.rival_logit, rtol=1e-5)


def test_a_report_that_fails_leaves_the_old_one(nclib, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    assert nclib("predict", *PAPER, "--report", path).failed("No space left")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_for_which_a_package_is_missing_says_what_to_install(nclib, tmp_path, monkeypatch):
    for name in list(sys.modules):
        if name.startswith(("nclib.report", "nclib.views.explorables")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "altair", None)
    outcome = nclib("predict", *PAPER, "--report", tmp_path / "r.html")
    assert outcome.failed('pip install ".[book]" in a copy of the repository')
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- scale


@pytest.mark.slow
@pytest.mark.parametrize("more", [("--lambda-H", "1e-12"), ("--lambda-H", "1e-12", "--json"), ()])
def test_a_million_classes(cost_of, tmp_path, more):
    rng = np.random.default_rng(0)
    values = rng.choice(np.arange(1, 10**6), 1000, replace=False)
    n = np.concatenate([values, rng.choice(values, 10**6 - 1000)])
    path = tmp_path / "million.csv"
    path.write_text("name,count\n" + "".join(f"class{k},{c}\n" for k, c in enumerate(n)))
    cost = cost_of("predict", path, "-L", 3, "--lambda-W", 1e-9, *more)
    assert "1,000,000" in cost.out or "1000000" in cost.out
    assert cost.work < 80
    assert cost.peak < 10**6
