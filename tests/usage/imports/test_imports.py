"""Importing, importing again, going on and undoing: every request counts once, and totals equal events after each."""

import pytest

from aliases.models import ApiKey
from pricing.models import Model
from tests.usage.imports.made import TODAY, assert_sound, begun, closed, imported, run, some, told_again
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, rollups, stored, totals
from usage.imports import running
from usage.imports.formats import FoundAlias, FoundPrice, Refused, open_source
from usage.imports.looking import look, preview
from usage.imports.running import take_offers, undone
from usage.imports.storing import price_all
from usage.models import Day, DeadLetter, DrainState, Event, Import, ImportedDay, Lease, Quarter
from usage.models.labels import LABELS
from usage.rollups.merging import Merge
from usage.rollups.retention import expire, move_events_from

pytestmark = pytest.mark.django_db

OTHER_TOKENS = {"input_tokens": 7, "output_tokens": 1, "reasoning_tokens": 0, "cached_tokens": 0, "total_tokens": 8}


def test_a_file_counts_once_and_as_if_the_drain_had_brought_it(file):
    path = file(*some(), b'{"no": "record"}')
    would = preview(open_source(path))
    first = imported(path)
    counted = totals()
    again = imported(path)
    assert (first.events, first.known, first.dead) == (40, 0, 1) == (would.events, would.known, would.dead)
    assert (again.events, again.known, again.dead) == (0, 40, 0)
    assert counted["requests"] == 40 and counted["client_requests"] == 20
    assert totals() == counted
    stored(*some())
    assert totals() == counted
    assert DeadLetter.objects.get().raw == b'{"no": "record"}'


@pytest.mark.parametrize(
    ("changes", "known", "differing"),
    [
        ({}, 1, 0),
        ({"failed": True}, 1, 1),
        (
            {
                "tokens": {
                    "input_tokens": 7,
                    "output_tokens": 1,
                    "reasoning_tokens": 0,
                    "cached_tokens": 0,
                    "total_tokens": 8,
                }
            },
            1,
            1,
        ),
        ({"auth_index": ""}, 1, 0),
        ({"auth_index": "another", "source": "bob@example.com"}, 0, 0),
        ({"request_id": "id2"}, 0, 0),
        ({"request_id": ""}, 1, 0),
        ({"request_id": "", "latency_ms": 1201}, 0, 0),
        ({"request_id": "", "endpoint": "POST /v1/messages"}, 0, 0),
        ({"model": "gpt-5-mini"}, 0, 0),
        ({"timestamp": "2026-11-24T04:00:00.000001Z"}, 0, 0),
    ],
)
def test_what_two_sources_tell_is_one_request(file, changes, known, differing):
    live = record(NOON, request_id="id1")
    stored(live)
    price_all()
    before = totals()
    path = file(told_again(live, **changes))
    would = preview(open_source(path))
    job = imported(path)
    assert (job.known, job.differing, job.events) == (known, differing, 1 - known)
    assert (would.known, would.differing, would.events) == (known, differing, 1 - known)
    assert not known or totals() == before


def test_a_source_is_not_compared_with_itself(file):
    one = record(NOON, request_id="id1")
    job = imported(file(one, told_again(one)))
    assert (job.events, job.known) == (2, 0)
    other = imported(file(told_again(one, x_forwarded_for="1"), told_again(one, x_forwarded_for="2"), name="other"))
    assert (other.events, other.known) == (0, 2)


def test_what_comes_live_after_an_import_outlives_its_undoing(file):
    one, two, three = (record(NOON + n * SECOND, request_id=f"id{n}") for n in range(3))
    job = imported(file(one, two, three))
    done = stored(one, told_again(two))
    assert (done.events, done.duplicates) == (0, 2)
    undone(job)
    assert_sound()
    assert [event.timestamp for event in Event.objects.order_by("timestamp")] == [NOON, NOON + SECOND]


