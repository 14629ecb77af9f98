"""What an experiment does not take for images, their digest or counts."""

from dataclasses import replace

import pytest

from nclib.training.config import TrainingConfig
from nclib.training.experiment import Experiment

PLAIN = Experiment("digits", [30, 20], TrainingConfig(depth=1, lambda_W=5e-4, lambda_H=1e-5))


@pytest.mark.parametrize("name", ["", "a/b", "..\\b", 3, None, ["digits"]])
def test_data_must_be_a_name_that_a_file_can_have(name):
    with pytest.raises(ValueError, match="data must be a name"):
        replace(PLAIN, data=name)


@pytest.mark.parametrize("digest", ["", "0" * 63, "0" * 65, "G" * 64, 3, b"0" * 64])
def test_a_digest_is_one(digest):
    with pytest.raises(ValueError, match="digest must be 64 hexadecimal digits or None"):
        replace(PLAIN, digest=digest)


def test_a_digest_that_is_one_is_kept():
    assert replace(PLAIN, digest="0123456789abcdef" * 4).digest == "0123456789abcdef" * 4


def test_keys_that_are_stored_must_be_known():
    with pytest.raises((TypeError, ValueError), match="nmaes"):
        Experiment.from_dict(PLAIN.to_dict() | {"nmaes": ["cat", "dog"]})
