"""What stands where in a real browser: tables that fit their panel, rows of two lines, and nothing off the screen."""

import pytest

from tests.usage.dashboard.browsing import open_page

TOO_WIDE = "[...document.querySelectorAll('main .scroll')].map(each => each.scrollWidth - each.clientWidth)"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
IN_SIGHT = """each => {
  const box = each.getBoundingClientRect(), [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  return each.contains(document.elementFromPoint(x, y)) || document.elementFromPoint(x, y)?.contains(each);
}"""
CUT_OFF = """parts => parts.filter(part => {
  const [own, cell] = [part, part.closest("td")].map(each => each.getBoundingClientRect());
  return own.right > cell.right;
}).length"""
LONG_HEADING = "document.querySelector('h1').textContent = 'x'.repeat(300)"
LONG_NOTICE = "document.querySelector('.note:has(.link) b').textContent = 'a-model-of-a-long-name '.repeat(80)"


def open_at(page, path, width):
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, path)


@pytest.mark.parametrize("width", [910, 961, 1024, 1121, 1280, 1366, 1440])
@pytest.mark.parametrize("query", ["?range=7d", "?range=7d&result=failed"])
def test_a_request_shows_its_cost_and_result_without_scrolling(page, width, query):
    open_at(page, f"requests/{query}", width)
    assert page.evaluate(TOO_WIDE) == [0]
    assert page.locator("#requests tbody .is-result").first.evaluate(IN_SIGHT)


def test_a_chosen_column_stays_on_a_laptop(page):
    open_at(page, "requests/?range=7d&shown=model.input.cost", 1280)
    assert page.locator("#requests .is-input").first.is_visible()
    open_page(page, "requests/?range=7d")
    assert page.locator("#requests .is-input").first.is_hidden()


@pytest.mark.parametrize("path", ["analysis/failures/", "analysis/"])
@pytest.mark.parametrize("width", [1440, 1920, 2560])
def test_failures_have_the_whole_width_and_say_how_many_others_there_are(page, path, width):
    open_at(page, f"{path}?range=7d", width)
    page.wait_for_selector("#failures tbody tr")
    widths = "[document.querySelector('#failures').offsetWidth, document.querySelector('#notices').offsetWidth]"
    assert len(set(page.evaluate(widths))) == 1
    others = page.locator("#failures td:not(.said) .middle .quiet")
    assert others.count() and others.evaluate_all(CUT_OFF) == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_the_filter_page_ends_where_its_form_ends(page, width):
    open_at(page, "filters/?range=7d", width)
    below = "document.documentElement.scrollHeight - document.querySelector('.foot').getBoundingClientRect().bottom"
    assert page.evaluate(below) <= 60  # the bar of a phone
    over = "e => e.getBoundingClientRect().right - e.nextElementSibling.getBoundingClientRect().left"
    page.locator(".choice label").first.evaluate("e => e.append('W'.repeat(60))")
    assert page.locator(".choice label").first.evaluate(over) <= 0


@pytest.mark.parametrize("width", [390, 1440])
def test_language_and_theme_stand_below_the_sign_in(chromium, guarded, width):
    context = chromium.new_context(base_url=guarded, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto("login/")
    form, own = page.locator(".login").bounding_box(), page.locator(".own").bounding_box()
    buttons = [button.bounding_box() for button in page.locator(".own button:visible").all()]
    assert own["y"] > form["y"] + form["height"]
    assert all(form["x"] < each["x"] < form["x"] + form["width"] for each in buttons)
    context.close()


def test_the_menu_of_columns_is_on_the_screen_of_a_phone(page):
    open_at(page, "requests/?range=7d", 390)
    page.get_by_text("Columns", exact=True).first.click()
    box = page.locator("main .pop").first.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


@pytest.mark.parametrize("width", [390, 1440])
def test_a_model_of_300_letters_widens_no_page(page, width):
    open_at(page, "requests/{event_key}/", width)
    page.evaluate(LONG_HEADING)
    page.evaluate(LONG_NOTICE)
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.locator(".note:has(.link) p").first.evaluate("e => e.offsetHeight") < 50


def test_keys_and_prices_are_rows_of_two_lines_on_a_phone(page):
    for path, editor, column_of_tokens in (("keys/", "Statement", 6), ("prices/", "Edit", 2)):
        open_at(page, f"{path}?range=7d", 390)
        assert page.evaluate(TOO_WIDE)[0] == 0
        row = page.locator(".folded tbody tr", has_text=editor).first
        row.scroll_into_view_if_needed()
        for part in (row.locator(".above"), row.locator(".change a").last):
            assert part.is_visible() and part.evaluate(IN_SIGHT)
        assert row.bounding_box()["height"] < 70
        page.locator(".folded thead").get_by_role("button", name="Tokens").click()
        assert page.locator(f".folded tbody tr:first-child > :nth-child({column_of_tokens})").is_visible()


def test_the_cost_of_a_breakdown_is_in_sight_on_a_phone(page):
    open_at(page, "analysis/?range=7d", 390)
    cell = page.locator("section[aria-labelledby=breakdown-title] tbody .costs").first
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    assert box["x"] + box["width"] <= 390


def test_an_account_shows_what_it_is_sorted_by_on_a_phone(page):
    open_at(page, "accounts/?range=7d", 390)
    row = page.locator("#accounts tbody tr").first
    assert row.locator(".of-requests").is_visible() and row.locator(".of-failed").is_hidden()
    ends = "cells => new Set(cells.map(e => Math.round(e.getBoundingClientRect().right))).size"
    assert page.locator("#accounts tbody .of-status").evaluate_all(ends) == 1


def test_the_search_stays_in_the_row_of_ranges(page):
    for width in (1024, 1280):
        open_at(page, "?range=7d", width)
        tops = [page.locator(part).bounding_box()["y"] for part in (".filters .range", ".filters .find")]
        assert abs(tops[0] - tops[1]) < 5, width


def test_a_line_without_changes_takes_no_room(page):
    open_at(page, "?range=all", 1440)
    told, first = page.locator(".told").bounding_box(), page.locator(".told > :visible").first.bounding_box()
    assert told["x"] == first["x"]
