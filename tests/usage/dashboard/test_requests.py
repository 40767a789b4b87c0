"""The page of requests: its columns, its order, a search that finds one, neighbours of a request, and empty lists."""

import csv
import io
import re
from html import unescape

import pytest

from catalog.models import Connection
from tests.usage.made import record
from tests.usage.traffic import NOW_US, store_history, stored_now

pytestmark = pytest.mark.django_db
MINUTE = 60 * 10**6
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"


@pytest.fixture
def traffic():
    store_history(5, 300)


def cells(text, row=0):
    """{name of a column: text of its cell} of a row."""
    body = re.findall(r"<tr.*?</tr>", text.partition('id="requests"')[2], re.DOTALL)[row + 1]
    found = re.findall(r'<td class="[^"]*?is-(\w+)[^"]*"[^>]*>(.*?)</td>', body, re.DOTALL)
    return {name: re.sub(r"<a class=\"only.*?</a>|<[^>]*>", "", cell) for name, cell in found}


def links(text):
    """{words: address} of the buttons of an empty list."""
    found = re.findall(
        r'<a\s+class="button[^"]*"\s+href="([^"]*)"\s*>\s*([^<]*?)\s*</a>', text.partition('class="empty"')[2]
    )
    return {words: unescape(address) for address, words in found}


def test_columns_of_client_program_speed_cache_and_message(client):
    tokens = {"input": 100, "cached": 75, "output": 300, "reasoning": 0, "total": 400}
    called = {"client_ip": "10.0.0.7", "user_agent": "claude-cli/2.0.1 (external, cli)"}
    stored_now(
        record(NOW_US, latency_ms=3500, ttft_ms=500, tokens=tokens, **called),
        record(NOW_US - 1, failed=True, fail={"status_code": 502, "body": HTML}, ttft_ms=0),
    )
    names = ("client", "program", "speed", "share", "message")
    client.cookies["columns"] = ".".join(names)
    text = client.get("/requests/").text
    row = {"client": "10.0.0.7", "program": "claude-cli/2.0.1", "speed": "100", "share": "75.0%", "message": "–"}
    assert cells(text) == row
    assert cells(text, 1)["message"] == "502 Bad Gateway"
    assert cells(text, 1)["speed"] == "–"


def test_a_cell_of_a_label_has_an_icon_that_filters_by_it(client):
    stored_now(record(NOW_US, failed=True, fail={"status_code": 502, "body": HTML}, model="a&b"), record(NOW_US - 1))
    text = client.get("/requests/?range=all&result=failed").text
    assert {"message", "key", "account", "model"} <= cells(text).keys()  # failures have other columns
    for name in ("model=a%26b", "message=%3Chtml"):
        link = re.search(rf'<a class="only" href="/usage(/requests/\?[^"]*{name}[^"]*)"', text)
        assert "1–1 of 1 attempts" in client.get(unescape(link[1])).text


def test_headings_order_the_table_and_the_address_of_a_request_keeps_it(client, traffic):
    text = client.get("/requests/?range=all&order=-latency").text
    shown = [float(value) for value in re.findall(r'is-latency"><data value="(\d+)"', text)]
    assert shown == sorted(shown, reverse=True) and len(shown) == 50
    assert re.search(r'aria-sort="descending"><a href="\?range=all">Latency</a>', text)
    assert '<a href="?range=all&amp;order=-cost">Cost</a>' in text
    assert re.search(r'href="/usage/requests/[^/]+/\?range=all&amp;order=-latency"', text)
    assert 'data-live-poll="5"' not in text  # it stays as it is


def test_a_page_behind_the_last_is_the_last(client, traffic):
    text = client.get("/requests/?range=all&page=99999").text
    assert "251–300 of 300 attempts" in text


def test_a_search_that_finds_one_request_opens_its_last_attempt(client):
    stored_now(
        record(NOW_US - 2, request_id="aaaaaaaa", failed=True, fail={"status_code": 500}),
        record(NOW_US - 1, request_id="aaaaaaaa", alias="the last"),
        record(NOW_US - 300 * MINUTE, request_id="bbbbbbbb"),
        record(NOW_US - 1, request_id="bbbbbbbb"),
    )
    trace = "20261124115642-c950c3ada31d57be-aaaaaaaa"
    reply = client.get(f"/requests/?open=1&request_id={trace}")
    assert reply.status_code == 302 and reply["Location"].endswith(f"/?request_id={trace}&range=all")
    page = client.get(reply["Location"].removeprefix("/usage")).text
    assert "the last" in page and "went on with another attempt" not in page
    for several in ("bbbbbbbb", "cccccccc"):
        text = client.get(f"/requests/?open=1&request_id={several}").text
        assert 'id="requests-title"' in text and not re.search(r'href="[^"]*open=1', text)
    assert 'id="requests-title"' in client.get("/requests/?request_id=aaaaaaaa").text
    assert '<input type="hidden" name="open" value="1">' in client.get("/").text


def test_a_request_leads_to_those_beside_it_in_its_list(client, traffic):
    text = client.get("/requests/?range=all&result=failed&order=-latency").text
    addresses = [unescape(found) for found in re.findall(r'href="/usage(/requests/[^/"]+/\?[^"]*)"', text)]
    found = client.get(addresses[1]).text
    before, after = (re.search(rf'rel="{rel}"\s+href="/usage([^"]*)"', found) for rel in ("prev", "next"))
    assert (unescape(before[1]), unescape(after[1])) == (addresses[0], addresses[2])
    assert 'rel="prev"' not in client.get(addresses[0]).text


