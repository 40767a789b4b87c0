"""What people come to do, with the clicks and keys it may take: docs/tasks.md lists them all."""

import re

import pytest

from tests.usage.dashboard.browsing import api, number, open_page, shown_total
from tests.usage.dashboard.hand import PASSWORD, budget

SEEN = """row => [...row.querySelectorAll("th, .is-model, .is-key, .is-account, .is-cost, .is-result")].map(cell => {
  const { left, right, width, height } = cell.getBoundingClientRect();
  return left >= 0 && right <= innerWidth && width > 0 && height > 10;
})"""
PAGE_KEYS = {
    "a": "Analysis",
    "r": "Requests",
    "c": "Accounts",
    "h": "Health",
    "p": "Prices",
    "k": "Keys",
    "d": "Weekly digest",
    "s": "System",
    "o": "Overview",
}


@pytest.fixture
def phone(chromium, served):
    """A window as wide as a phone, for a finger."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, base_url=served, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    context.close()


@pytest.fixture
def stranger(chromium, guarded):
    """A window that has not signed in, at a server that asks for a password."""
    context = chromium.new_context(base_url=guarded)
    page = context.new_page()
    page.wrong = []
    yield page
    context.close()


def failed_today(page):
    return api(page, "usage/events?range=7d&result=failed")["items"]


def test_f_one_request_is_found_by_its_id_and_its_log_asked_for(page):
    event = next(event for event in failed_today(page) if event["request_id"])
    attempts = api(page, f"usage/events?range=all&request_id={event['request_id']}")["total"]
    open_page(page, "")
    with budget(page, clicks=2, keys=3) as hand:
        hand.press("/")
        hand.paste(event["request_id"])
        hand.press("Enter")
        page.wait_for_url(re.compile("requests/"))
        page.wait_for_load_state("networkidle")
        if page.locator("#requests").count():
            assert shown_total(page) == attempts
            hand.click("#requests tbody th a")
        hand.click("#log a.button")
        page.wait_for_selector("#log h2")


def test_l_failures_are_read_on_a_phone_without_scrolling_sideways(phone):
    open_page(phone, "")
    failed = failed_today(phone)
    with budget(phone, clicks=2) as hand:
        hand.click(phone.locator("[data-card=success]"))
        phone.wait_for_url(re.compile("requests/.*result=failed"))
        row = phone.locator("#requests tbody tr").first
        seen = row.evaluate(SEEN)
        assert len(seen) >= 5 and all(seen)
        assert row.locator(".is-model").inner_text() == failed[0]["model"]
        assert str(failed[0]["fail_status_code"]) in row.locator(".is-result").inner_text()
        hand.click(row.locator("th a"))
        phone.wait_for_selector("#attempts-title")


def test_l_every_page_is_two_taps_away_on_a_phone(phone):
    open_page(phone, "")
    for name in ("Accounts", "Requests", "Analysis", "Overview"):
        with budget(phone, clicks=1) as hand:
            hand.click(phone.locator("nav > a", has_text=name))
            phone.wait_for_selector(f"nav > a[aria-current=page]:text-is('{name}')")
    for name in ("Health", "Prices", "Keys", "System"):
        with budget(phone, clicks=2) as hand:
            hand.click(".more summary")
            hand.click(phone.locator(".more .pop a", has_text=name))
            phone.wait_for_function("name => document.title.startsWith(name)", arg=name)


def test_l_a_phone_leaves_its_screen_to_the_figures(phone):
    open_page(phone, "requests/")
    height = "query => document.querySelector(query).getBoundingClientRect().height"
    assert phone.evaluate(height, "header.top") + phone.evaluate(height, ".bar") <= 100
    heights = "parts => parts.map(part => part.scrollHeight - part.clientHeight)"
    assert phone.locator("main .scroll").evaluate_all(heights) == [0]  # the page scrolls, and nothing in it
    open_page(phone, "?range=7d")
    rows = phone.locator(".heat > div").all()
    assert rows and all(row.bounding_box()["height"] >= 24 for row in rows)
    with budget(phone, clicks=1) as hand:
        hand.click(phone.locator(".heat .label").last)
        phone.wait_for_url(re.compile("requests/.*start="))


@pytest.mark.parametrize(("scheme", "shown"), [("light", "dark"), ("dark", "light")])
def test_m_chinese_and_the_other_theme_are_a_click_each(page, scheme, shown):
    page.emulate_media(color_scheme=scheme)
    open_page(page, "requests/?result=failed")
    with budget(page, clicks=2) as hand:
        hand.click(page.get_by_role("button", name="Change theme"))
        page.wait_for_selector(f"html[data-theme={shown}]")
        hand.click(page.get_by_role("button", name="简体中文"))
        page.wait_for_selector("html[lang=zh-hans]")
    assert page.url.endswith("requests/?result=failed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_m_no_click_on_the_theme_changes_nothing(page, scheme):
    page.emulate_media(color_scheme=scheme)
    open_page(page, "keys/")
    ground = "getComputedStyle(document.body).backgroundColor"
    for _ in range(3):
        before = page.evaluate(ground)
        page.get_by_role("button", name="Change theme").click()
        page.wait_for_load_state()
        assert page.evaluate(ground) != before


def test_n_pages_search_and_help_are_reached_by_keys(page):
    open_page(page, "?range=24h&result=failed")
    for key, title in PAGE_KEYS.items():
        with budget(page, keys=2) as hand:
            hand.press("g", key)
            page.wait_for_function("title => document.title.startsWith(title)", arg=title)
            assert "result=failed" in page.url
    with budget(page, keys=2) as hand:
        hand.press("?")
        page.wait_for_selector("dialog.shortcuts")
        assert page.locator("dialog.shortcuts dt").count() == len(PAGE_KEYS) + 4
        hand.press("Escape")
        page.wait_for_selector("dialog", state="detached")
    with budget(page, keys=6) as hand:
        hand.press("/")
        hand.type("gkt?/")
        assert page.locator(".find [type=search]").input_value() == "gkt?/"
    page.keyboard.press("Tab")
    for chord in ("Control+k", "Alt+k", "Meta+k"):
        page.keyboard.press("g")
        page.keyboard.press(chord)
    assert page.title().startswith("Overview")


def test_o_signing_in_and_out_and_where_one_is_signed_in(stranger):
    stranger.goto("requests/?result=failed")
    assert stranger.locator("form.login").is_visible()
    with budget(stranger, clicks=4, keys=2 * len(PASSWORD) + 5) as hand:
        hand.click(stranger.get_by_role("button", name="简体中文"))
        stranger.wait_for_selector("html[lang=zh-hans] input[type=password]:focus")
        hand.click(stranger.get_by_role("button", name="EN"))
        stranger.wait_for_selector("html[lang=en] input[type=password]:focus")
        hand.type(PASSWORD[:-1])
        hand.press("Enter")
        assert stranger.get_by_role("alert").inner_text() == "The password is wrong."
        hand.type(PASSWORD)
        hand.press("Enter")
        stranger.wait_for_url(re.compile(r"requests/\?result=failed"))
        hand.press("g", "s")
        stranger.wait_for_selector("#sessions tbody tr")
        hand.click(stranger.get_by_role("button", name="Sign out"))
        stranger.wait_for_selector("form.login")
    stranger.goto("requests/")
    assert stranger.locator("form.login").is_visible()


def test_a_card_leads_to_what_it_counts_in_one_click(page):
    open_page(page, "?range=7d")
    requests = number(page, "requests")
    with budget(page, clicks=1) as hand:
        hand.click("[data-card=requests]")
        page.wait_for_url(re.compile("requests/"))
        assert shown_total(page) == requests
