"""PgBouncer in front of PostgreSQL, which gives out a session for one transaction."""

import os
import shutil
import subprocess

import pytest

from tests.deploy.cluster import COUNTS, traffic
from tests.deploy.postgresql import NAME, PASSWORD, address
from tests.faults.stage import AT_WORK, free_port
from tests.waiting import until

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 4
server_round_robin = 1
ignore_startup_parameters = options
"""


@pytest.fixture
def pooled(servers):
    """A server, and the address of a PgBouncer before it."""
    if not (program := shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")):
        pytest.skip("pgbouncer is not installed")
    server, port = servers(), free_port()
    (server.home / "users").write_text(f'"cpa" "{PASSWORD}"\n')
    (server.home / "pgbouncer.ini").write_text(CONFIGURATION.format(server=server, port=port, folder=server.home))
    owner = ("-u", "nobody") if os.getuid() == 0 else ()
    with (server.home / "pgbouncer.log").open("wb") as log:
        pooler = subprocess.Popen([program, *owner, server.home / "pgbouncer.ini"], stderr=log, stdout=log)
    yield server, address(f"127.0.0.1:{port}")
    pooler.terminate()
    pooler.wait()


def test_web_drain_tasks_and_commands_through_transactions_of_a_pooler(cpa, machine, pooled, soak):
    server, pooler = pooled
    if soak:
        server.query("CREATE DATABASE fresh")
        server.database, pooler = "fresh", pooler.replace(NAME, "fresh")
    stage = machine(pooler)
    done = stage.manage("migrate", "--skip-checks")
    assert done.returncode == 0, done.stderr
    with traffic(cpa) as records:
        drain, web = stage.drain(), stage.web()
        tasks = stage.start("tasks", "manage.py", "qcluster")
        drain.says(AT_WORK)
        standby = machine(pooler).drain()
        standby.says("standing by")
        until(lambda: stage.ask("/")[0] == 200 and server.stored)
        assert {stage.ask(page)[0] for page in ("/requests/", "/analysis/", "/readyz", "/api/v1/aliases")} == {200}
        until(lambda: server.query("SELECT count(*) FROM pricing_model") > (0,))  # by a task
        drain.stop()
        standby.says(AT_WORK)
    until(lambda: not cpa.queued and server.query(COUNTS) == (records.sent, records.sent))
    assert [each.stop() for each in (standby, web, tasks)] == [0, 0, 0]
    assert not any("Traceback" in each.log for each in (drain, standby, web, tasks))
