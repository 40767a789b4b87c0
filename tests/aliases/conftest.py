"""Keys, and requests counted for them."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from aliases.models import ApiKey
from pricing.models import Model
from usage.models import Month, Series


@pytest.fixture
def on_nov_24(monkeypatch):
    """It is noon UTC on 24 November 2026."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.fixture
def count(db):
    """count(key, 3, 4): the key was observed, on one series a number, its requests spread over two months."""
    made = iter(range(1000))

    def count(key: ApiKey, *requests):
        for number in requests:
            model = Model.objects.get_or_create(name="m")[0]
            series = Series.objects.create(digest=next(made).to_bytes(16), model=model, api_key=key)
            for bucket, part in ((1, number // 2), (2, number - number // 2)):
                if part:
                    Month.objects.create(bucket=bucket, series=series, requests=part)

    return count
