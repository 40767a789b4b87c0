"""A model of each kind, and what re-costing was asked to do."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from pricing.models import Model, Revision
from usage.models.querysets import SeriesQuerySet


@pytest.fixture
def recosted(monkeypatch):
    """Calls of SeriesQuerySet.recost: (model name, how often prices had changed); what it does is tested elsewhere."""
    calls = []

    def recost(series, book, relabels=True):
        assert book.stamp == Revision.current_stamp()
        calls.append((series._hints["instance"].name, Revision.current()))

    monkeypatch.setattr(SeriesQuerySet, "recost", recost)
    return calls


@pytest.fixture
def gpt(db, recosted):
    return Model.objects.create(name="gpt-5")


@pytest.fixture
def on_nov_24(monkeypatch):
    """It is 1 o'clock on 24 November 2026 in the project's zone, and still the 23rd in UTC."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 23, 17, tzinfo=UTC))
