"""What is imported where it is needed, and what is said where it is missing."""

import json
import re

import pytest

from nclib._extras import imported, install_command


def test_what_is_there_is_returned():
    assert imported("json", "anything") is json
    assert imported("json.decoder", "anything") is json.decoder


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part.of_it"])
def test_what_is_missing_is_named_with_what_to_type(module):
    words = f"a sweep needs the package no_such_package: {install_command('train')}"
    with pytest.raises(ImportError, match=f"^{re.escape(words)}$"):
        imported(module, "a sweep")
