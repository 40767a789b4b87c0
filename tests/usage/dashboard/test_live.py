"""Live updates: they fetch what has changed, show it, and keep what the user did."""

import pytest

from tests.usage.dashboard.browsing import open_page

# A later answer of the server, with one record more than the page shows.
LATER = """async () => {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  page.querySelector("#chart-legend tbody td").textContent = "987,654,321";
  page.querySelector("#latest tbody th").title = "new";
  replaceParts(page);
}"""

# A later answer in which the first two layers of the chart have changed places.
REORDERED = """async () => {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  for (const row of page.querySelectorAll(".as-table tr")) row.cells[1].before(row.cells[2]);
  replaceParts(page);
}"""
# Later answers without the notices, and with them again.
QUIET = """async () => {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  page.querySelector("#notices").hidden = true;
  page.querySelector("#notices").replaceChildren();
  page.querySelector("#light").className = "light good";
  replaceParts(page);
}"""
AGAIN = """async () => {
  replaceParts(new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html"));
}"""
ADDRESSES = "links => links.map(link => link.href.split('?')[0])"
COLUMN = "table => [...table.tBodies[0].rows].map(row => +row.cells[2].textContent.replace(/[^0-9]/g, ''))"


def test_live_updates_change_figures_and_nothing_that_the_user_did(page):
    page.set_viewport_size({"width": 390, "height": 900})
    open_page(page, "?range=7d&measure=tokens")
    page.get_by_role("button", name="Live").click()
    page.locator(".as-table summary").click()
    head = page.locator(".as-table thead th").nth(1)
    head.get_by_role("button").click()
    page.evaluate(AGAIN)  # links of the page have the order of the table now
    page.locator(".as-table .scroll").evaluate("one => { one.scrollLeft = 120 }")
    page.evaluate("document.getElementById('cards').dataset.kept = 'yes'")
    page.evaluate(LATER)
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator(".as-table tbody td").first.inner_text() == "987,654,321"
    assert page.locator("#latest tbody th").first.get_attribute("title") == "new"
    assert page.locator(".as-table .scroll").evaluate("one => one.scrollLeft") == 120
    assert head.get_by_role("button").evaluate("one => one === document.activeElement")
    assert page.locator("#cards").get_attribute("data-kept") == "yes"  # it said the same: it is still the same
    assert page.wrong == []


def test_notices_and_the_light_come_and_go(page):
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        open_page(page, "accounts/?range=7d")
        page.get_by_role("button", name="Live").click()
        notice, light = page.locator("#notice-drain-silent"), page.locator("#light")
        assert notice.inner_text().startswith("The collector has never run.")
        assert (light.get_attribute("class"), light.get_attribute("title")) == (
            "light bad",
            "The collector has never run.",
        )
        page.evaluate(QUIET)
        assert (notice.is_visible(), light.get_attribute("class")) == (False, "light good")
        page.evaluate(AGAIN)
        assert (notice.is_visible(), light.get_attribute("class")) == (True, "light bad")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_live_updates_ask_by_etag_and_can_be_paused(page):
    open_page(page, "")
    # Figures "of now" move once a minute: the first answer may be a whole one.
    with page.expect_response(lambda reply: reply.status == 304, timeout=30_000) as answer:
        pass
    assert answer.value.request.headers["if-none-match"].startswith('W/"')
    page.get_by_role("button", name="Live").click()
    assert page.locator("[data-live-toggle]").get_attribute("aria-pressed") == "false"


def test_a_sorted_column_that_is_gone_holds_nothing_up(page):
    open_page(page, "?range=7d&measure=tokens&by=model")
    page.get_by_role("button", name="Live").click()
    page.locator(".as-table summary").click()
    head = page.locator(".as-table thead th").last
    name = head.inner_text()
    head.get_by_role("button").click()
    # Fewer layers, and other rows in the parts below the chart.
    later = page.request.get("?range=7d&measure=requests&by=provider&provider=claude").text()
    shown = page.locator("#latest tbody th a").evaluate_all(ADDRESSES)
    page.route("**/*by=model*", lambda route: route.fulfill(body=later, content_type="text/html"))
    page.get_by_role("button", name="Live").click()
    page.wait_for_function("name => !document.querySelector('.as-table thead').textContent.includes(name)", arg=name)
    assert page.locator(".as-table").get_attribute("open") is not None
    assert page.locator(".as-table th[aria-sort]").count() == 0
    assert page.locator("#latest tbody th a").evaluate_all(ADDRESSES) != shown
    assert page.locator("#live.stale").count() == 0
    assert page.wrong == []


