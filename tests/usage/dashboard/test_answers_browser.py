"""What comes instead of an answer: nothing, an error page, or the login. The page keeps its parts, and says so."""

import pytest

from cpa_usage.auth.sessions import COOKIE
from tests.usage.dashboard.browsing import open_page
from tests.usage.dashboard.hand import PASSWORD

AWAY, ENDED = "The server does not answer: try again.", "Your session has ended: sign in again."
ACCOUNT = "#accounts tbody th a"


@pytest.fixture
def member(chromium, guarded):
    """A window that has signed in, at a server that asks for a password."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=guarded)
    page = context.new_page()
    page.goto("login/")
    sign_in(page)
    page.wait_for_url(guarded)
    yield page
    context.close()


def sign_in(page):
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def end_session(page):
    page.get_by_role("button", name="Live").click()  # which would notice it
    page.context.clear_cookies(name=COOKIE)


def fail(route):
    route.fulfill(status=503, body="<h1>Not available just now</h1>", content_type="text/html")


def test_where_a_part_does_not_come_the_page_that_came_is_shown(page):
    open_page(page, "accounts/")
    page.route("**account=**", fail)
    page.locator(ACCOUNT).first.click()
    page.get_by_role("heading", name="Not available just now").wait_for()
    page.unroute("**account=**")
    page.reload()
    page.locator("#account-title").wait_for()


def test_an_account_leads_to_the_login_and_from_there_to_the_account(member):
    open_page(member, "accounts/")
    end_session(member)
    member.locator(ACCOUNT).first.click()
    member.wait_for_url("**/login/**")
    sign_in(member)
    member.locator("#account-title").wait_for()


def test_what_a_page_loads_by_itself_can_be_asked_for_again(page):
    page.route("**/analysis/failures/**", fail)
    open_page(page, "analysis/?range=7d")
    page.unroute("**/analysis/failures/**")
    page.locator("#failures").get_by_role("link", name="Show").click()
    page.locator("#failures table").wait_for()
    assert "failures" not in page.url


def test_a_preview_says_that_nothing_was_reckoned(member):
    open_page(member, "prices/")
    member.get_by_text("Add a factor or a fee").click()
    form = member.locator("dialog form")
    form.locator("select").select_option("provider:xai")
    member.route("**/prices/adjust/", fail)
    form.locator("[name=factor]").fill("0.5")
    form.locator("output", has_text=AWAY).wait_for()
    member.unroute("**/prices/adjust/")
    member.context.clear_cookies(name=COOKIE)
    form.locator("[name=factor]").fill("0.6")
    form.locator("output", has_text=ENDED).wait_for()
    assert form.locator("output").inner_text() == ENDED


@pytest.mark.parametrize(("language", "away"), [("en", AWAY), ("zh-CN", "服务器没有应答，请重试。")])
def test_a_page_says_that_the_server_cannot_be_reached(page, language, away):
    page.set_extra_http_headers({"Accept-Language": language})
    open_page(page, "?range=7d")
    said, filters, views = page.locator(".note", has_text=away), *page.locator("[data-filter-panel]").all()
    for opener in (filters, views):
        page.route("**/*", lambda route: route.abort())
        opener.click()
        said.wait_for()
        page.unroute("**/*")
        opener.click()
        page.locator("dialog").wait_for()
        assert said.count() == 0
        page.keyboard.press("Escape")
    views.click()
    form = page.locator("dialog form[action$='/views/save/']")
    form.locator("[name=name]").fill("a view")
    page.route("**/*", lambda route: route.abort())
    form.locator("button").click()
    page.locator("dialog").locator(said).wait_for()
    assert form.locator("[name=name]").input_value() == "a view"


def test_a_search_in_a_list_says_that_it_found_no_answer(member):
    open_page(member, "accounts/?range=7d")
    field = member.locator("form[data-seek] [name=q]")
    member.route("**/accounts/**q=**", fail)
    field.fill("gemini")
    member.locator("#main > .note", has_text=AWAY).wait_for()
    member.unroute("**/accounts/**q=**")
    end_session(member)
    field.fill("claude")
    member.locator("#main > .note", has_text=ENDED).wait_for()


def test_an_upload_without_a_session_says_so(member, tmp_path):
    path = tmp_path / "usage.jsonl"
    path.write_text("{}\n")
    open_page(member, "system/import/")
    member.set_input_files("input[type=file]", path)
    end_session(member)
    member.click("text=Upload and check")
    said = member.locator("[data-upload] output.bad")
    said.wait_for()
    assert (said.inner_text(), member.locator("[data-upload] progress").is_hidden()) == (ENDED, True)
