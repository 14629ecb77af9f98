"""A mutant in the place of a module that is imported: the code of its functions, and nothing else.

Whoever holds a function of the module, under whatever name, then calls the mutant.
"""

import functools
import sys
import types
from pathlib import Path
from typing import Any

from tools.mutant_sources import Mutant

ROOT = Path(__file__).resolve().parent.parent


def transplant(mutant: Mutant) -> int:
    """Put the code of a mutant into its imported module's functions; count those that change."""
    name = mutant.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    name = name.removeprefix("book._ext.")
    module = sys.modules.get(name)
    if module is None:
        return 0
    mutated = types.ModuleType(name)
    mutated.__dict__.update(
        __file__=module.__file__, __package__=module.__package__, __spec__=module.__spec__
    )
    if hasattr(module, "__path__"):
        mutated.__path__ = module.__path__
    path = str(ROOT / mutant.module)
    exec(compile(mutant.source, path, "exec", dont_inherit=True), mutated.__dict__)
    return _transplant_members(vars(module), vars(mutated), name)


def _transplant_members(old: Any, new: Any, name: str) -> int:
    changed = 0
    for key, value in new.items():
        if key in old and key != "__dict__":
            changed += _transplant_one(old[key], value, name)
    return changed


def _transplant_one(old: Any, new: Any, name: str) -> int:
    if isinstance(new, type):
        is_ours = isinstance(old, type) and new.__module__ == name and old is not new
        return _transplant_members(vars(old), vars(new), name) if is_ours else 0
    if type(old) is not type(new):
        return 0
    if isinstance(new, property):
        pairs = [(old.fget, new.fget), (old.fset, new.fset)]
        return sum(_transplant_one(*pair, name) for pair in pairs if pair[1] is not None)
    if isinstance(new, functools.cached_property):
        return _transplant_one(old.func, new.func, name)
    if isinstance(new, classmethod | staticmethod):
        return _transplant_one(old.__func__, new.__func__, name)
    changed = 0
    if hasattr(new, "__wrapped__"):
        changed = _transplant_one(old.__wrapped__, new.__wrapped__, name)
        if changed and hasattr(old, "cache_clear"):
            old.cache_clear()
    if isinstance(new, types.FunctionType) and new.__module__ == name:
        defaults = (old.__defaults__, new.__defaults__), (old.__kwdefaults__, new.__kwdefaults__)
        if old.__code__ != new.__code__ or any(map(_differ, defaults)):
            old.__code__ = new.__code__
            old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
            changed += 1
    return changed


def _differ(pair: tuple[Any, Any]) -> bool:
    """Tell whether default values differ that can be told apart: objects are of another module."""
    plain = (int, float, complex, str, type(None), tuple)
    old, new = ((list(one.values()) if isinstance(one, dict) else one or ()) for one in pair)
    return any(
        isinstance(right, plain) and left != right for left, right in zip(old, new, strict=True)
    )
