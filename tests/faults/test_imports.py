"""An import, or its undoing, is killed beside a drain at work: the next run ends it, and nothing counts twice."""

import pytest

from tests.faults.stage import AT_WORK, START, push
from tests.usage.made import record
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough

RECORDS = 20_000
PART = "SELECT 1 FROM usage_import WHERE position > 0 AND position < end"


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
    assert stage.manage("verify").returncode == 0
    assert f"{RECORDS - 100:,} new events" in done.stdout
    killed_when(stage, lambda: stage.stored < RECORDS - 2000, "--undo", 1)
    assert stage.stored > 110
    assert stage.manage("verify").returncode == 0
    undone = stage.manage("importusage", "--undo", 1)
    assert undone.returncode == 0, undone.stderr
    assert stage.stored == 110
    assert stage.manage("verify").returncode == 0
    assert stage.query("SELECT sum(requests) FROM usage_day") == (110,)


def test_a_file_that_cannot_be_imported_is_refused_in_a_sentence(stage, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing to import")
    for words in ((path,), (tmp_path / "absent",), ("--undo", 7)):
        done = stage.manage("importusage", *words)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith("CommandError: ") and done.stderr.count("\n") == 1
