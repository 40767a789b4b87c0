"""Imports with other processes and other files, and rows that no record can be: what is stored stays exact."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from pricing.models import Model, RateCard
from tests.usage.imports.formats.test_jsonlines import PLUS
from tests.usage.imports.made import assert_sound, begun, closed, imported, run, some, told_again
from tests.usage.made import DAY, NOON, SECOND, record, rollups, stored, totals
from usage.imports import running
from usage.imports.closing import cost_of
from usage.imports.formats import open_source
from usage.imports.looking import look
from usage.imports.running import run_all, undone
from usage.imports.storing import ImportWriter
from usage.ingest.writer import retry
from usage.models import Day, DeadLetter, DrainState, Event, Import, Lease

pytestmark = pytest.mark.django_db


def test_what_came_live_after_an_import_is_known_when_it_comes_again(file):
    one, two = record(NOON, request_id="id1"), record(NOON + SECOND, request_id="id2")
    path, live = file(one, two), told_again(one)
    job = imported(path)
    for batch in ([live], [live], [two], [live, two]):
        assert stored(*batch).events == 0
    again = imported(path)
    assert (again.events, again.known) == (0, 2)
    undone(job)
    assert_sound()
    assert totals()["requests"] == 2


def test_a_run_or_an_undoing_that_waited_for_another_goes_by_what_that_one_did(file, monkeypatch):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    path = file(*some(20))
    job = begun(path)
    assert run(job, path, seconds=0)
    waits_to_run, waits_to_undo = Import.objects.get(), Import.objects.get()
    while run(job, path):
        pass
    assert not run(waits_to_run, path)
    assert (waits_to_run.events, waits_to_run.state) == (40, Import.State.DONE)
    undone(waits_to_undo)
    assert Event.objects.count() == 0
    undone(job)  # once more changes nothing
    assert not run(job, path)
    assert Event.objects.count() == 0 and Import.objects.get().state == Import.State.UNDONE


def test_a_price_with_steps_leaves_alone_what_waits_to_become_totals_of_days(file, monkeypatch):
    """Between days that are closed, so that the model has totals before and after."""
    long = {"tokens": {"input": 50_000, "output": 0, "reasoning": 0, "cached": 0, "total": 50_000}}
    long |= dict.fromkeys(("model", "alias"), "our-own")  # of which no catalogue has a price
    model = Model.objects.create(name="our-own")
    model.set_price({"prompt": 1, "completion": 0})
    closed()
    imported(file(*some(2, NOON - 4 * DAY, **long), *some(2, NOON - 2 * DAY, **long), name="closed"))
    before = rollups()
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 4)
    path = file(*some(4, NOON - 3 * DAY, **long))
    job = begun(path)
    assert run(job, path, seconds=0) and job.waiting == 4
    steps = [RateCard(context_over=over, prompt=rate, completion=0) for over, rate in ((0, 1), (40_000, 3))]
    model.put_set(model.price_sets.get(), steps)
    assert_sound()
    assert rollups() == before
    job = Import.objects.get(pk=job.pk)
    assert not run(job, path)
    assert_sound()
    assert totals()["requests"] == 16
    undone(job)
    assert_sound()
    assert rollups() == before


def undo_is_pressed(*_):
    """What the page writes; its task then waits for the run to end. As the cost of an import it is none."""
    Import.objects.update(state=Import.State.UNDOING)
    return 0, 0


@pytest.mark.parametrize(("batches", "stored_then"), [(10, 10), (100, 40)])
def test_an_import_that_is_undone_while_it_runs_stops(file, monkeypatch, batches, stored_then):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", batches)
    closed()
    path = file(*some(20, NOON - 3 * DAY))
    job = begun(path)
    assert not run(job, path, tell=undo_is_pressed)
    assert (job.state, job.waiting) == (Import.State.UNDOING, stored_then) and not Day.objects.exists()
    undone(job)
    assert_sound()
    assert (Import.objects.get().state, Event.objects.count()) == (Import.State.UNDONE, 0)


def test_an_import_that_is_undone_at_its_end_is_not_done(file, monkeypatch):
    path = file(*some(4))
    job = begun(path)
    monkeypatch.setattr(running, "cost_of", undo_is_pressed)
    assert not run(job, path)
    assert (job.state, job.ended_at) == (Import.State.UNDOING, None)


def test_an_import_that_is_undone_while_its_models_are_looked_up_is_not_done(file, monkeypatch):
    """That takes longer than the lease of the run lasts."""
    path = file(*some(4))
    job = begun(path)

    def looked_up(*_):
        Lease.objects.update(until=timezone.now())
        undone(Import.objects.get())

    with monkeypatch.context() as patched:
        patched.setattr(running, "price_all", looked_up)
        with pytest.raises(running.Busy):
            run(job, path)
    assert not run(job, path)
    assert (Import.objects.get().state, Event.objects.count()) == (Import.State.UNDONE, 0)


@pytest.mark.parametrize("by_undoing", [True, False])
def test_a_batch_whose_run_lost_its_right_is_not_stored(file, monkeypatch, by_undoing):
    """It stood still for longer than its lease, before the writers' lock was its own."""
    path, take = file(*some(4)), ImportWriter.take
    job = begun(path)

    def stands_still(*batch):
        monkeypatch.setattr(ImportWriter, "take", take)
        Lease.objects.update(until=timezone.now())
        other = Import.objects.get()
        undone(other) if by_undoing else run(other, path)
        return take(*batch)

    monkeypatch.setattr(ImportWriter, "take", stands_still)
    with pytest.raises(running.Busy):
        run(job, path)
    job = Import.objects.get()
    assert (job.state, job.events, job.known, Event.objects.count()) == (
        (Import.State.UNDONE, 0, 0, 0) if by_undoing else (Import.State.DONE, 8, 0, 8)
    )
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_nothing_takes_the_lease_of_a_batch_before_that_is_stored():
    """However long that takes: what another run goes by is all that there is."""
    lease = Lease.take("retention", timedelta())

    def taken():
        try:
            return Lease.take("retention", running.SPAN) and DrainState.load().data_version
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            DrainState.lock()
            assert lease.lock()
            other = threads.submit(taken)
            wait([other], 0.3)
            assert not other.done()
            DrainState.objects.update(data_version=7)
        assert other.result() == 7
    with transaction.atomic():
        DrainState.lock()
        assert not lease.lock()


