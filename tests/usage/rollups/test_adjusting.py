"""Prices of providers, accounts and client keys, factors, fees and hours: past costs follow, and equal the events'."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from cpa_usage.keys import fingerprint
from pricing.models import Adjustment, Model, PriceSet, RateCard, Revision, adjusting
from tests.usage.made import DAY, HOUR, NOON, record, stored
from usage.models import Day, Event, Series
from usage.rollups.check import check
from usage.rollups.retention import move_events_from
from usage.time.periods import day_number

pytestmark = pytest.mark.django_db

NOV_23, NOV_24 = date(2026, 11, 23), date(2026, 11, 24)
USD = 1_000_000
PICO = 10**12
NOTHING = ("input", "output", "reasoning", "cached", "total")
ALICE, BOB = "sk-client-alice-0001", "sk-client-bob-0002"
RATES = {"prompt": 3 * USD, "completion": 15 * USD}
LISTED = 100 * 3 * USD + 50 * 15 * USD  # pico-USD of a record as tests/usage/made.py makes them


@pytest.fixture
def gpt():
    """A day's request of Alice and one of Bob by a reseller, on two days, and one of Bob that failed."""
    for number, at in enumerate((NOON - DAY, NOON)):
        theirs = {"api_key": BOB, "provider": "reseller", "source": "bob@example.com"}
        stored(record(at), record(at + 1, **theirs), arrived=NOON)
        stored(record(at + 2 + number, failed=True, tokens=dict.fromkeys(NOTHING, 0), **theirs), arrived=NOON)
    model = Model.objects.get()
    model.set_price(RATES)
    return model


@pytest.fixture
def on_nov_24(set_clock):
    set_clock(datetime(2026, 11, 24, 6, tzinfo=UTC))


def spent():
    """{(day of November, provider): pico-USD}, once totals were found to equal the events."""
    assert list(check()) == []
    found = {}
    for day, provider, cost in Day.objects.values_list("bucket", "series__provider", "cost"):
        place = date.fromordinal(day + date(1970, 1, 1).toordinal()).day, provider
        found[place] = found.get(place, 0) + cost
    return found


def days(codex, reseller):
    """The same of both days alike, or of each where a pair is given."""
    pairs = [each if isinstance(each, tuple) else (each, each) for each in (codex, reseller)]
    return {
        (day, name): pair[day - 23] for day in (23, 24) for name, pair in zip(("codex", "reseller"), pairs, strict=True)
    }


