"""Addresses that pages once had lead to what was there; the contents of the reference are whole."""

from pathlib import Path

import pytest
from few import chosen, few
from test_site import SITE, built_pages, drive, require_browser_and_site

SCRIPT = Path(__file__).with_name("moved_sections.mjs")

# Where each address ends: pages have other numbers now, and sections went to other pages.
ENDS = {
    "09-proofs.html#steps-1-and-2-the-objective-splits": "10a-splitting.html",
    "10-errata.html#erratum-e5": "14-errata.html",
    "11-your-data.html#exercises": "00-your-data.html",
    "12-beyond.html#hysteresis": "11e-landscape.html",
    "13-losses.html#exercises": "09-losses.html",
    "10-proofs.html#the-map-five-steps-down": "10-proofs.html",
    "10-proofs.html#ex-10-b": "10-proofs.html",
    "10-proofs.html#steps-1-and-2-the-objective-splits": "10a-splitting.html",
    "10-proofs.html#lem-10-price": "10a-splitting.html",
    "10-proofs.html#step-5-each-mode-by-itself": "10b-modes.html",
    "10-proofs.html#the-short-road-whole": "10b-modes.html",
    "10-proofs.html#the-paper-s-road-one-layer-b-1-and-b-2": "10c-one-layer.html",
    "10-proofs.html#equation-eq-10-b13": "10d-any-depth.html",
    "10-proofs.html#the-labels-b-4": "10e-labels.html",
    "11-beyond.html#ex-11-d": "11-beyond.html",
    "11-beyond.html#modes-and-classes": "11a-classes.html",
    "11-beyond.html#two-classes-all-depths": "11b-all-right.html",
    "11-beyond.html#prop-11-spread": "11c-depth.html",
    "11-beyond.html#the-narrow-head": "11d-ties.html",
    "11-beyond.html#hysteresis": "11e-landscape.html",
    "11-beyond.html#equation-eq-11-penalised": "11f-bias.html",
    "11-beyond.html#more-data": "11g-more-data.html",
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
def report(request):
    require_browser_and_site()
    addresses = chosen(request, "address")
    told = {"addresses": [one for one in ENDS if one in addresses], "contents": REFERENCE}
    return drive(SCRIPT, SITE, told=told, pages=2)


@pytest.mark.parametrize("address", few(ENDS, list(ENDS)[::4]))
def test_an_old_address_leads_to_what_was_there(report, address):
    section = address.partition("#")[2]
    assert report["ends"][address] == f"{ENDS[address]}#{section}"


@pytest.mark.parametrize("page", REFERENCE or ["the site"])
def test_no_name_is_cut_in_the_contents(report, page):
    for width, seen in report["seen"][page].items():
        assert seen["names"] > 3
        assert seen["cut"] == [], width
