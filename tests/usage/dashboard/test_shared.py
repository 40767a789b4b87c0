"""A link to one view: it shows that page with those filters, to a stranger too, and opens nothing else."""

import logging
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from tests.faults.test_doors import ADDRESSES
from tests.usage.made import record
from tests.usage.traffic import NOW_US, store_history, stored_now
from usage.models import SharedView
from usage.ops.savedviews import SHARED

pytestmark = pytest.mark.django_db
OPEN = {"/healthz", "/readyz", "/login/", "/logout/", "/theme/", "/language/", "/admin/login/"} | {
    f"/api/{name}"
    for name in ("schema/", "docs/", "v1/ping", "v1/version", "v1/auth/session", "v1/auth/login", "v1/auth/logout")
}
REVOKE = re.compile(r'action="/usage(/views/links/\d+/revoke/)')
LEADS = re.compile(r"""(?:href|src|action|data-[\w-]+)=["']([/?][^"']*)["']|\bhx-|<form|<nav""")


@pytest.fixture
def share(owner):
    """A function: the address, in our mount, of a link to a view."""

    def made(page="overview", query="range=7d", **more):
        posted = {"page": page, "query": query, "name": "for Ann", **more}
        text = owner.post("/views/share/", posted, follow=True).text
        link = re.search(r'<code id="new-link">([^<]+)</code>', text)[1]
        return urlsplit(link).path.removeprefix("/usage")

    return made


def told(text):
    """The exact figures on a page."""
    return re.findall(r'<data value="([^"]*)"', text)


@pytest.mark.parametrize("page", SHARED)
def test_a_stranger_sees_the_page_as_it_is_and_no_way_on(owner, share, page):
    store_history(3, 150)
    query = "range=7d&by=api_key&measure=requests&not_model=gpt-5"
    address = share(page, query)
    mine = owner.get(reverse(page).removeprefix("/usage"), query_params=QueryDict(query))
    reply = Client().get(address)
    assert reply.status_code == 200
    text = reply.text
    main = text.partition("<main")[2]
    assert told(main) == told(mine.text.partition("<main")[2])
    assert [found[0] for found in LEADS.finditer(text) if not (found[1] or "").startswith("/usage/static/")] == []
    assert "for Ann" in text and "gpt-5" in text.partition("<main")[0]
    fingerprints = [key for key in ApiKey.objects.values_list("fingerprint", flat=True) if key]
    assert fingerprints and [key for key in fingerprints if key in text] == []
    assert (reply["Referrer-Policy"], reply["Cache-Control"]) == ("no-referrer", "no-store")
    assert "noindex" in reply["X-Robots-Tag"] and not reply.cookies
    assert "script-src" not in reply["Content-Security-Policy"]


def test_its_parameters_are_those_of_the_view_and_of_no_visitor(share):
    store_history(2, 400)  # some of them failed, at every hour of the day
    address = share("requests", "range=7d&result=failed&shown=model.cost")
    visitor = Client()
    visitor.cookies["columns"] = "request"
    whole = visitor.get(address).text
    assert visitor.get(f"{address}?range=all&result=success&page=2&shown=key").text == whole
    headings = re.findall(r'<th scope="col"[^>]*>(?:<a>)?([^<]+)', whole)
    assert [words.strip() for words in headings] == ["Time", "Model", "Cost"]
    assert visitor.post(address).status_code == 405


def test_who_has_a_link_reaches_nothing_else(share):
    address = share()
    holder, opened = Client(raise_request_exception=False), {}
    assert holder.get(address).status_code == 200
    for other in ADDRESSES:
        if other not in OPEN and not other.startswith("/shared/"):
            reply = holder.get(other, headers={"referer": f"http://testserver/usage{address}"})
            if reply.status_code not in (401, 403, 405) and "/login/?next=" not in reply.headers.get("Location", ""):
                opened[other] = reply.status_code
    assert opened == {}
    for below in (f"{address}requests/", f"{address}../requests/", address.upper(), address[:-2] + "/"):
        assert holder.get(below).status_code == 404


def test_it_ends_at_once_when_it_is_revoked(owner, share):
    address = share()
    assert Client().get(address).status_code == 200
    listed = owner.get("/views/?for=overview").text
    assert "last used" in listed and address.split("/")[2] not in listed
    owner.post(REVOKE.search(listed)[1])
    reply = Client().get(address)
    assert (reply.status_code, "This link is over." in reply.text) == (404, True)
    assert "revoked" in owner.get("/views/?for=overview").text


def test_it_ends_when_it_says(share, set_clock):
    start = timezone.now()
    set_clock(start)
    address, endless = share(days="7"), share(days="")
    codes = []
    for seconds in (-1, 0):
        set_clock(start + timedelta(days=7, seconds=seconds))
        codes.append([Client().get(each).status_code for each in (address, endless)])
    assert codes == [[200, 200], [404, 200]]


