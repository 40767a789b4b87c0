"""A provider's file compared with records: where both agree, and the likely reason where they do not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pricing.models import Model
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, stored
from usage.analytics.reconciliation.comparing import reconcile
from usage.analytics.reconciliation.files import bill_in, remembered
from usage.models import ColumnMapping, Event, Gap, LabelQuarter, Quarter
from usage.query.filters import UsageFilter, stored_values
from usage.reconcile.bills import Unknown
from usage.reconcile.columns import Mapping
from usage.reconcile.sheets import BadFile, read
from usage.rollups import retention
from usage.time.periods import Period, local_day

pytestmark = pytest.mark.django_db
# One record of made.record: input 100 (40 of it cached), output 50; at 2, 8 and 0.2 dollars per million.
RATES = {"prompt": 2_000_000, "completion": 8_000_000, "cache_read": 200_000}
COST = Decimal("0.000528")
HEADER = "day,model,requests,input,output,cost"
MAPPING = Mapping({name: name for name in ("model", "requests", "input", "output", "cost")} | {"date": "day"})


@pytest.fixture(autouse=True)
def weeks_later_with_a_price(set_clock):
    set_clock(NOON + 20 * DAY)
    Model.objects.set_price("gpt-5", RATES)


def many(count, at, **fields):
    """So many records within a second of a time in µs."""
    stored(*(record(at + n, **fields) for n in range(count)), arrived=at + HOUR)


def compared(*rows, zone="UTC", header=HEADER, mapping=MAPPING, **labels):
    text = "\n".join([header, *rows])
    given = tuple((name, stored_values(name, value)) for name, value in labels.items())
    return reconcile(UsageFilter(Period(None, None), given), bill_in(read(text.encode()), mapping, zone))


def line(day, count, model="gpt-5", cost=None, **changed):
    """A line of a file that agrees with so many records."""
    values = {"requests": count, "input": 100 * count, "output": 50 * count, "cost": cost or COST * count} | changed
    return ",".join(map(str, (day, model, *values.values())))


def codes(row):
    return [reason.code for reason in row.reasons]


def test_what_agrees_has_no_reason():
    many(100, NOON)
    found = compared(line("2026-11-24", 100))
    assert (found.total.agrees, found.total.tokens, found.total.cost) == (True, 0, 0)
    assert found.total.ours == found.models[0].ours
    assert (found.total.ours.requests, found.total.ours.input, found.total.ours.cache_read) == (100, 10_000, 4_000)
    assert [(row.day, row.model, row.agrees, row.reasons) for row in found.rows] == [("2026-11-24", "gpt-5", True, [])]
    assert found.notes == []


def test_a_model_is_found_under_the_names_of_sellers():
    many(1, NOON)
    many(1, NOON + SECOND, model="gpt-5(high)")
    Model.objects.set_price("gpt-5(high)", RATES)
    found = compared(line("2026-11-24", 1, "openai/gpt-5"), line("2026-11-24", 1, "gpt-5-2025-08-07"))
    assert [(row.model, row.agrees) for row in found.rows] == [("gpt-5", True)]


def test_only_records_of_the_account_are_compared():
    many(2, NOON)
    many(3, NOON + SECOND, source="bob@example.com")
    found = compared(line("2026-11-24", 3), source=["bob@example.com"])
    assert found.total.agrees
    assert not compared(line("2026-11-24", 3)).total.agrees


def test_days_are_those_of_the_file():
    many(10, NOON + 14 * HOUR)  # 18:00 UTC on Tuesday, Wednesday in Shanghai
    assert compared(line("2026-11-24", 10)).total.agrees
    assert compared(line("2026-11-25", 10), zone="Asia/Shanghai").total.agrees


def test_days_without_kept_detail_are_local_ones_and_nothing_is_counted_twice():
    many(4, NOON - 10 * DAY + 14 * HOUR)
    many(5, NOON + 14 * HOUR)
    retention.move_events_from(local_day(NOON // SECOND, "Asia/Shanghai"))
    Event.objects.filter(timestamp__lt=NOON).delete()
    Quarter.objects.filter(bucket__lt=NOON // SECOND).delete()
    LabelQuarter.objects.filter(bucket__lt=NOON // SECOND).delete()
    found = compared(line("2026-11-15", 4), line("2026-11-24", 5))
    assert [(row.day, row.agrees) for row in found.rows] == [("2026-11-15", True), ("2026-11-24", True)]
    assert [note.code for note in found.notes] == ["local"]
    assert "Before 2026-11-24 only totals of days in Asia/Shanghai are kept" in found.notes[0].text


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "Asia/Shanghai"])
@pytest.mark.parametrize("kept_from", [None, -5, 0, 5])
def test_every_record_is_counted_once_in_any_zone(zone, kept_from):
    stored(*(record(NOON + hour * HOUR) for hour in range(-240, 240, 5)), arrived=NOON + 10 * DAY)
    if kept_from is not None:
        retention.move_events_from(local_day(NOON // SECOND, "Asia/Shanghai") + kept_from)
    found = compared(line("2026-11-12", 1), line("2026-12-06", 1), zone=zone)
    assert found.total.ours.requests == 96
    assert len({row.day for row in found.rows}) > 20


def test_neighbouring_days_that_offset_each_other_tell_of_another_zone():
    for day in range(6):
        many(10 + day * 7 % 5, NOON + day * DAY)
        many(6 - day % 4, NOON + day * DAY + 14 * HOUR)  # the next day in Shanghai
    counts = {0: 10}
    for day in range(6):
        counts[day] = counts.get(day, 0) + (10 + day * 7 % 5 if day else 0)
        counts[day + 1] = 6 - day % 4
    first = datetime(2026, 11, 24)
    rows = [line((first + timedelta(days=day)).date(), count) for day, count in counts.items()]
    found = compared(*rows)
    assert "zone" in [note.code for note in found.notes]
    assert "days in Asia/Shanghai" in found.notes[0].text
    both = [row for row in found.rows if not row.agrees and row.ours.total and row.theirs.total]
    assert len(both) > 3
    assert {tuple(codes(row)) for row in both} == {("zone",)}
    there = compared(*rows, zone="Asia/Shanghai")
    assert all(row.agrees for row in there.rows)
    assert there.notes == []


def test_neighbouring_days_tell_it_where_no_detail_is_left():
    for day in range(6):
        many(10, NOON + day * DAY)
    retention.move_events_from(local_day(NOON // SECOND, "Asia/Shanghai") + 9)
    counts = [7, 13, 8, 12, 7, 13]
    rows = [line(f"2026-11-{24 + day}", count) for day, count in enumerate(counts)]
    assert {tuple(codes(row)) for row in compared(*rows).rows} == {("zone",)}


def test_one_factor_throughout_is_a_resellers():
    many(100, NOON)
    many(200, NOON + DAY)
    found = compared(line("2026-11-24", 100, cost="0.01584"), line("2026-11-25", 200, cost="0.03168"))
    assert [codes(row) for row in found.rows] == [["factor"], ["factor"]]
    assert "0.300 times ours" in found.rows[0].reasons[0].text


def test_a_price_that_differs_on_one_day_is_another_price():
    many(100, NOON)
    found = compared(line("2026-11-24", 100, cost="0.0864"))
    assert [codes(row) for row in found.rows] == [["price"]]


def test_a_model_that_one_side_does_not_know():
    many(100, NOON)
    found = compared(line("2026-11-24", 10, "o3"))
    assert [(row.model, codes(row)) for row in found.rows] == [("gpt-5", ["only_ours"]), ("o3", ["only_theirs"])]
    assert (found.rows[0].cost, found.rows[1].tokens) == (-100 * COST, 1500)
    assert [note.code for note in found.notes] == ["all_records"]
    assert compared(line("2026-11-24", 10, "o3"), provider="codex").notes == []


def test_failed_requests_are_not_billed():
    many(10, NOON)
    many(2, NOON + SECOND, failed=True, fail={"status_code": 500})
    found = compared(line("2026-11-24", 10))
    assert [codes(row) for row in found.rows] == [["failed"]]
    assert found.rows[0].reasons[0].text.startswith("Failed requests here (2)")


def test_requests_past_cpa_are_missing_here():
    many(10, NOON)
    found = compared(line("2026-11-24", 13))
    assert (codes(found.rows[0]), found.rows[0].requests) == (["unseen"], 3)


def test_a_gap_explains_what_is_missing():
    many(10, NOON)
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    Gap.objects.create(start=at, end=at + timedelta(hours=1), reason="The drain stood still.")
    found = compared(line("2026-11-24", 13), line("2026-11-25", 1))
    assert codes(found.rows[0])[0] == "gap"
    assert "gap" not in codes(found.rows[1])


def test_what_has_no_price_is_named():
    many(10, NOON, model="corp/llm", alias="corp/llm")
    found = compared(line("2026-11-24", 10, "corp/llm"))
    assert (found.rows[0].ours.cost, codes(found.rows[0])) == (None, ["unpriced"])


def test_cache_written_for_an_hour_costs_more():
    claude = {"provider": "claude", "executor_type": "ClaudeExecutor", "model": "claude-x", "alias": "claude-x"}
    tokens = {"input": 1000, "output": 100, "reasoning": 0, "cached": 0, "cache_creation": 50_000, "total": 51_100}
    Model.objects.set_price("claude-x", RATES | {"cache_write": 2_500_000})
    many(1, NOON, tokens=tokens, **claude)
    columns = {"date": "day", "model": "model", "uncached": "in", "cache_write_1h": "hour", "output": "out"}
    mapping = Mapping(columns | {"cost": "cost"})
    found = compared("2026-11-24,claude-x,1000,50000,100,0.2028", header="day,model,in,hour,out,cost", mapping=mapping)
    assert (found.rows[0].tokens, codes(found.rows[0])) == (0, ["one_hour"])
    assert "50,000 tokens were written to cache for an hour" in found.rows[0].reasons[0].text
    mapping = Mapping({"date": "day", "model": "model", "total": "all", "cost": "cost"})
    found = compared("2026-11-24,claude-x,51100,0.2028", header="day,model,all,cost", mapping=mapping)
    assert codes(found.rows[0]) == ["one_hour"]


def test_input_that_is_cached_on_one_side_alone_is_named():
    many(100, NOON)  # 4,000 of their tokens were read from cache
    columns = {"date": "day", "model": "model", "input": "in", "cache_read": "cached", "output": "out"}
    mapping = Mapping(columns | {"cost": "cost"})
    header = "day,model,in,cached,out,cost"
    found = compared("2026-11-24,gpt-5,10000,0,5000,0.06", header=header, mapping=mapping)
    assert codes(found.rows[0]) == ["cached"]
    assert "4,000 fewer" in found.rows[0].reasons[0].text
    found = compared("2026-11-24,gpt-5,10000,0,5000,0.03", header=header, mapping=mapping)
    assert codes(found.rows[0]) == ["price"]


def test_corrections_below_zero_are_compared():
    many(1, NOON)
    found = compared("2026-11-24,gpt-5,-1,-100,-50,-0.02", "2026-11-24,o3,0,0,0,-0.5")
    assert [codes(row) for row in found.rows] == [["more_here"], ["only_theirs"]]


def test_a_file_without_cost_compares_tokens_alone():
    many(10, NOON)
    mapping = Mapping({"date": "day", "model": "model", "input": "input", "output": "output"})
    found = compared("2026-11-24,gpt-5,1000,500", header="day,model,input,output", mapping=mapping)
    assert (found.total.agrees, found.total.cost, found.total.requests) == (True, None, None)


def test_a_file_without_models_compares_days():
    many(10, NOON)
    many(10, NOON + SECOND, model="o3")
    Model.objects.set_price("o3", RATES)
    mapping = Mapping({"date": "day", "cost": "cost"})
    found = compared(f"2026-11-24,{20 * COST}", header="day,cost", mapping=mapping)
    assert [(row.day, row.model, row.agrees) for row in found.rows] == [("2026-11-24", "", True)]


def test_a_bill_of_a_month_compares_models():
    many(10, NOON)
    many(10, NOON - 3 * DAY)
    found = compared(line("2026-11", 20))
    assert (found.first, found.last, found.by_day, found.rows) == ("2026-11-01", "2026-11-30", False, [])
    assert [(row.model, row.agrees) for row in found.models] == [("gpt-5", True)]
    assert [note.code for note in found.notes] == ["long"]


def test_the_day_that_is_not_over_may_differ(set_clock):
    many(10, NOON)
    set_clock(NOON + HOUR)
    assert "unfinished" in codes(compared(line("2026-11-24", 8)).rows[0])


def test_columns_are_remembered_once_they_read_a_file():
    sheet, other = (read(f"{header}\n2026-11-24,m,1\n".encode()) for header in ("day,model,cost", "day,model,costs"))
    with pytest.raises(Unknown):
        bill_in(sheet)
    with pytest.raises(BadFile):
        bill_in(sheet, Mapping({"date": "cost", "cost": "day"}))
    assert remembered(sheet) is None
    bill_in(sheet, Mapping({"date": "Day", "model": "model", "cost": "cost"}, "Asia/Tokyo"))
    found = bill_in(sheet)
    assert (found.zone, ColumnMapping.objects.count()) == ("Asia/Tokyo", 1)
    assert remembered(sheet).columns == {"date": "day", "model": "model", "cost": "cost"}
    with pytest.raises(Unknown):
        bill_in(other)
