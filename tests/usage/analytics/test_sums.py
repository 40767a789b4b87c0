"""The answers of analytics agree: the parts of each add up to the totals of the overview."""

import time
from datetime import datetime
from itertools import pairwise

import pytest

from pricing.models import Model
from tests.usage.made import record, stored
from tests.usage.traffic import store_history
from usage.analytics.accounts.accounts import accounts
from usage.analytics.accounts.credentials import credentials
from usage.analytics.breakdowns import breakdown, matrix
from usage.analytics.failures import failures
from usage.analytics.latency import latency, speeds
from usage.analytics.overview import Pace, overview, pace
from usage.analytics.timelines import timeline
from usage.analytics.tokenclasses import token_classes
from usage.models import Event
from usage.query.forms import UsageFilterForm
from usage.query.names import grouping_labels

pytestmark = pytest.mark.django_db


@pytest.fixture
def traffic():
    store_history(9, 600)


def filters_of(query):
    form = UsageFilterForm(query)
    assert form.is_valid(), form.errors
    return form.usage_filter()


QUERIES = [
    {"range": "all"},
    {"range": "7d"},
    {"range": "24h"},
    {"range": "7d", "result": "failed"},
    {"range": "30d", "provider": "claude"},
    {"range": "7d", "tier": "(none)", "reasoning_effort": "high"},
    {"range": "30d", "status": "429"},
    {"start": "2026-01-01T10:07:30", "end": "2027-01-01"},
]


def test_every_breakdown_adds_up_to_the_summary(traffic):
    for filters in map(filters_of, QUERIES):
        check_breakdowns(filters)


def check_breakdowns(filters):
    summary = overview(filters).summary
    for found in (breakdown(filters, name) for name in grouping_labels()):
        assert sum(row.figures.total for row in found.rows) == summary.total
        assert sum(row.figures.cost for row in found.rows) == pytest.approx(summary.cost, abs=1e-9)
    assert sum(cell.figures.total for cell in matrix(filters, "api_key", "model").cells) == summary.total


def test_the_layers_of_a_timeline_add_up_to_the_summary(traffic):
    for filters in map(filters_of, QUERIES):
        check_layers(filters)


def check_layers(filters):
    summary = overview(filters).summary
    whole = {"requests": summary.total, "tokens": summary.total_tokens, "cost": summary.cost}
    for measure, value in whole.items():
        found = timeline(filters, "model", measure)
        assert sum(layer.total for layer in found.layers) == pytest.approx(value, abs=1e-9)
        assert all(len(layer.values) == len(found.buckets) for layer in found.layers)
    edges = [datetime.fromisoformat(text) for text in (*found.buckets, found.end)]
    assert {(b - a).total_seconds() for a, b in pairwise(edges)} == {found.step}


@pytest.mark.parametrize("by", ["model", "source", "api_key", "provider"])
def test_the_layers_of_a_timeline_are_the_parts_of_the_breakdown(traffic, by):
    """What is kept ready for a value of a label says the same as the series that have it."""
    for filters in map(filters_of, QUERIES):
        parts = {row.key: row for row in breakdown(filters, by).rows}
        found = timeline(filters, by, "requests")
        named = {layer.key: (layer.label, layer.total) for layer in found.layers if layer.key is not None}
        assert named == {key: (parts[key].label, parts[key].figures.total) for key in named}
        assert len(parts) == len(named) + found.others


def test_the_buckets_of_a_timeline_are_those_of_the_overview(traffic):
    filters = filters_of({"range": "24h"})
    hours = {hour.bucket: hour.total for hour in overview(filters).hourly_series}
    found = timeline(filters, "provider", "requests")
    assert found.step == 3600
    assert (
        dict(zip(found.buckets, map(sum, zip(*(layer.values for layer in found.layers), strict=True)), strict=True))
        == hours
    )


def test_token_classes_cost_what_the_period_costs(traffic):
    for filters in map(filters_of, QUERIES):
        check_classes(filters)


def check_classes(filters):
    summary, classes = overview(filters).summary, {part.name: part for part in token_classes(filters).classes}
    assert sum(part.cost for part in classes.values()) == pytest.approx(summary.cost, abs=1e-9)
    assert classes["uncached"].tokens == summary.input_tokens
    assert classes["cache_read"].tokens == summary.cache_read_tokens
    assert classes["output"].tokens + classes["reasoning"].tokens == summary.output_tokens


def test_failures_are_all_counted(traffic):
    filters = filters_of({"range": "all"})
    found = failures(filters)
    assert found.total == sum(row.count for row in found.by_status) == overview(filters).summary.failed > 0


def test_accounts_are_those_of_the_api_with_a_day_in_half_hours(traffic):
    filters = filters_of({"range": "24h"})
    found = accounts(filters).items
    assert [account.about for account in found] == credentials(filters).items
    assert {len(account.strip) for account in found} == {48}
    assert any(account.quotas for account in found)


def test_a_hundredth_of_a_quota_costs_what_was_spent_since_its_window_began():
    now = int(time.time())
    headers = {
        "X-Codex-Primary-Used-Percent": ["20"],
        "X-Codex-Primary-Window-Minutes": ["300"],
        "X-Codex-Primary-Reset-At": [str(now + 3600)],
    }
    Model.objects.set_price("gpt-5", {"prompt": 10**7, "completion": 0})
    old, new = (now - 6 * 3600) * 1_000_000, (now - 1800) * 1_000_000
    tokens = {"input": 200_000, "output": 0, "reasoning": 0, "cached": 0, "total": 200_000}
    stored(record(old, tokens=tokens), record(new, tokens=tokens, response_headers=headers), arrived=now * 1_000_000)
    (quota,) = accounts(filters_of({"range": "7d"})).items[0].quotas
    assert (quota.window.used, quota.over) == (0.2, False)
    assert quota.usd_per_percent == pytest.approx(2.0 / 20)


def test_the_median_of_all_is_that_of_every_answer(traffic):
    filters = filters_of({"range": "all"})
    found, taken = (
        speeds(filters),
        sorted(Event.objects.filter(failed=False).values_list("latency_ms", flat=True)),
    )
    assert found.latency.count == len(taken)
    assert found.latency.p50 == pytest.approx(taken[len(taken) // 2], rel=0.15)
    assert sum(row.ttft.count for row in latency(filters).items) == found.ttft.count


def test_now_is_the_last_minute():
    now = int(time.time() * 1_000_000)
    stored(record(now - 10_000_000), record(now - 50_000_000), record(now - 70_000_000), arrived=now)
    assert pace(filters_of({"range": "all"})) == Pace(rpm=2, tpm=300)
