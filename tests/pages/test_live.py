"""Live updates: they ask whether there is anything new, show it, and disturb nobody."""

from tests.pages.test_browser import open_page

# A later answer of the server, with one record more than the page shows.
LATER = """async () => {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  page.querySelector("#chart-legend tbody td").textContent = "987,654,321";
  page.querySelector("#latest tbody th").title = "new";
  replaceParts(page);
}"""


def test_live_updates_change_figures_and_nothing_that_somebody_did(page):
    page.set_viewport_size({"width": 390, "height": 900})
    open_page(page, "?range=7d&measure=tokens")
    page.get_by_role("button", name="Live").click()
    page.locator(".as-table summary").click()
    head = page.locator(".as-table thead th").nth(1)
    head.get_by_role("button").click()
    page.locator("#latest .scroll").evaluate("one => { one.scrollLeft = 120 }")
    page.evaluate("document.getElementById('cards').dataset.kept = 'yes'")
    page.evaluate(LATER)
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator(".as-table tbody td").first.inner_text() == "987,654,321"
    assert page.locator("#latest tbody th").first.get_attribute("title") == "new"
    assert page.locator("#latest .scroll").evaluate("one => one.scrollLeft") == 120
    assert head.get_by_role("button").evaluate("one => one === document.activeElement")
    assert page.locator("#cards").get_attribute("data-kept") == "yes"  # it said the same: it is still the same
    assert page.wrong == []


def test_live_updates_ask_by_etag_and_can_be_paused(page):
    open_page(page, "")
    # Figures "of now" move once a minute: the first answer may be a whole one.
    with page.expect_response(lambda reply: reply.status == 304, timeout=30_000) as told:
        pass
    assert told.value.request.headers["if-none-match"].startswith('W/"')
    page.get_by_role("button", name="Live").click()
    assert page.locator("[data-live-toggle]").get_attribute("aria-pressed") == "false"
