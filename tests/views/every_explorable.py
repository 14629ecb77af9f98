"""Every explorable of the book, as the book calls it: name to a function that makes it."""

import functools

import nclib as nc
from nclib.views import explorables

ECOLI = nc.ClassCounts([143, 77, 52, 35, 20, 5, 2, 2])

EXPLORABLES = {
    "survival": explorables.survival,
    "one-rule": lambda: explorables.one_rule(ECOLI),
    "norms": explorables.surviving_norms,
    "gram": explorables.gram_maps,
    "lemma": explorables.lemma_curve,
    "phases": explorables.phase_diagram,
    "secular": explorables.secular_function,
    "data-sets": explorables.data_sets,
}


@functools.cache
def explorable(name):
    return EXPLORABLES[name]()
