"""Totals counted again, compared to their events, and moved to another zone."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from pricing.models import Model, PriceSet, RateCard
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, rollups, stored, totals
from usage.models import MEASURES, Day, DrainState, Event, LabelDay, LabelQuarter, Quarter, Series
from usage.rollups import retention
from usage.rollups.check import Difference, check
from usage.rollups.counting import kept_days
from usage.rollups.rebuild import follow_zone, rebuild
from usage.time.periods import day_start

pytestmark = pytest.mark.django_db

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
TODAY = 20781  # 24 November 2026 in Shanghai
NOTHING = (0,) * len(MEASURES)


def some_days():
    """Retried requests of three days, around noon."""
    retried = ({"failed": True, "latency_ms": 900}, {"latency_ms": 3000, "ttft_ms": 0})
    batch = [
        record(NOON - day * DAY + nth * SECOND, request_id=f"0000000{day}", **fields)
        for day in range(3)
        for nth, fields in enumerate(retried)
    ]
    stored(*batch)


def another_series():
    """The id of a series without events."""
    known = Series.objects.first()
    return Series.objects.create(digest=b"x", model=known.model, api_key=known.api_key).pk


def run():
    out = StringIO()
    call_command("rebuildrollups", stdout=out)
    return out.getvalue().splitlines()


# --- Rebuilding ---------------------------------------------------------------------------------------------------


def test_rebuilding_restores_lost_and_wrong_rows_and_marks():
    Model.objects.create(name="gpt-5").set_price({"prompt": 7, "completion": 11})
    some_days()
    right = rollups()
    Quarter.objects.filter(bucket__lt=NOON // SECOND).delete()
    Day.objects.filter(bucket=TODAY).update(requests=99, cost=1)
    stray = Series.objects.first().pk
    Quarter.objects.create(bucket=NOON // SECOND + 7200, series_id=stray, requests=5)
    Event.objects.update(final=True)
    assert list(rebuild()) == [TODAY - 2, TODAY - 1, TODAY]
    assert rollups() == right
    assert Event.objects.filter(final=True).count() == 3


def test_what_differs_is_told_to_the_unit():
    some_days()
    assert list(check()) == []
    failed, success = Series.objects.order_by("-failed").values_list("id", flat=True)
    at = NOON // SECOND
    Quarter.objects.filter(bucket=at, series_id=failed).delete()
    Day.objects.filter(bucket=TODAY - 1, series_id=success).update(requests=9)
    Day.objects.create(bucket=TODAY, series_id=another_series())
    counted = dict(zip(MEASURES, NOTHING, strict=True)) | {"requests": 1, "failed": 1, "latency_ms": 900}
    counted |= {"uncached": 60, "cache_read": 40, "output": 40, "reasoning": 10, "total": 150, "unpriced_tokens": 150}
    counted |= {"latency_count": 1, "ttft_ms": 300, "ttft_count": 1}
    day, quarter = check()
    assert (day.rollup, day.bucket, day.owner, day.wrong()) == ("Day", TODAY - 1, success, [("requests", 9, 1)])
    assert quarter == Difference("Quarter", at, failed, None, tuple(counted.values()))


def test_rebuilding_begins_where_the_kept_detail_does():
    """Older day rows are history: their events are gone, and nothing can count them again."""
    some_days()
    Event.objects.filter(timestamp__lt=NOON - DAY).delete()
    Quarter.objects.filter(bucket__lt=(NOON - DAY) // SECOND).delete()
    retention.move_events_from(TODAY - 1)
    for rollup in (Day, LabelDay):
        rollup.objects.filter(bucket=TODAY - 2).update(requests=F("requests") * 1000)
    before = rollups()
    assert list(check()) == []
    assert list(rebuild()) == [TODAY - 1, TODAY]
    assert rollups() == before


def test_events_that_retention_has_yet_to_remove_count_no_more():
    some_days()
    before = rollups()
    retention.move_events_from(TODAY)
    assert kept_days() == range(TODAY, TODAY + 1)
    assert list(rebuild()) == [TODAY]
    assert rollups() == before


def test_a_day_that_retention_closes_meanwhile_is_left_alone():
    some_days()
    before = rollups()["Day"]
    days = rebuild()
    assert next(days) == TODAY - 2
    retention.move_events_from(TODAY)
    Event.objects.filter(timestamp__lt=DrainState.load().events_from).delete()
    assert list(days) == [TODAY]
    assert rollups()["Day"] == before


def test_closed_days_are_summed_also_where_no_detail_is_left():
    some_days()
    retention.move_events_from(TODAY + 1)
    for rows in (Event, Quarter, LabelQuarter):
        rows.objects.all().delete()
    LabelDay.objects.update(requests=99)
    assert list(check()) != []
    assert list(rebuild()) == []
    assert list(check()) == []


# --- The command --------------------------------------------------------------------------------------------------


def test_the_command_reports_each_day():
    some_days()
    Day.objects.all().delete()
    assert run() == [
        "2026-11-22  1 of 3 days",
        "2026-11-23  2 of 3 days",
        "2026-11-24  3 of 3 days",
        "All totals are recomputed.",
    ]
    assert list(check()) == []


def test_verify_shows_the_first_ten_wrong_totals_and_where_they_are():
    some_days()
    stored(*(record(NOON, alias=f"name-{n}") for n in range(12)))
    Day.objects.update(requests=7)
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("verify", stdout=out)
    assert str(refused.value) == "18 totals differ from their events: run manage.py rebuildrollups."
    assert refused.value.returncode == 1
    series = Series.objects.order_by("id").values_list("id", flat=True)[0]
    lines = [line for line in out.getvalue().splitlines() if line.startswith("  ")]
    assert (len(lines), lines[0]) == (10, f"  Day 2026-11-22T00:00:00+08:00, series {series}: requests is 7, not 1")


def test_the_command_on_an_empty_database():
    assert run() == ["All totals are recomputed."]


# --- Another zone -------------------------------------------------------------------------------------------------


def test_nothing_happens_while_the_zone_is_the_same():
    some_days()
    version = DrainState.load().data_version
    assert follow_zone() is False
    assert DrainState.load().data_version == version


def test_a_new_database_takes_the_zone_it_finds():
    assert follow_zone() is False
    assert DrainState.load().zone == SHANGHAI


def test_kept_days_are_counted_anew_in_the_new_zone(settings):
    stored(record(NOON), record(NOON + 4 * HOUR), record(NOON + 14 * HOUR))
    days_of = {day: row[0] for (day, _), row in rollups("requests")["Day"].items()}
    assert days_of == {TODAY: 2, TODAY + 1: 1}
    settings.TIME_ZONE = NEW_YORK
    assert follow_zone() is True
    days_of = {day: row[0] for (day, _), row in rollups("requests")["Day"].items()}
    assert days_of == {TODAY - 1: 1, TODAY: 2}
    assert list(check()) == []
    assert follow_zone() is False


def test_prices_that_begin_at_a_midnight_begin_at_the_new_one(settings):
    gpt = Model.objects.create(name="gpt-5")
    gpt.set_price({"prompt": 1, "completion": 0}, date(2026, 11, 24))
    stored(record(NOON), record(NOON + 4 * HOUR))
    assert totals()["cost"] == totals(Quarter)["cost"] == 200
    settings.TIME_ZONE = NEW_YORK  # noon in Shanghai is 23 o'clock of the day before
    follow_zone()
    assert totals()["cost"] == totals(Quarter)["cost"] == 100
    assert totals()["unpriced_tokens"] == 150
    assert list(check()) == []


def test_sizes_stay_as_they_were_counted(settings):
    """The ladder tells sizes apart that the price does not."""
    stored(record(NOON, tokens={"input": 300_000, "total": 300_000}))
    gpt = Model.objects.get()
    cards = [RateCard(context_over=over, prompt=1 + over, completion=0) for over in (0, 32_000)]
    gpt.put_set(PriceSet(model=gpt), cards)
    before = rollups("requests", "cost")["Day"].values()
    settings.TIME_ZONE = NEW_YORK
    follow_zone()
    assert list(rollups("requests", "cost")["Day"].values()) == list(before)
    assert list(check()) == []


@pytest.mark.parametrize(("before", "after"), [(SHANGHAI, NEW_YORK), (NEW_YORK, SHANGHAI), (SHANGHAI, "UTC")])
def test_history_stays_and_no_total_changes(settings, before, after):
    """A record every five hours of six days, of which three are history."""
    settings.TIME_ZONE = before
    stored(*(record(NOON - n * 5 * HOUR, latency_ms=n) for n in range(30)))
    retention.move_events_from(TODAY - 3)
    cut = DrainState.load().events_from
    Event.objects.filter(timestamp__lt=cut).delete()
    Quarter.objects.filter(bucket__lt=cut // SECOND).delete()
    everything, history = totals(), list(Day.objects.filter(bucket__lt=TODAY - 4).order_by("bucket").values())
    settings.TIME_ZONE = after
    assert follow_zone() is True
    assert totals() == everything
    assert list(Day.objects.filter(bucket__lt=TODAY - 4).order_by("bucket").values()) == history
    moved = DrainState.load().events_from
    assert cut <= moved < cut + DAY
    assert moved in (day_start(date(2026, 11, n), after) * SECOND for n in (20, 21, 22))
    assert list(check()) == []
    list(rebuild())
    assert totals() == everything
