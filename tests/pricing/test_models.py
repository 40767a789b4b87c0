"""The verbs of models and their prices: what is written, what is counted, and that history follows."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from pricing.book import Charged
from pricing.models import Model, Origin, PriceSet, RateCard, Revision
from pricing.models.sets import check_cards
from pricing.rates import MOST

NOV_10, NOV_24, DEC_1 = date(2026, 11, 10), date(2026, 11, 24), date(2026, 12, 1)
CHEAP = {"prompt": 1, "completion": 2, "cache_read": 0}
DEAR = {"prompt": 10, "completion": 20, "cache_read": 5, "cache_write": 12, "reasoning": 30}


def stored(model):
    """{(origin, valid_from): {(tier, context_over): prompt}} of a model's sets."""
    return {
        (s.origin, s.valid_from): {(c.tier, c.context_over): c.prompt for c in s.cards.all()}
        for s in model.price_sets.all()
    }


def catalogue(model, valid_from=None):
    price_set = PriceSet.objects.create(model=model, origin=Origin.CATALOGUE, valid_from=valid_from)
    RateCard.objects.create(price_set=price_set, prompt=7, completion=8)
    return price_set


# --- Setting a price ----------------------------------------------------------------------------------------------


def test_the_first_price_holds_for_all_history(gpt):
    gpt.set_price(CHEAP)
    assert stored(gpt) == {("manual", None): {("", 0): 1}}


def test_every_rate_is_kept(gpt):
    gpt.set_price(DEAR)
    card = RateCard.objects.values("prompt", "completion", "cache_read", "cache_write", "reasoning").get()
    assert card == DEAR


def test_the_second_price_replaces_the_first_with_all_its_cards(gpt):
    gpt.set_price(CHEAP)
    gpt.put_set(gpt.price_sets.get(), [RateCard(prompt=1, completion=1), RateCard(tier="flex", prompt=2, completion=1)])
    gpt.set_price(DEAR)
    assert stored(gpt) == {("manual", None): {("", 0): 10}}


def test_a_dated_price_leaves_what_was_before(gpt):
    gpt.set_price(CHEAP)
    gpt.set_price(DEAR, NOV_10)
    assert stored(gpt) == {("manual", None): {("", 0): 1}, ("manual", NOV_10): {("", 0): 10}}


def test_a_price_from_a_day_that_has_one_replaces_it(gpt):
    gpt.set_price(CHEAP, NOV_10)
    gpt.set_price(DEAR, NOV_10)
    assert stored(gpt) == {("manual", NOV_10): {("", 0): 10}}


def test_a_price_without_a_date_changes_the_one_in_force_today(gpt, on_nov_24):
    for day in (None, NOV_10, DEC_1):
        gpt.set_price(CHEAP, day)
    gpt.set_price(DEAR)
    assert stored(gpt) == {
        ("manual", None): {("", 0): 1},
        ("manual", NOV_10): {("", 0): 10},
        ("manual", DEC_1): {("", 0): 1},
    }


def test_today_is_the_local_day(gpt, on_nov_24):
    gpt.set_price(CHEAP)
    gpt.set_price(CHEAP, NOV_24)
    gpt.set_price(DEAR)
    assert stored(gpt) == {("manual", None): {("", 0): 1}, ("manual", NOV_24): {("", 0): 10}}


def test_where_all_prices_lie_ahead_one_begins_today(gpt, on_nov_24):
    gpt.set_price(CHEAP, DEC_1)
    gpt.set_price(DEAR)
    assert stored(gpt) == {("manual", NOV_24): {("", 0): 10}, ("manual", DEC_1): {("", 0): 1}}


def test_catalogue_prices_are_kept(gpt):
    catalogue(gpt)
    gpt.set_price(CHEAP)
    assert stored(gpt) == {("catalogue", None): {("", 0): 7}, ("manual", None): {("", 0): 1}}


def test_a_model_nobody_observed_can_be_priced_by_name(db, recosted):
    Model.objects.set_price("org/new", CHEAP)
    assert stored(Model.objects.get(name="org/new")) == {("manual", None): {("", 0): 1}}


@pytest.mark.parametrize("field", ["prompt", "completion", "cache_read", "cache_write", "reasoning"])
@pytest.mark.parametrize("bad", [-1, MOST + 1])
def test_it_rejects_an_impossible_rate_and_writes_nothing(gpt, recosted, field, bad):
    gpt.set_price(CHEAP)
    with pytest.raises(ValidationError) as refused:
        gpt.set_price({**DEAR, field: bad})
    assert list(refused.value.message_dict) == [field]
    assert stored(gpt) == {("manual", None): {("", 0): 1}}
    assert Revision.current() == len(recosted) == 1


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2200, 1, 1)])
def test_it_rejects_an_absurd_day_and_writes_nothing(gpt, recosted, day):
    with pytest.raises(ValidationError) as refused, transaction.atomic():
        gpt.set_price(CHEAP, day)
    assert list(refused.value.message_dict) == ["valid_from"]
    assert (stored(gpt), Revision.current(), recosted) == ({}, 0, [])


# --- Clearing and taking the catalogue's --------------------------------------------------------------------------


def test_clearing_removes_manual_sets_and_blocks_the_catalogue(gpt):
    catalogue(gpt)
    gpt.set_price(CHEAP)
    gpt.set_price(DEAR, NOV_10)
    gpt.clear_price()
    gpt.refresh_from_db()
    assert (stored(gpt), gpt.catalogue_blocked) == ({("catalogue", None): {("", 0): 7}}, True)


