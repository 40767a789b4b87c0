"""An import, or its undoing, is killed while a drain is at work: the next run ends it, and nothing counts twice."""

import pytest

from tests.faults.stage import AT_WORK, START, push
from tests.usage.made import record
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough

RECORDS = 15_000
PART = "SELECT 1 FROM usage_import WHERE position > 0 AND position < end"


@pytest.fixture
def stage(set_up, cpa):
    return set_up(cpa.base_url, cpa.management_key, USAGE_RETENTION_DAYS="0")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "usage.jsonl"
    lines = (record(START + n * 1000, request_id=f"id{n // 2}", failed=not n % 2) for n in range(RECORDS))
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def killed_when(stage, condition, *words):
    process = stage.start("web", "manage.py", "importusage", *map(str, words))
    until(condition)
    process.popen.kill()
    process.popen.wait()


def test_a_killed_import_goes_on_and_a_killed_undoing_too(stage, cpa, file):
    stage.drain().says(AT_WORK)
    push(cpa, 100)  # some of what the file has, in other words
    until(lambda: stage.stored == 100)
    killed_when(stage, lambda: stage.query(PART), file)
    assert 100 < stage.stored < RECORDS
    assert stage.manage("verify").returncode == 0
    push(cpa, 10, start=RECORDS)
    done = stage.manage("importusage", file)
    assert done.returncode == 0, done.stderr
    until(lambda: stage.stored == RECORDS + 10)
    assert f"{RECORDS - 100:,} new events" in done.stdout
    killed_when(stage, lambda: stage.stored < RECORDS - 2000, "--undo", 1)
    assert stage.stored > 110
    assert stage.manage("verify").returncode == 0
    undone = stage.manage("importusage", "--undo", 1)
    assert undone.returncode == 0, undone.stderr
    assert stage.stored == 110
    assert stage.query("SELECT sum(requests) FROM usage_day") == (110,)
