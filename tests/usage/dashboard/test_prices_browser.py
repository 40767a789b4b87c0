"""The page of prices in a real browser, with a price of a provider and a reseller's factor on it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.usage.dashboard.browsing import open_page

RULES = {"resultTypes": ["violations"], "preload": False, "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
NAMES = "[...document.querySelector('table.sortable').querySelectorAll('tbody th')].map(th => th.textContent.trim())"
OPEN = "document.querySelectorAll('details').forEach(each => { each.open = true; })"
PRICE = {"model": "gpt-5", "prompt_price_per_1m": 1, "scope": "provider", "scope_value": "codex"}
FACTOR = {"scope": "provider", "value": "codex", "factor": 0.3, "note": "A reseller with much to say " * 8}


@pytest.fixture
def prices(page):
    """The page, with what other tests shall not find."""
    assert page.request.put("api/v1/pricing", data=PRICE).ok
    assert page.request.put("api/v1/pricing/adjustments", data=FACTOR).ok
    open_page(page, "prices/")
    yield page
    page.request.delete("api/v1/pricing?model=gpt-5&scope=provider&scope_value=codex")
    page.request.delete("api/v1/pricing/adjustments?scope=provider&value=codex")


def test_a_price_of_a_provider_stays_under_its_model_when_the_table_is_sorted(prices):
    heading = prices.locator("table.sortable thead th button").first
    orders = []
    for _ in range(2):
        heading.click()
        orders.append(prices.evaluate(NAMES))
    for names in orders:
        assert names[names.index("provider codex") - 1] == "gpt-5"
    models = [name for name in orders[0] if name != "provider codex"]
    assert models == sorted(models) and [name for name in orders[1] if name != "provider codex"] == models[::-1]


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_its_forms_fit_and_are_accessible(prices, width, theme):
    prices.emulate_media(color_scheme=theme, reduced_motion="reduce")
    prices.set_viewport_size({"width": width, "height": 900})
    prices.evaluate(OPEN)
    assert prices.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    found = Axe().run(prices, options=RULES).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert prices.wrong == []


def test_a_factor_is_added_and_removed_by_hand(prices):
    prices.get_by_text("Add a factor or a fee").click()
    form = prices.locator("form[action*='prices/adjust']").last
    form.locator("select").select_option("provider:xai")
    form.locator("[name=factor]").fill("0.5")
    form.get_by_role("button", name="Preview").click()
    form.locator("output", has_text="past").wait_for()
    assert form.locator("[name=factor]").input_value() == "0.5" and prices.wrong == []
    form.get_by_role("button", name="Save").click()
    row = prices.locator("tr", has_text="provider xai")
    row.get_by_text("in force").wait_for()
    assert "× 0.5" in row.inner_text()
    row.locator("summary").click()
    row.get_by_role("button", name="Remove").click()
    row.wait_for(state="detached")
