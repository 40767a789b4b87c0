"""What is known of the management key in a drain, and how it and the other processes tell each other."""

import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from catalog import problems
from catalog.cpa import Cpa
from catalog.keymemory import BEING_TRIED
from catalog.models import Connection
from catalog.sync import sync
from simulator import Simulator
from tests.usage.collector.conftest import point_to
from tests.waiting import until
from usage.collector.queue import Key, NotRunning, Refused
from usage.collector.queue.key import UNPROVED
from usage.collector.queue.resp import login

NO = "CPA refuses the management key: no"


def tried(key):
    """Why the key may not be tried, or None."""
    try:
        key.check()
    except Refused as refused:
        return str(refused)
    return None


def started(clock):
    """The key of a drain that has just begun and heard what others know."""
    key = Key(clock)
    key.share(Connection)
    return key


# --- News ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_refusal_here_reaches_the_others_and_theirs_reaches_us(clock):
    ours, theirs = Key(clock), started(clock)
    ours.refused(NO)
    assert ours.has_news
    ours.share(Connection)
    assert (ours.has_news, tried(theirs)) == (False, None)
    theirs.share(Connection)
    sentence = Connection.refused()
    assert sentence.startswith(f"{NO}.")
    assert (tried(ours), tried(theirs)) == (sentence, sentence)


@pytest.mark.django_db
def test_a_login_that_works_takes_the_refusal_back(clock):
    ours = Key(clock)
    ours.refused(NO)
    ours.share(Connection)
    clock.now += 605
    ours.accepted()
    ours.share(Connection)
    assert (tried(ours), Connection.refused(), Connection.load().refused_until) == (None, None, None)


@pytest.mark.django_db
def test_a_login_is_news_once(clock):
    ours = Key(clock)
    ours.accepted()
    assert ours.has_news
    ours.share(Connection)
    ours.accepted()
    assert not ours.has_news


@pytest.mark.django_db
def test_a_login_that_works_elsewhere_lets_us_try_within_seconds(clock):
    ours = started(clock)
    ours.refused(NO)
    ours.share(Connection)
    Connection.accepted()
    assert (ours.has_news, bool(tried(ours))) == (False, True)
    clock.now += 1
    assert ours.has_news
    ours.share(Connection)
    assert (tried(ours), ours.accepts, ours.has_news) == (None, True, False)


class Away:
    """A row while the database is away."""

    def load(self):
        raise OperationalError

    refuse = accepted = lambda self, *_: self.load()


def test_news_waits_while_the_database_is_away(clock):
    ours = Key(clock)
    ours.refused("no")
    with pytest.raises(OperationalError):
        ours.share(Away())
    assert (ours.has_news, tried(ours)) == (True, "no")


@pytest.mark.django_db
def test_a_refusal_is_counted_once_though_the_database_goes_away_after_it(clock, monkeypatch):
    ours = Key(clock)
    ours.refused(NO)
    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(Key, "_learn", lambda self, row: Away().load())
        ours.share(Connection)
    ours.share(Connection)
    assert Connection.load().refused_count == 1


def test_without_the_database_the_key_rests_all_the_same(clock):
    ours, waits = Key(clock), []
    for _ in range(3):
        ours.refused("no")
        began = clock.now
        while tried(ours):
            clock.now += 60
        waits.append(clock.now - began)
    assert waits == [660, 10_860, 10_860]


# --- Who may try --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_start_may_try_once_though_the_key_rests_but_not_for_ever(clock):
    for failures in (1, 2):
        key = started(clock)
        assert tried(key) is None
        key.refused(NO)
        key.share(Connection)
        assert tried(key) == Connection.refused()
        assert Connection.load().refused_count == failures
    assert tried(started(clock)) == Connection.refused()


@pytest.mark.django_db
def test_a_start_waits_a_moment_for_the_login_of_another_process(clock, monkeypatch):
    Connection.claim()
    monkeypatch.setattr("time.sleep", lambda seconds: Connection.accepted())
    assert tried(started(clock)) is None


@pytest.mark.django_db
def test_after_a_rest_the_right_to_try_is_claimed_first(clock, set_clock):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    set_clock(now)
    one, other = started(clock), Key(clock)
    one.refused(NO)
    one.share(Connection)
    other.share(Connection)  # tries, as it was started
    other.refused(NO)
    other.share(Connection)
    one.share(Connection)
    set_clock(now + timedelta(hours=3))
    clock.now += 3 * 3600
    assert tried(one) and tried(other)  # by themselves they would only after MARGIN_SECONDS
    one.share(Connection)
    other.share(Connection)
    assert (tried(one), tried(other)) == (None, BEING_TRIED)
    one.share(Connection)  # CPA said nothing
    other.share(Connection)
    assert tried(other) is None


@pytest.mark.django_db
def test_the_drains_questions_beside_the_queue_wait_for_its_login(cpa, clock, django_assert_num_queries):
    key = Key(clock)
    with django_assert_num_queries(0):
        with pytest.raises(problems.Refused, match=UNPROVED), Cpa(memory=key) as asked:
            asked.auth_files()
        login(key).close()
        with Cpa(memory=key) as asked:
            asked.auth_files()
        cpa._state.bans.key = "another"
        with pytest.raises(problems.Refused), Cpa(memory=key) as asked:
            asked.auth_files()
    assert tried(key).startswith("CPA refuses the management key (invalid management key).")
    with pytest.raises(problems.Refused), Cpa(memory=key) as asked:
        asked.auth_files()
    assert cpa.auth_failures == 1
    key.share(Connection)
    assert Connection.load().refused_count == 1


