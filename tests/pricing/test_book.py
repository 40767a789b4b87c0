"""The price book against the rule applied literally, and what it costs to load."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pricing import book as book_module
from pricing.book import LADDER, Charged, PriceBook
from pricing.models import Adjustment, Model, Origin, PriceSet, RateCard, Revision, Route
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


def steps(book, model):
    return book.limits(model.pk, "")[0]


def prompt_rate(book, model, day, tier="", label=0):
    rates = book.rates(Charged(model.pk, model.name, tier, label), day_number(day))
    return rates and rates.prompt


def test_a_model_without_a_price_is_unpriced_and_labelled_by_the_ladder(gpt):
    book = PriceBook.load()
    assert book.rates(Charged(gpt.pk, "", "", 0), 20_000) is None
    assert book.limits(gpt.pk, "") == (LADDER, ())
    assert book.stamp == 0


def test_derived_rates_are_filled_in(gpt):
    price_set = price(gpt, cards=[])
    RateCard.objects.create(price_set=price_set, prompt=5, completion=7)
    RateCard.objects.create(price_set=price_set, tier="flex", prompt=5, completion=7, cache_read=0, cache_write=0)
    RateCard.objects.create(price_set=price_set, tier="batch", prompt=5, completion=7, reasoning=9)
    book = PriceBook.load()
    assert book.rates(Charged(gpt.pk, "", "", 0), 0) == Rates(5, 7, 5, 5, 5, 7, 0)
    assert book.rates(Charged(gpt.pk, "", "flex", 0), 0) == Rates(5, 7, 0, 0, 0, 7, 0)
    assert book.rates(Charged(gpt.pk, "", "batch", 0), 0) == Rates(5, 7, 5, 5, 5, 9, 0)


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
    assert steps(book, gpt) == (5000,)


def test_steps_are_those_of_every_set(gpt):
    price(gpt, cards=[("", 0, 1), ("flex", 272_000, 2)])
    price(gpt, NOV_10, cards=[("", 0, 1), ("", 200_000, 2)])
    price(gpt, NOV_1, Origin.CATALOGUE, cards=[("", 0, 1), ("", 128_000, 2), ("batch", 200_000, 2)])
    assert steps(PriceBook.load(), gpt) == (128_000, 200_000, 272_000)


def test_a_price_without_steps_has_no_labels(gpt):
    price(gpt)
    assert steps(PriceBook.load(), gpt) == ()
    assert PriceBook.load().labels(gpt.pk, "", 10**9, 0) == (0, 0)


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
    assert PriceBook.load().labels(gpt.pk, "", tokens, 0) == (label, 0)


def test_loading_takes_the_same_queries_for_one_model_and_for_many(db, django_assert_num_queries):
    price(Model.objects.create(name="one"))
    with django_assert_num_queries(5):
        PriceBook.load()
    for i in range(20):
        model = Model.objects.create(name=f"model-{i}")
        price(model, cards=[("", 0, 1), ("flex", 0, 2)])
        price(model, NOV_10)
    with django_assert_num_queries(5):
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


def offered(model, prompt, scope="", value="", **fields):
    price_set = PriceSet.objects.create(model=model, scope=scope, scope_value=value, **fields)
    RateCard.objects.create(price_set=price_set, prompt=prompt, completion=0)


def test_a_price_for_a_key_counts_before_an_account_a_provider_and_all(gpt):
    Route.objects.create(provider="claude", auth_index="a1", seller="zai")
    offered(gpt, 1, origin=Origin.CATALOGUE)
    offered(gpt, 2, "seller", "zai", origin=Origin.CATALOGUE)
    usage = Charged(gpt.pk, "", "", 0, 0, "claude", "a1", "bob", "key")

    def rate(**changes):
        return PriceBook.load().rates(usage._replace(**changes), 0).prompt

    assert (rate(), rate(auth_index="a2")) == (2, 1)
    offered(gpt, 3)
    assert rate() == 3
    offered(gpt, 4, "provider", "claude")
    offered(gpt, 5, "account", "bob")
    offered(gpt, 6, "api_key", "key")
    assert (rate(), rate(api_key="")) == (6, 5)
    assert (rate(api_key="", source=""), rate(provider="", api_key="", source="")) == (4, 3)


def test_a_model_without_a_price_has_that_of_the_name_it_was_asked_for_by(gpt):
    office = Model.objects.create(name="office-fast")
    offered(office, 7)
    found = PriceBook.load().found(Charged(gpt.pk, "office-fast", "", 0), 0)
    assert (found.rates.prompt, found.by_requested_name) == (7, True)
    offered(gpt, 8)
    found = PriceBook.load().found(Charged(gpt.pk, "office-fast", "", 0), 0)
    assert (found.rates.prompt, found.by_requested_name) == (8, False)


def test_adjustments_multiply_and_their_fees_add_up(gpt):
    offered(gpt, 1_000_001)
    Adjustment.objects.create(scope="provider", value="relay", factor="0.3", request=500)
    Adjustment.objects.create(scope="api_key", value="key", factor="0.5", request=40, valid_from=NOV_10)
    usage = Charged(gpt.pk, "", "", 0, provider="relay", api_key="key")
    rates = [PriceBook.load().rates(usage, day_number(day)) for day in (NOV_1, NOV_10)]
    # 1,000,001 x 0.5 is half way between two whole numbers: the even one; that x 0.3 is whole.
    assert [(r.prompt, r.request) for r in rates] == [(300_000, 500), (150_000, 540)]
    plain = PriceBook.load().rates(usage._replace(provider="", api_key=""), 0)
    assert plain == Rates(1_000_001, 0, 1_000_001, 1_000_001, 1_000_001, 0, 0)


def test_a_price_by_the_hour(gpt):
    price_set = price(gpt, cards=[("", 0, 10)])
    for first, end, prompt in ((60, 240, 20), (1380, 30, 30)):
        RateCard.objects.create(price_set=price_set, hours_from=first, hours_to=end, prompt=prompt, completion=0)
    book = PriceBook.load()
    assert book.limits(gpt.pk, "")[1] == (30, 60, 240, 1380)

    def at(minute):
        over, clock = book.labels(gpt.pk, "", 5, minute * 60 * 10**6)
        return clock, book.rates(Charged(gpt.pk, "", "", over, clock), 0).prompt

    assert [at(minute) for minute in (0, 29, 30, 59, 60, 239, 240, 1379, 1380, 1439)] == [
        *((1380, 30), (1380, 30), (30, 10), (30, 10), (60, 20)),
        *((60, 20), (240, 10), (240, 10), (1380, 30), (1380, 30)),
    ]


def test_a_tier_is_priced_before_the_catalogue_knew_it_at_its_first_rates(gpt):
    price(gpt, origin=Origin.CATALOGUE, cards=[("", 0, 10)])
    price(gpt, NOV_10, Origin.CATALOGUE, cards=[("", 0, 10), ("flex", 0, 5)])
    found = PriceBook.load().found(Charged(gpt.pk, "", "flex", 0), day_number(NOV_1))
    assert (found.rates.prompt, found.tier_assumed) == (5, True)
    price(gpt, cards=[("", 0, 9)])  # a price set by hand is complete as it is
    found = PriceBook.load().found(Charged(gpt.pk, "", "flex", 0), day_number(NOV_1))
    assert (found.rates.prompt, found.tier_assumed) == (9, False)


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
    if tier and origin == Origin.CATALOGUE and not any(t == tier for t, _ in cards):
        later = [first for o, first in sets if o == origin and first is not None and first > day]
        later = [first for first in later if any(t == tier for t, _ in sets[origin, first])]
        cards = sets[origin, min(later)] if later else cards
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
                rates = book.rates(Charged(1, "m", tier, label), day)
                assert (rates and rates.prompt) == literally(sets, blocked, day, tier, label)
