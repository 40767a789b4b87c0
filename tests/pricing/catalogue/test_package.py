"""The installed catalogue as we read it: which models are found, and what their cards are."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal as D

import pytest
from genai_prices.data import providers
from genai_prices.types import ConditionalPrice as Since
from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, StartDateConstraint, Tier, TieredPrices
from genai_prices.types import TimeOfDateConstraint as Between

from pricing.catalogue.listings import Card, DatedCards, Listing
from pricing.catalogue.matching import seller_of
from pricing.catalogue.package import LEFT_OUT, ODD_HOURS, look_up, price_sets
from pricing.models import RateCard
from pricing.precedence import latest
from pricing.rates import cost
from tests import FIXTURES

MODELS = FIXTURES / "cpa/http/models.json"
ROUTES = {"google": "gemini", "anthropic": "claude", "openai": "codex", "mockai": "openai-compatible-mock"}
USD = 1_000_000
NOV_10 = date(2026, 11, 10)


def tiered(base, *tiers):
    return TieredPrices(base=D(base), tiers=[Tier(start=start, price=D(price)) for start, price in tiers])


def sets(prices, *variants):
    return price_sets(ModelInfo(id="m", match=None, prices=prices, price_variants=list(variants)))


def without_offers(listing):
    return listing._replace(offers=())


def one_set(*cards, note=""):
    return (DatedCards(None, cards, note),)


# --- Which models are found ---------------------------------------------------------------------------------------


def test_all_but_three_of_a_real_model_list_are_priced():
    offered = {model["id"]: ROUTES[model["owned_by"]] for model in json.loads(MODELS.read_text())["body"]["data"]}
    found = {name: look_up(name, {seller_of(route, "", providers)}) for name, route in offered.items()}
    assert {name: listing.matched for name, listing in found.items() if listing.sets} == {
        "claude-3-5-haiku-20241022": "anthropic/claude-3-5-haiku-latest",
        "claude-3-7-sonnet-20250219": "anthropic/claude-3-7-sonnet-latest",
        "claude-fable-5": "anthropic/claude-fable-5",
        "claude-haiku-4-5-20251001": "anthropic/claude-haiku-4-5",
        "claude-opus-4-1-20250805": "anthropic/claude-opus-4-1",
        "claude-opus-4-20250514": "anthropic/claude-opus-4-0",
        "claude-opus-4-5-20251101": "anthropic/claude-opus-4-5",
        "claude-opus-4-6": "anthropic/claude-opus-4-6",
        "claude-opus-4-7": "anthropic/claude-opus-4-7",
        "claude-opus-4-8": "anthropic/claude-opus-4-8",
        "claude-opus-5": "anthropic/claude-opus-5",
        "claude-sonnet-4-20250514": "anthropic/claude-sonnet-4-0",
        "claude-sonnet-4-5-20250929": "anthropic/claude-sonnet-4-5",
        "claude-sonnet-4-6": "anthropic/claude-sonnet-4-6",
        "claude-sonnet-5": "anthropic/claude-sonnet-5",
        "gemini-2.5-flash": "google/gemini-2.5-flash",
        "gemini-2.5-flash-lite": "google/gemini-2.5-flash-lite",
        "gemini-2.5-pro": "google/gemini-2.5-pro",
        "gemini-3-flash-preview": "google/gemini-3-flash-preview",
        "gemini-3-pro-image-preview": "google/gemini-3-pro-image-preview",
        "gemini-3-pro-preview": "google/gemini-3-pro-preview",
        "gemini-3.1-flash-image-preview": "google/gemini-3.1-flash-image-preview",
        "gemini-3.1-flash-lite-preview": "google/gemini-3.1-flash-lite",
        "gemini-3.1-pro-preview": "google/gemini-3.1-pro-preview",
        "gemini-3.5-flash": "google/gemini-3.5-flash",
        "gemini-3.5-flash-lite": "google/gemini-3.5-flash-lite",
        "gemini-3.6-flash": "google/gemini-3.6-flash",
        "gemini-3.7-flash": "google/gemini-3.7-flash",
        "gpt-5.4": "openai/gpt-5.4",
        "gpt-5.4-mini": "openai/gpt-5.4-mini",
        "gpt-5.5": "openai/gpt-5.5",
        "gpt-5.6-luna": "openai/gpt-5.6-luna",
        "gpt-5.6-sol": "openai/gpt-5.6-sol",
        "gpt-5.6-terra": "openai/gpt-5.6-terra",
        "gpt-image-1.5": "openai/gpt-image-1.5",
        "gpt-image-2": "openai/gpt-image-2",
    }
    unknown = Listing(reason="The catalogue lists no model of this name.")
    assert {name: listing for name, listing in found.items() if not listing.sets} == dict.fromkeys(
        ("codex-auto-review", "gpt-5.3-codex-spark", "mock-gpt-alias"), unknown
    )


def test_what_openrouter_gives_away_costs_nothing():
    free = one_set(Card("", 0, 0, 0))
    name = "moonshotai/kimi-k2:free"  # no longer listed
    assert look_up(name, {"openrouter"}) == Listing(f"openrouter/{name}", free)
    listed = "agentica-org/deepcoder-14b-preview:free"
    assert look_up(listed, set()) == Listing(f"openrouter/{listed}", free)


def test_a_model_listed_without_rates_is_unpriced_and_says_so():
    reason = "The catalogue lists it as github-copilot/gpt-4o without a price per token."
    assert without_offers(look_up("gpt-4o", {"github-copilot"})) == Listing("github-copilot/gpt-4o", (), reason)


@pytest.mark.parametrize(
    ("model", "matched", "tokens"), [("glm-4.6", "zai/GLM-4.6", 72_200), ("glm-5", "zai/GLM-5", 116_000)]
)
def test_what_is_bought_at_an_address_has_that_sellers_price(model, matched, tokens):
    seller = seller_of("claude", "https://api.z.ai/api/anthropic", providers)
    found = look_up(model, {seller})
    assert (found.matched, [offer.matched for offer in found.offers]) == (matched, [matched])
    rates = RateCard(**found.sets[-1].cards[0]._asdict()).rates
    assert cost(rates, [80_000, 20_000, 0, 0, 0, 10_000, 0, 0]) == tokens * USD


def test_an_open_price_lists_its_candidates():
    found = look_up("llama-3.3-70b-instruct", set())
    assert (found.sets, len(found.candidates) > 1) == ((), True)
    picked = look_up("llama-3.3-70b-instruct", set(), chosen=found.candidates[1].matched)
    assert (picked.matched, picked.sets) == found.candidates[1][1:]


# --- What their cards are -----------------------------------------------------------------------------------------


def test_rates_are_read_and_derived_ones_left_out():
    assert sets(ModelPrice(input_mtok=D("1.25"), output_mtok=D(10))) == one_set(Card("", 0, 1_250_000, 10 * USD))
    price = ModelPrice(input_mtok=D(3), output_mtok=D(15), cache_read_mtok=D("0.3"), cache_write_mtok=D("3.75"))
    assert sets(price) == one_set(Card("", 0, 3 * USD, 15 * USD, 300_000, 3_750_000))
    price = ModelPrice(input_mtok=D(1), output_mtok=D(2), output_reasoning_mtok=D(3))
    assert sets(price) == one_set(Card("", 0, USD, 2 * USD, None, None, 3 * USD))


def test_rates_are_rounded_half_even_to_a_millionth_of_a_dollar():
    price = ModelPrice(input_mtok=D("0.0000005"), output_mtok=D("0.0000015"), cache_read_mtok=D("0.08333333333"))
    assert sets(price) == one_set(Card("", 0, 0, 2, 83_333))


def test_an_embedding_model_has_no_output_rate():
    assert sets(ModelPrice(input_mtok=D("0.02"))) == one_set(Card("", 0, 20_000, 0))


@pytest.mark.parametrize(
    "price",
    [
        ModelPrice(),
        ModelPrice(web_searches_kcount=D(5)),
        ModelPrice(input_mtok=D(20_000), output_mtok=D(1)),
        ModelPrice(input_mtok=D(1), requests_kcount=D(200_000)),
    ],
)
def test_without_possible_rates_there_is_no_set(price):
    assert sets(price) == ()


def test_a_step_prices_the_whole_request_and_completes_what_it_does_not_change():
    price = ModelPrice(input_mtok=tiered(1, (200_000, 2)), output_mtok=tiered(5, (200_000, 8)), cache_read_mtok=D(3))
    assert sets(price) == one_set(Card("", 0, USD, 5 * USD, 3 * USD), Card("", 200_000, 2 * USD, 8 * USD, 3 * USD))
    price = ModelPrice(input_mtok=tiered(1, (32_000, 2), (128_000, 3)), output_mtok=D(5))
    assert [card.context_over for card in sets(price)[0].cards] == [0, 32_000, 128_000]


def test_a_step_that_changes_nothing_is_left_out():
    price = ModelPrice(input_mtok=tiered(1, (32_000, 1), (128_000, 3)), output_mtok=D(5))
    assert [card.context_over for card in sets(price)[0].cards] == [0, 128_000]


def test_a_tier_is_completed_from_the_standard_price_at_the_same_step():
    price = ModelPrice(
        input_mtok=tiered(2, (200_000, 4)), output_mtok=D(10), cache_read_mtok=tiered("0.2", (200_000, "0.4"))
    )
    flex = PriceVariant(when={"service_tier": "flex"}, prices=ModelPrice(input_mtok=D(1), output_mtok=D(5)))
    assert sets(price, flex) == one_set(
        Card("", 0, 2 * USD, 10 * USD, 200_000),
        Card("", 200_000, 4 * USD, 10 * USD, 400_000),
        Card("flex", 0, USD, 5 * USD, 200_000),
        Card("flex", 200_000, USD, 5 * USD, 400_000),
    )


def test_priority_batch_and_fast_are_tiers_and_other_conditions_are_not():
    price = ModelPrice(input_mtok=D(2), output_mtok=D(4))
    variants = [
        PriceVariant(when=when, prices=ModelPrice(input_mtok=D(n), output_mtok=D(n)))
        for n, when in enumerate(
            ({"processing": "batch"}, {"service_tier": "fast"}, {"speed": "fast"}, {"service_tier": "default"}), 1
        )
    ]
    base, batch, fast = Card("", 0, 2 * USD, 4 * USD), Card("batch", 0, USD, USD), Card("fast", 0, 3 * USD, 3 * USD)
    assert sets(price, *variants) == one_set(base, batch, Card("priority", 0, 2 * USD, 2 * USD), fast)
    priority = PriceVariant(when={"service_tier": "priority"}, prices=ModelPrice(input_mtok=D(9), output_mtok=D(9)))
    assert sets(price, *variants, priority) == one_set(base, batch, Card("priority", 0, 9 * USD, 9 * USD), fast)


def test_a_dated_change_is_a_set_of_its_own_and_equal_rates_are_none():
    def since(price, *start):
        return Since(
            constraint=StartDateConstraint(date(*start)) if start else None,
            prices=ModelPrice(input_mtok=D(price), output_mtok=D(1)),
        )

    assert sets([since(1), since(2, 2026, 11, 10), since(2, 2026, 11, 20)]) == (
        DatedCards(None, (Card("", 0, USD, USD),)),
        DatedCards(NOV_10, (Card("", 0, 2 * USD, USD),)),
    )


def test_a_tier_that_begins_on_a_date_makes_a_set():
    batch = PriceVariant(
        when={"processing": "batch"}, prices=ModelPrice(input_mtok=D(1)), constraint=StartDateConstraint(NOV_10)
    )
    base = Card("", 0, 2 * USD, 4 * USD)
    assert sets(ModelPrice(input_mtok=D(2), output_mtok=D(4)), batch) == (
        DatedCards(None, (base,)),
        DatedCards(NOV_10, (base, Card("batch", 0, USD, 4 * USD))),
    )


def at_hours(start, end, prompt, completion):
    return Since(
        constraint=Between(start_time=start, end_time=end),
        prices=ModelPrice(input_mtok=D(prompt), output_mtok=D(completion)),
    )


ALL_DAY = Since(prices=ModelPrice(input_mtok=D(1), output_mtok=D(9)))


def test_a_price_of_some_hours_is_a_card_for_them_and_the_longest_lasting_holds_all_day():
    assert sets([ALL_DAY, at_hours(time(1), time(4, 15), 2, 3)]) == one_set(
        Card("", 0, USD, 9 * USD), Card("", 0, 2 * USD, 3 * USD, hours_from=60, hours_to=255)
    )
    assert sets([ALL_DAY, at_hours(time(16, 30), time(0, 30), 2, 3)]) == one_set(
        Card("", 0, USD, 9 * USD), Card("", 0, 2 * USD, 3 * USD, hours_from=990, hours_to=30)
    )
    assert sets([ALL_DAY, at_hours(time(1), time(20), 2, 3)]) == one_set(
        Card("", 0, 2 * USD, 3 * USD), Card("", 0, USD, 9 * USD, hours_from=1200, hours_to=60)
    )


def test_hours_are_read_in_utc_and_the_last_of_several_that_hold_counts():
    shanghai = timezone(timedelta(hours=8))
    assert sets(
        [ALL_DAY, at_hours(time(9, tzinfo=shanghai), time(12, tzinfo=shanghai), 2, 3), at_hours(time(2), time(4), 5, 6)]
    ) == one_set(
        Card("", 0, USD, 9 * USD),
        Card("", 0, 2 * USD, 3 * USD, hours_from=60, hours_to=120),
        Card("", 0, 5 * USD, 6 * USD, hours_from=120, hours_to=240),
    )


def test_hours_off_the_quarter_are_refused_and_said_so():
    assert sets([ALL_DAY, at_hours(time(1, 10), time(4), 2, 3)]) == one_set(Card("", 0, USD, 9 * USD), note=ODD_HOURS)


@pytest.mark.parametrize(("hour", "expected"), [(0, 4158), (2, 8316), (4, 4158), (6, 8316), (10, 4158)])
def test_deepseek_costs_less_off_peak(hour, expected):
    dated = look_up("deepseek-v4-pro", {"deepseek"}).sets[-1]
    cards = [RateCard(**card._asdict()) for card in dated.cards]
    card = max((c for c in cards if c.holds_at(hour * 60 + 4)), key=lambda card: card.hours_from is not None)
    assert cost(card.rates, [4000, 6000, 0, 0, 0, 700, 0, 0]) == expected * USD


def test_a_fee_for_each_request_is_read():
    assert sets(ModelPrice(input_mtok=D(1), output_mtok=D(2), requests_kcount=D(12))) == one_set(
        Card("", 0, USD, 2 * USD, request=12_000_000_000)
    )
    assert sets(ModelPrice(requests_kcount=D(5))) == one_set(Card("", 0, 0, 0, request=5_000_000_000))


def test_writes_that_are_kept_for_an_hour_have_a_rate_of_their_own():
    price = ModelPrice(input_mtok=D(1), output_mtok=D(2), cache_write_mtok=D("1.25"), cache_write_1h_mtok=D(2))
    assert sets(price) == one_set(Card("", 0, USD, 2 * USD, cache_write=1_250_000, cache_write_1h=2 * USD))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"web_searches_kcount": 10}, "web searches"),
        ({"input_audio_mtok": 10, "cache_audio_read_mtok": 1, "web_searches_kcount": 10}, "audio and web searches"),
        (
            {"output_image_mtok": 1, "input_video_mtok": 1, "input_text_mtok": 1, "input_audio_mtok": 0},
            "images, input text and video",
        ),
    ],
)
def test_what_records_give_no_quantity_of_is_named(others, words):
    price = ModelPrice(input_mtok=D(1), output_mtok=D(1), **{key: D(value) for key, value in others.items()})
    assert sets(price) == one_set(Card("", 0, USD, USD), note=LEFT_OUT.format(words))


@pytest.mark.parametrize("name", ["chat", "reasoner", "flash", "v4-flash", "v4-pro"])
@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 8, 16), date(2026, 8, 17), date(2026, 11, 28)])
def test_every_quarter_of_a_day_costs_what_the_catalogue_says_then(name, day):
    deepseek = next(provider for provider in providers if provider.id == "deepseek")
    info = next(model for model in deepseek.models if model.id == f"deepseek-{name}")
    dated = latest(price_sets(info), day)
    cards = [RateCard(**card._asdict()) for card in dated.cards if not card.tier]
    for minute in range(0, 24 * 60, 15):
        price = info.get_prices(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=UTC))
        card = max((c for c in cards if c.holds_at(minute)), key=lambda card: card.hours_from is not None)
        wanted = [price.input_mtok, price.output_mtok, price.cache_read_mtok]
        assert [card.prompt, card.completion, card.cache_read] == [value * USD for value in wanted]
