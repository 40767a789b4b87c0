"""The seat: one drain at a time for a database, and for a spool."""

import pytest
from django.db import connection

from tests.usage.collector.process import AT_WORK
from tests.usage.collector.queue.conftest import until
from tests.usage.made import NOON, record
from usage.collector.seat import Seat
from usage.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seat():
    """A function that makes a seat, left at the end."""
    seats = []

    def of(folder):
        seats.append(Seat(folder))
        return seats[-1]

    yield of
    for one in seats:
        one.leave()


def test_one_has_it_and_keeps_it_and_another_gets_it_after(seat, home):
    first, second = seat(home), seat(home)
    assert [first.take(), second.take(), first.take(), second.take()] == [True, False, True, False]
    first.leave()
    assert [second.take(), first.take()] == [True, False]


def test_two_spools_on_one_database_are_still_one_seat(seat, home):
    first, second = seat(home), seat(home.parent / "other")
    assert [first.take(), second.take()] == [True, False]
    first.leave()
    assert second.take()


def test_a_seat_whose_session_the_database_ended_is_taken_again_unless_another_has_it(seat, home):
    first = seat(home)
    assert first.take()
    if connection.vendor == "postgresql":
        end_sessions()
    assert first.take()
    assert not seat(home.parent / "other").take()


def test_a_drain_whose_sessions_are_ended_goes_on(cpa, run):
    drain = run()
    drain.says(AT_WORK)
    for n in range(3):
        if connection.vendor == "postgresql":
            end_sessions()
        cpa.push(record(NOON + n))
        until(lambda wanted=n + 1: Event.objects.count() == wanted)
    assert drain.stop() == 0
    assert "Traceback" not in drain.log


def test_a_seat_lost_to_another_while_the_session_was_cut_is_not_had(seat, home):
    first, second = seat(home), seat(home.parent / "other")
    first.take()
    first._locks[1].leave()  # as the database does with the lock of a session that is gone
    assert second.take()
    assert not first.take()


def end_sessions():
    """PostgreSQL ends every session of this database but ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
