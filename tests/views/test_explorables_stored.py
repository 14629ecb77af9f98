"""What a notebook stores of an explorable is what is made now, to the last letter."""

import pytest
from every_explorable import EXPLORABLES, explorable, stored


@pytest.mark.parametrize("name", EXPLORABLES)
def test_a_notebook_shows_it_as_it_is_made_now(name):
    """Its chart, too, of which the tests of its table say nothing; a person has looked at it."""
    # Not of the whole text: pytest would work at how two long lines differ for minutes.
    assert bool(explorable(name).html(scripts=False) == stored()[name])
