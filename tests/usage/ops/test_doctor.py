"""manage.py doctor: what it finds well, what it finds wrong, and what it can put right."""

import dataclasses
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from django_q.models import Schedule, Task

from catalog.models import Connection
from cpa_usage.database import versions
from cpa_usage.env import Mistake
from cpa_usage.incidents import Incident
from pricing.tasks import catalogue_version
from simulator import Simulator
from tests.usage.made import NOON, record, stored
from usage.models import DrainState, Gap
from usage.models.labels import LABELS
from usage.ops.doctor import cpa as doctor_cpa
from usage.ops.doctor import storage
from usage.ops.doctor.examination import examine

pytestmark = pytest.mark.django_db


@pytest.fixture
def cpa(settings):
    with Simulator() as simulator:
        settings.CPA_BASE_URL = simulator.base_url
        settings.CPA_MANAGEMENT_KEY = simulator.management_key
        settings.REDIS_QUEUE_ADDR = f"127.0.0.1:{simulator.port}"
        yield simulator


@pytest.fixture
def web(settings):
    """What answers at our port; `body` may be changed."""
    found = SimpleNamespace(body=b'{"status":"ok"}', paths=[])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found.paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    settings.APP_HOST, settings.APP_PORT = "127.0.0.1", server.server_port
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def healthy(cpa, web, settings, tmp_path):
    """An installation in which all is well."""
    settings.SQLITE_PATH = tmp_path / "app.db"
    settings.SPOOL_DIR, settings.LOG_DIR = tmp_path / "spool", tmp_path / "logs"
    settings.LOG_DIR.mkdir(mode=0o700)
    settings.SPOOL_MAX_BYTES = 1024 * 1024
    call_command("plantasks", verbosity=0)
    now = timezone.now()
    DrainState.objects.create(pk=1, heartbeat_at=now, last_pop_at=now, mode="pop")
    Connection.change(last_sync_at=now)
    return cpa


def findings():
    return {finding.name: (finding.well, finding.sentence) for finding in examine()}


def wrong():
    return {name: sentence for name, (well, sentence) in findings().items() if not well}


def test_all_is_well(healthy, web, settings, capsys):
    from django.db import connection

    call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "Spool" not in line] == [
        "OK    Settings: Every variable reads. Times are those of Asia/Shanghai (TZ).",
        f"OK    CPA: It answers at {settings.CPA_BASE_URL}.",
        "OK    Key: CPA takes the management key.",
        "OK    Version: CPA v7.2.140.",
        "OK    Statistics: CPA writes usage records.",
        "OK    Retention: CPA keeps a record for 60 s until it is taken.",
        lines[6],
        f"OK    Queue: It answers at {settings.REDIS_QUEUE_ADDR}.",
        f"OK    Database: It can be written, and it is up to date ({connection.vendor}).",
        "OK    Files: Database, spool, logs, backups and keys are for this user alone.",
        "OK    Providers: How each counts its tokens is known.",
        "OK    Fields: Every field of the records is known.",
        "OK    Labels: Every label has room for new values.",
        "OK    Drain: It runs and takes CPA's records.",
        "OK    Consumers: The drain has noticed no other program that takes CPA's records.",
        "OK    Gaps: No time in which records may have been lost is left to look at.",
        "OK    Lists: CPA's accounts and keys could be read.",
        "OK    Dead letters: Every record could be stored.",
        "OK    Tasks: No periodic task is overdue.",
        "OK    Failures: No task has failed in the last 24 hours.",
        "OK    Proof: The totals have not been proved yet: it is done every night.",
        f"OK    Schedules: {Schedule.objects.count()} periodic tasks are planned.",
        f"OK    Web: It answers at http://127.0.0.1:{settings.APP_PORT}/usage/healthz.",
        f"OK    Prices: Prices are looked up in the catalogue {catalogue_version()} of the installed package; "
        "PRICES_URL is empty, so no newer is fetched.",
    ]
    assert lines[6] in {f"OK    Clock: CPA's clock and ours agree to {seconds} s." for seconds in (0, 1)}
    assert f"OK    Spool: {settings.SPOOL_DIR} can be written, and has " in "\n".join(lines)
    assert web.paths == ["/usage/healthz"]
    assert (healthy.popped, healthy.auth_failures, healthy.connections) == (0, 0, 0)


