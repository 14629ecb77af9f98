"""Metrics of neural collapse, NC1 to NC4, on numpy arrays or torch tensors.

The samples are read in blocks where they lie (any device) and added up in float64; what remains is
the size of the class means, K x d, and is finished in numpy. No d x d matrix is formed.

The names stand in `__init__.pyi`, and are loaded when first used.
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
