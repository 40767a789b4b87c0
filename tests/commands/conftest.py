"""Records of a month, some with a price, and commands as people call them."""

import io

import pytest
from django.core.management import call_command

from aliases.models import ApiKey
from tests.usage.made import DAY, NOON, record, stored

NOW = NOON + DAY // 12


@pytest.fixture
def month(set_clock, client, db):
    """Four days of two keys and two models, of which one has a price; the first key has a name."""
    set_clock(NOW)
    price = {"model": "gpt-5", "prompt_price_per_1m": 1.25, "completion_price_per_1m": 10, "cache_price_per_1m": 0.125}
    assert client.put("/api/v1/pricing", price, content_type="application/json").status_code == 200
    used = (("gpt-5", "alice"), ("gpt-5", "bob"), ("[red]model-of-a-long-name" * 3, "alice"))
    raws = [
        record(NOON - age * DAY - at, model=model, alias=model, api_key=f"sk-client-{key}-000{at}")
        for age in (0, 1, 9, 30)
        for at, (model, key) in enumerate(used)
    ]
    stored(*raws, record(NOON - DAY - 9, failed=True, fail={"status_code": 500, "body": "=no"}), arrived=NOW)
    ApiKey.objects.describe("sk-client-alice-0000", alias="Alice")


@pytest.fixture
def run(monkeypatch):
    """A function that runs a command and gives back what it printed."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words):
        out = io.StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    return call
