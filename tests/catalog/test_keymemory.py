"""What all processes know of the management key: how long it rests, who may try it, and what ends a refusal."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from catalog import keymemory
from catalog.cpa import Cpa
from catalog.models import Connection
from catalog.problems import Problem, Refused
from catalog.sync import sync, sync_now
from cpa_usage.incidents import Incident
from simulator import Simulator

pytestmark = pytest.mark.django_db

REASON = "CPA refuses the key. Set CPA_MANAGEMENT_KEY."
BANNED = "CPA has banned our address: IP banned due to too many failed attempts. Try again in 29m59s. Set X."


@pytest.fixture
def clock(set_clock, settings):
    """A function that moves the time by minutes; it is noon, and the days of the project are UTC's."""
    settings.TIME_ZONE = "UTC"
    set_clock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    return lambda minutes: set_clock(timezone.now() + timedelta(minutes=minutes))


def may_try(by_person=False):
    """Whether a login would be allowed now; the right to it is given back."""
    try:
        Connection.claim(by_person).release()
    except Refused:
        return False
    return True


# --- How long it rests --------------------------------------------------------------------------------------------


def test_nothing_is_refused_at_first():
    assert Connection.refused() is None
    assert Connection.objects.count() == 0


def test_the_first_refusal_rests_ten_minutes_the_second_until_cpa_has_forgotten_both(clock):
    Connection.refuse(REASON)
    assert Connection.refused() == f"{REASON} It is tried again at 12:10:00 +0000. {keymemory.BY_A_PERSON}"
    clock(9.9)
    assert not may_try()
    clock(0.1)
    assert may_try()
    Connection.refuse(REASON)
    assert Connection.refused() == f"{REASON} It is tried again at 15:10:00 +0000. {keymemory.BY_ANOTHER}"
    clock(179.9)
    assert not may_try()
    clock(0.1)
    assert may_try()
    Connection.refuse(REASON)  # CPA's counter began again
    assert Connection.load().refused_count == 1


def test_the_second_is_a_persons_the_third_another_keys_and_then_nothing_may_try(clock, settings):
    Connection.refuse(REASON)
    assert (may_try(), may_try(by_person=True)) == (False, True)
    Connection.refuse(REASON)
    assert (may_try(), may_try(by_person=True)) == (False, False)
    settings.CPA_MANAGEMENT_KEY = "another"
    assert may_try()
    Connection.refuse(REASON)
    assert (may_try(), may_try(by_person=True)) == (False, False)
    assert Connection.refused() == f"{REASON} It is tried again at 15:00:00 +0000. {keymemory.BY_NO_ONE}"


@pytest.mark.parametrize("name", ["CPA_MANAGEMENT_KEY", "CPA_BASE_URL"])
def test_a_new_key_or_address_may_be_tried_at_once_as_long_as_there_is_room(settings, name):
    for number, value in enumerate(("http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4")):
        setattr(settings, name, value)
        assert (Connection.refused(), may_try()) == (None, True)
        Connection.refuse(REASON)
        assert Connection.load().refused_count == number + 1
    setattr(settings, name, "http://127.0.0.1:5")
    assert not may_try(by_person=True)


def test_a_ban_rests_as_long_as_cpa_says_and_ends_with_no_failure_counted(clock):
    for _ in range(2):
        Connection.refuse(REASON)
    Connection.refuse(BANNED)
    assert Connection.load().refused_until == timezone.now() + timedelta(minutes=29, seconds=59 + 5)
    assert Connection.load().refused_count == 0
    assert Connection.refused() == f"{BANNED} It is tried again at 12:30:04 +0000. {keymemory.BY_RESTART}"
    clock(30)
    assert not may_try()
    clock(0.1)
    assert may_try()


def test_a_clock_that_is_put_back_does_not_make_the_rest_longer(clock):
    Connection.refuse(REASON)
    clock(-24 * 60)
    assert may_try()
    Connection.refuse(REASON)
    assert (Connection.load().refused_count, may_try()) == (2, False)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("1h0m5s", 3605), ("30m0s", 1800), ("59s", 59), ("0s", 0)],
)
def test_how_long_a_ban_lasts(words, seconds):
    count, rest = keymemory.rest_after(f"IP banned due to too many failed attempts. Try again in {words}", 2)
    assert (count, rest) == (0, timedelta(seconds=seconds) + keymemory.AFTER_BAN)


def test_a_cpa_that_takes_no_management_from_here_counts_no_failure():
    for _ in range(5):
        Connection.refuse("CPA takes no management from here (remote management disabled): set allow-remote.")
    assert Connection.load().refused_count == 0
    assert (may_try(), may_try(by_person=True)) == (False, True)


