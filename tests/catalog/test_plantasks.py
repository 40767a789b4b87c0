"""Schedules of the task cluster: one table, kept equal to it, and 03:00 that stays 03:00."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from cpa_usage.management.commands.plantasks import Task, next_run, periodic_tasks

SHANGHAI = "Asia/Shanghai"
NIGHTLY, MINUTELY = Task("n", "f"), Task("m", "f", 5)
SYNC = "cpa-usage: CPA's accounts and keys"


@pytest.fixture
def clock(set_clock, monkeypatch, settings):
    """A function that sets the time (ISO, UTC) and the zone, for us and for django-q2."""

    def at(text, zone=SHANGHAI):
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        set_clock(moment)
        monkeypatch.setattr(Conf, "TIME_ZONE", zone)
        settings.TIME_ZONE = zone
        return moment

    return at


@pytest.fixture
def cluster(monkeypatch):
    """django-q2's scheduler, with the test's own database connection left open."""
    monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)


def plan():
    call_command("plantasks", verbosity=0)


def planned():
    return {s.name: (s.func, s.schedule_type, s.minutes, s.next_run) for s in Schedule.objects.all()}


# --- The table ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_task_is_planned_once(clock, capsys):
    now = clock("2026-11-24 12:00")
    night = datetime(2026, 11, 24, 19, tzinfo=UTC)  # 03:00 in Shanghai
    expected = {
        SYNC: ("catalog.tasks.sync", "I", 1, now),
        "cpa-usage: prices of new models": ("pricing.tasks.price_models", "I", 10, now),
        "cpa-usage: interrupted imports": ("usage.imports.tasks.resume", "I", 5, now),
        "cpa-usage: price catalogue": ("pricing.tasks.update_prices", "D", None, night),
        "cpa-usage: retention": ("usage.tasks.retention", "D", None, night),
        "cpa-usage: proof of the totals": ("usage.tasks.verify", "D", None, night),
        "cpa-usage: expired sessions": ("cpa_usage.tasks.flush_sessions", "D", None, night),
    }
    call_command("plantasks")
    assert capsys.readouterr().out == "7 periodic tasks are planned.\n"
    assert planned() == expected
    plan()
    assert (planned(), Schedule.objects.count()) == (expected, 7)


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(1, 1), (30, 1), (60, 1), (119, 1), (120, 2), (3600, 60), (10**9, 32_767)]
)
def test_the_interval_of_the_metadata_sync(settings, seconds, minutes):
    settings.METADATA_SYNC_INTERVAL = timedelta(seconds=seconds)
    assert periodic_tasks()[0].minutes == minutes


@pytest.mark.django_db
def test_what_left_the_table_is_removed_and_what_others_planned_is_kept():
    Schedule.objects.create(name="cpa-usage: gone", func="gone")
    Schedule.objects.create(name=SYNC, func="twin")
    Schedule.objects.create(name=SYNC, func="twin")
    Schedule.objects.create(name="mine", func="mine")
    Schedule.objects.create(name=None, func="nameless")
    plan()
    names = Schedule.objects.order_by("name", "func").values_list("name", "func")
    assert sorted(names, key=str) == [
        (SYNC, "catalog.tasks.sync"),
        ("cpa-usage: expired sessions", "cpa_usage.tasks.flush_sessions"),
        ("cpa-usage: interrupted imports", "usage.imports.tasks.resume"),
        ("cpa-usage: price catalogue", "pricing.tasks.update_prices"),
        ("cpa-usage: prices of new models", "pricing.tasks.price_models"),
        ("cpa-usage: proof of the totals", "usage.tasks.verify"),
        ("cpa-usage: retention", "usage.tasks.retention"),
        ("mine", "mine"),
        (None, "nameless"),
    ]


@pytest.mark.django_db
def test_an_altered_schedule_is_put_right():
    plan()
    altered = {"schedule_type": "C", "cron": "* * * * *", "repeats": 0, "cluster": "other", "args": "1", "hook": "h"}
    Schedule.objects.filter(name=SYNC).update(minutes=9, **altered)
    plan()
    kept = Schedule.objects.values("minutes", "func", *altered).get(name=SYNC)
    assert kept == {
        "minutes": 1,
        "func": "catalog.tasks.sync",
        "schedule_type": "I",
        "cron": None,
        "repeats": -1,
        "cluster": None,
        "args": None,
        "hook": None,
    }


def test_the_functions_of_the_table_exist():
    for task in periodic_tasks():
        assert callable(import_string(task.function))


# --- Next runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "so_far", "expected"),
    [
        (MINUTELY, None, "24 12:00"),
        (MINUTELY, "24 11:00", "24 11:00"),
        (MINUTELY, "24 12:04", "24 12:04"),
        (MINUTELY, "24 13:00", "24 12:00"),  # the interval was longer
        (NIGHTLY, None, "24 19:00"),
        (NIGHTLY, "24 19:00", "24 19:00"),
        (NIGHTLY, "22 19:00", "22 19:00"),  # we were not running then: it stays due
        (NIGHTLY, "24 18:00", "24 19:00"),  # it slipped
        (NIGHTLY, "25 01:00", "24 19:00"),  # so it does when the zone was another
        (NIGHTLY, "30 19:00", "24 19:00"),  # the clock was ahead
    ],
)
def test_the_next_run(task, so_far, expected):
    def moment(text):
        return text and datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)

    assert next_run(task, moment(so_far), moment("24 12:00"), ZoneInfo(SHANGHAI)) == moment(expected)


@pytest.mark.parametrize(("now", "expected"), [("02:59", 24), ("03:00", 25), ("03:01", 25)])
def test_a_new_night_task_runs_at_the_next_three_o_clock(now, expected):
    zone = ZoneInfo(SHANGHAI)
    moment = datetime.fromisoformat(f"2026-11-24 {now}").replace(tzinfo=zone)
    assert next_run(NIGHTLY, None, moment.astimezone(UTC), zone) == datetime(2026, 11, expected, 3, tzinfo=zone)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "nights"),
    [
        # Clocks go forward and back at 01:00 UTC of a Sunday; three o'clock is there each day, once or twice.
        ("Europe/Berlin", ["2026-03-28 02:00", "2026-03-29 01:00", "2026-03-30 01:00", "2026-03-31 01:00"]),
        ("Europe/Berlin", ["2026-10-24 01:00", "2026-10-25 02:00", "2026-10-26 02:00"]),
        ("America/New_York", ["2026-03-07 08:00", "2026-03-08 07:00", "2026-03-09 07:00"]),
        ("Australia/Lord_Howe", ["2026-04-03 16:00", "2026-04-04 16:30", "2026-04-05 16:30"]),
        ("Asia/Shanghai", ["2026-03-27 19:00", "2026-03-28 19:00", "2026-03-29 19:00"]),
    ],
)
def test_django_q_keeps_three_o_clock_over_a_change_of_clocks(clock, cluster, zone, nights):
    clock(nights[0], zone)
    plan()
    retention = Schedule.objects.filter(name="cpa-usage: retention")
    retention.update(next_run=datetime.fromisoformat(f"{nights[0]}+00:00"))
    assert list(runs_of(retention, clock, zone, len(nights))) == nights


@pytest.mark.django_db
def test_where_clocks_jump_over_three_o_clock_the_nightly_task_puts_it_right(clock, cluster):
    """In Helsinki 03:00 is 04:00 on that night: django-q2 moves the run to 02:00, and would leave it there."""
    clock("2026-03-28 00:30", "Europe/Helsinki")
    plan()
    retention = Schedule.objects.filter(name="cpa-usage: retention")
    retention.update(next_run=datetime.fromisoformat("2026-03-28 01:00+00:00"))
    assert list(runs_of(retention, clock, "Europe/Helsinki", 4)) == [
        "2026-03-28 01:00",
        "2026-03-29 00:00",
        "2026-03-29 23:00",
        "2026-03-30 23:00",
    ]
    plan()
    assert list(runs_of(retention, clock, "Europe/Helsinki", 2)) == ["2026-04-01 00:00", "2026-04-02 00:00"]


@pytest.mark.django_db
def test_the_cluster_takes_the_metadata_sync_without_keeping_its_successes(clock, cluster):
    clock("2026-11-24 12:00")
    plan()
    clock("2026-11-24 12:01")
    scheduler()
    (queued,) = (q for q in OrmQ.objects.all() if q.func() == "catalog.tasks.sync")
    assert (queued.func(), queued.args(), queued.task["kwargs"], queued.task["save"]) == (
        "catalog.tasks.sync",
        (),
        {},
        False,
    )
    assert Schedule.objects.get(name=SYNC).next_run == datetime(2026, 11, 24, 12, 2, tzinfo=UTC)


def runs_of(schedule, clock, zone, number):
    """When it runs (UTC), with the cluster looking a minute after each."""
    for _ in range(number):
        run = schedule.get().next_run
        yield f"{run:%Y-%m-%d %H:%M}"
        clock(f"{run + timedelta(minutes=1):%Y-%m-%d %H:%M}", zone)
        scheduler()
