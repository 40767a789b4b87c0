"""The dashboard in a real browser: it fits, reports no errors, is accessible, and adds up."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.usage.dashboard.browsing import PAGES, api, number, open_page, shown_total

WIDTHS = (390, 768, 1440, 2560)
VIOLATIONS = {"resultTypes": ["violations"], "preload": False}  # what passes need not be worked out in full
RULES = VIOLATIONS | {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
}
CONTRAST = VIOLATIONS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
LOOKS = [("light", 1440, RULES), ("dark", 1440, CONTRAST), ("light", 390, RULES)]
KB = 1000
# The last bar of the lowest layer of the chart: where it is, what it counts, and whose it is.
LAST_BAR = """() => {
  const chart = [...charts.values()][0], data = JSON.parse(document.getElementById("chart-data").textContent);
  const { key, values } = data.layers[0], place = values.findLastIndex(value => value > 0);
  const box = chart.canvas.getBoundingClientRect(), middle = chart.getDatasetMeta(0).data[place].getCenterPoint();
  return { x: box.left + middle.x, y: box.top + middle.y, count: values[place], key };
}"""


@pytest.fixture(scope="module")
def axe():
    """Read once: it is a file of half a megabyte."""
    return Axe()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_fits_every_width_and_says_nothing_wrong(page, path):
    page.set_viewport_size({"width": min(WIDTHS), "height": 900})
    open_page(page, path)
    assert page.title().endswith("· cpa-usage")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, width
    refused = [text for text in page.wrong if "400 (Bad Request)" in text]
    assert page.wrong == refused
    assert bool(refused) == ("fortnight" in path)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_is_accessible(page, axe, path):
    # Another theme changes colours alone: nothing else is looked at twice.
    page.emulate_media(color_scheme="light")
    open_page(page, path)
    for theme, width, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # no colour is on its way to another
        found = axe.run(page, options=rules).response["violations"]
        violations = [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found]
        assert violations == [], (theme, width)


def test_pages_in_chinese_and_dark_are_accessible_on_a_phone(chromium, served, axe):
    context = chromium.new_context(base_url=served, locale="zh-CN", color_scheme="dark", reduced_motion="reduce")
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 900})
    for path in ("", "requests/", "accounts/"):
        open_page(page, path)
        page.locator(".more summary").click()
        found = axe.run(page, options=RULES).response["violations"]
        assert [(v["id"], v["impact"]) for v in found if v["impact"] in ("serious", "critical")] == [], path
    context.close()


def test_cards_show_what_the_api_says_with_the_same_filters(page):
    for query in ("range=7d", "range=24h&result=failed", "range=all&provider=claude"):
        open_page(page, f"?{query}")
        summary = api(page, f"usage/overview?{query}")["summary"]
        assert number(page, "requests") == summary["total"]
        assert number(page, "tokens") == summary["total_tokens"]
        assert number(page, "cost") == pytest.approx(summary["cost"], abs=1e-12)


def test_a_model_of_the_list_narrows_the_page_to_what_the_api_says_and_back_restores_it(page):
    open_page(page, "?range=7d&measure=requests")
    whole = number(page, "requests")
    row = page.locator("#list-model a.row").first
    name, count = row.get_attribute("title"), float(row.locator("data").get_attribute("value"))
    row.click()
    page.wait_for_url(re.compile("model="))
    assert page.locator(".chip.on b").inner_text() == name
    assert number(page, "requests") == count == api(page, f"usage/overview?range=7d&model={name}")["summary"]["total"]
    page.go_back()
    page.wait_for_function("() => !document.querySelector('.chip.on')")
    assert number(page, "requests") == whole
    page.go_forward()
    page.wait_for_selector(".chip.on")
    assert number(page, "requests") == count
    assert page.wrong == []


def test_filters_follow_to_the_requests_and_count_the_same_rows(page):
    open_page(page, "?range=7d&result=failed")
    failed = number(page, "requests")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Requests").click()
    page.wait_for_url(re.compile(r"requests/\?.*result=failed"))
    text = page.locator("#requests-count").inner_text()
    assert int(re.search(r"of ([\d,]+) attempts", text)[1].replace(",", "")) == failed
    assert api(page, "usage/events?range=7d&result=failed")["total"] == failed


def test_a_bar_of_the_chart_opens_its_requests(page):
    open_page(page, "?range=7d&measure=requests&by=model")
    page.wait_for_function("() => charts.size === 1")
    spot = page.evaluate(LAST_BAR)
    page.mouse.click(spot["x"], spot["y"])
    page.wait_for_url(re.compile("requests/"))
    assert f"model={spot['key']}" in page.url
    assert f"of {spot['count']:,} attempts" in page.locator("#requests-count").inner_text()


def test_a_cell_of_the_grid_opens_its_requests(page):
    open_page(page, "?range=7d")
    cells = page.locator(".heat .cells").last
    counts = cells.get_attribute("data-counts").split()
    place = next(i for i, count in enumerate(counts) if count != "0" and "/" not in count)
    cells.locator("i").nth(place).click()
    page.wait_for_url(re.compile("requests/"))
    assert f"of {counts[place]} attempts" in page.locator("#requests-count").inner_text()


def test_a_click_into_a_row_opens_the_requests_it_counts(page):
    open_page(page, "analysis/?range=7d&by=provider")
    row = page.locator("section[aria-labelledby=breakdown-title] tbody tr").nth(1)
    count = int(row.locator("td data").first.get_attribute("value"))
    row.locator("td").nth(5).click()
    page.wait_for_url(re.compile(r"requests/.*provider="))
    assert shown_total(page) == count
    assert page.wrong == []


def test_a_cell_of_the_table_of_the_chart_opens_its_requests(page):
    open_page(page, "?range=7d&measure=requests&by=model")
    page.locator(".as-table summary").click()
    cell = page.locator(".as-table tbody tr td:nth-child(2):not(:text-is('0'))").last
    count = int(cell.inner_text().replace(",", ""))
    cell.click()
    page.wait_for_url(re.compile(r"requests/.*model="))
    assert shown_total(page) == count


def test_the_filter_panel_narrows_the_page(page):
    open_page(page, "?range=7d")
    page.get_by_role("link", name="+ Filter").click()
    page.locator("dialog input[name=result][value=failed]").check()
    page.locator("dialog").get_by_role("button", name="Apply").click()
    page.wait_for_selector(".chip.on")
    assert number(page, "requests") == api(page, "usage/overview?range=7d&result=failed")["summary"]["total"]


def test_one_request_shows_all_its_attempts(page):
    failed = api(page, "usage/events?range=all&result=failed")["items"]
    event = next(item for item in failed if not item["final"])
    attempts = api(page, f"usage/events?range=all&request_id={event['request_id']}")["total"]
    open_page(page, f"requests/{event['event_key']}/")
    assert page.locator("main table.rows tbody tr").count() == attempts > 1
    # HTML has no CR: the browser reads CR LF as LF.
    assert page.locator("pre.code").text_content() == event["fail_body"].replace("\r\n", "\n")


def test_theme_and_language_stay(page):
    open_page(page, "")
    page.get_by_role("button", name="Change theme").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("button", name="简体中文").click()
    page.wait_for_selector("html[lang=zh-hans]")
    open_page(page, "requests/")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.get_by_role("navigation").first.inner_text().split()[0] == "概览"


def test_a_visit_costs_little(chromium, served):
    context = chromium.new_context()
    page, sizes = context.new_page(), []
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    open_page(page, served)
    first = sum(sizes)
    sizes.clear()
    open_page(page, f"{served}?range=24h")
    assert 40 * KB < first <= 130 * KB
    assert sum(sizes) <= 30 * KB
    context.close()


def test_tables_and_filters_work_without_a_script(chromium, served):
    context = chromium.new_context(java_script_enabled=False, base_url=served)
    page = context.new_page()
    page.goto("?range=7d")
    page.get_by_role("link", name="+ Filter").click()
    page.locator("input[name=result][value=failed]").check()
    page.get_by_role("button", name="Apply").click()
    assert "result=failed" in page.url
    assert number(page, "requests") == api(page, "usage/overview?range=7d&result=failed")["summary"]["total"]
    context.close()


# Cards whose words do not fit: each of these reaches over an edge of its card.
CUT = """() => [...document.querySelectorAll(".card")].flatMap(card => {
  const edge = card.getBoundingClientRect();
  return [...card.querySelectorAll("h2, span, data, small")].filter(part => {
    const words = document.createRange();
    words.selectNodeContents(part);
    const box = words.getBoundingClientRect();
    return box.right > edge.right || box.bottom > edge.bottom || box.left < edge.left;
  }).map(part => `${card.dataset.card}: ${part.textContent}`);
})"""
LONG = """() => document.querySelectorAll(".card").forEach(card => {
  card.querySelector("data").textContent = "$12,345.67";
  card.querySelector("header span")?.remove();
  card.querySelector("header").append(Object.assign(document.createElement("span"), { textContent: "+1,234.5%" }));
  card.querySelector("small").textContent = "$123.45 per 1k requests · peak 12,345 rpm";
})"""


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_no_card_cuts_its_figures(chromium, served, language):
    context = chromium.new_context(base_url=served, locale=language)
    page = context.new_page()
    for width in (*WIDTHS, 1024, 3840):
        page.set_viewport_size({"width": width, "height": 900})
        open_page(page, "")
        assert (page.evaluate(CUT), width) == ([], width)
        page.evaluate(LONG)
        assert (page.evaluate(CUT), width) == ([], width)
    context.close()


BILL = "Day,Model,Total cost\n2026-11-24,gpt-5,1.25\n2026-11-24,a-model-with-a-long-name-that-nothing-else-has,0.5\n"


def test_a_bill_is_compared_on_a_phone_and_on_a_desk(page, axe):
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        open_page(page, "prices/reconcile/")
        bill = {"name": "bill.csv", "mimeType": "text/csv", "buffer": BILL.encode()}
        page.get_by_label("File").set_input_files(bill)
        page.get_by_role("button", name="Choose its columns").click()
        page.get_by_label("The file once more").set_input_files(bill)
        assert page.get_by_label("Day or time").input_value() == "Day"
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.evaluate(fits)
        page.get_by_role("button", name="Compare", exact=True).click()
        page.get_by_role("heading", name="Days that differ").wait_for()
        row = page.locator("tr", has_text="a-model-with-a-long-name").first
        assert "Not in our records" in row.locator(".reason").inner_text()
        assert page.evaluate(fits)
        found = axe.run(page, options=RULES).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    assert page.wrong == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("width", [701, 1001, 1024, 1081, 1280, 1321, 1440])
def test_the_bar_has_room_for_all_pages_and_for_signing_out(page, language, width):
    page.set_extra_http_headers({"Accept-Language": language})
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, "")
    words = {"en": "Sign out", "zh-hans": "退出登录"}[language]
    page.locator(".own").evaluate("(own, words) => own.insertAdjacentHTML('beforeend', words)", words)
    right = page.locator("nav > :visible").last.bounding_box()
    assert right["x"] + right["width"] <= page.locator(".tools").bounding_box()["x"]
