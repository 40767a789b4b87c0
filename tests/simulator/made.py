"""A month of made-up records that several tests look at."""

from datetime import UTC, datetime, timedelta

END = datetime(2026, 11, 24, 4, tzinfo=UTC)
EVENTS = 40_000


def ended(record):
    """When the attempt was over, to the ms CPA gives."""
    return datetime.fromisoformat(record["timestamp"]) + timedelta(milliseconds=record["latency_ms"])
