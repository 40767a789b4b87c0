"""The page of prices in a real browser, with a price of a provider and a reseller's factor on it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.usage.dashboard.browsing import api, open_page

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
    for opener in ("Edit", "Add a factor or a fee", "Price for a provider"):
        prices.get_by_role("link", name=opener).last.click()
        prices.locator("dialog").wait_for()
        prices.evaluate(OPEN)
        check(prices)
        prices.keyboard.press("Escape")
        prices.locator("dialog").wait_for(state="detached")
        assert opener in prices.evaluate("document.activeElement.textContent")


def check(prices):
    assert prices.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    found = Axe().run(prices, options=RULES).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert prices.wrong == []


def test_a_factor_is_added_and_removed_by_hand(prices):
    prices.get_by_text("Add a factor or a fee").click()
    form = prices.locator("dialog form")
    form.locator("select").select_option("provider:xai")
    form.locator("[name=factor]").fill("0.5")
    form.locator("output", has_text="No cost of the past changes.").wait_for()
    assert form.locator("[name=factor]").input_value() == "0.5" and prices.wrong == []
    form.get_by_role("button", name="Save").click()
    row = prices.locator("tr", has_text="provider xai")
    row.get_by_text("in force").wait_for()
    assert "× 0.5" in row.inner_text()
    row.get_by_role("link", name="Edit").click()
    form.get_by_role("button", name="Remove").click()
    row.wait_for(state="detached")


def test_a_model_is_priced_in_three_clicks_with_its_effect_shown_first_and_that_is_undone(page):
    open_page(page, "./")
    page.get_by_role("link", name="Prices", exact=True).click()
    columns = "[...document.querySelectorAll('thead th')].map(each => each.offsetWidth).join()"
    row = page.locator("tr", has=page.get_by_title("moonshotai/kimi-k2", exact=True))
    row.get_by_role("link", name="Set price").click()
    page.locator("dialog").wait_for()
    before = page.evaluate(columns)
    page.keyboard.type("0.6")
    page.keyboard.press("Tab")
    page.keyboard.type("2.5")
    page.locator("dialog output", has_text="7 days: $0 → $").wait_for()
    assert page.evaluate(columns) == before
    effect = page.locator("dialog output").inner_text()
    page.keyboard.press("Enter")  # as a click on the first button
    page.get_by_text(f"Price of moonshotai/kimi-k2 saved. {effect}").wait_for()
    assert "0.60" in row.inner_text() and "by hand" in row.inner_text()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone").wait_for()
    assert "no price" in row.inner_text() and page.wrong == []


def test_what_is_typed_takes_the_place_of_a_price_and_a_click_beside_the_form_keeps_it(prices):
    row = prices.locator("tr", has=prices.get_by_title("gpt-5", exact=True))
    row.get_by_role("link", name="Edit").click()
    first = prices.locator("dialog input[autofocus]")
    first.wait_for()
    prices.keyboard.type("0.6")
    prices.mouse.click(5, 500)
    assert first.input_value() == "0.6"
    prices.keyboard.press("Escape")
    prices.locator("dialog").wait_for(state="detached")
    row.get_by_role("link", name="Edit").click()
    first.wait_for()
    prices.mouse.click(5, 500)
    prices.locator("dialog").wait_for(state="detached")
    assert prices.wrong == []


def test_two_keys_get_one_owner_who_is_summed(page):
    open_page(page, "keys/")
    for mask in ("sk-c****0001", "sk-c****0002"):
        page.locator("tr", has_text=mask).get_by_role("link", name="Edit").click()
        page.locator("dialog [name=owner]").fill("Platform team")
        check(page)
        page.get_by_role("button", name="Save").click()
        page.get_by_text(f"Key {mask} saved.").wait_for()
    row = page.locator("tr", has_text="Platform team").first
    assert "2 keys" in row.inner_text()
    names = page.locator("tbody tr").all_inner_texts()
    place = next(place for place, text in enumerate(names) if "Platform team" in text)
    assert "sk-c****0001" in names[place + 1] + names[place + 2]
    page.locator("thead button", has_text="Cost").click()
    assert "2 keys" in page.locator("tr:has(+ .under)").first.inner_text()
    page.locator("dialog").wait_for(state="detached")
    page.locator("tr", has_text="sk-c****0001").get_by_role("link", name="Edit").click()
    page.get_by_role("link", name="Cancel").click()
    page.locator("dialog").wait_for(state="detached")
    assert "Edit" in page.evaluate("document.activeElement.textContent")
    for mask in ("sk-c****0001", "sk-c****0002"):
        found = next(each for each in api(page, "aliases")["items"] if each["api_key"] == mask)
        page.request.put("api/v1/aliases", data={"api_key": found["key_id"], "owner": ""})
    assert page.wrong == []
