"""Conditional reads, and what they look like on the wire."""

import gc
import weakref

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import resolve

from cpa_usage.auth.sessions import SessionToken
from tests.cpa_usage import probe_urls

pytestmark = pytest.mark.urls("tests.cpa_usage.probe_urls")
ROWS = "/api/v1/rows"


@pytest.fixture(autouse=True)
def fresh():
    probe_urls.asked.clear()
    probe_urls.state["counter"] = 1


def test_a_reply_is_compact_json_and_private(client):
    reply = client.get(ROWS)
    assert reply.content == '{"items":[{"name":"größe","at":"2026-11-24T04:00:00Z"}]}'.encode()
    assert (reply["Content-Type"], reply["Cache-Control"]) == ("application/json", "private, no-cache")
    assert reply["Vary"] == "Accept, Accept-Language, Cookie"


@pytest.mark.parametrize("form", ["{}", '{}, W/"other"', "*"])
def test_a_client_that_knows_the_answer_gets_none(client, form):
    tag = client.get(ROWS)["ETag"]
    reply = client.get(ROWS, headers={"If-None-Match": form.format(tag)})
    assert (reply.status_code, reply.content, reply["ETag"]) == (304, b"", tag)
    assert (reply["Cache-Control"], reply["Vary"]) == ("private, no-cache", "Accept, Accept-Language, Cookie")
    assert "Content-Type" not in reply


def test_an_answer_is_gone_with_its_reply(rf):
    """It may be megabytes: it must not wait for the garbage collector."""
    reply = resolve(ROWS).func(rf.get(ROWS)).render()
    assert reply.content
    gone = weakref.ref(reply)
    gc.disable()
    try:
        del reply
        assert gone() is None
    finally:
        gc.enable()


def test_the_comparison_is_weak(client):
    tag = client.get(ROWS)["ETag"]
    assert tag.startswith('W/"')
    assert client.get(ROWS, headers={"If-None-Match": tag.removeprefix("W/")}).status_code == 304


def test_the_question_is_not_asked_again(client, monkeypatch):
    tag = client.get(ROWS)["ETag"]
    monkeypatch.setattr(probe_urls, "ROWS", object())  # would not encode
    assert client.get(ROWS, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "headers",
    [{"If-None-Match": '"other"'}, {"If-None-Match": "nonsense"}, {"If-None-Match": ""}, {}],
)
def test_other_tags_get_the_answer(client, headers):
    assert client.get(ROWS, headers=headers).status_code == 200


def test_another_state_language_version_or_renderer_is_another_tag(client, settings):
    tags = [client.get(ROWS)["ETag"]]
    tags.append(client.get(ROWS, headers={"Accept-Language": "zh-hans"})["ETag"])
    tags.append(client.get(ROWS, headers={"Accept": "text/html"})["ETag"])
    settings.VERSION = "9.9.9"
    tags.append(client.get(ROWS)["ETag"])
    probe_urls.state["counter"] = 2
    tags.append(client.get(ROWS)["ETag"])
    assert len(set(tags)) == 5


@pytest.mark.django_db
def test_a_stranger_with_the_right_tag_gets_401(settings):
    settings.AUTH_ENABLED = True
    signed_in = Client(headers={"Authorization": f"Bearer {SessionToken.open(HttpRequest())}"})
    tag = signed_in.get(ROWS)["ETag"]
    assert signed_in.get(ROWS, headers={"If-None-Match": tag}).status_code == 304
    for known in (tag, "*"):
        reply = Client().get(ROWS, headers={"If-None-Match": known})
        assert (reply.status_code, reply.json()) == (401, {"error": "authentication required"})
    assert len(probe_urls.asked) == 2


def test_a_browser_gets_a_page_with_the_same_json(client):
    reply = client.get(ROWS, headers={"Accept": "text/html"})
    assert (reply.status_code, reply["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = reply.content.decode()
    assert "größe" in page
    assert "2026-11-24T04:00:00Z" in page
    assert "http://" not in page.replace("http://testserver", "").replace("http://www.w3.org", "")


@pytest.mark.parametrize("accept", ["text/plain", "image/png, application/xml;q=0.5", "nonsense"])
def test_who_accepts_neither_json_nor_a_page_gets_json(client, accept):
    reply = client.get(ROWS, headers={"Accept": accept})
    assert (reply.status_code, reply["Content-Type"]) == (200, "application/json")


def test_a_browser_gets_an_error_on_a_page_and_forms_for_writes(client):
    assert b"Set one of today, 24h." in client.get("/api/v1/failing/field", headers={"Accept": "text/html"}).content
    page = client.get("/api/v1/write", headers={"Accept": "text/html"})
    assert (page.status_code, b"<textarea" in page.content) == (405, True)


def test_kinds_of_values_that_django_brings(client):
    assert client.get("/api/v1/mixed").content == b'{"lazy":"Yes","safe":"<b>","day":"2026-11-24","nan":null}'
