"""The notices: when each stands, how urgent it is, what it says to do, and that all places say the same."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import gettext, override
from django_q.models import Schedule, Task

from catalog.models import Connection
from cpa_usage.incidents import Incident
from cpa_usage.management.commands.plantasks import OURS, periodic_tasks
from tests.usage.made import NOON, record, stored
from usage.models import DeadLetter, DrainState, Gap
from usage.ops.checklist import checklist
from usage.ops.doctor.notices import noticed
from usage.ops.incidents import KINDS, lately, latest
from usage.ops.notices import Watch
from usage.ops.readiness import unready_reason
from usage.query.replica import Replica

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)  # 12:30 in Shanghai


@pytest.fixture(autouse=True)
def running(set_clock):
    """A drain that runs."""
    set_clock(NOW)
    return DrainState.objects.create(pk=1, heartbeat_at=NOW, last_pop_at=NOW, mode="pop")


def begun(kind, seconds=0, sentence="It said so."):
    Incident.begin(kind, sentence, NOW - timedelta(seconds=seconds))


def ids():
    return [notice.id for notice in Watch().notices]


def only():
    (notice,) = Watch().notices
    return notice


def test_nothing_is_wrong_with_a_drain_that_runs(django_assert_num_queries):
    Watch()
    with django_assert_num_queries(5):
        found = Watch()
    assert (found.notices, found.light, found.words) == ([], "good", "CPA's records are being stored.")


@pytest.mark.parametrize(
    ("kind", "notice_id", "severity"),
    [
        ("queue", "cpa-away", "error"),
        ("rival", "rival", "error"),
        ("key", "key", "error"),
        ("statistics", "statistics-off", "error"),
        ("spool", "spool", "error"),
        ("database", "database", "error"),
        ("counted", "counted", "warning"),
        ("sync", "sync", "warning"),
    ],
)
def test_an_incident_is_a_notice_while_it_lasts(kind, notice_id, severity):
    begun(kind, 660)
    notice = only()
    assert (notice.id, notice.severity, notice.unready) == (notice_id, severity, severity == "error")
    assert (notice.since, notice.detail) == (NOW - timedelta(seconds=660), "It said so.")
    assert "12:19" in notice.sentence
    assert notice.cure
    assert Watch().light == ("bad" if severity == "error" else "warn")
    assert bool(unready_reason()) == notice.unready
    Incident.end(kind)
    assert (ids(), Watch().light, unready_reason()) == ([], "good", "")


def test_every_kind_has_its_words():
    with override("zh-hans"):
        for kind in KINDS:
            begun(kind, 660)
        texts = [f"{notice.sentence}{notice.cure}" for notice in Watch().notices]
        Incident.end("queue")
        texts += [f"{notice.sentence}{notice.cure}" for notice in Watch().notices if notice.id == "sync"]
    assert len(texts) == len(KINDS)  # while the queue does not answer, no list can be read, of course
    assert [text for text in texts if text.isascii()] == []


def test_a_queue_that_does_not_answer_is_amber_for_half_a_minute_and_then_a_notice():
    begun("queue", 29, "connection refused")
    assert (ids(), Watch().light) == ([], "warn")
    Incident.objects.update(since=NOW - timedelta(seconds=30))
    assert (only().sentence, only().detail) == ("CPA has not answered since 12:29.", "connection refused")
    assert (Watch().light, unready_reason()) == ("bad", "CPA has not answered since 12:29.")


def test_another_day_is_named():
    begun("queue", 24 * 3600)
    assert only().sentence == "CPA has not answered since 23 Nov, 12:30."


def test_a_rival_is_an_error_until_it_has_gone_though_a_subscription_gets_every_record(running):
    begun("rival")
    DrainState.objects.update(mode="subscribe")
    assert (only().severity, only().unready, Watch().light) == ("error", True, "bad")


@pytest.mark.parametrize(
    ("state", "notice_id", "sentence"),
    [
        ({"heartbeat_at": None}, "drain-silent", "The collector has never run."),
        ({"heartbeat_at": 46}, "drain-silent", "The collector has not responded since 12:29."),
        ({"last_pop_at": 46}, "cpa-away", "CPA has not answered since 12:29."),
        ({"last_pop_at": None}, "cpa-away", "CPA's queue has not answered yet."),
    ],
)
def test_a_stall_makes_unready(state, notice_id, sentence):
    moments = {name: seconds and NOW - timedelta(seconds=seconds) for name, seconds in state.items()}
    DrainState.objects.update(**moments)
    assert (only().id, only().sentence, only().unready) == (notice_id, sentence, True)


def test_a_stall_with_a_known_cause_is_told_once():
    DrainState.objects.update(last_pop_at=NOW - timedelta(hours=1))
    begun("key")
    assert ids() == ["key"]


def test_what_a_silent_drain_noted_last_says_nothing_about_now():
    begun("rival")
    begun("sync")
    DrainState.objects.update(heartbeat_at=NOW - timedelta(hours=1))
    assert ids() == ["drain-silent", "sync"]


def test_statistics_that_are_off_as_the_last_sync_saw_them_and_turned_on_here(client):
    Connection.change(statistics_enabled=False)
    assert (only().id, only().since) == ("statistics-off", None)
    assert only().action.address.endswith("/system/statistics_enabled/")
    begun("statistics", 660)
    assert only().since == NOW - timedelta(seconds=660)
    Connection.change(statistics_enabled=True)  # the drain has not noticed yet
    assert ids() == []


@pytest.mark.parametrize(("seconds", "expected"), [(None, []), (10, ["retention-short"]), (60, []), (3600, [])])
def test_a_retention_that_is_short(seconds, expected):
    Connection.change(retention_seconds=seconds)
    assert ids() == expected


def test_gaps_of_the_last_week_until_they_are_dismissed():
    for days in (1, 2, 8):
        Gap.objects.create(start=NOW - timedelta(days=days, minutes=5), end=NOW - timedelta(days=days), reason="Why.")
    assert (only().id, only().severity) == ("gaps", "warning")
    assert "There is 1 earlier gap." in only().sentence
    Gap.objects.dismiss()
    assert ids() == []


def test_dead_letters_have_one_number_everywhere(client):
    stored(b"no record", b"nor this")
    DeadLetter.objects.filter(pk=DeadLetter.objects.first().pk).update(kind=DeadLetter.Kind.TOO_LATE)
    assert only().sentence == "2 records could not be stored."
    assert client.get("/api/v1/status").json()["dead_letters"] == 2
    (found,) = [finding for finding in noticed() if not finding.well]
    assert found.sentence.startswith("2 records could not be stored.")
    assert only().link.endswith("/admin/usage/deadletter/")
    assert ">2</a>" in client.get("/system/").text


def test_a_proof_that_fails_or_is_old():
    DrainState.objects.update(proved_at=NOW, proof="3 totals differ.", proof_holds=False)
    assert (only().id, only().severity, only().unready, only().detail) == ("proof", "error", False, "3 totals differ.")
    DrainState.objects.update(proved_at=NOW - timedelta(days=3), proof_holds=True)
    assert (only().id, only().severity) == ("proof", "warning")


def test_tasks_that_are_late_or_failed():
    Schedule.objects.create(name=f"{OURS}backup", func="x", next_run=NOW - timedelta(minutes=6))
    Task.objects.create(id="1", name="x", func="usage.tasks.verify", success=False, started=NOW, stopped=NOW)
    assert [(notice.id, notice.sentence) for notice in Watch().notices] == [
        ("tasks", "Tasks are overdue: backup."),
        ("failures", "Failed in the last 24 hours: usage.tasks.verify."),
    ]


def test_tasks_have_chinese_names(settings):
    settings.BACKUP_DIR = "/backups"
    with override("zh-hans"):
        for task in periodic_tasks():
            Schedule.objects.create(name=f"{OURS}{task.name}", func="x", next_run=NOW - timedelta(minutes=6))
            assert only().sentence == f"任务已逾期：{gettext(task.name)}。" and gettext(task.name) != task.name
            Schedule.objects.all().delete()


def test_usage_without_a_price_names_its_models():
    stored(*(record(NOON - n, model=f"no-price-{n}") for n in range(4)))
    notice = only()
    assert (notice.id, notice.severity) == ("unpriced", "info")
    assert notice.cure == "Models: no-price-0, no-price-1, no-price-2…"
    assert Watch().light == "good"


@pytest.mark.parametrize(("lag", "words"), [(30, None), (31, "is 31 s behind."), (None, "does not answer.")])
def test_a_replica_that_is_behind_or_away(monkeypatch, lag, words):
    monkeypatch.setattr("usage.ops.notices.replica", lambda: Replica(lag, in_use=False))
    sentences = [notice.sentence for notice in Watch().notices if notice.id == "replica"]
    assert sentences == ([f"The replica of DATABASE_READ_URL {words}"] if words else [])


def test_the_most_urgent_comes_first():
    stored(record(NOON, model="no-price"))
    for kind in ("sync", "spool", "key"):
        begun(kind)
    assert ids() == ["key", "spool", "sync", "unpriced"]


def test_what_is_over_says_when_it_ended(client, set_clock):
    begun("queue", 360, "CPA is away.")
    began = "2026-11-24T04:24:00Z"
    told = ("last_error", "last_error_at", "last_error_ended_at")

    def said():
        reply = client.get("/api/v1/status").json()
        return tuple(reply[name] for name in told)

    assert said() == ("CPA is away.", began, None)
    Incident.end("queue")
    assert said() == ("CPA is away.", began, "2026-11-24T04:30:00Z")
    assert [(over.title, over.sentence) for over in lately()] == [("CPA does not answer", "CPA is away.")]
    text = client.get("/system/").text
    assert re.search(r"ended <time [^>]*>24 Nov 2026, 12:30</time> \(lasted 6\xa0minutes\)", text)
    assert "12:24:00–12:30:00" in text
    begun("spool", 400, "It is full.")
    assert latest().kind == "spool"  # what lasts counts more than what ended later
    set_clock(NOW + timedelta(days=8))
    assert lately() == []


def test_the_api_tells_all_of_it_in_the_language_of_the_reader(client):
    begun("key", 660)
    begun("sync", 60)
    reply = client.get("/api/v1/notices").json()
    assert [notice["id"] for notice in reply["items"]] == client.get("/api/v1/status").json()["notices"]
    assert reply["ready"] is False
    assert reply["items"][0] == {
        "id": "key",
        "severity": "error",
        "since": "2026-11-24T04:19:00Z",
        "sentence": "CPA refuses the management key (since 12:19).",
        "detail": "It said so.",
        "cure": "Set CPA_MANAGEMENT_KEY to the secret-key of CPA, or correct it there.",
        "link": "/usage/system/",
        "action": {"address": "/usage/system/sync/", "label": "Try again now"},
        "unready": True,
    }
    chinese = client.get("/api/v1/notices", headers={"Accept-Language": "zh-hans"})
    assert not chinese.json()["items"][0]["sentence"].isascii()
    tag = chinese["ETag"]
    headers = {"Accept-Language": "zh-hans", "If-None-Match": tag}
    assert client.get("/api/v1/notices", headers=headers).status_code == 304
    Incident.end("key")
    assert client.get("/api/v1/notices", headers=headers).json()["ready"] is True


def test_the_first_steps_are_wrong_while_their_notices_stand():
    def steps():
        return [step.done for step in checklist(Watch())]

    assert steps() == [None, None, None, True, None]
    begun("queue", 60)
    assert steps()[0] is False
    Incident.end("queue")
    begun("key")
    assert steps()[:2] == [True, False]
    Incident.end("key")
    Connection.change(statistics_enabled=False, last_sync_at=NOW)
    DrainState.objects.update(heartbeat_at=NOW - timedelta(hours=1))
    assert steps() == [True, True, False, False, None]
    assert [bool(step.action) for step in checklist(Watch())] == [False, False, True, False, False]
