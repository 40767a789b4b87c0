"""The filter panel, chips, views and links in a real browser: by keyboard, on a phone, with long names."""

import re

from tests.usage.dashboard.browsing import api, number, open_page

LONG = "a-vendor-with-a-long-name/of-a-family/model-of-a-name-that-has-an-end"
FITS = """() => [...document.querySelectorAll(".chip.on")].map(chip => {
  const [box, off] = [chip, chip.querySelector(".off")].map(part => part.getBoundingClientRect());
  return off.right <= box.right + 1 && box.right <= innerWidth && off.width >= 24 && off.height >= 24;
})"""


def panel(page, name):
    page.get_by_role("link", name=name, exact=True).click()
    return page.get_by_role("dialog")


def test_typing_and_enter_filter_by_the_first_value_found(page):
    open_page(page, "?range=7d")
    panel(page, "+ Filter").wait_for()
    page.keyboard.type("opus-4-5")
    shown = page.locator("dialog .found:visible legend").all_inner_texts()
    assert shown and page.locator("dialog .choice:visible").count() < 5
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("model=claude-opus-4-5"))
    model = re.search(r"[?&]model=([^&]+)", page.url)[1]
    assert number(page, "requests") == api(page, f"usage/overview?range=7d&model={model}")["summary"]["total"] > 0
    assert page.wrong == []


def test_a_value_is_left_out_and_the_panel_opens_at_the_label_of_its_chip(page):
    open_page(page, "?range=7d&provider=claude&provider=codex")
    assert page.locator(".chip.on b").all_inner_texts() == ["claude", "codex"]
    page.locator(".chip.on a").first.click()
    dialog = page.get_by_role("dialog")
    assert dialog.locator("legend").first.inner_text() == "Provider"
    assert dialog.locator("[name=provider]:checked").count() == 2
    dialog.get_by_role("checkbox", name="not claude", exact=True).check(force=True)
    assert dialog.locator("[name=provider]:checked").count() == 1
    dialog.get_by_role("checkbox", name="codex", exact=True).uncheck()
    dialog.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("not_provider=claude"))
    assert "&provider=" not in page.url
    assert number(page, "requests") == api(page, "usage/overview?range=7d&not_provider=claude")["summary"]["total"]
    page.get_by_role("link", name="Take this filter away").click()
    page.wait_for_selector(".chip.on", state="detached")


def test_a_click_beside_the_panel_closes_it_unless_something_was_ticked(page):
    open_page(page, "?range=7d")
    dialog = panel(page, "+ Filter")
    dialog.wait_for()
    page.mouse.click(5, 500)
    dialog.wait_for(state="detached")
    panel(page, "+ Filter").get_by_role("checkbox", name="claude", exact=True).check(force=True)
    page.mouse.click(5, 500)
    assert dialog.locator("[name=provider]:checked").count() == 1
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.wrong == []


def test_a_long_chip_keeps_its_end_and_its_cross_on_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 800})
    open_page(page, f"?range=7d&not_model={LONG}")
    assert page.evaluate(FITS) == [True]
    assert page.locator(".chip.on .middle").get_attribute("title") == LONG
    end = page.locator(".chip.on .middle > :last-child")
    assert LONG.endswith(end.inner_text()) and end.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_an_order_is_in_the_address_and_in_views_that_are_saved(page):
    open_page(page, "analysis/?range=7d&by=provider")
    page.get_by_role("button", name="Mean latency", exact=True).first.click()
    order = re.search(r"order=breakdown-title\.-?\d+", page.url)[0]
    page.reload()
    assert page.locator("th[aria-sort] button").first.inner_text() == "Mean latency"
    dialog = panel(page, "Views")
    dialog.get_by_placeholder("Name").fill("slowest")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("View saved.").wait_for()
    open_page(page, "?range=24h")
    panel(page, "Views").get_by_role("link", name="slowest").click()
    page.wait_for_url(re.compile(f"analysis/.*{re.escape(order)}"))
    assert page.locator("th[aria-sort] button").first.inner_text() == "Mean latency"
    panel(page, "Views").get_by_role("button", name="Delete").click()
    page.get_by_text("View deleted.").wait_for()
    assert page.wrong == []


def test_an_order_is_that_of_its_page_alone(page):
    address = "analysis/?range=7d&order=breakdown-title.-11"
    open_page(page, address)
    sorted_by = page.locator("section[aria-labelledby=breakdown-title] th[aria-sort] button")
    assert sorted_by.inner_text() == "Mean latency"
    for name, part in (("Keys", "table"), ("Analysis", "#breakdown-title")):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        page.wait_for_url(re.compile(f"{name.lower()}/"))
        page.locator(part).first.wait_for()
    assert "order=" not in page.url
    assert sorted_by.inner_text() == "Tokens"
    open_page(page, address)
    panel(page, "Views").get_by_role("button", name="Make a link").click()
    page.goto(page.locator("#new-link").inner_text())
    assert sorted_by.inner_text() == "Mean latency"  # though the address of the link has no order
    assert page.wrong == []


def test_a_link_shows_the_view_in_another_browser_and_leads_nowhere(page, chromium):
    open_page(page, "?range=7d&not_provider=claude")
    seen = number(page, "requests")
    panel(page, "Views").get_by_role("button", name="Make a link").click()
    link = page.locator("#new-link").inner_text()
    stranger = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    stranger.goto(link, wait_until="networkidle")
    assert number(stranger, "requests") == seen
    stranger.locator("canvas").wait_for()
    for place in (".heat .cells i", "canvas", ".card", "#list-model .row"):
        stranger.locator(place).first.click(force=True)
    failed = []
    stranger.on("pageerror", lambda error: failed.append(str(error)))
    stranger.keyboard.press("?")
    stranger.wait_for_timeout(300)
    assert (stranger.url, failed) == (link, [])
    stranger.context.close()
