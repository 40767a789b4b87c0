"""What tests of a real browser share: the pages there are, and what a page shows."""

import re

PAGES = {
    "overview": "",
    "overview of a month": "?range=30d&measure=tokens&by=provider",
    "analysis": "analysis/",
    "failures": "analysis/failures/",
    "requests": "requests/",
    "one request": "requests/{event_key}/",
    "accounts": "accounts/",
    "health": "health/",
    "prices": "prices/",
    "bill": "prices/reconcile/",
    "keys": "keys/",
    "statement": "statement/",
    "digest": "digest/",
    "system": "system/",
    "import": "system/import/",
    "filters": "filters/?range=7d&model=a-model-that-is-chosen",
    "views": "views/?for=requests",
    "refused": "?range=fortnight",
    "long name": f"?model={'a-model-with-a-long-name-' * 8}",
}


def open_page(page, path):
    """Open the page and wait until it has loaded all it asks for."""
    if "{event_key}" in path:
        path = path.format(**api(page, "usage/events?range=all&result=failed")["items"][0])
    page.goto(path, wait_until="load")
    page.wait_for_load_state("networkidle")


def api(page, path):
    """The answer of the API to the session of the page."""
    return page.request.get(f"api/v1/{path}").json()


def number(page, card):
    """The exact figure of a card."""
    return float(page.locator(f"[data-card={card}] data").get_attribute("value"))


def shown_total(page):
    """The count of attempts above the table of requests."""
    return int(re.search(r"of ([\d,]+) attempts", page.locator("#requests-count").inner_text())[1].replace(",", ""))
