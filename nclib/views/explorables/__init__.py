"""Things to move that work in a page without a kernel, drawn from what nclib computes."""

from nclib.views.explorables.classes import survival
from nclib.views.explorables.curves import training_curves
from nclib.views.explorables.explorable import Explorable, Slider
from nclib.views.explorables.gallery import data_sets
from nclib.views.explorables.gram import gram_maps
from nclib.views.explorables.lemma import lemma_curve
from nclib.views.explorables.losses import remedy_outcomes
from nclib.views.explorables.norms import surviving_norms
from nclib.views.explorables.phases import phase_diagram
from nclib.views.explorables.relatives import relatives
from nclib.views.explorables.rule import one_rule
from nclib.views.explorables.secular import secular_function

__all__ = [
    "Explorable",
    "Slider",
    "data_sets",
    "gram_maps",
    "lemma_curve",
    "one_rule",
    "phase_diagram",
    "relatives",
    "remedy_outcomes",
    "secular_function",
    "survival",
    "surviving_norms",
    "training_curves",
]
