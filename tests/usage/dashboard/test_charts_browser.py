"""Charts and heat maps by mouse and by keyboard, in a browser."""

import re
from datetime import datetime, timedelta
from itertools import combinations
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from tests.usage.dashboard.browsing import api, open_page, shown_total

HOURS = (("09:20", "18:40"), ("09:00", "19:00"))  # a period that cuts its first and its last bar, and one of whole bars


def place(page, share):
    """A point over the chart, at a share of its width."""
    box = page.locator("#chart").bounding_box()
    return box["x"] + box["width"] * share, box["y"] + box["height"] / 2


def click_on(page, bar, bars, height):
    """Click on one of the bars, at a share of the height of the chart: 0 is its top."""
    page.locator("#chart").scroll_into_view_if_needed()
    box = page.locator("#chart").bounding_box()
    area = page.evaluate("Chart.getChart('chart').chartArea")
    across, down = area["left"] + area["width"] * (bar + 0.5) / bars, area["top"] + area["height"] * height
    page.mouse.click(box["x"] + across, box["y"] + down)


def drag(page, start, end):
    page.mouse.move(*place(page, start))
    page.mouse.down()
    page.mouse.move(*place(page, (start + end) / 2))
    page.mouse.move(*place(page, end))


def counted(page, query):
    """The starts of the bars of a chart, and how many requests each stands for."""
    found = api(page, f"usage/timeline{query}")
    return found["buckets"], [sum(values) for values in zip(*(each["values"] for each in found["layers"]), strict=True)]


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_a_drag_over_the_chart_leads_to_that_range_and_escape_takes_it_back(page):
    open_page(page, "?range=7d&measure=requests&compare=week")
    page.locator("#chart").scroll_into_view_if_needed()
    address = page.url
    drag(page, 0.3, 0.6)
    chosen = page.locator(".hint").inner_text()
    assert re.search(r"\d\d:\d\d – ", chosen)
    press(page, "Escape")
    page.mouse.up()
    assert (page.url, page.locator(".hint").inner_text()) == (address, "Drag to zoom")
    drag(page, 0.6, 0.3)
    page.mouse.up()
    page.wait_for_url(re.compile("start="))
    query = dict(re.findall(r"(\w+)=([^&]+)", page.url))
    assert query.keys() == {"measure", "compare", "start", "end"}
    buckets = api(page, "usage/timeline?range=7d")["buckets"]
    assert {query["start"].replace("%3A", ":"), query["end"].replace("%3A", ":")} <= set(buckets)
    assert page.wrong == []


def test_a_click_on_a_layer_puts_its_model_in_place_of_those_filtered_by(page):
    chosen = [row["key"] for row in api(page, "usage/breakdown?range=7d&by=model")["rows"][:2]]
    query = f"?range=7d&measure=requests&by=model&model={chosen[0]}&model={chosen[1]}"
    layers = {layer["key"]: layer["values"] for layer in api(page, f"usage/timeline{query}")["layers"]}
    counts = [sum(values) for values in zip(*layers.values(), strict=True)]
    open_page(page, query)
    click_on(page, counts.index(max(counts)), len(counts), 0.5)
    page.wait_for_url(re.compile("requests/"))
    (model,) = (unquote(value) for name, value in re.findall(r"(\w+)=([^&]+)", page.url) if name == "model")
    assert model in chosen and shown_total(page) in layers[model]
    assert page.wrong == []


def test_a_click_above_a_bar_opens_the_lowest_layer_that_it_has(page):
    query = "?range=24h&measure=requests&by=model"
    layers = api(page, f"usage/timeline{query}")["layers"]
    lowest, other, bar = next(
        (lowest, other, bar)
        for lowest, other in combinations(layers, 2)
        for bar, (none, some) in enumerate(zip(lowest["values"], other["values"], strict=True))
        if some and not none
    )
    open_page(page, f"{query}&model={lowest['key']}&model={other['key']}")
    click_on(page, bar, len(lowest["values"]), 0.01)
    page.wait_for_url(re.compile("requests/"))
    assert re.findall(r"model=([^&]+)", unquote(page.url)) == [other["key"]]
    assert shown_total(page) == other["values"][bar]
    assert page.wrong == []


def part_of_a_day(page, bar):
    """A period whose first (0) or last (-1) bar has only some of the requests of its hour, and how many."""
    for back in range(1, 7):
        day = datetime.now(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=back)
        part, whole = (f"?start={day}T{hours[0]}&end={day}T{hours[1]}&measure=requests" for hours in HOURS)
        count = counted(page, part)[1][bar]
        if 0 < count < counted(page, whole)[1][bar]:
            return part, count
    raise AssertionError("no hour has requests in both of its parts")


