"""The theory: class counts, the model, its spectrum, the one rule and the optima.

The names stand in `__init__.pyi`, and are loaded when first used.
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
