"""Random records and random prices: every event, and the totals, cost what a second implementation says.

tests/usage/billing.py is that one, written from docs/accounting.md alone.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pricing.models import Adjustment as AdjustmentRow
from pricing.models import Model, PriceSet, RateCard, Revision, Route, adjusting
from pricing.models.scopes import value_in
from tests.usage.billing import CLASSES, INPUT, Adjustment, Card, Prices, World, bill
from tests.usage.executors import EXECUTORS
from tests.usage.made import DAY, HOUR, NOON, SECOND, record, scratch, stored
from usage.analytics.answers import PICO
from usage.analytics.events.rows import event_rows
from usage.analytics.overview import overview
from usage.models import MEASURES, Event
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.rollups.check import check
from usage.time.periods import Period

pytestmark = pytest.mark.django_db

EXAMPLES = 25  # hundreds were tried once; more only cost time once all is right
TODAY = date(2026, 11, 24)
MIDNIGHT, MINUTE = NOON - 12 * HOUR, 60 * SECOND
ALL = UsageFilter(Period(None, None))
ALICE, BOB = "sk-client-alice-0001", "sk-client-bob-0002"
ANN, UPSTREAM = "ann@example.com", "sk-upstream-0123456789"
MODELS = ("gpt-5", "glm-5")
PROVIDERS = (
    *sorted({*EXECUTORS.values()} - {""}),
    *("openai-compatible-claude-relay", "openai-compatibility", "relay", "Anthropic", "OpenRouter", "deepseek", "grok"),
    *("interactions", "acme", ""),
)
PLUGINS = ("AcmeExecutor", "MyClaudePluginExecutor", "claudeexecutor")
WORDS = ("", "auto", "default", "standard", "priority", "Priority", "fast", "FAST", "flex", "Flex", "batch", "BATCH")
TIERS = ("flex", "priority", "batch", "fast")
ENDPOINTS = ("POST /v1/responses", "GET /v1/responses", "POST /v1/messages", "POST /v1/chat/completions", "")
HOURS = ((16 * 60 + 30, 30), (60, 4 * 60))  # of the UTC day; the first lie over its midnight, the second before noon
STEPS = (50, 200)
LIMITS = [MIDNIGHT, *(MIDNIGHT - 8 * HOUR + limit * MINUTE for hours in HOURS for limit in hours), NOON]
MOMENTS = sorted({at + days * DAY + by for at in LIMITS for days in (-1, 0) for by in (-1, 0, 1)})
figure = st.sampled_from((0, 0, 1, 7, 50, 50, 51, 200, 200, 201, -3))
rate = st.integers(0, 9)
since = st.sampled_from((None, TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)))


@st.composite
def tokens(draw):
    """The figures of a record by their short names; the total is CPA's sum of some of them, or any."""
    names = ("input", "output", "reasoning", "cached", "cache_read", "cache_creation")
    found = {name: draw(figure) for name in names}
    if draw(st.booleans()):
        found["cached"] = draw(st.sampled_from((found["cache_read"], found["cache_creation"])))
    if draw(st.integers(0, 7)) == 0:
        found = dict.fromkeys(names, 0)
    of_total = draw(st.sampled_from(("io", "ior", "iowr", "iowrR", "any")))
    parts = {"i": "input", "o": "output", "r": "reasoning", "w": "cache_creation", "R": "cache_read"}
    found["total"] = draw(figure) if of_total == "any" else sum(found[parts[letter]] for letter in of_total)
    for name in draw(st.sampled_from(((), (), ("5m",), ("1h",), ("5m", "1h")))):
        found[f"cache_creation_{name}"] = draw(figure)
    return found


