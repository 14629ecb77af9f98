"""Packages whose names are loaded when they are first used, from one list for people and tools."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

_LINE = re.compile(r"from ([\w.]+) import (\w+) as \2", re.ASCII)


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package whose names stand in its stub.

    Parameters
    ----------
    package : str
        Its name.
    file : str
        Its file. The stub ``__init__.pyi`` beside it, which type checkers and editors read, has a
        line ``from MODULE import NAME as NAME`` for each public name, and for each module of the
        package that is reached as an attribute.
    """
    homes: dict[str, str] = {}
    for line in Path(file).with_suffix(".pyi").read_text(encoding="utf-8").splitlines():
        if match := _LINE.fullmatch(line):
            homes[match[2]] = match[1]

    def load(name: str) -> Any:
        if name == "__all__":
            return sorted(name for name, home in homes.items() if home != package)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            return import_module(f"{package}.{name}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        own = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*homes, *own})

    return load, names
