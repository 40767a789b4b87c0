"""Our own backups: their events come as they were stored, and what is left of older days is told."""

import json
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from django.core.management import call_command
from django.db import connection

from aliases.models import ApiKey
from pricing.models import Model, PriceSet, RateCard
from tests.usage.imports.formats.samples import sample
from tests.usage.imports.made import assert_sound, begun, closed, imported, run, some
from tests.usage.made import CAPTURED, DAY, NOON, record, stored
from usage.imports.formats import FoundPrice, Refused, open_source
from usage.imports.looking import look, new_aliases, new_prices, preview
from usage.imports.running import ALIASES, take_offers, undone
from usage.imports.storing import price_all
from usage.models import MEASURES, Client, Day, DeadLetter, DrainState, Event, Import, Quarter, Series
from usage.ops.backups import back_up
from usage.rollups.retention import expire

pytestmark = pytest.mark.django_db(transaction=True)  # a backup has what is committed

LATER = NOON + 30 * DAY
OWN = {"id", "digest", "imported", "series", "client", "model", "api_key"}  # keys of rows, and the import
NAMES = ["series__model__name", "series__api_key__fingerprint", "series__api_key__mask"]
LABELS = NAMES + [f"series__{field.name}" for field in Series._meta.concrete_fields if field.name not in OWN]
CALLER = ["client__ip", "client__forwarded_for", "client__user_agent"]
COLUMNS = [field.name for field in Event._meta.concrete_fields if field.name not in OWN] + CALLER + LABELS
COPIED = (Event, Series, Client, Day, DrainState, Model, PriceSet, RateCard, ApiKey)


@pytest.fixture
def backup(tmp_path):
    """A function that makes a backup of the database. That of PostgreSQL is no file: a stand-in has the same rows."""

    def made(name="backup.db"):
        if connection.vendor == "sqlite":
            return back_up(tmp_path / name)
        with closing(sqlite3.connect(tmp_path / name)) as copy, copy:
            for model in COPIED:
                _copy(copy, model)
            copy.execute("CREATE TABLE django_migrations (id, app, name)")
        return tmp_path / name

    return made


def _copy(copy, model):
    columns = [field.column for field in model._meta.concrete_fields]
    copy.execute(f"CREATE TABLE {model._meta.db_table} ({', '.join(columns)})")
    rows = model.objects.values_list(*(field.attname for field in model._meta.concrete_fields))
    texts = [[value if isinstance(value, int | bytes | None) else _plain(value) for value in row] for row in rows]
    copy.executemany(f"INSERT INTO {model._meta.db_table} VALUES ({', '.join('?' * len(columns))})", texts)


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else str(value)


def all_kinds(tmp_path):
    """Records of every kind: captured ones, those of other collectors' samples, retries, failures and caches."""
    yield from CAPTURED
    yield from sample("records.jsonl", tmp_path).read_bytes().splitlines()
    yield from some(10)
    cached = {"cache_creation": 900, "cache_creation_5m": 300, "cache_creation_1h": 600, "total": 1050}
    names = {"provider": "claude", "executor_type": "ClaudeExecutor", "model": "claude-opus-4-5", "alias": "best(high)"}
    yield record(NOON, tokens=cached, client_ip="203.0.113.9", x_forwarded_for="10.0.0.1", user_agent="söme", **names)
    told = {"fail": {"status_code": 429, "body": "quota of sk-client-alice-0001 is used up " * 500}, "failed": True}
    yield record(NOON + 1, **told, service_tier="priority", response_service_tier="default", auth_type="apikey")
    yield record(NOON + 2, timestamp="2001-01-01T00:00:00Z", api_key="", source="sk-upstream-0001", auth_type="apikey")


def everything():
    """Events and totals of series with all that names them, whatever their rows' keys."""
    rows = {"events": Event.objects.values_list(*COLUMNS)}
    rows |= {model.__name__: model.objects.values_list("bucket", *LABELS, *MEASURES) for model in (Quarter, Day)}
    return {
        name: sorted(map(repr, ([bytes(v) if isinstance(v, memoryview) else v for v in row] for row in found)))
        for name, found in rows.items()
    }


