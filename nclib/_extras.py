"""How to install what an extra of this package brings."""


def install_command(extra: str) -> str:
    """Return what to type for an extra, and where; the package index has another `nclib`."""
    return f'pip install ".[{extra}]" in a copy of the repository'
