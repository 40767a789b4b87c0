"""The page of accounts in a browser: an account opens next to the list, and a phone shows it in two lines."""

import pytest

from tests.usage.dashboard.browsing import open_page

FIRST = "#accounts tbody th a"


def test_an_account_opens_beside_the_list_and_closes(page):
    open_page(page, "accounts/?sort=name")
    page.evaluate("document.getElementById('accounts').dataset.kept = 'yes'")
    called = page.locator(FIRST).first.inner_text()
    page.locator("#accounts tbody tr").first.locator(".of-plan").click()  # anywhere in the row
    title = page.locator("#account-title")
    title.wait_for()
    assert (title.inner_text(), "sort=name" in page.url, "account=" in page.url) == (called, True, True)
    assert page.evaluate("document.activeElement.id") == "account-title"
    assert page.locator("#accounts").get_attribute("data-kept") == "yes"
    page.keyboard.press("Escape")
    page.locator("#account[hidden]").wait_for(state="attached")
    assert "account=" not in page.url
    page.go_back()
    title.wait_for()
    page.reload()
    assert title.inner_text() == called
    assert page.wrong == []


def test_a_heading_sorts_and_the_address_keeps_it(page):
    open_page(page, "accounts/")
    page.locator("#accounts thead").get_by_role("link", name="Cost").click()
    page.wait_for_url("**sort=-cost**")
    costs = page.locator("#accounts tbody .of-cost data").evaluate_all("cells => cells.map(cell => Number(cell.value))")
    assert costs == sorted(costs, reverse=True)
    assert page.locator("#accounts th[aria-sort]").inner_text().strip() == "Cost"


@pytest.mark.parametrize("width", [390, 768, 1440, 2560])
@pytest.mark.parametrize("query", ["?range=7d", "?range=7d&view=cards", "?range=7d&account={id}"])
def test_nothing_is_wider_than_the_screen(page, width, query):
    page.set_viewport_size({"width": width, "height": 844})
    first = page.request.get("api/v1/usage/accounts?range=7d&limit=1").json()["items"][0]
    open_page(page, f"accounts/{query.format(**first)}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if width <= 800 and "view" not in query:
        assert page.locator("#accounts .scroll").evaluate("one => one.scrollWidth <= one.clientWidth")
        row = page.locator("#accounts tbody tr").first.bounding_box()
        assert row["height"] < 90
    assert page.wrong == []


def test_the_list_is_searched_as_one_types(page):
    open_page(page, "accounts/?sort=name")
    called = page.locator(FIRST).last.inner_text()
    field = page.get_by_role("searchbox", name="Search accounts")
    field.press_sequentially(called, delay=20)
    second = page.locator(FIRST).nth(1)
    second.wait_for(state="detached")
    assert (page.locator(FIRST).inner_text(), "sort=name" in page.url, "q=" in page.url) == (called, True, True)
    assert field.evaluate("field => [field === document.activeElement, field.value]") == [True, called]
    page.locator("#accounts tbody tr").first.locator(".of-plan").click()
    page.locator("#account-title").wait_for()
    field.fill("")
    second.wait_for()
    assert page.wrong == []


def test_the_time_that_is_left_stays_on_one_line(page):
    page.set_extra_http_headers({"Accept-Language": "zh-CN"})
    open_page(page, "accounts/")
    left = page.locator("time[data-left]")
    assert left.first.inner_text().endswith(("小时", "分钟"))
    assert left.evaluate_all("all => all.filter(one => one.getClientRects().length > 1).length") == 0