# --- Adjustments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "value"),
    [("provider", "reseller"), ("account", "bob@example.com"), ("api_key", BOB), ("api_key", fingerprint(BOB).upper())],
)
def test_a_factor_multiplies_every_rate_of_its_usage_alone(gpt, scope, value):
    assert spent() == days(LISTED, LISTED)
    adjusting.enter(scope, value, factor="0.3")
    assert spent() == days(LISTED, LISTED * 3 // 10)
    assert Adjustment.objects.get().value == (fingerprint(BOB) if scope == "api_key" else value)


def test_a_fee_is_for_each_success_and_needs_no_tokens(gpt):
    adjusting.enter("provider", "reseller", factor=0, request=PICO // 50)
    assert spent() == days(LISTED, PICO // 50)


def test_rates_are_rounded_to_whole_pico_dollars_so_that_sums_stay_exact(gpt):
    gpt.set_price({"prompt": 5, "completion": 3})
    adjusting.enter("provider", "reseller", factor="0.5")
    # 2.5 is 2 and 1.5 is 2, half to even; 3 of a pico-dollar's 100 and 50 tokens would be 250 + 75 otherwise
    assert spent() == days(100 * 5 + 50 * 3, 100 * 2 + 50 * 2)


def test_all_that_apply_multiply_and_their_fees_add_up(gpt):
    adjusting.enter("provider", "reseller", factor="0.5", request=7)
    adjusting.enter("api_key", BOB, factor="0.2", request=4)
    assert spent() == days(LISTED, LISTED // 10 + 11)


def test_a_change_without_a_date_alters_the_one_in_force_and_one_with_a_date_begins_there(gpt, on_nov_24):
    adjusting.enter("provider", "reseller", factor="0.3")
    adjusting.enter("provider", "reseller", NOV_24, factor="0.5")
    assert spent() == days(LISTED, (LISTED * 3 // 10, LISTED // 2))
    adjusting.enter("provider", "reseller", factor=2)
    assert spent() == days(LISTED, (LISTED * 3 // 10, LISTED * 2))
    assert [each.valid_from for each in Adjustment.objects.all()] == [None, NOV_24]
    adjusting.clear("provider", "reseller", NOV_24)
    assert spent() == days(LISTED, LISTED * 3 // 10)
    adjusting.clear("provider", "reseller")
    assert (spent(), Adjustment.objects.count()) == (days(LISTED, LISTED), 0)


def test_the_effect_is_told_and_nothing_kept(gpt):
    before, revision = spent(), Revision.current()
    adjustment = Adjustment(scope="provider", value="reseller", factor="0.3")
    total = adjusting.effect_of(Adjustment.save, adjustment).total
    assert (total.cost_before, total.cost_after) == (2 * LISTED, 2 * LISTED * 3 // 10)
    assert (spent(), Revision.current(), adjustment.pk, Adjustment.objects.count()) == (before, revision, None, 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scope": "seller", "value": "x"}, "scope"),
        ({"value": " "}, "value"),
        ({"scope": "api_key", "value": "sk-c****0001"}, "value"),
        ({"factor": "-1"}, "factor"),
        ({"factor": "1001"}, "factor"),
        ({"factor": "0.0000001"}, "factor"),
        ({"request": -1}, "request"),
        ({"request": 100 * PICO + 1}, "request"),
    ],
)
def test_what_is_impossible_is_refused_before_anything_is_written(gpt, fields, field):
    revision = Revision.current()
    with pytest.raises(ValidationError) as refused:
        adjusting.enter(**{"scope": "provider", "value": "reseller"} | fields)
    assert field in refused.value.message_dict
    assert (Adjustment.objects.count(), Revision.current()) == (0, revision)


def test_what_is_recorded_later_costs_the_same(gpt):
    adjusting.enter("api_key", BOB, factor="0.25", request=9)
    stored(record(NOON + 9, api_key=BOB, provider="reseller", source="bob@example.com"), arrived=NOON)
    assert spent() == days(LISTED, (LISTED // 4 + 9, 2 * (LISTED // 4 + 9)))


# --- Prices of a provider, an account or a client key -------------------------------------------------------------


def test_the_nearest_price_counts_and_clearing_it_leaves_the_others(gpt):
    gpt.set_price({"prompt": USD, "completion": 0}, scope="provider", scope_value="reseller")
    gpt.set_price({"prompt": 2 * USD, "completion": 0}, scope="account", scope_value="bob@example.com")
    gpt.set_price({"prompt": 4 * USD, "completion": 0}, scope="api_key", scope_value=BOB)
    assert spent() == days(LISTED, 400 * USD)
    gpt.clear_price("api_key", BOB)
    assert spent() == days(LISTED, 200 * USD)
    gpt.clear_price("account", "bob@example.com")
    assert spent() == days(LISTED, 100 * USD)
    gpt.clear_price("provider", "reseller")
    assert spent() == days(LISTED, LISTED)
    gpt.refresh_from_db()
    assert not gpt.catalogue_blocked


def test_a_price_of_a_provider_neither_is_nor_replaces_todays_price(gpt):
    gpt.set_price({"prompt": USD, "completion": 0}, scope="provider", scope_value="reseller")
    assert gpt.set_in_force(NOV_24).cards.get().prompt == 3 * USD
    gpt.clear_price()
    assert spent() == days(0, 100 * USD)
    gpt = Model.objects.with_prices(NOV_24).get()
    assert (gpt.set_in_force(NOV_24), gpt.is_priced) == (None, False)
    gpt.take_catalogue()
    assert [each.scope for each in PriceSet.objects.all()] == ["provider"]


def test_a_price_of_an_account_begins_on_its_day(gpt):
    gpt.set_price({"prompt": USD, "completion": 0}, NOV_24, scope="account", scope_value="bob@example.com")
    assert spent() == days(LISTED, (LISTED, 100 * USD))


def test_a_key_is_kept_as_its_fingerprint_alone(gpt):
    gpt.set_price(RATES, scope="api_key", scope_value=BOB)
    gpt.set_price(RATES, scope="account", scope_value="sk-upstream-0123456789")
    values = set(PriceSet.objects.values_list("scope_value", flat=True))
    assert values == {"", fingerprint(BOB), fingerprint("sk-upstream-0123456789")}


@pytest.mark.parametrize(
    ("scope", "value"), [("provider", ""), ("", "reseller"), ("api_key", "sk-c****0001"), ("planet", "x")]
)
def test_a_scope_without_a_value_and_a_mask_are_refused(gpt, scope, value):
    with pytest.raises(ValidationError):
        gpt.set_price(RATES, scope=scope, scope_value=value)
    assert PriceSet.objects.count() == 1


# --- Hours, writes for an hour, fees ------------------------------------------------------------------------------


def card(**rates):
    return RateCard(**{"prompt": 2 * USD, "completion": 0} | rates)


def test_hours_have_a_price_of_their_own_also_over_midnight(gpt):
    # 04:00 UTC as those before, and 17:00 and 16:00 UTC of the day before
    stored(record(NOON + 5), record(NOON - 11 * HOUR), record(NOON - 12 * HOUR), arrived=NOON)
    gpt.set_cards([card(), card(hours_from=16 * 60 + 30, hours_to=60, prompt=USD)])
    assert list(check()) == []
    clocks = Series.objects.filter(days__cost__gt=0).values_list("clock", "days__cost")
    assert sorted(set(clocks)) == [(60, 200 * USD), (60, 600 * USD), (990, 100 * USD)]


def test_days_of_which_no_hour_is_known_pay_the_rates_for_all_day(gpt):
    move_events_from(day_number(NOV_24))
    Event.objects.filter(timestamp__lt=NOON - HOUR).delete()
    gpt.set_cards([card(), card(hours_from=0, hours_to=8 * 60, prompt=USD)])  # 04:00 UTC lies within
    assert spent() == days((200 * USD, 100 * USD), (200 * USD, 100 * USD))
    stored(record(NOON + 9, source="later@example.com"), arrived=NOON)  # the writer labels as re-costing does
    assert spent()[24, "codex"] == 200 * USD
    gpt.set_cards([card()])
    assert spent()[24, "codex"] == 400 * USD


def test_writes_for_an_hour_have_a_rate_of_their_own(gpt):
    tokens = {"input": 0, "cached": 0, "cache_creation": 30, "cache_creation_1h": 20, "cache_creation_5m": 10}
    Model.objects.set_price("claude", {"prompt": 4, "completion": 0, "cache_write": 5, "cache_write_1h": 8})
    tokens |= {"output": 0, "reasoning": 0, "total": 30}
    claude = {"provider": "claude", "executor_type": "ClaudeExecutor", "model": "claude"}
    stored(record(NOON + 5, tokens=tokens, **claude), arrived=NOON)
    assert spent()[24, "claude"] == 20 * 8 + 10 * 5


def test_a_price_may_be_a_fee_alone(gpt):
    gpt.set_price({"prompt": 0, "completion": 0, "request": PICO // 100})
    assert spent() == days(PICO // 100, PICO // 100)


@pytest.mark.parametrize(
    ("hours", "field"),
    [
        ([(None, 60)], "hours_to"),
        ([(60, None)], "hours_to"),
        ([(60, 60)], "hours_to"),
        ([(0, 1440)], "hours_to"),
        ([(60, 100)], "hours_to"),
        ([(60, 180), (120, 240)], "hours_from"),
        ([(1380, 60), (45, 90)], "hours_from"),
    ],
)
def test_hours_that_make_no_sense_are_refused(gpt, hours, field):
    with pytest.raises(ValidationError) as refused:
        gpt.set_cards([card(), *(card(hours_from=start, hours_to=end) for start, end in hours)])
    assert field in refused.value.message_dict
