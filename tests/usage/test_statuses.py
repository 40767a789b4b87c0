"""Failures stored before their status was a label end up as if it always had been one."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from pricing.models import Model
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, scratch, stored
from usage import analytics, retention
from usage.filters import UsageFilterForm
from usage.labels import Labels
from usage.models import MEASURES, CutDay, CutHour, CutQuarter, Day, Event, Month, Quarter, Series
from usage.rebuild import check
from usage.statuses import tell_apart

pytestmark = pytest.mark.django_db

STATUSES = (429, 429, 500, 0, 503)


@pytest.fixture
def no_label(monkeypatch):
    """A function that stores records as versions did to which the status was no label."""

    def store(*raws):
        with monkeypatch.context() as patch:
            of = Labels.of
            patch.setattr(Labels, "of", lambda names, step, status: of(names, step, status)._replace(status=None))
            return stored(*raws)

    return store


def failures():
    """Failures that used tokens: of several statuses in one quarter of an hour, of one, and beside successes."""
    for n in range(60):
        at = NOON - n // 6 * 8 * HOUR - n % 6 * SECOND
        status = STATUSES[n % len(STATUSES)]
        yield record(at, model=f"model-{n % 2}", failed=n % 6 < 5, fail={"status_code": status, "body": "no"})
    yield record(NOON, model="unpriced", failed=True, fail={"status_code": 429})


def price():
    Model.objects.set_price("model-0", {"prompt": 7, "completion": 11})
    Model.objects.set_price("model-1", {"prompt": 5, "completion": 3})


def everything():
    """Every total by what it is of, and the label set of every event; what holds nothing left out."""
    totals = {
        rollup.__name__: sorted(rollup.objects.filter(requests__gt=0).values_list(*of, "bucket", *MEASURES))
        for rollups, of in (
            ((Quarter, Day, Month), ("series__digest",)),
            ((CutQuarter, CutHour, CutDay), ("cut__label", "cut__value", "cut__failed")),
        )
        for rollup in rollups
    }
    return totals | {"Event": sorted(Event.objects.values_list("timestamp", "series__digest"))}


def asked(**parameters):
    form = UsageFilterForm({"range": "all", **parameters})
    assert form.is_valid(), form.errors
    return form.usage_filter()


def test_what_is_told_apart_is_as_if_it_was_stored_so(no_label):
    with scratch():
        stored(*failures())
        price()
        wanted = everything()
    no_label(*failures())
    price()
    assert set(Series.objects.values_list("status", flat=True)) == {None}
    assert tell_apart()
    assert everything() == wanted
    assert list(check()) == []
    assert not tell_apart()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kathmandu"])
def test_what_is_older_than_the_kept_detail_stays_without_a_status(no_label, settings, monkeypatch, zone):
    settings.TIME_ZONE, settings.USAGE_RETENTION_DAYS = zone, 1
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromtimestamp(NOON / SECOND, UTC))
    no_label(*failures())
    price()
    retention.expire(pause=lambda seconds: None)
    whole = analytics.overview(asked()).summary
    assert tell_apart()
    assert list(check()) == []
    assert analytics.overview(asked()).summary == whole
    kept = list(Event.objects.filter(series__failed=True).values_list("fail_status_code", flat=True))
    for status in set(STATUSES):
        found = analytics.overview(asked(status=str(status))).summary
        assert found.total == found.failed == kept.count(status) > 0
    assert sum(Day.objects.filter(series__in=Series.objects.untold()).values_list("requests", flat=True)) > 0
    assert not tell_apart()


def test_a_price_that_changes_first_tells_apart_as_well(no_label):
    no_label(*failures())
    Model.objects.get(name="model-0").set_price({"prompt": 7, "completion": 11})
    assert list(check()) == []
    tell_apart()
    assert list(check()) == []
    assert not Event.objects.filter(series__in=Series.objects.untold()).exists()


def test_a_status_that_comes_back_joins_what_was_told_apart(no_label):
    no_label(*failures())
    tell_apart()
    before = Series.objects.count()
    at = NOON - DAY
    stored(record(at, model="model-0", failed=True, fail={"status_code": 500, "body": "no"}))
    assert Series.objects.count() == before
    assert list(check()) == []
