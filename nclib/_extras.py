"""What an extra of this package brings: imported where it is needed, or named."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def install_command(extra: str) -> str:
    """Return what to type for an extra, and where; the package index has another `nclib`."""
    return f'pip install ".[{extra}]" in a copy of the repository'


def imported(module: str, what: str) -> Any:
    """Return a module of the extra `train`; where it is missing, say that `what` needs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{what} needs the package {package}: {install_command('train')}"
        ) from error
