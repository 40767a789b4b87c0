"""The catalogue that is published between releases: taken when it is well, and otherwise the last one stays."""

import gzip
import json
import re
import runpy
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from django.core.management import call_command
from genai_prices.update_prices import DEFAULT_UPDATE_URL

from pricing import tasks
from pricing.catalogue import published
from pricing.models import CatalogueEntry, Model, PriceSet, PublishedCatalogue
from tests.pricing.publisher import Publisher, catalogue

FIRST, NEXT = datetime(2026, 11, 24, 4, tzinfo=UTC), datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.fixture
def publisher(settings):
    server = Publisher()
    settings.PRICES_URL = server.url
    yield server
    server.close()


@pytest.fixture
def acme(db, set_clock):
    set_clock(FIRST)
    return Model.objects.create(name="acme-1")


def prompts(model):
    """USD per million by the day they begin on."""
    sets = model.price_sets.order_by("pk")
    return {str(s.valid_from): s.cards.get().prompt / 1_000_000 for s in sets}


def error():
    return PublishedCatalogue.objects.get().error


def test_a_new_model_is_priced_as_soon_as_it_is_published(acme, publisher):
    tasks.price_models()
    assert acme.catalogue.reason == "The catalogue lists no model of this name."
    publisher.publish(catalogue(**{"acme-1": 2}))
    assert tasks.update_prices() == tasks.LookedUp(models=1, listed=1)
    assert prompts(acme) == {"None": 2}
    entry = CatalogueEntry.objects.get()
    assert (entry.matched, entry.version) == ("acme/acme-1", tasks.catalogue_version())
    assert entry.version.startswith("2026-11-24 ")
    assert tasks.price_models() == tasks.LookedUp()


def test_a_changed_price_begins_on_the_day_it_is_seen(acme, publisher, set_clock):
    publisher.publish(catalogue(**{"acme-1": 2}))
    tasks.update_prices()
    set_clock(NEXT)
    publisher.publish(catalogue(**{"acme-1": 3}))
    assert tasks.update_prices() == tasks.LookedUp(models=1, listed=1, corrected=1)
    assert prompts(acme) == {"None": 2, "2026-11-25": 3}
    assert CatalogueEntry.objects.get().corrects


def test_a_price_set_by_hand_stays_in_force(acme, publisher):
    acme.set_price({"prompt": 5, "completion": 6})
    publisher.publish(catalogue(**{"acme-1": 2}))
    tasks.update_prices()
    assert acme.set_in_force(FIRST.date()).is_manual


IMPOSSIBLE = {"acme-1": {"input_mtok": -1}}
UNREADABLE = f"cannot be read by the installed genai-prices ({re.error.__name__})"  # PatternError from 3.13 on
TOO_DEAR = {"acme-1": {"input_mtok": 1, "output_mtok": {"base": 1, "tiers": [{"start": 5, "price": 10_001}]}}}


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (b"<html>", "cannot be read by the installed genai-prices (JSONDecodeError)"),
        (catalogue()[0], "It lists 0 models"),
        (catalogue()[:0], "It lists 0 models"),
        ([{"id": "acme"}], "cannot be read by the installed genai-prices (ValidationError)"),
        ([catalogue()[0] | {"models": catalogue()[0]["models"][:9]}], "It lists 9 models"),
        (catalogue(**IMPOSSIBLE), "It has an impossible price for acme/acme-1."),
        (catalogue(**TOO_DEAR), "It has an impossible price for acme/acme-1."),
        (
            catalogue(**{"acme-1": {"input_mtok": {"base": 1, "tiers": [{"start": -5, "price": 2}]}}}),
            "impossible price",
        ),
        (catalogue(**{"a" * 300: 1}), "It has a model of an overlong name at acme."),
        (catalogue(**{"acme-\ud800": 1}), "It has a model whose name cannot be written."),
        (catalogue(**{"acme-\0": 1}), "It has a model whose name cannot be written."),
        ([catalogue()[0] | {"api_pattern": "https://("}], UNREADABLE),
        ([catalogue()[0] | {"model_match": {"regex": "["}}], UNREADABLE),
    ],
)
def test_garbage_is_refused_and_the_last_good_one_stays(acme, publisher, broken, sentence):
    publisher.publish(catalogue(**{"acme-1": 2}))
    tasks.update_prices()
    kept = tasks.catalogue_version()
    publisher.publish(broken)
    assert tasks.update_prices() == tasks.LookedUp(models=1, listed=1)
    assert sentence in error()
    assert (tasks.catalogue_version(), prompts(acme)) == (kept, {"None": 2})


