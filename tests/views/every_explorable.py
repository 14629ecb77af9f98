"""Every explorable of the book, as the book calls it: name to a function that makes it."""

import functools
import json
import re
from pathlib import Path

import nclib as nc
from nclib.training.experiments import figure_results, load_results
from nclib.views import explorables

BOOK = Path(__file__).resolve().parents[2] / "book"
RUNS = BOOK / "results" / "runs"

ECOLI = nc.ClassCounts([143, 77, 52, 35, 20, 5, 2, 2])

EXPLORABLES = {
    "survival": explorables.survival,
    "one-rule": lambda: explorables.one_rule(ECOLI),
    "norms": explorables.surviving_norms,
    "gram": explorables.gram_maps,
    "lemma": explorables.lemma_curve,
    "phases": explorables.phase_diagram,
    "secular": explorables.secular_function,
    "curves": lambda: explorables.training_curves(main_runs()),
    "data-sets": explorables.data_sets,
    "remedies": explorables.remedy_outcomes,
    "relatives": explorables.relatives,
}


def main_runs():
    """The stored runs of the paper's four figures."""
    runs = load_results(RUNS)
    return [run for number in (1, 2, 3, 4) for run in figure_results(runs, number)]


@functools.cache
def explorable(name):
    return EXPLORABLES[name]()


@functools.cache
def stored():
    """The HTML of every explorable as the notebooks have it: whoever runs them compares it.

    For what the page says and shows; to make all of them anew takes long.
    """
    found = {}
    for path in sorted(BOOK.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                html = "".join(output.get("data", {}).get("text/html", ""))
                if name := re.search(r'id="explorable-([\w-]+)"', html):
                    found[name[1]] = html
    assert found.keys() == EXPLORABLES.keys()
    return found