@st.composite
def breakdown(draw):
    """CPA's own classes: mostly complete and right, else of another quality or schema, or with a sum that is off."""
    parts = [draw(st.integers(0, 120)) for _ in range(6)]
    uncached, read, written, output, reasoning, rest = parts
    off = draw(st.sampled_from((0, 0, 0, 1)))
    return {
        "schema_version": draw(st.sampled_from((2, 2, 2, 1))),
        "quality": draw(st.sampled_from(("complete", "complete", "complete", "unclassified"))),
        "total_tokens": sum(parts),
        "input": {
            "total_tokens": uncached + read + written + off,
            "uncached_tokens": uncached,
            "cache_read_tokens": read,
            "cache_write_tokens": written,
        },
        "output": {
            "total_tokens": output + reasoning,
            "non_reasoning_tokens": output,
            "reasoning_tokens": reasoning,
        },
        "unclassified_tokens": rest,
    }


@st.composite
def fields(draw):
    """(time, fields) of a record."""
    executor = draw(st.sampled_from((*EXECUTORS, *PLUGINS)))
    provider = EXECUTORS.get(executor) if draw(st.booleans()) else None
    key, auth_type = draw(st.sampled_from((ALICE, BOB, ""))), draw(st.sampled_from(("oauth", "apikey", "")))
    accounts = (UPSTREAM,) if auth_type == "apikey" else (ANN, UPSTREAM)
    found = {
        "executor_type": executor,
        "provider": draw(st.sampled_from(PROVIDERS)) if provider is None else provider,
        "auth_type": auth_type,
        "auth_index": draw(st.sampled_from(("a1", "b2", ""))),
        "source": draw(st.sampled_from((*accounts, "", key))),
        "api_key": key,
        "endpoint": draw(st.sampled_from(ENDPOINTS)),
        "model": draw(st.sampled_from((*MODELS, "gpt-5", "gpt-5(high)"))),
        "alias": draw(st.sampled_from((*MODELS, "office", "office(max)", ""))),
        "service_tier": draw(st.sampled_from(WORDS)),
        "failed": draw(st.sampled_from((False, False, True))),
        "tokens": draw(tokens()),
    }
    for name, values in (
        ("request_service_tier", st.sampled_from(WORDS)),
        ("response_service_tier", st.sampled_from(WORDS)),
        ("token_breakdown", breakdown()),
    ):
        if draw(st.booleans()):
            found[name] = draw(values)
    return draw(st.sampled_from(MOMENTS)), found


@st.composite
def rates(draw):
    """The rates of a card: free, with derived ones, or all of them."""
    if draw(st.integers(0, 7)) == 0:
        return {"prompt": 0, "completion": 0}
    others = st.sampled_from(("cache_read", "cache_write", "cache_write_1h", "reasoning", "request"))
    return {name: draw(rate) for name in ("prompt", "completion", *sorted(draw(st.sets(others))))}


@st.composite
def cards(draw):
    """The cards of a set: each tier has one for all requests, and some for larger ones and for some hours."""
    found = []
    for tier in ("", *sorted(draw(st.sets(st.sampled_from(TIERS), max_size=2)))):
        steps = [0, *draw(st.sampled_from(((), STEPS[:1], STEPS[1:], STEPS)))]
        places = [(over, None) for over in steps]
        places += sorted(
            draw(st.sets(st.sampled_from([(over, hours) for over in steps for hours in HOURS]), max_size=2))
        )
        found += [Card(draw(rates()), tier, *place) for place in places]
    return found


SCOPES = {
    "": ("",),
    "api_key": (ALICE, BOB),
    "account": (ANN, UPSTREAM),
    "provider": (*EXECUTORS.values(), "openai-compatible-relay", "openai-compatible-acme", "acme"),
}
SCOPES["provider"] = tuple(sorted({*SCOPES["provider"]} - {""}))
SELLERS = ("zai", "groq")


@st.composite
def sets(draw, dates):
    """Sets of the catalogue or made by hand, for all usage or some, from each of the dates on."""
    by_hand = draw(st.booleans())
    if by_hand:
        scope = draw(st.sampled_from(("", "", *SCOPES)))
        value = draw(st.sampled_from(SCOPES[scope]))
    else:
        scope = draw(st.sampled_from(("", "seller")))
        value = draw(st.sampled_from(SELLERS)) if scope else ""
    model = draw(st.sampled_from(("gpt-5", *MODELS, "office")))
    return [Prices(model, draw(cards()), day, by_hand, scope, value) for day in draw(dates)]


