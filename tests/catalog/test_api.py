"""The catalogue over HTTP: exact replies, what is refused, and what CPA's troubles look like."""

from datetime import UTC, datetime

import pytest

from catalog import api
from catalog.models import AuthFile, Connection, Provider
from catalog.sync import sync
from tests.simulator.raw import FIXTURES

pytestmark = [pytest.mark.django_db, pytest.mark.urls("catalog.urls")]

MANAGEMENT = "/v0/management/"


def put(client, path, body):
    return client.put(path, body, content_type="application/json")


def test_nothing_known_is_an_empty_list(client):
    for path in ("/auth-files", "/provider-metadata"):
        assert client.get(path).json() == {"items": []}


def test_auth_files(client, cpa):
    assert client.post("/sync").json() == {"ok": True}
    items = client.get("/auth-files").json()["items"]
    assert [item["name"] for item in items] == sorted(file["name"] for file in cpa.catalog.auth_files)
    assert items[-2] == {
        "auth_index": "a86ff66caf21174d",
        "name": "codex-disabled@example.com.json",
        "email": "disabled@example.com",
        "type": "codex",
        "provider": "codex",
        "label": "disabled@example.com",
        "status": "disabled",
        "source": "file",
        "disabled": True,
        "unavailable": False,
        "runtime_only": False,
        "plan": "",
        "status_message": items[-2]["status_message"],
        "absent_since": None,
    }


def test_provider_metadata_in_whole(client):
    absent = datetime(2026, 11, 24, 12, tzinfo=UTC)
    keyed = {"provider_type": "openai-compatibility", "key_mask": "sk-o****1111"}
    Provider.objects.create(auth_index="b", name="Router", prefix="p", disabled=True, **keyed)
    Provider.objects.create(auth_index="a", provider_type="claude", key_mask="sk-a****1111", absent_since=absent)
    common = {"match_kind": "auth_index"}
    assert client.get("/provider-metadata").json() == {
        "items": [
            {
                "lookup_key": "a",
                "provider_type": "claude",
                "display_name": "claude",
                "provider_key": "sk-a****1111",
                "prefix": "",
                "disabled": False,
                "absent_since": "2026-11-24T12:00:00Z",
                **common,
            },
            {
                "lookup_key": "b",
                "provider_type": "openai-compatibility",
                "display_name": "Router",
                "provider_key": "sk-o****1111",
                "prefix": "p",
                "disabled": True,
                "absent_since": None,
                **common,
            },
        ]
    }


def test_no_raw_key_is_served(client, cpa):
    client.post("/sync")
    served = b"".join(client.get(path).content for path in ("/auth-files", "/provider-metadata")).decode()
    assert [key for *_, key, _ in cpa.catalog.credentials() if key in served] == []


@pytest.mark.parametrize("path", ["/auth-files", "/provider-metadata"])
def test_an_answer_is_good_until_the_catalogue_changes(client, cpa, path):
    client.post("/sync")
    known = {"If-None-Match": client.get(path)["ETag"]}
    client.post("/sync")
    assert client.get(path, headers=known).status_code == 304
    cpa.catalog.auth_files[0]["status"] = "error"
    client.post("/sync")
    assert client.get(path, headers=known).status_code == 200


def test_a_list_takes_as_many_queries_for_a_hundred_rows_as_for_one(client, django_assert_num_queries):
    for start, end in ((0, 1), (1, 100)):
        AuthFile.objects.bulk_create(AuthFile(auth_index=f"a{i}") for i in range(start, end))
        Provider.objects.bulk_create(Provider(auth_index=f"p{i}") for i in range(start, end))
        for path in ("/auth-files", "/provider-metadata"):
            with django_assert_num_queries(2):
                assert len(client.get(path).json()["items"]) == end


# --- Refreshing ---------------------------------------------------------------------------------------------------