@pytest.mark.parametrize(
    "query", ["range=never", "last=5&unit=h", "first_day=2026-11-20", "open=1&request_id=r1", "order=bogus"]
)
def test_a_view_that_is_no_page_by_now_has_no_way_on_either(share, query):
    stored_now(record(NOW_US, request_id="r1"))
    address = share("requests")
    SharedView.objects.update(query=query)
    reply = Client().get(address)
    assert (reply.status_code, "<nav" in reply.text, "/usage/requests/" in reply.text) == (404, False, False)


def test_only_a_hash_of_it_is_stored_and_no_line_of_a_log_names_it(share, caplog):
    caplog.set_level(logging.DEBUG)
    address = share()
    token = address.split("/")[2]
    Client().get(address)
    SharedView.objects.get().revoke()
    Client().get(address)
    assert len(token) == 43
    assert token not in str(SharedView.objects.values())
    assert [line.getMessage() for line in caplog.records if token in line.getMessage()] == []
    assert any("/shared/<str:token>/" in line.getMessage() for line in caplog.records)


def test_guesses_are_throttled(share, set_clock):
    address = share()
    set_clock(timezone.now().replace(second=30))
    replies = [Client().get(f"/shared/{'a' * 43}/") for _ in range(11)]
    assert [reply.status_code for reply in replies] == [404] * 10 + [429]
    assert 0 < int(replies[-1]["Retry-After"]) <= 31
    assert Client().get(address).status_code == 200


@pytest.mark.parametrize("wrong", [{"page": "system"}, {"page": "keys"}, {"days": "x"}, {"query": "range=never"}])
def test_what_cannot_be_shared_is_named(owner, wrong):
    (field,) = wrong
    posted = {"page": "overview", "query": "", "name": "a"} | wrong
    assert f"{field}: " in owner.post("/views/share/", posted, follow=True).text
    assert not SharedView.objects.exists()


def test_without_a_login_only_a_browser_on_this_machine_makes_and_revokes_them(db):
    browser = {"HTTP_HOST": "127.0.0.1:8318", "HTTP_CONNECTION": "keep-alive", "SERVER_PROTOCOL": "HTTP/1.1"}
    here, elsewhere = Client(**browser), Client(**browser, REMOTE_ADDR="203.0.113.9")
    posted = {"page": "overview", "query": ""}
    assert "this machine alone" in elsewhere.post("/views/share/", posted, follow=True).text
    assert not SharedView.objects.exists()
    assert "shown this once" in here.post("/views/share/", posted, follow=True).text
    made = SharedView.objects.get()
    elsewhere.post(f"/views/links/{made.pk}/revoke/")
    assert SharedView.objects.get().state == "active"
    assert "revoke" not in elsewhere.get("/views/").text


@pytest.mark.parametrize(
    ("page", "query"),
    [("overview", "last=5&unit=h"), ("overview", "first_day=2026-11-20"), ("requests", "open=1&request_id=r1")],
)
def test_a_link_does_not_lead_elsewhere(share, page, query):
    stored_now(record(NOW_US, request_id="r1"))
    reply = Client().get(share(page, query))
    assert (reply.status_code, "Location" in reply.headers) == (200, False)


def test_what_is_excluded_by_an_account_that_is_a_key_stays_excluded(share):
    key = "sk-upstream-0123456789"
    stored_now(record(NOW_US, source=key, auth_type="apikey", model="left-out"), record(NOW_US - 1, model="seen"))
    text = Client().get(share("requests", f"range=7d&not_source={fingerprint(key)}")).text.partition("<main")[2]
    assert ("seen" in text, "left-out" in text) == (True, False)


def test_opening_a_link_leaves_the_message_of_its_maker_where_it_is(owner, share):
    address = share()
    owner.post("/views/save/", {"name": "mine", "page": "overview", "query": ""})
    for opened in (address, f"/shared/{'a' * 43}/"):
        assert "View saved." not in owner.get(opened).text
    assert "View saved." in owner.get("/views/").text


def test_an_empty_view_offers_nothing(share):
    stored_now(record(NOW_US))
    text = Client().get(share("requests", "range=7d&model=nope")).text
    assert "No request in this range with these filters." in text
    assert "Without" not in text and "Clear filters" not in text


def test_a_link_without_a_name_has_one_in_the_language_of_its_reader(owner, share):
    address = share(name="")
    assert SharedView.objects.get().name == ""
    assert "<bdi>Shared view</bdi>" in Client().get(address).text
    assert "<bdi>共享视图</bdi>" in Client(headers={"accept-language": "zh-hans"}).get(address).text
    assert "<bdi>Shared view</bdi>" in owner.get("/views/").text


def test_open_links_are_listed_first_and_what_is_left_out_is_counted(owner, share):
    share(name="the oldest")
    now = timezone.now()
    SharedView.objects.bulk_create(
        SharedView(name=f"over {n}", page="overview", digest=n, shown="", revoked_at=now) for n in range(101)
    )
    text = owner.get("/views/?for=overview").text
    assert 0 < text.index("the oldest") < text.index("over 100")
    assert re.search(r'href="/usage/admin/usage/sharedview/"[^>]*>\s*2 more in the admin', text)
