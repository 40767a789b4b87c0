"""Fees of accounts, and what they were used for at list prices."""

from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from pricing.models import AccountFee, Model
from tests.usage.made import HOUR, NOON, record, stored
from usage.analytics.accounts.accounts import accounts
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db
ANN, BOB = {"source": "ann@example.com", "auth_index": "a"}, {"source": "bob@example.com", "auth_index": "b"}
SAME = {"source": "ann@example.com", "auth_index": "c", "provider": "claude"}
MOVED = {"source": "ann@example.com", "auth_index": "m"}
CENT = pytest.approx


@pytest.fixture(autouse=True)
def noon(set_clock):
    """It is noon on 24 November 2026 in Shanghai."""
    set_clock(NOON)
    Model.objects.set_price("gpt-5", {"prompt": 10**6, "completion": 10**6})


def enter(account, usd, valid_from=None):
    AccountFee.objects.enter(account, Decimal(usd), valid_from)


def found(**parameters):
    form = UsageFilterForm(QueryDict(urlencode(parameters)))
    assert form.is_valid(), form.errors
    return accounts(form.usage_filter())


def fees(**parameters):
    return [(each.about.auth_index, each.about.fee_account, each.about.fee_usd) for each in found(**parameters).items]


def test_a_fee_counts_the_local_days_that_the_period_touches():
    stored(record(NOON, **ANN), record(NOON - 1, **ANN), record(NOON, **BOB))
    enter("ann@example.com", 30)
    periods = {
        "today": 1,
        "24h": 2,
        "7d": 7,
        "all": 1,  # it begins with the first record
    }
    for name, days in periods.items():
        assert fees(range=name) == [("a", "ann@example.com", CENT(days)), ("b", "bob@example.com", None)], name
    # To the end of the month: up to today only.
    assert fees(start="2026-11-23T23:59", end="2026-12-01") == [
        ("a", "ann@example.com", CENT(2)),
        ("b", "bob@example.com", None),
    ]


def test_the_sum_stands_against_the_use_of_those_with_a_fee():
    stored(*(record(NOON - n, **who) for n, who in enumerate((ANN, ANN, ANN, BOB, BOB, SAME | {"source": "carol"}))))
    enter("ann@example.com", 60)
    enter("bob@example.com", 30)
    enter("carol", 30)
    enter("carol", 0, date(2026, 11, 1))
    about = found(range="today")
    each = 150e-6  # 150 tokens at a dollar per million
    assert (about.fee_usd, about.fee_yield_usd) == (CENT(3), CENT(5 * each))
    assert [each.about.fee_usd_per_month for each in about.items] == [60, 30, 0]


def test_without_fees_nothing_is_said():
    stored(record(NOON, **ANN))
    about = found(range="today")
    assert (about.fee_usd, about.fee_yield_usd, about.items[0].about.fee_usd_per_month) == (None, None, None)
    assert found(range="today", model="other").items == []


def test_accounts_of_one_name_have_a_fee_each():
    stored(record(NOON, **ANN), record(NOON - 1, **ANN), record(NOON, **SAME))
    assert fees(range="today") == [("a", "a", None), ("c", "c", None)]
    enter("a", 30)
    enter("c", 60)
    assert fees(range="today") == [("a", "a", CENT(1)), ("c", "c", CENT(2))]
    assert fees(range="today", auth_index="c") == [("c", "c", CENT(2))]


def test_a_fee_of_a_shared_name_counts_once():
    enter("ann@example.com", 30)
    stored(record(NOON, **ANN), record(NOON - 1, **ANN), record(NOON, **SAME))
    assert fees(range="today") == [("a", "ann@example.com", CENT(1)), ("c", "c", None)]
    enter("a", 90)
    assert fees(range="today") == [("a", "a", CENT(3)), ("c", "ann@example.com", CENT(1))]


def test_an_account_keeps_its_fee_when_its_file_moves():
    stored(record(NOON, **ANN), record(NOON - 1, **ANN), record(NOON, **MOVED))
    enter("ann@example.com", 30)
    assert fees(range="today") == [("a", "ann@example.com", CENT(1))]
    enter("m", 60)
    assert fees(range="today") == [("a", "m", CENT(2))]


@pytest.mark.parametrize(
    ("parameters", "usd"),
    [
        ({"source": "ann@example.com"}, 1),
        ({"auth_index": "a"}, 1),
        ({"provider": "codex"}, 1),
        ({"model": "gpt-5"}, None),
        ({"source": "ann@example.com", "result": "success"}, None),
        ({"request_id": "r1"}, None),
    ],
)
def test_a_part_of_what_an_account_was_used_for_has_no_fee(parameters, usd):
    stored(record(NOON, request_id="r1", **ANN))
    enter("ann@example.com", 30)
    assert fees(range="today", **parameters) == [("a", "ann@example.com", usd)]


def test_a_day_is_a_local_one(set_clock):
    """Half past midnight of the 25th in Shanghai, when it is still the 24th in UTC."""
    stored(record(NOON, **ANN), record(NOON + 12 * HOUR + 1, **ANN), arrived=NOON + 12 * HOUR + 2)
    enter("ann@example.com", 30, date(2026, 11, 25))
    set_clock(NOON + 12 * HOUR + HOUR // 2)
    assert fees(range="today") == fees(range="24h") == fees(range="all") == [("a", "ann@example.com", CENT(1))]
    assert fees(start="2026-11-24", end="2026-11-25") == [("a", "ann@example.com", 0)]