def test_undoing_leaves_what_was_there_before(file):
    failed = record(NOON, request_id="id1", failed=True)
    stored(failed, *some(5, NOON + HOUR))
    price_all()
    before = rollups()
    job = imported(file(*some(30), record(NOON + 2 * SECOND, request_id="id1")))
    assert rollups() != before
    assert not Event.objects.get(timestamp=NOON, imported=None).final
    undone(job)
    assert_sound()
    assert rollups() == before
    assert Event.objects.get(timestamp=NOON).final
    job.refresh_from_db()
    assert job.state == Import.State.UNDONE
    assert imported(file(*some(30))).events


def test_older_events_become_totals_of_whole_days_once(file):
    path = file(*some(20, NOON - 3 * DAY), *some(3, NOON))
    expected = imported(path)
    sums = rollups("requests", "client_requests", "total", "output")["Day"]
    undone(expected)
    closed()
    would = preview(open_source(path))
    job = imported(path)
    assert rollups("requests", "client_requests", "total", "output")["Day"] == sums
    assert (job.events, job.older, job.waiting, job.left_out) == (46, 40, 0, 0)
    assert (would.events, would.older) == (46, 40)
    assert Event.objects.count() == 6 and not Quarter.objects.filter(bucket__lt=NOON // SECOND).exists()
    again = imported(path)
    assert (again.events, again.known, again.left_out) == (0, 6, 40)
    assert rollups("requests", "client_requests", "total", "output")["Day"] == sums
    other = imported(file(*(told_again(raw) for raw in some(20, NOON - 3 * DAY)), name="other"))
    assert (other.events, other.left_out) == (0, 40)
    undone(job)
    assert_sound()
    assert not Day.objects.exists() and not Event.objects.exists() and not ImportedDay.objects.exists()


def test_where_retention_never_ran_what_is_too_old_is_not_kept_either(file, settings, set_clock):
    set_clock(NOON + 2 * HOUR)
    settings.USAGE_RETENTION_DAYS = 3
    path = file(*some(3, NOON - 4 * DAY), *some(3, NOON - 3 * DAY))
    would = preview(open_source(path))
    job = imported(path)
    assert (job.events, job.older) == (would.events, would.older) == (12, 6)
    assert Event.objects.count() == 6


@pytest.mark.django_db(transaction=True)  # space is given back outside of a transaction
def test_days_that_close_after_the_import_can_be_undone(file):
    stored(*some(4, NOON - DAY))
    job = imported(file(*some(20, NOON - DAY + HOUR), *some(20, NOON)))
    Model.objects.set_price("gpt-5", {"prompt": 5, "completion": 7})
    closed()
    stored(record(NOON, model="gpt-5-mini"))
    list(Merge(LABELS["model"], ["gpt-5"], "gpt-5-mini").run(lambda _: None))
    expire(lambda _: None)
    undone(job)
    assert_sound()
    assert totals()["requests"] == 9
    assert Model.objects.filter(name="gpt-5-mini").exists()


def test_an_import_goes_on_where_it_stopped(file, monkeypatch):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    closed()
    path = file(*some(20, NOON - 3 * DAY), *some(20, NOON))
    job = begun(path)
    assert run(job, path, seconds=0)
    assert (job.events, job.waiting) == (10, 10)
    job = Import.objects.get()
    while run(job, path, seconds=0):
        job = Import.objects.get()
        assert_sound()
    assert (job.events, job.older, job.known, job.waiting) == (80, 40, 0, 0)
    assert totals()["requests"] == 80 and totals()["client_requests"] == 40


@pytest.mark.django_db(transaction=True)  # space is given back outside of a transaction
def test_an_import_whose_days_retention_took_begins_again(file, monkeypatch):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    closed()
    path = file(*some(20, NOON - 3 * DAY), *some(20, NOON), *some(20, NOON + DAY))
    job = begun(path)
    for _ in range(6):
        assert run(job, path, seconds=0)
    move_events_from(TODAY + 1)
    expire(lambda _: None)
    assert Event.objects.count() == 0
    while run(job, path):
        pass
    assert_sound()
    assert (job.events, job.older) == (120, 80)
    assert totals()["requests"] == 120
    undone(job)
    assert_sound()
    assert not Day.objects.exists()


@pytest.mark.parametrize("kept_days", [0, 10])
def test_a_first_import_costs_what_all_pages_say_then(file, settings, set_clock, kept_days):
    """Of models that are new here, of days that are kept as totals, and where a request was stored before."""
    settings.USAGE_RETENTION_DAYS = kept_days
    set_clock(NOON)
    models = ("gpt-5", "claude-sonnet-4-5", "unheard-of")
    records = [
        record(NOON - day * DAY - n, model=model, alias=model, request_id=f"{model}{n}")
        for day in (0, 1, 20)
        for n, model in enumerate(models)
    ]
    stored(records[2])
    before = totals()
    job = imported(file(*records))
    found = totals()
    assert "cost" not in before and (job.events, job.older) == (8, 3 if kept_days else 0)
    assert job.cost == found["cost"] > 0
    assert job.unpriced == found["unpriced_tokens"] - before["unpriced_tokens"] > 0
    undone(job)
    assert_sound()


def test_a_broken_file_leaves_nothing(file, monkeypatch):
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 10)
    stored(*some(3))
    price_all()
    before = rollups()
    path = file(*some(30, NOON + SECOND))
    job = begun(path)
    assert run(job, path, seconds=0)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Refused):
        look(open_source(path))
    with pytest.raises(Refused):
        run(job, path)
    assert_sound()
    assert rollups() == before
    assert Event.objects.filter(imported=job.id).count() == 0
    assert Import.objects.get().state == Import.State.REFUSED


