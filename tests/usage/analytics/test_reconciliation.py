"""A provider's file compared with records: where both agree, and the likely reason where they do not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pricing.models import Model
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, stored
from usage.analytics.reconciliation.comparing import reconcile
from usage.analytics.reconciliation.files import bill_in, remembered
from usage.analytics.reconciliation.records import filter_of
from usage.models import ColumnMapping, Event, Gap, LabelQuarter, Quarter
from usage.reconcile.sheets import BadFile, read
from usage.rollups import retention
from usage.time.periods import local_day

pytestmark = pytest.mark.django_db
# One record of made.record: input 100 (40 of it cached), output 50; at 2, 8 and 0.2 dollars per million.
RATES = {"prompt": 2_000_000, "completion": 8_000_000, "cache_read": 200_000}
COST = Decimal("0.000528")
HEADER = "day,model,requests,input,output,cost"
COLUMNS = {"date": "day"} | {name: name for name in ("model", "requests", "input", "output", "cost")}
# Beginnings of reasons.
GAP, NO_PRICE, SHIFTED, UNKNOWN = "Records may have", "tokens have no price", "Neighbouring days", "Unknown: "
ONLY_THEIRS, ONLY_OURS, FACTOR, ONE_HOUR = (
    "Not in our records",
    "Not in the file",
    "The file's cost is",
    "likely for an hour",
)


@pytest.fixture(autouse=True)
def weeks_later_with_a_price(set_clock):
    set_clock(NOON + 20 * DAY)
    Model.objects.set_price("gpt-5", RATES)


def many(count, at, **fields):
    """So many records within a second of a time in µs."""
    stored(*(record(at + n, **fields) for n in range(count)), arrived=at + HOUR)


def compared(*rows, zone="UTC", header=HEADER, columns=COLUMNS, provider="", account=""):
    text = "\n".join([header, *rows])
    return reconcile(filter_of(provider, account), bill_in(read(text.encode()), columns, zone))


def line(day, count, model="gpt-5", cost=None, **changed):
    """A line of a file that agrees with so many records."""
    values = {"requests": count, "input": 100 * count, "output": 50 * count, "cost": cost or COST * count} | changed
    return ",".join(map(str, (day, model, *values.values())))


def reasons(row):
    """Which of the beginnings above its reasons have."""
    known = (GAP, NO_PRICE, SHIFTED, UNKNOWN, ONLY_THEIRS, ONLY_OURS, FACTOR, ONE_HOUR)
    return [next(each for each in known if each in text) for text in row.reasons]


def test_what_agrees_has_no_reason():
    many(100, NOON)
    found = compared(line("2026-11-24", 100))
    assert (found.total.agrees, found.total.tokens, found.total.cost) == (True, 0, 0)
    assert found.total.ours == found.models[0].ours
    assert (found.total.ours.requests, found.total.ours.input, found.total.ours.cache_read) == (100, 10_000, 4_000)
    assert [(row.model, row.agrees, row.reasons) for row in found.models] == [("gpt-5", True, ())]
    assert (found.differing, found.all, found.notes) == ([], 1, [])


def test_a_model_is_found_under_the_names_of_sellers():
    many(1, NOON)
    many(1, NOON + SECOND, model="gpt-5(high)")
    Model.objects.set_price("gpt-5(high)", RATES)
    found = compared(line("2026-11-24", 1, "openai/gpt-5"), line("2026-11-24", 1, "gpt-5-2025-08-07"))
    assert [(row.model, row.agrees) for row in found.models] == [("gpt-5", True)]


def test_only_records_of_the_account_are_compared():
    many(2, NOON)
    many(3, NOON + SECOND, source="bob@example.com")
    found = compared(line("2026-11-24", 3), account="bob@example.com")
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
    assert (found.differing, found.all, len(found.notes)) == ([], 2, 1)
    assert "Before 2026-11-24 only totals of days in Asia/Shanghai are kept" in found.notes[0]
    there = compared(line("2026-11-15", 4), line("2026-11-25", 5), zone="Asia/Shanghai")
    assert there.notes == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "Asia/Shanghai"])
@pytest.mark.parametrize("kept_from", [None, -5, 0, 5])
def test_every_record_is_counted_once_in_any_zone(zone, kept_from):
    stored(*(record(NOON + hour * HOUR) for hour in range(-240, 240, 5)), arrived=NOON + 10 * DAY)
    if kept_from is not None:
        retention.move_events_from(local_day(NOON // SECOND, "Asia/Shanghai") + kept_from)
    found = compared(line("2026-11-12", 1), line("2026-12-06", 1), zone=zone)
    assert found.total.ours.requests == 96
    assert len({row.day for row in found.differing}) > 18


def test_neighbouring_days_that_offset_each_other_tell_of_another_zone():
    for day, count in enumerate([20, 4, 18, 6, 20]):
        many(count, NOON + day * DAY + 14 * HOUR)  # 18:00 UTC, the next day in Shanghai
    rows = [line(f"2026-11-{25 + day}", count) for day, count in enumerate([20, 4, 18, 6, 20])]
    found = compared(*rows)
    assert len(found.differing) == 5
    assert {tuple(reasons(row)) for row in found.differing} == {(SHIFTED,)}
    assert compared(*rows, zone="Asia/Shanghai").differing == []


def test_days_that_all_miss_some_are_not_shifted():
    for day in range(4):
        many(10, NOON + day * DAY)
    found = compared(*(line(f"2026-11-{24 + day}", 10 + day) for day in range(4)))
    assert [reasons(row) for row in found.differing] == [[UNKNOWN]] * 3


def test_one_factor_throughout_is_a_resellers():
    many(100, NOON)
    many(200, NOON + DAY)
    found = compared(line("2026-11-24", 100, cost="0.01584"), line("2026-11-25", 200, cost="0.03168"))
    assert [reasons(row) for row in found.differing] == [[FACTOR], [FACTOR]]
    assert "0.300 times ours" in found.differing[0].reasons[0]


def test_a_price_that_differs_on_one_day_is_another_price():
    many(100, NOON)
    found = compared(line("2026-11-24", 100, cost="0.0864"))
    assert [reasons(row) for row in found.differing] == [[UNKNOWN]]
    assert "the price or the tier" in found.differing[0].reasons[0]


def test_a_factor_is_not_said_of_what_has_no_price_here():
    many(100, NOON)
    many(200, NOON + DAY)
    many(10, NOON, model="corp/llm", alias="corp/llm")
    rows = [line("2026-11-24", 100, cost="0.01584"), line("2026-11-25", 200, cost="0.03168")]
    found = compared(*rows, line("2026-11-24", 10, "corp/llm"))
    assert [reasons(row) for row in found.differing if row.model == "corp/llm"] == [[NO_PRICE]]


def test_a_model_that_one_side_does_not_know():
    many(100, NOON)
    found = compared(line("2026-11-24", 10, "o3"))
    assert [(row.model, reasons(row)) for row in found.differing] == [("gpt-5", [ONLY_OURS]), ("o3", [ONLY_THEIRS])]
    assert (found.differing[0].cost, found.differing[1].tokens) == (-100 * COST, 1500)
    assert [row.model for row in compared(line("2026-11-24", 10, "o3"), provider="other").models] == ["o3"]


def test_what_failed_and_costs_nothing_does_not_differ():
    nothing = dict.fromkeys(("input", "output", "reasoning", "cached", "total"), 0)
    many(2, NOON, model="o3", failed=True, fail={"status_code": 500}, tokens=nothing)
    many(1, NOON)
    found = compared(line("2026-11-24", 1))
    assert [(row.model, row.agrees) for row in found.models] == [("gpt-5", True), ("o3", True)]


def test_requests_past_cpa_are_missing_here():
    many(10, NOON)
    found = compared(line("2026-11-24", 13))
    assert (reasons(found.differing[0]), found.differing[0].tokens) == ([UNKNOWN], 450)
    assert "gone past CPA" in found.differing[0].reasons[0]


def test_a_gap_explains_what_is_missing():
    many(10, NOON)
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    Gap.objects.create(start=at, end=at + timedelta(hours=1), reason="The drain stood still.")
    found = compared(line("2026-11-24", 13), line("2026-11-25", 1))
    assert [reasons(row) for row in found.differing] == [[GAP], [ONLY_THEIRS]]
    assert reasons(compared(line("2026-11-24", 7)).differing[0]) == [UNKNOWN]  # a gap takes nothing from the file


@pytest.mark.parametrize(
    ("fields", "reason"), [({"dismissed_at": datetime(2026, 11, 25, tzinfo=UTC)}, GAP), ({"lost": 0}, UNKNOWN)]
)
def test_a_gap_explains_what_is_missing_though_it_was_dismissed_and_not_when_nothing_was_lost(fields, reason):
    many(10, NOON)
    at = datetime(2026, 11, 24, 3, tzinfo=UTC)
    Gap.objects.create(start=at, end=at, reason="The drain stood still.", **fields)
    assert reasons(compared(line("2026-11-24", 13)).differing[0]) == [reason]


def test_what_has_no_price_is_named():
    many(10, NOON, model="corp/llm", alias="corp/llm")
    found = compared(line("2026-11-24", 10, "corp/llm"))
    assert (found.differing[0].ours.cost, reasons(found.differing[0])) == (None, [NO_PRICE])
    columns = {"date": "day", "model": "model", "cost": "cost"}
    found = compared("2026-11-24,o3,1", header="day,model,cost", columns=columns)
    assert [(row.model, reasons(row)) for row in found.models] == [("o3", [ONLY_THEIRS]), ("corp/llm", [ONLY_OURS])]


def test_cache_written_for_an_hour_costs_more():
    claude = {"provider": "claude", "executor_type": "ClaudeExecutor", "model": "claude-x", "alias": "claude-x"}
    tokens = {"input": 1000, "output": 100, "reasoning": 0, "cached": 0, "cache_creation": 50_000, "total": 51_100}
    Model.objects.set_price("claude-x", RATES | {"cache_write": 2_500_000})
    many(1, NOON, tokens=tokens, **claude)
    columns = {"date": "day", "model": "model", "uncached": "in", "cache_write_1h": "hour", "output": "out"}
    header, columns = "day,model,in,hour,out,cost", columns | {"cost": "cost"}
    found = compared("2026-11-24,claude-x,1000,50000,100,0.2028", header=header, columns=columns)
    assert (found.differing[0].tokens, reasons(found.differing[0])) == (0, [ONE_HOUR])
    assert "50,000 tokens were written to cache, likely for an hour" in found.differing[0].reasons[0]
    columns = {"date": "day", "model": "model", "total": "all", "cost": "cost"}
    found = compared("2026-11-24,claude-x,51100,0.2028", header="day,model,all,cost", columns=columns)
    assert reasons(found.differing[0]) == [ONE_HOUR]
    found = compared("2026-11-24,claude-x,51100,0.01", header="day,model,all,cost", columns=columns)
    assert reasons(found.differing[0]) == [UNKNOWN]  # an hour costs more, not less


def test_corrections_below_zero_are_compared():
    many(1, NOON)
    found = compared("2026-11-24,gpt-5,-1,-100,-50,-0.02", "2026-11-24,o3,0,0,0,-0.5")
    assert [reasons(row) for row in found.differing] == [[UNKNOWN], [ONLY_THEIRS]]


def test_a_file_without_cost_compares_tokens_alone():
    many(10, NOON)
    columns = {"date": "day", "model": "model", "input": "input", "output": "output"}
    found = compared("2026-11-24,gpt-5,1000,500", header="day,model,input,output", columns=columns)
    assert (found.total.agrees, found.total.tokens, found.total.cost) == (True, 0, None)


def test_a_file_without_models_compares_days():
    many(10, NOON)
    many(10, NOON + SECOND, model="o3")
    Model.objects.set_price("o3", RATES)
    columns = {"date": "day", "cost": "cost"}
    found = compared(f"2026-11-24,{20 * COST}", header="day,cost", columns=columns)
    assert ([(row.model, row.agrees) for row in found.models], found.differing) == ([("", True)], [])
    found = compared("2026-11-24,1", header="day,cost", columns=columns)
    assert [(str(row.day), reasons(row)) for row in found.differing] == [("2026-11-24", [UNKNOWN])]
    assert "the file has no tokens" in found.differing[0].reasons[0]


def test_columns_are_remembered_once_they_read_a_file():
    sheet, other = (read(f"{header}\n2026-11-24,m,1\n".encode()) for header in ("day,model,cost", "day,model,costs"))
    assert bill_in(sheet) is None
    with pytest.raises(BadFile):
        bill_in(sheet, {"date": "cost", "cost": "day"})
    with pytest.raises(BadFile, match="There is no time zone Mars"):
        bill_in(sheet, {"date": "day", "cost": "cost"}, "Mars")
    assert remembered(sheet) is None
    bill_in(sheet, {"date": "Day", "model": "model", "cost": "cost"}, "Asia/Tokyo")
    found = bill_in(sheet)
    assert (found.zone, ColumnMapping.objects.count()) == ("Asia/Tokyo", 1)
    assert bill_in(sheet, zone="UTC").zone == "UTC"
    assert remembered(sheet).columns == {"date": "day", "model": "model", "cost": "cost"}
    assert bill_in(other) is None