def test_the_right_to_import_is_kept_while_costs_are_counted(file, set_clock):
    set_clock(NOON)
    job = imported(file(*some(2, NOON - DAY), *some(2)))
    with running.held() as slices:
        days = []

        def a_day_takes_four_seconds():
            days.append(1)
            set_clock(NOON + len(days) * 4 * SECOND)
            slices.hold()

        cost_of(job, a_day_takes_four_seconds)
        assert len(days) == 2 and Lease.take("retention", running.SPAN) is None


def test_files_that_are_given_together_share_their_old_days(file):
    closed()
    shared = list(some(5, NOON - 3 * DAY))
    paths = [
        file(*shared, *some(4, NOON - 4 * DAY), name="one"),
        file(*shared, *some(3, NOON - 3 * DAY, api_key="another"), record(NOON), name="two"),
    ]
    files = [(begun(path), path) for path in paths]
    assert not run_all(files, lambda job: None)
    assert_sound()
    assert [(job.events, job.older, job.known, job.left_out) for job, _ in files] == [(18, 18, 0, 0), (7, 6, 10, 0)]
    assert totals()["requests"] == 25
    undone(files[0][0])
    assert_sound()
    assert totals()["requests"] == 7
    undone(files[1][0])
    assert not Day.objects.exists()


