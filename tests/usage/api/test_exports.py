"""Exports: the same events and totals as the API has them, in every format, read by the libraries that people use."""

import csv
import io
import json
import sys
from datetime import UTC, datetime
from itertools import zip_longest
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from pyarrow import parquet

from pricing.book import PriceBook
from tests.usage.api.conftest import CAPTURED, NOW, spread, store
from tests.usage.made import record, stored
from usage.analytics.exports import formats, tables
from usage.analytics.exports.replies import EXPORTS, PLACES
from usage.models import Event

EXPORT = "/api/v1/usage/export?range=all"


def body(client, query=""):
    reply = client.get(f"{EXPORT}{query}")
    assert reply.status_code == 200, reply.content
    return b"".join(reply)


def rows_of(kind, file):
    """Rows as dicts."""
    match kind:
        case "csv":
            return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
        case "jsonl":
            return [json.loads(line) for line in file.splitlines()]
        case "parquet":
            return parquet.read_table(io.BytesIO(file)).to_pylist()
    rows = openpyxl.load_workbook(io.BytesIO(file), read_only=True).worksheets[0].iter_rows(values_only=True)
    names = next(rows)
    return [dict(zip_longest(names, row)) for row in rows]


def as_text(value):
    return "" if value is None else str(value)


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_each_format_holds_the_items_of_the_api(client, records, monkeypatch, kind):
    monkeypatch.setattr(tables, "PAGE", 7)  # several pages, and several groups of rows
    monkeypatch.setattr(formats, "ROW_GROUP", 10)
    items = client.get("/api/v1/usage/events?range=all&page_size=1000").json()["items"]
    rows = rows_of(kind, body(client, f"&format={kind}"))
    assert len(rows) == len(items)
    for row, item in zip(rows, items, strict=True):
        if kind == "parquet":
            assert row["timestamp"] == datetime.fromisoformat(item["timestamp"])
            row["timestamp"] = item["timestamp"]
        for name in item:
            assert as_text(row[name]) == as_text(item[name]) or row[name] == item[name], name


def test_json_lines_hold_what_the_same_totals_need(client, captured):
    rows = rows_of("jsonl", body(client, "&format=jsonl"))
    named = dict(Event.objects.values_list("fingerprint", "id"))
    for row in rows:
        moment, fingerprint = row["event_key"].split("-")
        event = Event.objects.select_related("series__model", "series__api_key", "client").get(
            id=named[bytes.fromhex(fingerprint)]
        )
        series = event.series
        assert int(moment, 16) == event.timestamp
        assert datetime.fromisoformat(row["timestamp"]) == datetime.fromtimestamp(event.timestamp / 1e6, UTC)
        five_minutes, for_an_hour = row["cache_creation_5m_tokens"], row["cache_creation_1h_tokens"]
        classes = (row["input_tokens"], row["cache_read_tokens"], for_an_hour, five_minutes, row["reasoning_tokens"])
        assert classes == (
            *(event.uncached, event.cache_read, event.cache_write_1h, event.cache_write, event.reasoning),
        )
        assert row["cache_creation_tokens"] - for_an_hour - five_minutes == event.cache_write_unspecified
        assert row["output_tokens"] - row["reasoning_tokens"] == event.output
        assert (row["unclassified_tokens"], row["total_tokens"]) == (event.unclassified, event.total)
        assert (row["failed"], row["final"], row["fail_body"]) == (event.failed, event.final, event.fail_body)
        assert (row["api_key"], row["api_key_mask"]) == (series.api_key.fingerprint, series.api_key.mask)
        assert (row["model"], row["alias"], row["tier"]) == (series.model.name, series.requested_model, series.tier)
        assert (row["client_ip"], row["user_agent"]) == (event.client.ip, event.client.user_agent)


@pytest.mark.parametrize("by", ["model", "api_key", "source", "provider", "endpoint", "reasoning_effort"])
def test_totals_by_a_label_are_the_breakdown(client, records, by):
    asked = "&result=success" if by == "model" else ""
    found = client.get(f"/api/v1/usage/breakdown?range=all&by={by}{asked}").json()["rows"]
    rows = rows_of("jsonl", body(client, f"&format=jsonl&by={by}{asked}"))
    measures = [{name: row[name] for name in found[0]["figures"]} for row in rows]
    order = lambda figures: sorted(figures, key=lambda each: json.dumps(each, sort_keys=True))  # noqa: E731
    assert order(measures) == order([row["figures"] for row in found])
    assert {row[by] or "(none)" for row in rows} == {row["key"] for row in found}


