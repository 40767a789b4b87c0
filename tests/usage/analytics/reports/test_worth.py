"""The month and its forecast, what the cache saved, and what plans yielded."""

import re
from datetime import date

import pytest

from catalog.models import AuthFile
from pricing.models import AccountFee, Model
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, stored
from usage.analytics.reports.worth import worth
from usage.query.filters import UsageFilter
from usage.rollups.retention import move_events_from
from usage.time.periods import Period, local_day, parse_moment, resolve

pytestmark = pytest.mark.django_db
MILLION = 1_000_000
WEEK = resolve("7d", None, None, now=NOON, zone="Asia/Shanghai")


@pytest.fixture(autouse=True)
def priced(set_clock):
    """$3 a million tokens, and a tenth of that for those read from the cache."""
    set_clock(NOON)
    Model.objects.set_price("gpt-5", {"prompt": 3 * 10**6, "completion": 0, "cache_read": 3 * 10**5})


def used(at, cached=0, **more):
    """A record of a million tokens of input, some of them read from the cache."""
    tokens = {"input": MILLION, "cached": cached, "output": 1000, "reasoning": 0, "total": MILLION + 1000}
    return record(at, tokens=tokens, **more)


def asked(api, **query):
    return api.get("/api/v1/usage/worth", {"range": "7d", **query}).json()


def test_what_the_cache_saved_is_the_difference_to_uncached_input_at_the_prices_of_the_day(client):
    stored(used(NOON - HOUR, MILLION), used(NOON - 2 * DAY, MILLION), used(NOON - 9 * DAY, MILLION))
    Model.objects.set_price("gpt-5", {"prompt": 5 * 10**6, "completion": 10**6, "cache_read": 0}, date(2026, 11, 24))
    stored(used(NOON - 2 * HOUR, MILLION // 2, model="unpriced", alias="unpriced"))
    found = worth(UsageFilter(WEEK))
    assert (found.cache_read_cost, found.cache_full_cost, found.cache_saved) == (0.3, 3 + 5, 7.7)  # free reads too
    assert asked(client)["cache_saved"] == 7.7
    assert asked(client, model="unpriced")["cache_saved"] == 0


@pytest.mark.parametrize(("factor", "saved"), [("0.5", 1.35)])
def test_a_discount_is_one_on_what_was_saved_too(client, factor, saved):
    client.put(
        "/api/v1/pricing/adjustments",
        {"scope": "provider", "value": "codex", "factor": float(factor)},
        content_type="application/json",
    )
    stored(used(NOON - HOUR, MILLION))
    assert worth(UsageFilter(WEEK)).cache_saved == saved


def test_the_month_goes_on_at_the_pace_of_the_last_seven_days():
    stored(*(used(NOON - days * DAY - HOUR) for days in range(20)))
    month = worth(UsageFilter(Period(0, DAY))).month  # of any period
    assert (month.first, month.after, month.cost) == ("2026-11-01", "2026-12-01", 60)
    assert month.forecast == pytest.approx(60 + 3 * 6.5)  # noon of the 24th: six and a half days


def test_the_pace_is_that_of_the_kept_detail_where_less_than_a_week_is_kept():
    stored(*(used(NOON - days * DAY - HOUR) for days in range(20)))
    before = worth(UsageFilter(WEEK)).month
    move_events_from(local_day((NOON - 3 * DAY) // SECOND, "Asia/Shanghai"))
    month = worth(UsageFilter(WEEK)).month
    assert (month.cost, month.pace_from) == (before.cost, "2026-11-20T16:00:00Z")
    a_day = 4 * 3 / 3.5  # four requests of $3 since midnight of three days and a half ago
    assert month.forecast == pytest.approx(month.cost + a_day * 6.5)


def test_of_shorter_records_the_pace_is_that_of_all_of_them():
    stored(*(used(NOON - days * DAY) for days in range(4)))
    forecast = worth(UsageFilter(WEEK)).month.forecast
    assert forecast == pytest.approx(12 + 6 / (3 - 1 / 96) * 6.5)  # the first and the last quarter do not count


@pytest.mark.parametrize(("now", "first"), [(NOON - 23 * DAY, 40 * DAY), (NOON, DAY)])
def test_on_the_first_day_there_is_no_forecast(set_clock, now, first):
    set_clock(now)
    stored(used(now - HOUR), used(now - first), arrived=now)
    month = worth(UsageFilter(WEEK)).month
    assert (month.cost, month.forecast) == (3 if first > DAY else 6, None)


@pytest.mark.parametrize(("minutes", "is_known"), [(-15, False), (0, True)])
def test_a_first_day_of_25_hours_ends_at_midnight(set_clock, settings, minutes, is_known):
    settings.TIME_ZONE = "America/New_York"  # clocks go back on 1 November 2026
    now = parse_moment("2026-11-02", settings.TIME_ZONE) + minutes * 60 * SECOND
    set_clock(now)
    stored(used(now - HOUR), used(now - 5 * DAY), arrived=now)
    assert (worth(UsageFilter(WEEK)).month.forecast is not None) == is_known


@pytest.mark.parametrize(("days", "words"), [(3, "at the pace since 21 Nov"), (8, "at the pace of the last 7 days")])
def test_the_pace_of_shorter_records_is_named_as_that(client, days, words):
    stored(used(NOON - HOUR), used(NOON - days * DAY))
    assert words in re.sub(r"<[^>]*>|\s+", " ", client.get("/?range=7d").text).replace("  ", " ")


def test_what_is_not_priced_is_no_zero(client):
    stored(*(used(NOON - n * DAY, model="unpriced", alias="unpriced") for n in range(3)))
    month = worth(UsageFilter(WEEK)).month
    assert (month.cost, month.forecast) == (None, None)
    page = client.get("/?range=7d").text
    sums = page.partition('id="sums"')[2].partition("</section>")[0]
    assert re.findall(r'<span class="n">([^<]*)<', sums) == ["–", "–"]
    assert page.count("Nothing priced in this range.") == 2 + 3 and "Nothing in this range." not in page


def test_an_account_that_was_not_used_costs_its_fee_here_as_on_the_page_of_accounts(client):
    AuthFile.objects.create(auth_index="idle", name="idle", email="bob@example.com", provider="codex")
    stored(used(NOON - 9 * DAY, source="bob@example.com", auth_index="idle"), used(NOON - HOUR))
    AccountFee.objects.create(account="bob@example.com", usd_per_month=30, valid_from=date(2026, 11, 1))
    on_page = client.get("/api/v1/usage/accounts", {"range": "7d"}).json()
    assert (asked(client)["fee"], asked(client)["fee_yield"]) == (on_page["fee_usd"], on_page["fee_yield_usd"])
    assert (round(on_page["fee_usd"], 9), on_page["fee_yield_usd"]) == (7, 0)


def test_plans_are_shown_with_what_they_yielded(client):
    assert (asked(client)["fee"], asked(client)["fee_yield"]) == (None, None)
    stored(used(NOON - HOUR), used(NOON - DAY), used(NOON - HOUR, source="other@example.com", auth_index="b" * 16))
    AccountFee.objects.create(account="ann@example.com", usd_per_month=30, valid_from=date(2026, 11, 1))
    found = asked(client)
    assert (round(found["fee"], 9), found["fee_yield"]) == (7, 6)
    page = client.get("/?range=7d").text
    assert ("Plans for" in page, "0.9 times the fees" in page) == (True, True)
    assert asked(client, model="gpt-5")["fee"] is None  # a part of what the plan was paid for
