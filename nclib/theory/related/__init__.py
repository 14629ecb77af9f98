"""The paper among its relatives: other models of collapse, on the same class counts.

One module a model. Whatever the rest of the theory has already is used and not repeated: here is
what the models differ by. `models` lists them and gives the optimum of each for the same counts and
penalties; `portraits` says what an optimum looks like in the terms of the balanced literature.

The names stand in `__init__.pyi`, and are loaded when first used.

Examples
--------
>>> from nclib.theory.related import minority_collapse_ratio
>>> round(minority_collapse_ratio(5, 5, E_W=1, E_H=5), 3)  # bounds on the norms, ten classes
12.192
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
