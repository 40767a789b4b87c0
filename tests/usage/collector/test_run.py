"""A run of the drain: what is popped is stored, exactly, and reported, in each mode of the queue."""

import logging
import os
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from catalog.models import Connection
from cpa_usage.models import Incident
from tests import FIXTURES
from tests.usage.collector.spooled import append
from tests.usage.made import HOUR, NOON, record, totals
from tests.waiting import PATIENCE, until
from usage.collector import gaps
from usage.collector.framing import found_in
from usage.collector.queue.resp import RESTARTED
from usage.collector.spool import Spool
from usage.models import Client, DeadLetter, DrainState, Event, Gap
from usage.rollups.check import check
from usage.rollups.forgetting import forget_clients
from usage.time.units import SECOND_US

MODES = ("pop", "subscribe", "http")
CAPTURED = FIXTURES.joinpath("cpa/records.jsonl").read_bytes().splitlines()

pytestmark = pytest.mark.django_db(transaction=True)


def fingerprints():
    return sorted(bytes(raw) for raw in Event.objects.values_list("fingerprint", flat=True))


def made(count, start=0):
    return [record(NOON + n * 1000) for n in range(start, start + count)]


@pytest.mark.parametrize("mode", MODES)
def test_the_captured_records_are_stored_exactly(cpa, begin, settings, mode):
    settings.QUEUE_MODE = mode
    cpa.push(*CAPTURED[:60])
    one = begin()
    one.until_stored(60)
    cpa.push(*CAPTURED[60:])
    one.until_stored(129)
    one.until_reported()
    assert fingerprints() == sorted(blake2b(raw, digest_size=16).digest() for raw in CAPTURED)
    sums = totals()
    assert [sums[name] for name in ("requests", "client_requests", "client_failed")] == [129, 105, 28]
    state = DrainState.load()
    assert (state.total_inserted, state.total_deduped, state.mode) == (129, 0, mode)
    assert not Incident.objects.exists()
    assert (list(check()), Gap.objects.count(), DeadLetter.objects.count()) == ([], 0, 0)


def test_a_batch_is_logged_in_one_line_with_counts_and_rate(cpa, begin, caplog):
    caplog.set_level(logging.INFO, "usage.collector")
    cpa.push(record(NOON), b"no record")
    one = begin()
    one.until_stored(2)
    lines = [message for message in caplog.messages if message.startswith("Stored")]
    assert len(lines) == 1
    assert lines[0].startswith("Stored 2 records: 1 new, 0 duplicate, 1 dead letters, 0 of them too late; ")


def test_what_an_earlier_run_left_in_the_spool_is_stored_though_cpa_is_away(cpa, begin, home):
    cpa.stop()
    append(Spool(home), NOON, made(3))
    begin().until_stored(3)
    assert (Event.objects.count(), Spool(home).depth) == (3, 0)


def test_a_spool_replayed_after_its_commit_adds_nothing(cpa, begin, home):
    for _ in range(2):
        append(Spool(home), NOON, made(3))
    one = begin()
    one.until_stored(6)
    state = DrainState.load()
    assert (Event.objects.count(), state.total_inserted, state.total_deduped) == (3, 3, 3)


def test_the_report_tells_mode_pops_lag_and_depth(cpa, begin):
    cpa.push(*made(3))
    one = begin()
    one.until_stored(3)
    one.until_reported()
    state = DrainState.load()
    now = datetime.now(UTC)
    assert (state.mode, state.batches_popped, state.spool_files, state.spool_bytes) == ("pop", 1, 0, 0)
    assert now - state.heartbeat_at < timedelta(seconds=PATIENCE)
    assert now - state.last_pop_at < timedelta(seconds=PATIENCE)
    assert 0 < state.lag_ms < PATIENCE * 1000


def test_batches_are_counted_on_from_the_earlier_process(cpa, begin):
    for n in range(2):
        one = begin()
        cpa.push(*made(1, n))
        one.until_stored(1)
        one.end()
    assert (DrainState.load().batches_popped, DrainState.load().mode) == (2, "")


