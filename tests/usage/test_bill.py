"""Records whose cost was once wrong, each with what its event must say: tests/fixtures/bill/cases.jsonl."""

import json

import pytest
from django.db import connection

from catalog.models import Provider
from pricing.models import Model
from pricing.tasks import price_models
from tests import FIXTURES
from tests.usage.made import DAY, HOUR, NOON, stored
from usage.models import Event

pytestmark = pytest.mark.django_db
NOW = NOON + 4 * DAY + HOUR
CASES = [json.loads(line) for line in FIXTURES.joinpath("bill/cases.jsonl").read_text().splitlines()]
KIMI = next(case["record"] for case in CASES if case["case"] == "kimi-key-as-source")
OFFICE_FAST = {"prompt": 1_000_000, "completion": 2_000_000}  # pico-USD a token: 1 and 2 dollars per million


@pytest.fixture(autouse=True)
def known(set_clock):
    """The hour, what CPA says of the account that leads to z.ai, and a price set by hand."""
    set_clock(NOW)
    Provider.objects.create(
        auth_index="7d53e5753dc98fa4", provider_type="claude", base_url="https://api.z.ai/api/anthropic"
    )
    Model.objects.set_price("office-fast", OFFICE_FAST)


def event_of(client, record):
    """What the API says of the record, once the catalogue was asked about its model."""
    stored(json.dumps(record).encode(), arrived=NOW)
    price_models()
    return client.get(f"/api/v1/usage/events/{Event.objects.get().key}").json()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_an_event_says_what_was_really_served(client, case):
    found = event_of(client, case["record"])
    want = {name: pytest.approx(value, abs=1e-12) if value else value for name, value in case["want"].items()}
    assert {name: found[name] for name in want} == want


@pytest.mark.sqlite
def test_a_key_in_the_place_of_an_account_is_nowhere_in_the_database(client):
    found = event_of(client, KIMI)
    assert (found["source"], found["source_display"]) == ("", "")
    kept = connection.connection.serialize()
    assert (KIMI["model"].encode() in kept, KIMI["api_key"].encode() in kept) == (True, False)
