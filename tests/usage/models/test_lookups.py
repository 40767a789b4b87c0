"""`among`: what it finds, and that a look-up of requests uses the index made for it."""

import pytest
from django.db import connection

from tests.usage.made import NOON, SECOND, record, stored
from usage.models import Event

pytestmark = pytest.mark.django_db
IDS = ["0a0a0a0a", 'a "quoted" one', "größer als 100 %"]


def found(**conditions):
    return sorted(Event.objects.filter(**conditions).values_list("request_id", flat=True))


def test_texts_and_whole_numbers_are_found_among_others():
    stored(*(record(NOON + nth * SECOND, request_id=id) for nth, id in enumerate(IDS)))
    for wanted in (IDS, IDS[1:], IDS[:1], [], ["nobody's"]):
        assert found(request_id__among=wanted) == sorted(set(wanted) & set(IDS))
    assert found(timestamp__among=[NOON, NOON + 2 * SECOND, 7]) == [IDS[0], IDS[2]]
    assert Event.objects.exclude(request_id__among=IDS[1:]).get().request_id == IDS[0]


if connection.vendor == "sqlite":  # PostgreSQL reads a small table whole, whatever its indexes

    def test_attempts_of_requests_are_looked_up_in_their_index():
        plan = Event.objects.of_requests(IDS, range(3)).newest_first().explain()
        assert "USING INDEX event_request (ended_day=? AND request_id=?)" in plan