def glanced():
    """What a look should see of the events: unread ones, first and last, models, how many keys."""
    times = sorted(Event.objects.values_list("timestamp", flat=True))
    keys = {*Event.objects.values_list("series__api_key__fingerprint", flat=True)} - {""}
    models = Counter(Event.objects.values_list("series__model__name", flat=True))
    return 0, times[0], times[-1], models, len(keys)


def priced():
    Model.objects.set_price("gpt-5", {"prompt": 1_250_000, "completion": 10_000_000, "cache_read": 125_000})
    Model.objects.set_price("claude-opus-4-5", {"prompt": 5_000_000, "completion": 25_000_000})


def emptied():
    call_command("flush", interactive=False, verbosity=0)


def changed(path, *statements):
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)
    return path


def test_a_backup_brings_all_that_was_stored_and_costs_the_same(tmp_path, backup):
    priced()
    done = stored(*all_kinds(tmp_path), arrived=NOON)
    price_all()
    ApiKey.objects.describe("sk-client-alice-0001", alias="Alice")
    seen = glanced()
    before, names = everything(), list(ApiKey.objects.named().values_list("fingerprint", "mask", "alias"))
    path = backup()
    emptied()
    found, would = look(open_source(path)), preview(open_source(path))
    assert (found.events, found.aliases, len(found.left_out)) == (done.events, 1, 2) and found.prices > 2
    assert (found.unread, found.first, found.last, found.models, found.keys) == seen
    priced()
    job = imported(path)
    take_offers(open_source(path), [ALIASES])
    assert everything() == before
    assert list(ApiKey.objects.named().values_list("fingerprint", "mask", "alias")) == names
    assert (job.events, job.known, job.dead) == (done.events, 0, 0) == (would.events, would.known, would.dead)
    again = imported(path)
    assert (again.events, again.known, again.differing) == (0, done.events, 0)
    undone(job)
    assert_sound()
    assert not Event.objects.exists() and not Day.objects.exists()


def test_a_backup_of_the_same_installation_brings_nothing(tmp_path, backup):
    done = stored(*all_kinds(tmp_path), arrived=NOON)
    price_all()
    before = everything()
    own = [connection.settings_dict["NAME"]] if connection.vendor == "sqlite" else []  # in use: read in one snapshot
    for path in (backup(), *map(tmp_path.joinpath, own)):
        job = imported(path)
        assert (job.events, job.known, job.differing, job.dead) == (0, done.events, 0, 0)
    assert everything() == before


def test_an_import_of_a_backup_goes_on_where_it_stopped(backup, monkeypatch):
    stored(*some(30))
    price_all()
    before, path = everything(), backup()
    emptied()
    monkeypatch.setattr("usage.imports.looking.ITEMS_AT_ONCE", 7)
    job = begun(path)
    while run(job, path, seconds=0):
        assert job.events <= 60 and not job.known
        job = Import.objects.get()
    assert (job.events, job.known) == (60, 0)
    assert_sound()
    assert everything() == before


def test_days_whose_events_are_gone_are_told(backup):
    stored(*some(20, NOON - 3 * DAY), *some(5, NOON - 2 * DAY), *some(3))
    closed()
    expire(lambda _: None)
    path = backup()
    emptied()
    found = look(open_source(path))
    assert "Of 2026-11-21 to 2026-11-22 it has totals of days alone (50 requests):" in found.left_out[-1]
    job = imported(path)
    assert job.events == found.events == Event.objects.count() == 6


def test_events_of_closed_days_that_wait_for_retention_are_left_out(backup):
    stored(*some(20, NOON - 3 * DAY), *some(3))
    closed()
    source = open_source(backup())
    assert len(list(source.items())) == 6
    assert "2026-11-21 to 2026-11-21 it has totals of days alone (40 requests)" in source.left_out[-1]


