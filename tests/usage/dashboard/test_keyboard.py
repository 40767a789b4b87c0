"""A walk through the pages with the keyboard alone, and back again with the browser's own buttons."""

import re

from tests.usage.dashboard.browsing import open_page, shown_total

FOCUSED = "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()"

HELD = "document.activeElement.name + ' ' + document.activeElement.value"


def tab_to(page, words, most=60):
    """Press Tab until what has the focus says these words."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == words:
            return
    raise AssertionError(f"Tab never came to {words}")


def tab_to_field(page, held, most=900):
    """Press Tab until the field with this name and value has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(HELD) == held:
            return
    raise AssertionError(f"Tab never came to {held}")


def test_the_first_key_skips_to_the_content(page):
    open_page(page, "requests/?range=7d")
    tab_to(page, "Skip to content", most=1)
    page.keyboard.press("Enter")
    tab_to(page, "Columns", most=4)  # notices and what they lead to come first


def test_ranges_filters_tables_and_requests_are_reached_without_a_mouse(page):
    open_page(page, "analysis/?range=7d")
    tab_to(page, "30 days")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("range=30d"))
    page.wait_for_function("() => document.querySelector('.quick [aria-current]').textContent === '30 days'")
    tab_to(page, "+ Filter")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    tab_to_field(page, "result ")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("result=success"))
    page.wait_for_load_state("networkidle")
    tab_to(page, "Cost", most=80)
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort]", has_text="Cost").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert page.locator("th[aria-sort]", has_text="Cost").get_attribute("aria-sort") == "ascending"
    name = page.locator("section[aria-labelledby=breakdown-title] tbody th a").first.inner_text()
    tab_to(page, name)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("requests/.*model="))
    tab_to(page, page.locator("#requests tbody th a").first.inner_text())
    page.keyboard.press("Enter")
    page.wait_for_selector("#attempts-title")
    assert page.wrong == []


def test_a_day_and_its_cells_lead_to_their_requests(page):
    open_page(page, "health/")
    page.locator(".month a.c4, .month a.c3, .month a").last.click()
    page.wait_for_selector("#day-title")
    row = page.locator(".heat.large .label").first
    failing = page.locator(".heat.large .cells").first
    counts = [count.partition("/")[0] for count in failing.get_attribute("data-counts").split()]
    total = int(re.match(r"([\d,]+) requests", row.get_attribute("title"))[1].replace(",", ""))
    assert sum(map(int, counts)) == total
    is_marked = failing.locator("i").evaluate_all("cells => cells.map(cell => cell.matches('.cw, .cx'))")
    place = next(place for place, count in enumerate(counts) if count != "0" and not is_marked[place])
    failing.locator("i").nth(place).click()
    page.wait_for_url(re.compile("requests/"))
    assert shown_total(page) == int(counts[place])


def test_back_and_forward_restore_every_view(page):
    pages = page.get_by_role("navigation", name="Pages")
    open_page(page, "?range=7d&measure=tokens")
    steps = [
        (pages.get_by_role("link", name="Analysis"), "breakdown-title"),
        (page.get_by_role("link", name="Provider", exact=True), "breakdown-title"),
        (pages.get_by_role("link", name="Requests"), "requests-title"),
        (page.get_by_role("link", name="Older"), "requests-title"),
        (page.locator("#requests tbody th a").first, "attempts-title"),
        (pages.get_by_role("link", name="Accounts"), "accounts"),
        (pages.get_by_role("link", name="Health"), "year-title"),
    ]
    seen = []
    for step, mark in steps:
        before = page.url
        step.click()
        page.wait_for_function("before => location.href !== before", arg=before)
        page.wait_for_selector(f"#{mark}")
        seen.append((page.url, mark, page.title()))
    for url, mark, title in reversed(seen[:-1]):
        page.go_back()
        page.wait_for_url(url)
        page.wait_for_selector(f"#{mark}")
        assert page.title() == title
    for url, mark, title in seen[1:]:
        page.go_forward()
        page.wait_for_url(url)
        page.wait_for_selector(f"#{mark}")
        assert page.title() == title
    assert page.wrong == []


def test_menus_and_panels_close_with_escape_and_give_the_focus_back(page):
    open_page(page, "requests/?range=24h")
    columns = page.locator("main details.menu summary").first
    columns.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator("main .pop").first.is_visible()
    page.keyboard.press("Escape")
    assert page.locator("main .pop").first.is_hidden()
    assert columns.evaluate("one => one === document.activeElement")
    panel = page.get_by_role("link", name="+ Filter")
    panel.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert panel.evaluate("one => one === document.activeElement")
