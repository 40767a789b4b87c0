"""DATABASE_READ_URL: questions are answered by a replica, and by the primary while that is away or behind."""

import json

from tests.deploy.cluster import COUNTS
from tests.deploy.postgresql import follows
from tests.faults.stage import AT_WORK, push
from tests.waiting import until

TOTAL = "/api/v1/usage/overview?range=all"


def test_questions_are_answered_by_the_replica_while_it_follows(cpa, machine, servers, soak):
    primary = servers()
    replica = servers(replica_of=primary)
    stage = machine(primary.address, DATABASE_READ_URL=replica.address)
    drain, web = stage.drain(), stage.web()
    drain.says(AT_WORK)
    push(cpa, 100)
    until(lambda: primary.query(COUNTS) == (100, 100))
    follows(replica, primary)
    until(lambda: stage.ask("/api/v1/status")[1]["replica"] == {"lag_seconds": 0.0, "in_use": True})
    assert stage.ask(TOTAL)[1]["summary"]["total"] == 100

    replica.query("SELECT pg_wal_replay_pause()")  # it answers, and what is stored now is not in it
    until(lambda: replica.query("SELECT pg_get_wal_replay_pause_state()") == ("paused",))
    push(cpa, 100, start=100)
    until(lambda: primary.query(COUNTS) == (200, 200))
    assert stage.ask(TOTAL)[1]["summary"]["total"] == 100  # of the replica
    until(lambda: stage.ask("/api/v1/status")[1]["replica"]["lag_seconds"] > 0)
    tag = tagged(stage)
    assert tagged(stage, tag) == 304

    with stage.client() as client:  # what one has changed is there at once: the primary answers
        price = {"model": "gpt-5", "input": "1.25", "output": "10"}
        changed = client.put("/api/v1/pricing", content=json.dumps(price), headers={"Content-Type": "application/json"})
        assert changed.status_code < 300, changed.text
    assert stage.ask(TOTAL)[1]["summary"]["total"] == 200
    assert tagged(stage, tag) == 200
    if soak:
        until(lambda: "replica" in stage.ask("/api/v1/status")[1]["notices"])

    replica.query("SELECT pg_wal_replay_resume()")
    until(lambda: stage.ask("/api/v1/status")[1]["replica"]["in_use"])
    replica.stop()
    assert {stage.ask(page)[0] for page in ("/", TOTAL)} == {200}
    until(lambda: stage.ask("/api/v1/status")[1]["replica"]["lag_seconds"] is None)
    assert "replica" in stage.ask("/api/v1/status")[1]["notices"]
    replica.start()
    until(lambda: stage.ask("/api/v1/status")[1]["replica"]["in_use"])
    assert (drain.stop(), web.stop()) == (0, 0)


def tagged(stage, tag="") -> str | int:
    """The ETag of the answer; with one, the status of asking again."""
    with stage.client() as client:
        reply = client.get(TOTAL, headers={"If-None-Match": tag} if tag else {})
    return reply.status_code if tag else reply.headers["ETag"]
