"""What the tests of training share: threads that do not wait for each other, and quiet."""

import warnings

import pytest
import torch


@pytest.fixture
def one_thread():
    """Matrices are small here: with more threads these wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_warnings():
    """What a monitor warns of is not what the test is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
