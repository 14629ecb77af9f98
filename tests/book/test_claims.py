"""The ledger: each claim of the paper has a row, a test that exists, an error within its bound."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest
from docutils.nodes import make_id

from tools import evidence as ledger

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
ROWS = ledger.load_claims()
EVIDENCE = json.loads(ledger.EVIDENCE.read_text(encoding="utf-8"))["rows"]
INSTANCES = ledger.stored_instances()
TESTED = [row for row in ROWS if row["verdict"] != "not testable"]

VERDICTS = {"holds", "holds after correction", "undefined as printed", "not testable"}
KEYS = {
    "id",
    "place",
    "claim",
    "verdict",
    "errata",
    "where",
    "about",
    "tests",
    "bound",
    "refuted_by",
}

# What the paper claims, in its own order. The ledger may have more, but not less.
ITEMS = """
abstract-1 abstract-2 abstract-3 abstract-4 abstract-5
related-etf related-landscape related-seli related-minority-collapse related-deep-bias-free
definition-3-1 l-1-is-ufm
equation-4-1 theorem-4-1-collapse theorem-4-1-w-h theorem-4-1-w-w theorem-4-1-h-h theorem-4-1-sigma
remark-4-1-orthogonal remark-4-1-collapse
equation-4-2 theorem-4-2-bias theorem-4-2-collapse theorem-4-2-w-h theorem-4-2-w-w theorem-4-2-h-h
remark-4-2-mean remark-4-2-orthogonal
equation-4-3 theorem-4-3-collapse theorem-4-3-threshold theorem-4-3-x theorem-4-3-w-w
theorem-4-3-p-p theorem-4-3-h-h theorem-4-3-p-h theorem-4-3-alignment theorem-4-3-common-collapse
remark-4-3-sign
definition-4-1 definition-4-1-order
theorem-4-4-values theorem-4-4-interlacing theorem-4-4-m-2 theorem-4-4-m-3
metric-nc1 metric-nc2-w metric-nc2-h metric-nc2-wh metric-nc3
appendix-c-nc2-w appendix-c-nc2-h appendix-c-nc2-wh appendix-c-nc3
figure-1 figure-1-accuracy figure-2 figure-2-accuracy
figure-3 figure-3-accuracy figure-4 figure-4-accuracy
limitation-1 limitation-2
lemma-a-1-value lemma-a-1-minimisers lemma-a-2-above lemma-a-2-at lemma-a-2-below
equation-b-1 equation-b-2 equation-b-3 equation-b-4 b-1-minimiser
equation-b-5 equation-b-6 equation-b-7 equation-b-8 equation-b-9 equation-b-10 b-2-minimiser
equation-b-11 equation-b-12 b-3-balance b-3-alignment equation-b-13 b-3-reduction
theorem-b-1-g theorem-b-1-factors theorem-b-1-g-g theorem-b-1-f theorem-b-1-interlacing
theorem-b-2-m-2 theorem-b-2-m-3
"""

# What the pages on losses, on lost classes and on relatives say, which is not the paper's.
OURS = """
loss-merging loss-total loss-two-classes loss-squared loss-weights loss-inverse loss-closed-form
loss-one-power loss-adjustment loss-adjustment-no-bias loss-smoothing loss-sampling
loss-smoothing-weights loss-optimum loss-runs
lost-for-good relative-limit relative-means relative-bounds relative-ratio relative-landscape
relative-sphere relative-earlier
relative-bias-path relative-central-path relative-labels relative-pairs relative-traits
"""

each_row = pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
each_tested = pytest.mark.parametrize("row", TESTED, ids=[row["id"] for row in TESTED])


@pytest.fixture(scope="module")
def node_ids():
    """Every test, long ones too, of the files that the ledger names."""
    files = sorted({test.partition("::")[0] for row in ROWS for test in ledger.named_tests(row)})
    found = Collected()
    # In this process, which has most of these files loaded.
    options = ["--collect-only", "-qq", "-m", "", "-p", "no:xdist", "-p", "no:cacheprovider"]
    assert pytest.main([*options, *(str(ROOT / name) for name in files)], plugins=[found]) == 0
    return found.node_ids


class Collected:
    """Keeps the names of the tests that pytest has collected."""

    def pytest_collection_finish(self, session):
        self.node_ids = [item.nodeid for item in session.items]


def notebook_text(page):
    cells = json.loads((BOOK / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def test_every_item_of_the_paper_has_a_row():
    ids = [row["id"] for row in ROWS]
    assert len(ids) == len(set(ids))
    assert not set(ITEMS.split()) - set(ids)
    assert not set(OURS.split()) - set(ids)


@each_row
def test_row_is_complete(row):
    assert set(row) <= KEYS
    assert row["verdict"] in VERDICTS
    assert row["place"]
    assert row["claim"]
    assert ("tests" in row) == ("bound" in row) == (row["verdict"] != "not testable")
    corrected = row["verdict"] in ("holds after correction", "undefined as printed")
    assert bool(row.get("errata")) == corrected
    if "refuted_by" in row:
        assert corrected
    if isinstance(row.get("bound"), dict):
        measures = {what for test in row["tests"].values() for what in ledger.names(test)}
        assert set(row["bound"]) == measures
        assert len(set(row["bound"].values())) > 1, "one bound for all is one number"


def squeezed(text):
    """Text without what may be written in more than one way: spaces and marks of formulas."""
    return re.sub(r"[\s$_{}^\\]", "", text).lower()


@cache
def sections():
    """Page and heading to what stands below it, up to the next heading that is as high."""
    found = {}
    for path in BOOK.glob("*.ipynb"):
        text = notebook_text(path.stem)
        heads = list(re.finditer(r"^(#+) (.+)$", text, re.MULTILINE))
        for place, head in enumerate(heads):
            ends = [one.start() for one in heads[place + 1 :] if len(one[1]) <= len(head[1])]
            found[f"{path.stem}#{head[2]}"] = squeezed(text[head.start() : min(ends, default=None)])
    return found


@each_row
def test_row_leads_to_errata_that_exist(row):
    for erratum in row.get("errata", []):
        assert f"(erratum-{erratum.lower()})=" in notebook_text("14-errata"), erratum


@each_row
def test_row_leads_to_sections_that_speak_of_the_claim(row):
    """Its key words stand there; and one that stands in most sections of the book says nothing."""
    about = row["about"]
    named = about if isinstance(about, dict) else dict.fromkeys(row["where"], about)
    assert list(named) == row["where"]
    for place, words in named.items():
        assert place in sections(), place
        page, _, heading = place.partition("#")
        anchors = [make_id(one.partition("#")[2]) for one in sections() if one.startswith(page)]
        assert anchors.count(make_id(heading)) == 1, "two headings would have one address"
        assert words
        for word in map(squeezed, words):
            assert word in sections()[place], f"{place} has no {word!r}"
            everywhere = sum(word in text for text in sections().values())
            assert everywhere < 0.5 * len(sections()), word


@each_row
def test_row_names_tests_that_exist(row, node_ids):
    for test in ledger.named_tests(row):
        assert any(ledger.is_case_of(node_id, test) for node_id in node_ids), test


def test_evidence_is_there_for_every_row_and_no_other():
    assert set(EVIDENCE) == {row["id"] for row in TESTED}, "run `make evidence`"


@each_tested
def test_evidence_was_measured_for_what_the_row_says_now(row):
    found = EVIDENCE[row["id"]]
    assert found["bound"] == row["bound"], "run `make evidence`"
    expected = {test: set(ledger.names(measures)) for test, measures in row["tests"].items()}
    assert {test: set(found) for test, found in found["tests"].items()} == expected
    assert set(found["refuted_by"]) == set(row.get("refuted_by", []))


@each_tested
def test_measured_error_is_within_the_bound(row):
    """The bound is what the tests allow: a page that showed another would hide the stricter one."""
    bounds = ledger.bounds(row)
    for measures in EVIDENCE[row["id"]]["tests"].values():
        for what, measured in measures.items():
            assert measured["largest"] <= bounds[what], what
            assert measured["allowed"] == bounds[what], what


@each_tested
def test_instances_are_those_of_the_cases_that_exist(row, node_ids):
    """What each case counts is compared with what is stored for it whenever that case runs."""
    found = EVIDENCE[row["id"]]
    for test, measures in found["tests"].items():
        cases = [node_id for node_id in node_ids if ledger.is_case_of(node_id, test)]
        assert set(cases) <= set(INSTANCES), "run `make evidence`"
        for what, measured in measures.items():
            counted = sum(INSTANCES[node_id].get(what, 0) for node_id in cases)
            assert 0 < counted == measured["instances"], what
    for test, cases in found["refuted_by"].items():
        assert cases == sum(ledger.is_case_of(node_id, test) for node_id in node_ids)


def test_instances_are_stored_for_no_other_cases(node_ids):
    measured = [test for row in TESTED for test in row["tests"]]
    for node_id in INSTANCES:
        assert node_id in node_ids
        assert any(ledger.is_case_of(node_id, test) for test in measured)


def test_the_page_shows_every_part_once():
    text = (BOOK / "claims.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\{claims\} (.+)$", text, re.MULTILINE)
    parts = re.findall(r'^- part: "(.+)"$', ledger.CLAIMS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(parts)
    assert len(shown) == len(set(shown))


class TestTool:
    """`make evidence`, on a suite made here."""

    def recorder(self, **notes):
        recorder = ledger.Recorder()
        recorder.noted = notes
        return recorder

    @pytest.mark.parametrize(
        ("node_id", "named", "expected"),
        [
            ("a.py::t", "a.py::t", True),
            ("a.py::t[x-1]", "a.py::t", True),
            ("a.py::t[x-1]", "a.py::t[x-*]", True),
            ("a.py::t[y-1]", "a.py::t[x-*]", False),
            ("a.py::t_more", "a.py::t", False),
            ("b.py::t", "a.py::t", False),
            ("a.py::t[1-n[0]]", "a.py::t[1-*]", True),
        ],
    )
    def test_names_of_cases(self, node_id, named, expected):
        assert ledger.is_case_of(node_id, named) is expected

    @pytest.mark.parametrize(
        ("value", "stored"),
        [(0.0, 0.0), (1.0, 1.0), (1.21e-9, 1.3e-9), (1.2e-9, 1.2e-9), (9.97e-3, 1e-2), (3, 3.0)],
    )
    def test_errors_are_rounded_up(self, value, stored):
        assert ledger.two_digits(value) == stored

    def test_cases_are_joined_and_other_notes_left_out(self):
        recorder = self.recorder(
            **{
                "a.py::t[x]": [("gap", 1e-9, 1e-8, 3), ("other", 1.0, 1.0, 1)],
                "a.py::t[y]": [("gap", 4e-9, 1e-7, 2)],
                "a.py::u": [("gap", 1.0, 1.0, 9)],
            }
        )
        row = {"id": "one", "bound": 1e-6, "tests": {"a.py::t": "gap"}, "refuted_by": ["a.py::u"]}
        evidence = ledger.join([row, {"id": "two", "verdict": "not testable"}], recorder)
        gap = {"instances": 5, "largest": 4e-9, "allowed": 1e-7}
        assert evidence == {
            "one": {
                "bound": 1e-6,
                "tests": {"a.py::t": {"gap": gap}},
                "refuted_by": {"a.py::u": 1},
            }
        }

    def test_a_row_has_one_bound_or_one_for_each_measure(self):
        row = {"tests": {"a.py::t": ["gap", "nc1"], "a.py::u": "gap"}}
        assert ledger.bounds(row | {"bound": 1e-3}) == {"gap": 1e-3, "nc1": 1e-3}
        several = {"gap": 1e-3, "nc1": 1e-5}
        assert ledger.bounds(row | {"bound": several}) == several

    def test_instances_of_each_case_are_counted_for_the_measures_of_the_ledger(self):
        recorder = self.recorder(
            **{
                "a.py::t[x]": [("gap", 1e-9, 1e-8, 3), ("other", 1.0, 1.0, 1)],
                "a.py::t[y]": [("nc1", 4e-9, 1e-7, 2)],
                "a.py::u": [("gap", 1.0, 1.0, 9)],
            }
        )
        rows = [{"tests": {"a.py::t": "gap"}}, {"tests": {"a.py::t[y]": ["nc1"]}}, {"id": "two"}]
        assert ledger.counted(rows, recorder) == {
            "a.py::t[x]": {"gap": 3},
            "a.py::t[y]": {"nc1": 2},
        }

    @pytest.mark.parametrize(("stored", "passed"), [(2, 1), (3, 0)])
    def test_a_case_that_counts_otherwise_than_is_stored_fails(
        self, pytester, monkeypatch, stored, passed
    ):
        """With the hook of the tests' own conftest.py, on a case with two instances."""
        instances = {"test_two.py::test_two": {"gap": stored}}
        monkeypatch.setattr(ledger, "stored_instances", lambda: instances)
        pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
        pytester.makepyfile(
            test_two="""
            def test_two(record_error):
                assert record_error("gap", 0, 0)
                assert record_error("gap", 0, 0)
            """
        )
        pytester.runpytest_inprocess().assert_outcomes(passed=passed, failed=1 - passed)

    @pytest.mark.parametrize(("stored", "passed"), [(0.1, 1), (0.05, 0)])
    def test_a_tolerance_that_is_looser_than_is_stored_fails(
        self, pytester, monkeypatch, stored, passed
    ):
        """The loosest of the rows that name the case is what it may have."""
        row = {"tests": {"test_two.py::test_*": {"gap": {"allowed": stored}}}}
        other = {"tests": {"test_two.py::test_two": {"gap": {"allowed": 0.01}}}}
        other["tests"]["test_three.py::test_three"] = {"gap": {"allowed": 9.0}}
        evidence = {"rows": {"one": row, "two": other}, "instances": {}}
        monkeypatch.setattr(ledger, "stored", lambda: evidence)
        monkeypatch.setattr(ledger, "is_case_of", fnmatchcase)
        pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
        pytester.makepyfile(
            test_two="""
            def test_two(record_error):
                assert record_error("gap", 0, 0.1)
                assert record_error("what no row names", 0, 5)
            """
        )
        pytester.runpytest_inprocess().assert_outcomes(passed=passed, failed=1 - passed)

    def test_a_test_that_notes_nothing_is_named(self):
        row = {"id": "one", "bound": 1, "tests": {"a.py::t": "gap"}}
        with pytest.raises(ValueError, match=r"a\.py::t has noted nothing as 'gap'"):
            ledger.join([row], self.recorder(**{"a.py::t": []}))
