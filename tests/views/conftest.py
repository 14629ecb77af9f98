"""What the tests of all explorables share."""

import numpy as np
import pytest

# Half a unit of the sixth significant digit, relative to the smallest number that has it.
ROUNDING = 5.1e-6


@pytest.fixture
def compare(record_error):
    """Compares a column with values worked out apart, to the rounding of the table."""

    def check(what, column, expected):
        expected = np.broadcast_to(expected, column.shape)
        scale = np.where(expected == 0, 1.0, np.abs(expected))
        error = np.max(np.abs(column - expected) / scale)
        assert record_error(f"explorables: {what}", error, ROUNDING)

    return check
