"""The management key is wrong, or right again, while processes of an installation and persons at it try it.

Five failed logins ban our address at CPA, the right key included; we never fail more than three times.
"""

import time

import pytest

from tests.faults.stage import AT_WORK, caught_up, push
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # processes with a SQLite file of their own: once is enough

SYNC = ("manage.py", "shell", "--no-imports", "-c", "from catalog.sync import sync; print(sync())")
TOLD = "It is tried again at "


def refused(stage):
    """(how often the key was refused, what is said of it)."""
    return stage.query("SELECT refused_count, refused_reason FROM catalog_connection") or (0, "")


def test_everything_at_once_with_a_wrong_key_fails_three_times_at_most(stage, cpa):
    stage.key = "wrong"
    drain = stage.drain()
    others = [stage.start(f"other{n}", *words) for n in range(2) for words in (SYNC, ("manage.py", "doctor"))]
    for one in others:
        one.popen.wait()
    drain.says(TOLD)
    for _ in range(2):
        assert drain.stop() == 0
        drain = stage.drain()
        drain.says(AT_WORK)
        said = stage.manage("doctor").stdout
        assert TOLD in said and "WRONG Key" in said and "WRONG Queue: Not tried" in said
    until(lambda: refused(stage)[0] == 2)
    assert "a restart of CPA ends this as well" in refused(stage)[1]
    assert cpa.auth_failures == 2
    for key in ("wrong as well", "and this one"):
        stage.key = key
        stage.manage("doctor")
        assert cpa.auth_failures == 3


def test_a_key_that_is_right_again_is_found_out_by_the_doctor_and_the_drain_goes_on(stage, cpa):
    cpa._state.bans.key = "another"
    drain = stage.drain()
    drain.says(TOLD)
    push(cpa, 10)
    cpa._state.bans.key = cpa.management_key
    said = stage.manage("doctor").stdout
    assert "OK    Key" in said and "OK    Queue" in said
    until(lambda: stage.stored == 10, seconds=10)
    caught_up(stage, cpa, 10)
    assert cpa.auth_failures == 1


def test_a_restart_of_cpa_ends_the_second_refusal(stage, cpa):
    cpa._state.bans.key = "another"
    stage.manage("doctor")
    drain = stage.drain()
    until(lambda: refused(stage)[0] == 2)
    time.sleep(2.5)  # the drain has seen the open port
    cpa.stop()
    cpa._state.bans.key = cpa.management_key
    cpa.start()
    push(cpa, 10)
    until(lambda: stage.stored == 10, seconds=10)
    assert cpa.auth_failures == 2
    assert drain.stop() == 0
