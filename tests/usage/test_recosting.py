"""A price that changes costs what was counted before it anew."""

import pytest

from pricing.models import Model
from tests.usage.made import NOON, record, stored
from usage.models import Quarter

pytestmark = pytest.mark.django_db


def test_a_price_set_by_hand_costs_history_and_takes_its_context_labels_away():
    small, large = record(NOON), record(NOON + 1, tokens={"input": 300_000, "cached": 0, "total": 300_050})
    stored(small, large)
    assert list(Quarter.objects.order_by("series__context_over").values_list("series__context_over", "cost")) == [
        (0, 0),
        (272_000, 0),
    ]
    Model.objects.set_price("gpt-5", {"prompt": 2, "completion": 10})
    # (60 + 40 cached + 300,000) × 2 + 2 × (40 + 10 reasoning) × 10, all under one label: the price has no steps
    assert list(
        Quarter.objects.exclude(requests=0).values_list("series__context_over", "requests", "cost", "unpriced_tokens")
    ) == [(0, 2, 601_200, 0)]
