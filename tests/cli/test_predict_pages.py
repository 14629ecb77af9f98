"""What `nclib predict` writes where: on the page, in JSON, in a report; long names of remedies."""

import re

import pytest

import nclib as nc
from nclib import diagnosis
from nclib.cli.prediction_tables import show_prediction
from nclib.cli.report import report
from nclib.diagnosis import Band, Remedy
from nclib.views.explorables import explorable, own


def model(counts, lam):
    return nc.Problem(counts, 1, lambda_W=lam, lambda_H=lam)


def script(counts, **settings):
    return nc.script_model(counts, **{"weight_decay": 1e-3, "lambda_H": 1e-3} | settings).problem


def shown(capsys, problem):
    found = diagnosis.predict(problem, "somewhere")
    show_prediction(found)
    return found, " ".join(capsys.readouterr().out.split())


@pytest.fixture
def bare(monkeypatch):
    """A report without the work of its charts."""

    class Chart:
        def html(self, *, scripts):
            return "[scripts]" if scripts else "[chart]"

    monkeypatch.setattr(own, "class_outcomes", lambda *_: Chart())
    monkeypatch.setattr(own, "mode_outcomes", lambda *_: Chart())
    monkeypatch.setattr(explorable, "live_parts", str)
    return lambda problem, **options: report(diagnosis.predict(problem, "counts"), **options)


def test_a_number_of_a_class_has_as_many_digits_as_the_number_of_classes_may_have(nclib):
    command = ("predict", "-", "-L", 1, "--lambda-W", 1e-3, "--lambda-H", 1e-3, "--class")
    assert nclib(*command, "0000002", stdin="30\n20\n10\n").code == 0
    assert nclib(*command, "00000002", stdin="30\n20\n10\n").failed("no number from 0 to 2")


def test_advice_and_what_was_not_tried_are_said(capsys):
    found, text = shown(capsys, nc.Problem([10**7, 10**6, 500], 3, lambda_W=3e-3, lambda_H=1e-3))
    assert not all(run.exhaustive for run in found.right_with.values())
    assert "* Not all numbers were tried: between the ends" in text
    for line in found.advice():
        assert f"* {line}" in text
    assert found.advice()


@pytest.mark.parametrize("given", [(), ("--margin", 2)])
@pytest.mark.parametrize("report_to", [None, "page.html"])
@pytest.mark.parametrize("over_band", [False, True])
def test_a_prediction_is_shown_written_and_returned(
    nclib, monkeypatch, tmp_path, over_band, report_to, given
):
    pages = []
    monkeypatch.setattr("nclib.cli.report.write_report", lambda *page: pages.append(page))
    command = ["predict", "-", "-L", 1, "--lambda-W", 1e-3, *given]
    command += ["--lambda-H", 1e-3] * (not over_band)
    command += ["--report", tmp_path / f"{report_to}"] * (report_to is not None)
    outcome = nclib(*command, stdin="30\n20\n10\n")
    text = outcome.flat
    found = nclib(*command, "--json", stdin="30\n20\n10\n").json
    assert text.startswith(" ".join(found["script"]))
    assert ("Over the band" in text) == ("band" in found) == over_band
    assert ("Modes, strongest first" in text) == ("groups" in found) == (not over_band)
    assert len(found.get("margin", ())) == (0 if not given else 2 if over_band else 1)
    words = [word for word in text.split(". ") if "margin of 2" in word]
    assert bool(words) == bool(given)
    assert ("Report: " in text) == (report_to is not None) == bool(pages)
    for prediction, path, script_words, band in pages:
        assert path == tmp_path / f"{report_to}"
        assert prediction.counts.n.tolist() == [30, 20, 10]
        assert (band is not None) == over_band
        assert len(script_words) == len(found["script"]) + len(found.get("margin", ()))


def test_of_other_losses_up_to_100_groups_are_drawn(bare, monkeypatch):
    """What is lost first is not searched here: the page is asked for."""
    for limit in ("MOST_SEARCHED", "MOST_COUNTS"):
        monkeypatch.setattr(f"nclib.diagnosis.losses.{limit}", 0)
    for m, charts in ((100, 1), (101, 0)):
        n = [5000 - 7 * k for k in range(m)]
        weak = {"weight_decay": 1e-6, "lambda_H": 1e-6}
        page = bare(script(n, loss="mse", class_weight="sqrt", bias="none", **weak))
        assert page.count("[chart]") == charts


def test_the_report_goes_over_the_band_first(bare):
    problem = model([900, 100], 1e-3)
    page = bare(problem, band=Band.of(problem))
    over, middle = page.index("Over a band of lambda_H"), page.index("In the middle of the band")
    assert over < middle < page.index("<p>2 classes")
    assert "<p>All that follows is for N lambda_H = 0.01.</p>" in page
    assert "Over a band" not in bare(problem)


@pytest.mark.parametrize("problem", [model([900, 100], 1e-3), script([900, 100])])
def test_rows_of_the_report_have_as_many_cells_as_the_head(bare, problem):
    tables = re.findall(r"<thead>(.*?)</thead>\n<tbody>(.*?)</tr>", bare(problem), re.DOTALL)
    assert len(tables) >= 2
    for head, row in tables:
        assert head.count("<th ") == row.count("<td>")


def test_what_is_safe_gets_no_advice_and_no_mark(capsys):
    _, text = shown(capsys, model([900, 100, 100], 1e-3))
    assert "Not all numbers were tried" not in text
    assert "Weaken" not in text


def test_of_the_papers_loss_any_number_of_groups_is_drawn(bare):
    assert bare(model([5000 - 7 * k for k in range(101)], 1e-8)).count("[chart]") == 2


def test_remedies_name_two_classes_by_twenty_letters_and_the_span_of_all(
    nclib, monkeypatch, tmp_path
):
    path = tmp_path / "counts.csv"
    path.write_text("abcdefghijklmnopqrstuvwxyz,900\nb,50\nc,40\nd,30\n")
    rows = [
        Remedy("one", first_lost=(0,), factor=1.5),
        Remedy("two", first_lost=(0, 1, 2), factor=1.5),
    ]
    monkeypatch.setattr(diagnosis, "remedies", lambda *_, **__: rows)
    monkeypatch.setenv("COLUMNS", "250")
    text = nclib("remedies", path, "--weight-decay", 1e-3).flat
    assert "one abcdefghijklmnopqrst (900) 1.5 " in text
    assert "two abcdefghijklmnopqrst, b +1 (40 to 900) 1.5 " in text
