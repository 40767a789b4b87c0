"""What migrations make of rows that an earlier version wrote, and that it writes no more after them."""

from concurrent.futures import ThreadPoolExecutor, wait
from importlib import import_module

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from tests.usage.made import NOON, record, stored
from usage.ingest.writer import Writer
from usage.models import Event, LabelValue, Series
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db
KEY = "team-blue-laptop-7"


def test_a_clients_key_kept_as_an_account_is_forgotten_and_totals_follow():
    stored(record(NOON, source="ann@example.com", api_key=KEY), record(NOON + 1, source="bob@example.com"))
    Series.objects.filter(source="ann@example.com").update(source=KEY, source_display=KEY)
    LabelValue.objects.filter(value="ann@example.com").update(value=KEY)
    import_module("usage.migrations.0006_no_key_as_account").forget_keys(apps, None)
    assert set(Series.objects.values_list("source", "source_display")) == {("", ""), ("bob@example.com",) * 2}
    assert not LabelValue.objects.filter(value=KEY).exists()
    list(rebuild())
    assert list(check()) == []


@pytest.fixture
def newer():
    """The name of a migration of a newer version; its note does not outlast the test."""
    yield "9999_newer"
    MigrationRecorder(connection).record_unapplied("usage", "9999_newer")


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_waited_for_a_migration_is_not_stored_by_the_older_version(newer):
    writer = Writer()
    writer.store([(NOON, record(NOON))])

    def store():
        try:
            return writer.store([(NOON, record(NOON + 1))]).events
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():  # SQLite's lock; on PostgreSQL a table's, which a batch comes to late
            if connection.vendor == "postgresql":
                connection.cursor().execute("LOCK TABLE usage_event IN ACCESS EXCLUSIVE MODE")
            batch = threads.submit(store)
            wait([batch], 0.5)
            assert not batch.done()
            MigrationRecorder(connection).record_applied("usage", newer)
        with pytest.raises(OperationalError, match=r"newer version \(usage.9999_newer\)"):
            batch.result()
        assert Event.objects.count() == 1
        MigrationRecorder(connection).record_unapplied("usage", newer)
        assert threads.submit(store).result() == 1
