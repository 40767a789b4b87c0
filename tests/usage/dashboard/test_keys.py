"""The page of keys: names, owners and notes, keys summed by owner, and a change taken back."""

import re

import pytest

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from tests.usage.made import record
from tests.usage.traffic import NOW_US, stored_now

pytestmark = pytest.mark.django_db

ANN, LAPTOP, BOT = "sk-client-ann-00001", "sk-client-ann-00002", "sk-client-bot-00003"


@pytest.fixture
def keys():
    used = (ANN, LAPTOP, LAPTOP, BOT, BOT, BOT, BOT)
    stored_now(*(record(NOW_US - n, api_key=key) for n, key in enumerate(used)))
    ApiKey.objects.describe(ANN, alias="Ann", owner="Ops & co", note="Ask <Bob>")
    ApiKey.objects.describe(LAPTOP, owner="Ops & co")


def rows_of(page):
    """The texts of the cells of each row, and whether it stands under another."""
    body = page.split("<tbody>")[1].partition("</tbody>")[0]
    rows = [
        (row, re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]
    return [
        ("under" in row[:24], *(" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells[:4]))
        for row, cells in rows
    ]


def test_keys_of_one_owner_stand_below_their_sum(client, keys):
    page = client.get("/keys/").text
    assert rows_of(page) == [
        (False, "unnamed", "–", "sk-c****0003", "4"),
        (False, "Ops &amp; co", "Ops &amp; co", "2 keys", "3"),
        (True, "unnamed", "", "sk-c****0002", "2"),
        (True, "Ann Ask &lt;Bob&gt;", "", "sk-c****0001", "1"),
    ]
    for address in ("requests", "statement"):
        assert f'href="/usage/{address}/?range=7d&amp;owner=Ops+%26+co"' in page
    ApiKey.objects.describe(LAPTOP, owner="")
    assert rows_of(client.get("/keys/").text)[2] == (False, "Ann Ask &lt;Bob&gt;", "Ops &amp; co", "sk-c****0001", "1")


def test_sums_of_an_owner_are_of_all_keys_whatever_is_searched_for(client, keys):
    ApiKey.objects.describe(BOT, alias="Anchor", owner="Ops & co")
    rows = rows_of(client.get("/keys/?q=An").text)
    assert [row[1].split()[0] for row in rows] == ["Ops", "Anchor", "Ann"]
    assert rows[0] == (False, "Ops &amp; co", "Ops &amp; co", "3 keys", "7")


def test_a_key_is_named_and_given_an_owner_and_that_is_taken_back(client, keys):
    form = client.get("/keys/", {"range": "24h"}).text
    address = f"/keys/edit/?range=24h&edit={fingerprint(ANN)}"
    assert f'href="/usage{address.replace("&", "&amp;")}"' in form
    form = client.get(address).text.split('id="edit"')[1]
    assert 'value="Ann"' in form and 'value="Ask &lt;Bob&gt;"' in form and '<option value="Ops &amp; co">' in form
    said = {"key_id": fingerprint(ANN), "alias": " Anna ", "owner": "", "note": "new"}
    reply = client.post("/keys/name/?range=24h", said)
    assert reply["Location"] == "/usage/keys/?range=24h"
    page = client.get("/keys/?range=24h").text
    assert "Key Anna saved." in page and ApiKey.objects.values_list("alias", "owner", "note").get(
        mask="sk-c****0001"
    ) == ("Anna", "", "new")
    kept = re.search(r'name="undo"\s+value="([^"]+)"', page)[1]
    for sentence in ("Undone: Anna is as it was before.", "It has been changed since, so nothing is undone."):
        client.post("/undo/", {"undo": kept, "next": "/usage/keys/"})
        assert sentence in client.get("/keys/").text
        assert ApiKey.objects.owners() == {fingerprint(ANN): "Ops & co", fingerprint(LAPTOP): "Ops & co"}


def test_there_is_a_form_for_known_keys_alone(client, keys):
    for asked in ({}, {"edit": "sk-client-bot-00003"}, {"edit": ""}):
        assert client.get("/keys/edit/", asked).status_code == 404
    assert client.post("/keys/name/", {"key_id": "sk-c****0001", "owner": "x"}).status_code == 302
    assert "This is a masked key" in client.get("/keys/").text
