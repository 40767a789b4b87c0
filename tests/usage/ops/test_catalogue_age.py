"""The doctor's finding about the price catalogue: how old it is, and why no newer one comes."""

from datetime import timedelta
from importlib.metadata import version

from django.utils import timezone

from pricing.models import PublishedCatalogue
from usage.ops.doctor import prices


def finding():
    return next(prices.catalogue())


def kept(**fields):
    fields |= {"package": version("genai-prices"), "digest": "0123456789abcdef"}
    return PublishedCatalogue.objects.create(pk=1, **fields)


def test_a_catalogue_that_no_longer_comes_is_wrong(db, settings):
    settings.PRICES_URL = "http://127.0.0.1:1/data.json"
    assert finding().well
    now = timezone.now()
    row = kept(fetched_at=now - timedelta(days=5), checked_at=now - timedelta(days=4))
    assert finding().well  # nothing has failed: the server may have been off
    row.failed("Its publisher answered with status 404.")
    assert not finding().well
    assert f"{row.fetched_at:%Y-%m-%d} 0123456789ab; its publisher was last heard at" in finding().sentence
    assert "Its publisher answered with status 404. Run manage.py updateprices" in finding().sentence
    row.heard(now)
    assert finding().well


def test_a_first_fetch_that_failed_is_wrong(db, settings):
    settings.PRICES_URL = "http://127.0.0.1:1/data.json"
    kept().failed("Its publisher could not be reached (ConnectError).")
    assert not finding().well
    assert f"{version('genai-prices')} of the installed package" in finding().sentence


def test_switched_off_is_well(db):
    assert finding().well
    assert "PRICES_URL is empty" in finding().sentence


def test_the_system_page_names_the_catalogue_and_its_last_failure(client, db):
    kept(checked_at=timezone.now()).failed("Its publisher answered with status 404.")
    page = client.get("/system/").text
    assert version("genai-prices") in page
    assert "Its publisher answered with status 404." in page
