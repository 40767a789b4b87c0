"""Imports of files that tests write."""

import json

from tests.usage.made import DAY, NOON, SECOND, record, rollups
from usage.imports.formats import Refused
from usage.imports.running import run_all
from usage.models import Import
from usage.rollups.check import check
from usage.rollups.rebuild import follow_zone
from usage.rollups.retention import move_events_from
from usage.time.periods import local_day

TODAY = local_day(NOON // SECOND, "Asia/Shanghai")


def begun(path) -> Import:
    return Import.objects.create(name=path.name, arrived=NOON + 30 * DAY, state=Import.State.RUNNING)


def run(job, path, tell=lambda position: None, **options) -> bool:
    """Import a file from where the job stopped; whether there is more to do. Raises Refused."""
    more = run_all([(job, path)], lambda job: tell(job.position), **options)
    if job.state == Import.State.REFUSED:
        raise Refused(job.why)
    return more


def imported(path) -> Import:
    """The import of a file, done."""
    job = begun(path)
    while run(job, path):
        pass
    assert_sound()
    job.refresh_from_db()
    assert job.state == Import.State.DONE
    return job


def assert_sound():
    assert list(check()) == []
    assert all(min(row) >= 0 for rows in rollups().values() for row in rows.values())


def told_again(raw: bytes, **changes) -> bytes:
    """The same record in other bytes."""
    return json.dumps(json.loads(raw) | {"user_agent": "another program's words"} | changes).encode()


def some(count=20, at=NOON, **fields):
    """Requests of two attempts each, a failure and a success."""
    for n in range(count):
        for attempt, failed in enumerate((True, False)):
            yield record(at + n * 600 * SECOND + attempt * 2 * SECOND, request_id=f"id{n}", failed=failed, **fields)


def closed(day=TODAY):
    """The kept detail begins with this day."""
    follow_zone()
    move_events_from(day)