@pytest.mark.parametrize(("bar", "key"), [(0, "Home"), (-1, "End")])
def test_the_first_and_the_last_bar_list_what_is_in_the_period_alone(page, bar, key):
    part, count = part_of_a_day(page, bar)
    open_page(page, part)
    page.locator("#chart").focus()
    press(page, key, "Enter")
    page.wait_for_url(re.compile("requests/"))
    assert shown_total(page) == count
    assert page.wrong == []


@pytest.mark.parametrize("bar", [0, -1])
def test_so_do_the_first_and_the_last_row_of_the_chart_as_a_table(page, bar):
    part, count = part_of_a_day(page, bar)
    open_page(page, part)
    page.locator(".as-table summary").click()
    page.locator(".as-table tbody th a").nth(bar).click()
    page.wait_for_url(re.compile("requests/"))
    assert shown_total(page) == count
    assert page.wrong == []


def test_a_cell_that_the_period_cuts_lists_what_it_counts(page):
    def quarters(query):
        rows = api(page, f"usage/overview{query}")["health_grid"]
        return {cell["bucket"]: cell["total"] for row in rows for cell in row}

    bucket, total = next(pair for pair in quarters("?range=7d").items() if pair[1] > 1)
    start, end = (datetime.fromisoformat(bucket).replace(tzinfo=None) + timedelta(days=days) for days in (0, 1))
    for minute in range(1, 15):
        part = f"?start={(start + timedelta(minutes=minute)).isoformat()}Z&end={end.isoformat()}Z"
        if 0 < (count := quarters(part)[bucket]) < total:
            break
    else:
        raise AssertionError("no minute parts the requests of the quarter hour")
    open_page(page, part)
    cells = page.locator(".heat .cells").first
    place = next(place for place, each in enumerate(cells.get_attribute("data-counts").split()) if each != "0")
    cells.locator("i").nth(place).click()
    page.wait_for_url(re.compile("requests/"))
    assert shown_total(page) == count
    assert page.wrong == []


def test_the_bars_of_a_chart_are_walked_through_with_the_keys(page):
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    query = f"?start={today - timedelta(days=1)}&end={today}&measure=requests"
    buckets, counts = counted(page, query)
    busiest = max(range(20), key=counts.__getitem__)
    open_page(page, query)
    bars = page.locator("#chart")
    bars.focus()
    press(page, "Home", *["ArrowRight"] * busiest)
    assert bars.get_attribute("aria-valuenow") == str(busiest + 1)
    assert f"{busiest:02}:00: " in bars.get_attribute("aria-valuetext")
    press(page, *["Shift+ArrowRight"] * 2)
    assert f"{busiest + 3:02}:00" in page.locator(".hint").inner_text()
    press(page, "Enter")
    page.wait_for_url(lambda address: "T" in address)
    assert f"start={buckets[busiest]}&end={buckets[busiest + 3]}" in unquote(page.url)
    page.wait_for_load_state("networkidle")
    _, counts = counted(page, page.url[page.url.index("?") :])
    bar = next(bar for bar, count in enumerate(counts) if count)
    bars.focus()
    press(page, "Home", *["ArrowRight"] * bar, "Enter")
    page.wait_for_url(re.compile("requests/"))
    assert shown_total(page) == counts[bar]
    assert page.wrong == []


def test_the_cells_of_a_heat_map_are_walked_through_with_the_keys(page):
    open_page(page, "?range=7d")
    rows = page.locator("#grid .cells")
    assert page.locator("#grid [tabindex='0']").count() == 1
    counts = [row.get_attribute("data-counts").split() for row in rows.all()]
    down, across = next(
        (down, across) for down, row in enumerate(counts) for across, count in enumerate(row) if "/" in count
    )
    rows.last.focus()
    press(page, "Home", *["ArrowUp"] * (len(counts) - 1 - down), *["ArrowRight"] * across)
    total, failed = counts[down][across].split("/")
    focused = page.locator(".cells:focus")
    assert focused.get_attribute("aria-valuetext").endswith(f": {total} requests, {failed} failed")
    assert page.locator(".tip").inner_text() == focused.get_attribute("aria-valuetext")
    is_marked = page.locator(".cells .at").evaluate("cell => cell.matches('.cw, .cx')")
    press(page, "Enter")
    page.wait_for_url(re.compile("requests/"))
    assert shown_total(page) == int(failed if is_marked else total)
    assert page.wrong == []