@pytest.mark.parametrize("every", ["day", "week", "month"])
def test_totals_by_time_and_labels_add_up_to_the_period(client, records, every):
    asked = "&start=2026-11-09T03:20&end=2026-11-24T12:10"
    path = "/api/v1/usage/export?range=custom" + asked
    overview = client.get(f"/api/v1/usage/overview?range=custom{asked}").json()
    whole, days = overview["summary"], {day["bucket"][:10] for day in overview["daily_series"] if day["total"]}
    rows = rows_of("jsonl", b"".join(client.get(f"{path}&format=jsonl&by={every},key,model")))
    assert every != "day" or {row["day"] for row in rows} == days
    assert list(rows[0])[:4] == [every, "api_key", "api_key_name", "model"]
    for name in ("total", "failed", "total_tokens", "output_tokens", "client_requests", "unpriced_requests"):
        assert sum(row[name] for row in rows) == whole[name], name
    assert sum(row["cost"] for row in rows) == pytest.approx(whole["cost"])
    days = {
        row["bucket"][:10]: row["total"]
        for row in client.get(f"/api/v1/usage/overview?range=custom{asked}").json()["daily_series"]
    }
    if every == "day":
        assert {row["day"]: 0 for row in rows} == {day: 0 for day, total in days.items() if total}


def test_columns_are_those_asked_for_in_their_order(client, captured):
    assert body(client, "&columns=cost,model,cost").startswith(b"\xef\xbb\xbfcost,model\r\n")
    rows = rows_of("jsonl", body(client, "&format=jsonl&by=model&columns=total,model"))
    assert {tuple(row) for row in rows} == {("total", "model")}


def test_columns_and_groups_may_be_parameters_each_as_a_form_sends_them(client, captured):
    told = body(client, "&by=day,model&columns=day,cost")
    assert body(client, "&by=day&by=model&columns=day&columns=cost") == told
    assert body(client, "&by=&by=day&by=model&columns=day,cost") == told


def test_by_among_the_columns_stands_for_those_of_the_groups(client, captured):
    told = body(client, "&by=week,key&columns=week,api_key,api_key_name,total")
    assert body(client, "&by=week,key&columns=by,total") == told
    whole = client.get("/api/v1/usage/overview?range=all").json()["summary"]
    assert rows_of("jsonl", body(client, "&format=jsonl&columns=by,total,cost")) == [
        {"total": whole["total"], "cost": whole["cost"]}
    ]
    reply = client.get(f"{EXPORT}&columns=by")
    reply.close()
    assert (reply.status_code, reply["Content-Disposition"]) == (200, 'attachment; filename="cpa-usage_totals_all.csv"')


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("&format=xls", "format"),
        ("&columns=by,model", "columns"),
        ("&columns=model,secret", "columns"),
        ("&by=model&columns=event_key", "columns"),
        ("&by=hour", "by"),
        ("&by=day,week", "by"),
        ("&by=status", "by"),
        ("&result=maybe", "result"),
        ("&start=1990-01-01&end=2026-01-01&range=custom&by=day", "end"),
    ],
)
def test_what_does_not_read_names_its_parameter(client, db, query, field):
    reply = client.get(f"{EXPORT}{query}")
    assert (reply.status_code, reply.json()["field"]) == (400, field)


