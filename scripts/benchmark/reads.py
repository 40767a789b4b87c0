"""Times every GET endpoint as a client sees it: one request after another over one kept connection."""

import http.client
import json
import math
import statistics
import time
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

API = "/usage/api/v1"
RANGES = ("24h", "7d", "30d", "all")
FILTERED = ("usage/overview", "usage/analysis", "usage/credentials", "usage/events/filters", "usage/events")
PLAIN = (
    *("ping", "version", "auth/session", "status", "auth-files", "provider-metadata", "models/used", "pricing"),
    *("aliases", "aliases/export"),
)
WARM_UP = 2
SAID = 160  # characters of an error body that the filter compares
NOTHING = "(none)"  # what it names an empty label by


class Timing(NamedTuple):
    """Milliseconds from the question to the last byte of the answer, of so many requests."""

    path: str
    query: str
    median: float
    p99: float
    requests: int
    bytes: int


class Client:
    """One kept connection."""

    def __init__(self, base_url: str):
        self._connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=120)

    def get(self, path: str, **headers) -> tuple[int, bytes, dict]:
        """(status, body, headers). A connection that the server closed meanwhile is made again, as browsers do."""
        try:
            reply = self._ask(path, headers)
        except http.client.RemoteDisconnected:
            self._connection.close()
            reply = self._ask(path, headers)
        return reply.status, reply.read(), dict(reply.headers)

    def _ask(self, path, headers):
        self._connection.request("GET", path, headers={"Accept": "application/json", **headers})
        return self._connection.getresponse()

    def time(self, path: str, query: str, requests: int, **headers) -> Timing:
        """Ask again and again; an answer that is no success stops everything."""
        took, address = [], f"{path}?{query}" if query else path
        for i in range(WARM_UP + requests):
            began = time.perf_counter()
            status, body, _ = self.get(address, **headers)
            if i >= WARM_UP:
                took.append((time.perf_counter() - began) * 1000)
            if status not in (200, 304):
                raise SystemExit(f"{address} answered {status}: {body[:300]!r}")
        return Timing(path, query, statistics.median(took), percentile(took, 0.99), requests, len(body))


def percentile(values: list[float], share: float) -> float:
    """The value that so large a share of all is not above."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


def measure(base_url: str, requests: int):
    """Timings of every endpoint, range and filter; yields each when it is done."""
    client = Client(base_url)
    yield client.time("/usage/", "", requests)
    for name in PLAIN:
        yield client.time(f"{API}/{name}", "", requests)
    for query in ("", "year=2026", f"day={time.strftime('%Y-%m-%d', time.localtime(time.time() - 86_400))}"):
        yield client.time(f"{API}/usage/health", query, requests)
    filters = [{}, *_filters(client)]
    for name in FILTERED:
        for span in RANGES:
            for chosen in filters:
                yield client.time(f"{API}/{name}", urlencode({"range": span, **chosen}), requests)
    yield from _deep_pages(client, filters, requests)
    yield _unchanged(client, requests)


def _filters(client) -> list[dict]:
    """The busiest model, source, key and provider; failures; two labels of few events or many; what events know."""
    analysis = json.loads(client.get(f"{API}/usage/analysis")[1])
    accounts = json.loads(client.get(f"{API}/usage/credentials")[1])
    failures = json.loads(client.get(f"{API}/usage/events?result=failed&page_size=1000")[1])["items"]
    failure = next(each for each in failures if each["fail_status_code"] and each["fail_body"])
    model, source = analysis["by_model"][0]["model"], accounts["items"][0]["source"]
    provider = accounts["items"][0]["provider"]
    return [
        {"model": model},
        {"source": source},
        {"api_key": analysis["by_api"][0]["api_group_key"]},
        {"result": "failed"},
        {"provider": provider},
        {"model": model, "source": source},
        {"provider": provider, "reasoning_effort": NOTHING},
        {"status": failure["fail_status_code"]},
        {"message": failure["fail_body"][:SAID]},
    ]


def _deep_pages(client, filters, requests):
    """The first, a middle and the last page."""
    for chosen in filters:
        query = {"page_size": 100, **chosen}
        pages = json.loads(client.get(f"{API}/usage/events?{urlencode(query)}")[1])["total_pages"]
        for page in sorted({1, pages // 2 or 1, min(10_000, pages)}):
            yield client.time(f"{API}/usage/events", urlencode({**query, "page": page}), requests)


def _unchanged(client, requests):
    """What a poll of unchanged data takes."""
    path, query = f"{API}/usage/overview", "range=24h"
    tag = client.get(f"{path}?{query}")[2]["ETag"]
    return client.time(path, query, requests, **{"If-None-Match": tag})._replace(query=f"{query} (304)")
