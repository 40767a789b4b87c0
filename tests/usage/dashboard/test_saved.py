"""Views with a name: kept with everything in their address, opened, renamed, deleted, on the pages and by the API."""

import re
from html import unescape

import pytest
from django.http import QueryDict

from cpa_usage.keys import fingerprint
from usage.models import SavedView

pytestmark = pytest.mark.django_db
QUERY = "range=30d&not_model=gpt-5&model=a&model=b&shown=model.cost&order=0.-3"


def saved(client, name="mine", page="requests", query=QUERY):
    return client.post("/views/save/", {"name": name, "page": page, "query": query}, follow=True)


def test_a_view_is_saved_with_its_whole_address_listed_and_opened(client):
    assert "View saved." in saved(client, query=f"{QUERY}&page=3&for=requests").text
    panel = client.get("/views/?range=7d&for=overview").text
    address = unescape(re.search(r'<a href="/usage([^"]+)">mine</a>', panel)[1])
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
