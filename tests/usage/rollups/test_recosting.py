"""Prices change, and history follows: what re-costing leaves equals what the events say, and was told beforehand."""

import random
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pricing.book import Charged, PriceBook
from pricing.catalogue.listings import Card, DatedCards, Listing
from pricing.models import Model, PriceSet, RateCard, Revision
from tests.threads import at_once
from tests.usage.made import DAY, HOUR, NOON, record, stored, totals
from usage.models import Day, DrainState, Event, LabelDay, LabelQuarter, Quarter
from usage.rollups.check import check
from usage.rollups.effects import Effect, Month, Past
from usage.time.periods import day_number

pytestmark = pytest.mark.django_db

NOV_22, NOV_23, NOV_24 = (date(2026, 11, day) for day in (22, 23, 24))
USD = 1_000_000
PICO = 10**12


def cards(*rates):
    """Unsaved cards from (tier, step, prompt, completion)."""
    return [RateCard(tier=tier, context_over=over, prompt=p, completion=c) for tier, over, p, c in rates]


def priced(model, valid_from=None, *rates):
    """Give a model a manual set of these cards from a date on."""
    found = model.price_sets.filter(valid_from=valid_from).first()
    model.put_set(found or PriceSet(model=model, valid_from=valid_from), cards(*rates))


def requests(*days, **fields):
    """One request on each of these days around the 24th."""
    stored(*(record(NOON + day * DAY, **fields) for day in days), arrived=NOON + DAY)
    return Model.objects.get(name=fields.get("model", "gpt-5"))


def daily():
    """{local day: (cost, unpriced tokens)}."""
    days = {}
    for bucket, cost, unpriced in Day.objects.values_list("bucket", "cost", "unpriced_tokens"):
        before = days.get(bucket, (0, 0))
        days[bucket] = (before[0] + cost, before[1] + unpriced)
    return {date.fromordinal(day + date(1970, 1, 1).toordinal()).day: sums for day, sums in sorted(days.items())}


# --- Correcting and adding sets -----------------------------------------------------------------------------------


def test_the_first_price_costs_all_history():
    gpt = requests(-2, -1, 0)
    assert daily() == {22: (0, 150), 23: (0, 150), 24: (0, 150)}
    gpt.set_price({"prompt": USD, "completion": 2 * USD})
    assert daily() == {22: (200 * USD, 0), 23: (200 * USD, 0), 24: (200 * USD, 0)}
    assert totals(Quarter) == totals(Day)


def test_a_price_without_steps_leaves_the_context_labels_of_the_ladder():
    """Labels finer than a price needs cost nothing, and to look through all events for them would."""
    small, large = record(NOON), record(NOON + 1, tokens={"input": 300_000, "cached": 0, "total": 300_050})
    stored(small, large)
    by_label = Quarter.objects.order_by("series__context_over").values_list("series__context_over", "cost")
    assert list(by_label) == [(0, 0), (272_000, 0)]
    Model.objects.set_price("gpt-5", {"prompt": 2, "completion": 10})
    # (60 + 40 cached) × 2 + (40 + 10 reasoning) × 10, and 300,000 × 2 + 50 × 10
    assert list(by_label.values_list("series__context_over", "cost")) == [(0, 700), (272_000, 600_500)]
    assert list(check()) == []


def test_a_price_from_a_date_leaves_earlier_days_alone():
    gpt = requests(-2, -1, 0)
    gpt.set_price({"prompt": USD, "completion": 2 * USD})
    gpt.set_price({"prompt": 2 * USD, "completion": 4 * USD}, NOV_23)
    assert daily() == {22: (200 * USD, 0), 23: (400 * USD, 0), 24: (400 * USD, 0)}


def test_correcting_a_set_costs_the_days_it_covers_anew():
    gpt = requests(-2, -1, 0)
    gpt.set_price({"prompt": USD, "completion": 2 * USD})
    gpt.set_price({"prompt": USD, "completion": 2 * USD}, NOV_24)
    gpt.put_set(gpt.price_sets.get(valid_from=None), cards(("", 0, 3 * USD, 0)))
    assert daily() == {22: (300 * USD, 0), 23: (300 * USD, 0), 24: (200 * USD, 0)}


def test_clearing_a_price_makes_all_history_unpriced():
    gpt = requests(-1, 0)
    gpt.set_price({"prompt": USD, "completion": USD})
    gpt.clear_price()
    assert daily() == {23: (0, 150), 24: (0, 150)}


def test_a_set_begins_at_local_midnight():
    midnight = NOON - 12 * HOUR
    stored(record(midnight - 1), record(midnight), arrived=NOON)
    Model.objects.get().set_price({"prompt": USD, "completion": 0}, NOV_24)
    assert daily() == {23: (0, 150), 24: (100 * USD, 0)}


