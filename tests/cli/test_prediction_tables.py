"""The tables of `nclib predict`, its report and `nclib remedies`, and what is said beside them."""

import math
import re

import numpy as np
import pytest

import nclib as nc
from nclib import diagnosis
from nclib.cli.prediction_tables import (
    limit_text,
    samples_text,
    show_band,
    show_prediction,
    title,
)
from nclib.cli.report import report
from nclib.diagnosis import Band, Remedy
from nclib.theory.sample_counts import RightCounts
from nclib.views.explorables import explorable, own


def flat(capsys):
    return " ".join(capsys.readouterr().out.split())


def model(counts, lam, depth=1, bias=True):
    return nc.Problem(counts, depth, bias=bias, lambda_W=lam, lambda_H=lam)


def script(counts, **settings):
    return nc.script_model(counts, **{"weight_decay": 1e-3, "lambda_H": 1e-3} | settings).problem


def shown(capsys, problem, chosen=None):
    found = diagnosis.predict(problem, "somewhere", chosen)
    show_prediction(found)
    return found, flat(capsys)


# ---------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (model([900, 100], 1e-3), "2 classes, 1,000 samples; L = 1, bias, lambda_W = 0.001"),
        (
            nc.Problem([900, 100, 5], 2, bias=False, lambda_W=(1e-3, 2e-3), lambda_H=1e-3),
            "3 classes, 1,005 samples; L = 2, no bias, lambda_W = 0.001, 0.002",
        ),
        (
            model([900, 100], 1e-3, depth=3),
            "2 classes, 1,000 samples; L = 3, bias, lambda_W = 0.001",
        ),
        (
            script([900, 100], bias="free"),
            "2 classes, 1,000 samples; cross-entropy, L = 1, bias, lambda_W = 0.001",
        ),
        (
            script([900, 100], bias="none"),
            "2 classes, 1,000 samples; cross-entropy, L = 1, no bias, lambda_W = 0.001",
        ),
        (
            script([900, 100], loss="mse"),
            "2 classes, 1,000 samples; squared error, L = 1, decayed bias, lambda_W = 0.001",
        ),
    ],
)
def test_a_title_says_what_was_asked(problem, words):
    assert title(problem, lambda_H=False) == words
    assert title(problem) == f"{words}, lambda_H = 0.001"


# ---------------------------------------------------------------- the band


def test_all_modes_or_the_one_are_alive_below_a_lambda_H(capsys):
    for counts, words in (
        ([900, 100], "The 1 mode is alive while lambda_H is below"),
        ([900, 100, 50], "All 2 modes are alive while lambda_H is below"),
    ):
        show_band(Band.of(model(counts, 1e-3)))
        text = flat(capsys)
        assert words in text
        of = title(model(counts, 1e-3), lambda_H=False)
        assert f"Over the band: {of} training accuracy N lambda_H" in text
        assert "One lambda_H: --lambda-H VALUE tells about every class. From all modes" in text


def test_the_rows_of_a_band_say_N_lambda_H_and_lambda_H(capsys):
    band = Band.of(script([300, 100]))
    show_band(band)
    text = flat(capsys)
    values = np.geomspace(5e-4, 0.2, 7)
    for value, row in zip(values, band.outcomes, strict=True):
        assert (
            f" {value:.3g} {value / 400:.3g} {row['modes_alive']} {row['classes_right']} " in text
        )
    assert text.endswith("One lambda_H: --lambda-H VALUE tells about every class.")
    assert "From all modes alive to none" not in text


# ---------------------------------------------------------------- one lambda_H


def test_limits_and_samples_are_words_where_they_are_no_numbers():
    assert [limit_text(factor) for factor in (0, math.inf, 1, 0.5, 1.23456)] == [
        "none", "any", "1", "0.5", "1.235",
    ]  # fmt: skip
    runs = {
        "none": RightCounts(None, None, None, True),
        "none *": RightCounts(None, None, None, False),
        "5 or more": RightCounts(5, math.inf, 5, True),
        "5 to 7 *": RightCounts(5, 7.0, 5, False),
    }
    assert [samples_text(run) for run in runs.values()] == list(runs)


