"""What the task cluster does: syncs that say what is news, and a queue in which they cannot pile up."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Task

from catalog import tasks
from catalog.models import AuthFile, Connection
from cpa_usage.models import Session
from cpa_usage.tasks import flush_sessions

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(caplog):
    """The lines logged since the last call."""
    caplog.set_level("INFO")

    def lines():
        found = [f"{r.levelname} {r.message}" for r in caplog.records if r.name == "catalog.tasks"]
        caplog.clear()
        return found

    return lines


def test_a_sync_logs_what_is_news(cpa, said):
    assert tasks.sync() == "16 changed"
    assert said() == ["INFO CPA's lists changed: 16 accounts and keys written."]
    assert tasks.refresh() == "0 changed"
    assert said() == []
    cpa.fail_paths = {"/v0/management/auth-files": 500}
    for expected in (
        ["WARNING CPA's lists could not all be read: CPA answers 500 for auth-files: injected failure."],
        [],
    ):
        assert tasks.refresh() == "CPA answers 500 for auth-files: injected failure."
        assert said() == expected
    cpa.fail_paths = {}
    tasks.refresh()
    assert said() == ["INFO CPA's lists are read again."]


@pytest.mark.parametrize(("seconds", "asked_every"), [(30, 15), (30, 60), (60, 60), (300, 60)])
def test_lists_are_read_once_an_interval_however_often_that_is_asked_for(
    cpa, settings, set_clock, seconds, asked_every
):
    """Here by three that ask by clocks of their own, such as the schedule and the drain."""
    settings.METADATA_SYNC_INTERVAL = timedelta(seconds=seconds)
    begun, results = timezone.now(), []
    asked = sorted(offset + n * asked_every for offset in (0, 4, 9) for n in range(900 // asked_every))
    for at in asked:
        set_clock(begun + timedelta(seconds=at))
        results.append(tasks.sync())
    times = [at for at, result in zip(asked, results, strict=True) if result != "young"]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 0.75 * seconds
    assert max(gaps) <= max(seconds, asked_every)


def test_a_change_at_cpa_and_a_cpa_that_was_away_are_asked_for_at_once(cpa):
    assert (tasks.sync(), tasks.sync()) == ("16 changed", "young")
    assert tasks.refresh() == "0 changed"
    Connection.objects.update(last_sync_at=None)
    cpa.stop()
    assert [tasks.sync().startswith("CPA does not answer") for _ in range(2)] == [True, True]


def test_a_cpa_that_is_away_is_no_failure_of_the_task(cpa, said):
    cpa.stop()
    assert tasks.sync().startswith("CPA does not answer at ")
    assert len(said()) == 1
    tasks.sync()
    assert said() == []
    assert AuthFile.objects.count() == 0


def test_a_queued_sync_waits_once():
    for _ in range(3):
        tasks.queue_sync(changed=False)
    (queued,) = OrmQ.objects.all()
    assert (queued.func(), queued.task["save"]) == ("catalog.tasks.sync", False)
    for _ in range(3):
        tasks.queue_sync()
    assert [queued.func() for queued in OrmQ.objects.order_by("pk")] == ["catalog.tasks.sync", "catalog.tasks.refresh"]


def test_one_that_runs_is_no_reason_not_to_queue_another():
    tasks.queue_sync()
    OrmQ.objects.update(lock=timezone.now() + timedelta(hours=1))  # as the cluster does when it takes one
    tasks.queue_sync()
    assert OrmQ.objects.count() == 2


def test_expired_sessions_and_old_results_are_forgotten():
    now = timezone.now()
    for name, age in (("old", 8), ("new", 6)):
        ended = now - timedelta(days=age)
        Task.objects.create(id=name, name=name, func="f", started=ended, stopped=ended, success=name == "new")
        Session.objects.create(jti=name, opened_at=ended, expires_at=ended + timedelta(days=7))
    flush_sessions()
    assert list(Task.objects.values_list("id", flat=True)) == ["new"]
    assert list(Session.objects.values_list("jti", flat=True)) == ["new"]