def test_nothing_is_well_and_every_line_says_what_to_do(settings, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.CPA_BASE_URL, settings.REDIS_QUEUE_ADDR = f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"
    settings.APP_PORT = port
    settings.SPOOL_DIR = tmp_path / "file"
    settings.SPOOL_DIR.touch(mode=0o600)
    settings.CONFIGURATION_MISTAKES = [Mistake("TZ", "is wrong.")]
    with pytest.raises(CommandError, match=r"^7 of these need attention\.$"):
        call_command("doctor")
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "WRONG Settings",
        "WRONG CPA",
        "WRONG Queue",
        "OK    Database",
        "WRONG Spool",
        "OK    Files",
        "OK    Providers",
        "OK    Fields",
        "OK    Labels",
        "WRONG Drain",
        "OK    Consumers",
        "OK    Gaps",
        "OK    Dead letters",
        "OK    Tasks",
        "OK    Failures",
        "OK    Proof",
        "WRONG Schedules",
        "WRONG Web",
        "OK    Prices",
    ]


def test_a_refused_key(healthy, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    for _ in range(10):
        said = wrong()
        assert list(said) == ["Key", "Queue", "Drain", "Lists"]
        assert said["Key"].startswith("CPA refuses the management key (invalid management key). Set CPA_MANAGEMENT_KEY")
        assert "It is tried again at" in said["Key"] and " +0800. " in said["Key"]
        assert said["Drain"] == said["Lists"] == said["Key"]  # each says it once
        assert "wrong" not in said["Key"]
        assert said["Queue"] == "Not tried, for CPA refuses the management key."
    assert healthy.auth_failures == 2  # five ban our address
    settings.CPA_MANAGEMENT_KEY = healthy.management_key
    assert (wrong(), healthy.auth_failures) == ({}, 2)


def test_the_key_is_not_tried_while_the_database_is_away(healthy, monkeypatch):
    """How often it was refused stands there."""

    def away(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Connection, "load", away)
    monkeypatch.setattr(Connection, "refused", away)
    assert {"CPA", "Key", "Queue"}.isdisjoint(findings())
    assert healthy.connections == 0


def test_statistics_that_are_off_are_turned_on_by_fix_alone(healthy, capsys):
    healthy.statistics_enabled = False
    with pytest.raises(CommandError, match=r"^1 of these need attention\.$"):
        call_command("doctor")
    assert healthy.statistics_enabled is False
    call_command("doctor", "--fix")
    said = [line for line in capsys.readouterr().out.splitlines() if "Statistics" in line]
    off = "Statistics: CPA's usage statistics are off, so it drops its records: "
    off += "run manage.py doctor --fix to turn them on."
    assert said == [f"WRONG {off}", f"FIXED {off}"]
    assert healthy.statistics_enabled is True
    assert wrong() == {}


def test_files_that_others_may_read_are_closed_by_fix(healthy, settings, capsys):
    settings.SPOOL_DIR.mkdir()
    settings.SPOOL_DIR.chmod(0o755)  # whatever the umask is
    (settings.LOG_DIR / "web.log").touch()
    (settings.LOG_DIR / "web.log").chmod(0o644)
    assert wrong() == {
        "Files": f"Others may read {settings.SPOOL_DIR}, {settings.LOG_DIR}/web.log: run manage.py doctor --fix."
    }
    call_command("doctor", "--fix")
    assert wrong() == {}
    assert (settings.LOG_DIR / "web.log").stat().st_mode & 0o777 == 0o600


def test_a_cure_that_fails_is_reported(healthy, capsys):
    healthy.statistics_enabled = False
    healthy.fail_paths = {}

    def refuse(*args):
        raise RuntimeError("no")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor_cpa, "_turn_on", refuse)
        with pytest.raises(CommandError):
            call_command("doctor", "--fix")
    assert "run manage.py doctor --fix to turn them on. That failed: no" in capsys.readouterr().out


