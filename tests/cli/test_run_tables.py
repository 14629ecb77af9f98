"""What `nclib train` and `nclib results` say of a run: hand-made ones, with numbers to look for."""

import re
from pathlib import Path

import pytest

from nclib._text import share_text
from nclib.cli.results import save_figure, show_results
from nclib.cli.train import (
    how_to_go_on,
    in_order_of,
    read_training_counts,
    show_result,
    verdict,
)
from nclib.metrics import AGAINST_OPTIMUM, COLLAPSE, DRAWN
from nclib.theory import ClassCounts
from nclib.training import data, experiments
from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment
from nclib.training.results import Result, result_path
from nclib.views.figures import runs

COUNTS = [30, 20, 10]


def result(
    *, bias=True, digest=None, counts=COUNTS, test=0.875, is_global=True, alive=2, **reached
):
    """A result of an experiment that nobody has run."""
    K = len(counts)
    config = TrainingConfig(depth=2, lambda_W=0.02, lambda_H=0.002, bias=bias, epochs=1234, seed=5)
    corrected = {metric.key: 0.25 + j for j, metric in enumerate(COLLAPSE)} | {"nc2_w": None}
    printed = {metric.key: 0.75 + j for j, metric in enumerate(COLLAPSE)}
    final = {
        "objective": 0.123456789, "gap": 0.0376, "alive": alive,
        "train_accuracy": 0.75, "train_accuracy_per_class": [1 / 8 * (k % 8) for k in range(K)],
        "test_accuracy": test,
        "test_accuracy_per_class": None if test is None else [0.0625 * (k % 16) for k in range(K)],
        "metrics": {"corrected": corrected, "as_printed": printed},
    }  # fmt: skip
    there = {
        "alive": alive,
        "objective": 0.1,
        "gap": 0.00456,
        "is_global": is_global,
        "metrics": {},
    }
    return Result(
        Experiment("pets", ClassCounts(counts), config, digest),
        [final], there | reached, {"train": 60, "test": 9, "left_out": 0}, {}, 12.7,
    )  # fmt: skip


def flat(capsys):
    return " ".join(capsys.readouterr().out.split())


# ---------------------------------------------------------------- one run


def test_which_minimum_a_run_came_to():
    assert verdict(result()) == (
        "The run has as many modes alive as the global minimum, and its objective is 3.76 % above "
        "it."
    )
    assert verdict(result(is_global=False, alive=1)) == (
        "The run has 1 mode alive, the global minimum 2: it came to another local minimum, or has "
        "not settled. Its objective is 0.456 % above that local minimum and 3.76 % above the "
        "global one."
    )


@pytest.mark.parametrize(("bias", "total"), [(True, 2), (False, 3)])
def test_a_run_is_shown_beside_the_closed_form(capsys, bias, total):
    run = result(bias=bias)
    show_result(run)
    text = flat(capsys)
    best = run.experiment.minimizer
    assert "pets: L = 2, 1,234 epochs, 13 s measured closed form" in text
    assert f"objective 0.123457 {best.objective:.6g} " in text
    assert f"modes alive 2 of {total} {best.alive} of {total} " in text
    assert "training accuracy 75 % 100 % test accuracy 87.5 % - " in text
    for j, metric in enumerate(COLLAPSE):
        corrected = "-" if metric.key == "nc2_w" else f"{0.25 + j:.4g}"
        assert f"{metric.key} {corrected} {0.75 + j:.4g}" in text
    assert "0 30 0 % 100 % 0 % 1 20 12.5 % 100 % 6.25 % 2 10 25 % 100 % 12.5 %" in text
    assert "local minimum that was reached" not in text


def test_without_test_images_nothing_is_said_of_them(capsys):
    show_result(result(test=None))
    text = flat(capsys)
    assert "test accuracy - - " in text
    assert "0 30 0 % 100 % - 1 20 12.5 % 100 % - 2 10 25 % 100 % -" in text


def test_the_metrics_against_another_minimum_are_shown_where_there_are_any(capsys):
    metrics = {metric.key: 0.125 + j for j, metric in enumerate(AGAINST_OPTIMUM)}
    for is_global, values, there in (
        (False, metrics, True),
        (False, {}, False),
        (True, metrics, False),
    ):
        show_result(result(is_global=is_global, metrics=values))
        text = flat(capsys)
        assert ("Metrics against the local minimum that was reached" in text) == there
        for key, value in metrics.items():
            assert (f"{key} {value:.4g}" in text) == there


def test_of_many_classes_the_first_and_the_last_are_shown(capsys):
    run = result(counts=[100 - k for k in range(32)])
    show_result(run)
    text = flat(capsys)
    right = [share_text(k) for k in run.experiment.minimizer.training_accuracy().per_class]
    assert f"14 86 75 % {right[14]} 87.5 % ... ... ... ... ... 17 83 12.5 % {right[17]} " in text
    assert f"31 69 87.5 % {right[31]} 93.75 % 32 rows; --json has all of them." in text


def test_counts_are_numbers_with_commas_or_what_is_read_elsewhere(tmp_path):
    assert read_training_counts("30, 20,10").n.tolist() == [30, 20, 10]
    (tmp_path / "counts,1.csv").write_text("a,5\nb,6\n")
    for path in (tmp_path / "counts,1.csv", tmp_path / "7"):
        if not path.exists():
            path.write_text("5\n6\n")
        assert read_training_counts(f"{path}").n.tolist() == [5, 6]
    with pytest.raises(FileNotFoundError):
        read_training_counts("30")


