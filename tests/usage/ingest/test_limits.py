"""What is kept of upstreams' rate-limit headers."""

import pytest

from tests.usage.made import DAY, HOUR, NOON, SECOND, record, stored
from usage.ingest.writer import Writer
from usage.models import LimitReading, PastReading
from usage.rollups import retention

pytestmark = pytest.mark.django_db


def said(at, used, request="r", **fields):
    headers = {"X-Codex-Primary-Used-Percent": [used], "X-Request-Id": [request], "Set-Cookie": ["secret"]}
    return record(at, response_headers=headers, **fields)


def newest():
    return {row.auth_index: (row.seen_at, row.headers) for row in LimitReading.objects.all()}


def past():
    rows = PastReading.objects.order_by("hour").values_list("hour", "headers")
    return [(hour - NOON // SECOND, headers["x-codex-primary-used-percent"]) for hour, headers in rows]


def test_the_newest_record_of_each_account_counts_in_whatever_order_they_come():
    stored(said(NOON + 2, "12", "new"), said(NOON, "11", "old"), said(NOON, "5", auth_index="other"))
    stored(said(NOON + 1, "99"))  # a new writer, which has to look
    writer = Writer()
    stored(said(NOON + 3, "13", "newer"), writer=writer)
    stored(said(NOON + 2, "77"), writer=writer)
    assert newest() == {
        "a1b2c3d4e5f60718": (NOON + 3, {"x-codex-primary-used-percent": "13", "x-request-id": "newer"}),
        "other": (NOON, {"x-codex-primary-used-percent": "5", "x-request-id": "r"}),
    }


def test_history_keeps_the_last_change_of_each_hour_and_no_ids_of_requests():
    for at, used in ((0, "10"), (60, "20"), (3600, "20"), (7200, "30"), (7260, "30")):
        stored(said(NOON + at * SECOND, used, f"r{at}"))
    assert past() == [(0, "20"), (7200, "30")]
    assert not PastReading.objects.filter(headers__has_key="x-request-id").exists()


def test_a_history_stored_at_once_keeps_the_last_change_of_each_hour_too():
    hours = [said(NOON + n * HOUR + more, f"{n // 2}{more}", f"r{n}") for n in range(24) for more in (1, 0, 2)]
    stored(*hours)
    assert past() == [(0, "02"), *((n * 3600, f"{n // 2}2") for n in range(2, 24, 2))]
    assert newest()["a1b2c3d4e5f60718"][0] == NOON + 23 * HOUR + 2


def test_records_without_limits_change_nothing():
    stored(said(NOON, "10"))
    stored(record(NOON + HOUR), record(NOON + HOUR, response_headers={"Date": ["x"]}))
    assert newest()["a1b2c3d4e5f60718"][0] == NOON


@pytest.mark.django_db(transaction=True)
def test_retention_takes_the_history_and_leaves_the_newest(set_clock, settings):
    settings.USAGE_RETENTION_DAYS = 2
    set_clock(NOON)
    stored(said(NOON - 5 * DAY, "10"), said(NOON - 5 * DAY, "20", auth_index="idle"))
    stored(said(NOON, "30"))
    retention.expire(pause=lambda seconds: None)
    assert past() == [(0, "30")]
    assert {index: at for index, (at, _) in newest().items()} == {"a1b2c3d4e5f60718": NOON, "idle": NOON - 5 * DAY}