def test_records_that_cpa_keeps_too_shortly(cpa, settings):
    with Simulator(retention_seconds=5) as forgetful:
        settings.CPA_BASE_URL, settings.REDIS_QUEUE_ADDR = forgetful.base_url, f"127.0.0.1:{forgetful.port}"
        said = {finding.name: finding for finding in doctor_cpa.management()}
    assert said["Retention"][1:3] == (
        False,
        "CPA keeps a record for 5 s only, so a restart of ours may lose some: "
        "set redis-usage-queue-retention-seconds to 3600 in CPA's config.",
    )


@pytest.mark.parametrize(
    ("ahead", "well", "sentence"),
    [
        (300.4, False, "CPA's clock is 300 s ahead of ours: let both follow an NTP server."),
        (-61, False, "CPA's clock is 61 s behind ours: let both follow an NTP server."),
        (-60, True, "CPA's clock and ours agree to 60 s."),
        (None, True, "CPA does not tell its time."),
    ],
)
def test_clocks(ahead, well, sentence):
    assert doctor_cpa._clock(ahead)[1:3] == (well, sentence)


@pytest.mark.parametrize(
    ("version", "well"),
    [("v7.2.140", True), ("7.1.27", True), ("7.1.26", False), ("v7.0.0", False), ("", True), ("main", True)],
)
def test_versions(version, well):
    assert doctor_cpa._version(version).well is well


def test_a_version_without_tiers_says_what_that_does_to_costs():
    said = doctor_cpa._version("v7.1.26").sentence
    assert said == (
        "CPA v7.1.26 lacks service tiers (since 7.1.27), executor types (since 7.1.38), response tiers (since 7.2.65), "
        "token breakdowns (since 7.2.97): update it. Flex and priority are costed as standard."
    )


def test_what_the_cpa_at_hand_does_not_have_is_named():
    Connection.change(not_offered=["api-key-usage", "xai-api-key"])
    found = doctor_cpa._version("7.2.140")
    assert (found.well, found.sentence) == (True, "CPA 7.2.140. It has no api-key-usage, xai-api-key.")


@pytest.mark.parametrize(
    ("version", "lacks"), [("6.9.38", 11), ("6.10.9", 10), ("7.0.3", 8), ("7.1.17", 6), ("7.2.64", 2), ("7.2.97", 0)]
)
def test_what_an_older_version_lacks_is_listed(version, lacks):
    assert doctor_cpa._version(version).sentence.count("(since ") == lacks


def test_what_could_not_be_read_or_stored_is_told(healthy, settings):
    stored(b"Damaged on the disk, 9 bytes, of which the first: x", b"no record")
    settings.SPOOL_DIR.mkdir(mode=0o700)
    (settings.SPOOL_DIR / "00000000000000000007.aside").touch(mode=0o600)
    told = wrong()
    assert told["Dead letters"].startswith("2 records could not be stored. ")
    assert " has what could not be stored and was put aside: 00000000000000000007.aside. " in told["Spool"]
    assert set(told) == {"Dead letters", "Spool"}


def test_what_is_guessed_and_what_is_not_known_is_listed(healthy):
    stored(record(NOON), record(NOON + 1, provider="odd", executor_type="OddExecutor"))
    DrainState.objects.update(unknown_fields=["image_count", "tokens.image_tokens"])
    said = findings()
    assert said["Providers"] == (
        True,
        "Guessed, as OpenAI counts tokens: odd (OddExecutor). Compare their costs with a bill.",
    )
    assert said["Fields"] == (True, "Not known to this version, and left out: image_count, tokens.image_tokens.")


def test_a_label_without_room_is_told(healthy, monkeypatch):
    monkeypatch.setitem(LABELS, "model", dataclasses.replace(LABELS["model"], most=2))
    stored(record(NOON, model="a"), record(NOON + 1, model="b"), record(NOON + 2, model="c"))
    told = "Full, new values are (other): Model. Merge values (manage.py mergelabels) to make room."
    assert findings()["Labels"] == (True, told)


def test_a_queue_behind_a_proxy_that_speaks_only_http(healthy, settings):
    healthy.resp = False
    assert wrong() == {}
    settings.QUEUE_MODE = "pop"
    assert wrong()["Queue"].endswith(" Set QUEUE_MODE to auto or http.")


