"""Client keys summed by their owners: everywhere that usage is grouped by a label, and as a filter."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from aliases.models import ApiKey
from cpa_usage.keys import fingerprint
from tests.usage.made import NOON, record, stored
from usage.analytics.breakdowns import breakdown, matrix
from usage.analytics.reports.statements import statement
from usage.analytics.timelines import timeline
from usage.query import reader
from usage.query.forms import UsageFilterForm

pytestmark = pytest.mark.django_db

ANN, LAPTOP, BOT = "sk-client-ann-00001", "sk-client-ann-00002", "sk-client-bot-00003"


@pytest.fixture
def keys():
    """Two keys of Ann, a third without an owner, and a request without a key."""
    used = enumerate((ANN, LAPTOP, LAPTOP, BOT, ""))
    stored(*(record(NOON + n, api_key=key, model=f"m{n % 2}", request_id="dfa407b8") for n, key in used))
    ApiKey.objects.describe(ANN, owner="Ann & co")
    ApiKey.objects.describe(LAPTOP, owner="Ann & co", alias="laptop")
    ApiKey.objects.describe("sk-client-unused-4", owner="Nobody yet")


def filters(**query):
    form = UsageFilterForm({"range": "all"} | query)
    assert form.is_valid(), form.errors
    return form.usage_filter()


def counted(found):
    return {row.key: row.figures.total for row in found.rows}


BY_OWNER = {"Ann & co": 3, fingerprint(BOT): 1, "unknown": 1}


@pytest.mark.parametrize("query", [{}, {"provider": "codex"}, {"request_id": "dfa407b8"}])
@pytest.mark.parametrize("many", [10_000, 0])
def test_keys_are_summed_by_owner_and_one_without_counts_for_itself(keys, monkeypatch, query, many):
    monkeypatch.setattr(reader, "MANY", many)
    found = breakdown(filters(**query), "owner")
    assert counted(found) == BY_OWNER and found.others is None
    assert found.rows[0].label == "Ann & co"
    assert {"sk-c****0003", "no key"} < {row.label for row in found.rows}
    (largest,) = breakdown(filters(**query), "owner", 1).rows
    assert (largest.key, largest.figures.total) == ("Ann & co", 3)


def test_each_value_is_a_filter_for_what_it_counts(keys):
    for value, total in BY_OWNER.items():
        assert sum(counted(breakdown(filters(owner=[value]), "model")).values()) == total
    both = breakdown(filters(owner=["Ann & co", fingerprint(BOT)]), "owner")
    assert counted(both) == {"Ann & co": 3, fingerprint(BOT): 1}
    assert counted(breakdown(filters(owner=["Ann & co"], api_key=[LAPTOP, BOT]), "api_key")) == {fingerprint(LAPTOP): 2}
    for nothing in ("Nobody yet", "who", fingerprint(ANN)):
        assert breakdown(filters(owner=[nothing]), "model").rows == []
    assert breakdown(filters(owner=["Ann & co"], api_key=[BOT]), "model").rows == []


@pytest.mark.parametrize("many", [10_000, 0])
def test_timelines_and_tables_of_two_labels_have_owners_too(keys, monkeypatch, many):
    monkeypatch.setattr(reader, "MANY", many)
    layers = timeline(filters(), "owner", "requests").layers
    assert {layer.key: layer.total for layer in layers} == BY_OWNER
    cells = matrix(filters(), "owner", "api_key").cells
    assert {(cell.row, cell.column): cell.figures.total for cell in cells} == {
        ("Ann & co", fingerprint(ANN)): 1,
        ("Ann & co", fingerprint(LAPTOP)): 2,
        (fingerprint(BOT), fingerprint(BOT)): 1,
        ("unknown", "unknown"): 1,
    }
    assert sum(cell.figures.total for cell in matrix(filters(), "model", "owner").cells) == 5


def test_owners_can_be_chosen_as_a_filter(client, keys):
    form = client.get("/filters/", {"owner": "Ann & co"}).text
    found = re.findall(r'name="owner"\s+value="([^"]*)"( checked)?', form)
    assert found == [("Ann &amp; co", " checked"), ("Nobody yet", "")]


def test_a_statement_of_an_owner_is_of_all_their_keys(keys):
    found = statement(filters(owner=["Ann & co"]))
    assert found.models.figures.total == 3
    assert {name: sorted(shown) for name, shown in found.about.items()} == {"api_key": ["laptop", "sk-c****0001"]}


def test_the_api_and_the_command_ask_for_owners(client, keys):
    rows = client.get("/api/v1/usage/breakdown", {"by": "owner", "owner": "Ann & co"}).json()["rows"]
    assert [(row["key"], row["figures"]["total"]) for row in rows] == [("Ann & co", 3)]
    groups = client.get("/api/v1/usage/summary", {"by": "owner"}).json()["groups"]
    assert {group["name"]: group["requests"] for group in groups} == {"Ann & co": 3, "sk-c****0003": 1, "no key": 1}
    lines = client.get("/requests.csv", {"range": "all", "by": "owner", "columns": "by,total"})
    lines = lines.getvalue().decode().splitlines()
    assert f"{fingerprint(BOT)},1" in lines and "Ann & co,3" in lines
    out = io.StringIO()
    call_command("report", by="owner", range="all", stdout=out, no_color=True)
    assert "Ann & co" in out.getvalue() and "sk-c****0003" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("report", by="owners", range="all", stdout=out)


def test_a_chip_and_a_link_say_whose(client, keys):
    page = client.get("/analysis/", {"range": "all", "by": "owner"}).text
    assert 'href="/usage/requests/?range=all&amp;by=owner&amp;owner=Ann+%26+co"' in page
    assert "<b>sk-c****0003</b>" in client.get("/requests/", {"range": "all", "owner": fingerprint(BOT)}).text
