"""<base>/metrics, read with the client library's own parser: what it says, what it costs, and that counters rise."""

import gzip
import math
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_q.models import Task
from prometheus_client.parser import text_string_to_metric_families

from cpa_usage.incidents import Incident
from cpa_usage.management.commands.plantasks import OURS
from pricing.tokenclasses import CLASSES
from tests.usage.api.conftest import CAPTURED, spread, store
from usage.models import DrainState, Event, Gap, Series
from usage.tasks import retention

pytestmark = pytest.mark.django_db
NOW = 1_795_494_600_000_000
PROMETHEUS = {
    "User-Agent": "Prometheus/2.42.0",
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
    "Host": "127.0.0.1:8318",
}


def scraper(**more):
    return Client(headers=PROMETHEUS, SERVER_PROTOCOL="HTTP/1.1", **more)


def families():
    reply = scraper().get("/metrics")
    assert (reply.status_code, reply["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    text = (gzip.decompress(reply.content) if "Content-Encoding" in reply else reply.content).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.name not in found, "a family comes twice"
        found[family.name] = family
    return found


def samples():
    """{(name, labels): value}; no sample comes twice, for Prometheus would take none at all."""
    found = {}
    for family in families().values():
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            assert not math.isnan(sample.value)
            found[key] = sample.value
    return found


def of(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


def total(found, name):
    return sum(value for (each, _), value in found.items() if each == name)


@pytest.fixture
def captured(client, set_clock):
    set_clock(NOW)
    client.put(
        "/api/v1/pricing",
        {"model": "gpt-5", "prompt_price_per_1m": 1.25, "completion_price_per_1m": 10, "cache_price_per_1m": 0.125},
        content_type="application/json",
    )
    return store(CAPTURED)


def test_an_empty_database_has_every_metric_that_needs_no_data():
    found = samples()
    assert of(found, "cpa_usage_requests_total") == of(found, "cpa_usage_records_stored_total") == 0
    assert of(found, "cpa_usage_drain_alive") == of(found, "cpa_usage_ready") == 0
    assert of(found, "cpa_usage_incidents", kind="spool") == 0


def test_counters_are_the_numbers_of_the_api(client, captured):
    found, summary = samples(), client.get("/api/v1/usage/overview?range=all").json()["summary"]
    assert of(found, "cpa_usage_requests_total") == summary["total"] == len(captured)
    assert of(found, "cpa_usage_failures_total") == summary["failed"]
    assert of(found, "cpa_usage_unpriced_requests_total") == summary["unpriced_requests"]
    assert of(found, "cpa_usage_cost_usd") == pytest.approx(summary["cost"])
    assert of(found, "cpa_usage_tokens_total", **{"class": "uncached"}) == summary["input_tokens"]
    for word in ("model", "provider", "account"):
        for name in ("requests_total", "failures_total", "tokens_total", "cost_usd"):
            whole = total(found, f"cpa_usage_{name}")
            assert total(found, f"cpa_usage_{word}_{name}") == pytest.approx(whole), (word, name)
    for row in client.get("/api/v1/usage/breakdown?range=all&by=model").json()["rows"]:
        assert of(found, "cpa_usage_model_requests_total", model=row["label"]) == row["figures"]["total"]
        assert of(found, "cpa_usage_model_cost_usd", model=row["label"]) == pytest.approx(row["figures"]["cost"])
    classes = {dict(labels)["class"] for (name, labels) in found if name == "cpa_usage_tokens_total"}
    assert classes == set(CLASSES)


def test_the_state_of_the_drain_and_the_tasks(captured):
    now = timezone.now()
    DrainState.objects.update(
        heartbeat_at=now, last_pop_at=now, mode="pop", lag_ms=180, spool_files=2, spool_bytes=4096, total_deduped=3
    )
    Gap.record(now - timedelta(hours=2), now - timedelta(hours=1), "away")
    Incident.begin("spool", "full")
    for number, success in enumerate((True, True, False)):
        Task.objects.create(
            id=str(number),
            name=str(number),
            func="f",
            group=f"{OURS}retention",
            started=now,
            stopped=now,
            success=success,
        )
    found = samples()
    assert of(found, "cpa_usage_records_stored_total") == len(captured)
    assert of(found, "cpa_usage_records_duplicate_total") == 3
    assert of(found, "cpa_usage_lag_seconds") == 0.18
    assert [of(found, f"cpa_usage_spool_{name}") for name in ("files", "bytes")] == [2, 4096]
    assert [of(found, "cpa_usage_queue_mode", mode=mode) for mode in ("pop", "subscribe", "http")] == [1, 0, 0]
    assert [of(found, "cpa_usage_gaps", state=state) for state in ("standing", "dismissed")] == [1, 0]
    assert [of(found, "cpa_usage_incidents", kind=kind) for kind in ("spool", "queue")] == [1, 0]
    assert of(found, "cpa_usage_drain_alive") == 1 and of(found, "cpa_usage_ready") == 0
    assert of(found, "cpa_usage_task_results", task="retention", result="success") == 2
    assert of(found, "cpa_usage_task_last_timestamp_seconds", task="retention", result="failure") == now.timestamp()
    assert of(found, "cpa_usage_database_bytes") > 0
    assert of(found, "cpa_usage_heartbeat_timestamp_seconds") == now.timestamp()


@pytest.mark.django_db(transaction=True)
def test_counters_stay_when_retention_removes_the_requests(captured, set_clock, settings):
    before = samples()
    set_clock(NOW + 90 * 86_400 * 10**6)
    settings.USAGE_RETENTION_DAYS = 7
    retention()
    assert not Event.objects.exists()
    after = samples()
    counters = {key: value for key, value in before.items() if key[0].endswith(("_total", "_cost_usd"))}
    assert {key: after.get(key) for key in counters} == counters
    for times in (1, 2):  # records that come late, once and again
        store(CAPTURED)
        assert of(samples(), "cpa_usage_records_dead_total") == 0
        assert of(samples(), "cpa_usage_records_too_late_total") == len(captured) * times


def test_a_flood_of_names_is_one_series_and_only_rises(captured, settings):
    named = {labels for (name, labels) in samples() if name == "cpa_usage_model_requests_total"}
    settings.METRICS_MAX_VALUES = 2
    cut = samples()
    left = {dict(labels)["model"] for (name, labels) in cut if name == "cpa_usage_model_requests_total"}
    assert len(named) > 3 and len(left) == 3 and "(other)" in left
    assert total(cut, "cpa_usage_model_requests_total") == of(cut, "cpa_usage_requests_total")
    store([CAPTURED[-1].replace(b'"request_id":"', b'"request_id":"f')])
    after = samples()
    assert all(after[key] >= value for key, value in cut.items() if key[0].endswith("_total"))


def test_accounts_of_one_name_are_one_series(captured):
    Series.objects.exclude(source="").update(source_display="shared")
    found = samples()
    assert total(found, "cpa_usage_account_requests_total") == of(found, "cpa_usage_requests_total")
    assert of(found, "cpa_usage_account_requests_total", account="shared") > 0


def test_a_scrape_costs_the_same_however_much_is_stored(captured, django_assert_num_queries):
    samples()
    for _ in range(2):
        with django_assert_num_queries(11 + (connection.vendor == "postgresql")):  # which is asked for its size
            samples()
        store(spread())
    assert of(samples(), "cpa_usage_requests_total") > len(captured)


def test_durations_are_counted_by_route_and_never_by_path():
    name, labels = "cpa_usage_http_request_duration_seconds_count", {"method": "GET", "status": "4xx"}
    key = (name, tuple(sorted({**labels, "route": "api/v1/usage/events/<event_key>"}.items())))
    client = Client()
    before = samples().get(key, 0)
    for number in range(3):
        client.get(f"/api/v1/usage/events/sk-secret-{number}")
    client.generic("BREW", "/api/v1/ping")
    found = samples()
    assert found[key] - before == 3
    assert not any("sk-secret" in str(each) or "BREW" in str(each) for each in found)


def test_head_and_nothing_else(client):
    assert scraper().head("/metrics").status_code == 200
    assert scraper().post("/metrics").status_code == 405


def test_counters_are_those_of_the_database_not_of_the_process(captured):
    before = samples()
    call_command("rebuildrollups", stdout=StringIO())
    assert of(samples(), "cpa_usage_requests_total") == of(before, "cpa_usage_requests_total")