def test_impossible_requests_cost_what_the_writer_lets_them_cost():
    """100,000 USD at most, of each; their sum still fits its column."""
    stored(*(record(NOON + n, tokens={"input": 10**9, "total": 10**9}) for n in range(3)))
    Model.objects.set_price("gpt-5", {"prompt": 10**10, "completion": 0})
    assert daily() == {24: (3 * 10**17, 0)}
    assert list(check()) == []


def test_other_models_stay_as_they_are():
    requests(0, model="other")
    Model.objects.get(name="other").set_price({"prompt": USD, "completion": 0})
    before = totals()
    requests(0).set_price({"prompt": 5 * USD, "completion": 0})
    assert totals()["cost"] == before["cost"] + 500 * USD


@pytest.mark.django_db(transaction=True)
def test_no_savepoint_is_open_while_history_is_costed():
    """For one, SQLite keeps in memory what every page held before: hundreds of megabytes at ten million events."""
    gpt = requests(0)
    listing = Listing("openai/gpt-5", (DatedCards(None, (Card("", 0, USD, USD),)),))
    with CaptureQueriesContext(connection) as queries:
        gpt.follow_catalogue(listing, "1", NOV_24)
    before = " ".join(query["sql"] for query in queries).partition("UPDATE usage_quarter SET cost")[0]
    assert len(before) > 100
    assert before.count("RELEASE SAVEPOINT") == before.count("SAVEPOINT") / 2


# --- Thresholds ---------------------------------------------------------------------------------------------------

LONG = {"input": 50_000, "cached": 0, "output": 0, "reasoning": 0, "total": 50_000}


def labels():
    return sorted(Event.objects.values_list("series__context_over", flat=True))


def test_a_new_threshold_relabels_events_and_costs_them_by_it():
    gpt = requests(0)
    requests(-1, tokens=LONG)
    priced(gpt, None, ("", 0, USD, 0))
    assert (labels(), daily()) == ([0, 32_000], {23: (50_000 * USD, 0), 24: (100 * USD, 0)})
    priced(gpt, None, ("", 0, USD, 0), ("", 40_000, 3 * USD, 0))
    assert (labels(), daily()) == ([0, 40_000], {23: (150_000 * USD, 0), 24: (100 * USD, 0)})
    assert list(check()) == []


def test_a_new_threshold_of_the_requested_name_relabels_what_another_model_answered():
    requests(0, model="upstream", alias="asked", tokens=LONG)
    priced(Model.objects.get(), date(2026, 12, 1), ("", 0, USD, 0), ("", 128_000, 2 * USD, 0))
    assert labels() == [32_000]
    requests(0, model="upstream", alias="asked", tokens=LONG, request_id="later")
    assert labels() == [0, 32_000]
    priced(Model.objects.create(name="asked"), None, ("", 0, USD, 0), ("", 32_000, 3 * USD, 0))
    assert (labels(), daily()) == ([32_000, 32_000], {24: (2 * 150_000 * USD, 0)})
    assert list(check()) == []


def test_a_new_threshold_leaves_results_as_they_are():
    requests(0, tokens=LONG)
    gpt = requests(0, tokens=LONG, failed=True, fail={"status_code": 429})
    priced(gpt, None, ("", 0, USD, 0), ("", 40_000, 3 * USD, 0))
    found = Event.objects.values_list("series__failed", "series__status", "series__context_over")
    assert sorted(found) == [(False, None, 40_000), (True, 429, 40_000)]
    assert list(check()) == []


def test_a_threshold_taken_away_costs_events_by_what_is_left():
    gpt = requests(0, tokens=LONG)
    priced(gpt, None, ("", 0, USD, 0), ("", 40_000, 3 * USD, 0))
    priced(gpt, None, ("", 0, USD, 0))
    assert (labels(), daily()) == ([40_000], {24: (50_000 * USD, 0)})
    assert list(check()) == []


def counted():
    """What every rollup holds of attempts and tokens, which no price changes."""
    return [totals(rollup) | {"cost": 0} for rollup in (Quarter, Day, LabelQuarter, LabelDay)]


def test_new_hours_of_days_without_detail_cost_what_all_hours_do():
    gpt = requests(-2, -1)
    Event.objects.filter(timestamp__lt=NOON - DAY).delete()
    DrainState.objects.update(events_from=NOON - DAY - 12 * HOUR)
    night = RateCard(prompt=USD, completion=0, hours_from=20 * 60, hours_to=8 * 60)  # over midnight and 4:00 UTC
    gpt.set_cards([RateCard(prompt=3 * USD, completion=0), night])
    assert daily() == {22: (300 * USD, 0), 23: (100 * USD, 0)}


