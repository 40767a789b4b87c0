"""The price book against the rule applied literally, and what it costs to load."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pricing import book as book_module
from pricing.book import LADDER, PriceBook
from pricing.models import Model, Origin, PriceSet, RateCard, Revision
from pricing.rates import Rates
from usage.time.periods import day_number

NOV_1 = date(2026, 11, 1)
NOV_10 = date(2026, 11, 10)


def price(model, valid_from=None, origin=Origin.MANUAL, cards=(("", 0, 1),)):
    """A set whose cards are (tier, context_over, prompt rate)."""
    price_set = PriceSet.objects.create(model=model, valid_from=valid_from, origin=origin)
    for tier, over, prompt in cards:
        RateCard.objects.create(price_set=price_set, tier=tier, context_over=over, prompt=prompt, completion=2)
    return price_set


def prompt_rate(book, model, day, tier="", label=0):
    rates = book.rates(model.pk, day_number(day), tier, label)
    return rates and rates.prompt


def test_a_model_without_a_price_is_unpriced_and_labelled_by_the_ladder(gpt):
    book = PriceBook.load()
    assert book.rates(gpt.pk, 20_000, "", 0) is None
    assert book.steps(gpt.pk) == LADDER
    assert book.stamp == 0


def test_derived_rates_are_filled_in(gpt):
    price_set = price(gpt, cards=[])
    RateCard.objects.create(price_set=price_set, prompt=5, completion=7)
    RateCard.objects.create(price_set=price_set, tier="flex", prompt=5, completion=7, cache_read=0, cache_write=0)
    RateCard.objects.create(price_set=price_set, tier="batch", prompt=5, completion=7, reasoning=9)
    book = PriceBook.load()
    assert book.rates(gpt.pk, 0, "", 0) == Rates(5, 7, 5, 5, 7)
    assert book.rates(gpt.pk, 0, "flex", 0) == Rates(5, 7, 0, 0, 7)
    assert book.rates(gpt.pk, 0, "batch", 0) == Rates(5, 7, 5, 5, 9)


def test_the_set_is_chosen_first_and_nothing_older_shows_through(gpt):
    price(gpt, cards=[("", 0, 1), ("flex", 0, 2), ("", 200_000, 3)])
    price(gpt, NOV_10, cards=[("", 0, 10)])
    book = PriceBook.load()
    assert [prompt_rate(book, gpt, NOV_1, *asked) for asked in (("", 0), ("flex", 0), ("", 200_000))] == [1, 2, 3]
    assert [prompt_rate(book, gpt, NOV_10, *asked) for asked in (("", 0), ("flex", 0), ("", 200_000))] == [10, 10, 10]


def test_a_tier_with_cards_of_its_own_uses_no_other(gpt):
    price(gpt, cards=[("", 0, 1), ("", 200_000, 2), ("priority", 0, 3)])
    book = PriceBook.load()
    assert prompt_rate(book, gpt, NOV_1, "priority", 200_000) == 3
    assert prompt_rate(book, gpt, NOV_1, "flex", 200_000) == 2
    assert prompt_rate(book, gpt, NOV_1, "", 199_999) == 1


def test_a_label_below_every_card_is_unpriced(gpt):
    price(gpt, cards=[("", 0, 1), ("flex", 1000, 2)])
    assert prompt_rate(PriceBook.load(), gpt, NOV_1, "flex", 0) is None


def test_a_block_hides_the_catalogue_and_keeps_its_steps(gpt):
    price(gpt, origin=Origin.CATALOGUE, cards=[("", 0, 1), ("", 5000, 2)])
    gpt.catalogue_blocked = True
    gpt.save()
    book = PriceBook.load()
    assert prompt_rate(book, gpt, NOV_1) is None
    assert book.steps(gpt.pk) == (5000,)


def test_steps_are_those_of_every_set(gpt):
    price(gpt, cards=[("", 0, 1), ("flex", 272_000, 2)])
    price(gpt, NOV_10, cards=[("", 0, 1), ("", 200_000, 2)])
    price(gpt, NOV_1, Origin.CATALOGUE, cards=[("", 0, 1), ("", 128_000, 2), ("batch", 200_000, 2)])
    assert PriceBook.load().steps(gpt.pk) == (128_000, 200_000, 272_000)


def test_a_price_without_steps_has_no_labels(gpt):
    price(gpt)
    assert PriceBook.load().steps(gpt.pk) == ()
    assert PriceBook.load().label(gpt.pk, 10**9) == 0


@pytest.mark.parametrize(
    ("tokens", "label"),
    [
        (0, 0),
        (32_000, 0),
        (32_001, 32_000),
        (200_000, 199_999),
        (200_001, 200_000),
        (524_288, 512_000),
        (10**9, 524_288),
    ],
)
def test_a_label_is_the_largest_step_exceeded(gpt, tokens, label):
    assert PriceBook.load().label(gpt.pk, tokens) == label


def test_loading_takes_the_same_queries_for_one_model_and_for_many(db, django_assert_num_queries):
    price(Model.objects.create(name="one"))
    with django_assert_num_queries(3):
        PriceBook.load()
    for i in range(20):
        model = Model.objects.create(name=f"model-{i}")
        price(model, cards=[("", 0, 1), ("flex", 0, 2)])
        price(model, NOV_10)
    with django_assert_num_queries(3):
        book = PriceBook.load()
    with django_assert_num_queries(0):
        assert prompt_rate(book, model, NOV_1, "flex") == 2


def test_the_book_says_which_state_it_holds(db):
    stamps = set()
    for _ in range(20):
        Revision.bump()
        stamps.add(PriceBook.load().stamp)
    assert (len(stamps), Revision.current(), PriceBook.load().stamp) == (20, 20, Revision.current_stamp())


def test_prices_are_read_anew_after_a_change_only(gpt, django_assert_num_queries):
    gpt.set_price({"prompt": 1, "completion": 1})
    assert prompt_rate(PriceBook.current(), gpt, NOV_1) == 1
    with django_assert_num_queries(1):
        assert prompt_rate(PriceBook.current(), gpt, NOV_1) == 1
    gpt.set_price({"prompt": 2, "completion": 1})
    assert prompt_rate(PriceBook.current(), gpt, NOV_1) == 2
    before, restored = PriceBook.current().stamp, Revision.objects.get()
    PriceSet.objects.all().delete()  # a backup of other prices, as often changed, takes the place of the database
    Revision.bump()
    Revision.objects.update(number=restored.number)
    assert PriceBook.current().stamp != before
    assert prompt_rate(PriceBook.current(), gpt, NOV_1) is None


def test_before_the_first_change_nothing_is_remembered(gpt):
    assert prompt_rate(PriceBook.current(), gpt, NOV_1) is None
    price(gpt)  # rows without a change that counts them
    assert (Revision.current_stamp(), prompt_rate(PriceBook.current(), gpt, NOV_1)) == (0, 1)


def test_answers_stay_right_when_their_memory_is_full(gpt, monkeypatch):
    monkeypatch.setattr(book_module, "CACHED_RATES", 3)
    price(gpt, NOV_10)
    book = PriceBook.load()
    days = [NOV_1 + timedelta(days=n) for n in range(20)] * 2
    assert [prompt_rate(book, gpt, day) for day in days] == ([None] * 9 + [1] * 11) * 2


# --- Against the rule, word for word ------------------------------------------------------------------------------

DAYS = [None, 10, 20, 30]
CARDS = st.dictionaries(
    st.tuples(st.sampled_from(["", "flex", "priority"]), st.sampled_from([0, 100, 200])), st.integers(1, 99), max_size=5
)
SETS = st.dictionaries(st.tuples(st.sampled_from(Origin.values), st.sampled_from(DAYS)), CARDS, max_size=5)


def literally(sets, blocked, day, tier, label):
    """The set in force on that day, a manual one first; in it the tier; in that the largest step up to the label."""
    begun = {(origin, first): cards for (origin, first), cards in sets.items() if first is None or first <= day}
    for origin in [Origin.MANUAL] if blocked else [Origin.MANUAL, Origin.CATALOGUE]:
        dates = [first for o, first in begun if o == origin]
        if dates:
            cards = begun[origin, max(dates, key=lambda first: -1 if first is None else first)]
            break
    else:
        return None
    in_tier = tier if any(t == tier for t, _ in cards) else ""
    steps = [over for t, over in cards if t == in_tier and over <= label]
    return cards[in_tier, max(steps)] if steps else None


def build(sets, blocked):
    """A book of one model made of unsaved rows."""
    model = Model(pk=1, name="m", catalogue_blocked=blocked)
    rows = []
    for pk, ((origin, first), cards) in enumerate(sets.items()):
        valid_from = None if first is None else date(1970, 1, 1) + timedelta(days=first)
        row = PriceSet(pk=pk, model=model, origin=origin, valid_from=valid_from)
        prefetched = Cards(RateCard(tier=t, context_over=o, prompt=p, completion=0) for (t, o), p in cards.items())
        row._prefetched_objects_cache = {"cards": prefetched}
        rows.append(row)
    return PriceBook(0, rows)


class Cards(list):
    """What a prefetched relation answers with."""

    def all(self):
        return self


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SETS, st.booleans())
def test_it_agrees_with_the_rule_applied_literally(sets, blocked):
    book = build(sets, blocked)
    for day in (0, 9, 10, 19, 20, 29, 30, 99):
        for tier in ("", "flex", "priority", "batch"):
            for label in (0, 50, 100, 199, 200):
                rates = book.rates(1, day, tier, label)
                assert (rates and rates.prompt) == literally(sets, blocked, day, tier, label)