@st.composite
def an_adjustment(draw):
    """A factor and a fee of a provider, an account or a client key."""
    scope = draw(st.sampled_from(("provider", "account", "api_key")))
    factor = Fraction(draw(st.sampled_from(("0", "0.3", "0.5", "1", "1.250001", "2"))))
    return Adjustment(scope, draw(st.sampled_from(SCOPES[scope])), factor, draw(rate), draw(since))


def place_of(each):
    """What no two sets, or adjustments, have in common."""
    if isinstance(each, Adjustment):
        return each.scope, each.value, each.since
    return each.model, each.by_hand, each.scope, each.value, each.since


@st.composite
def worlds(draw):
    """Prices, adjustments and routes."""
    dates = st.lists(since, min_size=1, max_size=3, unique=True)
    prices = draw(st.lists(sets(dates), min_size=2, max_size=5, unique_by=lambda found: place_of(found[0])[:-1]))
    route = st.tuples(st.sampled_from(SCOPES["provider"]), st.sampled_from(("a1", "b2")))
    return World(
        ZoneInfo(django_settings.TIME_ZONE),
        [each for found in prices for each in found],
        draw(st.sets(st.sampled_from(MODELS), max_size=1)),
        draw(st.lists(an_adjustment(), max_size=3, unique_by=place_of)),
        draw(st.dictionaries(route, st.sampled_from(SELLERS), max_size=6)),
    )


# --- The world as rows --------------------------------------------------------------------------------------------


def rows_of(prices):
    """An unsaved set, and its unsaved cards."""
    origin = PriceSet.origin.field.default if prices.by_hand else "catalogue"
    own = {"origin": origin, "scope": prices.scope, "scope_value": value_in(prices.scope, prices.value)}
    hours = [card.hours or (None, None) for card in prices.cards]
    return PriceSet(valid_from=prices.since, **own), [
        RateCard(tier=card.tier, context_over=card.over, hours_from=start, hours_to=end, **card.rates)
        for card, (start, end) in zip(prices.cards, hours, strict=True)
    ]


def row_of(adjustment):
    """An unsaved adjustment."""
    factor = Decimal(adjustment.factor.numerator) / adjustment.factor.denominator
    value = value_in(adjustment.scope, adjustment.value)
    return AdjustmentRow(
        scope=adjustment.scope, value=value, valid_from=adjustment.since, factor=factor, request=adjustment.fee
    )


def write(world):
    """Everything in the database, before any record is."""
    models = {name: Model.objects.create(name=name, catalogue_blocked=name in world.blocked) for name in MODELS}
    models["office"] = Model.objects.create(name="office")
    for prices in world.prices:
        price_set, price_cards = rows_of(prices)
        price_set.model = models[prices.model]
        price_set.save()
        price_set.write_cards(price_cards)
    for adjustment in world.adjustments:
        row_of(adjustment).save()
    for (provider, auth_index), seller in world.routes.items():
        Route.objects.create(provider=provider, auth_index=auth_index, seller=seller)
    Revision.bump()


def put(world, prices):
    """A set by the verb of the page, in place of the one that begins there; all history is costed again."""
    model = Model.objects.get(name=prices.model)
    price_set, price_cards = rows_of(prices)
    same = {name: getattr(price_set, name) for name in ("origin", "scope", "scope_value", "valid_from")}
    model.put_set(model.price_sets.filter(**same).first() or price_set, price_cards)
    others = [each for each in world.prices if place_of(each) != place_of(prices)]
    return replace(world, prices=[*others, prices])


def drop(world, prices):
    """Without a set."""
    price_set = rows_of(prices)[0]
    model = Model.objects.get(name=prices.model)
    same = {name: getattr(price_set, name) for name in ("origin", "scope", "scope_value", "valid_from")}
    model.drop_set(model.price_sets.get(**same))
    return replace(world, prices=[each for each in world.prices if each is not prices])


