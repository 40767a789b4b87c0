"""A gap can be put aside over the API, and that be taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.models import AuthFile
from cpa_usage.models import ApiToken
from usage.models import Gap

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.fixture
def gap():
    AuthFile.objects.create(auth_index="a1", name="a.json", email="alice@example.org")
    end = AT + timedelta(seconds=2)
    return Gap.objects.create(start=AT, end=end, reason="away", lost=3, lost_by={"a1": 2, "b2": 1}, times=4)


def address(gap):
    return f"/api/v1/gaps/{gap.pk}/dismiss"


def test_a_gap_is_dismissed_and_taken_back_and_the_status_says_so(client, gap):
    row = {
        "id": gap.pk,
        "start": "2026-11-24T03:00:00Z",
        "end": "2026-11-24T03:00:02Z",
        "reason": "away",
        "lost": 3,
        "lost_by": [
            {"auth_index": "a1", "name": "alice@example.org", "lost": 2},
            {"auth_index": "b2", "name": "b2", "lost": 1},
        ],
        "times": 4,
        "dismissed_at": None,
    }
    assert client.get("/api/v1/status").json()["gaps"] == [row]
    dismissed = row | {"dismissed_at": "2026-11-24T04:30:00Z"}
    for change, expected in ((client.post, dismissed), (client.post, dismissed), (client.delete, row)):
        reply = change(address(gap))
        assert (reply.status_code, reply.json()) == (200, expected)
        assert client.get("/api/v1/status").json()["gaps"] == [expected]


def test_one_alone_is_dismissed(client, gap):
    other = Gap.objects.create(start=AT, end=AT, reason="another")
    client.post(address(gap))
    assert list(Gap.objects.standing()) == [other]


@pytest.mark.parametrize("gap_id", ["0", "999", "9" * 30, "x"])
def test_a_gap_that_is_not_there_is_not_found(client, gap, gap_id):
    for change in (client.post, client.delete):
        reply = change(f"/api/v1/gaps/{gap_id}/dismiss")
        assert (reply.status_code, list(reply.json())) == (404, ["error"])
    assert Gap.objects.standing().count() == 1


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("all", 200), ("metrics", 403)])
def test_a_token_needs_the_right_to_write(client, gap, settings, scope, status):
    settings.AUTH_ENABLED, settings.LOGIN_PASSWORD = True, "correct horse"
    token = ApiToken(name="a program", scope=scope).issue()
    assert client.post(address(gap)).status_code == 401
    assert client.post(address(gap), headers={"Authorization": f"Bearer {token}"}).status_code == status
