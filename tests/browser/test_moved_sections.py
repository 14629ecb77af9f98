"""Addresses that pages once had lead to what was there; the contents of the reference are whole."""

from pathlib import Path

import pytest
from test_site import SITE, built_pages, drive, require_browser_and_site

SCRIPT = Path(__file__).with_name("moved_sections.mjs")

# What is on the page of the same name still, and what has gone to which other page.
ENDS = {
    "09-proofs.html#the-map-five-steps-down": "09-proofs.html",
    "09-proofs.html#ex-09-b": "09-proofs.html",
    "09-proofs.html#steps-1-and-2-the-objective-splits": "09a-splitting.html",
    "09-proofs.html#lem-09-price": "09a-splitting.html",
    "09-proofs.html#step-5-each-mode-by-itself": "09b-modes.html",
    "09-proofs.html#the-short-road-whole": "09b-modes.html",
    "09-proofs.html#the-paper-s-road-one-layer-b-1-and-b-2": "09c-one-layer.html",
    "09-proofs.html#equation-eq-09-b13": "09d-any-depth.html",
    "09-proofs.html#the-labels-b-4": "09e-labels.html",
    "12-beyond.html#ex-12-d": "12-beyond.html",
    "12-beyond.html#modes-and-classes": "12a-classes.html",
    "12-beyond.html#two-classes-all-depths": "12b-all-right.html",
    "12-beyond.html#prop-12-spread": "12c-depth.html",
    "12-beyond.html#the-narrow-head": "12d-ties.html",
    "12-beyond.html#hysteresis": "12e-landscape.html",
    "12-beyond.html#equation-eq-12-penalised": "12f-bias.html",
    "12-beyond.html#more-data": "12g-more-data.html",
    "api.html#the-library": "api.html",
    "api.html#nclib.Problem.split": "api-model.html",
    "api.html#the-one-rule": "api-minima.html",
    "api.html#nclib.theory.sweep_lambdas": "api-descent.html",
    "api.html#the-loss-you-train-with": "api-losses.html",
    "api.html#metrics": "api-metrics.html",
    "api.html#nclib.Monitor": "api-scripts.html",
    "api.html#what-it-means-for-your-counts": "api-diagnosis.html",
    "api.html#nclib.training.results.select": "api-training.html",
    "api.html#exercises": "api-teaching.html",
}
REFERENCE = [Path(page).name for page in built_pages() if page.startswith("book/api-")]


@pytest.fixture(scope="module")
def report():
    require_browser_and_site()
    told = {"addresses": list(ENDS), "contents": REFERENCE}
    return drive(SCRIPT, SITE, told=told, pages=2)


@pytest.mark.parametrize("address", ENDS)
def test_an_old_address_leads_to_what_was_there(report, address):
    section = address.partition("#")[2]
    assert report["ends"][address] == f"{ENDS[address]}#{section}"


@pytest.mark.parametrize("page", REFERENCE or ["the site"])
def test_no_name_is_cut_in_the_contents(report, page):
    for width, seen in report["seen"][page].items():
        assert seen["names"] > 3
        assert seen["cut"] == [], width
