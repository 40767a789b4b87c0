"""The popover of ranges, with a mouse, with the keyboard, on a phone, and without scripts."""

import re
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

from axe_playwright_python.sync_playwright import Axe

from tests.usage.dashboard.browsing import api, number, open_page

FOCUSED = "document.activeElement.dataset.day"


def asked(page):
    """The parameters in the address of the page."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def opened(page):
    """The popover, open, and the day that is today."""
    page.locator("#range").click()
    popover = page.locator("#ranges")
    assert popover.is_visible()
    return popover, date.fromisoformat(popover.locator(".calendar").get_attribute("data-today"))


def day_button(popover, day):
    """The calendar's button of a day of this month or the one before, after going to its month."""
    heading = popover.locator(".calendar b")
    if heading.inner_text() != f"{day:%B %Y}":
        popover.get_by_role("button", name="Month before").click()
    assert heading.inner_text() == f"{day:%B %Y}"
    return popover.locator(f"[data-day='{day}']")


def test_two_clicks_in_the_calendar_show_the_days_from_one_to_the_other(page):
    open_page(page, "?range=today&result=success")
    popover, today = opened(page)
    first, last = today - timedelta(days=4), today - timedelta(days=2)
    day_button(popover, last).click()
    day_button(popover, first).click()  # in either order
    page.wait_for_url(re.compile("start="))
    days = {"start": str(first), "end": str(last + timedelta(days=1))}
    assert asked(page) == {"result": "success", **days}
    page.wait_for_function("() => document.querySelectorAll('#ranges:popover-open').length === 0")
    query = urlsplit(page.url).query
    assert number(page, "requests") == api(page, f"usage/overview?{query}")["summary"]["total"]
    assert page.evaluate("document.activeElement.id") == "range"
    popover, _ = opened(page)
    assert popover.locator("[aria-selected=true]").count() == 3
    assert page.wrong == []


def test_the_buttons_beside_the_month_lead_to_others(page):
    open_page(page, "?range=today")
    popover, today = opened(page)
    heading = popover.locator(".calendar b")
    last_month = today.replace(day=1) - timedelta(days=1)
    for name, shown in (("Month before", last_month), ("Month after", today)):
        popover.get_by_role("button", name=name).click()
        assert heading.inner_text() == f"{shown:%B %Y}"
    assert page.wrong == []


def test_days_with_hours_are_shown_by_the_button(page):
    open_page(page, "requests/?range=7d")
    popover, today = opened(page)
    popover.get_by_label("Start time").fill("07:30")
    popover.get_by_label("End time").fill("23:45")
    day_button(popover, today - timedelta(days=1)).click()
    popover.locator("[tabindex='0'][data-day]").click()  # the same day once more
    popover.locator(".between .button").click()
    page.wait_for_url(re.compile("start="))
    yesterday = today - timedelta(days=1)
    assert asked(page) == {"start": f"{yesterday}T07:30", "end": f"{yesterday}T23:45"}
    page.wait_for_function("() => document.querySelector('#range').textContent.includes('07:30–23:45')")
    assert f"{yesterday.day} {yesterday:%b}, 07:30–23:45" in page.title()


def test_the_last_hours_and_a_preset_are_two_steps_away(page):
    open_page(page, "analysis/?range=7d&by=api_key")
    popover, _ = opened(page)
    popover.get_by_label("Unit").select_option("hours")
    popover.get_by_label("The last").fill("5")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("range=5h"))
    assert asked(page) == {"by": "api_key", "range": "5h"}
    page.wait_for_function("() => document.querySelector('#range').textContent.includes('Last 5 hours')")
    opened(page)[0].get_by_role("link", name="Last week").click()
    page.wait_for_url(re.compile("range=last_week"))
    assert page.wrong == []


def when_focused(page):
    """The popover takes the focus a moment after it is there."""
    page.wait_for_function("() => document.querySelector('#ranges').contains(document.activeElement)")


def test_the_popover_is_worked_with_the_keyboard(page):
    open_page(page, "requests/?range=yesterday")
    button = page.locator("#range")
    button.press("Enter")
    when_focused(page)
    assert page.evaluate("document.activeElement.textContent") == "Yesterday"
    page.locator("[data-day][tabindex='0']").focus()
    start = date.fromisoformat(page.evaluate(FOCUSED))
    for key, days in (("ArrowLeft", -1), ("ArrowUp", -8), ("ArrowRight", -7), ("ArrowDown", 0), ("ArrowUp", -7)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == str(start + timedelta(days=days))
    page.keyboard.press("Escape")
    assert page.locator("#ranges").is_hidden()
    assert button.evaluate("one => one === document.activeElement")
    button.press("Enter")
    when_focused(page)
    page.locator("[data-day][tabindex='0']").focus()
    for key in ("Enter", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("start="))
    assert asked(page) == {"start": str(start - timedelta(days=1)), "end": str(start + timedelta(days=1))}
    assert page.wrong == []


def test_months_are_as_long_as_they_are(page):
    open_page(page, "requests/?start=2024-03-31&end=2024-04-01")
    page.locator("#range").click()
    when_focused(page)
    page.locator("[data-day='2024-03-31']").focus()
    seen = []
    for key in ("PageUp", "PageUp", "PageDown", "PageDown", "Home", "End"):
        page.keyboard.press(key)
        seen.append(page.evaluate(FOCUSED))
    assert seen == ["2024-02-29", "2024-01-29", "2024-02-29", "2024-03-29", "2024-03-25", "2024-03-31"]
    assert page.locator(".calendar td").count() == 42


def test_on_a_phone_the_popover_fits_and_is_the_way_to_every_range(page):
    page.set_viewport_size({"width": 390, "height": 800})
    open_page(page, "?range=7d")
    assert page.locator(".quick").is_hidden()
    popover, _ = opened(page)
    box = popover.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 800
    popover.get_by_role("link", name="This month").click()
    page.wait_for_url(re.compile("range=this_month"))


def test_without_scripts_the_same_choices_are_a_form(chromium, served):
    context = chromium.new_context(base_url=served, java_script_enabled=False)
    page = context.new_page()
    page.goto("requests/?range=7d&result=failed")
    page.locator("#range").click()
    popover = page.locator("#ranges")
    popover.get_by_label("Start day").fill("2026-11-21")
    popover.get_by_label("End day").fill("2026-11-21")
    popover.get_by_label("Start time").fill("07:30")
    popover.locator(".between .button").click()
    assert asked(page) == {"result": "failed", "start": "2026-11-21T07:30", "end": "2026-11-22"}
    assert "21 Nov, 07:30–24:00" in page.locator("#range").inner_text()
    context.close()


def test_the_open_popover_is_accessible(page):
    open_page(page, "requests/?range=7d")
    opened(page)
    found = Axe().run(page, context="#ranges", options={"resultTypes": ["violations"]}).response
    assert found["passes"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found["violations"]] == []
