"""Simulated traffic of the present, with prices for some of its models."""

import json
from datetime import UTC, datetime, timedelta

from pricing.models import Model
from simulator.traffic import history
from tests.usage.made import stored
from usage.ingest.writer import Writer
from usage.time.clock import now_us

NOW_US = now_us()
PRICES = {"claude": (3, 15, 1), "gpt": (2, 8, 1), "gemini": (1, 10, 1)}


def store_history(days: float, events: int, ended_minutes_ago: float = 0, batch: int = 5000):
    """Store simulated records that end some minutes ago; a part of their models has a price from the start."""
    writer, now = Writer(), now_us()
    end = datetime.now(UTC) - timedelta(minutes=ended_minutes_ago)
    records = list(history(days, events, 11, end, "Asia/Shanghai"))
    for name in sorted({json.loads(item)["model"] for item in records}):
        set_price(name)
    for start in range(0, len(records), batch):
        writer.store([(now, item) for item in records[start : start + batch]])


def stored_now(*raw: bytes):
    """Store records of the present, as having arrived now: timestamps a day after their arrival are not believed."""
    return stored(*raw, arrived=NOW_US)


def set_price(name: str):
    """Price a model if its name begins like one of PRICES; cheapest before records of it are stored."""
    for start, (prompt, completion, cached) in PRICES.items():
        if name.startswith(start):
            rates = {"prompt": prompt * 10**6, "completion": completion * 10**6, "cache_read": cached * 10**5}
            Model.objects.set_price(name, rates)