# --- CPA restarts -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_restart_of_cpa_ends_a_refusal(cpa, clock):
    key = started(clock)
    for _ in range(3):
        key.refused(NO)
        key.share(Connection)
    assert ([bool(tried(key)) for _ in range(3)], cpa.auth_failures) == ([True] * 3, 0)
    cpa.stop()
    assert tried(key) is None
    key.share(Connection)
    assert (Connection.refused(), Connection.load().refused_count) == (None, 0)
    with pytest.raises(NotRunning):
        login(key)
    cpa.start()
    login(key).close()
    key.share(Connection)
    assert Connection.load().accepts


def test_a_restart_that_is_over_before_the_next_look_is_seen_all_the_same(cpa, clock):
    key = Key(clock)
    key.refused(NO)
    assert [bool(tried(key)) for _ in range(3)] == [True] * 3
    ours = key._port._held.getsockname()
    until(lambda: any(one.transport.get_extra_info("peername") == ours for one in list(cpa._server.connections)))
    cpa.stop()
    cpa.start()
    assert tried(key) is None
    login(key).close()


def test_a_connection_that_cpa_ends_because_nothing_came_says_nothing_about_a_restart(settings, clock, monkeypatch):
    monkeypatch.setattr("usage.collector.queue.port.STANDS_SECONDS", 0.05)
    with Simulator(idle_seconds=0.1) as cpa:
        point_to(settings, cpa.host, cpa.port, cpa.management_key)
        key = Key(clock)
        key.refused(NO)
        for wait in (0, 0, 0, 0.3, 0.3):
            time.sleep(wait)
            assert tried(key)


def test_a_port_that_closes_every_connection_at_once_says_nothing_either(settings, clock):
    with socket.create_server(("127.0.0.1", 0)) as closing:
        settings.REDIS_QUEUE_ADDR = f"127.0.0.1:{closing.getsockname()[1]}"
        key = Key(clock)
        key.refused(NO)
        for _ in range(5):
            assert tried(key)
            closing.accept()[0].close()
            time.sleep(0.01)
            assert tried(key)
            closing.accept()[0].close()


@pytest.mark.django_db
def test_a_port_that_was_never_open_says_nothing_about_a_restart(settings, clock):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.REDIS_QUEUE_ADDR = f"127.0.0.1:{closed.getsockname()[1]}"
    key = Key(clock)
    key.refused(NO)
    assert [bool(tried(key)) for _ in range(5)] == [True] * 5


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", "no.such.host.invalid:1", "[::1"])
def test_an_address_that_is_none_says_nothing_either(settings, clock, address):
    settings.REDIS_QUEUE_ADDR = address
    key = Key(clock)
    key.refused(NO)
    assert [bool(tried(key)) for _ in range(3)] == [True] * 3


# --- A drain and the others ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", ["auto", "pop", "subscribe", "http"])
def test_a_key_that_is_right_again_is_taken_within_seconds_of_a_sync(cpa, begin, settings, mode):
    settings.QUEUE_MODE = mode
    cpa._state.bans.key = "another"
    one = begin()
    until(lambda: one.step() and Connection.refused())
    cpa._state.bans.key = cpa.management_key
    assert sync().error.startswith("CPA refuses")
    assert sync(by_person=True).error == ""
    cpa.push(b'{"a record": "that becomes a dead letter"}')
    one.until_stored(1)
    assert (cpa.auth_failures, Connection.refused()) == (1, None)


@pytest.mark.django_db(transaction=True)
def test_restarts_with_a_wrong_key_never_reach_the_ban(cpa, begin, settings):
    settings.CPA_MANAGEMENT_KEY = "wrong"
    for failures in (1, 2, 2, 2):
        one = begin()
        until(lambda: one.step() and one.said("key") and not one.run._key.has_news)  # noqa: B023
        one.end()
        assert cpa.auth_failures == failures
    for key in ("wrong as well", "and this one"):
        settings.CPA_MANAGEMENT_KEY = key
        one = begin()
        until(lambda: one.step() and one.said("key") and not one.run._key.has_news)  # noqa: B023
        one.end()
        assert cpa.auth_failures == 3


@pytest.mark.django_db(transaction=True)
def test_a_restarted_cpa_takes_the_right_key_again(begin, settings):
    """Its owner put the key right and started it again, after the second refusal."""
    with Simulator(management_key="another", retention_seconds=3600) as cpa:
        point_to(settings, cpa.host, cpa.port, "lab-management-key")
        Connection.refuse(NO)
        one = begin()
        until(lambda: one.step() and Connection.load().refused_count == 2)
        until(lambda: one.step() and one.run._key._port._stood)
        cpa.stop()
        until(lambda: one.step() and not Connection.refused())
        cpa._state.bans.key = settings.CPA_MANAGEMENT_KEY
        cpa.start()
        cpa.push(b'{"a record": "that becomes a dead letter"}')
        one.until_stored(1)
        assert (cpa.auth_failures, Connection.load().accepts) == (1, True)
