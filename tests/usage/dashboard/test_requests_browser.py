"""Failures and requests in a real browser: why they failed and whose, the row that opens, copies, and files."""

import csv
import re
from datetime import datetime
from pathlib import Path

from tests.usage.dashboard.browsing import api, open_page, shown_total


def test_an_amber_cell_opens_the_requests_that_failed(page):
    open_page(page, "?range=7d")
    cell = page.locator(".heat .cells i:is(.cw, .cx)").first
    place = cell.evaluate("cell => [...cell.parentElement.children].indexOf(cell)")
    counts = cell.locator("..").get_attribute("data-counts").split()
    cell.click()
    page.wait_for_url(re.compile("requests/.*result=failed"))
    assert shown_total(page) == int(counts[place].partition("/")[2])


def test_a_message_opens_to_say_whose_failures_they_are(page):
    open_page(page, "analysis/?range=7d")
    page.wait_for_selector(".said summary")
    page.locator(".said summary").first.click()
    link = page.locator(".said [open] dl").first.locator("a").first
    count = int(page.locator(".said [open] dl dd .quiet").first.inner_text())
    link.click()
    page.wait_for_url(re.compile("requests/.*source="))
    assert shown_total(page) == count
    assert page.wrong == []


def test_a_status_filters_the_page_it_is_on(page):
    open_page(page, "analysis/?range=7d")
    page.locator("#failures .tag.bad", has_text="429:").click()
    page.wait_for_url(re.compile(r"analysis/\?.*status=429"))
    page.wait_for_selector(".said summary")
    assert {tag.inner_text() for tag in page.locator(".said ~ td, td .tag.bad").all()} >= {"429"}
    assert page.locator("#failures td .tag.bad:not(:text-is('429'))").count() == 0


def test_a_row_opens_as_a_whole_and_an_icon_of_it_filters(page):
    open_page(page, "requests/?range=7d")
    row = page.locator("#requests tbody tr").nth(2)
    with page.context.expect_page() as opened:
        row.locator("td.num").first.click(button="middle")
    opened.value.wait_for_selector("#attempts-title")
    opened.value.close()
    model = row.locator(".is-model").get_attribute("title")
    row.locator(".is-model").click()
    page.wait_for_selector("#attempts-title")
    assert page.locator("h1").inner_text() == model
    before = page.url
    page.get_by_role("link", name="Next request").press("Enter")
    page.wait_for_url(lambda address: address != before and "/requests/" in address)
    page.get_by_role("link", name="← Requests").click()
    page.wait_for_selector("#requests-title")
    page.locator("#requests tbody tr").nth(2).locator(".is-model .only").click()
    page.wait_for_url(re.compile("model="))
    assert page.locator(".chip.on b").inner_text() == model
    assert page.wrong == []


def test_a_pasted_id_opens_its_request_and_can_be_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, "")
    event = api(page, "usage/events?range=7d&result=success")["items"][5]
    page.locator(".find input[type=search]").fill(event["request_id"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#log-title")
    page.locator("[data-copy=request-id]").click()
    page.locator("[data-copy=request-id]", has_text="✓").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == event["request_id"]


def test_others_open_the_whole_list(page):
    open_page(page, "?range=7d&measure=requests")
    others = page.locator("#list-model a.row", has_text="other")
    others.click()
    page.wait_for_url(re.compile(r"analysis/\?.*by=model"))
    assert page.locator("section[aria-labelledby=breakdown-title] tbody tr").count() > 9


def test_failed_requests_of_a_model_are_a_file_whose_dates_are_dates(page):
    model = api(page, "usage/events?range=7d&result=failed")["items"][0]["model"]
    open_page(page, f"requests/?range=7d&result=failed&model={model}")
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    assert started.value.suggested_filename.startswith("cpa-usage_7d_failed_")
    rows = list(csv.DictReader(Path(started.value.path()).read_text("utf-8-sig").splitlines(keepends=True)))
    assert len(rows) == shown_total(page)
    assert all(datetime.strptime(row["local_time"], "%Y-%m-%d %H:%M:%S") for row in rows)


def test_a_click_beside_an_open_menu_closes_it_and_opens_no_row(page):
    open_page(page, "requests/?range=7d")
    cell = page.locator("#requests tbody td:not(.wide-cell):not(:has(a))").first
    page.get_by_text("Columns", exact=True).click()
    cell.click()
    assert page.locator("details.menu[open]").count() == 0
    page.locator("#range").click()
    cell.click()
    assert page.locator(":popover-open").count() == 0
    page.wait_for_timeout(200)  # in which the request would open
    assert "requests/?range=7d" in page.url
    cell.click()
    page.wait_for_url(re.compile(r"requests/[0-9a-f]+-"))
    assert page.wrong == []
