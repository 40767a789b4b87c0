"""How much of a period's cost is known: by request, by model and by token; and what is not."""

from datetime import date

import pytest

from pricing.catalogue.listings import Card, DatedCards, Listing
from pricing.models import Model
from tests.usage.made import NOON, record, stored
from usage.analytics.coverage import UNPRICED, Coverage, EmptyUse, PricedShare, UnpricedUse, coverage, covered
from usage.analytics.events.explaining import NO_TOKENS
from usage.analytics.overview import overview
from usage.query.filters import UsageFilter
from usage.time.periods import Period

pytestmark = pytest.mark.django_db

DOLLAR = 10**6
NOTHING = dict.fromkeys(("input", "output", "reasoning", "cached", "total"), 0)
WRITTEN = {"input": 0, "output": 0, "reasoning": 0, "cached": 0, "cache_creation": 500, "total": 500}
ALL = UsageFilter(Period(None, None))


def set_price(name, **rates):
    Model.objects.set_price(name, {"prompt": DOLLAR, "completion": DOLLAR, **rates})


def test_nothing_was_used():
    assert coverage(ALL) == Coverage(
        requests=PricedShare(0, 0),
        models=PricedShare(0, 0),
        tokens=PricedShare(0, 0),
        unpriced_models=[],
        minimum_tokens=0,
        unpriced=[],
        without_tokens=[],
    )


def test_it_is_told_by_request_model_and_token():
    set_price("gpt-5")
    Model.objects.create(name="glm-5").follow_catalogue(Listing(reason="Ambiguous: a, b."), "1", date(2026, 11, 24))
    stored(
        *(record(NOON + n) for n in range(3)),
        record(NOON, model="glm-5", alias="glm-5", provider="z.ai"),
        record(NOON, failed=True, model="odd", alias="odd"),
        record(NOON, model="gpt-image-1", alias="gpt-image-1", provider="openai", tokens=NOTHING),
        record(NOON, tokens=NOTHING),
    )
    assert coverage(ALL) == Coverage(
        requests=PricedShare(3, 6),
        models=PricedShare(1, 4),
        tokens=PricedShare(450, 750),
        unpriced_models=["glm-5", "gpt-image-1", "odd"],
        minimum_tokens=0,
        unpriced=[
            UnpricedUse(model="gpt-5", provider="codex", requests=1, tokens=0, reason=NO_TOKENS),
            UnpricedUse(model="glm-5", provider="z.ai", requests=1, tokens=150, reason="Ambiguous: a, b."),
            UnpricedUse(model="gpt-image-1", provider="openai", requests=1, tokens=0, reason=UNPRICED),
            UnpricedUse(model="odd", provider="codex", requests=0, tokens=150, reason=UNPRICED),
        ],
        without_tokens=[
            EmptyUse(model="gpt-5", provider="codex", requests=1),
            EmptyUse(model="gpt-image-1", provider="openai", requests=1),
        ],
    )


def test_only_images_have_no_cost():
    set_price("gpt-image-1")
    stored(record(NOON, model="gpt-image-1", tokens=NOTHING))
    assert overview(ALL).summary.known_cost is None
    assert (covered(ALL).requests, covered(ALL).unpriced_models) == (PricedShare(0, 1), ["gpt-image-1"])


def test_a_fee_per_request_is_a_known_cost():
    set_price("gpt-image-1", request=4 * 10**10)
    stored(record(NOON, model="gpt-image-1", tokens=NOTHING))
    assert (covered(ALL).is_whole, overview(ALL).summary.known_cost) == (True, 0.04)


@pytest.mark.parametrize(("hour", "tokens"), [(2 * DOLLAR, 500), (DOLLAR, 0)])
def test_writes_of_an_unknown_lifetime_make_a_minimum_where_an_hour_costs_more(hour, tokens):
    cards = (Card("", 0, DOLLAR, DOLLAR, cache_write=DOLLAR, cache_write_1h=hour),)
    model = Model.objects.create(name="claude-x")
    model.follow_catalogue(Listing("anthropic/claude-x", (DatedCards(None, cards),)), "1", date(2026, 11, 24))
    fields = {"provider": "claude", "executor_type": "ClaudeExecutor", "model": "claude-x", "alias": "claude-x"}
    stored(record(NOON, tokens=WRITTEN, **fields))
    assert covered(ALL).minimum_tokens == tokens


def test_the_reply_of_the_api(client):
    stored(record(NOON))
    assert client.get("/api/v1/usage/coverage?range=all").json() == {
        "requests": {"priced": 0, "total": 1},
        "models": {"priced": 0, "total": 1},
        "tokens": {"priced": 0, "total": 150},
        "unpriced_models": ["gpt-5"],
        "minimum_tokens": 0,
        "unpriced": [
            {"model": "gpt-5", "provider": "codex", "requests": 1, "tokens": 150, "reason": UNPRICED, "candidates": []}
        ],
        "without_tokens": [],
    }
