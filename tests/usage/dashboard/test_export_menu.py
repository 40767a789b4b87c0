"""The export of the page of requests: every format, columns and totals, by keyboard, without scripts, on any screen."""

import csv
import json
from pathlib import Path

import pytest

from tests.usage.dashboard.browsing import api
from usage.analytics.events.rows import EventRow, ExportRow
from usage.analytics.exports import formats

FAILED = "range=all&result=failed&provider=claude"


@pytest.fixture
def plain(chromium, served):
    """A window that runs no scripts."""
    context = chromium.new_context(java_script_enabled=False, base_url=served)
    yield context.new_page()
    context.close()


def opened(page, query, totals=False):
    """The form of requests, which is open at once, or that of totals, opened by keyboard alone."""
    page.goto(f"requests/?{query}")
    page.get_by_text("Export…", exact=True).press("Enter")
    if totals:
        page.locator(".export summary").first.press("Enter")
    return page.locator(".export details[open] form")


def downloaded(page, form, title):
    """(name, text) of the file that the button sends."""
    with page.expect_download() as started:
        form.get_by_role("button", name=title, exact=True).press("Enter")
    return started.value.suggested_filename, Path(started.value.path()).read_text("utf-8-sig")


def test_requests_have_the_columns_ticked_and_the_filters_of_the_page(plain):
    form = opened(plain, f"{FAILED}&page=1&page_size=20")
    boxes = form.locator("[name=columns]")
    assert boxes.evaluate_all("boxes => boxes.map(box => box.value)") == ["local_time", *ExportRow.__struct_fields__]
    assert form.locator("[name=columns]:checked").count() == 1 + len(EventRow.__struct_fields__)
    for name in ("event_key", "user_agent"):
        form.get_by_label(name, exact=True).press("Space")
    name, text = downloaded(plain, form, "CSV")
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert name == "cpa-usage_all_failed_claude.csv"
    assert list(rows[0]) == ["local_time", *EventRow.__struct_fields__[1:], "user_agent"]
    found = api(plain, f"usage/events?{FAILED}&page_size=1000")["items"]
    assert [row["timestamp"] for row in rows] == [item["timestamp"] for item in found]


@pytest.mark.parametrize(("every", "names"), [("week", ["week", "model", "api_key", "api_key_name"]), ("", ["model"])])
def test_totals_are_by_time_and_labels(plain, every, names):
    form = opened(plain, FAILED, totals=True)
    form.locator("select").select_option(every)
    if "api_key" in names:
        form.get_by_label("Key", exact=True).press("Space")
    form.get_by_label("success", exact=True).press("Space")
    name, text = downloaded(plain, form, "JSON Lines")
    rows = [json.loads(line) for line in text.splitlines()]
    assert name == "cpa-usage_totals_all_failed_claude.jsonl"
    by = ",".join(name for name in names if name != "api_key_name")
    told = plain.request.get(f"api/v1/usage/export?{FAILED}&format=jsonl&by={by}").text()
    whole = [json.loads(line) for line in told.splitlines()]
    assert rows == [{name: row[name] for name in row if name != "success"} for row in whole] != []
    assert list(rows[0])[: len(names) + 1] == [*names, "total"]


def test_totals_by_nothing_are_one_row(plain):
    form = opened(plain, "range=all", totals=True)
    form.locator("select").select_option("")
    form.get_by_label("Model", exact=True).press("Space")
    rows = [json.loads(line) for line in downloaded(plain, form, "JSON Lines")[1].splitlines()]
    assert [row["total"] for row in rows] == [api(plain, "usage/overview?range=all")["summary"]["total"]]


@pytest.mark.parametrize("title", ["Parquet", "Excel"])
def test_every_format_has_a_button_in_both_forms(page, title):
    endings = {"Parquet": ".parquet", "Excel": ".xlsx"}
    for totals in (False, True):
        form = opened(page, "range=24h", totals)
        with page.expect_download() as started:
            form.get_by_role("button", name=title).click()
        assert started.value.suggested_filename.endswith(endings[title])
    assert page.wrong == []


def test_all_columns_none_and_a_file_to_import(page):
    form = opened(page, "range=24h&provider=claude")
    ticked = form.locator("[name=columns]:checked")
    form.get_by_role("button", name="None").press("Enter")
    assert ticked.count() == 0
    form.get_by_role("button", name="All").press("Enter")
    assert ticked.count() == 1 + len(ExportRow.__struct_fields__)
    link = page.get_by_role("link", name="All columns as JSON Lines, to import it again").get_attribute("href")
    assert link.endswith("/requests.jsonl?range=24h&provider=claude")
    assert page.wrong == []


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("totals", [False, True])
def test_it_lies_within_any_screen(page, width, totals):
    page.set_viewport_size({"width": width, "height": 900})
    form = opened(page, "range=24h", totals)
    box = page.locator(".export").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inner = page.locator(".export").evaluate("one => one.scrollWidth - one.clientWidth")
    cut = form.locator("label").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length")
    tops = form.locator(".download button").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert (inner, cut, len(set(tops)), len(tops)) == (0, 0, 2 if width == 390 else 1, 4)


@pytest.mark.django_db
def test_a_package_that_is_missing_is_named_in_place_of_its_button(client, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "pyarrow" else True)
    text = client.get("/requests/?range=all&result=failed&model=a&model=b&columns=x&by=y").text.partition("<main")[2]
    assert text.count("Parquet needs the package pyarrow: pip install pyarrow") == 2
    assert "requests.parquet" not in text and text.count('formaction="/usage/requests.xlsx"') == 2
    for name, value in (("range", "all"), ("result", "failed"), ("model", "a"), ("model", "b")):
        assert text.count(f'<input type="hidden" name="{name}" value="{value}">') == 2
    assert 'value="x"' not in text and 'value="y"' not in text
