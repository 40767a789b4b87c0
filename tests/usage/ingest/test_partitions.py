"""Partitions on PostgreSQL: which there are, that all records have one, and that a period is read from few of them."""

import threading
import time
from itertools import pairwise

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from tests.usage.made import DAY, HOUR, NOON, record, stored
from usage.analytics.events.paging import event_page
from usage.ingest import partitions as module
from usage.ingest import writer as writing
from usage.ingest.partitions import Partitions, partitions, span_of
from usage.ingest.writer import Writer
from usage.models import Event
from usage.query.filters import UsageFilter
from usage.rollups import retention
from usage.rollups.check import check
from usage.rollups.integrity import damage_in, looks
from usage.time.periods import Period

MIDNIGHT = NOON - 12 * HOUR  # of 24 November in Shanghai, a Tuesday
MONDAY = MIDNIGHT - DAY
WEEK = 7 * DAY


def spans():
    return [(start, end) for start, end, _ in partitions()]


def times():
    return list(Event.objects.order_by("timestamp").values_list("timestamp", flat=True))


@pytest.mark.parametrize(
    ("days", "span"),
    [
        *((days, (MIDNIGHT, MIDNIGHT + DAY)) for days in (1, 30, 100)),
        *((days, (MONDAY, MONDAY + WEEK)) for days in (101, 0)),
    ],
)
def test_a_partition_is_a_local_day_or_where_many_are_kept_a_week(settings, days, span):
    settings.USAGE_RETENTION_DAYS = days
    assert span_of(NOON) == span
    assert span_of(span[0]) == span_of(span[1] - 1) == span