def test_a_refresh_of_a_cpa_that_is_away_is_a_bad_gateway(client, cpa):
    cpa.stop()
    reply = client.post("/sync")
    assert (reply.status_code, list(reply.json())) == (502, ["error"])
    assert reply.json()["error"].startswith(f"CPA does not answer at {cpa.base_url} (")


def test_a_refresh_with_a_wrong_key_says_what_to_set(client, cpa, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    sentence = (
        "CPA refuses the management key (invalid management key). "
        "Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config."
    )
    for _ in range(5):
        reply = client.post("/sync")
        assert (reply.status_code, list(reply.json())) == (502, ["error"])
        assert reply.json()["error"].startswith(f"{sentence} It is tried again at ")
    assert cpa.auth_failures == 2  # five ban our address


@pytest.mark.usefixtures("hurried")
def test_a_refresh_answers_although_everything_hangs(client, cpa):
    lists = ("auth-files", "api-keys", "request-log", "api-key-usage", "usage-statistics-enabled")
    cpa.hang_paths = {MANAGEMENT + name for name in (*lists, *cpa.catalog.providers)}
    reply = client.post("/sync")
    assert (reply.status_code, reply.json()["error"][:40]) == (502, "CPA did not answer /v0/management/auth-f")


def test_a_refresh_is_a_post(client):
    reply = client.get("/sync")
    assert (reply.status_code, set(reply["Allow"].split(", "))) == (405, {"POST", "OPTIONS"})


# --- CPA's switches -----------------------------------------------------------------------------------------------


def test_switches_are_turned_at_cpa_and_known_at_once(client, cpa):
    sync()
    revision = Connection.current_revision()
    cpa.statistics_enabled = False
    assert put(client, "/cpa/statistics", {"value": True}).json() == {"value": True, "ok": True}
    assert put(client, "/cpa/request-log", {"value": True}).json() == {"value": True, "ok": True}
    row = Connection.load()
    assert (cpa.statistics_enabled, cpa.request_log) == (True, True)
    assert (row.statistics_enabled, row.request_log_enabled, row.revision) == (True, True, revision + 2)


@pytest.mark.parametrize("path", ["/cpa/statistics", "/cpa/request-log"])
@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "value"), ({"value": None}, "value"), ({"value": 1}, "value"), ({"value": "true"}, "value")],
)
def test_a_switch_is_true_or_false(client, cpa, path, body, field):
    reply = put(client, path, body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert (cpa.statistics_enabled, cpa.request_log) == (True, False)


def test_a_switch_that_cpa_does_not_take_is_not_noted(client, cpa):
    sync()
    cpa.fail_paths = {MANAGEMENT + "request-log": 500}
    reply = put(client, "/cpa/request-log", {"value": True})
    assert (reply.status_code, reply.json()) == (502, {"error": "CPA answers 500 for request-log: injected failure."})
    assert Connection.load().request_log_enabled is False


# --- Request logs -------------------------------------------------------------------------------------------------


def test_a_request_log(cpa):
    cpa.request_log = True
    cpa.push((FIXTURES / "records.jsonl").read_bytes().splitlines()[0])
    request_id = (FIXTURES / "records.jsonl").read_text().partition('"request_id":"')[2][:8]
    assert api.request_log(request_id).text.startswith("=== REQUEST INFO ===")
    assert api.request_log("deadbeef").found is False


def test_a_request_log_of_a_cpa_that_is_away(cpa):
    cpa.stop()
    with pytest.raises(api.BadGateway, match="CPA does not answer"):
        api.request_log("deadbeef")


# --- Who may ask --------------------------------------------------------------------------------------------------


def test_strangers_get_nothing(client, settings):
    settings.AUTH_ENABLED = True
    settings.LOGIN_PASSWORD = "secret"
    for path in ("/auth-files", "/provider-metadata"):
        assert client.get(path).status_code == 401
    assert client.post("/sync").status_code == 401
    for path in ("/cpa/statistics", "/cpa/request-log"):
        assert put(client, path, {"value": True}).status_code == 401
