"""The captured records behind the API, as captured and spread over days, at a known moment."""

import json
from datetime import datetime, timedelta

import pytest

from tests.simulator.raw import FIXTURES
from tests.usage.api.expected import PRICES, attempts
from usage.ingest.writer import Writer

NOW = 1_795_494_600_000_000  # 2026-11-24T12:30:00+08:00, half an hour after the captures
CAPTURED = (FIXTURES / "records.jsonl").read_bytes().splitlines()


@pytest.fixture(autouse=True)
def now(set_clock):
    """It is NOW."""
    set_clock(NOW)
    return NOW


@pytest.fixture
def priced(client, db):
    """Four models have a price: one of them is free, one has odd digits; the others are unpriced."""
    names = ("prompt", "cache", "cache_write", "completion")
    for model, rates in PRICES.items():
        prices = {f"{name}_price_per_1m": rate / 10**6 for name, rate in zip(names, rates, strict=False)}
        assert client.put("/api/v1/pricing", {"model": model, **prices}, content_type="application/json").json()["ok"]


@pytest.fixture
def captured(priced):
    """The captured records, stored; as expected.attempts sees them."""
    return store(CAPTURED)


@pytest.fixture(params=["captured", "spread"])
def records(request, priced):
    """The captured records, stored as they are, and moved apart so that they fill 17 days."""
    return store(CAPTURED if request.param == "captured" else spread())


def store(raws, arrived=NOW):
    Writer().store([(arrived, raw) for raw in raws])
    return attempts(raws)


def spread():
    return [moved(raw, timedelta(hours=3, minutes=7) * place) for place, raw in enumerate(CAPTURED)]


def moved(raw, back):
    item = json.loads(raw)
    item["timestamp"] = (datetime.fromisoformat(item["timestamp"]) - back).isoformat()
    return json.dumps(item).encode()