if connection.vendor == "postgresql":

    @pytest.mark.django_db
    def test_records_of_past_days_and_of_the_next_have_partitions_too():
        stored(record(NOON), record(NOON - 40 * DAY), record(NOON + 1))
        stored(record(MIDNIGHT + DAY))
        day = MIDNIGHT - 40 * DAY
        assert spans() == [(day, day + DAY), (MIDNIGHT, MIDNIGHT + DAY), (MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)]
        assert [name for *_, name in partitions()][1] == "usage_event_20261123_1600"  # UTC

    @pytest.mark.django_db
    @pytest.mark.parametrize("changed", [{"TIME_ZONE": "America/New_York"}, {"USAGE_RETENTION_DAYS": 0}])
    def test_what_changes_only_shifts_the_next_bound(settings, changed):
        writer = Writer()
        stored(record(NOON), writer=writer)
        for name, value in changed.items():
            setattr(settings, name, value)
        late = [NOON + n * 6 * HOUR for n in range(-120, 0)]
        stored(*map(record, late), writer=writer)
        found = spans()
        assert (MIDNIGHT, MIDNIGHT + DAY) in found
        assert all(earlier[1] == later[0] for earlier, later in pairwise(found))
        assert times() == sorted({NOON, *late})

    @pytest.mark.django_db
    def test_a_batch_that_failed_takes_its_partition_with_it(monkeypatch):
        writer = Writer()
        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(writing, "upsert", lambda *_: (_ for _ in ()).throw(RuntimeError))
            stored(record(NOON), writer=writer)
        assert spans() == []
        assert stored(record(NOON), writer=writer).events == 1

    @pytest.mark.django_db
    def test_a_partition_that_another_writer_made_is_used():
        first, second = Writer(), Writer()
        for writer, at in ((first, 0), (second, 1), (first, -DAY), (second, 1 - DAY)):
            assert stored(record(NOON + at), writer=writer).events == 1
        assert len(spans()) == 2

    @pytest.mark.django_db(transaction=True)
    def test_writers_that_begin_at_once_do_not_fail():
        outcomes, ready = [], threading.Barrier(3)

        def store(number):
            ready.wait(20)
            outcomes.append(stored(*(record(NOON - day * DAY + number) for day in range(3))).events)
            connection.close()

        threads = [threading.Thread(target=store, args=[number]) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert (outcomes, len(spans())) == ([3, 3, 3], 3)

    # --- Retention ------------------------------------------------------------------------------------------------

    @pytest.fixture
    def two_days_kept(set_clock, settings):
        settings.USAGE_RETENTION_DAYS = 2
        set_clock(NOON)
        stored(*(record(NOON - n * DAY) for n in range(6)))

    def expire():
        return retention.expire(pause=lambda seconds: None)

    @pytest.mark.django_db(transaction=True)
    def test_retention_drops_partitions(two_days_kept):
        assert expire().events == 3
        assert spans() == [(MIDNIGHT - n * DAY, MIDNIGHT - (n - 1) * DAY) for n in (2, 1, 0)]
        assert times() == [NOON - n * DAY for n in (2, 1, 0)]
        assert stored(record(NOON - 5 * DAY)).too_late == 1

    @pytest.mark.django_db(transaction=True)
    def test_what_a_reader_holds_is_emptied_and_dropped_another_night(two_days_kept, monkeypatch):
        monkeypatch.setattr(module, "LOCK_MS", 50)
        address = connection.get_connection_params()
        address.pop("cursor_factory"), address.pop("context")
        with psycopg.connect(**address) as reader:
            reader.execute("SELECT count(*) FROM usage_event")
            assert expire().events == 3
            assert (len(spans()), len(times())) == (6, 3)
        assert (expire().events, len(spans())) == (0, 3)
        assert list(check()) == []

    # --- Plans ----------------------------------------------------------------------------------------------------

    @pytest.mark.django_db
    def test_a_period_is_read_from_its_own_partitions():
        stored(*(record(NOON - n * DAY) for n in range(30)))
        for asked in (
            Event.objects.between(MIDNIGHT - DAY, MIDNIGHT),
            Event.objects.filter(timestamp=NOON - DAY, fingerprint=b"x"),
            Event.objects.filter(timestamp__among=[NOON - DAY], id__among=[1, 2]),
        ):
            plan = asked.order_by("timestamp").explain()
            assert "usage_event_20261122_1600" in plan
            assert plan.count(" on usage_event") == 1, plan

    def locked():
        """Tables and indexes that the transaction has locked."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid()")
            return {name for (name,) in cursor.fetchall()}

    @pytest.mark.django_db(transaction=True)
    def test_the_writer_asks_few_of_many_partitions():
        Partitions().cover(NOON - n * DAY for n in range(80))
        stored(record(NOON - DAY, request_id="a", failed=True, latency_ms=DAY // 1000))
        with transaction.atomic():
            stored(record(NOON, request_id="a"))
            assert len({partition.name for partition in partitions()} & locked()) < 30  # of those before, the newest 25
        assert list(Event.objects.order_by("timestamp").values_list("final", flat=True)) == [False, True]

    @pytest.mark.django_db(transaction=True)
    def test_a_request_is_found_among_150_weeks(settings):
        settings.USAGE_RETENTION_DAYS = 0
        Partitions().cover(NOON - n * WEEK for n in range(150))
        stored(*(record(NOON - n * WEEK, request_id="a") for n in (0, 75, 149)), record(NOON, request_id="b"))
        began = time.monotonic()
        with transaction.atomic():
            page = event_page(UsageFilter(Period(None, None), request_id="a"), 1, 10)
            assert len(locked()) < 1_000  # of 6,400 that PostgreSQL has by default for 100 connections
        assert time.monotonic() - began < 10
        assert [event.request_id for event in page.items] == ["a"] * 3

    # --- What else knows tables -----------------------------------------------------------------------------------

    @pytest.mark.django_db
    def test_the_proof_looks_at_the_indexes_of_partitions():
        stored(record(NOON))
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        found = looks()
        name = partitions()[0].name
        assert sum(look.startswith(name) for look in found) == 3
        assert "event_identity" not in found
        assert [damage for look in found for damage in damage_in(look)] == []
        assert damage_in(f"{name}_gone_meanwhile") == []

    @pytest.mark.django_db
    def test_what_is_stored_becomes_the_first_partition_and_can_go_back():
        stored(record(NOON), record(NOON - 9 * DAY, request_id="a", failed=True))
        before = list(Event.objects.order_by("id").values())
        for _ in range(2):
            call_command("migrate", "usage", "0009_watchman", verbosity=0)
            with connection.cursor() as cursor:
                cursor.execute("SELECT relkind FROM pg_class WHERE relname = 'usage_event'")
                assert cursor.fetchone() == ("r",)
            call_command("migrate", verbosity=0)
            assert partitions() == [(MIDNIGHT - 9 * DAY, MIDNIGHT + DAY, "usage_event_before")]
            assert list(Event.objects.order_by("id").values()) == before
        assert stored(record(NOON)) == (0, 1, 0, 0, False)
        stored(record(NOON + DAY), record(NOON + 1))
        ids = list(Event.objects.order_by("id").values_list("id", flat=True))
        assert (len(ids), ids[:2]) == (4, [row["id"] for row in before])
        assert list(check()) == []
