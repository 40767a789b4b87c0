"""Keys, and requests counted for them."""

from datetime import UTC, datetime

import pytest

from aliases.models import ApiKey
from usage.models import LabelDay, LabelValue


@pytest.fixture
def on_nov_24(set_clock):
    """It is noon UTC on 24 November 2026."""
    set_clock(datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.fixture
def count(db):
    """count(key, 3, 4): so many requests of the key were counted, on a day each."""

    def count(key: ApiKey, *requests):
        value, _ = LabelValue.objects.get_or_create(label="api_key", value=key.fingerprint)
        for day, number in enumerate(requests):
            LabelDay.objects.create(bucket=day, label_value=value, requests=number)

    return count