def test_hours_that_no_longer_begin_at_midnight_are_looked_at_again():
    gpt = requests(0)
    base, prices = RateCard(prompt=3 * USD, completion=0), {"prompt": USD, "completion": 0}
    gpt.set_cards(
        [base, RateCard(**prices, hours_from=0, hours_to=480), RateCard(**prices, hours_from=1200, hours_to=0)]
    )
    gpt.set_cards([RateCard(prompt=3 * USD, completion=0), RateCard(**prices, hours_from=1200, hours_to=480)])
    assert daily() == {24: (100 * USD, 0)}
    assert list(check()) == []


def test_new_hours_split_what_was_counted_together_and_cost_it_by_the_hour():
    stored(record(NOON - 1), record(NOON), record(NOON + HOUR), arrived=NOON + DAY)  # 03:59, 04:00 and 05:00 UTC
    gpt = Model.objects.get()
    priced(gpt, None, ("", 0, USD, 0))
    before = counted()
    early = RateCard(hours_from=60, hours_to=240, prompt=3 * USD, completion=0)
    gpt.put_set(gpt.price_sets.get(), [*cards(("", 0, USD, 0)), early])
    assert daily() == {24: (500 * USD, 0)}
    assert sorted(Event.objects.values_list("timestamp", "series__clock")) == [
        (NOON - 1, 60),
        (NOON, 240),
        (NOON + HOUR, 240),
    ]
    finer = RateCard(hours_from=285, hours_to=60, prompt=5 * USD, completion=0)
    gpt.put_set(gpt.price_sets.get(), [*cards(("", 0, USD, 0)), early, finer])
    assert daily() == {24: (900 * USD, 0)}
    assert (counted(), list(check())) == (before, [])


def test_a_model_without_a_price_is_labelled_by_the_ladder_so_that_a_price_finds_its_labels():
    requests(0, tokens=LONG)
    assert labels() == [32_000]


