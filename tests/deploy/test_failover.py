"""Two PostgreSQL servers behind one DATABASE_URL: the primary is killed and the replica promoted, under traffic."""

import time

from tests.deploy.cluster import COUNTS, traffic
from tests.deploy.postgresql import address, follows
from tests.faults.stage import AT_WORK
from tests.waiting import until

ONLY_A_REPLICA = "The database is read-only just now: a replica answers, and no primary."
SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"


def test_a_primary_that_is_killed_costs_nothing_once_its_replica_is_promoted(cpa, machine, servers, soak):
    primary = servers()
    replica = servers(replica_of=primary)
    primary.query(SYNCHRONOUS)  # a commit is on both: what the primary alone had is gone with it
    primary.query("SELECT pg_reload_conf()")
    stage = machine(address(primary, replica, options="?target_session_attrs=read-write"))
    with traffic(cpa) as records:
        drain, web = stage.drain(), stage.web()
        drain.says(AT_WORK)
        until(lambda: primary.stored)
        time.sleep(20 if soak else 0)
        primary.kill()
        until(lambda: stage.ask("/readyz") == (503, {"status": "unready", "reason": ONLY_A_REPLICA}))
        until(lambda: stage.waiting)
        time.sleep(20 if soak else 0)
        replica.promote()
        until(lambda: stage.ask("/")[0] == 200)
        before = replica.stored
        until(lambda: replica.stored > before)
    until(lambda: not cpa.queued and not stage.waiting)
    until(lambda: replica.query(COUNTS) == (records.sent, records.sent))
    assert stage.ask("/api/v1/usage/overview")[1]["summary"]["total"] == records.sent
    assert (drain.stop(), web.stop()) == (0, 0)


def test_a_connection_to_a_server_that_is_read_only_by_now_is_given_up(cpa, machine, servers):
    old = servers()
    new = servers(replica_of=old)
    stage = machine(address(old, new))
    drain, web = stage.drain(), stage.web()
    drain.says(AT_WORK)
    assert stage.ask("/")[0] == 200
    until(lambda: old.query("SELECT mode FROM usage_drainstate") == ("pop",))
    follows(new, old)
    old.query("ALTER SYSTEM SET default_transaction_read_only = on")  # as of one that was demoted
    old.query("SELECT pg_reload_conf()")
    new.promote()
    with traffic(cpa) as records:
        until(lambda: new.stored)
    until(lambda: new.query(COUNTS) == (records.sent, records.sent))
    assert stage.ask("/api/v1/usage/overview")[1]["summary"]["total"] == records.sent
    assert (drain.stop(), web.stop()) == (0, 0)
