"""A flood of labels: no page and no list grows with it, each says how many there are, and the sums stay right."""

import re
import time

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver, reverse

from aliases.models import ApiKey
from pricing.models import Model
from tests.faults.flood import fill
from tests.golden.seed import tell_the_planner
from tests.usage.traffic import store_history
from usage.models import Event
from usage.query.reader import MANY

pytestmark = pytest.mark.django_db
VALUES, ACCOUNTS, PROVIDERS = MANY + 1000, 1100, 300
# The admin's lists have a hundred rows, those of the API five hundred.
MOST_BYTES, MOST_BYTES_OF_API, MOST_QUERIES, MOST_ROWS = 500_000, 1_000_000, 100, 1000
# Files of all that was asked for, what CPA answers, and what is too large by itself: the description of the API.
ELSEWHERE = {"export", "edit_key", "usage_export", "request_log", "schema", "docs"}
RANGE = "?range=7d"


@pytest.fixture
def flooded():
    """The traffic of a few labels, then the flood."""
    store_history(2, 300)
    fill(VALUES, ACCOUNTS, PROVIDERS, int(time.time()) - 60)
    tell_the_planner()


def patterns(resolver, before=""):
    """(address, name) of every address of the product, the admin's own left out."""
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLPattern):
            yield path, each.name
        elif getattr(each, "app_name", None) != "admin":
            yield from patterns(each, path)


def addresses():
    """Every address that is read and names nothing but an event, and every list of the admin."""
    last = Event.objects.newest_first().first()
    event, busy = last.key, last.series.auth_index
    for path, name in patterns(get_resolver()):
        address = re.sub(r"<(\w+:)?event_key>", event, path)
        if name not in ELSEWHERE and not re.search(r"[<(]", address):
            yield f"/{address}" + (f"?account={busy}" if path.endswith("usage/account") else "")
    for table in admin.site._registry:
        name = f"admin:{table._meta.app_label}_{table._meta.model_name}_changelist"
        yield reverse(name).removeprefix(settings.APP_BASE_PATH)


def lists_of(value):
    """Every list in a JSON value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [value] if isinstance(value, list) else []
    return found + [each for part in inside for each in lists_of(part)]


def faults(client, path):
    """What is wrong with the answer of an address; nothing where it is not to be read."""
    with CaptureQueriesContext(connection) as queries:
        reply = client.get(path)
    if reply.status_code in {302, 401, 405}:
        return []
    found = [] if reply.status_code in {200, 503} else [f"{path} answers {reply.status_code}"]
    size, is_api = len(reply.content), reply["Content-Type"].startswith("application/json")
    if size > (MOST_BYTES_OF_API if is_api or path.startswith("/admin/") else MOST_BYTES):
        found.append(f"{path} has {size:,} bytes")
    if len(queries) > MOST_QUERIES:
        found.append(f"{path} takes {len(queries)} queries")
    longest = max(map(len, lists_of(reply.json())), default=0) if is_api else reply.text.count("<tr")
    return [*found, f"{path} has {longest:,} rows"] if longest > MOST_ROWS else found


def test_no_page_and_no_list_grows_with_what_is_sent(admin_client, flooded):
    visited = list(addresses())
    assert {"/", "/analysis/", "/prices/", "/api/v1/usage/breakdown", "/admin/pricing/model/"} <= set(visited)
    assert [fault for path in visited for fault in faults(admin_client, path)] == []
    pages_say_how_many(admin_client)
    lists_say_how_many(admin_client)
    sums_are_right(admin_client)


def pages_say_how_many(client):
    models, keys = Model.objects.count(), ApiKey.objects.real().count()
    last = ApiKey.objects.latest("id")
    for path, said in {
        "/prices/": f"1–100 of {models:,}",
        "/keys/": f"1–100 of {keys:,}",
        "/keys/?page=3": f"201–300 of {keys:,}",
        "/prices/?q=flooded-model-00012": "1–10 of 10",
        "/accounts/": "The largest 100 of",
        f"/analysis/{RANGE}": f"{models - 100} others",
        "/filters/": f"any of {models:,}",
        "/filters/choices/?label=model&model=model-000123": "flooded-model-000123",
        "/filters/?model=flooded-model-010999": 'value="flooded-model-010999" checked',
        f"/filters/?api_key={last.fingerprint}": f'value="{last.fingerprint}" checked > {last.mask} </label>',
    }.items():
        assert said in re.sub(r"\s+", " ", client.get(path).text), path


def lists_say_how_many(client):
    models = Model.objects.count()
    for path, name, count, total in (
        (f"usage/breakdown{RANGE}", "rows", 500, models),
        (f"usage/breakdown{RANGE}&limit=7", "rows", 7, models),
        (f"usage/latency{RANGE}", "items", 500, None),
        (f"usage/coverage{RANGE}", "unpriced", 500, None),
        (f"usage/analysis{RANGE}", "by_model", 500, models),
        (f"usage/events/filters{RANGE}", "models", 500, models),
        ("models/used", "items", 500, models),
        ("models/used?q=flooded-model-0001&limit=9&offset=3", "items", 9, 100),
        ("aliases", "items", 500, ApiKey.objects.real().count()),
        ("auth-files", "items", 500, ACCOUNTS),
        ("usage/accounts", "items", 100, None),
    ):
        found = client.get(f"/api/v1/{path}").json()
        assert len(found[name]) == count, path
        assert found["totals"][name] == total or (total is None and found["totals"][name] > count), path
    for limit in ("0", "2001", "many"):
        refusal = client.get(f"/api/v1/usage/breakdown?limit={limit}")
        assert (refusal.status_code, refusal.json()["field"]) == (400, "limit")


def sums_are_right(client):
    start, end = Event.objects.order_by("timestamp").first().timestamp, int(time.time())
    custom = f"?start={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(start // 10**6 + 3333))}"
    custom += f"&end={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(end - 3333))}"
    for query in (RANGE, f"{RANGE}&result=success", custom):
        whole = client.get(f"/api/v1/usage/overview{query}").json()["summary"]
        for by in ("model", "api_key", "requested_model"):
            found = client.get(f"/api/v1/usage/breakdown{query}&by={by}").json()
            parts = [found["others"], *(row["figures"] for row in found["rows"])]
            for name in ("total", "failed", "total_tokens", "unpriced_tokens", "client_requests"):
                assert sum(part[name] for part in parts) == whole[name], (query, by, name)
        for measure, name in (("requests", "total"), ("tokens", "total_tokens"), ("cost", "cost")):
            chart = client.get(f"/api/v1/usage/timeline{query}&by=model&measure={measure}").json()
            assert sum(layer["total"] for layer in chart["layers"]) == pytest.approx(whole[name]), (query, measure)
        costs = client.get(f"/api/v1/usage/token-classes{query}").json()["classes"]
        assert sum(part["cost"] for part in costs) == pytest.approx(whole["cost"])
