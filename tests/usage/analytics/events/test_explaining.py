"""Every cost explains itself."""

from datetime import date

import pytest

from pricing.book import PriceBook
from pricing.catalogue.listings import Card, DatedCards, Listing
from pricing.models import Model
from tests.usage.made import NOON, record, stored
from usage.analytics.answers import PICO
from usage.analytics.events.explaining import Explanation, PricedTokens, explained
from usage.analytics.events.paging import event
from usage.analytics.events.rows import PLAIN, STORED
from usage.models import Event
from usage.records.tiers import CODEX_OAUTH

pytestmark = pytest.mark.django_db

TOKENS = {"input": 300, "output": 50, "reasoning": 10, "cached": 40, "cache_creation": 20, "total": 350}
CARDS = (
    Card("", 0, 2_000_000, 10_000_000, 200_000),
    Card("flex", 0, 1_000_000, 5_000_000),
    Card("flex", 250, 3_000_000, 5_000_000, 300_000, None, 7_000_000),
)
NOV_24 = date(2026, 11, 24)


def explanation(**fields):
    stored(record(NOON, **fields))
    return explained(Event.objects.values(*PLAIN, **STORED).get(), PriceBook.load())


def priced(*cards, note=""):
    sets = (DatedCards(NOV_24, cards, note),)
    Model.objects.create(name="gpt-5").follow_catalogue(Listing("openai/gpt-5", sets), "1", NOV_24)


def test_the_set_card_tier_threshold_and_rates_are_told():
    priced(*CARDS, note="Upper bound.")
    assert explanation(service_tier="flex", tokens=TOKENS) == Explanation(
        origin="catalogue",
        valid_from=NOV_24,
        matched="openai/gpt-5",
        note="Upper bound.",
        tier="flex",
        tier_rule=CODEX_OAUTH,
        context_over=250,
        input_tokens=300,
        tokens=[
            PricedTokens("uncached", 240, 3.0, 0.00072),
            PricedTokens("cache_read", 40, 0.3, 0.000012),
            PricedTokens("cache_write_unspecified", 20, 3.0, 0.00006),
            PricedTokens("output", 40, 5.0, 0.0002),
            PricedTokens("reasoning", 10, 7.0, 0.00007),
        ],
    )


def test_a_tier_without_a_card_of_its_own_is_told_as_the_standard_one():
    priced(*CARDS)
    found = explanation(service_tier="priority", tokens=TOKENS)
    assert (found.tier, found.context_over) == ("", 0)


def test_the_parts_add_up_to_the_cost_of_the_event():
    priced(*CARDS)
    stored(record(NOON, service_tier="flex", tokens=TOKENS))
    detail = event(Event.objects.get().key)
    assert sum(round(part.cost * PICO) for part in detail.price.tokens) == round(detail.cost * PICO) == 1_062_000_000


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("", "The model has no price for this day."),
        ("Ambiguous: a, b.", "The model has no price for this day. Ambiguous: a, b."),
    ],
)
def test_without_a_price_it_says_why(reason, told):
    model = Model.objects.create(name="gpt-5")
    if reason:
        model.follow_catalogue(Listing(reason=reason), "1", NOV_24)
    assert explanation() == Explanation(reason=told, tier_rule=CODEX_OAUTH, input_tokens=100)
