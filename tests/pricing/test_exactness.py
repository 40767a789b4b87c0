"""Our cost of a request against the catalogue's own arithmetic: equal to the pico-dollar."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage
from genai_prices.data import providers

from pricing.book import Charged, PriceBook
from pricing.catalogue.listings import Listing
from pricing.catalogue.package import price_sets
from pricing.models import Model
from pricing.rates import cost
from usage.time.periods import day_number

# Rates of at most six decimals each, so that rounding them changes nothing; none depends on the time of day.
MODELS = [
    "anthropic/claude-haiku-4-5",
    "anthropic/claude-haiku-5-5",
    "anthropic/claude-opus-4-1",
    "anthropic/claude-opus-4-6",
    "anthropic/claude-opus-5",
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-sonnet-4-6",
    "anthropic/claude-3-5-haiku-latest",
    "google/gemini-2.5-pro",
    "google/gemini-2.5-flash",
    "google/gemini-3-pro-preview",
    "google/gemini-3.1-pro-preview",
    "google/gemini-3.6-flash",
    "google/gemini-3.8-flash-lite-tts",
    "moonshotai/kimi-k2",
    "openai/gpt-4.1",
    "openai/gpt-5",
    "openai/gpt-5-mini",
    "openai/gpt-5.4",
    "openai/gpt-5.4-pro",
    "openai/gpt-5.5",
    "openai/gpt-5.6-luna",
    "openai/gpt-5.6-sol",
    "openai/gpt-5.6-terra",
    "openai/gpt-6-sol",
    "openai/o3",
    "openrouter/deepseek/deepseek-chat",
    "openrouter/z-ai/glm-4.6",
    "x-ai/grok-4.20",
    "x-ai/grok-4.3",
    "zai/GLM-4.6",
]
TIERS = {
    "": {},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "batch": {"processing": "batch"},
}
FIRST = date(2026, 1, 1)
SIZES = (0, 1, 300, 31_000, 99_999, 100_000, 199_999, 200_000, 200_001, 272_000, 272_001, 900_000)


def entry(matched):
    provider_id, _, model_id = matched.partition("/")
    return next(m for p in providers if p.id == provider_id for m in p.models if m.id == model_id)


def usages(chance):
    """Requests of every size, on the day and around it, split into classes at random."""
    for size in SIZES:
        cuts = sorted((chance.randint(0, size), chance.randint(0, size)))
        classes = (cuts[0], cuts[1] - cuts[0], size - cuts[1], chance.randint(0, 60_000), chance.randint(0, 60_000))
        yield FIRST + timedelta(days=chance.randrange(500)), classes


@pytest.mark.parametrize("matched", MODELS)
def test_it_equals_the_catalogues_own_to_the_pico_dollar(db, matched):
    info, model = entry(matched), Model.objects.create(name=matched)
    model.follow_catalogue(Listing(matched, price_sets(info)), "1", FIRST)
    book, chance = PriceBook.load(), random.Random(matched)
    for tier, condition in TIERS.items():
        for day, classes in usages(chance):
            uncached, read, write, output, reasoning = classes
            usage = Usage(
                input_tokens=uncached + read + write,
                cache_read_tokens=read,
                cache_write_tokens=write,
                output_tokens=output + reasoning,
                output_reasoning_tokens=reasoning,
            )
            label, _ = book.labels(model.pk, "", uncached + read + write, 0)
            found = book.found(Charged(model.pk, "", tier, label), day_number(day))
            ours = cost(found.rates, [uncached, read, write, 0, 0, output, reasoning, 0])
            priced_on = found.price_set.valid_from if found.tier_assumed else day
            noon = datetime(priced_on.year, priced_on.month, priced_on.day, 12, tzinfo=UTC)
            theirs = info.get_prices(noon, condition).calc_price(usage)["total_price"]
            assert Decimal(ours) == theirs * 10**12, (tier, day, classes)


def test_thirty_models_are_compared():
    assert len(set(MODELS)) >= 30