def test_a_sorted_column_that_moved_stays_the_sorted_one(page):
    open_page(page, "?range=7d&measure=tokens&by=model")
    page.get_by_role("button", name="Live").click()
    page.locator(".as-table summary").click()
    head = page.locator(".as-table thead th").nth(1)
    name = head.inner_text()
    head.get_by_role("button").click()
    page.evaluate(REORDERED)
    assert page.locator(".as-table th[aria-sort]").all_inner_texts() == [name]
    assert page.locator(".as-table thead th").nth(2).get_attribute("aria-sort") == "descending"
    figures = page.locator(".as-table table").evaluate(COLUMN)
    assert figures == sorted(figures, reverse=True)
    assert page.evaluate("document.activeElement.textContent") == name


def test_the_focus_stays_on_the_second_of_two_links_to_the_same_place(page):
    open_page(page, "accounts/?range=7d&view=cards")
    page.evaluate("document.querySelector('.account dd a').focus()")
    page.evaluate("document.getElementById('accounts').dataset.kept = 'no'")
    page.evaluate("""async () => {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      page.querySelector(".account").title = "new";
      replaceParts(page);
    }""")
    assert page.locator("#accounts").get_attribute("data-kept") is None
    assert page.evaluate("document.activeElement === document.querySelector('.account dd a')")


def test_a_poll_waits_for_the_one_before_it_and_changes_no_page_that_came_since(page):
    open_page(page, "?range=7d")
    page.get_by_role("button", name="Live").click()
    page.evaluate("""() => {
      window.asked = [];
      window.fetch = () => new Promise(answer => asked.push(html => answer(new Response(html))));
    }""")
    page.get_by_role("button", name="Live").click()
    page.evaluate("() => { poll(); poll(); }")
    assert page.evaluate("asked.length") == 1
    older = page.content().replace('id="cards"', 'id="cards" title="older"')
    page.locator("#cards").evaluate("cards => { cards.dataset.kept = 'no' }")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Overview").click()
    page.locator("#cards:not([data-kept])").wait_for()
    page.evaluate("() => { poll(); }")  # of the page that came; its answer is not waited for
    assert page.evaluate("asked.length") == 2
    page.evaluate("each => each.forEach((html, n) => asked[n](html))", [older, page.request.get(page.url).text()])
    page.wait_for_function("() => !live.request")
    assert page.locator("#cards[title]").count() == 0
    assert page.wrong == []


def test_links_of_a_replaced_part_load_no_whole_page(page):
    open_page(page, "accounts/?range=7d")
    page.evaluate("""async () => {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      page.querySelector("#accounts").title = "new";
      replaceParts(page);
      window.kept = "yes";
    }""")
    assert page.locator("#accounts").get_attribute("title") == "new"
    page.locator("#accounts tbody th a").first.click()
    page.locator("#account-title").wait_for()
    assert page.locator("#accounts").get_attribute("title") == "new"  # the account alone was loaded
    page.keyboard.press("Escape")
    page.locator("#account[hidden]").wait_for(state="attached")
    page.locator("#accounts thead").get_by_role("link", name="Cost").click()
    page.wait_for_url("**sort=-cost**")
    assert page.evaluate("window.kept") == "yes"
    assert page.wrong == []


@pytest.mark.parametrize(("path", "part"), [("", "#chart-legend"), ("requests/", "#pager")])
def test_parts_that_come_or_go_are_shown_unless_one_is_about_to_do_something(page, path, part):
    address, nothing = f"{path}?range=7d", page.request.get(f"{path}?range=7d&model=none").text()
    some = page.request.get(address).text()
    answer = {"body": nothing, "content_type": "text/html"}
    page.route(f"**/{address}", lambda route: route.fulfill(**answer))
    open_page(page, address)
    assert page.locator(part).count() == 0
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    answer["body"] = some
    page.evaluate("poll()")
    assert page.locator(part).count() == 0
    page.evaluate("getSelection().empty()")
    page.locator(part).wait_for()
    page.wait_for_load_state()
    assert page.locator("#empty-range").count() == 0
    field = page.get_by_role("searchbox", name="Request or trace id")
    field.fill("1")
    page.evaluate("document.activeElement.blur()")
    answer["body"] = nothing
    page.evaluate("poll()")
    assert page.locator(part).count() == 1
    page.evaluate("""document.getElementById("main").insertAdjacentHTML(
      "afterbegin", '<div class="note done"><button id="once">Undo</button></div>')""")
    field.fill("")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("poll()")
    assert page.locator(part).count() == 1
    page.evaluate("document.getElementById('once').remove()")
    page.locator(part).wait_for(state="detached")
    assert page.wrong == []