@pytest.mark.parametrize("problem", [model([900, 100, 100], 1e-3), script([900, 100, 100])])
def test_factors_of_classes_and_modes_have_four_digits(capsys, problem):
    found, text = shown(capsys, problem)
    paper = isinstance(problem, nc.Problem)
    for g, factor in found.right_up_to.items():
        end = samples_text(found.right_with[g]) if paper else "dies at"
        written = "any" if factor == math.inf else f"{factor:.4g}"
        own_logit, other = found.outcomes.own_logit[g], found.outcomes.rival_logit[g]
        row = f"100 % {own_logit:.4g} {other:.4g} {written}"
        assert row in text
        assert not paper or f"{row} {end}" in text
    for block in found.blocks():
        keys = ("kappa", "modes", "alive", "s", "z") if paper else ("modes", "alive", "z")
        values = [block[key] for key in (*keys, "dies_at_factor")]
        cells = [f"{v}" if isinstance(v, int) else f"{v:.4g}" for v in values]
        assert " ".join([block["kind"], *cells]) in text
    columns = "of kappa modes alive s z" if paper else "of modes alive z"
    assert f"dies at {columns} factor" in text


def test_what_more_can_be_asked_about_a_class_is_said(capsys):
    factor_alone = "More about a class (up to which factor it is right): --class NAME."
    both = "More about a class (up to which factor, with how many samples): --class NAME."
    many = [5000 - 7 * k for k in range(101)]
    for problem, chosen, runs, words in (
        (model([900, 100], 1e-3), None, 2, []),
        (model(many[:31], 1e-6), None, 0, []),  # all are right: no number is of interest
        (model([*many[:30], 5], 3e-5), None, 1, [both]),  # one is lost
        (model([*many[:29], 6, 5], 3e-5), None, 2, [both]),
        (model([*many[:30], 5], 3e-5), (0,), 1, []),
        (model(many, 1e-7), None, 0, [factor_alone]),
        (model(many, 1e-7), (3,), 1, []),
        (script([900, 100]), None, 0, []),
    ):
        found, text = shown(capsys, problem, chosen)
        assert len(found.right_with) == runs
        assert [each for each in (factor_alone, both) if each in text] == words


def test_of_many_counts_the_first_and_the_last_are_shown(capsys):
    n = [900 - 3 * k for k in range(32)]
    _, text = shown(capsys, model(n, 1e-6))
    for k in (0, 14, 17, 31):
        assert f" {k} right {n[k]} 1 100 % " in text
    assert " 15 right " not in text
    assert " ... ... ... " in text
    assert text.count("rows; --json has all of them.") == 2


def test_classes_asked_about_alone_have_factors_and_the_others_none(capsys):
    found, text = shown(capsys, model([900, 400, 100], 1e-3), (1,))
    row = f"{limit_text(found.right_up_to[1])} {samples_text(found.right_with[1])}"
    assert re.search(rf" 1 right 400 1 100 % \S+ \S+ {re.escape(row)} 2 right 100 1", text)
    assert re.search(r" 0 right 900 1 100 % \S+ \S+ - - 1 right", text)


# ---------------------------------------------------------------- the report


@pytest.fixture
def bare(monkeypatch):
    """A report without the work of its charts; their names in their places."""

    class Chart:
        def html(self, *, scripts):
            return f"[chart{' with scripts' * scripts}]"

    monkeypatch.setattr(own, "class_outcomes", lambda *_: Chart())
    monkeypatch.setattr(own, "mode_outcomes", lambda *_: Chart())
    monkeypatch.setattr(explorable, "live_parts", lambda: "[scripts]")

    def written(problem, chosen=None, **options):
        return report(diagnosis.predict(problem, "some<where>", chosen), **options)

    return written


@pytest.mark.parametrize(
    ("problem", "words", "charts"),
    [
        (model([9, 5], 1e-3), "1 layer, in closed form (Liu, arXiv 2411.17278), computed", 2),
        (model([9, 5], 1e-3, depth=2), "2 layers, in closed form (Liu,", 2),
        (
            script([9, 5]),
            r"1 layer, solved as a convex problem of the groups of classes, to a relative duality",
            1,
        ),
        (
            script([9, 5], loss="mse", class_weight="balanced", bias="none", depth=2),
            "2 layers, in closed form, computed",
            1,
        ),
    ],
)
def test_the_report_says_how_it_was_solved(bare, problem, words, charts):
    page = bare(problem)
    assert words in page
    assert page.count("[chart]") == charts
    assert page.count("[scripts]") == 1
    assert "with scripts" not in page
    loss = "mean squared error and L2" if charts == 2 else "the loss named above, and L2"
    assert f"and penalties and loss are the model's: {loss}. Whether" in page
    assert ("<h2>Depth</h2>" in page) == (charts == 2)


