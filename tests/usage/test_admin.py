"""Dead letters, gaps and the drain in the admin: nothing secret is shown, and what can be stored by now is."""

import json
from datetime import UTC, datetime
from hashlib import blake2b

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import Schedule

from tests.usage.made import NOON, record, stored
from usage.ingest.writer import Writer, retry
from usage.models import DeadLetter, DrainState, Event, Gap
from usage.records.secrecy import shown

pytestmark = pytest.mark.django_db

LETTERS, GAPS, DRAIN = (f"/admin/usage/{name}/" for name in ("deadletter", "gap", "drainstate"))
KEY = "sk-client-alice-0001"


@pytest.fixture
def admin(admin_client):
    return admin_client


def dead(raw, reason="odd", kind=DeadLetter.Kind.MALFORMED):
    return DeadLetter.objects.create(
        fingerprint=blake2b(raw, digest_size=16).digest(), raw=raw, kind=kind, reason=reason, arrived=NOON
    )


def act(admin, action, *letters, **more):
    chosen = {"action": action, "_selected_action": [letter.pk for letter in letters]}
    return admin.post(LETTERS, chosen | more, follow=True).content.decode()


# --- What is shown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"api_key":"sk-client-alice-0001","model":"m"}', '{"api_key":"sk-c****0001","model":"m"}'),
        (b'{"API_KEY" : "abcdefghij", ', '{"API_KEY" : "abcd****ghij", '),
        (b'{"source":"plain-secret-value"', '{"source":"plai****alue"'),
        (b'{"api_key":"never closed secret', '{"api_key":"neve****cret'),
        (b'{"api_key": 12345678901, "x": 1}', '{"api_key": 1234****8901, "x": 1}'),
        (b'{"api_key":"with \\" quote in it","x":1}', '{"api_key":"with****n it","x":1}'),
        (b'"access_token_sha256":"aaaabbbbcccc"', '"access_token_sha256":"aaaa****cccc"'),
        (
            b'{"response_headers":{"Set-Cookie":["s=1234567890"]}}',
            '{"response_headers":{"Set-Cookie":["s=12****7890"]}}',
        ),
        (b"Bearer sk-abcdefghijklmnop", "Bearer sk-a****mnop"),
        (b"\xff\xfe not text", "\ufffd\ufffd not text"),
        (b"", ""),
    ],
)
def test_keys_are_masked_whatever_shape_the_record_is_in(raw, expected):
    assert shown(raw) == expected


def test_a_dead_letter_is_shown_with_its_keys_masked(admin):
    letter = dead(record(NOON, tokens={"input": 10**15}), "tokens beyond belief")
    for path in (LETTERS, f"{LETTERS}{letter.pk}/change/"):
        page = admin.get(path).content.decode()
        assert "tokens beyond belief" in page and KEY not in page
    assert "sk-c****0001" in page and "2026-11-24 12:00:00" in page


# --- What can be done ---------------------------------------------------------------------------------------------


def test_what_can_be_stored_by_now_is_and_the_rest_stays(admin):
    good, bad = dead(record(NOON)), dead(b"{nonsense")
    page = act(admin, "retry", good, bad)
    assert "1 record was stored. 1 still cannot be." in page
    assert [bytes(raw) for raw in DeadLetter.objects.values_list("raw", flat=True)] == [b"{nonsense"]
    assert Event.objects.get().timestamp == NOON


def test_a_retry_keeps_the_time_of_arrival(admin):
    item = json.loads(record(NOON))
    del item["timestamp"]
    act(admin, "retry", dead(json.dumps(item).encode()))
    assert Event.objects.get().timestamp == NOON


def test_a_retry_of_what_is_stored_already_adds_nothing():
    stored(record(NOON))
    dead(record(NOON))
    assert retry(DeadLetter.objects.all()) == 1
    assert (Event.objects.count(), DeadLetter.objects.count()) == (1, 0)


def test_a_retry_that_fails_loses_nothing(monkeypatch):
    dead(record(NOON))
    monkeypatch.setattr(Writer, "_store", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        retry(DeadLetter.objects.all())
    assert DeadLetter.objects.count() == 1


def test_dead_letters_can_be_deleted_and_not_changed(admin):
    first, second = dead(b"{one"), dead(b"{two")
    assert admin.post(f"{LETTERS}{first.pk}/change/", {"reason": "mine"}).status_code == 403
    assert admin.get(LETTERS + "add/").status_code == 403
    assert "{one" not in act(admin, "delete_selected", first, post="yes")
    assert admin.post(f"{LETTERS}{second.pk}/delete/", {"post": "yes"}).status_code == 302
    assert DeadLetter.objects.count() == 0


def test_gaps_and_the_drain_are_to_look_at(admin):
    Gap.objects.create(
        start=datetime(2026, 11, 24, tzinfo=UTC), end=datetime(2026, 11, 24, 1, tzinfo=UTC), reason="away"
    )
    stored(record(NOON))
    assert "away" in admin.get(GAPS).content.decode()
    assert ">collector" in admin.get(DRAIN).content.decode()
    assert admin.get(f"{DRAIN}1/change/").status_code == 200
    for path, pk in ((GAPS, Gap.objects.get().pk), (DRAIN, 1)):
        assert admin.post(f"{path}{pk}/change/", {"reason": "x"}).status_code == 403
    assert admin.post(f"{DRAIN}1/delete/", {"post": "yes"}).status_code == 403
    assert DrainState.objects.count() == 1


def test_gaps_are_dismissed_and_taken_back(admin):
    moments = [datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (1, 2)]
    gaps = [Gap.objects.create(start=moment, end=moment, reason="away") for moment in moments]
    for action, standing in (("dismiss", gaps[:1]), ("restore", gaps)):
        assert admin.post(GAPS, {"action": action, "_selected_action": [gaps[1].pk]}).status_code == 302
        assert list(Gap.objects.standing().order_by("start")) == standing


def test_schedules_are_to_look_at_for_they_name_functions(admin):
    schedule = Schedule.objects.create(name="x", func="os.abort")
    for path in ("add/", f"{schedule.pk}/change/"):
        assert admin.post(f"/admin/django_q/schedule/{path}", {"func": "os.system"}).status_code == 403
    assert "os.abort" in admin.get("/admin/django_q/schedule/").content.decode()


@pytest.mark.parametrize(
    "path", [LETTERS, GAPS, DRAIN, "/admin/", "/admin/django_q/schedule/", "/admin/django_q/failure/"]
)
def test_a_page_takes_as_many_queries_for_a_hundred_rows_as_for_ten(admin, path):
    counts = []
    for start, end in ((0, 10), (10, 100)):
        for i in range(start, end):
            dead(f"{i:020}".encode())
            Gap.objects.create(start=datetime.fromtimestamp(i, UTC), end=datetime.fromtimestamp(i, UTC), reason="x")
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 15  # the first one also learns the content types


def test_strangers_are_sent_to_sign_in(client):
    letter = dead(record(NOON))
    assert client.get(f"{LETTERS}{letter.pk}/change/").status_code == 302
    assert client.post(LETTERS, {"action": "retry", "_selected_action": [letter.pk]}).status_code == 302
    assert Event.objects.count() == 0
