"""What nothing counts any more goes; what a person has said stays, and so does all that has a total."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from aliases.models import ApiKey
from catalog.models import Connection
from cpa_usage.keys import fingerprint
from pricing.book import PriceBook
from pricing.models import Adjustment, CatalogueEntry, Model, PriceSet, RateCard
from tests.usage.made import DAY, NOON, record, rollups, stored
from usage import tasks
from usage.ingest.writer import Writer
from usage.models import (
    Client,
    Day,
    DrainState,
    Duration,
    Event,
    LabelDay,
    LabelQuarter,
    LabelValue,
    Lease,
    Quarter,
    Series,
)
from usage.rollups import forgetting
from usage.rollups.check import check
from usage.rollups.forgetting import forget_labels
from usage.rollups.recosting import recost
from usage.rollups.retention import expire, move_events_from

pytestmark = pytest.mark.django_db(transaction=True)
OLD = timedelta(days=2)


def forget(**merged):
    return forget_labels(lambda seconds: None, **merged)


def aged():
    for rows in (Model, ApiKey):
        rows.objects.update(created_at=timezone.now() - OLD)


def vanish():
    """All usage goes, as if it had never been; labels stay."""
    for table in (Event, Quarter, Day, LabelQuarter, LabelDay, Duration):
        table.objects.all().delete()


@pytest.mark.parametrize("chunk", (1, 1000))
def test_label_sets_and_values_without_totals_go_with_their_models_and_keys(monkeypatch, chunk):
    monkeypatch.setattr(forgetting, "CHUNK", chunk)
    stored(*(record(NOON + n, model=f"m{n}", alias="asked", api_key=f"sk-client-{n:010}") for n in range(3)))
    aged()
    assert (forget(), list(check())) == (0, [])
    vanish()
    stored(record(NOON + 50, model="m1", alias="asked", api_key="sk-client-0000000001"))
    assert forget() == 2 + 4 + 2 + 2
    [series] = Series.objects.select_related("model", "api_key")
    assert (series.model.name, series.api_key.mask) == ("m1", "sk-c****0001")
    assert (list(Model.objects.all()), list(ApiKey.objects.all())) == ([series.model], [series.api_key])
    assert (forget(), list(check())) == (0, [])


def test_what_a_person_has_said_stays_and_what_cpa_offers_or_clients_ask_for():
    names = ("priced", "blocked", "chosen", "offered", "asked", "catalogued", "plain")
    models = {name: Model.objects.create(name=name) for name in names}
    models["priced"].set_price({"prompt": 1, "completion": 1})
    models["blocked"].clear_price()
    CatalogueEntry.objects.create(model=models["chosen"], chosen="openai/gpt-5")
    CatalogueEntry.objects.create(model=models["catalogued"], matched="openai/gpt-5")
    PriceSet.objects.create(model=models["catalogued"], origin="catalogue").write_cards(
        [RateCard(prompt=1, completion=1)]
    )
    Connection.change(models_offered=["offered"])
    keys = {name: fingerprint(name) for name in ("named", "adjusted", "own-price", "bare")}
    for key in keys.values():
        ApiKey.objects.create(fingerprint=key)
    ApiKey.objects.describe(keys["named"], alias="Ann")
    Adjustment.objects.create(scope="api_key", value=keys["adjusted"], factor=2)
    models["priced"].set_price({"prompt": 2, "completion": 1}, scope="api_key", scope_value=keys["own-price"])
    stored(record(NOON, alias="asked", api_key=""))
    aged()
    assert forget() == 3
    assert set(Model.objects.values_list("name", flat=True)) == {*names, "gpt-5"} - {"catalogued", "plain"}
    assert set(ApiKey.objects.values_list("fingerprint", flat=True)) == {*keys.values(), ""} - {keys["bare"]}
    assert list(check()) == []


def test_what_was_only_just_named_is_kept_for_a_day():
    Model.objects.create(name="new")
    ApiKey.objects.create(fingerprint=fingerprint("new"))
    assert forget() == 0
    assert forget(models=["new"], keys=[fingerprint("new")]) == 2


def test_rows_of_zeros_that_relabelling_leaves_behind_hold_no_label_set():
    model = Model.objects.create(name="gpt-5")
    model.set_cards([RateCard(prompt=2, completion=0), RateCard(prompt=7, completion=0, context_over=60)])
    stored(record(NOON))
    model.set_cards([RateCard(prompt=2, completion=0), RateCard(prompt=7, completion=0, context_over=70)])
    before = rollups()
    assert (Series.objects.count(), Day.objects.count()) == (2, 2)
    assert forget() == 1
    assert (Series.objects.get().context_over, Day.objects.count()) == (70, 1)
    assert (rollups(), list(check())) == (before, [])


def test_a_writer_meets_again_what_went_while_it_remembered_it():
    writer = Writer()
    stored(record(NOON), writer=writer)
    vanish()
    aged()
    assert forget() == 1 + 8 + 1 + 1
    stored(record(NOON + 1), writer=writer)
    assert (Series.objects.count(), Event.objects.get().series_id) == (1, Series.objects.get().pk)
    assert list(check()) == []


def test_what_comes_into_use_meanwhile_stays(monkeypatch):
    stored(record(NOON))
    vanish()
    writer, go = Writer(), DrainState.labels_go

    def meanwhile():
        monkeypatch.undo()
        stored(record(NOON + 1), writer=writer)
        go()

    monkeypatch.setattr(DrainState, "labels_go", meanwhile)
    forget()
    assert (Series.objects.count(), Event.objects.count(), list(check())) == (1, 1, [])


def test_retention_does_it_every_night_beside_the_totals_that_stay():
    stored(record(NOON, client_ip="10.0.0.1"), record(NOON - 3 * DAY, model="old", alias="old", client_ip="10.0.0.2"))
    Model.objects.create(name="unused")
    aged()
    move_events_from(Day.objects.order_by("-bucket").first().bucket)
    expire(pause=lambda seconds: None)
    assert set(Model.objects.values_list("name", flat=True)) == {"gpt-5", "old"}
    assert sorted(Client.objects.values_list("ip", flat=True)) == ["", "10.0.0.1"]
    assert (Series.objects.count(), Lease.objects.count(), list(check())) == (2, 0, [])
    assert LabelValue.objects.filter(label="model", value="old").exists()
    assert "removed" in tasks.retention()


@pytest.mark.sqlite
def test_sqlite_looks_at_its_constraints_again_afterwards():
    stored(record(NOON))
    vanish()
    forget()
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert cursor.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_recosting_of_what_went_finds_nothing():
    stored(record(NOON))
    vanish()
    forget()
    recost(Series.objects.all(), PriceBook.load())
    assert rollups() == {name: {} for name in ("Quarter", "Day", "LabelQuarter", "LabelDay")}
