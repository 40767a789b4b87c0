"""The page of accounts: the table, its order in the address, one account next to it, names, and empty states."""

import re
from html import unescape

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from aliases.models import AccountName
from catalog.models import AuthFile, Connection
from tests.usage.made import HOUR, NOON, SECOND, record, stored

pytestmark = pytest.mark.django_db
ANN, BOB = {"source": "ann@example.com", "auth_index": "a"}, {"source": "bob@example.com", "auth_index": "b"}
LONG = "n" * 250


@pytest.fixture(autouse=True)
def noon(set_clock):
    """It is noon on 24 November 2026 in Shanghai."""
    set_clock(NOON)


def said(used, resets):
    told = {"Used-Percent": used, "Window-Minutes": 300, "Reset-At": resets // SECOND}
    return {f"X-Codex-Primary-{end}": [str(value)] for end, value in told.items()}


def words(html):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    return text.replace("( ", "(").replace(" )", ")")


def shown(client, query=""):
    reply = client.get(f"/accounts/{query}")
    assert reply.status_code == 200
    return words(reply.text.partition("<main")[2])


def names(client, query=""):
    found = client.get(f"/accounts/{query}").text
    return re.findall(r'<th scope="row" class="of-name">\s*<a[^>]*title="([^"]*)"', found)


@pytest.fixture
def used():
    stored(
        *(record(NOON - n, **BOB) for n in range(3)),
        record(NOON - HOUR, failed=True, fail={"status_code": 429, "body": "slow"}, **ANN),
        record(NOON - 1, response_headers=said(75, NOON + 2 * HOUR), **ANN),
    )


def test_the_first_line_says_what_runs_out_next(client, used):
    assert "Next to run out ann@example.com · 5h · runs out 13:00 (in 1 h) at the pace" in shown(client)
    assert shown(client).index("Next to run out") < shown(client).index("bob@example.com")


@pytest.mark.parametrize(
    ("used_percent", "sentence"),
    [
        (30, "None before it resets, at the pace so far. Fullest: ann@example.com · 5h · 30% used · resets 14:00"),
        (100, "Used up ann@example.com · 5h · resets 14:00"),
    ],
)
def test_where_none_runs_out_it_says_so(client, used_percent, sentence):
    stored(record(NOON - 1, response_headers=said(used_percent, NOON + 2 * HOUR), **ANN))
    assert sentence in shown(client)


def test_where_no_limit_is_told_nothing_is_guessed(client):
    stored(record(NOON - 1, **ANN))
    assert "Not known: no upstream has said how much of a window is used." in shown(client)


def test_a_row_says_it_all(client, used):
    AuthFile.objects.create(auth_index="a", name="a.json", email="ann@example.com", provider="codex", plan="plus")
    assert "ann@example.com codex plus 2 50.0%" in shown(client)
    assert "5h 75% used resets 14:00 (in 2 h)" in shown(client)


def test_the_order_stands_in_the_address_and_in_the_heading(client, used):
    assert names(client) == ["bob@example.com", "ann@example.com"]
    text = client.get("/accounts/?sort=name").text
    heading = re.search(r'<th\s+scope="col"\s+class="of-name"\s+aria-sort="ascending"\s*>\s*<a href="([^"]*)"', text)
    assert names(client, "?sort=name") == ["ann@example.com", "bob@example.com"]
    assert names(client, unescape(heading[1])) == ["bob@example.com", "ann@example.com"]
    assert text.count("aria-sort") == 1


@pytest.mark.parametrize("query", ["sort=weight", "view=list", "group=plan", f"q={'x' * 256}"])
def test_what_the_page_cannot_be_asked_is_refused_by_name(client, query):
    reply = client.get(f"/accounts/?{query}")
    assert (reply.status_code, f"<code>{query.partition('=')[0]}</code>" in reply.text) == (400, True)


def test_links_to_other_pages_go_without_what_is_of_this_page_alone(client, used):
    text = client.get("/accounts/?range=today&sort=name&view=cards&group=provider&account=a&q=ann").text
    links = re.findall(r'href="(/usage/requests/[^"]*|/usage/analysis/[^"]*)"', text)
    assert links
    assert [link for link in links if re.search(r"[?;](sort|view|group|account|q)=", link)] == []


def test_a_row_leads_to_the_requests_it_counts(client, used):
    stored(record(NOON - 5, source="ann@example.com", auth_index="m"))
    text = client.get("/accounts/?range=today").text
    links = re.findall(r'<td class="num of-requests">\s*<a href="/usage([^"]*)"><data value="(\d+)"', text)
    assert [int(count) for _, count in links] == [3, 3]
    for address, count in links:
        assert client.get(f"/api/v1/usage/events?{unescape(address).partition('?')[2]}").json()["total"] == int(count)


def test_accounts_are_grouped_by_provider(client, used):
    stored(record(NOON, source="eve@example.com", auth_index="e", provider="claude"))
    text = client.get("/accounts/?group=provider").text
    assert re.findall(r'<th scope="rowgroup"[^>]*>(\w+)</th>', text) == ["claude", "codex"]


def test_an_account_opens_beside_the_list_and_alone_for_htmx(client, used):
    page = client.get("/accounts/?account=a")
    assert 'class="drawer panel" id="account"' in page.text
    assert names(client, "?account=a") == ["bob@example.com", "ann@example.com"]
    reply = client.get("/accounts/?account=a", headers={"HX-Request": "true", "HX-Target": "account"})
    part = reply.text
    assert reply["Cache-Control"] == "no-store"
    assert part.lstrip().startswith("<aside")
    assert "429 slow 1 ·" in words(part)
    assert "No such account was used in this range" in shown(client, "?account=nobody")
    assert '<aside id="account" hidden>' in client.get("/accounts/").text


def test_a_message_leads_to_its_failures(client, used):
    part = client.get("/accounts/?account=a&range=today", headers={"HX-Target": "account"}).text
    (address,) = re.findall(r'class="said"\s+lang="en"\s+href="/usage([^"]*)"', part)
    assert client.get(f"/api/v1/usage/events?{unescape(address).partition('?')[2]}").json()["total"] == 1


def test_a_name_is_given_at_the_account_and_shown_wherever_it_is(client, used):
    back = client.post("/accounts/name/?account=a", {"account": "ann@example.com", "name": "Blue"}, follow=True)
    assert back.redirect_chain == [("/usage/accounts/?account=a", 302)]
    assert "Name saved: Blue." in back.text
    assert names(client) == ["bob@example.com", "Blue"]
    assert "Blue ann@example.com" in shown(client)
    for path in ("/requests/", "/analysis/?by=source", "/filters/", "/requests/?source=ann@example.com", "/?by=source"):
        assert "Blue" in client.get(path).text, path
    assert "Blue" in client.get("/filters/choices/?label=source&source=blu").text
    assert client.get("/api/v1/usage/breakdown?by=source").json()["rows"][1]["label"] == "Blue"
    page = client.post("/accounts/name/", {"account": "ann@example.com", "name": " "}, follow=True).text
    assert AccountName.objects.names() == {}
    kept = re.search(r'name="undo"\s+value="([^"]+)"', page)[1]
    for sentence in ("Undone: ann@example.com is as it was before.", "It has been changed since"):
        assert sentence in client.post("/undo/", {"undo": kept, "next": "/usage/accounts/"}, follow=True).text
        assert AccountName.objects.names() == {"ann@example.com": "Blue"}


def test_links_of_an_account_put_it_in_place_of_others(client, used):
    text = client.get("/accounts/?range=7d&source=bob@example.com&source=ann@example.com&provider=codex").text
    links = [QueryDict(unescape(link)) for link in re.findall(r'href="/usage/requests/\?([^"]*)"', text)]
    of_ann = [query for query in links if query.get("auth_index") == "a"]
    assert of_ann and all(query.getlist("source") == ["ann@example.com"] for query in of_ann)
    assert all(client.get(f"/requests/?{query.urlencode()}").status_code == 200 for query in of_ann)


def test_the_api_says_the_same(client, used):
    found = client.get("/api/v1/usage/accounts?range=7d&sort=name&q=example").json()
    assert [(one["id"], one["called"]) for one in found["items"]] == [
        ("a", "ann@example.com"),
        ("b", "bob@example.com"),
    ]
    assert (found["next_out"]["account"], found["next_out"]["quota"]["runs_out_at"]) == ("a", "2026-11-24T05:00:00Z")
    one = client.get("/api/v1/usage/account?range=7d&account=a").json()
    assert (one["account"]["id"], one["present"][0]["requests"]) == ("a", 2)
    for query in ("", "account=", "account=nobody"):
        refusal = client.get(f"/api/v1/usage/account?{query}")
        assert (refusal.status_code, refusal.json()["field"]) == (400, "account")
    assert client.get("/api/v1/usage/accounts?sort=weight").json()["field"] == "sort"


def test_empty_lists_say_why(client):
    assert "No account yet" in shown(client)
    stored(record(NOON, **ANN))
    assert "No account contains “nobody”." in shown(client, "?q=nobody")
    assert "No account was used in this range with these filters." in shown(client, "?model=other")
    Connection.change(last_error="CPA is away.")
    assert "CPA cannot be read: accounts are as last listed." in shown(client)


def test_a_row_more_is_no_query_more(client):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            client.get("/accounts/?range=all")
        return len(queries)

    def use(numbers):
        headers = ((n, said(40, NOON + HOUR + n * SECOND)) for n in numbers)
        stored(
            *(
                record(NOON - n, source=f"{LONG}{n}", auth_index=f"{n}", response_headers=told, auth_type="oauth")
                for n, told in headers
            )
        )

    use(range(1, 4))
    few = asked()
    use(range(10, 50))
    assert asked() == few
