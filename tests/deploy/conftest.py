"""What several tests of installations share."""

import os

import pytest

from tests.deploy.cluster import cpa, machine  # noqa: F401  fixtures
from tests.deploy.container import container  # noqa: F401  a fixture
from tests.deploy.debian import debian_root  # noqa: F401  a fixture
from tests.deploy.installation import archive, installation, unpacked  # noqa: F401  fixtures
from tests.deploy.postgresql import migrated_server, servers  # noqa: F401  fixtures


@pytest.fixture(scope="module", autouse=True)
def files_for_others():
    """Other users' programs read what these tests write; cpa_usage.wsgi, where it was loaded, keeps them out."""
    before = os.umask(0o022)
    yield
    os.umask(before)
