"""What a table says is what its links lead to: the same filters, the same number of requests."""

import re
from html import unescape

import pytest

from tests.usage.made import record
from tests.usage.traffic import NOW_US, store_history, stored_now
from usage.query.names import grouping_labels

pytestmark = pytest.mark.django_db
ROW = re.compile(r"<tr>(?:(?!</tr>).)*?</tr>", re.DOTALL)
LINK = re.compile(r'href="/usage(/requests/\?[^"]*)"')
COUNT = re.compile(r'<data value="(\d+)"')
# The same status, and messages that only what follows tells apart, or nothing does.
SAID = ["", " ", "busy", "busy & <full>", "busy" + "!" * 200, "busy" + "!" * 201, " busy", "\nbusy"]


@pytest.fixture
def traffic():
    store_history(5, 400)
    for nth, body in enumerate([*SAID, *SAID]):
        fail = {"status_code": (429, 0, 200)[nth % 3], "body": body}
        stored_now(record(NOW_US - nth, failed=True, fail=fail, reasoning_effort=("", "low")[nth % 2], alias="x"))


def rows_of(text):
    """(number of requests, address of the requests behind it) of every row of the first table with links."""
    found = [(COUNT.search(row), LINK.search(row)) for row in ROW.findall(text)]
    return [(int(count[1]), unescape(link[1])) for count, link in found if count and link]


def total(client, address):
    """How many requests the page at an address says there are."""
    found = re.search(r"of ([\d,]+) attempts", client.get(address).text)
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.parametrize("filtered", ["", "&result=failed", "&status=429", "&reasoning_effort=low"])
def test_a_reason_leads_to_exactly_the_failures_it_counts(client, traffic, filtered):
    text = client.get(f"/analysis/failures/?range=7d{filtered}").text
    rows = rows_of(text)
    assert len(rows) >= 4
    assert [(count, address) for count, address in rows if total(client, address) != count] == []
    heads = re.findall(r'class="tag bad"\s+href="([^"]*)"[^>]*>[–\d]+: ([\d,]+)</a>', text)
    assert [head for head in heads if total(client, f"/requests/{unescape(head[0])}") != int(head[1])] == []
    assert sum(count for count, _ in rows) == sum(int(count) for _, count in heads)
    whose = re.findall(r'<a href="/usage(/requests/[^"]*)" title="[^"]*">[^<]*</a>\s*<span class="quiet">(\d+)<', text)
    assert len(whose) >= 3 * len(rows)
    assert [pair for pair in whose[:12] if total(client, unescape(pair[0])) != int(pair[1])] == []


def test_a_failure_with_a_code_that_is_none_of_https_leads_to_a_list(client):
    stored_now(record(NOW_US, failed=True, fail={"status_code": 999, "body": "busy"}))
    for path, within in (("/analysis/failures/", ""), ("/accounts/", "&account=a1b2c3d4e5f60718")):
        text = client.get(f"{path}?range=7d{within}").text
        links = [unescape(link) for link in LINK.findall(text) if "message=busy" in link]
        assert links and [link for link in links if total(client, link) != 1] == [], path


@pytest.mark.parametrize("name", grouping_labels())
def test_a_row_of_the_analysis_leads_to_the_requests_it_counts(client, traffic, name):
    text = client.get(f"/analysis/?range=7d&by={name}").text
    rows = rows_of(text.split('id="breakdown-title"')[1].partition("</section>")[0])
    assert rows
    assert [(count, address) for count, address in rows if total(client, address) != count] == []


def test_filters_of_labels_and_failures_go_along_and_can_be_taken_away(client, traffic):
    query = "range=7d&requested_model=x&reasoning_effort=%28none%29&tier=%28none%29&status=429&message=busy"
    for path in ("/", "/analysis/", "/requests/", "/accounts/", "/health/", "/keys/"):
        text = client.get(f"{path}?{query}").text
        assert re.findall(r"data-filter-panel>\s*([^+<]+?)\s*<b>(.*?)</b>", text) == [
            ("Requested model", "x"),
            ("Effort", "none"),
            ("Tier", "none"),
            ("Status", "429"),
            ("Message", "busy"),
        ]
        assert f'href="/usage/requests/?{query.replace("&", "&amp;")}"' in text
        assert f'href="?{query.partition("&status")[0].replace("&", "&amp;")}&amp;message=busy"' in text


def test_a_card_leads_to_the_requests_it_counts(client, traffic):
    text = client.get("/?range=7d&measure=tokens&by=source").text
    cards = re.findall(r'<a\s+class="card"\s+href="/usage(/requests/[^"]*)"\s+data-card="(\w+)"', text)
    whole = int(re.search(r'data-card="requests".*?<data class="n" value="(\d+)"', text, re.DOTALL)[1])
    failed = int(re.search(r"([\d,]+) failed&nbsp;", text)[1].replace(",", ""))
    counted = {name: total(client, unescape(address)) for address, name in cards}
    assert counted == dict.fromkeys(counted, whole) | {"success": failed}
    assert len(cards) == len(counted) == text.count("data-card=")
