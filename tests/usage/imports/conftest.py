"""What tests of imports share."""

import pytest


@pytest.fixture(autouse=True)
def retention(settings):
    settings.USAGE_RETENTION_DAYS = 0


@pytest.fixture
def file(tmp_path):
    """A function that writes records as JSON Lines; a path."""

    def write(*raw, name="usage.jsonl"):
        path = tmp_path / name
        path.write_bytes(b"".join(item + b"\n" for item in raw))
        return path

    return write