def test_the_report_compares_depths(bare):
    page = bare(model([900, 100], 2e-3))
    found = diagnosis.predict(model([900, 100], 2e-3), "")
    for depth, lost in found.losses().items():
        assert (
            f"<td>{depth}</td><td>{lost:.4g}</td><td>{found.deaths()[depth]:.4g}</td></tr>" in page
        )
    assert "at which the first class is lost (the margin), and at which the first mode dies" in page
    several = nc.Problem([900, 100], 2, lambda_W=(1e-3, 2e-3), lambda_H=1e-3)
    assert "<h2>Depth</h2>" not in bare(several)
    many = model([5000 - 7 * k for k in range(101)], 1e-7)
    page = bare(many)
    assert "The factor on all penalties at which the first mode dies, for heads" in page
    deaths = diagnosis.predict(many, "").deaths()
    assert f"<td>3</td><td>{deaths[3]:.4g}</td></tr>" in page
    assert "a class is lost at factor" not in page


def test_the_report_has_what_there_is_to_say_and_no_empty_parts(bare):
    weak, strong = bare(model([900, 100], 1e-5)), bare(model([900, 100], 6e-3))
    assert "What to change" not in weak
    assert "What to change" in strong
    assert weak.count("<p></p>") == 0
    assert "<h1>What the optimum makes of some&lt;where&gt;</h1>\n<p>2 classes" in weak
    said = bare(model([900, 100], 1e-5), script=["One.", "Two & three."])
    assert "</h1>\n<p>One. Two &amp; three.</p>\n<p>2 classes" in said
    assert "Right with samples: how many the class may have" in weak
    assert "Right with samples" not in bare(script([900, 100]))
    assert "Not all numbers were tried" not in weak


def test_the_report_has_up_to_200_rows_of_a_table(bare):
    for m, rows in ((200, 200), (201, 201)):
        page = bare(model([5000 - 7 * k for k in range(m)], 1e-8))
        table = page.split("<tbody>")[1].split("</tbody>")[0]
        assert table.count("<tr>") == rows
        assert table.count("<tr><td>...</td>") == (m > 200)
        assert set(re.findall(r"<tr>(.*?)</tr>", table)) >= {"<td>...</td>" * 7} or m == 200


# ---------------------------------------------------------------- remedies


def test_the_table_of_remedies_has_what_is_known_of_each(nclib, monkeypatch, tmp_path):
    path = tmp_path / "counts.csv"
    names = ["a class with a name of many words", "b", "c", "d"]
    path.write_text(
        "".join(f"{name},{n}\n" for name, n in zip(names, (900, 50, 40, 40), strict=True))
    )
    known = {"order_words": "rarest first", "modes_alive": 2, "classes_right": 3, "accuracy": 0.875}
    rows = [
        Remedy("one", first_lost=(0,), factor=1.5, **known, right_over_band=(4, 1200)),
        Remedy("two", first_lost=(2, 3), factor=0.99996, **known),
        Remedy("three", first_lost=(1, 2, 3), factor=1.5, **known),
        Remedy("four", first_lost=(0, 1, 2, 3), factor=1.5, **known),
        Remedy("five", first_lost=(), factor=math.inf, **known),
        Remedy("six", **known | {"accuracy": None}),
        Remedy("seven", open="not known"),
        Remedy("eight", open="not known"),
        Remedy("nine", open="otherwise"),
    ]
    monkeypatch.setattr(diagnosis, "remedies", lambda *_, **__: rows)
    monkeypatch.setenv("COLUMNS", "250")
    command = ("remedies", path, "--weight-decay", 1e-3)
    text = nclib(*command).flat
    rest = "rarest first 2 3 87.5 %"
    for words in (
        f"one a class with a name (900) 1.5 {rest} 4 to 1,200 ",
        f"two c, d (40) 0.99996 {rest} - ",
        f"three b, c +1 (40 to 50) 1.5 {rest} - ",
        f"four all at once 1.5 {rest} - ",
        f"five none inf {rest} - ",
        "six - - rarest first 2 3 - - ",
        "seven open - - - - - - eight open - - - - - - nine open - - - - - - ",
        "* open, seven; eight: not known * open, nine: otherwise",
        "4 classes, 1,030 samples ",
        "No lambda_H is given: the table is for N lambda_H = 0.01, the middle of a band",
    ):
        assert words in text
    text = nclib(*command, "--lambda-H", 1e-3).flat
    assert "right over the band" not in text
    assert "No lambda_H is given" not in text
    assert f"one a class with a name (900) 1.5 {rest} two " in text
    assert "seven open - - - - - eight open" in text
    assert nclib(*command, "--lambda-H", 1e-3, "--json").json["band"] is None
    path.write_text("900\n50\n40\n40\n")
    assert f"two class 2, class 3 (40) 0.99996 {rest} - " in nclib(*command).flat
