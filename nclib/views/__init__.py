"""Pictures of the theory. Nothing here computes mathematics: it draws what `nclib.theory` gives.

The modules stand in `__init__.pyi`, and are loaded when first used.
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
