"""Cases of a test of which a few stand for all in `make test`, and all run in `make test-all`."""

import pytest


def few(values, kept):
    """Cases for `parametrize`, each under its usual name: those not among `kept` are slow."""
    kept = set(kept)
    assert kept <= set(values)
    return [
        value if value in kept else pytest.param(value, marks=pytest.mark.slow) for value in values
    ]


def in_parts(rows, most=12):
    """Rows of a long table in few cases for `parametrize`, of which `tools.mutants` tries all."""
    return [rows[part::most] for part in range(min(most, len(rows)))]
