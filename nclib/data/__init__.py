"""Class counts that others published or keep in files, and penalties as a script has them.

The names stand in `__init__.pyi`, and are loaded when first used.
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
