"""A client that has the answer is told so, cheaply; any change of what the answer is made of makes a new one."""

from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from aliases.models import ApiKey
from catalog.models import AuthFile, Connection
from cpa_usage.auth.sessions import SessionToken
from tests.usage.api.conftest import CAPTURED, NOW, moved, store
from tests.usage.api.expected import QUARTER, SECOND
from usage.models import DrainState, Gap

COUNTERS = 1  # of data, prices, aliases and catalogue
FILTERED = ["overview", "health", "analysis", "events", "events/filters", "credentials"]
READS = [*(f"usage/{path}" for path in FILTERED), "models/used", "status"]


def tag(client, path):
    return client.get(f"/api/v1/{path}")["ETag"]


def again(client, path, known):
    return client.get(f"/api/v1/{path}", headers={"If-None-Match": known}).status_code


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("query", ["", "?range=24h&model=gpt-5-codex", "?range=today"])
def test_unchanged_data_is_not_sent_again(client, captured, path, query):
    known = tag(client, path + query)
    reply = client.get(f"/api/v1/{path}{query}", headers={"If-None-Match": known})
    assert (reply.status_code, reply.content, reply["ETag"]) == (304, b"", known)
    assert reply["Cache-Control"] == "private, no-cache"
    assert again(client, path + query, 'W/"other"') == 200


@pytest.mark.parametrize("path", FILTERED)
def test_it_costs_no_more_than_to_look_at_the_counters(client, captured, path, django_assert_num_queries):
    known = tag(client, f"usage/{path}")
    with django_assert_num_queries(COUNTERS):
        assert again(client, f"usage/{path}", known) == 304


@pytest.mark.parametrize("path", ["pace", "comparison", "worth", "accounts", "credentials", "summary", "timeline"])
def test_figures_of_now_are_sent_again_when_a_minute_has_passed(client, captured, path, set_clock):
    path = f"usage/{path}?range=today"
    known = tag(client, path)
    assert again(client, path, known) == 304
    set_clock(NOW + 60 * SECOND)
    assert again(client, path, known) == 200


def one_more_record():
    store([moved(CAPTURED[0], timedelta(seconds=1))])


def a_price():
    Client().put("/api/v1/pricing", {"model": "grok-4.5"}, content_type="application/json")


def an_alias():
    Client().put("/api/v1/aliases", {"api_key": "sk-client-bob-0002", "alias": "Bob"}, content_type="application/json")


def an_account():
    AuthFile.objects.create(auth_index="c950c3ada31d57be", name="someone.json")
    Connection.change()


def retention():
    DrainState.lock()


CHANGES = [one_more_record, a_price, an_alias, an_account, retention]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_an_answer_changes_its_tag(client, captured, change):
    known = {path: tag(client, f"usage/{path}") for path in FILTERED}
    change()
    for path, before in known.items():
        assert again(client, f"usage/{path}", before) == 200
        assert tag(client, f"usage/{path}") != before


def test_names_and_states_change_with_what_they_tell(client, captured):
    used, state = tag(client, "models/used"), tag(client, "status")
    Connection.change(models_offered=["a-new-model"])
    assert (again(client, "models/used", used), again(client, "status", state)) == (200, 304)
    Gap.objects.create(start=timezone.now(), end=timezone.now(), reason="a restart")
    assert again(client, "status", state) == 200


def test_an_event_changes_with_its_price_and_name(client, captured):
    path = f"usage/events/{captured[0].key}"
    known = tag(client, path)
    assert again(client, path, known) == 304
    ApiKey.objects.describe("sk-client-alice-0001", alias="Alice")
    assert again(client, path, known) == 200


@pytest.mark.parametrize(
    ("query", "lasts"),
    [("", 1), ("range=24h", 1), ("range=all&result=failed", 1), ("range=today", 4 * 11 + 2), ("range=30d", 4 * 11 + 2)],
)
def test_time_alone_changes_an_answer_when_its_period_moves(client, captured, set_clock, query, lasts):
    """`lasts`: how many quarters of an hour; 12:30 is 46 of them before midnight."""
    path = f"usage/overview?{query}"
    known = tag(client, path)
    for seconds, status in ((lasts * QUARTER - 1, 304), (lasts * QUARTER, 200)):
        set_clock(NOW + seconds * SECOND)
        assert again(client, path, known) == status


def test_a_period_in_the_past_stays(client, captured, set_clock):
    path = "usage/overview?start=2026-11-20&end=2026-11-24T12:00"
    known = tag(client, path)
    set_clock(NOW + 400 * 86_400 * SECOND)
    assert again(client, path, known) == 304


def test_another_question_has_another_tag(client, captured):
    queries = ("", "?range=today", "?range=7d", "?model=a", "?source=a", "?model=a&model=b", "?result=failed")
    queries += ("?provider=a", "?endpoint=a", "?api_key=a", "?auth_index=a", "?request_id=a")
    tags = {tag(client, f"usage/{path}{query}") for path in FILTERED for query in queries}
    tags |= {tag(client, f"usage/events?{more}") for more in ("page=2", "page_size=20", f"before={captured[0].key}")}
    tags |= {tag(client, f"usage/health?{more}") for more in ("year=2025", "day=2026-11-24")}
    assert len(tags) == len(FILTERED) * len(queries) + 5


def test_what_is_not_understood_changes_nothing(client, captured):
    assert tag(client, "usage/overview?utm=1&range=&model=") == tag(client, "usage/overview")


def test_another_zone_has_other_days(client, captured, settings):
    known = tag(client, "usage/overview")
    settings.TIME_ZONE = "America/New_York"
    assert again(client, "usage/overview", known) == 200


@pytest.mark.parametrize("path", READS)
def test_strangers_learn_nothing_from_a_tag(client, captured, path, settings):
    settings.AUTH_ENABLED = True
    known = tag(Client(headers={"Authorization": f"Bearer {SessionToken.open(HttpRequest())}"}), path)
    for guess in (known, "*"):
        reply = client.get(f"/api/v1/{path}", headers={"If-None-Match": guess})
        assert (reply.status_code, reply.json()) == (401, {"error": "authentication required"})
        assert "ETag" not in reply
