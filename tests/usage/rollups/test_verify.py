"""manage.py verify: what it proves, and that it does not prove what is not so."""

import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ

from tests.usage.made import DAY, NOON, record, stored
from usage import tasks
from usage.models import Day, DrainState, Event, Lease, Quarter
from usage.ops.status import status
from usage.query.snapshots import snapshot
from usage.rollups.check import check
from usage.rollups.integrity import damage_in, looks, tables
from usage.rollups.proof import prove

pytestmark = pytest.mark.django_db
HOLDS = "The totals of 2 days equal their 2 events, and the database is sound."


@pytest.fixture
def two_days(monkeypatch):
    monkeypatch.setattr(tasks, "PROOF_SECONDS", 3600)
    stored(record(NOON - DAY), record(NOON), arrived=NOON)
    OrmQ.objects.all().delete()


def verify(capsys):
    """(what was printed without the seconds, the refusal or '')."""
    try:
        call_command("verify")
        refusal = ""
    except CommandError as error:
        refusal = str(error)
    *lines, took = capsys.readouterr().out.splitlines()
    assert took.startswith(("Proved in ", "Not proved in "))
    return lines, refusal


def test_a_sound_database_is_proved(two_days, capsys):
    before = timezone.now()
    lines, refusal = verify(capsys)
    assert lines == [
        f"Structure: {len(tables())} tables looked at, sound.",
        "Totals: 2 days recounted from 2 events, no rows differ.",
    ]
    assert refusal == ""
    state = DrainState.load()
    assert (state.proof, state.proof_holds) == (HOLDS, True)
    assert before <= state.proved_at <= timezone.now()


def test_an_empty_database_is_proved(capsys):
    assert verify(capsys)[1] == ""
    assert DrainState.load().proof == "The totals of 0 days equal their 0 events, and the database is sound."


def test_a_wrong_total_is_named(two_days, capsys):
    Quarter.objects.filter(bucket=NOON // 10**6).update(output=F("output") + 1)
    series = Quarter.objects.values_list("series_id", flat=True).first()
    lines, refusal = verify(capsys)
    assert lines[1:] == [
        "Totals: 2 days recounted from 2 events, 1 rows differ.",
        f"  Quarter 2026-11-24T04:00:00Z, series {series}: output is 41, not 40",
    ]
    assert refusal == "1 totals differ from their events: run manage.py rebuildrollups."
    assert (DrainState.load().proof, DrainState.load().proof_holds) == (refusal, False)


def test_lost_events_are_noticed_and_ten_differences_are_shown(capsys):
    stored(*(record(NOON - hour * 3600 * 10**6) for hour in range(11)), arrived=NOON)
    Event.objects.all().delete()
    differences = Counter(difference.rollup for difference in check())
    assert {"Quarter", "Day", "LabelQuarter", "LabelDay", "Duration"} <= set(differences)
    lines, refusal = verify(capsys)
    assert len(lines) == 2 + 10
    assert refusal == f"{differences.total()} totals differ from their events: run manage.py rebuildrollups."


def test_a_day_that_retention_takes_meanwhile_is_no_difference(two_days, capsys, monkeypatch):
    Event.objects.filter(timestamp=NOON - DAY).delete()  # as retention would, which first moves events_from
    monkeypatch.setattr(DrainState, "load", _moving(DrainState.load(), NOON - DAY // 2))
    assert verify(capsys)[1] == ""


def _moving(state, events_from):
    """DrainState.load, whose answers know of no cut until every day was counted."""
    answers = iter([state])

    def load():
        found = next(answers, None)
        if found is None:
            found = DrainState.objects.get(pk=1)
            found.events_from = events_from
        return found

    return load


def test_a_row_that_points_nowhere_is_damage(two_days, capsys):
    day = Day.objects.first()
    Day.objects.create(bucket=day.bucket, series_id=987654)
    with connection.constraint_checks_disabled():
        found = [sentence for look in looks() for sentence in damage_in(look)]
    Day.objects.filter(series_id=987654).delete()  # before the test's own transaction ends and checks it
    expected = ["Table usage_day: 1 rows point at rows that are gone."] if connection.vendor == "sqlite" else []
    assert found == expected


def test_a_damaged_database_is_not_counted(two_days, capsys, monkeypatch):
    monkeypatch.setattr("usage.rollups.proof.damage_in", lambda look: ["Table usage_event: page 7 is lost."])
    monkeypatch.setattr("usage.rollups.proof.looks", lambda: ["usage_event"])
    lines, refusal = verify(capsys)
    assert lines == [
        f"Structure: {len(tables())} tables looked at, damaged.",
        "  Table usage_event: page 7 is lost.",
    ]
    assert refusal == "The database is damaged, restore a backup: Table usage_event: page 7 is lost."


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_no_look_outlasts_a_day_so_that_the_log_is_cut_back_in_between(two_days, monkeypatch):
    path, busy, looks = connection.settings_dict["NAME"], [], []

    @contextmanager
    def looked_at():
        with snapshot():
            looks.append(connection.in_atomic_block)
            yield
        with closing(sqlite3.connect(path, timeout=0)) as other:
            busy.append(other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

    monkeypatch.setattr("usage.rollups.check.snapshot", looked_at)
    assert prove().holds
    assert (looks, busy) == ([True] * 2, [0] * 2)  # two days


def test_the_nightly_task_notes_what_status_shows(two_days):
    assert status().proof is None
    assert tasks.verify() == HOLDS
    state = DrainState.load()
    assert (status().proof, status().proof_holds, status().proved_at) == (HOLDS, True, state.proved_at)


def next_task():
    """What the next task in the queue returns; it is off the queue."""
    queued = OrmQ.objects.order_by("pk").first()
    task = queued.task
    queued.delete()
    assert (task["func"], task["save"]) == ("usage.tasks.verify", False)
    return tasks.verify(*task["args"])


def test_the_nightly_task_takes_a_step_at_a_time_and_queues_the_rest(two_days, monkeypatch):
    monkeypatch.setattr(tasks, "PROOF_SECONDS", 0)
    before, steps = timezone.now(), 1
    assert tasks.verify() == "goes on"
    while (said := next_task()) == "goes on":
        assert (OrmQ.objects.count(), DrainState.load().proof, Lease.objects.exists()) == (1, "", False)
        steps += 1
    # Two that list the others, and two days; the last one was not counted.
    assert (said, steps + 1, OrmQ.objects.exists()) == (HOLDS, 2 + len(looks()) + 2, False)
    state = DrainState.load()
    assert (state.proof, state.proof_holds, before <= state.proved_at <= timezone.now()) == (HOLDS, True, True)


def test_what_an_earlier_task_found_is_not_forgotten(two_days, monkeypatch):
    wrong = Quarter.objects.order_by("bucket").first()
    Quarter.objects.filter(pk=wrong.pk).update(output=F("output") + 1)
    monkeypatch.setattr(tasks, "PROOF_SECONDS", 0)
    tasks.verify()
    while not OrmQ.objects.first().task["args"][0]["wrong"]:
        next_task()
    Quarter.objects.filter(pk=wrong.pk).update(output=F("output") - 1)
    while (said := next_task()) == "goes on":
        pass
    assert said == "1 totals differ from their events: run manage.py rebuildrollups."
    assert (DrainState.load().proof, DrainState.load().proof_holds) == (said, False)


def test_two_nightly_tasks_do_not_run_at_once(two_days):
    lease = Lease.take("verify", timedelta(hours=1))
    assert tasks.verify() == "busy"
    lease.release()
    assert tasks.verify() == HOLDS
    assert tasks.verify() == HOLDS