@pytest.mark.parametrize("seed", range(4))
def test_recosting_equals_rebuilding_from_events(seed):
    """Sets, tiers and thresholds at random, over days and sizes at random."""
    chance = random.Random(seed)
    for _ in range(3):
        batch = [
            record(
                NOON + chance.randrange(-4 * DAY, DAY // 2),
                service_tier=chance.choice(["", "flex", "priority"]),
                failed=chance.random() < 0.2,
                tokens={"input": chance.choice([10, 40_000, 250_000]), "cached": chance.choice([0, 9])},
            )
            for _ in range(12)
        ]
        stored(*batch, arrived=NOON + DAY)
        gpt = Model.objects.get()
        for _ in range(2):
            tiers = ["", *chance.sample(["flex", "priority"], chance.randrange(3))]
            steps = [0, *chance.sample([32_000, 50_000, 200_000], chance.randrange(3))]
            rates = [(tier, step, chance.randrange(9), chance.randrange(9)) for tier in tiers for step in steps]
            day = chance.choice([None, NOV_22, NOV_23])
            expected = effect_of_set(gpt, day, rates)
            before = totals()
            priced(gpt, day, *rates)
            assert list(check()) == []
            told, after = expected.total, totals()
            assert (told.cost_before, told.cost_after) == (before.get("cost", 0), after.get("cost", 0))
            assert (told.unpriced_before, told.unpriced_after) == tuple(
                sums.get("unpriced_tokens", 0) for sums in (before, after)
            )


# --- The effect, told beforehand ----------------------------------------------------------------------------------


def effect_of_set(model, valid_from, rates) -> Effect:
    return model.effect_of(lambda it: priced(it, valid_from, *rates))


def test_the_effect_of_a_price_is_told_by_month_and_nothing_is_changed():
    gpt = requests(-30, 0)
    effect = gpt.effect_of(lambda it: it.set_price({"prompt": USD, "completion": 2 * USD}, NOV_24))
    assert effect == Effect([Month("2026-10", 0, 0, 150, 150), Month("2026-11", 0, 200 * USD, 150, 0)])
    assert (PriceSet.objects.count(), Revision.current()) == (0, 0)
    assert daily() == {24: (0, 150), 25: (0, 150)}
    assert [month.changes for month in effect.months] == [False, True]


def test_the_effect_of_a_threshold_is_counted_from_events():
    gpt = requests(0, tokens=LONG)
    priced(gpt, None, ("", 0, USD, 0))
    effect = effect_of_set(gpt, None, [("", 0, USD, 0), ("", 40_000, 3 * USD, 0)])
    assert effect == Effect([Month("2026-11", 50_000 * USD, 150_000 * USD)])
    assert labels() == [32_000]


def test_days_without_detail_keep_their_size_and_are_named():
    gpt = requests(-2, -1, 0, tokens=LONG)
    priced(gpt, None, ("", 0, USD, 0))
    DrainState.objects.update(events_from=NOON - 12 * HOUR)
    Event.objects.filter(timestamp__lt=NOON - 12 * HOUR).delete()
    finer = [("", 0, USD, 0), ("", 40_000, 3 * USD, 0)]
    effect = effect_of_set(gpt, None, finer)
    assert effect == Effect([Month("2026-11", 150_000 * USD, 250_000 * USD)], (NOV_22, NOV_23))
    priced(gpt, None, *finer)
    assert daily() == {22: (50_000 * USD, 0), 23: (50_000 * USD, 0), 24: (150_000 * USD, 0)}


def test_effects_add_up_by_month():
    one = Effect([Month("2026-10", 1, 2, 3, 4)], (NOV_22, NOV_22))
    other = Effect([Month("2026-09", 1, 1), Month("2026-10", 1, 1, 1, 1)], (NOV_23, NOV_24))
    both = Effect([Month("2026-09", 1, 1), Month("2026-10", 2, 3, 4, 5)], (NOV_22, NOV_24))
    assert one + other == other + one == both
    assert both.total == Month("", 3, 4, 4, 5)
    assert Effect() + one == one


def test_a_change_that_is_none_has_no_effect():
    assert not requests(0).effect_of(lambda it: None).total.changes


@pytest.mark.django_db(transaction=True)
def test_what_is_stored_between_two_readings_is_no_effect(monkeypatch, capsys):
    gpt = requests(0)
    gpt.set_price({"prompt": USD, "completion": 0})
    for name in ("_counted", "_relabelled"):
        read = vars(Past)[name]
        wrapped = meanwhile(getattr(Past, name))
        monkeypatch.setattr(Past, name, staticmethod(wrapped) if isinstance(read, staticmethod) else wrapped)
    assert gpt.effect_of(lambda it: None).total == Month("", 100 * USD, 100 * USD)
    call_command("reprice", "--since", "2026-11-24", "--dry-run")
    assert capsys.readouterr().out == "Nothing differs: every cost is as prices say.\n"
    assert Event.objects.count() == 3


def meanwhile(read):
    """Before it reads, another process stores a request."""

    def wrapper(*arguments):
        at_once(lambda i: stored(record(NOON + Event.objects.count())), 1)
        return read(*arguments)

    return wrapper


# --- manage.py reprice --------------------------------------------------------------------------------------------


def altered(rate):
    """A rate changed past the verbs: history knows nothing of it."""
    RateCard.objects.update(prompt=rate)
    Revision.bump()


def test_reprice_tells_the_difference_and_with_dry_run_changes_nothing(capsys):
    requests(-30, -1, 0).set_price({"prompt": USD, "completion": 0})
    altered(2 * USD)
    call_command("reprice", "--since", "2026-11-24", "--dry-run")
    assert capsys.readouterr().out.splitlines() == [
        "gpt-5:",
        "  2026-11  0.000100 -> 0.000200 USD, unpriced tokens 0 -> 0",
        "1 models would change.",
    ]
    assert daily() == {23: (100 * USD, 0), 24: (100 * USD, 0), 25: (100 * USD, 0)}


def test_reprice_costs_the_days_since_and_no_earlier_one(capsys):
    requests(-2, -1, 0).set_price({"prompt": USD, "completion": 0})
    altered(2 * USD)
    call_command("reprice", "--since", "2026-11-23")
    assert capsys.readouterr().out.splitlines()[-1] == "1 models changed."
    assert daily() == {22: (100 * USD, 0), 23: (200 * USD, 0), 24: (200 * USD, 0)}
    call_command("reprice", "--since", "2026-11-23")
    assert capsys.readouterr().out == "Nothing differs: every cost is as prices say.\n"


def test_reprice_relabels_events_since(capsys):
    gpt = requests(-1, 0, tokens=LONG)
    priced(gpt, None, ("", 0, USD, 0))
    RateCard.objects.create(price_set=PriceSet.objects.get(), context_over=40_000, prompt=3 * USD, completion=0)
    call_command("reprice", "--since", "2026-11-24")
    assert "2026-11  0.050000 -> 0.150000 USD" in capsys.readouterr().out
    assert (labels(), daily()) == ([32_000, 40_000], {23: (50_000 * USD, 0), 24: (150_000 * USD, 0)})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since", "yesterday"], "--since yesterday: write a date such as 2026-11-01."),
        (["--since", "2026-02-30"], "--since 2026-02-30: write a date such as 2026-11-01."),
    ],
)
def test_reprice_refuses_what_it_cannot_mean(arguments, sentence):
    with pytest.raises(CommandError, match=f"^{sentence}$"):
        call_command("reprice", *arguments)


def test_the_book_of_a_rehearsal_is_not_the_book_afterwards():
    gpt = requests(0)
    gpt.effect_of(lambda it: it.set_price({"prompt": USD, "completion": USD}))
    assert PriceBook.load().rates(Charged(gpt.pk, "", "", 0), day_number(NOV_24)) is None
