"""Cases of a test of which a few stand for all in `make test`, and all run in `make test-all`."""

import pytest


def few(values, kept):
    """Cases for `parametrize`, each under its usual name: those not among `kept` are slow."""
    kept = set(kept)
    assert kept <= set(values)
    return [
        value if value in kept else pytest.param(value, marks=pytest.mark.slow) for value in values
    ]


def chosen(request, parameter):
    """Values of a parameter in the tests of the file that run: nothing else is asked for."""
    cases = [
        item.callspec.params
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    return {case[parameter] for case in cases if parameter in case}


def in_parts(rows, most=12):
    """Rows of a long table in few cases for `parametrize`, of which `tools.mutants` tries all."""
    return [rows[part::most] for part in range(min(most, len(rows)))]
