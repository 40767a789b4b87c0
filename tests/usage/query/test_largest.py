"""The largest groups, picked by the database, are those that are found when all are read; the others add up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.usage.traffic import store_history
from usage.query import reader

pytestmark = pytest.mark.django_db
QUESTIONS = ["analysis", "credentials", "coverage", "latency", "matrix", "token-classes", "events/filters", "accounts"]
QUESTIONS += [f"breakdown?by={by}" for by in ("model", "api_key", "source", "requested_model", "tier")]
QUESTIONS += [f"timeline?by={by}&measure={measure}" for by in ("model", "api_key") for measure in ("cost", "requests")]
FILTERS = ["range=all", "range=7d", "range=25h", "result=success", "provider=claude", "api_key=unknown"]


@pytest.fixture(params=[0, 10_000])
def many(request, monkeypatch):
    monkeypatch.setattr(reader, "MANY", request.param)
    return request.param


def edges():
    """A range whose edges cut a day and a quarter of an hour in two."""
    start, end = (timezone.now() - timedelta(days=days, minutes=minutes) for days, minutes in ((3, 7), (1, 4)))
    return f"start={start:%Y-%m-%dT%H:%M:%S}Z&end={end:%Y-%m-%dT%H:%M:%S}Z"


def asked(client, address, query):
    reply = client.get(f"/api/v1/usage/{address}{'&' if '?' in address else '?'}{query}")
    assert reply.status_code == 200, address
    found = reply.json()
    if address.startswith("matrix"):  # its cells have no order: PostgreSQL's is another each time
        found["cells"].sort(key=lambda cell: (cell["row"], cell["column"]))
    return found


def test_what_the_database_picks_is_what_all_rows_say(client, monkeypatch, set_clock):
    set_clock(timezone.now())  # some answers name it
    store_history(4, 400)
    addresses = [(address, query) for address in QUESTIONS for query in (*FILTERS, edges())]
    read = [asked(client, *each) for each in addresses]
    monkeypatch.setattr(reader, "MANY", 0)
    picked = [asked(client, *each) for each in addresses]
    assert [each for each, one, other in zip(addresses, read, picked, strict=True) if one != other] == []


def test_what_is_left_out_is_counted_and_summed_up(client, many):
    store_history(4, 400)
    for query in ("range=all", "range=25h", "result=success", edges()):
        for by in ("model", "api_key", "requested_model"):
            whole, part = (asked(client, f"breakdown?by={by}&limit={limit}", query) for limit in (2000, 3))
            assert "totals" not in whole and "others" not in whole
            assert part["totals"] == {"rows": len(whole["rows"])}
            assert part["rows"] == sorted(whole["rows"], key=lambda row: -row["figures"]["total_tokens"])[:3]
            left = [row["figures"] for row in whole["rows"] if row not in part["rows"]]
            for name in ("total", "failed", "total_tokens", "cost", "unpriced_tokens"):
                assert part["others"][name] == pytest.approx(sum(each[name] for each in left)), (query, by, name)


def test_lists_of_pairs_and_accounts_say_how_many_there_are(client, many):
    store_history(2, 200)
    for address, name in (
        ("matrix", "cells"),
        ("credentials", "items"),
        ("latency", "items"),
        ("coverage", "unpriced"),
    ):
        whole, part = (asked(client, f"{address}?limit={limit}", "range=all") for limit in (2000, 2))
        assert (len(part[name]), part["totals"][name]) == (2, len(whole[name])), address
