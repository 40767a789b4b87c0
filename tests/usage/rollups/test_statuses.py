"""Failures stored before their status was a label end up as if it always had been one."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from pricing.models import Model
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, scratch, stored
from usage.analytics import questions as analytics
from usage.ingest.labels import Labels
from usage.models import MEASURES, CutDay, CutHour, CutQuarter, Day, Event, Month, Quarter, Series
from usage.query.forms import UsageFilterForm
from usage.rollups import retention
from usage.rollups.rebuild import check
from usage.rollups.statuses import tell_apart

pytestmark = pytest.mark.django_db

STATUSES = (429, 429, 500, 0, 503)


def failures():
    """Failures that used tokens: of several statuses in one quarter of an hour, of one, and beside successes."""
    for n in range(60):
        at = NOON - n // 6 * 8 * HOUR - n % 6 * SECOND
        status = STATUSES[n % len(STATUSES)]
        yield record(at, model=f"model-{n % 2}", failed=n % 6 < 5, fail={"status_code": status, "body": "no"})
    yield record(NOON, model="unpriced", failed=True, fail={"status_code": 429})


def untold(*raws):
    """Store records as versions did to which the status was no label."""
    of = Labels.of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Labels, "of", lambda names, step, status: of(names, step, status)._replace(status=None))
        return stored(*raws)


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


@pytest.fixture
def wanted():
    """What there would be if the status had always been a label."""
    with scratch():
        stored(*failures())
        price()
        return everything()


@pytest.mark.parametrize("at_once", [1, 200])
def test_what_is_told_apart_is_as_if_it_was_stored_so(wanted, monkeypatch, at_once):
    monkeypatch.setattr("usage.rollups.recosting.SERIES_AT_ONCE", at_once)
    untold(*failures())
    price()
    assert set(Series.objects.values_list("status", flat=True)) == {None}
    assert tell_apart() == 4
    assert everything() == wanted
    assert list(check()) == []
    assert tell_apart() == 0


def test_it_goes_on_where_it_was_cut_off_and_is_right_all_the_while(wanted, monkeypatch):
    untold(*failures())
    price()
    monkeypatch.setattr("usage.rollups.statuses.wal.cut_back", cut_off)
    for left in (3, 2):
        with pytest.raises(KeyboardInterrupt):
            tell_apart()
        assert list(check()) == []
        assert len(set(days_of(Series.objects.untold()))) == left
    monkeypatch.undo()
    assert tell_apart() == 2
    assert everything() == wanted


def cut_off():
    raise KeyboardInterrupt


def days_of(series):
    return Day.objects.filter(series__in=series).values_list("bucket", flat=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kathmandu"])
def test_what_is_older_than_the_kept_detail_stays_without_a_status(settings, monkeypatch, zone):
    settings.TIME_ZONE, settings.USAGE_RETENTION_DAYS = zone, 1
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromtimestamp(NOON / SECOND, UTC))
    untold(*failures())
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
    assert len(set(days_of(Series.objects.untold()))) == 2
    assert not tell_apart()


def test_a_price_that_changes_first_tells_apart_as_well():
    untold(*failures())
    Model.objects.get(name="model-0").set_price({"prompt": 7, "completion": 11})
    assert list(check()) == []
    tell_apart()
    assert list(check()) == []
    assert not Event.objects.filter(series__in=Series.objects.untold()).exists()


def test_a_status_that_comes_back_joins_what_was_told_apart():
    untold(*failures())
    tell_apart()
    before = Series.objects.count()
    at = NOON - DAY
    stored(record(at, model="model-0", failed=True, fail={"status_code": 500, "body": "no"}))
    assert Series.objects.count() == before
    assert list(check()) == []


def test_numbers_that_are_no_status_codes_are_told_apart_as_none():
    untold(
        *(record(NOON + n, failed=True, fail={"status_code": code}) for n, code in enumerate((0, 7, 99, 600, 10**9)))
    )
    assert tell_apart()
    assert list(Event.objects.values_list("series__status", flat=True).distinct()) == [0]
    assert Series.objects.count() == 2
    assert list(check()) == []
