"""Which stored attempt ended the client's request, while attempts arrive in any order."""

import pytest

from tests.usage.made import NOON, SECOND, record, rollups, stored, totals
from usage.ingest.writer import Writer
from usage.models import Event, Quarter
from usage.rollups.check import check
from usage.rollups.rebuild import rebuild

pytestmark = pytest.mark.django_db

FIRST = record(NOON, request_id="0a0a0a0a", failed=True, source="ann@example.com")
SECOND_TRY = record(NOON + SECOND, request_id="0a0a0a0a", failed=True, source="bob@example.com")
SUCCESS = record(NOON + 2 * SECOND, request_id="0a0a0a0a", source="cy@example.com")


def ended_at():
    """Seconds after noon at which requests ended."""
    final = Event.objects.filter(final=True).order_by("timestamp")
    return [(at - NOON) // SECOND for at in final.values_list("timestamp", flat=True)]


def test_a_later_attempt_takes_over_across_batches_and_restarts():
    stored(FIRST)
    assert (ended_at(), totals()["client_requests"], totals()["client_failed"]) == ([0], 1, 1)
    stored(SECOND_TRY)
    assert (ended_at(), totals()["client_requests"], totals()["client_failed"]) == ([1], 1, 1)
    stored(SUCCESS)
    assert (ended_at(), totals()["client_requests"], totals().get("client_failed", 0)) == ([2], 1, 0)
    assert list(check()) == []


def test_a_success_stays_the_end_when_an_earlier_failure_is_told_later():
    writer = Writer()
    stored(SUCCESS, writer=writer)
    stored(FIRST, SECOND_TRY, writer=writer)
    assert ended_at() == [2]
    assert {row[0] for row in rollups("client_requests")["Quarter"].values()} == {0, 1}


def test_the_change_is_counted_where_the_old_event_is():
    """Its own quarter hour and series lose what the new one's gain."""
    late = record(NOON + 880 * SECOND, request_id="0a0a0a0a", failed=True, latency_ms=15_000)
    after = record(NOON + 901 * SECOND, request_id="0a0a0a0a")
    stored(late)
    stored(after)
    rows = {row.bucket: (row.client_requests, row.client_failed) for row in Quarter.objects.all()}
    assert rows == {NOON // SECOND: (0, 0), NOON // SECOND + 900: (1, 0)}


def test_of_equals_the_first_stored_ends_it():
    alike = [record(NOON, request_id="0a0a0a0a", x_forwarded_for=name) for name in ("a", "b", "c")]
    stored(alike[1])
    stored(alike[0], alike[2])
    assert Event.objects.get(final=True).client.forwarded_for == "b"


def test_two_requests_that_share_an_id_far_apart_are_two():
    stored(FIRST)
    stored(record(NOON + 3600 * SECOND, request_id="0a0a0a0a", failed=True))
    assert ended_at() == [0, 3600]


def test_an_attempt_between_two_requests_makes_them_one():
    """What comes late may show that two requests were one: the earlier end is taken back."""
    far = record(NOON + 100 * SECOND, request_id="0a0a0a0a", failed=True, source="bob@example.com")
    between = record(NOON + 50 * SECOND, request_id="0a0a0a0a", failed=True, source="cy@example.com")
    stored(FIRST, far)
    assert sorted(ended_at()) == [0, 100]
    stored(between)
    assert (ended_at(), totals()["client_requests"]) == ([100], 1)
    assert list(check()) == []


def test_an_attempt_of_days_joins_what_is_before_and_after_it():
    """The last knows the one it follows, which took over a day, and by that the one before."""
    days = 2 * 86_400
    long_ago = NOON - (days + 60) * SECOND
    stored(record(long_ago, request_id="0a0a0a0a", latency_ms=1000))
    stored(record(long_ago + 30 * SECOND, request_id="0a0a0a0a", failed=True, latency_ms=days * 1000))
    assert ended_at() == [-days - 60]
    stored(record(NOON, request_id="0a0a0a0a"))
    assert (ended_at(), totals()["client_requests"]) == ([0], 1)
    Event.objects.update(final=True)
    assert len(list(rebuild())) == 3
    assert (ended_at(), totals()["client_requests"]) == ([0], 1)


def test_a_row_of_attempts_of_many_days_is_one_request_in_whatever_order_it_is_told():
    """Days on which attempts ended are looked through as far as one can last; one found there leads further."""
    long = 11 * 86_400
    starts = [NOON - (3 * long - n * (long + 30)) * SECOND for n in range(3)]
    attempts = [record(at, request_id="0a0a0a0a", failed=True, latency_ms=long * 1000) for at in starts]
    for told in reversed([*attempts, record(starts[-1] + (long + 30) * SECOND, request_id="0a0a0a0a")]):
        stored(told)
        assert (len(ended_at()), totals()["client_requests"], totals().get("client_failed", 0)) == (1, 1, 0)
    assert list(check()) == []


def test_late_records_find_their_kin_beside_new_ones():
    """A batch may hold what ended today and what ended weeks ago; each is looked for where it was."""
    old = NOON - 20 * 86_400 * SECOND
    stored(record(old, request_id="0b0b0b0b", failed=True), FIRST)
    stored(record(old + SECOND, request_id="0b0b0b0b"), SUCCESS)
    assert ended_at() == [1 - 20 * 86_400, 2]


@pytest.mark.parametrize("others", [{"api_key": "sk-other"}, {"alias": "other"}, {"endpoint": "POST /other"}])
def test_records_that_differ_in_key_name_or_endpoint_are_no_kin(others):
    stored(FIRST, record(NOON + SECOND, request_id="0a0a0a0a", **others))
    assert sorted(ended_at()) == [0, 1]


@pytest.mark.parametrize("alone", [{"request_id": ""}, {"request_id": "0a0a0a0a", "endpoint": "GET /v1/responses"}])
def test_records_without_an_id_and_turns_of_a_web_socket_count_each(alone):
    stored(record(NOON, **alone), record(NOON + 1, **alone))
    assert totals()["client_requests"] == 2