def adjust(world, adjustment):
    """An adjustment entered as people do."""
    row = row_of(adjustment)
    adjusting.enter(row.scope, row.value, row.valid_from, factor=row.factor, request=row.request)
    others = [each for each in world.adjustments if place_of(each) != place_of(adjustment)]
    return replace(world, adjustments=[*others, adjustment])


def clear(world, name):
    """The price of a model for all usage cleared: the catalogue's is blocked."""
    Model.objects.get(name=name).clear_price()
    left = [each for each in world.prices if not (each.model == name and each.by_hand and not each.scope)]
    return replace(world, prices=left, blocked={*world.blocked, name})


def changed(draw, world):
    """The world after a change of its prices, which is made in the database too."""
    kinds = ["put", "clear", "adjust", *(["drop"] if world.prices else [])]
    match draw(st.sampled_from(kinds)):
        case "put":
            return put(world, *draw(sets(st.tuples(since))))
        case "drop":
            return drop(world, draw(st.sampled_from(world.prices)))
        case "clear":
            return clear(world, draw(st.sampled_from(MODELS)))
    # Without a date the adjustment in force is altered, whichever day it is from.
    return adjust(world, replace(draw(an_adjustment()), since=TODAY))


# --- Both, compared -----------------------------------------------------------------------------------------------


def said(bills):
    """What the second implementation says of each record, in the order of the records."""
    return [
        {
            "input_tokens": each.classes["uncached"],
            "output_tokens": each.classes["output"] + each.classes["reasoning"],
            "reasoning_tokens": each.classes["reasoning"],
            "cached_tokens": each.classes["cache_read"],
            "cache_creation_tokens": sum(each.classes[name] for name in INPUT[2:]),
            "cache_creation_1h_tokens": each.classes["cache_write_1h"],
            "cost": None if each.cost is None else each.cost / PICO,
        }
        for each in bills
    ]


def found():
    """What the API says of each record, in the order of the records."""
    names = ("input", "output", "reasoning", "cached", "cache_creation", "cache_creation_1h")
    rows = sorted(event_rows(Event.objects.all()), key=lambda row: int(row.request_id))
    return [{f"{name}_tokens": getattr(row, f"{name}_tokens") for name in names} | {"cost": row.cost} for row in rows]


def agrees(raws, world):
    """Both say the same of every record and of all together."""
    bills = [bill(raw, world) for raw in raws]
    for raw, have, want in zip(raws, found(), said(bills), strict=True):
        assert have == want, (raw, world)
    stored_as = {int(id): rest for id, *rest in Event.objects.values_list("request_id", "series__tier", *CLASSES)}
    assert [stored_as[n] for n in range(len(raws))] == [[each.tier, *each.classes.values()] for each in bills]
    sums = dict(zip(MEASURES, Reader.of(ALL).total(), strict=True))
    wanted = {name: sum(each.classes[name] for each in bills) for name in CLASSES} | totals_of(bills)
    assert {name: sums[name] for name in wanted} == wanted
    assert overview(ALL).summary.cost == wanted["cost"] / PICO


def totals_of(bills):
    """The measures of all records that have to do with cost."""
    successes = [each for each in bills if not each.failed]
    return {
        "requests": len(bills),
        "total": sum(each.total for each in bills),
        "cost": sum(each.cost or 0 for each in bills),
        "unpriced_tokens": sum(each.total for each in bills if not each.priced),
        "unpriced_requests": sum(each.cost is None for each in successes),
        "without_tokens": sum(each.is_empty for each in successes),
    }


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds(), given_fields=st.lists(fields(), min_size=12, max_size=20), data=st.data())
def test_every_record_costs_what_the_document_says_before_and_after_a_change_of_prices(
    world, given_fields, data, django_db_setup
):
    raws = [record(at, request_id=str(n), **own) for n, (at, own) in enumerate(given_fields)]
    with scratch():
        write(world)
        half = len(raws) // 2
        for batch in (raws[:half], raws[half:]):
            stored(*batch, arrived=NOON + DAY)
        agrees(raws, world)
        agrees(raws, changed(data.draw, world))
        assert list(check()) == []