def test_a_new_manual_price_does_not_bring_the_catalogue_back(gpt):
    catalogue(gpt)
    gpt.clear_price()
    gpt.set_price(CHEAP, DEC_1)
    gpt.refresh_from_db()
    assert gpt.catalogue_blocked


def test_the_catalogue_can_be_taken_again(gpt):
    catalogue(gpt)
    gpt.clear_price()
    gpt.take_catalogue()
    gpt.refresh_from_db()
    assert (stored(gpt), gpt.catalogue_blocked) == ({("catalogue", None): {("", 0): 7}}, False)


def test_clearing_an_unknown_name_makes_no_row(db, recosted):
    Model.objects.clear_price("nobody")
    assert (Model.objects.count(), recosted, Revision.current()) == (0, [], 0)


# --- Every change is counted, and history follows -----------------------------------------------------------------


def test_each_change_counts_one_and_recosts_the_model_once(gpt, recosted):
    gpt.set_price(CHEAP)
    gpt.set_price(DEAR)
    gpt.put_set(gpt.price_sets.get(), [RateCard(prompt=3, completion=4)])
    gpt.clear_price()
    gpt.take_catalogue()
    assert recosted == [("gpt-5", 1), ("gpt-5", 2), ("gpt-5", 3), ("gpt-5", 4), ("gpt-5", 5)]
    assert Revision.current() == 5


def test_history_is_costed_with_the_new_rows(gpt, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "usage.rollups.history.RecordedUsage.recost",
        lambda _, model, book, before: seen.append(book.rates(Charged(gpt.pk, "", "", 0), 0).prompt),
    )
    gpt.set_price(CHEAP)
    gpt.set_price(DEAR)
    assert seen == [1, 10]


def test_a_change_that_cannot_recost_is_undone_whole(gpt, monkeypatch):
    gpt.set_price(CHEAP)

    def fail(self, model, book, before):
        raise RuntimeError("no lock")

    monkeypatch.setattr("usage.rollups.history.RecordedUsage.recost", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        gpt.set_price(DEAR)
    assert (stored(gpt), Revision.current()) == ({("manual", None): {("", 0): 1}}, 1)


# --- Sets and cards -----------------------------------------------------------------------------------------------


def test_replacing_cards_leaves_exactly_those(gpt):
    price_set = catalogue(gpt)
    before = price_set.updated_at
    gpt.put_set(
        price_set,
        [
            RateCard(prompt=1, completion=1),
            RateCard(context_over=200_000, prompt=2, completion=1),
            RateCard(tier="flex", prompt=3, completion=1),
        ],
    )
    assert stored(gpt) == {("catalogue", None): {("", 0): 1, ("", 200_000): 2, ("flex", 0): 3}}
    assert PriceSet.objects.get().updated_at > before


@pytest.mark.parametrize(
    ("cards", "field", "sentence"),
    [
        ([], "context_over", "The standard tier needs a card over 0 tokens."),
        ([("flex", 0)], "context_over", "The standard tier needs a card over 0 tokens."),
        ([("", 200_000)], "context_over", "The standard tier needs a card over 0 tokens."),
        ([("", 0), ("flex", 200_000)], "context_over", "The flex tier needs a card over 0 tokens."),
        ([("", 0), ("", 0)], "context_over", "Two cards have the same tier and context size."),
        ([("", 0), ("", -1)], "context_over", "Ensure this value is greater than or equal to 0."),
        ([("", 0), ("turbo", 0)], "tier", "Value 'turbo' is not a valid choice."),
    ],
)
def test_it_rejects_cards_that_collide_or_leave_a_hole(gpt, recosted, cards, field, sentence):
    price_set = catalogue(gpt)
    with pytest.raises(ValidationError) as refused:
        gpt.put_set(price_set, [RateCard(tier=t, context_over=o, prompt=1, completion=1) for t, o in cards])
    assert refused.value.message_dict == {field: [sentence]}
    assert (stored(gpt), recosted) == ({("catalogue", None): {("", 0): 7}}, [])


def test_a_whole_set_of_cards_passes():
    check_cards([RateCard(tier=t, context_over=o) for t in ("", "flex") for o in (0, 1000)])


@pytest.mark.parametrize("day", [None, NOV_10])
def test_two_sets_of_one_day_and_origin_are_refused(gpt, day):
    catalogue(gpt, day)
    second = PriceSet(model=gpt, origin=Origin.CATALOGUE, valid_from=day)
    with pytest.raises(ValidationError, match="already: change that one"):
        second.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
    PriceSet(model=gpt, origin=Origin.MANUAL, valid_from=day).full_clean()


def test_two_cards_of_one_tier_and_step_are_refused(gpt):
    price_set = catalogue(gpt)
    second = RateCard(price_set=price_set, prompt=1, completion=1)
    with pytest.raises(ValidationError, match="has a card of this tier and context size already"):
        second.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()


def test_sets_are_listed_from_the_oldest(gpt):
    for day in (None, DEC_1, NOV_10):
        gpt.set_price(CHEAP, day)
    assert [str(s) for s in gpt.price_sets.all()] == [
        "gpt-5 from always (manual)",
        "gpt-5 from 2026-11-10 (manual)",
        "gpt-5 from 2026-12-01 (manual)",
    ]
