"""What people come to do where several parts work together, with the clicks and keys it may take."""

import csv
import re
from datetime import datetime

from tests.usage.dashboard.browsing import api, number, open_page, shown_total
from tests.usage.dashboard.hand import budget


def test_a_who_spent_most_yesterday_and_on_which_model(page):
    open_page(page, "")
    with budget(page, clicks=2) as hand:
        hand.click(page.get_by_role("link", name="Yesterday", exact=True))
        page.wait_for_url(re.compile("range=yesterday"))
        page.wait_for_load_state("networkidle")
        spender = page.locator("#list-api_key a.row").first
        name, cost = spender.locator(".name").inner_text(), spender.locator("data").first.get_attribute("value")
        hand.click(spender)
        page.wait_for_url(re.compile("api_key="))
        assert number(page, "cost") == float(cost)
        assert page.locator(".chip.on b").inner_text() == name
        key = re.search("api_key=([^&]+)", page.url)[1]
        models = api(page, f"usage/breakdown?range=yesterday&by=model&api_key={key}")["rows"]
        most = max(models, key=lambda model: model["figures"]["cost"] or 0)
        assert page.locator("#list-model a.row .name").first.inner_text() == most["label"]


def test_i_this_week_against_last_week(page):
    open_page(page, "")
    with budget(page, clicks=1) as hand:
        hand.click(page.get_by_role("link", name="This week", exact=True))
        page.wait_for_url(re.compile("range=this_week"))
        before = api(page, "usage/comparison?range=this_week")["previous"]  # of eight days of traffic: on Mondays
        assert page.locator("[data-card=cost] header span").count() == (before is not None)


def test_i_on_the_chart(page):
    open_page(page, "?range=7d")
    with budget(page, clicks=1) as hand:
        hand.click(page.get_by_role("link", name="period before"))
        page.wait_for_url(re.compile("compare=previous"))
        page.wait_for_selector(".legend .line-before")


def test_j_and_k_the_month_and_what_the_cache_saved_stand_on_the_overview(page):
    open_page(page, "")
    with budget(page):
        forecast = api(page, "usage/worth?range=7d")["month"]["forecast"]  # none on the first day of a month
        shown = page.locator("[data-sum=month]").inner_text()
        assert re.search(r"\$[\d.,]+", shown) and ("at the end of" in shown) == (forecast is not None)
        assert re.search(r"\$[\d.,]+", page.locator("[data-sum=saved] .n").inner_text())


def test_b_why_requests_failed_then_on_which_account_and_key(page):
    open_page(page, "?range=7d")
    with budget(page, clicks=2) as hand:
        hand.click(page.locator(".heat .cells :is(.cw, .cx)").last)
        page.wait_for_url(re.compile("requests/.*result=failed"))
        row = page.locator("#requests tbody tr").first
        for column in ("account", "key", "message"):
            assert len(row.locator(f".is-{column}").inner_text()) > 3, column
        hand.click(row.locator("th a"))
        page.wait_for_selector("#attempts-title")


def test_f_a_trace_id_opens_its_request(page):
    events = api(page, "usage/events?range=7d&page_size=100")["items"]
    event = next(event for event in events if event["request_id"] and not event["failed"])
    open_page(page, "")
    with budget(page, clicks=1, keys=3) as hand:
        hand.press("/")
        hand.paste(event["request_id"])
        hand.press("Enter")
        page.wait_for_selector("#log a.button")
        hand.click("#log a.button")
        page.wait_for_selector("#log h2")


def test_g_failed_requests_of_one_model_as_csv_with_dates_that_are_dates(page):
    models = api(page, "usage/breakdown?range=last_week&by=model")["rows"]
    model = max(models, key=lambda row: row["figures"]["failed"])["label"]
    open_page(page, "")
    with budget(page, clicks=4) as hand:
        hand.click(page.get_by_role("link", name="Last week", exact=True))
        page.wait_for_url(re.compile("range=last_week"))
        page.wait_for_load_state("networkidle")
        hand.click(page.locator("#list-model a.row", has_text=model).first)
        page.wait_for_selector(".chip.on")
        hand.click("[data-card=success]")
        page.wait_for_url(re.compile("result=failed"))
        total = shown_total(page)
        with page.expect_download() as saved:
            hand.click(page.get_by_role("link", name="CSV", exact=True))
        with open(saved.value.path(), newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == total > 0
        assert all(datetime.fromisoformat(next(iter(row.values()))) for row in rows)


def test_c_what_runs_out_next_is_the_first_line(page):
    open_page(page, "")
    with budget(page, clicks=1) as hand:
        hand.click(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Accounts"))
        page.wait_for_selector("#next-out")
        first = page.locator("main").inner_text().partition("Accounts")[2].strip() or page.locator("main").inner_text()
        assert re.match("Next to run out|Used up", page.locator("#next-out").inner_text()), first


def test_h_this_view_for_a_colleague(page, chromium):
    open_page(page, "?range=7d&provider=claude")
    seen = number(page, "requests")
    with budget(page, clicks=2) as hand:
        hand.click(page.get_by_role("link", name="Views", exact=True))
        hand.click(page.get_by_role("button", name="Make a link"))
        link = page.locator("#new-link").inner_text()
    stranger = chromium.new_context().new_page()
    stranger.goto(link)
    assert number(stranger, "requests") == seen
    stranger.context.close()


def undone(page):
    """Other tests of this server find what was changed as it was."""
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone").wait_for()


def test_d_a_price_is_set_with_its_effect_shown_before(page):
    open_page(page, "")
    with budget(page, clicks=3, keys=7) as hand:
        hand.press("g", "p")
        page.wait_for_selector("text=Models and prices")
        hand.click(page.get_by_role("link", name="Set price"))
        page.locator("dialog").wait_for()
        hand.type("0.6")
        hand.press("Tab")
        hand.type("2")
        page.locator("dialog output", has_text="7 days: $0 → $").wait_for()
        effect = page.locator("dialog output").inner_text()
        hand.click(page.locator("dialog .button").get_by_text("Save"))
        page.get_by_text(effect).wait_for()
    undone(page)


def test_e_a_key_gets_a_name_and_an_owner(page):
    open_page(page, "")
    with budget(page, clicks=3, keys=8) as hand:
        hand.click(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Keys"))
        page.wait_for_selector("#keys-title")
        hand.click(page.get_by_role("link", name="Edit"))
        page.locator("dialog").wait_for()
        hand.type("Ann")
        hand.press("Tab")
        hand.type("Team")
        hand.click(page.get_by_role("button", name="Save"))
        page.get_by_role("status").filter(has_text="saved").wait_for()
    undone(page)


def test_g_last_weeks_failures_of_a_model_as_csv(page):
    open_page(page, "")
    with budget(page, clicks=4, keys=1) as hand:
        hand.press("t")
        hand.click(page.locator("#ranges").get_by_role("link", name="Last week"))
        page.wait_for_url(re.compile("range=last_week"))
        page.wait_for_load_state("networkidle")
        hand.click("#list-model a.row")
        page.wait_for_selector(".chip.on")
        hand.click("[data-card=success]")
        page.wait_for_url(re.compile("requests/.*result=failed"))
        if page.get_by_role("link", name="CSV", exact=True).count():
            with page.expect_download():
                hand.click(page.get_by_role("link", name="CSV", exact=True))