def test_the_price_in_force_is_offered(backup):
    stored(record(NOON))
    Model.objects.set_price("ours", {"prompt": 5_000_000, "completion": 7_000_000, "cache_write": 9_000_000})
    gone, blocked = (
        Model.objects.create(name=name, catalogue_blocked=name == "blocked") for name in ("two", "blocked")
    )
    for model, origin, prompt in ((gone, "catalogue", 3), (gone, "manual", 2), (blocked, "catalogue", 1)):
        prices = PriceSet.objects.create(model=model, origin=origin)
        RateCard.objects.create(price_set=prices, prompt=prompt, completion=prompt)
        RateCard.objects.create(price_set=prices, tier="flex", prompt=0, completion=0)
    source = open_source(backup())
    prices = sorted(source.prices())
    assert prices == [FoundPrice("ours", 5, 7, None, 9), FoundPrice("two", 2e-6, 2e-6, None, None)]
    assert new_prices(prices) == [] and new_aliases(source.aliases()) == []


def test_other_versions_are_refused_or_read(backup):
    stored(*some(2))
    old = changed(backup("old.db"), "ALTER TABLE usage_event DROP COLUMN imported")
    assert len(list(open_source(old).items())) == 4
    for name, change in (
        ("newer", "ALTER TABLE usage_event ADD COLUMN audio_tokens integer"),
        ("older", "ALTER TABLE usage_event RENAME COLUMN cache_write_1h TO x"),
        ("series", "ALTER TABLE usage_series DROP COLUMN clock"),
        ("state", "ALTER TABLE usage_drainstate DROP COLUMN labels_revision"),
    ):
        applied = "INSERT INTO django_migrations (id, app, name, applied) VALUES (9999, 'usage', '0099_audio', '')"
        if connection.vendor != "sqlite":
            applied = applied.replace(", applied", "").replace(", ''", "")
        path = changed(backup(f"{name}.db"), change, applied)
        with pytest.raises(Refused, match=r"another version of this program \(0099_audio\): import an export"):
            open_source(path)


def test_a_row_that_is_damaged_is_a_dead_letter_by_itself(backup):
    stored(*some(3))
    for number, state in enumerate(
        ("zone = 'Mars/Olympus'", "zone = x'ff'", "zone = 'America'", "events_from = 'ever'", "events_from = 1 << 62")
    ):
        path = changed(backup(f"{number}.db"), f"UPDATE usage_drainstate SET {state}")
        with pytest.raises(Refused, match="The database is damaged: usage_drainstate"):
            open_source(path)
    path = changed(
        backup(),
        "UPDATE usage_event SET uncached = 'many' WHERE id = (SELECT min(id) FROM usage_event)",
        "UPDATE usage_event SET series_id = 9999 WHERE id = (SELECT max(id) FROM usage_event)",
    )
    emptied()
    job = imported(path)
    assert (job.events, job.dead) == (4, 2)


def test_events_that_are_yet_to_come_are_a_dead_letter_each(backup):
    stored(*some(3))
    path = changed(backup(), f"UPDATE usage_event SET timestamp = timestamp + {10 * 365 * DAY} WHERE NOT failed")
    emptied()
    found = look(open_source(path))
    assert (found.events, found.unread, found.models) == (6, 3, {"gpt-5": 3})
    job = imported(path)
    assert (job.events, job.dead, DeadLetter.objects.count()) == (3, 3, 3)
    letter = DeadLetter.objects.first()
    assert letter.reason == "It does not tell when it happened."
    assert json.loads(bytes(letter.raw))["model"] == "gpt-5"
    assert imported(path).dead == 0


def test_names_that_are_too_long_or_illegible_are_as_records_have_them(backup):
    stored(*some(3))
    path = changed(
        backup(),
        "UPDATE usage_series SET endpoint = 'a' || char(0) || printf('%.300c', 'b'), tier = printf('%.300c', 'c')",
        "UPDATE aliases_apikey SET mask = printf('%.300c', 'd')",
        "UPDATE usage_event SET service_tier = printf('%.300c', 'e'), fail_body = char(0), failed = 1",
    )
    emptied()
    assert imported(path).events == 6
    event = Event.objects.first()
    labels = event.series.endpoint, event.series.tier, event.series.api_key.mask, event.service_tier
    assert labels == ("a\ufffd" + "b" * 253, "c" * 16, "d" * 64, "e" * 64)
