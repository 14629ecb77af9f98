"""The paper among its relatives: other models of collapse, on the same class counts.

One module a model. Whatever the rest of the theory has already is used and not repeated: here is
what the models differ by. `models` lists them and gives the optimum of each for the same counts and
penalties; `portraits` says what an optimum looks like in the terms of the balanced literature.

The names stand in `__init__.pyi`, and are loaded when first used.

Examples
--------
The same counts and penalties, with one layer and with three:

>>> from nclib.theory import related
>>> for key in ("squared, bias", "deep, bias"):
...     print(related.portrait(related.relative_optimum(key, [300, 300, 30, 30], 0.007)))
Portrait(K=4, 4 classes right, 0 merged)
Portrait(K=4, 2 classes right, 2 merged)
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
