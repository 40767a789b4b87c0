"""What several tests of installations share."""

from tests.deploy.cluster import cpa, machine  # noqa: F401  fixtures
from tests.deploy.container import container  # noqa: F401  a fixture
from tests.deploy.debian import debian_root  # noqa: F401  a fixture
from tests.deploy.postgresql import migrated_server, servers  # noqa: F401  fixtures
