"""Clients: their addresses and programs go with the last event that names them."""

import pytest

from tests.usage.made import NOON, record
from usage.ingest.writer import Writer
from usage.models import Client, Event
from usage.rollups import forgetting
from usage.rollups.forgetting import forget_clients

pytestmark = pytest.mark.django_db(transaction=True)
EMPTY = ("", "", "")


def stored(*items, writer=None):
    (writer or Writer()).store([(NOON, raw) for raw in items])


def called(number, address, program="curl"):
    return record(NOON + number, client_ip=address, x_forwarded_for="", user_agent=program)


def clients():
    return list(Client.objects.order_by("id").values_list("ip", "forwarded_for", "user_agent"))


@pytest.mark.parametrize("chunk", (1, 1000))
def test_only_those_without_events_are_emptied_and_once(monkeypatch, chunk):
    monkeypatch.setattr(forgetting, "CHUNK", chunk)
    stored(called(0, "10.0.0.1"), called(1, "10.0.0.2"), called(2, "10.0.0.3"), called(3, "10.0.0.1", "python"))
    Event.objects.exclude(timestamp=NOON + 1).delete()
    assert [forget_clients(), forget_clients()] == [3, 0]
    assert sorted(clients()) == sorted([EMPTY, ("10.0.0.2", "", "curl"), EMPTY, EMPTY])
    assert Client.objects.values("digest").distinct().count() == 4


def test_one_that_comes_back_has_a_row_again():
    stored(called(0, "10.0.0.1"))
    Event.objects.all().delete()
    forget_clients()
    stored(called(1, "10.0.0.1"))
    assert clients() == [EMPTY, ("10.0.0.1", "", "curl")]
    assert Event.objects.get().client.ip == "10.0.0.1"
    assert forget_clients() == 0


def test_one_that_comes_back_while_they_are_looked_for_is_kept(monkeypatch):
    stored(called(0, "10.0.0.1"))
    Event.objects.all().delete()
    writer, lock = Writer(), forgetting.DrainState.lock

    def meanwhile():
        monkeypatch.undo()
        stored(called(1, "10.0.0.1"), writer=writer)
        return lock()

    monkeypatch.setattr(forgetting.DrainState, "lock", meanwhile)
    assert (forget_clients(), clients()) == (0, [("10.0.0.1", "", "curl")])
