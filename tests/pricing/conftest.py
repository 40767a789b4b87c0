"""A model of each kind, and what re-costing was asked to do."""

from datetime import UTC, datetime

import pytest

from pricing.models import Model, Revision


@pytest.fixture
def recosted(monkeypatch):
    """Re-costings of models asked for: (model name, how often prices had changed); what they do is tested elsewhere."""
    calls = []

    def recost(self, usage, book, before):
        assert book.stamp == Revision.current_stamp()
        if isinstance(usage, Model):
            calls.append((usage.name, Revision.current()))

    monkeypatch.setattr("usage.rollups.history.RecordedUsage.recost", recost)
    return calls


@pytest.fixture
def gpt(db, recosted):
    return Model.objects.create(name="gpt-5")


@pytest.fixture
def on_nov_24(set_clock):
    """It is 1 o'clock on 24 November 2026 in the project's zone, and still the 23rd in UTC."""
    set_clock(datetime(2026, 11, 23, 17, tzinfo=UTC))