def test_ids_have_a_button_that_copies_them(client, traffic):
    key = client.get("/api/v1/usage/events?range=all&page_size=20").json()["items"][0]["event_key"]
    text = client.get(f"/requests/{key}/").text
    for copied in ("request-id", "account-index"):
        assert text.count(f'id="{copied}"') == text.count(f'data-copy="{copied}"') == 1


def test_a_body_of_html_is_shown_as_its_title_and_as_it_came(client):
    stored_now(record(NOW_US, failed=True, fail={"status_code": 502, "body": HTML}))
    key = client.get("/api/v1/usage/events?range=all").json()["items"][0]["event_key"]
    text = client.get(f"/requests/{key}/").text
    assert re.search(r"<p[^>]*>502 Bad Gateway</p>\s*<details>", text)
    assert "&lt;title&gt;502 Bad Gateway" in text


def test_the_file_has_the_columns_that_are_shown(client, traffic):
    text = client.get("/requests/?range=7d&result=failed&shown=nothing&order=-cost").text
    address = re.search(r'href="/usage(/requests\.csv\?[^"]*)"', text)[1]
    reply = client.get(unescape(address))
    rows = list(csv.DictReader(io.StringIO(b"".join(reply).decode("utf-8-sig"))))
    shown = ["local_time", "timestamp", "model", "api_group_display", "source_display", "fail_body", "latency_ms"]
    assert list(rows[0]) == [*shown, "failed", "fail_status_code"]
    assert reply["Content-Disposition"] == 'attachment; filename="cpa-usage_7d_failed.csv"'
    link = re.search(r'href="/usage(/requests\.jsonl[^"]*)"', text)[1]
    lines = client.get(unescape(link))
    assert lines.status_code == 200
    lines.close()


def test_an_empty_list_before_the_first_record_leads_to_the_checklist(client):
    Connection.change(statistics_enabled=True)
    for path in ("/requests/", "/analysis/failures/"):
        assert links(client.get(path).text) == {"See what is left to do →": "/usage/"}


def test_an_empty_list_says_which_filter_is_too_narrow(client):
    stored_now(*(record(NOW_US - n, model="m", provider="p", api_key=f"k{n % 2}") for n in range(4)))
    asked = "/requests/?range=24h&model=m&provider=nope"
    found = links(client.get(asked).text)
    assert found == {"Without Provider: nope · 4": "?range=24h&model=m"}
    assert "4 of 4 attempts" in client.get(f"/requests/{found['Without Provider: nope · 4']}").text
    both = links(client.get("/requests/?range=24h&model=no&provider=nope").text)
    assert both == {"Without filters · 4": "?range=24h"}


def test_an_empty_range_can_be_widened(client):
    stored_now(record(NOW_US - 3000 * MINUTE, failed=True, fail={"status_code": 500}))
    assert links(client.get("/requests/?range=24h&model=gpt-5").text) == {"At any time · 1": "?range=all&model=gpt-5"}
    assert links(client.get("/analysis/failures/?range=24h").text) == {"At any time · 1": "?range=all"}
    assert links(client.get("/requests/?range=all&model=none").text) == {"Without Model: none · 1": "?range=all"}


def test_an_exclusion_is_named_as_such(client):
    stored_now(record(NOW_US))
    found = links(client.get("/requests/?range=24h&not_model=gpt-5").text)
    assert found == {"Without Model ≠ gpt-5 · 1": "?range=24h"}


def test_of_very_many_filters_the_first_alone_are_tried(client, django_assert_max_num_queries):
    stored_now(record(NOW_US))
    many = "".join(f"&provider=p{n}" for n in range(200))
    with django_assert_max_num_queries(80):
        assert "Without filters · 1" in client.get(f"/requests/?range=24h{many}").text


def test_a_search_for_an_unknown_id_says_so(client):
    stored_now(record(NOW_US - 3000 * MINUTE, request_id="known"))
    for path in ("/requests/?range=24h&request_id=nosuchid", "/requests/?open=1&request_id=nosuchid"):
        text = client.get(path).text
        assert "No request has the id nosuchid." in text
        assert links(text) == {"Clear filters": "?range=all"}
    text = client.get("/requests/?range=24h&request_id=known").text
    assert links(text) == {"At any time · 1": "?range=all&request_id=known"}


@pytest.mark.parametrize("path", ["/requests/", "/analysis/", "/"])
def test_filters_are_named_only_where_there_are_some(client, path):
    stored_now(record(NOW_US - 3000 * MINUTE))
    assert "with these filters" not in client.get(f"{path}?range=24h").text
    assert "in this range with these filters" in client.get(f"{path}?range=24h&provider=codex").text


def test_a_range_without_failures_says_of_how_many_requests(client):
    stored_now(*(record(NOW_US - n) for n in range(3)))
    text = client.get("/analysis/failures/?range=24h").text
    assert "None of 3 requests in this range failed." in text
    assert links(text) == {}


def test_the_order_of_a_table_of_another_page_is_none(client, traffic):
    text = client.get("/requests/?range=all&order=failures-title.-1").text
    assert "1–50 of 300 attempts" in text and not re.search(r"requests/[-0-9a-f]+/\?range=all&amp;order", text)
    key = re.search(r"/requests/([-0-9a-f]+)/", text)[1]
    assert client.get(f"/requests/{key}/?order=failures-title.-1").status_code == 200
    assert client.get("/requests/?range=all&order=latency").status_code == 400