def test_times_that_cannot_be_are_dead_letters(file):
    wrong = record(NOON, timestamp="2001-01-01T00:00:00Z")
    path = file(record(NOON), wrong, record(NOON, timestamp=""))
    found = look(open_source(path))
    assert (found.events, found.unread) == (3, 2)
    assert (found.first, found.last) == (NOON, NOON)
    job = imported(path)
    assert (job.events, job.dead) == (1, 2)


def test_only_one_works_at_a_time(file, monkeypatch):
    monkeypatch.setattr(running, "PATIENCE_S", 0)
    lease = Lease.take("retention", running.SPAN)
    path = file(record(NOON))
    with pytest.raises(running.Busy), running.held(0):
        pass
    lease.release()
    imported(path)


def test_prices_and_names_are_taken_where_there_are_none():
    class Source:
        def prices(self):
            return [FoundPrice("ours", 9, 9, None, None), FoundPrice("theirs", 1.5, 3, 0.1, None)]

        def aliases(self):
            return [FoundAlias("a" * 64, "sk-…1", "not ours"), FoundAlias("b" * 64, "sk-…2", "theirs")]

    Model.objects.set_price("ours", {"prompt": 5, "completion": 7})
    ApiKey.objects.import_items("merge", [{"key_id": "a" * 64, "alias": "ours"}])
    take_offers(Source(), [])
    assert not Model.objects.filter(name="theirs").exists()
    take_offers(Source(), ["prices", "aliases"])
    cards = {m.name: m.price_sets.get().cards.get().prompt for m in Model.objects.all()}
    assert cards == {"ours": 5, "theirs": 1_500_000}
    assert dict(ApiKey.objects.named().values_list("fingerprint", "alias")) == {"a" * 64: "ours", "b" * 64: "theirs"}


def test_an_imported_record_is_no_news_of_the_drain(file):
    path = file(*some())
    with_state = DrainState.load()
    imported(path)
    state = DrainState.load()
    assert (state.total_inserted, state.last_inserted_at) == (with_state.total_inserted, None)
