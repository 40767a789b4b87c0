"""Imports whose task was killed are gone on with."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone
from django_q.models import OrmQ

from tests.usage.imports.made import begun, some
from usage.imports import tasks
from usage.models import Event, Import, Lease

pytestmark = pytest.mark.django_db
State = Import.State


@pytest.fixture
def job(file):
    path = file(*some(3))
    job = begun(path)
    job.change(path=str(path))
    return job


def queued():
    return [(each.func().rpartition(".")[2], *each.args()) for each in OrmQ.objects.order_by("id")]


@pytest.mark.parametrize(("state", "step"), [("running", "go_on"), ("undoing", "take_back"), ("looking", "look_at")])
def test_a_step_that_is_missing_is_queued_once(job, state, step):
    job.change(state=state)
    for _ in range(2):
        assert tasks.resume() == "1 not ended"
        assert queued() == [(step, job.id)]
    getattr(tasks, step)(job.id)
    expected = {"running": (6, State.DONE), "undoing": (0, State.UNDONE), "looking": (0, State.WAITING)}[state]
    assert (Event.objects.count(), Import.objects.get().state) == expected
    OrmQ.objects.all().delete()
    assert tasks.resume() == "0 not ended" and queued() == []


def test_what_no_look_foresees_is_a_refusal_and_a_database_that_is_away_is_none(job, monkeypatch):
    job.change(state=State.LOOKING)
    with monkeypatch.context() as patched:
        patched.setattr(tasks, "look", raising(OperationalError("away")))
        with pytest.raises(OperationalError):
            tasks.look_at(job.id)
    job.refresh_from_db()
    assert job.state == State.LOOKING and Path(job.path).exists()
    monkeypatch.setattr(tasks, "look", raising(ZeroDivisionError("secret")))
    assert tasks.look_at(job.id) == State.REFUSED
    refused = Import.objects.get()
    assert refused.why == "It cannot be looked at: the log of the tasks says why."
    assert not Path(job.path).exists() and not refused.path


def test_an_import_that_was_killed_when_it_was_done_stays_and_its_file_goes(job, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tasks.go_on(job.id)
    assert Path(job.path).exists()
    assert tasks.resume() == "0 not ended" and queued() == []
    done = Import.objects.get()
    assert (done.state, done.path, done.events, Event.objects.count()) == (State.DONE, "", 6, 6)
    assert not Path(job.path).exists()


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def test_a_step_that_a_killed_task_held_is_queued_again_but_no_look(job):
    tasks.resume()
    later = timezone.now() + timedelta(hours=1)
    OrmQ.objects.update(lock=later)
    tasks.resume()
    assert queued() == [("go_on", job.id)] * 2
    OrmQ.objects.all().delete()
    job.change(state=State.LOOKING)
    tasks.resume()
    OrmQ.objects.update(lock=later)
    tasks.resume()
    assert queued() == [("look_at", job.id)]


def test_nothing_is_queued_while_an_import_is_at_work_and_nothing_of_commands(job):
    lease = Lease.take("retention", timedelta(seconds=30))
    assert tasks.resume() == "busy"
    lease.release()
    job.change(path="")  # as of a command
    assert tasks.resume() == "0 not ended" and queued() == []