def test_an_idle_drain_writes_once_in_five_seconds(cpa, begin, clock):
    one = begin()
    until(lambda: one.step() and DrainState.load().mode == "pop")
    one.run._report._clock, clock.now = clock, one.run._report._written_at + 4.9
    changes = [one.step().reported for _ in range(50)]
    assert changes == [False] * 50
    clock.now += 0.2
    assert [one.step().reported for _ in range(3)] == [True, False, False]


def test_a_refused_key_is_told_and_shared_at_once(cpa, begin, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    one = begin()
    until(lambda: one.step() and Connection.objects.filter(refused_until__isnull=False).exists())
    one.until_reported()
    assert "Set CPA_MANAGEMENT_KEY" in Incident.objects.get(kind="key").sentence
    one.end()
    for failures in (2, 2, 2):  # a start is a person's act, which may try once; at five CPA would ban us
        two = begin()
        until(lambda two=two: two.step() and two.said("key") and not two.run._key.has_news)
        assert cpa.auth_failures == failures
        two.end()


def test_a_pause_longer_than_cpa_keeps_records_is_a_gap(cpa, begin):
    before = datetime.now(UTC) - timedelta(hours=1)
    DrainState.objects.create(pk=1, last_pop_at=before, mode="pop")
    one = begin()
    until(lambda: one.step() and one.run.state.gaps.last)
    one.until_reported()
    gap = Gap.objects.get()
    assert (gap.start, gap.reason) == (before, gaps.UNREAD % 60)
    assert timedelta(seconds=60) <= datetime.now(UTC) - gap.end < timedelta(seconds=60 + PATIENCE)


def test_a_drain_that_died_subscribed_leaves_a_gap_and_one_that_left_in_order_none(cpa, begin, settings):
    settings.QUEUE_MODE = "subscribe"
    seconds_ago = datetime.now(UTC) - timedelta(seconds=3)
    DrainState.objects.create(pk=1, last_pop_at=seconds_ago, mode="subscribe")
    for _ in range(2):
        one = begin()
        until(lambda: one.step() and one.run.state.gaps.last)  # noqa: B023
        one.until_reported()
        one.end()
    assert list(Gap.objects.values_list("start", "reason")) == [(seconds_ago, gaps.DIED)]


@pytest.mark.parametrize("mode", ("pop", "http", "auto"))
def test_a_cpa_that_restarts_is_a_gap_and_a_closed_connection_to_it_may_be_one(cpa, begin, settings, mode):
    settings.QUEUE_MODE = mode
    one = begin()
    until(lambda: one.step() and one.run.state.gaps.last)
    cpa.drop_connections()
    cpa.push(*made(1))
    one.until_stored(1)
    one.until_reported()
    reasons = set(Gap.objects.values_list("reason", flat=True))
    may_be = {reason for reason in reasons if "broke" in reason}  # when a pop was under way
    assert len(may_be) <= 1
    assert reasons - may_be == (set() if mode == "http" or may_be else {f"{RESTARTED}."})
    cpa.stop()
    until(lambda: "does not answer" in one.said("queue"))
    cpa.start()
    cpa.push(*made(1, 1))
    one.until_stored(2)
    one.until_reported()
    latest = Gap.objects.latest("end").reason
    assert gaps.STOPPED in latest or "broke" in latest


def test_clients_are_forgotten_by_retention_and_met_again(cpa, begin):
    one = begin()
    cpa.push(record(NOON, client_ip="10.0.0.1"), record(NOON + 1, client_ip="10.0.0.2"))
    one.until_stored(2)
    Event.objects.filter(timestamp=NOON).delete()
    forget_clients()
    assert sorted(Client.objects.values_list("ip", flat=True)) == ["", "10.0.0.2"]
    cpa.push(record(NOON + 2, client_ip="10.0.0.1"))
    one.until_stored(3)
    assert Event.objects.get(timestamp=NOON + 2).client.ip == "10.0.0.1"


def test_a_subscriber_leaves_a_marker_only_when_it_dies(cpa, begin, settings, home):
    settings.QUEUE_MODE = "subscribe"
    one = begin()
    until(lambda: cpa.subscribers)
    marker = home / "subscribed"
    assert marker.exists()
    one.end()
    assert not marker.exists()


@pytest.mark.parametrize("mode", MODES)
def test_a_marker_left_behind_is_one_gap_though_no_report_was_ever_written(cpa, begin, settings, home, mode):
    settings.QUEUE_MODE = mode
    home.mkdir()
    home.joinpath("subscribed").touch()
    os.utime(home / "subscribed", (1_790_000_000, 1_790_000_000))
    for _ in range(2):
        one = begin()
        until(lambda: one.step() and one.run.state.gaps.last)  # noqa: B023
        one.until_reported()
        one.end()
    began = datetime.fromtimestamp(1_790_000_000, UTC)
    assert list(Gap.objects.values_list("start", "reason")) == [(began, gaps.DIED)]


def test_a_cut_subscription_is_a_gap(cpa, begin, settings):
    settings.QUEUE_MODE = "subscribe"
    one = begin()
    until(lambda: one.step() and cpa.subscribers)
    until(lambda: one.step() and one.run.state.gaps.last)
    cpa.drop_connections()
    until(lambda: one.step() and Gap.objects.exists())
    assert Gap.objects.get().reason.startswith("The subscription was cut: ")


def test_a_subscribers_record_is_written_before_its_group_is_complete(cpa, begin, settings, home, monkeypatch):
    monkeypatch.setattr("usage.collector.draft.GROUP_SECONDS", 3600)
    settings.QUEUE_MODE = "subscribe"
    one = begin()
    until(lambda: cpa.subscribers)
    for count in (1, 2, 3):
        cpa.push(*made(1, count))
        until(lambda: drafted(home) == made(count, 1))  # noqa: B023
    assert not list(home.glob("*.batch"))
    one.run.end()
    assert (Event.objects.count(), drafted(home)) == (3, [])


def drafted(home):
    return [raw for path in home.glob("*.part") for _, raw in found_in(path.read_bytes(), int(path.stem))[0]]


@pytest.mark.parametrize("mode", MODES)
def test_a_full_spool_holds_back_until_it_drains_and_the_time_is_a_gap(cpa, begin, settings, monkeypatch, mode):
    settings.QUEUE_MODE, settings.SPOOL_MAX_BYTES = mode, 2000
    monkeypatch.setattr(gaps, "RETENTION_US", 200_000)
    one = begin()
    cpa.push(*made(10))
    until(lambda: "The spool is full" in one.said("spool"))
    until(lambda: not cpa.subscribers)
    cpa.push(*made(30, 10))
    assert (cpa.queued, one.stored) == (30, 0)
    one.until_stored(40)
    one.until_reported()
    assert Event.objects.count() == 40
    assert Gap.objects.filter(reason__startswith="The spool is full").exists()  # two, when storing the rest takes long


def test_a_spool_that_cannot_be_written_holds_the_batch_and_the_database_takes_it_from_memory(cpa, begin, monkeypatch):
    one = begin()
    until(lambda: one.run.state.gaps.last)
    with monkeypatch.context() as patch:
        patch.setattr("usage.collector.spool.os.fsync", _disk_full)
        cpa.push(*made(5))
        until(lambda: "cannot be written: No space left on device" in one.said("spool"))
        cpa.push(*made(5, 5))
        assert cpa.queued == 5
        one.until_stored(10)
        assert Event.objects.count() == 10
        assert not list(one.run.spool.directory.glob("*.batch"))
    assert one.run.spool.held.in_hand() is None


def test_what_neither_disk_nor_database_took_before_the_end_is_one_gap_with_its_number(cpa, begin, monkeypatch):
    one = begin()
    until(lambda: one.run.state.gaps.last)
    with monkeypatch.context() as patch:
        patch.setattr("usage.collector.spool.os.fsync", _disk_full)
        patch.setattr("usage.ingest.writer.Writer.store", _database_away)
        cpa.push(*made(5))
        until(lambda: one.step() and one.run.spool.held)
        one.end()
    assert list(Gap.objects.values_list("lost", "reason")) == [(5, gaps.LOST)]
    other = begin()
    other.until_reported()
    other.end()
    assert (Gap.objects.count(), Event.objects.count()) == (1, 0)


def test_a_clock_that_is_set_while_draining_is_no_gap(cpa, begin, set_clock):
    one = begin()
    until(lambda: one.run.state.gaps.last)
    ahead = datetime.now(UTC) + timedelta(days=3)
    set_clock(ahead)
    until(lambda: one.run.state.gaps.last > (ahead.timestamp() - 60) * SECOND_US)
    one.until_reported()
    set_clock(ahead - timedelta(days=9))
    until(lambda: one.run.state.gaps.last < (ahead.timestamp() - 60) * SECOND_US)
    one.until_reported()
    assert list(Gap.objects.all()) == []


def _database_away(writer, batch):
    raise OperationalError("gone")


def _disk_full(handle):
    raise OSError(28, "No space left on device")


@pytest.mark.sqlite
def test_a_database_that_is_locked_for_a_while_is_caught_up_with(cpa, begin):
    one = begin()
    one.step()
    connection.cursor().execute("PRAGMA busy_timeout=50")
    locker = connection.copy("locker")
    locker.cursor().execute("BEGIN IMMEDIATE")
    cpa.push(*made(10))
    until(lambda: one.step().error)
    assert one.step().error == "The database cannot be used: database is locked"
    cpa.push(*made(10, 10))
    until(lambda: one.run.spool.depth == 2 and not cpa.queued)
    locker.cursor().execute("ROLLBACK")
    locker.close()
    one.until_stored(20)
    one.until_reported()
    away = Incident.objects.get(kind="database")  # told afterwards, for it could not be written meanwhile
    assert (Event.objects.count(), away.sentence, away.until is None) == (
        20,
        "The database cannot be used: database is locked",
        False,
    )


def test_a_database_that_answers_again_is_told_at_once(cpa, begin, clock):
    one = begin()
    until(lambda: one.step() and DrainState.load().mode == "pop")
    one.until_reported()
    one.run._report._clock, clock.now = clock, one.run._report._written_at
    one.run._database_away(OperationalError("gone"))
    until(lambda: one.step() and not one.said("database"))
    clock.now += 0.1  # other news waits for a second
    assert one.step().reported
    assert Incident.objects.get(kind="database").until
    assert not one.step().reported


def test_a_cue_of_cpa_asks_for_a_refresh_of_the_metadata(cpa, begin, settings, monkeypatch):
    settings.QUEUE_MODE = "subscribe"
    asked = []
    monkeypatch.setattr("usage.collector.watch.watch.queue_sync", asked.append)
    one = begin()
    until(lambda: one.step() and cpa.subscribers)
    assert asked == []
    cpa.refresh()
    until(lambda: one.step() and asked)
    [one.step() for _ in range(5)]
    assert asked == [True]


def test_a_short_interval_of_the_metadata_is_kept_by_the_drain_itself(cpa, begin, settings, monkeypatch):
    settings.METADATA_SYNC_INTERVAL = timedelta(seconds=30)
    asked = []
    monkeypatch.setattr("usage.collector.watch.watch.queue_sync", asked.append)
    one = begin()
    [one.step() for _ in range(5)]
    assert asked == [False]
    one.run._watch._sync_at -= 30
    [one.step() for _ in range(5)]
    assert asked == [False, False]


@pytest.mark.sqlite
def test_a_long_log_of_sqlite_is_cut_back(cpa, begin, monkeypatch):
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    one = begin()
    cpa.push(*made(300))
    one.until_stored(300)
    assert log.stat().st_size > 50_000
    monkeypatch.setattr("cpa_usage.sqlite.wal.LARGE_BYTES", 50_000)
    cpa.push(*made(301)[300:])
    one.until_stored(301)
    assert log.stat().st_size < 50_000
    assert connection.cursor().execute("PRAGMA busy_timeout").fetchone() == (20000,)


def test_the_arrival_is_when_a_record_was_popped_not_when_it_was_stored(cpa, begin, home):
    item = record(NOON)[:-1].replace(b'"timestamp"', b'"when"') + b"}"
    append(Spool(home), NOON - HOUR, [item])
    begin().until_stored(1)
    assert Event.objects.get().timestamp == NOON - HOUR
