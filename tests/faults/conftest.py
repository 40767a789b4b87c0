"""A stage for each test; its database is a copy of one that was migrated once."""

import pytest

from simulator import Simulator
from tests.faults.disks import small_disk  # noqa: F401  a fixture
from tests.faults.stage import Stage, free_port, stages_in


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A SQLite file with all tables and no row of ours."""
    stage = Stage(tmp_path_factory.mktemp("migrated"), "http://127.0.0.1:1", "key")
    done = stage.manage("migrate", "--verbosity=0", "--skip-checks")
    assert done.returncode == 0, done.stderr
    return stage.database


@pytest.fixture
def cpa():
    with Simulator(port=free_port(), retention_seconds=3600) as simulator:
        yield simulator


@pytest.fixture
def set_up(tmp_path, migrated):
    """A function that sets a stage for a CPA at an address; what runs on it ends with the test."""
    with stages_in(tmp_path, migrated) as made:
        yield made


@pytest.fixture
def stage(set_up, cpa):
    """A stage before the simulated CPA."""
    return set_up(cpa.base_url, cpa.management_key)
