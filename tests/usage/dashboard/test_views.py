"""Pages as a client without a browser gets them."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aliases.models import ApiKey
from catalog.models import Connection
from cpa_usage.incidents import Incident
from pricing.models import Model, PriceSet
from simulator import Simulator
from tests.usage.made import record
from tests.usage.traffic import NOW_US, store_history, stored_now
from usage.dashboard.panels.columns import COLUMNS
from usage.models import DrainState, Event, Gap

pytestmark = pytest.mark.django_db
PAGES = ["/", "/analysis/", "/analysis/failures/", "/requests/", "/accounts/", "/health/", "/prices/", "/keys/"]
PAGES += ["/system/", "/filters/", "/prices/reconcile/"]


@pytest.fixture
def traffic():
    store_history(2, 300)


def followed(client, reply):
    """The page that a redirect leads to; the base is what a server would have cut off."""
    return client.get(reply["Location"].removeprefix("/usage"))


def some_key():
    return Event.objects.newest_first().first().key


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_database_has_every_page(client, path):
    reply = client.get(path)
    assert (reply.status_code, reply["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", [*PAGES, "/health/?day=2026-11-23", "/?range=24h&by=source&measure=requests"])
def test_a_full_database_has_every_page(client, traffic, path):
    reply = client.get(path)
    assert (reply.status_code, "Traceback" in reply.text, "{{" in reply.text) == (200, False, False)


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/system/"])
@pytest.mark.parametrize("query", ["range=fortnight", "start=2026-11-03", "result=maybe", "range=custom&start=x&end=y"])
def test_a_filter_that_means_nothing_is_refused_with_the_sentence_of_the_api(client, path, query):
    page, api = client.get(f"{path}?{query}"), client.get(f"/api/v1/usage/overview?{query}")
    assert (page.status_code, api.status_code) == (400, 400)
    said = api.json()
    assert said["error"].replace("'", "&#x27;") in page.text
    assert f"<code>{said['field']}</code>" in page.text


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/?measure=weight", "measure"),
        ("/?by=colour", "by"),
        ("/analysis/?by=colour", "by"),
        ("/requests/?page=one", "page"),
        ("/health/?year=never", "year"),
        ("/health/?day=2026-13-01", "day"),
    ],
)
def test_what_only_a_page_can_be_asked_is_refused_by_name(client, traffic, path, field):
    reply = client.get(path)
    assert (reply.status_code, f"<code>{field}</code>" in reply.text) == (400, True)


def test_a_kept_link_by_effort_means_reasoning_effort(client, traffic):
    old, new = (client.get(f"/analysis/?range=all&by={by}") for by in ("effort", "reasoning_effort"))
    assert old.status_code == 200
    assert old.context["breakdown"] == new.context["breakdown"]


def test_markup_in_a_name_is_shown_and_never_meant(client):
    stored_now(
        record(NOW_US, model="<script>alert(1)</script>", alias="<b>", failed=True, fail={"body": "<img src=x>"})
    )
    for path in ("/", "/analysis/", "/requests/", "/accounts/", "/prices/", f"/requests/{some_key()}/"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "&lt;img src=x&gt;" in client.get(f"/requests/{some_key()}/").text


@pytest.mark.parametrize("path", ["/", "/requests/", "/accounts/", "/analysis/", "/prices/", "/keys/"])
def test_more_rows_need_no_more_queries(client, path, django_assert_max_num_queries):
    def counted():
        with django_assert_max_num_queries(200) as found:
            assert client.get(f"{path}?range=all").status_code == 200
        return len(found)

    stored_now(*(record(NOW_US - n * 1000, model=f"m{n % 3}", api_key=f"key-{n % 3}") for n in range(10)))
    few = counted()
    stored_now(*(record(NOW_US - n * 1000 - 1, model=f"m{n}", api_key=f"key-{n}") for n in range(100)))
    assert counted() == few


@pytest.mark.parametrize("path", ["/requests/", "/filters/"])
def test_more_values_of_a_filter_need_no_more_queries(client, traffic, path, django_assert_max_num_queries):
    def counted(many):
        names = ("source", "not_source", "api_key", "not_api_key", "owner", "not_owner", "auth_index", "not_auth_index")
        values = [(name, f"{name}{n}") for name in names for n in range(many)]
        with django_assert_max_num_queries(200) as found:
            assert client.get(path, query_params=values and [("range", "all"), *values]).status_code == 200
        return len(found)

    ApiKey.objects.bulk_create(ApiKey(fingerprint=str(n), owner=f"owner{n}") for n in range(40))
    assert counted(9) == counted(2)


def test_the_overview_reads_names_and_prices_once(client, traffic):
    with CaptureQueriesContext(connection) as queries:
        client.get("/?range=all")
    asked = [query["sql"].partition("WHERE")[0] for query in queries]
    for read in ('FROM "aliases_accountname"', '"pricing_revision"."stamp"'):
        assert len([sql for sql in asked if read in sql]) == 1, read


def test_failures_are_asked_for_by_excluding_what_succeeded(client, traffic):
    for path in ("/", "/analysis/", "/requests/"):
        asked = [client.get(f"{path}?range=all&{query}").text for query in ("result=failed", "not_result=success")]
        told = [re.findall(r'<data value="([^"]*)"|<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', text) for text in asked]
        assert told[0] == told[1], path
    assert "Failures over time" in client.get("/?range=all&not_result=success").text


def test_a_browser_that_has_the_page_gets_a_304_until_something_changes(client, traffic):
    tag = client.get("/")["ETag"]
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
    for headers in ({"Accept-Language": "zh-hans"}, {"Cookie": "theme=dark"}):
        assert client.get("/", headers={"If-None-Match": tag, **headers}).status_code == 200
    stored_now(record(NOW_US))
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


def test_nothing_but_our_own_files_may_run(client):
    policy = client.get("/")["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    admin = client.get("/admin/login/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'" in admin


@pytest.mark.parametrize("path", [*PAGES, "/requests.csv", "/requests/1-2/"])
def test_a_stranger_is_sent_to_the_login_and_back(client, settings, path):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "open sesame"
    reply = client.get(f"{path}?range=24h")
    assert (reply.status_code, reply["Location"].partition("?")[0]) == (302, "/usage/login/")
    assert f"next={path.replace('/', '%2F')}" in reply["Location"].replace("%2Fusage", "", 1)


def test_the_right_password_opens_the_page_that_was_asked_for_and_signing_out_closes_it(client, settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "open sesame"
    wrong = client.post("/login/", {"password": "open barley", "next": "/usage/requests/"})
    assert (wrong.status_code, "The password is wrong." in wrong.text) == (401, True)
    right = client.post("/login/", {"password": "open sesame", "next": "/usage/requests/"})
    assert (right.status_code, right["Location"]) == (302, "/usage/requests/")
    client.cookies["cpa_usage_session"] = right.cookies["cpa_usage_session"].value
    assert client.get("/requests/").status_code == 200
    token = client.cookies["cpa_usage_session"].value
    assert client.post("/logout/")["Location"] == "/usage/login/"
    client.cookies["cpa_usage_session"] = token
    assert client.get("/requests/").status_code == 302


def test_signing_in_leads_to_no_other_site(client, settings):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "open sesame"
    for target in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert client.post("/login/", {"password": "open sesame", "next": target})["Location"] == "/usage/"


def test_a_write_needs_the_token_of_our_own_form(traffic):
    strict = Client(enforce_csrf_checks=True)
    for path in ("/prices/set/", "/prices/reconcile/", "/keys/name/", "/system/sync/", "/theme/", "/logout/"):
        assert strict.post(path, {"theme": "dark"}).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_errors_are_pages_of_ours(client, language, settings):
    settings.DEBUG = False
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    headers = {"Accept-Language": language, "Cookie": "theme=dark"}
    replies = [strict.post("/theme/", {"theme": "dark"}, headers=headers), client.get("/nothing/", headers=headers)]
    assert [reply.status_code for reply in replies] == [403, 404]
    for reply in replies:
        assert f'<html lang="{language}" data-theme="dark">' in reply.text
        assert 'class="brand"' in reply.text
        assert "DEBUG" not in reply.text


def test_exports_hold_exactly_the_filtered_events(client, traffic):
    items = client.get("/api/v1/usage/events?range=all&result=failed&page_size=1000").json()["items"]
    lines = b"".join(client.get("/requests.jsonl?range=all&result=failed")).decode().split("\n")[:-1]
    assert [{name: json.loads(line)[name] for name in items[0]} for line in lines] == items
    text = b"".join(client.get("/requests.csv?range=all&result=failed")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["event_key"] for row in rows] == [item["event_key"] for item in items]
    assert [float(row["cost"] or 0) for row in rows] == [item["cost"] or 0 for item in items]


def test_no_cell_of_an_export_is_a_formula(client):
    stored_now(record(NOW_US, alias="=cmd|' /C calc'!A0", api_key="+1", user_agent="@x"))
    text = b"".join(client.get("/requests.csv?range=all")).decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["alias"] == "'=cmd|' /C calc'!A0"
    assert [value for value in row.values() if value[:1] in ("=", "+", "-", "@")] == []


def test_chosen_columns_are_remembered(client, traffic):
    client.post("/requests/columns/", {"column": ["request", "total"], "next": "/usage/requests/?range=all"})
    text = client.get("/requests/").text
    assert [
        title for title in (str(c.title) for c in COLUMNS.values()) if re.search(f">{title}(</a>)?</th>", text)
    ] == [
        "Tokens",
        "Request id",
    ]


def test_a_price_is_set_in_place_and_cleared(client, traffic):
    client.post("/prices/set/", {"model": "m/1", "prompt": "1.5", "completion": "6", "cache": "0.15"})
    card = PriceSet.objects.get(model__name="m/1").cards.get()
    assert (card.prompt, card.completion, card.cache_read, card.cache_write) == (1_500_000, 6_000_000, 150_000, None)
    page = followed(client, client.post("/prices/set/", {"model": "m/1", "prompt": "-1", "completion": "6"}))
    assert "prompt_price_per_1m: A rate is never negative." in page.text
    client.post("/prices/set/", {"model": "m/1", "clear": "1"})
    assert not PriceSet.objects.filter(model__name="m/1").exists()


def test_a_cached_rate_left_blank_is_the_input_rate_and_stays_blank_in_the_form(client, traffic):
    client.post("/prices/set/", {"model": "m/1", "prompt": "1.5", "completion": "6", "cache": ""})
    card = PriceSet.objects.get(model__name="m/1").cards.get()
    assert (card.cache_read, card.rates.cache_read) == (None, 1_500_000)
    form = client.get("/prices/edit/?edit=m/1").text.split('value="m/1"')[1].partition("</form>")[0]
    found = dict(re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', form, re.DOTALL))
    assert (found["prompt"], found["cache"]) == ("1.5", "")
    assert form.count('placeholder="as input"') == 2
    client.post("/prices/set/", {"model": "m/1", "prompt": "1.5", "completion": "6", "cache": "0"})
    assert PriceSet.objects.get(model__name="m/1").cards.get().cache_read == 0


def test_a_key_is_named_in_place(client, traffic):
    key = ApiKey.objects.exclude(fingerprint="").first()
    page = followed(client, client.post("/keys/name/", {"key_id": key.fingerprint, "alias": "Alice's laptop"}))
    assert "Alice&#x27;s laptop" in page.text
    assert ApiKey.objects.get(pk=key.pk).alias == "Alice's laptop"


def test_a_key_that_was_not_used_in_the_period_is_listed(client, traffic):
    ApiKey.objects.describe("sk-never-used-0001", alias="A spare one")
    page = client.get("/keys/")
    assert (page.status_code, "A spare one" in page.text) == (200, True)


def test_the_first_page_is_a_checklist_that_ticks_itself_off(client):
    assert "Nothing was recorded yet" in client.get("/").text
    Connection.change(last_sync_at=timezone.now(), statistics_enabled=False)
    assert "Switch usage statistics on" in client.get("/").text
    Connection.change(statistics_enabled=True)
    assert client.get("/").text.count('<li class="done">') == 3
    stored_now(record(NOW_US))
    assert "Nothing was recorded yet" not in client.get("/").text


def test_what_is_wrong_is_said_with_what_to_do(client, traffic):
    DrainState.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    Connection.change(statistics_enabled=False)
    Gap.objects.create(start=timezone.now() - timedelta(hours=2), end=timezone.now(), reason="The drain stood still.")
    text = client.get("/keys/").text
    assert "Start it: systemctl start cpa-usage-drain, or manage.py drain." in text
    assert "usage statistics are off there" in text
    assert "Records may have been lost" in text
    assert "and 1 more" in text
    text = client.get("/system/").text
    assert "tokens of the last 7 days have no price and are missing from cost" in text
    assert "The drain stood still" in text


@pytest.mark.parametrize("path", [path for path in PAGES if path not in ("/", "/filters/")])
def test_every_page_shows_what_is_wrong_and_a_browser_that_has_it_learns_of_it(client, traffic, path):
    running = {"heartbeat_at": timezone.now(), "last_pop_at": timezone.now()}
    DrainState.objects.update(**running)
    page = client.get(path)
    assert 'role="alert"' not in page.text
    Incident.begin("spool", "It is full.")
    found = client.get(path, headers={"If-None-Match": page.get("ETag", "")})
    assert (found.status_code, 'id="notice-spool"' in found.text) == (200, True)
    assert 'class="light bad" id="light"' in found.text
    Incident.end("spool")
    assert 'id="notice-spool"' not in client.get(path, headers={"If-None-Match": found.get("ETag", "")}).text


def test_a_page_that_a_browser_has_costs_six_queries(client, traffic, django_assert_num_queries):
    running = {"heartbeat_at": timezone.now(), "last_pop_at": timezone.now()}
    DrainState.objects.update(**running)
    tag = client.get("/keys/")["ETag"]
    with django_assert_num_queries(6):
        assert client.get("/keys/", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("value", ["on", "off"])
def test_a_switch_goes_on_and_off_and_leads_back_to_the_page(client, settings, value):
    back = "/usage/keys/?range=24h"
    with Simulator() as cpa:
        settings.CPA_BASE_URL, settings.CPA_MANAGEMENT_KEY = cpa.base_url, cpa.management_key
        cpa.request_log = value == "off"
        reply = client.post("/system/request_log_enabled/", {"value": value, "next": back})
        assert cpa.request_log is (value == "on")
    assert (reply.status_code, reply["Location"]) == (302, back)
    words = {"on": "Stop keeping all logs", "off": "Keep logs of all requests"}
    assert words[value] in client.get("/system/").text
    assert Connection.load().request_log_enabled is (value == "on")


def test_gaps_are_told_and_can_be_dismissed(client):
    start = timezone.now() - timedelta(hours=2)
    told = {"lost": 7, "lost_by": {"0123456789abcdef": 7}, "times": 20, "reason": "<b>Cut</b>"}
    one = Gap.objects.create(start=start, end=start + timedelta(seconds=5), **told)
    Gap.objects.create(start=start - timedelta(hours=3), end=start, reason="Away")
    text = client.get("/system/").text
    assert [words for words in ("for 5 s at", ", 20 times", "3 h", "&lt;b&gt;Cut&lt;/b&gt;") if words not in text] == []
    assert (text.count(">Dismiss<"), text.count(">Undo<"), text.count(">Dismiss all<")) == (2, 0, 1)
    assert re.search(r"0123456789abcdef:\s+7", text)
    for address, counts in (
        (f"/system/gaps/{one.pk}/dismiss/", (1, 1, 1)),
        ("/system/gaps/dismiss/", (0, 2, 0)),
        (f"/system/gaps/{one.pk}/restore/", (1, 1, 1)),
        ("/system/gaps/999999999999999999/dismiss/", (1, 1, 1)),
    ):
        text = followed(client, client.post(address)).text
        assert (text.count(">Dismiss<"), text.count(">Undo<"), text.count(">Dismiss all<")) == counts
    assert client.get(f"/system/gaps/{one.pk}/dismiss/").status_code == 405


@pytest.mark.parametrize("key", ["nothing", "1-00000000000000000000000000000000", "zz-0"])
def test_a_request_that_is_not_kept_is_not_there(client, traffic, key):
    assert client.get(f"/requests/{key}/").status_code == 404


def test_a_log_that_cpa_cannot_give_says_why(client, traffic):
    address = f"/requests/{some_key()}/log/"
    assert "CPA does not answer" in client.get(address).text
    chinese = client.get(address, headers={"Accept-Language": "zh-CN"}).text
    assert ("没有响应（" in chinese, "does not answer" in chinese) == (True, False)


def test_a_failure_is_told_by_its_message_even_where_its_json_is_cut_off(client):
    bodies = {
        '{"error": {"code": 429, "message": "Slow \\"down\\", please"}}': "Slow &quot;down&quot;, please",
        '{"type": "error", "error": {"message": "' + "too long " * 40: "too long too long",
        "unexpected EOF": "unexpected EOF",
        '["message": "x"]': "[&quot;message&quot;: &quot;x&quot;]",
    }
    stored_now(*(record(NOW_US - n, failed=True, fail={"body": body}) for n, body in enumerate(bodies)))
    text = client.get("/analysis/failures/").text
    assert [said for said in bodies.values() if f">{said}" not in text] == []


def test_what_has_no_price_has_no_share_of_the_cost(client):
    Model.objects.set_price("gpt-5", {"prompt": 10**6, "completion": 10**6})
    stored_now(record(NOW_US), record(NOW_US - 1, model="free", alias="free"))
    row = client.get("/analysis/").text.split('title="free"')[1].partition("</tr>")[0]
    assert row.count(">–</td>") == len(("cost", "share", "per request", "per million"))
