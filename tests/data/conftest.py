"""What the tests of readers share."""

import pytest


@pytest.fixture
def write(tmp_path):
    def written(content, name="counts.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written
