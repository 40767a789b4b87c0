"""Pages of lists: a number past the last page is the last page."""

import pytest

from aliases.models import ApiKey
from pricing.models import Model
from tests.usage.made import record
from tests.usage.traffic import NOW_US, stored_now

pytestmark = pytest.mark.django_db


def test_past_the_last_page_of_requests_is_the_last(client):
    stored_now(*(record(NOW_US - n * 1000) for n in range(45)))
    last, past = (client.get(f"/api/v1/usage/events?page_size=20&page={page}").json() for page in (3, 99999))
    assert past == last
    assert (past["page"], past["total_pages"], len(past["items"])) == (3, 3, 5)
    assert client.get("/api/v1/usage/events?page=99999&model=nothing").json()["page"] == 1
    shown = client.get("/requests/?range=all&page_size=20&page=99999").context["found"]
    assert (shown.page, len(shown.items)) == (3, 5)


def test_past_the_last_page_of_keys_is_the_last(client):
    stored_now(record(NOW_US))
    ApiKey.objects.bulk_create(
        ApiKey(fingerprint=f"{n:064x}", mask=f"sk-{n}", alias=f"key {n}", alias_updated_at=None) for n in range(130)
    )
    shown = client.get("/keys/?page=99999").context
    assert (shown["list"].number, len(shown["rows"])) == (2, 31)
    assert "page=1" in client.get("/keys/?page=99999").text


def test_past_the_last_page_of_prices_is_the_last(client):
    Model.objects.bulk_create(Model(name=f"model-{n:03}") for n in range(170))
    found = client.get("/prices/?page=99999").context["list"]
    assert (found.number, found.paginator.count) == (2, 170)
