"""New models ask to be priced when they are committed; a database that goes away in that instant is no drama."""

import logging

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from pricing.models import Model
from pricing.queueing import queue_pricing

pytestmark = pytest.mark.django_db


def test_a_database_that_goes_away_after_the_commit_is_one_line_in_the_log(monkeypatch, caplog):
    def away(*args, **kwargs):
        raise OperationalError("terminating connection due to administrator command\nmore of it")

    monkeypatch.setattr(type(OrmQ.objects), "filter", away)
    with caplog.at_level(logging.WARNING):
        queue_pricing()
    assert [record.getMessage() for record in caplog.records] == [
        "New models are priced at the next look, every ten minutes: terminating connection due to administrator command"
    ]


def test_new_models_ask_once(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        Model.objects.observe(["one", "two"])
    with django_capture_on_commit_callbacks(execute=True):
        Model.objects.observe(["three"])
    assert [queued.func() for queued in OrmQ.objects.all()] == ["pricing.tasks.price_models"]