def test_another_consumer(healthy):
    Incident.begin("rival", "None of their records comes.")
    assert list(wrong()) == ["Consumers"]
    assert " None of their records comes. Stop the other program" in wrong()["Consumers"]
    Incident.end("rival")
    assert wrong() == {}


@pytest.mark.parametrize(
    ("changed", "name", "sentence"),
    [
        ({"heartbeat_at": timedelta(hours=1)}, "Drain", "The collector has not responded since "),
        ({"last_pop_at": timedelta(hours=1)}, "Drain", "CPA has not answered since "),
        ({"proved_at": timedelta(days=3)}, "Proof", "The totals were last verified at "),
    ],
)
def test_what_has_not_happened_for_too_long(healthy, changed, name, sentence):
    DrainState.objects.update(**{field: timezone.now() - ago for field, ago in changed.items()})
    (found,) = wrong().items()
    assert found[0] == name
    assert found[1].startswith(sentence)


def test_what_was_well_before_cpa_went_is_not_called_well(healthy, settings):
    Connection.objects.update(last_sync_at=None)
    assert {"Drain", "Lists"} & set(findings()) == {"Drain"}
    Connection.objects.update(last_sync_at=timezone.now())
    healthy.stop()
    said = findings()
    assert (said["CPA"][0], {"Drain", "Lists"} & set(said)) == (False, set())
    DrainState.objects.update(last_pop_at=timezone.now() - timedelta(hours=1))
    assert findings()["Drain"][0] is False


def test_each_part_of_a_line_is_a_sentence(healthy):
    now = timezone.now()
    Gap.objects.create(start=now - timedelta(hours=1), end=now, reason="CPA was away.")
    cure = " CPA was away. The System page lists them; dismiss those you know about."
    assert wrong()["Gaps"].endswith(cure)


def test_a_proof_that_does_not_hold(healthy):
    DrainState.objects.update(proved_at=timezone.now(), proof="3 totals differ.", proof_holds=False)
    said = "The totals differ from their events. 3 totals differ. Run manage.py rebuildrollups, then manage.py verify."
    assert wrong() == {"Proof": said}


def test_tasks_that_are_overdue_or_failed(healthy):
    Schedule.objects.filter(func="usage.tasks.verify").update(next_run=timezone.now() - timedelta(minutes=6))
    Task.objects.create(
        id="1", name="x", func="usage.tasks.backup", success=False, started=timezone.now(), stopped=timezone.now()
    )
    assert wrong() == {
        "Tasks": "Tasks are overdue: proof of the totals. "
        "Start the task cluster: systemctl start cpa-usage-tasks, or manage.py qcluster.",
        "Failures": "Failed in the last 24 hours: usage.tasks.backup. The admin shows why.",
    }


def test_tasks_that_are_not_planned_are_planned_by_fix(healthy):
    Schedule.objects.filter(func="usage.tasks.retention").delete()
    assert wrong() == {"Schedules": "retention: not planned; run manage.py plantasks."}
    call_command("doctor", "--fix")
    assert wrong() == {}


def test_something_else_at_our_port(healthy, web, settings):
    web.body = b"<html>"
    address = f"http://127.0.0.1:{settings.APP_PORT}/usage/healthz"
    assert wrong() == {"Web": f"Something else answers at {address} (200): see APP_PORT and APP_BASE_PATH."}


def test_migrations_that_are_missing(healthy, monkeypatch):
    monkeypatch.setattr(versions, "known_migrations", lambda: frozenset({("usage", "9999_next")}))
    assert wrong()["Database"] == ("The database is not up to date, 1 migrations are missing: run manage.py migrate.")


def test_too_little_room_for_the_spool(healthy, settings):
    settings.SPOOL_MAX_BYTES = 1 << 60
    assert list(wrong()) == ["Spool"]


def test_a_database_that_is_away_is_one_finding(healthy, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(storage, "wrong_version", away)
    assert wrong() == {
        "Database": "The database is locked by another process: try again in a moment. It said: database is locked"
    }
