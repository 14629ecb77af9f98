"""Neural collapse under imbalanced data: the theory of arXiv 2411.17278, as a library.

What most people want is here; the rest is in the parts of the package, such as `nclib.theory` and
`nclib.metrics`. All of it is loaded when first used, so that importing `nclib` is quick. The names
stand in `__init__.pyi`.
"""

from nclib._lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__ = attach(__name__, __file__)
