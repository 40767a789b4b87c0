"""The task cluster: each task has a process of its own, however that ends the others run, and a stop waits for it."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.faults.chores import ENDED_BY_ITSELF
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough
QUEUE = """
import sys, json, django; django.setup()
from django_q.tasks import async_task
for name, words, options in json.loads(sys.argv[1]):
    async_task("tests.faults.chores." + name, *words, task_name=name, **options)
"""
RESULTS = """
import json, django; django.setup()
from django_q.models import Task
print(json.dumps([[each.name, each.success, each.result] for each in Task.objects.order_by("stopped")]))
"""


@pytest.fixture
def cluster(stage):
    tasks = stage.start("tasks", "-m", "tests.faults.chores", "qcluster")
    tasks.says("The task cluster is running.")
    return tasks


@pytest.fixture
def queue(stage):
    """A function that queues tasks: (name of a chore, its arguments, options)."""

    def put(*tasks):
        done = stage.run("-c", QUEUE, json.dumps(tasks))
        assert done.returncode == 0, done.stderr

    return put


def results(stage) -> list:
    """[name, success, result] of each task that ended."""
    return json.loads(stage.run("-c", RESULTS).stdout)


def ended(stage) -> int:
    return (stage.query("SELECT count(*) FROM django_q_task") or [0])[0]


def children(process) -> list[int]:
    pid = process.popen.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_however_a_task_ends_the_next_one_runs(stage, cluster, queue):
    change = "INSERT INTO django_q_ormq (key, payload, lock) VALUES ('cpa-usage', 'forged', '2026-01-01 00:00:00')"
    done = stage.run(
        "-c",
        f"import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute({change!r}); c.commit()",
        stage.database,
    )
    assert done.returncode == 0, done.stderr
    queue(
        ["whose", [], {}],
        ["fall", [], {}],
        ["deaf", [], {"timeout": 1}],
        ["sleep", [600], {"timeout": 1}],
        ["missing", [], {}],
        ["whose", [], {}],
    )
    until(lambda: ended(stage) == 6)
    assert "A task that is not ours was removed from the queue." in cluster.log
    first, fallen, deaf, late, missing, last = results(stage)
    assert fallen == ["fall", False, f"Its process ended with status {ENDED_BY_ITSELF}."]
    assert deaf == ["deaf", False, f"Its process ended with status -{signal.SIGKILL:d}."]
    assert (first[:2], last[:2]) == (["whose", True], ["whose", True])
    assert len({first[2], last[2], cluster.popen.pid}) == 3
    assert late[:2] == ["sleep", False] and "exceeded maximum timeout value (1 seconds)" in late[2]
    assert missing[:2] == ["missing", False]
    assert stage.query("SELECT count(*) FROM django_q_ormq") == (0,)  # none is begun again every hour
    assert children(cluster) == []
    assert cluster.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_the_task_under_way(stage, cluster, queue, number):
    queue(["sleep", [2], {}], ["whose", [], {}])
    (child,) = until(lambda: children(cluster))
    for pid in (child, cluster.popen.pid):  # as a terminal and some process managers do
        os.kill(pid, number)
    assert cluster.stop() == 0
    assert results(stage) == [["sleep", True, None]]
    assert stage.query("SELECT count(*) FROM django_q_ormq") == (1,)
