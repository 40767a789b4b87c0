"""Whatever order records come in, however batches are cut and however often they come again: the same totals.

The expected totals are counted here from the records themselves, by the plainest reading of the rules.
"""

from collections import Counter

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage.made import HOUR, NOON, SECOND, record, scratch, stored
from tests.usage.query.reference import Attempt, requests_of
from usage.ingest.writer import Writer
from usage.models import Day, Event, Quarter
from usage.records import record as records
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild
from usage.time.periods import local_day

pytestmark = pytest.mark.django_db

EXAMPLES = 100 if connection.vendor == "sqlite" else 30  # others in each run
MIDNIGHT = NOON + 12 * HOUR
# Starts that meet and miss each other by the minute the rule allows, and straddle a quarter hour and a midnight; some
# attempts take days.
DAYS = 2 * 86_400
STARTS = [MIDNIGHT + n * SECOND for n in (-DAYS - 90, -DAYS - 60, -961, -900, -61, -1, 0, 1, 59, 60, 61, 120, 121, 900)]

made_records = st.builds(
    lambda at, request, key, alias, endpoint, failed, latency, tokens, nth: record(
        at,
        request_id=request,
        api_key=key,
        alias=alias,
        endpoint=endpoint,
        failed=failed,
        latency_ms=latency,
        ttft_ms=latency // 2,
        tokens={"input": tokens, "total": tokens + 50},
        x_forwarded_for=nth,
    ),
    st.sampled_from(STARTS),
    st.sampled_from(["", "0a0a0a0a", "0a0a0a0a", "0b0b0b0b"]),
    st.sampled_from(["", "sk-client-alice-0001"]),
    st.sampled_from(["gpt-5", "gpt-5", "fast"]),
    st.sampled_from(["POST /v1/responses", "POST /v1/responses", "GET /v1/responses"]),
    st.booleans(),
    st.sampled_from([0, 1, 1000, 59_000, 61_000, DAYS * 1000]),
    st.sampled_from([0, 40, 100, 40_000, 300_000]),
    st.sampled_from(["", "", "2", "3"]),
)


@st.composite
def deliveries(draw):
    """Records, and the batches in which they come: each at least once, in any order, some again."""
    known = draw(st.lists(made_records, min_size=1, max_size=14))
    order = draw(st.permutations(known + draw(st.lists(st.sampled_from(known), max_size=6))))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=5)))
    batches = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return known, [batch for batch in batches if batch], draw(st.booleans())


@given(deliveries())
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_order_and_any_cuts_give_the_same_totals(delivery):
    known, batches, restarts = delivery
    with scratch():
        deliver(batches, restarts)
        assert counted() == expected(known)
        assert list(check()) == []


@given(deliveries())
@settings(max_examples=EXAMPLES // 3, deadline=None)
def test_counting_everything_anew_changes_nothing(delivery):
    with scratch():
        deliver(*delivery[1:])
        before = state()
        list(rebuild())
        assert state() == before


def deliver(batches, restarts):
    writer = Writer()
    for batch in batches:
        stored(*batch, writer=Writer() if restarts else writer)


def counted():
    """What the rollups say, by time and by whatever a tie cannot change: (attempts, tokens, client requests)."""
    sums = {"Quarter": Counter(), "Day": Counter(), "ended": 0, "ended in failure": 0}
    for rollup in (Quarter, Day):
        for row in rollup.objects.select_related("series"):
            key = (row.bucket, row.series.failed, row.series.requested_model)
            sums[rollup.__name__][key] += row.requests * 10**9 + row.total
            assert row.failed == row.requests * row.series.failed
    sums["ended"] = sum(row.client_requests for row in Day.objects.all())
    sums["ended in failure"] = sum(row.client_failed for row in Day.objects.all())
    assert sums["ended"] == sum(row.client_requests for row in Quarter.objects.all())
    assert all(row.client_requests >= 0 for row in Quarter.objects.all())
    assert sums["ended"] == Event.objects.filter(final=True).count()
    return sums


def expected(raws):
    found = {raw: records.parse(raw, NOON) for raw in raws}.values()
    sums = {"Quarter": Counter(), "Day": Counter(), "ended": 0, "ended in failure": 0}
    for r in found:
        quarter = r.timestamp // (900 * SECOND) * 900
        for table, bucket in (("Quarter", quarter), ("Day", local_day(quarter, "Asia/Shanghai"))):
            sums[table][bucket, r.failed, r.requested_model] += 10**9 + r.total
    for request in requests_of([Attempt(r, 0, "Asia/Shanghai") for r in found]):
        sums["ended"] += 1
        sums["ended in failure"] += all(attempt.record.failed for attempt in request)
    return sums


def state():
    """All rollup rows but those of zeros, and every mark."""
    rows = {
        rollup.__name__: sorted(row for row in rollup.objects.values_list() if any(row[2:]))
        for rollup in (Quarter, Day)
    }
    return rows, sorted(Event.objects.values_list("id", "final"))
