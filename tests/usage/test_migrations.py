"""A database of before is carried over: every row is kept, and the proof holds.

It is made of one of today: migrated back, and what was counted differently then is put back by hand.
"""

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.utils import timezone

from tests.usage.made import HOUR, NOON, SECOND, record, stored
from usage.ingest.labels import Labels
from usage.models import MEASURES, Cut, CutDay, CutHour, CutQuarter, DrainState, Event, Series
from usage.rollups import retention
from usage.rollups.proof import prove
from usage.rollups.statuses import tell_apart
from usage.time.periods import whole_hour

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("usage", "0005_durations_and_past_limits")]
CUT = ("label", "value", "failed")


def latest():
    return MigrationExecutor(connection).loader.graph.leaf_nodes()


@pytest.fixture
def migrate():
    """A function that brings the test's database to a state and returns its models; at last it is as it was."""
    yield lambda targets: MigrationExecutor(connection).migrate(targets).apps
    MigrationExecutor(connection).migrate(latest())


def rows():
    """{table: its rows}, of all of ours, without what a failure's status adds: who goes back forgets it.

    A cut that is made anew gets another id, so its labels stand for it.
    """
    named = {Cut: CUT, Series: [name for name in Labels._fields if name != "status"]} | {
        rollup: (*(f"cut__{label}" for label in CUT), "bucket", *MEASURES) for rollup in (CutQuarter, CutHour, CutDay)
    }
    models = [
        model for app in ("usage", "pricing", "aliases", "catalog") for model in apps.get_app_config(app).get_models()
    ]
    found = {model._meta.label: sorted(model.objects.values_list(*named.get(model, ())), key=repr) for model in models}
    return {label: [row for row in rows if row[0] != Cut.Label.STATUS] for label, rows in found.items()}


def eight_days():
    """Successes and failures: together and alone, in many hours, some past midnight, each request with two attempts."""
    for n in range(8 * 40):
        failed = n % 5 == 0 or n // 40 == 3
        yield record(
            NOON - n * HOUR * 6 // 10,
            model=f"model-{n % 3}",
            source="only@fails" if failed and n % 2 else "ann@example.com",
            failed=failed,
            request_id=f"{n // 2:08x}",
            latency_ms=n % 40 * HOUR // 1000,
        )
    yield record(NOON, model="fails-only", failed=True)


def count_apart(models):
    """As it was: the rows of a cut counted its successes, and beside them stood its failures."""
    cuts = models.get_model("usage", "Cut").objects
    for name in ("CutQuarter", "CutDay"):
        rollup = models.get_model("usage", name).objects
        for failures in rollup.filter(cut__failed=True).values("cut__label", "cut__value", "bucket", *MEASURES):
            label, value, bucket = (failures.pop(key) for key in ("cut__label", "cut__value", "bucket"))
            whole = rollup.filter(cut_id=cuts.get(label=label, value=value, failed=False).pk, bucket=bucket)
            whole.update(**{measure: F(measure) - count for measure, count in failures.items()})
        rollup.filter(cut__failed=False, requests=0).delete()
    cuts.filter(quarters=None, days=None).delete()


@pytest.fixture(params=["Asia/Shanghai", "Asia/Kathmandu"])
def filled(request, settings, monkeypatch):
    """Eight days, of which retention left the detail of four; in Nepal that begins at a quarter past an hour."""
    settings.TIME_ZONE, settings.USAGE_RETENTION_DAYS = request.param, 3
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromtimestamp(NOON / SECOND, UTC))
    stored(*eight_days())
    retention.expire(pause=lambda seconds: None)
    assert prove().holds


def test_what_was_stored_before_there_were_days_of_requests_and_hours_of_cuts_is_carried_over(filled, migrate):
    before = rows()
    count_apart(migrate(BEFORE))
    assert "ended_day" not in columns(Event)
    assert Cut.objects.filter(failed=False).count() < len([row for row in before["usage.Cut"] if not row[2]])
    migrate(latest())
    assert prove().holds
    begins = DrainState.load().events_from // SECOND
    CutHour.objects.filter(bucket__lt=whole_hour(begins)).delete()  # a part of an hour, which retention takes next
    after = rows()
    assert {label: rows for label, rows in after.items() if rows != before.get(label, rows)} == {}
    assert len({row[3] for row in after["usage.CutHour"]}) > 50


def test_who_goes_back_and_forth_has_failures_told_apart_anew(migrate):
    stored(*eight_days())
    migrate([("usage", "0009_cuts_of_more_labels")])
    migrate(latest())
    stored(record(NOON + 1, model="fails-only", failed=True))
    assert tell_apart()
    assert prove().holds
    told = Series.objects.filter(events__isnull=False, failed=True).distinct()
    assert {series.status for series in told} == {0}
    assert told.filter(model__name="fails-only").count() == 1


def columns(model):
    with connection.cursor() as cursor:
        return {column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)}
