"""The tasks that price models, with the real catalogue, and who asks for them."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django_q.models import OrmQ

from pricing import tasks
from pricing.models import CatalogueEntry, Model, Revision
from pricing.queueing import PRICE_MODELS


def queued():
    return [q.func() for q in OrmQ.objects.order_by("pk")]


@pytest.mark.django_db(transaction=True)
def test_a_new_model_asks_for_its_price_once_it_is_committed():
    with transaction.atomic():
        Model.objects.observe(["claude-opus-5"])
        assert queued() == []
    assert queued() == [PRICE_MODELS]
    Model.objects.observe(["claude-opus-5"])
    Model.objects.observe(["gpt-5"])
    assert queued() == [PRICE_MODELS]  # the one that waits will do


@pytest.mark.django_db(transaction=True)
def test_a_model_that_was_rolled_back_asks_for_nothing():
    with pytest.raises(RuntimeError), transaction.atomic():
        Model.objects.observe(["claude-opus-5"])
        raise RuntimeError
    assert queued() == []


@pytest.mark.django_db(transaction=True)
def test_a_broken_broker_does_not_stop_the_writer(monkeypatch):
    monkeypatch.setattr("django_q.tasks.async_task", lambda *_, **__: 1 / 0)
    assert Model.objects.observe(["claude-opus-5"]).keys() == {"claude-opus-5"}


def test_new_models_are_priced_and_the_unknown_ones_say_so(db):
    Model.objects.observe(["claude-opus-5", "acme-1"])
    assert tasks.price_models() == tasks.LookedUp(models=2, listed=1)
    entries = dict(CatalogueEntry.objects.values_list("model__name", "matched"))
    assert entries == {"claude-opus-5": "anthropic/claude-opus-5", "acme-1": ""}
    assert Model.objects.get(name="claude-opus-5").catalogue_sets()
    assert set(CatalogueEntry.objects.values_list("version", flat=True)) == {version("genai-prices")}


def test_a_model_is_asked_about_once_a_version(db):
    Model.objects.observe(["claude-opus-5"])
    tasks.price_models()
    assert tasks.price_models() == tasks.LookedUp()
    CatalogueEntry.objects.update(version="0.0.1")
    assert tasks.price_models() == tasks.LookedUp(models=1, listed=1)
    assert Revision.current() == 1


def test_models_that_a_task_has_no_time_for_are_queued(db, monkeypatch):
    Model.objects.observe(["claude-opus-5", "gpt-5"])
    monkeypatch.setattr(tasks, "PRICING_SECONDS", -1)
    assert tasks.price_models() == tasks.LookedUp(models=1, listed=1)
    assert queued() == [PRICE_MODELS]
    assert tasks.price_models() == tasks.LookedUp(models=1, listed=1)
    assert (queued(), tasks.price_models()) == ([PRICE_MODELS], tasks.LookedUp())


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_the_log_of_sqlite_does_not_grow_from_model_to_model(monkeypatch):
    Model.objects.observe(["claude-opus-5"])
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    assert log.stat().st_size > 0
    monkeypatch.setattr("cpa_usage.sqlite.wal.LARGE_BYTES", 1)
    tasks.price_models()
    assert log.stat().st_size == 0


def test_an_update_asks_about_every_model_and_says_what_came_of_it(db, capsys):
    Model.objects.observe(["claude-opus-5", "acme-1"])
    tasks.price_models()
    call_command("updateprices")
    assert capsys.readouterr().out.splitlines() == [
        f"The catalogue is {version('genai-prices')}.",
        "2 models: 1 have a price in the catalogue.",
        "  acme-1: The catalogue lists no model of this name.",
    ]


def test_an_update_offers_what_the_catalogue_corrects(db, capsys):
    model = Model.objects.create(name="claude-opus-5")
    tasks.price_models()
    model.price_sets.order_by("pk").first().cards.update(prompt=1)
    call_command("updateprices")
    assert "1 have corrected figures for days gone by" in capsys.readouterr().out
    assert model.price_sets.order_by("pk").first().cards.get(tier="").prompt == 1


def test_no_process_loads_the_catalogue_by_starting():
    """25 MB, which the web and the drain do without."""
    starts = "import django, sys; django.setup(); import cpa_usage.urls, usage.ingest.writer, pricing.tasks"
    loaded = "print([m for m in ('genai_prices', 'pydantic', 'httpx2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{starts}; {loaded}"], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_a_person_chose_while_models_before_were_looked_up_counts(db, monkeypatch):
    Model.objects.observe(["claude-opus-5", "gpt-5"])
    tasks.price_models()
    CatalogueEntry.objects.update(version="of before")
    asked, follow, chosen = [], Model.follow_catalogue, "openrouter/openai/gpt-5"

    def follows(model, listing, *rest):
        CatalogueEntry.objects.filter(model__name="gpt-5").update(chosen=chosen)  # meanwhile
        asked.append((model.name, listing.matched))
        return follow(model, listing, *rest)

    monkeypatch.setattr(Model, "follow_catalogue", follows)
    tasks.price_models()
    assert asked[1] == ("gpt-5", chosen)
    assert set(CatalogueEntry.objects.values_list("version", flat=True)) == {version("genai-prices")}