def test_without_a_good_one_the_package_serves(acme, publisher):
    publisher.status = 404
    tasks.update_prices()
    assert (error(), tasks.catalogue_version()) == (
        "Its publisher answered with status 404.",
        version("genai-prices"),
    )


def test_what_is_too_large_is_left(acme, publisher, monkeypatch):
    monkeypatch.setattr(published, "MOST_BYTES", 1 << 20)
    publisher.publish(b"[" + b" " * (1 << 20) + b"]")
    tasks.update_prices()
    assert error() == "What it published is larger than 1 MB."


@pytest.mark.parametrize("packing", ["gzip, gzip", "br"])
def test_what_may_swell_to_gigabytes_is_not_unpacked(acme, publisher, packing):
    publisher.publish(b"no such packing")
    publisher.packing = packing
    tasks.update_prices()
    assert error() == "Its publisher packed it in another way than gzip."


def test_a_catalogue_in_gzip_is_taken(acme, publisher):
    publisher.publish(gzip.compress(json.dumps(catalogue(**{"acme-1": 2})).encode()))
    publisher.packing = "gzip"
    assert tasks.update_prices() == tasks.LookedUp(models=1, listed=1)


def test_any_tag_can_be_sent_back(acme, publisher):
    publisher.publish(catalogue(**{"acme-1": 2}), tag='"\u00e9"')
    tasks.update_prices()
    tasks.update_prices()
    assert (error(), len(publisher.asked)) == ("", 2)


def test_what_never_ends_is_left(acme, publisher, monkeypatch):
    monkeypatch.setattr(published, "SECONDS", 0.2)
    publisher.slow = True
    tasks.update_prices()
    assert "did not answer in full" in error()


def test_a_publisher_that_is_away_changes_nothing(acme, publisher, settings):
    publisher.publish(catalogue(**{"acme-1": 2}))
    tasks.update_prices()
    kept = tasks.catalogue_version()
    publisher.close()
    tasks.update_prices()
    assert (error(), tasks.catalogue_version()) == ("Its publisher could not be reached (ConnectError).", kept)


def test_what_is_the_same_is_not_sent_again(acme, publisher, set_clock):
    publisher.publish(catalogue(**{"acme-1": 2}), tag='"one"')
    tasks.update_prices()
    kept = tasks.catalogue_version()
    set_clock(NEXT)
    tasks.update_prices()
    assert publisher.asked == [None, '"one"']
    row = PublishedCatalogue.objects.get()
    assert (row.checked_at, row.version, row.error) == (NEXT, kept, "")
    assert PriceSet.objects.count() == 1


def test_a_newer_package_serves_until_it_has_fetched_its_own(acme, publisher):
    publisher.publish(catalogue(), tag='"one"')
    tasks.update_prices()
    PublishedCatalogue.objects.update(package="0.0.1")
    assert tasks.catalogue_version() == version("genai-prices")
    tasks.update_prices()
    assert publisher.asked == [None, None]
    assert tasks.catalogue_version() != version("genai-prices")


def test_an_empty_address_switches_it_off(acme, publisher, settings):
    publisher.publish(catalogue(**{"acme-1": 2}))
    tasks.update_prices()
    settings.PRICES_URL = ""
    tasks.update_prices()
    assert (len(publisher.asked), tasks.catalogue_version()) == (1, version("genai-prices"))


def test_the_command_says_which_catalogue_it_was(acme, publisher, capsys):
    publisher.publish(catalogue(**{"acme-1": 2}))
    call_command("updateprices")
    publisher.status = 500
    call_command("updateprices")
    name = tasks.catalogue_version()
    assert capsys.readouterr().out.splitlines() == [
        f"The catalogue is {name}.",
        "1 models: 1 have a price in the catalogue.",
        f"The catalogue is {name}.",
        "No newer one was fetched. Its publisher answered with status 500.",
        "1 models: 1 have a price in the catalogue.",
    ]


def test_the_default_is_where_the_package_fetches_its_own(monkeypatch):
    monkeypatch.delenv("PRICES_URL")
    assert runpy.run_path("cpa_usage/settings.py")["PRICES_URL"] == DEFAULT_UPDATE_URL
