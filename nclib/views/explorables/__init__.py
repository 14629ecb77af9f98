"""Things to move that work in a page without a kernel, drawn from what `nclib.theory` computes."""

from nclib.views.explorables._explorable import Explorable, Slider, asset, vega_script
from nclib.views.explorables.classes import survival


__all__ = ["Explorable", "Slider", "asset", "survival", "vega_script"]
