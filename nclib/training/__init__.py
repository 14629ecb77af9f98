"""Real images and the training of networks on them. The only part of nclib that needs torch.

The names stand in `__init__.pyi`, and are loaded when first used.
"""

from nclib._lazy import attach

__getattr__, __dir__ = attach(__name__, __file__)