def test_a_reason_without_a_cure_gets_one_and_tells_nothing_of_the_key(settings):
    settings.CPA_MANAGEMENT_KEY = "hunter2"
    Connection.refuse("CPA refuses the management key: invalid management key.")
    assert Connection.refused().startswith(
        "CPA refuses the management key: invalid management key. "
        "Set CPA_MANAGEMENT_KEY to the remote-management secret-key of CPA's config. "
    )
    assert "hunter2" not in repr(Connection.objects.values().get())


# --- What ends it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Connection.accepted, Connection.restarted])
def test_a_login_that_works_and_a_restart_of_cpa_end_it_for_all(end):
    for _ in range(3):
        Connection.refuse(REASON)
    assert Incident.objects.get().sentence == Connection.refused()
    end()
    row = Connection.load()
    assert (row.refused(), row.refused_count, row.refused_until, may_try()) == (None, 0, None, True)
    assert row.accepts is (end == Connection.accepted)
    assert Incident.objects.get().until is not None


def test_refusals_one_after_the_other_are_one_incident(clock):
    Connection.refuse(REASON)
    since = timezone.now()
    clock(10)
    Connection.refuse(REASON)
    assert Incident.objects.values_list("kind", "since", "until").get() == ("key", since, None)


# --- One at a time ------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_known_to_work_is_tried_by_one_process_at_a_time():
    first = Connection.claim()
    with pytest.raises(Refused, match="Another process tries"):
        Connection.claim(by_person=True)
    first.release()
    assert may_try()
    Connection.accepted()
    assert all(Connection.claim().accepts for _ in range(3))


def test_the_right_to_try_gives_the_rest_back_when_cpa_said_nothing(clock):
    Connection.refuse(REASON)
    sentence = Connection.refused()
    Connection.claim(by_person=True).release()
    assert Connection.refused() == sentence


def test_the_right_of_a_process_that_died_ends_by_itself(clock, settings):
    Connection.claim()
    assert not may_try()
    clock(settings.CPA_TIMEOUT.total_seconds() / 60)
    assert may_try()


# --- Against a real counter ---------------------------------------------------------------------------------------


def allowed():
    """Every way in which a process or a person asks CPA, once."""
    sync()
    sync_now()
    for by_person in (False, True):
        try:
            with Cpa(by_person=by_person) as cpa:
                cpa.auth_files()
        except Problem:
            pass


def test_no_way_brings_the_counter_above_three_and_changing_keys_neither(cpa, settings, clock):
    for hours in range(4):
        before = cpa.auth_failures
        for number in range(8):
            settings.CPA_MANAGEMENT_KEY = f"wrong {number % 3 and hours}"
            allowed()
            clock(20)
        assert cpa.auth_failures - before <= 3
        clock(181 - 8 * 20)
        cpa._state.bans.forget()  # as CPA forgets an idle counter
    settings.CPA_MANAGEMENT_KEY = cpa.management_key
    clock(181)
    assert sync().error == ""


def test_a_person_is_let_in_at_once_when_the_key_is_right_again(cpa):
    cpa._state.bans.key = "another"
    assert sync().error.startswith("CPA refuses the management key (invalid management key).")
    cpa._state.bans.key = cpa.management_key
    assert sync().error.startswith("CPA refuses")
    assert sync_now() == ""
    assert (Connection.refused(), sync().error, cpa.auth_failures) == (None, "", 1)


def test_a_ban_is_waited_for(settings, captured_catalog, clock):
    """Five failures of another client at our address."""
    now = [0.0]
    with Simulator(catalog=captured_catalog, clock=lambda: now[0]) as cpa:
        settings.CPA_BASE_URL, settings.CPA_MANAGEMENT_KEY = cpa.base_url, cpa.management_key
        for _ in range(5):
            cpa._state.bans._fail("127.0.0.1")
        assert "Try again in 30m0s" in sync().error
        now[0] += 1795
        clock(1795 / 60)
        assert "Try again in 30m0s" in sync().error
        now[0] += 10
        clock(10 / 60)
        assert sync().error == ""


@pytest.mark.django_db(transaction=True)
def test_processes_that_find_a_wrong_key_at_the_same_moment_fail_once(cpa, settings):
    """Real connections: each thread has its own."""
    settings.CPA_MANAGEMENT_KEY = "wrong"
    Connection.load()
    together = threading.Barrier(6)

    def run():
        together.wait()
        try:
            with Cpa() as asked:
                asked.auth_files()
        except Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cpa.auth_failures == 1
    assert Connection.load().refused_count == 1
