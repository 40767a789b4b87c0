"""Every model that a real CPA offers, priced by us and by genai-prices' own arithmetic: equal to the pico-dollar.

Two things cannot be equal, and neither occurs here. Rates are rounded to a millionth of a dollar per million tokens, so
one of more decimals differs by as much (no such rate is among these models). Images, audio, video and searches have no
quantity in CPA's records: the set says in its note that the cost leaves them out.
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage
from genai_prices.data import providers

from pricing.book import Charged, PriceBook
from pricing.catalogue.matching import seller_of
from pricing.catalogue.package import look_up
from pricing.models import Model
from pricing.rates import cost
from pricing.tokenclasses import CLASSES
from tests import FIXTURES
from usage.time.periods import day_number

OFFERED = json.loads((FIXTURES / "cpa/http/models.json").read_text())["body"]["data"]
ROUTES = {"google": "gemini", "anthropic": "claude", "openai": "codex", "mockai": "openai-compatible-mock"}
DAY = date(2026, 11, 28)
SMALL = {"uncached": 1_001, "cache_read": 203, "output": 307, "reasoning": 53}
LARGE = {"uncached": 100_003, "cache_read": 200_017, "output": 20_011, "reasoning": 5_003}
WRITES = {"cache_write": 10_007, "cache_write_1h": 20_011}
# What is asked of both: the tier, its words in the catalogue, and the tokens.
REQUESTS = {
    "small": ("", {}, SMALL),
    "300k context": ("", {}, LARGE),
    "priority": ("priority", {"service_tier": "priority"}, SMALL),
    "priority, 300k context": ("priority", {"service_tier": "priority"}, LARGE),
    "flex": ("flex", {"service_tier": "flex"}, SMALL),
    "flex, 300k context": ("flex", {"service_tier": "flex"}, LARGE),
    "batch": ("batch", {"processing": "batch"}, SMALL),
    "fast": ("fast", {"speed": "fast"}, SMALL | WRITES),
    "1-hour write": ("", {}, SMALL | WRITES),
    "1-hour write, 300k context": ("", {}, LARGE | WRITES),
}
UNLISTED = {"codex-auto-review", "gpt-5.3-codex-spark", "mock-gpt-alias"}


def listing_of(offered):
    return look_up(offered["id"], {seller_of(ROUTES[offered["owned_by"]], "", providers)})


def theirs(matched, context, tokens):
    """Pico-dollars as genai-prices counts them: in its terms, parts lie within their wholes."""
    count = dict.fromkeys(CLASSES, 0) | tokens
    written = count["cache_write"] + count["cache_write_1h"]
    used = Usage(
        input_tokens=count["uncached"] + count["cache_read"] + written,
        cache_read_tokens=count["cache_read"],
        cache_write_tokens=written,
        cache_write_1h_tokens=count["cache_write_1h"],
        output_tokens=count["output"] + count["reasoning"],
        output_reasoning_tokens=count["reasoning"],
    )
    seller, _, entry = matched.partition("/")
    provider = next(p for p in providers if p.id == seller)
    info = next(m for m in provider.models if m.id == entry)
    at = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
    return info.calc_price(used, provider, genai_request_timestamp=at, price_context=context).total_price * 10**12


@pytest.mark.parametrize("offered", OFFERED, ids=lambda offered: offered["id"])
def test_both_come_to_the_same(db, offered):
    listing, model = listing_of(offered), Model.objects.create(name=offered["id"])
    assert bool(listing.sets) is (model.name not in UNLISTED)
    if not listing.sets:
        return
    model.follow_catalogue(listing, "1", DAY)
    book = PriceBook.load()
    ours, wanted = {}, {}
    for name, (tier, context, tokens) in REQUESTS.items():
        count = dict.fromkeys(CLASSES, 0) | tokens
        size = sum(count.values()) - count["output"] - count["reasoning"]
        label, clock = book.labels(model.pk, "", size, 0)
        rates = book.rates(Charged(model.pk, "", tier, label, clock), day_number(DAY))
        ours[name] = Decimal(cost(rates, count.values(), successes=1))
        wanted[name] = theirs(listing.matched, context, tokens)
    assert ours == wanted


def test_no_model_is_left_out():
    assert len({offered["id"] for offered in OFFERED}) == 39
