"""Retention: whole local days of detail go, their totals stay, and the file shrinks."""

import os
import sqlite3
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.usage.made import DAY, HOUR, NOON, record, rollups, stored
from usage import tasks
from usage.models import Day, DeadLetter, DrainState, Event, Gap, Lease, LimitReading, Quarter
from usage.rollups import retention
from usage.rollups.check import check

MIDNIGHT = NOON - 12 * HOUR  # of 24 November in Shanghai
TODAY = 20781  # its day number


@pytest.fixture(autouse=True)
def clock(set_clock, settings):
    """It is noon of 24 November 2026 in Shanghai, and two whole days before today are kept."""
    settings.USAGE_RETENTION_DAYS = 2
    set_clock(NOON)


def expire():
    return retention.expire(pause=lambda seconds: None)


def one_a_day(days=6):
    """A record at noon of each of the last days, oldest first; returns the day numbers."""
    numbers = range(TODAY - days + 1, TODAY + 1)
    stored(*(record(NOON - (TODAY - number) * DAY) for number in numbers))
    return list(numbers)


def days_of(rows):
    return sorted(row.bucket for row in rows)


@pytest.mark.django_db(transaction=True)
def test_whole_days_go_with_their_quarters_and_the_day_rollups_stay():
    numbers = one_a_day()
    before = rollups()
    assert expire()._replace(bytes=0) == (3, 3, 0, 0, 0)
    start = MIDNIGHT - 2 * DAY
    assert DrainState.load().events_from == start
    assert [event.timestamp for event in Event.objects.order_by("timestamp")] == [NOON - n * DAY for n in (2, 1, 0)]
    assert rollups() == before | {
        name: {key: row for key, row in before[name].items() if key[0] * 1_000_000 >= start}
        for name in ("Quarter", "LabelQuarter")
    }
    assert days_of(Day.objects.all()) == numbers
    assert list(check()) == []


@pytest.mark.django_db(transaction=True)
def test_the_cut_is_the_local_midnight_to_the_microsecond():
    start = MIDNIGHT - 2 * DAY
    stored(record(start - 1), record(start))
    expire()
    assert Event.objects.get().timestamp == start


@pytest.mark.django_db(transaction=True)
def test_zero_days_keep_everything(settings):
    settings.USAGE_RETENTION_DAYS = 0
    one_a_day()
    stored(b"no record", arrived=NOON - 400 * DAY)
    assert expire() == (0, 0, 0, 0, 0)
    assert (Event.objects.count(), DeadLetter.objects.count(), DrainState.load().events_from) == (6, 1, None)


def test_of_many_days_whole_weeks_are_kept(settings):
    settings.USAGE_RETENTION_DAYS = 100
    assert retention.first_kept_day() == TODAY - 100
    settings.USAGE_RETENTION_DAYS = 105  # weeks
    assert retention.first_kept_day() == TODAY - 1 - 105  # a Monday: it is a Tuesday


@pytest.mark.django_db(transaction=True)
def test_keeping_longer_from_now_on_brings_nothing_back(settings):
    one_a_day()
    expire()
    settings.USAGE_RETENTION_DAYS = 30
    assert not any(expire())
    assert DrainState.load().events_from == MIDNIGHT - 2 * DAY


@pytest.mark.django_db(transaction=True)
def test_a_record_of_a_closed_day_is_a_dead_letter_and_changes_no_total():
    one_a_day()
    expire()
    before = rollups()
    late = record(NOON - 5 * DAY, model="late")
    assert stored(late) == (0, 0, 1, 1, False)
    assert stored(late) == (0, 0, 0, 1, False)  # it comes again: the same letter
    assert rollups() == before
    letter = DeadLetter.objects.get()
    assert (letter.kind, bytes(letter.raw), letter.arrived) == ("too_late", late, NOON)


