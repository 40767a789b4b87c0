"""What goes from one page to the next: messages shown once, forms as they were filled in, values of filters."""

import re

import pytest
from django.test import Client

from pricing.models import Adjustment, Model
from tests.usage.made import NOON, record, stored
from usage.dashboard.views.filters import _unlisted

pytestmark = pytest.mark.django_db
PRICE = {"model": "gpt-5", "prompt": "3", "completion": "15"}


def test_a_page_with_a_message_is_kept_by_no_browser(owner):
    sent = owner.post("/views/share/", {"page": "overview", "query": "range=7d", "name": "Ann"})
    assert sent.cookies["messages"]["path"] == "/usage/"
    page = owner.get(sent["Location"].removeprefix("/usage"))
    assert 'id="new-link"' in page.text
    assert (page["Cache-Control"], "ETag" in page.headers) == ("no-store", False)
    assert page.cookies["messages"]["path"] == "/usage/"  # it goes, where it came to
    again = owner.get(sent["Location"].removeprefix("/usage"))
    assert 'id="new-link"' not in again.text


def test_after_a_session_has_ended_one_signs_in_to_a_page_and_no_form(owner):
    owner.post("/logout/")
    for address, leads in (("/prices/set/?range=7d", "%2Fusage%2F"), ("/prices/", "%2Fusage%2Fprices%2F")):
        reply = owner.post(address, PRICE) if "set" in address else owner.get(address)
        assert reply["Location"] == f"/usage/login/?next={leads}"


def test_a_refused_form_comes_back_as_it_was_filled_in(client):
    Model.objects.create(name="gpt-5").set_price({"prompt": 10**6, "completion": 0, "cache_read": 500_000})
    sent = client.post("/prices/set/", PRICE | {"cache": "", "hours_from": "", "stamp": "of another tab"})
    form = client.get(sent["Location"].removeprefix("/usage")).text.split('id="edit"')[1]
    assert re.search(r'name="prompt"[^>]*value="3"', form)
    assert re.search(r'name="cache"[^>]*value=""', form)
    opened = client.get("/prices/edit/", {"edit": "gpt-5"}).text.split('id="edit"')[1]
    assert re.search(r'name="cache"[^>]*value="0.5"', opened)


def test_a_refused_factor_comes_back_as_it_was_filled_in(client):
    client.post("/prices/adjust/", {"whose": "provider:claude", "factor": "0.5", "note": "as agreed"})
    edit = {"edit": Adjustment.objects.get().pk}
    opened = client.get("/prices/adjust/edit/", edit).text
    assert re.search(r'name="factor"[^>]*value="0.5"', opened) and "as agreed" in opened
    refused = client.get("/prices/adjust/edit/", edit | {"factor": "-1", "request_price": "", "note": ""}).text
    assert re.search(r'name="factor"[^>]*value="-1"', refused) and "as agreed" not in refused


def test_values_that_the_panel_has_no_field_for_stay(rf):
    query = rf.get("/?status=429&status=500&not_status=404&auth_index=1&auth_index=2").GET
    assert list(_unlisted(query)) == [("auth_index", "1"), ("status", "429"), ("not_status", "404")]


def test_failures_without_a_code_lead_to_those_alone(client):
    stored(record(NOON, failed=True, fail={"status_code": 0, "body": "cut off"}, source="ann@example.com"))
    index = re.search(r"[?&;]account=([^&\"]+)", client.get("/accounts/", {"range": "all"}).text)[1]
    page = client.get("/accounts/", {"range": "all", "account": index}).text
    links = re.findall(r'class="said"[^>]*href="([^"]*)"', page)
    assert links and all("status=0" in link for link in links)


def test_a_stranger_with_a_link_reads_nothing_of_the_installation(owner, settings):
    settings.CPA_BASE_URL = "http://cpa.internal:8317"
    shared = owner.post("/views/share/", {"page": "overview", "query": "range=7d", "name": "Ann"}, follow=True)
    link = re.search(r"/usage(/shared/[\w-]+/)", shared.text)[1]
    assert "cpa.internal" in owner.get("/").text
    page = Client().get(link)
    assert page.status_code == 200 and "cpa.internal" not in page.text
