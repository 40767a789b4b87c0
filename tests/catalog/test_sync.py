"""A refresh of the catalogue: what is written, what is kept when CPA does not say it, and that only one runs."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import sync as syncing
from catalog.keymemory import key_id
from catalog.models import Account, AccountState, AuthFile, Connection, Provider, accounts
from catalog.sync import BUSY, SyncResult, sync, sync_now
from cpa_usage.incidents import Incident
from simulator import Simulator, management
from simulator.http import Response
from tests.simulator.raw import FIXTURES

pytestmark = pytest.mark.django_db

MANAGEMENT = "/v0/management/"
KEPT = ("models_offered", "statistics_enabled", "retention_seconds")
XAI, CAROL = "e38cb42e2ff23c2e", "e64be36b9abbced4"


@pytest.fixture
def noon(set_clock):
    """It is noon, until the test sets another time."""
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    set_clock(moment)
    return moment


def rows():
    """Every row of both lists, with its id."""
    return [list(model.objects.order_by("id").values()) for model in (AuthFile, Provider)]


def revision():
    return Connection.current_revision()


def carol(cpa):
    return next(entry for entry in cpa.catalog.auth_files if entry["auth_index"] == CAROL)


# --- What is written ----------------------------------------------------------------------------------------------


def test_every_account_of_the_captured_records_is_known(cpa):
    assert sync() == SyncResult(changed=16)
    lines = (FIXTURES / "records.jsonl").read_text().splitlines()
    indexes = {json.loads(line)["auth_index"] for line in lines}
    known = accounts(indexes)
    assert (len(indexes), known.keys()) == (15, indexes)
    assert {account.provider for account in known.values()} == {json.loads(line)["provider"] for line in lines}


def test_accounts_say_who_stands_behind_an_index(cpa):
    sync()
    reseller = "openai-compatible-claude-reseller"
    found = accounts([CAROL, "4717a8306b718265", "1c81fcdf0da4bb48", "", "unknown", CAROL])
    assert found.keys() <= accounts().keys()
    assert (found[CAROL].source, found[CAROL].plan) == ("carol@example.com", "pro")
    assert found["4717a8306b718265"].source == Provider.objects.get(auth_index="4717a8306b718265").key_fingerprint
    assert {index: Account(*one[:5]) for index, one in found.items()} == {
        CAROL: Account("codex-carol@example.com-pro.json", "carol@example.com", "codex", "active", "carol@example.com"),
        "4717a8306b718265": Account("team-a", "", "claude", "active", "team-a sk-a****2222"),
        "1c81fcdf0da4bb48": Account("Claude-Reseller", "", reseller, "active", "Claude-Reseller sk-r****3333"),
    }


def test_accounts_take_two_queries_whatever_their_number(cpa, django_assert_num_queries):
    sync()
    for indexes in ([CAROL], list(AuthFile.objects.values_list("auth_index", flat=True))):
        with django_assert_num_queries(2):
            accounts(indexes)


def test_the_connection_says_how_cpa_is(cpa, noon):
    cpa.push(*(FIXTURES / "records.jsonl").read_bytes().splitlines())
    sync()
    row = Connection.objects.values().get()
    offered = row.pop("models_offered")
    assert offered == sorted(offered) and "kimi-k2" in offered
    assert row == {
        "id": 1,
        "version": "v7.2.140",
        "commit": "a7e3596b7",
        "build_date": "unknown",
        "statistics_enabled": True,
        "request_log_enabled": False,
        "last_sync_at": noon,
        "last_error": "",
        "last_error_at": None,
        "sync_until": None,
        "refused_until": None,
        "refused_reason": "",
        "refused_key": key_id(),
        "refused_count": 0,
        "refused_at": None,
        "retention_seconds": 60,
        "not_offered": [],
        "revision": 1,
    }


def test_nothing_of_a_key_is_stored(cpa):
    sync()
    stored = repr([*rows(), list(Connection.objects.values())])
    raw = [key for *_, key, _ in cpa.catalog.credentials()] + cpa.catalog.api_keys
    assert len(raw) == 14 and [key for key in raw if key in stored] == []


# --- What is left alone -------------------------------------------------------------------------------------------


def test_an_unchanged_catalogue_is_not_written(cpa, noon, set_clock):
    sync()
    before = rows()
    later = noon + timedelta(seconds=30)
    set_clock(later)
    cpa.push((FIXTURES / "records.jsonl").read_bytes().splitlines()[0])  # counters are nothing people see change
    with CaptureQueriesContext(connection) as queries:
        assert sync() == SyncResult(changed=0)
    said = [query["sql"].split()[0] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert said == ["SELECT", "UPDATE", "SELECT", "SELECT", "UPDATE", "SELECT", "SELECT"]
    assert (rows(), revision()) == (before, 1)
    assert Connection.load().last_sync_at == later


def test_a_thousand_new_accounts_take_no_more_queries_than_one(cpa):
    sync()
    counts = []
    for start, end in ((0, 1), (1, 1000)):
        new = [{"auth_index": f"new{i}", "name": f"n{i}"} for i in range(start, end)]
        cpa.catalog.auth_files += new
        with CaptureQueriesContext(connection) as queries:
            assert sync().changed == len(new)
        counts.append(len([query for query in queries if not query["sql"].startswith("INSERT")]))
    assert counts[0] == counts[1]


def test_the_states_of_an_account_are_kept_as_they_change(cpa, noon, set_clock):
    def states():
        return list(AccountState.objects.filter(auth_index=CAROL).values_list("state", "message", "since"))

    sync()
    assert states() == [("active", "", noon)]
    entry, later = carol(cpa), [noon + timedelta(minutes=n) for n in range(4)]
    entry |= {"status": "error", "status_message": "quota exceeded"}
    set_clock(later[1])
    sync()
    sync()
    entry["status_message"] = "quota still exceeded"  # no other state
    sync()
    cpa.catalog.auth_files.remove(entry)
    set_clock(later[2])
    sync()
    cpa.catalog.auth_files.append(entry | {"status": "active", "status_message": ""})
    set_clock(later[3])
    sync()
    assert states() == [
        ("active", "", later[3]),
        ("absent", "", later[2]),
        ("error", "quota exceeded", later[1]),
        ("active", "", noon),
    ]


def test_of_an_account_only_the_newest_states_are_kept():
    for n in range(AccountState.KEPT + 5):
        AccountState.note({"a": (f"state {n}", "")})
    AccountState.note({"b": ("active", "")})
    kept = AccountState.objects.filter(auth_index="a")
    assert (kept.count(), kept.first().state) == (AccountState.KEPT, f"state {AccountState.KEPT + 4}")


def test_only_what_differs_is_written(cpa):
    sync()
    before = rows()
    carol(cpa)["status"] = "error"
    cpa.catalog.providers["xai-api-key"][0]["prefix"] = "x"
    assert sync() == SyncResult(changed=2)
    assert (AuthFile.objects.get(auth_index=CAROL).status, Provider.objects.get(auth_index=XAI).prefix) == (
        "error",
        "x",
    )
    AuthFile.objects.filter(auth_index=CAROL).update(status="active")
    Provider.objects.filter(auth_index=XAI).update(prefix="")
    assert (rows(), revision()) == (before, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda cpa: setattr(cpa, "statistics_enabled", False),
        lambda cpa: setattr(cpa, "request_log", True),
        lambda cpa: cpa.catalog.models.pop(),
    ],
)
def test_a_change_of_cpa_itself_counts_as_one(cpa, change):
    sync()
    change(cpa)
    assert sync() == SyncResult(changed=0)
    assert revision() == 2
    sync()
    assert revision() == 2


def test_a_key_listed_twice_is_one_row(cpa):
    entries = cpa.catalog.providers["xai-api-key"]
    entries.append({**entries[0], "prefix": "second"})
    assert sync().changed == 16
    assert Provider.objects.get(auth_index=XAI).prefix == "second"
    assert sync().changed == 0


# --- What CPA no longer says --------------------------------------------------------------------------------------


def test_what_is_no_longer_listed_is_kept_and_marked(cpa, noon, set_clock):
    sync()
    cpa.catalog.auth_files.remove(carol(cpa))
    cpa.catalog.providers["xai-api-key"] = None
    since = noon + timedelta(hours=1)
    set_clock(since)
    assert sync().changed == 2
    gone = AuthFile.objects.get(auth_index=CAROL), Provider.objects.get(auth_index=XAI)
    assert [(row.absent_since, row.state) for row in gone] == [(since, "absent")] * 2
    assert gone[0].name == "codex-carol@example.com-pro.json"
    set_clock(noon + timedelta(hours=2))
    assert sync().changed == 0
    assert AuthFile.objects.get(auth_index=CAROL).absent_since == since


def test_what_comes_back_is_present_again(cpa):
    sync()
    entry = carol(cpa)
    cpa.catalog.auth_files.remove(entry)
    sync()
    cpa.catalog.auth_files.append(entry)
    assert sync().changed == 1
    assert AuthFile.objects.get(auth_index=CAROL).absent_since is None


def test_a_moved_file_has_a_new_index_and_the_old_one_keeps_its_name(cpa):
    sync()
    carol(cpa)["auth_index"] = "moved"
    assert sync().changed == 2
    assert {name for name, *_ in accounts([CAROL, "moved"]).values()} == {"codex-carol@example.com-pro.json"}
    assert [accounts([CAROL, "moved"])[index].status for index in (CAROL, "moved")] == ["absent", "active"]


def test_names_once_learnt_are_not_blanked(cpa):
    sync()
    for name in ("name", "email", "label", "type", "provider", "id_token"):
        carol(cpa).pop(name)
    cpa.catalog.providers["openai-compatibility"][0].pop("name")
    before = rows()
    assert sync() == SyncResult(changed=0)
    assert rows() == before


# --- What fails ---------------------------------------------------------------------------------------------------


LISTS = [
    "auth-files",
    "gemini-api-key",
    "interactions-api-key",
    "claude-api-key",
    "codex-api-key",
    "xai-api-key",
    "vertex-api-key",
    "openai-compatibility",
    "usage-statistics-enabled",
    "request-log",
    "api-keys",
    "config",
]


@pytest.mark.parametrize("name", LISTS)
def test_one_failing_list_blanks_nothing(cpa, name):
    sync()
    before = rows(), Connection.objects.values(*KEPT).get()
    cpa.fail_paths = {MANAGEMENT + name: 500}
    sentence = f"CPA answers 500 for {name}: injected failure."
    assert sync() == SyncResult(error=sentence)
    after = rows(), Connection.objects.values(*KEPT).get()
    assert (after, revision()) == (before, 1)
    assert (Connection.load().last_error, Connection.load().last_error_at is None) == (sentence, False)
    assert Incident.objects.values_list("kind", "sentence", "until").get() == ("sync", sentence, None)
    cpa.fail_paths = {}
    assert sync() == SyncResult(error_before=sentence)
    assert (Connection.load().last_error, Connection.load().last_error_at) == ("", None)
    assert Incident.objects.get().until is not None


@pytest.mark.parametrize("name", LISTS)
def test_one_failing_list_keeps_nothing_else_from_being_read(cpa, name):
    cpa.fail_paths = {MANAGEMENT + name: 500}
    sync()
    counted = AuthFile.objects.count(), Provider.objects.count()
    lost = {"auth-files": (5, 0), "claude-api-key": (0, 2), "openai-compatibility": (0, 4)}
    lost |= {other: (0, 1) for other in LISTS if other.endswith("-api-key") and other not in lost}
    files, keys = lost.get(name, (0, 0))
    assert counted == (5 - files, 11 - keys)
    assert bool(Connection.load().models_offered) == (name != "api-keys")


@pytest.mark.usefixtures("hurried")
def test_a_hanging_list_keeps_nothing_else_from_being_read(cpa):
    cpa.hang_paths = {MANAGEMENT + "auth-files"}
    assert sync().error == f"CPA did not answer {MANAGEMENT}auth-files in full within 0.3 seconds."
    assert (AuthFile.objects.count(), Provider.objects.count()) == (0, 11)


@pytest.mark.parametrize("body", [b"", b"404 page not found"])
def test_what_this_version_does_not_have_is_noted_and_no_error(cpa, monkeypatch, body):
    names = [name for name in LISTS if name != "auth-files"]
    sync()
    before, respond = rows(), management.respond
    missing = {MANAGEMENT + name for name in names}
    monkeypatch.setattr(management, "respond", lambda s, r: Response(404, body) if r.path in missing else respond(s, r))
    for _ in range(2):
        assert sync() == SyncResult(changed=0)
        assert sorted(Connection.load().not_offered) == sorted(names)
    assert (rows(), revision(), Incident.objects.count()) == (before, 2, 0)
    monkeypatch.setattr(management, "respond", respond)
    sync()
    assert (Connection.load().not_offered, Connection.load().retention_seconds) == ([], 60)


def test_a_cpa_that_does_not_tell_its_retention(cpa, monkeypatch):
    respond = management.respond
    config = Response.of({"debug": False})
    monkeypatch.setattr(
        management, "respond", lambda s, r: config if r.path == MANAGEMENT + "config" else respond(s, r)
    )
    assert (sync().error, Connection.load().retention_seconds) == ("", None)


def test_no_management_api_at_all_is_an_error(settings):
    with Simulator(management_key="") as cpa:
        settings.CPA_BASE_URL = cpa.base_url
        error = sync().error
    assert error.startswith("CPA has no auth-files: it is an old version, or its management API is off.")
    assert error.count("CPA has no") == 1
    row = Connection.load()
    assert (row.last_sync_at, row.not_offered, row.accepts) == (None, [], False)


def test_a_wrong_key_is_counted_once_and_said_once(cpa, settings, caplog):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    first = sync()
    assert first.error.startswith("CPA refuses the management key (invalid management key).")
    for _ in range(5):
        assert sync() == SyncResult(error=first.error, error_before=first.error)
    assert cpa.auth_failures == 1
    assert len([record for record in caplog.records if "refuses" in record.message]) == 1
    assert Connection.load().last_error == first.error
    assert [incident.kind for incident in Incident.objects.all()] == ["key"]


def test_lists_that_cannot_be_read_and_then_a_refusal_are_two_incidents(cpa):
    cpa.fail_paths = {MANAGEMENT + "claude-api-key": 500}
    sync()
    cpa.fail_paths, cpa._state.bans.key = {}, "another"
    for _ in range(2):
        sync()
    found = [(incident.kind, incident.until is None) for incident in Incident.objects.order_by("pk")]
    assert found == [("sync", False), ("key", True)]


def test_a_person_may_try_a_wrong_key_once_more(cpa, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    sync()
    said = [sync_now() for _ in range(5)]
    assert cpa.auth_failures == 2
    assert all(sentence == Connection.refused() for sentence in said)
    assert "Another key, once it is set, is tried at once" in said[-1]


def test_a_key_refused_midway_keeps_what_was_read(cpa):
    cpa.fail_paths = {MANAGEMENT + "claude-api-key": 401}
    assert sync().error.startswith("CPA refuses the management key (injected failure).")
    assert (AuthFile.objects.count(), Provider.objects.count()) == (5, 2)


def test_after_ten_minutes_the_key_is_tried_again(cpa, noon, set_clock):
    cpa.fail_paths = {MANAGEMENT + "auth-files": 401}
    sync()
    cpa.fail_paths = {}
    set_clock(noon + timedelta(minutes=9))
    assert sync().changed == 0
    set_clock(noon + timedelta(minutes=10))
    assert sync().changed == 16
    assert Connection.refused() is None


def test_a_cpa_that_is_away_is_asked_once(cpa):
    cpa.stop()
    result = sync()
    assert result.error.count("CPA does not answer at") == 1
    assert (Connection.load().last_sync_at, Connection.load().last_error) == (None, result.error)


def test_a_sync_that_breaks_gives_its_turn_back(cpa, monkeypatch):
    def broken(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(syncing, "_store", broken)
    with pytest.raises(ZeroDivisionError):
        sync()
    assert Connection.take_sync(1) is not None


# --- One at a time ------------------------------------------------------------------------------------------------


def test_a_sync_leaves_the_work_to_one_that_runs(cpa):
    Connection.take_sync(60)
    assert sync() == SyncResult(busy=True)
    assert AuthFile.objects.count() == 0


@pytest.mark.usefixtures("hurried")
def test_a_user_who_waits_is_told_that_another_runs(cpa):
    Connection.take_sync(60)
    assert sync_now() == BUSY


def test_a_user_who_waits_gets_a_turn(cpa, monkeypatch):
    running = Connection.take_sync(60)
    monkeypatch.setattr(time, "sleep", lambda seconds: running.end_sync())
    assert sync_now() == ""
    assert AuthFile.objects.count() == 5


def test_a_sync_that_lost_its_turn_writes_nothing(cpa, monkeypatch):
    read = syncing._read

    def overtaken(*arguments):
        found = read(*arguments)
        Connection.objects.update(sync_until=timezone.now() + timedelta(hours=1))
        return found

    monkeypatch.setattr(syncing, "_read", overtaken)
    assert sync() == SyncResult(busy=True)
    assert (AuthFile.objects.count(), Connection.load().version) == (0, "")


@pytest.mark.django_db(transaction=True)
def test_four_at_once_are_one_sync(cpa):
    """Real connections: each thread has its own."""
    Connection.load()
    results, together = [], threading.Barrier(4)

    def run():
        together.wait()
        try:
            results.append(sync())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.changed for result in results) == 16
    assert [result.error for result in results] == [""] * 4
    assert (AuthFile.objects.count(), Provider.objects.count(), revision()) == (5, 11, 1)
