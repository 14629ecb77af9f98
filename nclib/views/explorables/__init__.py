"""Things to move that work in a page without a kernel, drawn from what `nclib.theory` computes."""

from nclib.views.explorables._explorable import Explorable, Slider
from nclib.views.explorables.classes import survival
from nclib.views.explorables.rule import one_rule

__all__ = ["Explorable", "Slider", "one_rule", "survival"]
