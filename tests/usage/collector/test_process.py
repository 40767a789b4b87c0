"""The drain as a process: it stops in good order, stands by, takes over, and refuses a bad configuration."""

import re
import signal
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Max

from tests.usage.collector.process import AT_WORK, traffic
from tests.usage.made import NOON, record
from tests.waiting import PATIENCE, until
from usage.collector.gaps import DIED
from usage.collector.spool import Spool
from usage.models import DrainState, Event, Gap
from usage.rollups.check import check

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("mode", ("pop", "subscribe", "http"))
@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_a_signal_under_load_loses_nothing_and_ends_with_0(cpa, start, home, mode, number):
    with traffic(cpa) as delivered:
        drain = start(QUEUE_MODE=mode)
        until(lambda: Event.objects.count() > 50)
        assert drain.stop(number) == 0
    waiting = sum(len(Spool(home).read(path)) for path in Spool(home).pending())  # none, unless storing is slow
    assert Event.objects.count() + waiting + cpa.queued == len(delivered)
    assert (DrainState.load().mode, Gap.objects.count(), list(check())) == ("", 0, [])
    assert "Traceback" not in drain.log


def test_a_second_drain_stands_by_and_takes_over_when_the_first_is_killed(cpa, start):
    first = start()
    first.says(AT_WORK)
    second = start()
    second.says("Another drain is at work on this database: standing by until it ends.")
    cpa.push(record(NOON))
    until(lambda: Event.objects.count() == 1)
    assert AT_WORK not in second.log
    first.kill()
    second.says(AT_WORK)
    cpa.push(record(NOON + 1000))
    until(lambda: Event.objects.count() == 2)
    assert second.log.count("standing by") == 1


def test_a_subscriber_killed_as_soon_as_it_is_one_leaves_a_gap(cpa, start):
    first = start(QUEUE_MODE="subscribe")
    until(lambda: cpa.subscribers)
    first.kill()
    start(QUEUE_MODE="subscribe").says(AT_WORK)
    until(Gap.objects.exists)
    assert [gap.reason for gap in Gap.objects.all()] == [DIED]


def test_a_subscriber_that_dies_again_and_again_leaves_one_row_that_says_how_often(cpa, start):
    for deaths in range(3):
        drain = start(QUEUE_MODE="subscribe")
        until(lambda: cpa.subscribers and sum(Gap.objects.values_list("times", flat=True)) == deaths)  # noqa: B023
        until(lambda: DrainState.objects.filter(last_pop_at__gte=_end_of_gaps()).exists())
        drain.kill()
        until(lambda: not cpa.subscribers)
    assert [(gap.reason, gap.times) for gap in Gap.objects.all()] == [(DIED, 2)]


def _end_of_gaps():
    return Gap.objects.aggregate(end=Max("end", default=datetime.fromtimestamp(0, UTC)))["end"]


def test_a_drain_that_stands_by_on_another_spool_ends_with_0_when_told(cpa, start, home):
    start().says(AT_WORK)
    standby = start(SPOOL_DIR=str(home.parent / "other"))
    standby.says("standing by")
    assert standby.stop() == 0


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"CPA_MANAGEMENT_KEY": ""}, "CPA_MANAGEMENT_KEY is not set: "),
        ({"QUEUE_MODE": "sometimes"}, "QUEUE_MODE: 'sometimes' is unknown: set one of auto, pop, subscribe, http."),
        ({"TZ": "Mars/Base"}, "TZ: 'Mars/Base' is no time zone: set one such as Asia/Shanghai."),
    ],
)
def test_a_bad_configuration_ends_it_with_one_sentence(start, variables, sentence):
    drain = start(**variables)
    assert drain.popen.wait(PATIENCE) == 1
    assert drain.log.startswith(f"CommandError: {sentence}")
    assert drain.log.count("\n") == 1


def test_no_key_reaches_the_log(cpa, start):
    drain = start(LOG_LEVEL="debug", CPA_MANAGEMENT_KEY="a-wrong-secret-of-ours")
    drain.says("CPA refuses the management key")
    cpa.push(record(NOON))
    drain.stop()
    assert "a-wrong-secret-of-ours" not in drain.log


def test_it_loads_neither_pages_nor_api_and_stays_small(cpa, start):
    drain = start()
    drain.says(AT_WORK)
    cpa.push(*(record(NOON + n * 1000) for n in range(2000)))
    until(lambda: Event.objects.count() == 2000)
    loaded = Path(f"/proc/{drain.popen.pid}/smaps_rollup").read_text()
    assert int(re.search(r"^Rss: +(\d+)", loaded, re.MULTILINE)[1]) < 100 * 1024
    assert drain.stop() == 0


@pytest.mark.sqlite
def test_a_database_that_comes_only_later_is_told_and_recovered_from_without_a_restart(cpa, start, tmp_path):
    database = tmp_path / "later.db"
    drain = start(SQLITE_PATH=str(database), LOG_LEVEL="debug")
    drain.says("The database cannot be used: no such table")
    cpa.push(record(NOON), record(NOON + 1))
    until(lambda: not cpa.queued)
    copy = sqlite3.connect(tmp_path / "copy.db")
    connection.ensure_connection()
    connection.connection.backup(copy)  # the test's own database: its tables, and no event
    with sqlite3.connect(database) as later:
        copy.backup(later)
    drain.says("Stored 2 records: 2 new")
    drain.says("The database answers again.")
    assert drain.stop() == 0


@pytest.mark.sqlite
def test_the_database_locked_by_another_program_is_waited_for(cpa, start, home):
    drain = start()
    drain.says(AT_WORK)
    until(lambda: DrainState.load().mode)
    locker = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    for n in range(5):
        cpa.push(record(NOON + n))
        time.sleep(0.1)
    until(lambda: not cpa.queued and list(home.glob("*.batch")))
    assert Event.objects.count() == 0
    locker.execute("ROLLBACK")
    locker.close()
    until(lambda: not list(home.glob("*.batch")))
    assert Event.objects.count() == 5
