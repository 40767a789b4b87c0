"""Views with a name: kept with everything in their address, opened, renamed, deleted, on the pages and by the API."""

import re
from html import unescape

import pytest
from django.http import QueryDict

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from tests.usage.made import record
from tests.usage.traffic import NOW_US, stored_now
from usage.models import SavedView
from usage.models.labels import LABELS, filtering
from usage.ops.savedviews import LONGEST, kept

pytestmark = pytest.mark.django_db
QUERY = "range=30d&not_model=gpt-5&model=a&model=b&shown=model.cost&order=0.-3"


def saved(client, name="mine", page="requests", query=QUERY):
    return client.post("/views/save/", {"name": name, "page": page, "query": query}, follow=True)


def test_a_view_is_saved_with_its_whole_address_listed_and_opened(client):
    assert "View saved." in saved(client, query=f"{QUERY}&page=3&for=requests").text
    panel = client.get("/views/?range=7d&for=overview").text
    address = unescape(re.search(r'<a href="/usage([^"]+)"><bdi>mine</bdi></a>', panel)[1])
    assert address == f"/requests/?{QUERY}"
    assert client.get(address).status_code == 200


def test_no_key_is_kept_in_a_view(client):
    key, upstream = "sk-client-alice-0001", "sk-upstream-0123456789"
    query = f"range=7d&not_api_key={key}&api_key=unknown&source={upstream}&source=ann%40example.com"
    saved(client, query=query)
    (view,) = SavedView.objects.all()
    parameters = QueryDict(view.query)
    assert key not in view.query and upstream not in view.query
    assert (parameters.getlist("api_key"), parameters.getlist("not_api_key")) == (["unknown"], [fingerprint(key)])
    assert parameters.getlist("source") == [fingerprint(upstream), "ann@example.com"]


def test_the_panel_takes_the_view_of_the_page_it_was_opened_from_with_chosen_columns(client):
    client.cookies["columns"] = "model.cost"
    panel = client.get("/views/?range=7d&not_provider=a&order=0.1&for=requests&page=2").text
    whole = "range=7d&not_provider=a&order=0.1&shown=model.cost"
    assert f'name="query" value="{whole.replace("&", "&amp;")}"' in panel
    assert f'href="/usage/requests/?{whole.replace("&", "&amp;")}"' in panel


def test_chosen_columns_are_in_the_address(client):
    back = "/usage/requests/?range=7d&page=2"
    reply = client.post("/requests/columns/", {"column": ["cost", "model"], "next": back})
    assert reply["Location"] == "/usage/requests/?range=7d&shown=model.cost"
    reply = client.post("/requests/columns/", {"next": reply["Location"]})
    assert reply["Location"] == "/usage/requests/?range=7d"


def test_a_name_that_is_taken_gets_the_new_view(client):
    saved(client)
    saved(client, page="overview", query="range=7d")
    assert [str(view.address) for view in SavedView.objects.all()] == ["/usage/?range=7d"]


def test_a_view_is_renamed_and_deleted(client):
    saved(client)
    (view,) = SavedView.objects.all()
    client.post(f"/views/{view.pk}/rename/", {"name": "ours"})
    (view,) = SavedView.objects.all()
    assert (view.name, view.query) == ("ours", QUERY)
    assert "name: " in client.post(f"/views/{view.pk}/rename/", {"name": " "}, follow=True).text
    client.post(f"/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_the_api_lists_makes_and_deletes_them(client):
    body = {"name": "mine", "page": "analysis", "query": "?range=7d&by=tier"}
    made = client.post("/api/v1/views", body, content_type="application/json").json()
    assert made["address"] == "/usage/analysis/?range=7d&by=tier"
    saved(client, name="other")
    listed = client.get("/api/v1/views?q=MINE").json()
    assert listed == {"items": [made]}
    assert client.delete(f"/api/v1/views/{made['id']}").json() == {"ok": True}
    assert client.delete(f"/api/v1/views/{made['id']}").status_code == 404
    assert [item["name"] for item in client.get("/api/v1/views").json()["items"]] == ["other"]


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "a" * 101}, {"page": "system"}, {"query": "status=x"}, {"query": 5}, {"name": "\0"}],
)
def test_what_cannot_be_understood_is_named(client, wrong):
    (field,) = wrong
    body = {"name": "mine", "page": "overview", "query": ""} | wrong
    reply = client.post("/api/v1/views", body, content_type="application/json")
    assert (reply.status_code, reply.json()["field"]) == (400, field)


def test_the_admin_lists_views_and_links(admin_client):
    saved(admin_client)
    for name in ("savedview", "sharedview"):
        assert admin_client.get(f"/admin/usage/{name}/").status_code == 200


def counted(client, query):
    return client.get(f"/api/v1/usage/events?{query}").json()["total"]