def test_counts_by_name_are_brought_into_the_order_of_the_images():
    counts = ClassCounts([3, 2, 1], names=["eel", "cat", "dog"])
    assert in_order_of(["cat", "dog", "eel"], counts).n.tolist() == [2, 1, 3]
    assert in_order_of(["cat", "dog", "ant"], counts).n.tolist() == [3, 2, 1]
    assert in_order_of(["cat", "dog", "eel"], ClassCounts([3, 2, 1])).n.tolist() == [3, 2, 1]


# ---------------------------------------------------------------- several


def test_a_row_of_results_has_what_was_asked_and_what_came_of_it(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    several = [result(), result(bias=False, test=None, is_global=False, alive=1)]
    show_results(several)
    text = flat(capsys)
    assert text.startswith("2 results ")
    assert "1 pets, bias 2 5 1,234 2 of 2 3.76 % 0.456 % 75 % 87.5 % " in text
    assert "2 pets, no bias 2 5 1,234 1 of 3 3.76 % 0.456 % 75 % - " in text
    values = [None if m.key == "nc2_w" else 0.25 + COLLAPSE.index(m) for m in DRAWN]
    for number in (1, 2):
        row = " ".join("-" if value is None else f"{value:.1e}" for value in values)
        assert f" {number} {row}" in text
    assert "1 of 2 have another number of modes alive than their global minimum." in text
    show_results(several[:1])
    assert "All have as many modes alive as their global minimum." in flat(capsys)


def test_images_of_one_name_are_told_apart_by_their_content(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    one, other = "0123456789abcdef" * 4, "fedcba9876543210" * 4
    show_results([result(digest=one), result(digest=other), result()])
    text = flat(capsys)
    for which in ("0123456", "fedcba9", "by name"):
        assert f"pets [{which}], bias" in text
    show_results([result(digest=one), result(digest=other)])
    assert "pets [fedcba9], bias" in flat(capsys)
    show_results([result(digest=one), result(digest=one)])
    assert "[" not in flat(capsys)


def test_the_names_of_runs_are_repeated_on_a_narrow_page(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    show_results([result()])
    text = capsys.readouterr().out
    assert len(re.findall(r"^ 1  +pets, bias  ", text, re.MULTILINE)) == 2
    assert text.count(" seed ") == text.count(" L ") == 1


def test_a_folder_of_results_is_listed_and_other_files_are_passed_over(nclib, tmp_path):
    paths = [result(bias=bias).save(tmp_path) for bias in (True, False)]
    (tmp_path / "evidence.json").write_text("{}")
    outcome = nclib("results", tmp_path, "--json")
    assert [row["name"] for row in outcome.json["results"]] == sorted(p.stem for p in paths)
    assert [row["bias"] for row in outcome.json["results"]] == [True, False]
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"passed over: {tmp_path / 'evidence.json'} does not hold a result")
    outcome = nclib("results", tmp_path)
    assert outcome.out.startswith("2 results\n")
    assert "Drawn" not in outcome.out


def test_results_are_drawn_where_there_are_any(nclib, monkeypatch, tmp_path):
    class Figure:
        def savefig(self, file, **_):
            file.write(b"drawn")

    drawn = []
    monkeypatch.setattr(runs, "compare_runs", lambda found: drawn.append(len(found)) or Figure())
    for name in ("p.pdf", "p", "p.svgz"):
        assert nclib("results", tmp_path, "--plot", tmp_path / name).code == 2
    assert nclib("results", tmp_path, "--plot", tmp_path / "p.svg").failed("no results to draw")
    assert nclib("results", tmp_path).out == "No results.\n"
    assert nclib("results", tmp_path / "none").failed("no such folder of results")
    result().save(tmp_path)
    for name in ("p.svg", "p.PNG"):
        text = nclib("results", tmp_path, "--plot", tmp_path / name).out
        assert f"Drawn: {tmp_path / name}" in text.replace("\n", "")
        assert (tmp_path / name).read_bytes() == b"drawn"
    assert drawn == [1, 1]


def test_a_run_that_was_done_is_shown_from_where_it_is_stored(nclib, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "load_images", lambda *_, **__: None)
    done, seen = result(), []

    def run(experiment, folder, **_):
        seen.append(result_path(experiment, folder))
        return done

    monkeypatch.setattr(experiments, "run", run)
    words = "This run was done already; here is its stored result.\n"
    outcome = nclib("train", "--out", tmp_path)
    path = seen[0]
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.replace("\n", "").endswith(f"Stored: {path}")
    path.touch()
    outcome = nclib("train", "--out", tmp_path)
    assert outcome.err == words
    assert verdict(done) in " ".join(outcome.out.split())
    outcome = nclib("train", "--out", tmp_path, "--json")
    assert outcome.err == words
    assert outcome.json["reached"] == done.reached
    outcome = nclib("train")
    assert outcome.err == ""
    assert "Stored" not in outcome.out


def test_what_an_interrupted_run_has_left_and_what_to_type():
    path = Path("runs/.checkpoints/a/epoch-00001500.pt")
    assert how_to_go_on(None, (path, 5), 9).startswith("nothing is kept without --out")
    assert how_to_go_on(Path("runs"), None, 9).startswith("there is no checkpoint yet")
    assert how_to_go_on(Path("runs"), (path, 1500), 12000) == (
        f"the checkpoint {path} has 1,500 of 12,000 epochs: the same command with --resume goes on "
        "from it"
    )


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    class Figure:
        def savefig(self, file, **options):
            file.write(repr(sorted(options.items())).encode())

    for name, kind, metadata in (("a.svg", "svg", {"Date": None}), ("b.PNG", "png", None)):
        save_figure(Figure(), tmp_path / name)
        written = (tmp_path / name).read_text()
        assert written == repr([("format", kind), ("metadata", metadata)])
