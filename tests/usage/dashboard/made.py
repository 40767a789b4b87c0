"""A week of made-up traffic, and the label sets that tests of pages ask about."""

import json
import time
from datetime import UTC, datetime, timedelta

from pricing.models import Model
from simulator.traffic import history
from tests.usage.made import stored
from usage.ingest.writer import Writer

NOW_US = int(time.time() * 1_000_000)
PRICES = {"claude": (3, 15, 1), "gpt": (2, 8, 1), "gemini": (1, 10, 1)}


def store_history(days: float, events: int, ended_minutes_ago: float = 0, batch: int = 5000):
    """Store simulated records that end some minutes ago; a part of their models has a price from the start."""
    writer, now = Writer(), int(time.time() * 1e6)
    end = datetime.now(UTC) - timedelta(minutes=ended_minutes_ago)
    records = list(history(days, events, 11, end, "Asia/Shanghai"))
    for name in sorted({json.loads(item)["model"] for item in records}):
        set_price(name)
    for start in range(0, len(records), batch):
        writer.store([(now, item) for item in records[start : start + batch]])


def stored_now(*raw: bytes):
    """What became of records of the present: a claim that lies a day after their arrival would not be believed."""
    return stored(*raw, arrived=NOW_US)


def set_price(name: str):
    """Price a model if its name begins like one that has a price; cheapest before anything of it is stored."""
    for start, (prompt, completion, cached) in PRICES.items():
        if name.startswith(start):
            rates = {"prompt": prompt * 10**6, "completion": completion * 10**6, "cache_read": cached * 10**5}
            Model.objects.set_price(name, rates)
