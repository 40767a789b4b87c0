"""Records made to order, and the ways in which tests look at what became of them."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import transaction

from tests import FIXTURES
from usage.ingest.writer import Writer
from usage.models import MEASURES, Day, LabelDay, LabelQuarter, Quarter

SECOND, HOUR = 1_000_000, 3600 * 1_000_000
NOON = 1_795_492_800_000_000  # 2026-11-24T04:00:00Z, noon in Shanghai
DAY = 24 * HOUR
CAPTURED = FIXTURES.joinpath("cpa/records.jsonl").read_bytes().splitlines()


@contextmanager
def scratch():
    """A database as it was before, once the block is over: one for each example of a property."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def record(at: int, **fields) -> bytes:
    """A raw record that started at `at` (µs, UTC); any field of CPA's may be given, and `tokens` by its short names."""
    counts = {"input": 100, "output": 50, "reasoning": 10, "cached": 40, "cache_creation": 0, "total": 150}
    counts |= fields.pop("tokens", {})
    item = {
        "timestamp": f"{rfc3339(at)}",
        "latency_ms": 1200,
        "ttft_ms": 300,
        "source": "ann@example.com",
        "auth_index": "a1b2c3d4e5f60718",
        "failed": False,
        "provider": "codex",
        "executor_type": "CodexExecutor",
        "model": "gpt-5",
        "alias": "gpt-5",
        "endpoint": "POST /v1/responses",
        "auth_type": "oauth",
        "api_key": "sk-client-alice-0001",
        "request_id": "",
        "tokens": {f"{name}_tokens": count for name, count in counts.items()},
    }
    return json.dumps(item | fields).encode()


def rfc3339(at: int) -> str:
    """A time in µs as CPA would write it, in UTC."""
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % SECOND:06d}Z"


def stored(*raw: bytes, arrived: int = NOON, writer: Writer | None = None):
    """What became of a batch of raw records."""
    return (writer or Writer()).store([(arrived, item) for item in raw])


def rollups(*measures: str) -> dict:
    """{table: {(bucket, series or label value id): the measures named, or all}}; a row of zeros is as good as none."""
    names = measures or MEASURES
    return {
        rollup.__name__: {
            row[:2]: row[2:]
            for row in rollup.objects.values_list("bucket", rollup.owner(), *names)
            if measures or any(row[2:])
        }
        for rollup in (Quarter, Day, LabelQuarter, LabelDay)
    }


def totals(rollup=Day) -> dict[str, int]:
    """Every measure of a rollup summed, zeros left out."""
    rows = rollup.objects.values_list(*MEASURES)
    sums = dict(zip(MEASURES, map(sum, zip(*rows, strict=True)), strict=False))
    return {name: total for name, total in sums.items() if total}