@pytest.mark.django_db(transaction=True)
def test_old_dead_letters_and_gaps_go_and_the_newest_limits_stay():
    for days in (3, 1):
        stored(f"no record {days}".encode(), arrived=NOON - days * DAY)
        Gap.objects.create(
            start=timezone.now() - timedelta(days=days, hours=1), end=timezone.now() - timedelta(days=days), reason="r"
        )
    LimitReading.objects.create(auth_index="a", seen_at=NOON - 9 * DAY, headers={"retry-after": "1"})
    assert expire()._replace(bytes=0) == (0, 0, 1, 1, 0)
    assert [letter.arrived for letter in DeadLetter.objects.all()] == [NOON - DAY]
    assert (Gap.objects.count(), LimitReading.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_run_cut_off_anywhere_is_carried_on_by_the_next(monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 1)
    one_a_day(9)
    left = []

    def cut_off(seconds):
        left.append((Event.objects.count(), list(check())))
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            retention.expire(pause=cut_off)
    assert left == [(8, []), (7, []), (6, [])]
    assert expire()._replace(bytes=0) == (3, 6, 0, 0, 0)
    assert (Event.objects.count(), Quarter.objects.count(), Day.objects.count()) == (3, 3, 9)


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite  # PostgreSQL drops the day's partition
def test_slices_take_equal_timestamps_together_and_end(monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    old = NOON - 5 * DAY
    stored(*(record(old, request_id=f"{n:08x}") for n in range(5)), record(old + 1), record(NOON))
    counts = []
    removed = retention.expire(pause=lambda seconds: counts.append(Event.objects.count()))
    assert (removed.events, counts[:2]) == (6, [2, 1])


@pytest.mark.django_db(transaction=True)
def test_only_one_run_at_a_time():
    one_a_day()
    lease = Lease.take("retention", timedelta(minutes=1))
    assert expire() is None
    assert tasks.retention() == "busy"
    lease.release()
    assert expire().events == 3


@pytest.mark.django_db(transaction=True)
def test_a_lease_whose_holder_died_passes_on_and_its_holder_notices(set_clock):
    died = Lease.take("retention", timedelta(minutes=1))
    set_clock(timezone.now() + timedelta(minutes=2))
    one_a_day()
    assert expire() is not None
    assert died.extend(timedelta(minutes=1)) is False


@pytest.mark.django_db(transaction=True)
def test_the_drain_stores_while_retention_runs():
    """Between any two slices the writer gets in, and what it stores is counted."""
    one_a_day()
    outcomes = []
    retention.expire(pause=lambda seconds: outcomes.append(stored(record(NOON + 1 + len(outcomes)))))
    assert outcomes == [(1, 0, 0, 0, False)] * len(outcomes)
    assert Event.objects.count() == 3 + len(outcomes) > 4
    assert list(check()) == []


@pytest.mark.django_db(transaction=True)
def test_the_task_says_what_it_did(settings, tmp_path):
    settings.LOG_DIR, settings.LOG_FILE_ENABLED, settings.LOG_RETENTION_DAYS = tmp_path, True, 7
    old = time.time() - 8 * 86_400
    for name, age in (("web-2026-11-01.log", old), ("web-2026-11-23.log", time.time()), ("nginx.log", old)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (age, age))
    one_a_day()
    assert tasks.retention() == (
        "3 events, 3 quarter hours, 0 dead letters, 0 gaps and 1 log files removed, 0 MB given back"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nginx.log", "web-2026-11-23.log"]
    assert retention.prune_logs(tmp_path, 0, time.time() + 1e9) == 0


# --- Space --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite  # PostgreSQL's autovacuum sees to itself
def test_the_file_shrinks():
    body = {"status_code": 500, "body": "upstream said no. " * 200}
    old = (record(NOON - 5 * DAY + n, failed=True, fail=body) for n in range(3000))
    stored(*old)
    path = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = os.path.getsize(path)
    given_back = expire().bytes
    assert given_back > 9_000_000
    assert os.path.getsize(path) == before - given_back


@pytest.mark.django_db(transaction=True)
@pytest.mark.sqlite  # PostgreSQL's autovacuum sees to itself
def test_a_file_made_without_auto_vacuum_is_named(caplog, monkeypatch):
    one_a_day()
    monkeypatch.setattr(retention, "_pragma", {"auto_vacuum": 0, "freelist_count": 5}.get)
    assert expire().bytes == 0
    assert [message for message in caplog.messages if "auto_vacuum" in message] == [retention.NO_AUTO_VACUUM]


def test_the_cure_it_names_works(tmp_path):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE t (x)")
    old.executescript("PRAGMA auto_vacuum=INCREMENTAL; VACUUM;")
    assert old.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    old.close()


@pytest.mark.django_db(transaction=True)
def test_nothing_waits_inside_a_transaction():
    one_a_day()
    inside = []
    retention.expire(pause=lambda seconds: inside.append(connection.in_atomic_block))
    assert inside
    assert not any(inside)
    assert transaction.get_autocommit()
