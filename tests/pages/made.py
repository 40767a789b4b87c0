"""A week of made-up traffic, and the label sets that tests of pages ask about."""

import time
from datetime import UTC, datetime, timedelta
from itertools import islice

from pricing.models import Model
from simulator.traffic import history
from usage.ingest import Writer

PRICES = {"claude": (3, 15, 1), "gpt": (2, 8, 1), "gemini": (1, 10, 1)}


def store_history(days: float, events: int, ended_minutes_ago: float = 0, batch: int = 5000):
    """Store simulated records that end some minutes ago, and price a part of their models."""
    writer, now = Writer(), int(time.time() * 1e6)
    end = datetime.now(UTC) - timedelta(minutes=ended_minutes_ago)
    records = history(days, events, 11, end, "Asia/Shanghai")
    while items := list(islice(records, batch)):
        writer.store([(now, item) for item in items])
    for model in Model.objects.all():
        for start, (prompt, completion, cached) in PRICES.items():
            if model.name.startswith(start):
                rates = {"prompt": prompt * 10**6, "completion": completion * 10**6, "cache_read": cached * 10**5}
                model.set_price(rates)