def test_one_import_that_is_given_twice_is_run_once(file):
    path = file(*some(4))
    job = begun(path)
    assert not run_all([(job, path), (Import.objects.get(), path)], lambda job: None)
    stored_now = Import.objects.get()
    assert (stored_now.events, stored_now.known, stored_now.first) == (8, 0, NOON)


def test_a_file_that_is_refused_stops_no_other(file):
    good, bad = file(record(NOON), name="good"), file(*some(3), name="bad")
    bad.write_bytes(bad.read_bytes()[:-20])
    files = [(begun(path), path) for path in (bad, good)]
    assert not run_all(files, lambda job: None)
    assert [job.state for job, _ in files] == [Import.State.REFUSED, Import.State.DONE]
    assert "cut off" in files[0][0].reason


OWN = {
    "event_key": f"1-{'ab' * 16}",
    "timestamp": "2026-11-24T04:00:00Z",
    "model": "gpt-5",
    "failed": False,
    "source": "ann@example.com",
    "source_display": "ann@example.com",
    "endpoint": "POST /v1/messages",
    "request_id": "id1",
    "api_group_key": "c" * 64,
    "api_group_display": "sk-a****wxyz",
    **dict.fromkeys(("reasoning_tokens", "cache_read_tokens", "cache_creation_tokens"), 0),
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
}


UNREADABLE = "It is no request as this format has them."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": None}, UNREADABLE),
        ({"source": ["x"]}, UNREADABLE),
        ({"source_display": 7}, UNREADABLE),
        ({"event_key": "zz"}, "Its event key is none of ours."),
        ({"event_key": f"1-{'ab' * 500}"}, "Its event key is none of ours."),
        ({"source": "a\x00b"}, ""),
        ({"source": "s" * 300, "source_display": "d" * 1000}, ""),
        ({"api_group_display": "*" * 9000}, ""),
        ({"request_id": "n" * 999}, ""),
    ],
)
def test_a_row_of_our_export_is_stored_or_a_dead_letter(tmp_path, changes, reason):
    path = tmp_path / "own.jsonl"
    good = OWN | {"event_key": f"1-{'cd' * 16}", "timestamp": "2026-11-24T05:00:00Z"}
    path.write_text("".join(f"{json.dumps(row)}\n" for row in (good, OWN | changes)))
    look(open_source(path))
    job = imported(path)
    assert (job.events, job.dead) == ((1, 1) if reason else (2, 0))
    assert list(DeadLetter.objects.values_list("reason", flat=True)) == ([reason] if reason else [])


def test_a_dead_letter_of_an_import_is_not_stored_as_of_its_arrival(file):
    job = imported(file(record(NOON), record(0)))
    assert (job.events, job.dead) == (1, 1)
    assert retry(DeadLetter.objects.all()) == 0
    assert DeadLetter.objects.get().kind == DeadLetter.Kind.IMPORTED and Event.objects.count() == 1


def test_an_account_of_manager_plus_with_a_nul_is_stored(tmp_path):
    path = tmp_path / "plus.jsonl"
    row = PLUS | {"source": "a\x00b", "account_snapshot": ""}
    path.write_text(json.dumps(row) + "\n")
    assert imported(path).events == 1


def test_the_newest_comes_first_in_our_export_and_attempts_of_one_moment_end_as_before(file, client, tmp_path):
    """Of two successes that began together the one that was stored first ended the request."""
    pair = [record(NOON, request_id="id1", model=model, alias="asked") for model in ("first", "second")]
    first = imported(file(*pair))
    names = list(Event.objects.filter(final=True).values_list("series__model__name", flat=True))
    path = tmp_path / "own.jsonl"
    path.write_bytes(client.get("/api/v1/usage/export?format=jsonl&range=all").getvalue())
    undone(first)
    imported(path)
    assert list(Event.objects.filter(final=True).values_list("series__model__name", flat=True)) == names == ["first"]