def test_a_kept_view_counts_what_it_counted_before_for_every_value_of_each_label(client):
    upstream, random, key = "sk-upstream-0123456789", "x1234567890123456789012y", "sk-client-alice-0001"
    stored_now(
        record(NOW_US, source=upstream, auth_type="apikey", api_key=key),
        record(NOW_US - 1, source=random, api_key="sk-client-bob-00002", model="other"),
        record(NOW_US - 2, source="plain", auth_type="apikey", failed=True, fail={"status_code": 429}),
        record(NOW_US - 3, source="", api_key="", provider="", endpoint="", alias=""),
    )
    ApiKey.objects.describe(fingerprint(key), owner="Team A")
    values = {name: {"(none)", "x"} for name in LABELS}
    for event in client.get("/api/v1/usage/events").json()["items"]:
        for name in {*values} & {*event}:
            values[name].add(str(event[name] or "(none)"))
    values |= {"result": {"failed", "success"}, "status": {"429", "0"}, "owner": {"Team A", key, fingerprint(key)}}
    values["source"] |= {upstream, "plain"}
    values["api_key"] = {key, fingerprint(key), "unknown", "sk-never-seen-0001"}
    changed = {}
    for name, label in filtering().items():
        for value in values[label.name]:
            query = QueryDict(mutable=True)
            query["range"], query[name] = "all", value
            before, after = query.urlencode(), kept("requests", query).urlencode()
            if counted(client, before) != counted(client, after):
                changed[before] = after
            assert kept("requests", QueryDict(after)).urlencode() == after
    assert changed == {}
    assert kept("requests", QueryDict(f"source={random}"))["source"] == random


def test_no_key_is_kept_in_whatever_parameter_it_was_typed(client):
    key = "sk-live-Zq81hRAWSECRET77ab12cd34"
    names = [*filtering(), "message", "request_id", "q", "whose", "account", "edit", "bogus"]
    typed = [name for name in names if name.removeprefix("not_") not in {"result", "status"}]
    held = [
        (page, name)
        for page in ("requests", "accounts", "keys", "prices")
        for name in typed
        if key in kept(page, QueryDict(f"{name}={key}")).urlencode()
    ]
    plain = {"model", "provider", "endpoint", "requested_model", "reasoning_effort", "tier"}
    assert {name.removeprefix("not_") for _page, name in held} <= plain  # no filter takes a key there


def test_an_owner_is_kept_by_its_name(client):
    ApiKey.objects.describe(fingerprint("sk-client-alice-0001"), owner="Team A")
    query = kept("overview", QueryDict("owner=Team+A&not_owner=unknown&not_owner=sk-client-bob-00002"))
    assert (query["owner"], query.getlist("not_owner")) == ("Team A", ["unknown", fingerprint("sk-client-bob-00002")])


def test_only_what_the_page_takes_is_kept():
    asked = "range=7d&last=5&unit=h&first_day=2026-11-20&open=1&q=a&whose=model:m&by=tier&year=2026&page_size=50"
    found = {page: kept(page, QueryDict(asked)).urlencode() for page in ("overview", "requests", "accounts", "health")}
    assert found == {
        "overview": "range=7d&by=tier",
        "requests": "range=7d&page_size=50",
        "accounts": "range=7d&q=a",
        "health": "range=7d&year=2026",
    }


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("requests", "order=bogus"),
        ("requests", "page_size=abc"),
        ("analysis", "measure=zz"),
        ("health", "year=99999"),
        ("health", "day=2026-13-45"),
        ("accounts", "view=zz"),
    ],
)
def test_what_the_page_refuses_is_not_kept(client, page, query):
    text = saved(client, page=page, query=query).text
    assert f"query: {query.partition('=')[0]}: " in text
    assert not SavedView.objects.exists()


def test_more_filters_than_an_address_holds_are_refused(client):
    assert "too many filters for one address" in saved(client, query=f"model={'界' * 450}").text
    assert not SavedView.objects.exists()
    saved(client, query=f"model={'m' * (LONGEST - 30)}")
    assert len(SavedView.objects.get().address) <= LONGEST


@pytest.mark.parametrize("name", ["\u200b", "\u202e \u200f", "\u00ad"])
def test_a_name_that_cannot_be_seen_is_refused(client, name):
    assert "can be seen" in saved(client, name=name).text
    assert not SavedView.objects.exists()


def test_no_other_verb_changes_a_view(client):
    saved(client)
    (view,) = SavedView.objects.all()
    assert client.post(f"/views/{view.pk}/copy/", {"name": "ours"}).status_code == 404
    assert SavedView.objects.get().name == "mine"


def test_the_panel_says_how_many_views_it_leaves_out(client):
    SavedView.objects.bulk_create(SavedView(name=f"view {n:03}", page="overview", query="") for n in range(102))
    text = client.get("/views/?for=overview").text
    assert re.search(r'href="/usage/admin/usage/savedview/"[^>]*>\s*2 more in the admin', text)
    SavedView.objects.filter(name__gte="view 100").delete()
    assert "more in the admin" not in client.get("/views/?for=overview").text


def test_a_key_that_nothing_is_known_of_is_not_shown_by_its_fingerprint(client):
    unknown = "ab" * 32
    for name in ("owner", "source", "api_key", "not_owner"):
        bar = client.get(f"/requests/?range=all&{name}={unknown}").text.partition('class="chip on"')[2]
        assert "<b>unknown key</b>" in bar.partition("</span>")[0], name
