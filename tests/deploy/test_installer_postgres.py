"""An installation on PostgreSQL: upgraded without a loss, and as before after an upgrade that fails."""

import psycopg
import pytest

from tests.deploy.installation import FOLDER, MOST_AWAY, Installation
from tests.deploy.postgresql import run
from tests.deploy.world import KEY, RELEASES_PORT


class OnPostgreSQL(Installation):
    """What is stored is in a server that the container's network reaches."""

    def __init__(self, installation, server):
        super().__init__(installation.container, installation.world)
        self.server = server
        run("pg_ctl", "-D", server.data, "-m", "fast", "-w", "stop")
        server.start("nsenter", "-t", *self.container.leader, "-n")

    def query(self, sql):
        server = {"host": str(self.server.home), "port": self.server.port, "dbname": self.server.database}
        with psycopg.connect(user="cpa", password="tests", **server) as connection:
            return connection.execute(sql).fetchone()[0]


@pytest.fixture
def it(installation, servers):
    made = OnPostgreSQL(installation, servers())
    yield made
    made.container.run(f"/{FOLDER}/cpa-usage-install.sh", "--uninstall", "--purge")


def test_an_upgrade_on_postgresql(it):
    script, url = f"/{FOLDER}/cpa-usage-install.sh", f"http://127.0.0.1:{RELEASES_PORT}"
    assert it.container.run(script, "--url", url, "--version", "0.1.0").returncode == 1  # CPA's key is missing yet
    env = it.home / ".env"
    env.write_text(f"{env.read_text()}DATABASE_URL={it.server.address}\n")
    done = it.container.run("/usr/local/sbin/cpa-usage-install", CPA_MANAGEMENT_KEY=KEY)
    assert done.returncode == 0, done.stdout
    it.ask("go")
    it.is_at_work("0.1.0")
    it.ask()
    done = it.install("0.2.0")
    assert done.returncode == 0, done.stdout
    assert "It is PostgreSQL, whose backups are yours (pg_dump)." in done.stdout
    assert it.ask()["away"] <= MOST_AWAY
    it.is_at_work("0.2.0")
    assert it.query("SELECT count(*) FROM second") == 0
    it.lost_nothing()
    done = it.install("0.3.0")
    assert done.returncode == 1
    assert "0.2.0 runs again; no record was lost." in done.stdout
    assert it.ask()["away"] <= MOST_AWAY
    it.is_at_work("0.2.0")
    assert it.query("SELECT to_regclass('third') IS NULL")
    it.lost_nothing()