@pytest.mark.parametrize(("kind", "package"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_a_package_that_is_missing_is_named(client, db, monkeypatch, kind, package):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    reply = client.get(f"{EXPORT}&format={kind}")
    assert (reply.status_code, reply.json()["field"]) == (400, "format")
    assert package in reply.json()["error"]


def test_no_cell_of_a_workbook_is_a_formula_or_breaks_it(client, db):
    bodies = ["=1+1", "ok", " =cmd()", "@x", "a\x0bb", "x" * 40_000]
    failure = [{"failed": True, "fail": {"status_code": 500, "body": text}} for text in bodies]
    stored(*[record(NOW - 9000 * at, **each) for at, each in enumerate(failure, 1)], arrived=NOW)
    found = [row["fail_body"] for row in rows_of("xlsx", body(client, "&format=xlsx"))]
    assert found[:4] == ["'=1+1", "ok", "' =cmd()", "'@x"]
    assert all(len(text) <= 32_767 for text in found)


def test_a_sheet_that_is_full_is_followed_by_another(client, captured, monkeypatch):
    monkeypatch.setattr(formats, "SHEET_ROWS", 10)
    book = openpyxl.load_workbook(io.BytesIO(body(client, "&format=xlsx&columns=model")))
    assert sum(sheet.max_row for sheet in book) == Event.objects.count() + 1
    assert all(sheet.max_row <= 10 for sheet in book)


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_an_export_of_nothing_is_a_file_of_its_format(client, db, kind):
    assert rows_of(kind, body(client, f"&format={kind}")) == []
    assert rows_of(kind, body(client, f"&format={kind}&by=day,model")) == []


def test_a_client_that_leaves_leaves_no_file(client, captured, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(tables, "PAGE", 5)
    reply = client.get(f"{EXPORT}&format=xlsx")
    next(iter(reply))
    assert list(tmp_path.iterdir()) != []
    reply.close()
    assert list(tmp_path.iterdir()) == []


def test_a_refused_export_takes_no_place(client, db):
    for _ in range(EXPORTS + 1):
        assert client.get(f"{EXPORT}&columns=nothing").status_code == 400
    reply = client.get(EXPORT)
    assert reply.status_code == 200
    reply.close()
    assert PLACES._value == EXPORTS


def test_a_page_takes_as_many_queries_wherever_it_lies(client, priced, monkeypatch, django_assert_max_num_queries):
    store([*CAPTURED, *spread()])
    PriceBook.current()
    monkeypatch.setattr(tables, "PAGE", 20)
    pages = -(-Event.objects.count() // 20) + 1
    with django_assert_max_num_queries(5 * pages + 4):
        body(client, "&format=jsonl")
    with django_assert_max_num_queries(3 * 18 + 6):  # of each day: where detail begins, groups, names of keys
        body(client, "&format=jsonl&by=day,key,model")


def test_what_is_not_asked_for_is_not_imported(client, captured):
    """Both packages are large, and the web server stays small."""
    import subprocess

    code = "import cpa_usage.urls, sys; print({'pyarrow', 'openpyxl', 'rich'} & set(sys.modules))"
    run = [sys.executable, "-c", f"import django; django.setup(); {code}"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")


def local(text):
    """A moment of the API as clocks of the zone show it."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo("Asia/Shanghai")).replace(microsecond=0, tzinfo=None)


def test_spreadsheets_get_local_times_that_are_dates(client, records):
    rows = rows_of("csv", body(client, "&format=csv"))
    assert list(rows[0])[:3] == ["local_time", "event_key", "timestamp"]
    assert [datetime.strptime(row["local_time"], "%Y-%m-%d %H:%M:%S") for row in rows] == [
        local(row["timestamp"]) for row in rows
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(body(client, "&format=xlsx"))).active
    assert all(row[0].is_date and row[0].value == local(row[2].value) for row in sheet.iter_rows(min_row=2))
    totals = openpyxl.load_workbook(io.BytesIO(body(client, "&format=xlsx&by=day"))).active
    assert all(row[0].is_date for row in totals.iter_rows(min_row=2))
    kept = rows_of("parquet", body(client, "&format=parquet&columns=local_time,timestamp"))
    assert all(row["local_time"] == local(row["timestamp"].isoformat()) for row in kept)
    assert "local_time" not in rows_of("jsonl", body(client, "&format=jsonl"))[0]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "cpa-usage_all.csv"),
        ("range=7d&result=failed&model=claude-sonnet-4-5", "cpa-usage_7d_failed_claude-sonnet-4-5.csv"),
        ("start=2026-11-23&end=2026-11-30&format=jsonl", "cpa-usage_2026-11-23_2026-11-29.jsonl"),
        ("start=2026-11-23&end=2026-11-24&by=model", "cpa-usage_totals_2026-11-23.csv"),
        ("start=2026-11-23&end=2026-11-24T08:30", "cpa-usage_2026-11-23T0000_2026-11-24T0830.csv"),
        ("range=all&api_key=sk-secret-1&source=ann@example.com&status=429", "cpa-usage_all_key_account_429.csv"),
        ("range=all&model=a/b&model=%E6%A8%A1%0D%0A%22;x", "cpa-usage_all_a-b------x.csv"),
        (f"range=all&model={'m' * 255}&provider={'p' * 255}", f"cpa-usage_all_{'m' * 40}_{'p' * 40}.csv"),
    ],
)
def test_a_file_is_named_by_its_range_and_filters(client, captured, query, name):
    reply = client.get(f"/api/v1/usage/export?{query}")
    assert reply["Content-Disposition"] == f'attachment; filename="{name}"'
    reply.close()
