"""A flood of names that clients make up: a real drain stores it in bounded memory and tables, and goes on afterwards.

The limits are the real ones. With `--soak` the flood is as long as one that was seen.
"""

import pytest

from tests.faults.stage import AT_WORK, START, caught_up, push
from tests.usage.made import record
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # a process with a SQLite file of its own: once is enough
MOST_KB = 150_000


def flooded(number, **fields):
    """A record no label of which was met before."""
    names = {"provider": "p", "executor_type": "x", "source": "s", "auth_index": "i", "auth_type": "t", "alias": "a"}
    names = {field: f"{short}-{number}" for field, short in names.items()}
    names |= {"model": f"junk-{number}", "api_key": f"sk-junk-{number:08}", "endpoint": f"POST /{number}"}
    names |= {"reasoning_effort": f"e-{number}", "user_agent": f"agent {number}", "request_id": f"{number:08x}"}
    headers = {"X-Ratelimit-Remaining": [str(number)]}
    return record(START - 10**9 + number * 1000, response_headers=headers, **names | fields)


def count(stage, table):
    return stage.query(f"SELECT count(*) FROM {table}")[0]


def test_a_flood_of_everything_is_stored_in_bounded_memory_and_then_merged(stage, cpa, soak):
    number = 200_000 if soak else 11_000
    drain = stage.drain()
    drain.says(AT_WORK)
    push(cpa, 10)
    for start in range(0, number, 11_000):
        end = min(start + 11_000, number)
        cpa.push_many(flooded(n) for n in range(start, end))
        until(lambda stored=end + 10: stage.stored == stored)
    push(cpa, 10, start=10)
    until(lambda: stage.stored == number + 20)
    assert drain.peak_kb < MOST_KB
    # Of each label its limit, and a row for all others; what was known before the flood is as it was.
    assert count(stage, "pricing_model") == 2_001
    assert count(stage, "aliases_apikey") == 10_001
    assert count(stage, "usage_series") == 10_001
    assert count(stage, "usage_limitreading") <= 10_000
    rows = "usage_day JOIN usage_series ON id = series_id"
    assert stage.query(f"SELECT sum(requests) FROM {rows} WHERE provider = 'codex'") == (20,)
    assert stage.query("SELECT total_folded FROM usage_drainstate")[0] >= number - 1_000
    assert b"sk-junk-00000001" not in stage.database.read_bytes()

    merged = stage.manage("mergelabels", "model", "junk-*")
    assert merged.returncode == 0, merged.stderr
    assert "1,999 values" in merged.stdout and merged.stdout.endswith("Merged.\n")
    assert count(stage, "pricing_model") == 2
    cpa.push(*(flooded(n, latency_ms=1) for n in (1, 2, 1)))  # the running drain remembered where these went
    push(cpa, 10, start=20)
    caught_up(stage, cpa, number + 32)
    assert count(stage, "pricing_model") == 4
    assert drain.popen.poll() is None and "Traceback" not in drain.log
