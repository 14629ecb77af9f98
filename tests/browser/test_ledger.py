"""The ledger in a browser: filters and orders by keyboard, and whole without scripts."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from test_site import ROOT, SITE, drive, require_browser_and_site

SCRIPT = Path(__file__).with_name("ledger.mjs")
ROWS = [
    row
    for part in yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
    for row in part["rows"]
]
VERDICTS = ("holds", "holds after correction", "undefined as printed", "not testable")
COUNTED = Counter(row["verdict"] for row in ROWS)
EVIDENCE = json.loads((ROOT / "book" / "results" / "evidence.json").read_text("utf-8"))["rows"]


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    return drive(SCRIPT, SITE)


def instances(name):
    tests = EVIDENCE[name]["tests"].values()
    return sum(measured["instances"] for test in tests for measured in test.values())


def test_without_scripts_every_row_stands_there_and_nothing_that_needs_one(report):
    assert report["withoutScripts"] == len(ROWS)
    assert report["controlsWithoutScripts"] == 0


def test_at_first_all_claims_are_there_in_the_order_of_the_paper(report):
    assert sorted(report["first"]["claims"]) == sorted(row["id"] for row in ROWS)
    assert report["first"]["said"] == f"{len(ROWS)} of {len(ROWS)} claims"
    assert [choice.split(" ", 1)[1] for choice in report["choices"]] == list(VERDICTS)


def test_a_verdict_is_left_out_by_a_key(report):
    assert report["pressed"] == "false"
    kept = [row["id"] for row in ROWS if row["verdict"] != "holds"]
    assert sorted(report["corrected"]["claims"]) == sorted(kept)
    assert report["corrected"]["said"] == f"{len(kept)} of {len(ROWS)} claims"


def test_words_are_looked_for_and_parts_without_a_claim_are_not_shown(report):
    assert 0 < len(report["words"]["claims"]) < len(report["corrected"]["claims"])
    assert report["words"]["headings"] < report["first"]["headings"]


def test_in_another_order_all_stand_in_one_table(report):
    assert sorted(report["sorted"]["claims"]) == sorted(report["words"]["claims"])
    counts = [instances(name) for name in report["sorted"]["claims"]]
    assert counts == sorted(counts, reverse=True)
    assert report["sorted"]["headings"] == 0


def test_who_follows_a_link_to_a_claim_sees_it(report):
    assert report["followed"]["claims"] == report["first"]["claims"]


def test_nothing_is_remembered_and_paper_has_no_controls(report):
    assert report["again"] == report["first"]
    assert not report["controlsOnPaper"]


def test_the_landing_page_has_the_totals_each_with_a_sign(report):
    found = [said.split(maxsplit=2) for said in report["totals"]]
    assert [(number, verdict) for number, _, verdict in found] == [
        (str(COUNTED[verdict]), verdict) for verdict in VERDICTS
    ]
    assert len({sign for _, sign, _ in found}) == len(VERDICTS)
