"""The database that is asked: fixed records, the captured installation, prices and names, at a fixed moment.

All that is known here of how the project is built inside stands in the functions at the end.
"""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection

from simulator import Catalog, Simulator

HERE = Path(__file__).parent
RECORDS = HERE / "records.jsonl.gz"
CAPTURED = HERE.parent / "fixtures" / "cpa"
NOW = datetime(2026, 11, 24, 4, 7, 31, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
API = "/api/v1"
BATCH = 400  # retries of one request lie in several batches, too
KEPT_DAYS = 10
LOGGED = ("a07802d8", "00000000")  # requests of which CPA is asked for its log: it knows the first

EARLY_PRICES = {
    "claude-sonnet-4-5-20250929": {"prompt": 3, "completion": 15, "cache": 0.3, "cache_write": 3.75},
    "claude-haiku-4-5-20251001": {"prompt": 1, "completion": 5, "cache": 0.1, "cache_write": 1.25},
    "gemini-2.5-flash": {"prompt": 0.3, "completion": 2.5, "cache": 0.075, "reasoning": 3.5},
    "gpt-5": {"prompt": 1.25, "completion": 10, "cache": 0.125},
    "moonshotai/kimi-k2:free": {},
}
LATE_PRICES = {
    "gpt-5-mini": {"prompt": 0.25, "completion": 2, "cache": 0.025},
    "gpt-5.1-codex": {"prompt": 1.234567, "completion": 9.876543, "cache": 0.111111, "cache_write": 0.7},
    "never-used-model": {"prompt": 7, "completion": 8},
}
DATED_PRICES = [
    ("gpt-5", "2026-11-01", {"prompt": 1.5, "completion": 11, "cache": 0.15}),
    ("gpt-5", "2026-11-18", {"prompt": 1.1, "completion": 9}),
    ("gpt-5", "2026-12-24", {"prompt": 99, "completion": 99}),
    ("grok-4", "2026-11-10", {"prompt": 3, "completion": 15, "cache": 0.75}),
]
LATE_DATED_PRICE = "gemini-2.5-flash", {"prompt": 0.2, "completion": 2, "cache": 0.05}, "2026-11-20"
# (model, origin, from when, cards of tier, context, prompt, completion, cache read, cache write, reasoning)
LATE_CARDS = (
    "gpt-5-codex",
    "manual",
    None,
    [
        ("", 0, 1_250_000, 10_000_000, 125_000, None, None),
        ("", 20_000, 2_500_000, 15_000_000, 250_000, None, 16_000_000),
        ("priority", 0, 2_000_000, 18_000_000, None, None, None),
        ("flex", 0, 625_000, 5_000_000, 62_500, 700_000, None),
    ],
)
OPUS_LATER = [
    ("", 0, 4_000_000, 20_000_000, 400_000, 5_000_000, None),
    ("", 50_000, 8_000_000, 30_000_000, None, None, None),
]
EARLY_CARDS = [
    ("claude-opus-4-5-20251101", "catalogue", None, [("", 0, 5_000_000, 25_000_000, 500_000, 6_250_000, None)]),
    ("claude-opus-4-5-20251101", "catalogue", "2026-11-05", OPUS_LATER),
    ("gemini-2.5-pro", "catalogue", None, [("", 0, 1_250_000, 10_000_000, None, None, None)]),
]
ALIASES = [
    ("sk-client-alice-0001", "Alice"),
    ("sk-client-团队-0003", "团队 · build server"),
    ("sk-client-ci-runner-0004", "=CI()"),
    ("sk-client-nobody-9999", "Never seen"),
    ("k8", "soon cleared"),
]


def fill(client, settings) -> dict:
    """Make the database what the golden replies are of; returns {address: reply} of what only a present CPA answers."""
    settings.USAGE_RETENTION_DAYS = 0
    for model, rates in EARLY_PRICES.items():
        _put_price(client, model, rates)
    for model, valid_from, rates in DATED_PRICES:
        _put_price(client, model, rates, valid_from)
    for model, origin, valid_from, cards in EARLY_CARDS:
        put_cards(model, origin, valid_from, cards)
    _name(client, *ALIASES[:2])
    records = records_of_file()
    for start in range(0, len(records), BATCH):
        store(records[start : start + BATCH])
    store([(NOW_US, raw) for raw in (CAPTURED / "records.jsonl").read_bytes().splitlines()])
    store(records[1000:1100])  # come again, they change nothing
    for model, rates in LATE_PRICES.items():
        _put_price(client, model, rates)
    _put_price(client, *LATE_DATED_PRICE)
    put_cards(*LATE_CARDS)
    _done(client.delete(f"{API}/pricing?model=gemini-2.5-pro"))
    _name(client, *ALIASES[2:], ("k8", ""))
    tell_the_planner()
    return _met_cpa(client, settings)


def tell_the_planner():
    """PostgreSQL's daemon does not see tables of a test; without statistics they seem empty, and plans are slow."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def records_of_file() -> list[tuple[int, bytes]]:
    """(arrival in µs, raw record) of the fixed records, in the order of their arrival."""
    lines = (line.split(b" ", 1) for line in gzip.decompress(RECORDS.read_bytes()).splitlines())
    return [(int(arrived), raw) for arrived, raw in lines]


def _put_price(client, model, rates, valid_from=None):
    body = {f"{name}_price_per_1m": rate for name, rate in rates.items()} | {"model": model, "valid_from": valid_from}
    _done(client.put(f"{API}/pricing", body, content_type="application/json"))


def _name(client, *names):
    for key, alias in names:
        _done(client.put(f"{API}/aliases", {"api_key": key, "alias": alias}, content_type="application/json"))


def _met_cpa(client, settings):
    """Let the lists of a simulated CPA be read, and ask for logs; afterwards CPA is away."""
    away = settings.CPA_BASE_URL, settings.CPA_MANAGEMENT_KEY
    logs = {}
    with Simulator(catalog=_installation()) as cpa:
        settings.CPA_BASE_URL, settings.CPA_MANAGEMENT_KEY = cpa.base_url, cpa.management_key
        cpa.request_log = True
        cpa.push(*(CAPTURED / "records.jsonl").read_bytes().splitlines())
        _done(client.post(f"{API}/sync"))
        for address in (f"{API}/usage/events/{request_id}/log{raw}" for request_id in LOGGED for raw in ("", "/raw")):
            logs[f"{address}#cpa"] = client.get(address)
    settings.CPA_BASE_URL, settings.CPA_MANAGEMENT_KEY = away
    return logs


def _installation():
    """Accounts and keys of the simulated traffic, and of the captures as CPA told about them."""
    catalog = Catalog.default()
    catalog.auth_files += _told("auth-files")["files"]
    for name in catalog.providers:
        catalog.providers[name] = (catalog.providers[name] or []) + (_told(name)[name] or [])
    return catalog


def _told(name):
    return json.loads((CAPTURED / "http" / f"management-{name}.json").read_text())["json"]


def _done(reply):
    assert reply.status_code == 200, (reply.status_code, reply.content)


# --- How the project is built inside --------------------------------------------------------------------------------


def store(batch: list[tuple[int, bytes]]):
    """Store (arrival in µs, raw record) as the drain does."""
    from usage.ingest.writer import Writer

    Writer().store(batch)


def put_cards(name: str, origin: str, valid_from: str | None, cards: list[tuple]):
    """Give a model a price that the API cannot: of several tiers and context sizes, or of the catalogue."""
    from pricing.models import Model, PriceSet, RateCard

    names = ("tier", "context_over", "prompt", "completion", "cache_read", "cache_write", "reasoning")
    made = [RateCard(**dict(zip(names, card, strict=True))) for card in cards]
    model, _ = Model.objects.get_or_create(name=name)
    model.put_set(PriceSet(origin=origin, valid_from=valid_from, matched="", note="golden"), made)


def expire(settings):
    """Drop the detail that is older than KEPT_DAYS, without pauses."""
    from usage.rollups.retention import expire

    settings.USAGE_RETENTION_DAYS = KEPT_DAYS
    assert expire(pause=lambda seconds: None).events > 1000
