"""What can go wrong between CPA and the pages, one function a fault: it makes it, looks who sees it, and ends it.

The table of docs/operations.md is made of what they return: `python -m pytest tests/faults/test_watchman.py --soak -s`.
"""

import os
import signal
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from typing import NamedTuple

import redis

from simulator.accounts import ACCOUNTS
from tests.faults.relay import Relay
from tests.faults.stage import AT_WORK, SERVING
from tests.usage.made import NOON, record
from tests.waiting import until

PLACES = ("pages", "/notices", "/status", "/readyz", "doctor")
ACCOUNT = next(account.auth_index for account in ACCOUNTS if account.oauth)
LONG = 90  # seconds, for what has a minute


class Seen(NamedTuple):
    """A row of the table: who saw the fault and after how many seconds, what it cost, and how it ended."""

    fault: str
    seconds: float
    places: tuple
    cost: str
    end: str


class Watched:
    """An installation with its web server, and what its five places say."""

    def __init__(self, stage, cpa, hasty, **options):
        self.stage, self.cpa, self.sent = stage, cpa, 0
        stage.variables |= options
        self.settle = 2 if hasty else 10  # seconds in which counters are compared
        self._command = ("-m", "tests.faults.hastily") if hasty else ("manage.py",)
        self.drain = self.start_drain()
        config = "tests.faults.hastily" if hasty else "cpa_usage.gunicorn"
        stage.start("web", "-m", "gunicorn", "--config", f"python:{config}", "cpa_usage.wsgi").says(SERVING)
        self.usual = self._unwell()

    def start_drain(self):
        self.drain = self.stage.start("drain", *self._command, "drain")
        self.drain.says(AT_WORK)
        return self.drain

    def send(self, count=1):
        """Requests of an account, a record each."""
        for _ in range(count):
            self.cpa.push(record(NOON + self.sent, auth_index=ACCOUNT))
            self.sent += 1

    @contextmanager
    def traffic(self, pause):
        """One request after the other, as long as the block lasts."""
        ended = threading.Event()

        def ask():
            while not ended.wait(pause):
                self.send()

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def notices(self):
        """Ids of the notices, by the API; none while it does not answer."""
        code, body = self.stage.ask("/api/v1/notices")
        return [notice["id"] for notice in body["items"]] if code == 200 else []

    def seen(self, notice, doctor=True):
        """(seconds until a notice is there, the places that tell of it)."""
        began = time.monotonic()
        until(lambda: notice in self.notices(), LONG, 0.1)
        return time.monotonic() - began, self.places(notice)

    def places(self, notice):
        told = {
            "pages": f'id="notice-{notice}"' in self.stage.ask("/system/")[1],
            "/notices": notice in self.notices(),
            "/status": notice in self.stage.ask("/api/v1/status")[1]["notices"],
            "/readyz": self.stage.ask("/readyz")[0] == 503,
            "doctor": bool(self._unwell() - self.usual),
        }
        return tuple(place for place in PLACES if told[place])

    def over(self, notice, well=True):
        """It ends by itself: seconds until no notice tells of it and /readyz is 200."""
        began = time.monotonic()
        until(lambda: notice not in self.notices(), LONG, 0.1)
        if well:
            until(lambda: self.stage.ask("/readyz")[0] == 200, LONG, 0.1)
        return time.monotonic() - began

    def gaps(self):
        return self.stage.ask("/api/v1/status")[1]["gaps"]

    @property
    def lost(self):
        return sum(gap["lost"] or 0 for gap in self.gaps())

    def all_stored(self, but=0):
        until(lambda: self.stage.stored == self.sent - but, LONG, 0.1)

    def _unwell(self):
        lines = self.stage.run(*self._command, "doctor").stdout.splitlines()
        return {line.split(":")[0] for line in lines if line.startswith("WRONG")}


def client(cpa, key=None):
    return redis.Redis(cpa.host, cpa.port, password=key or cpa.management_key, protocol=2, driver_info=None)


class Subscriber:
    """Another program that subscribes, and so gets every record."""

    def __init__(self, cpa):
        self.taken = []
        self._client = client(cpa)
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe("usage")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self):
        while not self._ended.is_set() and self._pubsub.subscribed:
            message = self._pubsub.get_message(timeout=0.1)
            if message and isinstance(message["data"], bytes) and b"auth_index" in message["data"]:
                self.taken.append(message["data"])

    def end(self):
        self._ended.set()
        self._thread.join()
        self._pubsub.close()
        self._client.close()


class Popper(Subscriber):
    """Another program that pops, and is quicker than we."""

    def __init__(self, cpa):
        self.taken = []
        self._client = client(cpa)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self):
        while not self._ended.wait(0.01):
            self.taken += self._client.lpop("usage", 50) or []

    def end(self):
        self._ended.set()
        self._thread.join()
        self._client.close()


def rival(watched, pace, other, name):
    """Another program takes the records."""
    watched.send(3)
    watched.all_stored()
    time.sleep(watched.settle)
    with watched.traffic(pace):
        began = time.monotonic()
        taker = other(watched.cpa)
        _, places = watched.seen("rival")
        seconds = time.monotonic() - began
        until(lambda: watched.cpa.subscribers)
        taker.end()
        ended = watched.over("rival")
    until(lambda: watched.stage.stored + watched.lost == watched.sent, LONG, 0.1)
    assert 0 < watched.lost < watched.sent
    assert all(gap["lost_by"][0]["auth_index"] == ACCOUNT for gap in watched.gaps())
    cost = "what it took until we subscribed, a gap with its number"
    return Seen(name, seconds, places, cost, f"{ended:.0f} s after it has gone")


def second(watched, pace, stages):
    """A second cpa-usage, which pops."""
    other = stages(watched)
    watched.send(3)
    watched.all_stored()
    time.sleep(watched.settle)
    with watched.traffic(pace):
        began = time.monotonic()
        drain = other.start("drain", "manage.py", "drain")
        drain.says(AT_WORK)
        _, places = watched.seen("rival")
        seconds = time.monotonic() - began
        drain.stop()
        ended = watched.over("rival")
    until(lambda: watched.stage.stored + watched.lost == watched.sent, LONG, 0.1)
    cost = "as above; the other one gets nothing more then"
    return Seen("a second cpa-usage on another database", seconds, places, cost, f"{ended:.0f} s after it has gone")


def wrong_key(watched):
    """CPA's key is another than ours; nothing that we do brings CPA near its ban."""
    watched.send(1)
    watched.all_stored()
    right = watched.cpa._state.bans.key
    watched.cpa._state.bans.key = "another"
    watched.cpa.drop_connections()
    seconds, places = watched.seen("key")
    for _ in range(4):
        watched.stage.manage("doctor")
    with watched.stage.client() as web:
        web.post("/api/v1/sync")
    assert watched.cpa.auth_failures <= 3
    watched.send(5)
    watched.cpa._state.bans.key = right
    watched.cpa.stop()  # which forgets the failed logins
    watched.cpa.start()
    watched.send(2)
    ended = watched.over("key")
    watched.all_stored(but=5)
    end = f"{ended:.0f} s after CPA was restarted with the right key; else at the next try"
    return Seen("the management key is wrong", seconds, places, "what becomes older than CPA's retention", end)


def right_again(watched):
    """The key is right again on CPA's side, and a person says so."""
    watched.send(1)
    watched.all_stored()
    right = watched.cpa._state.bans.key
    watched.cpa._state.bans.key = "another"
    watched.cpa.drop_connections()
    until(lambda: "key" in watched.notices(), LONG, 0.1)  # the doctor would be the one try that a person has
    watched.send(9)
    watched.cpa._state.bans.key = right
    with watched.stage.client() as web:
        assert web.post("/api/v1/sync").status_code == 200
    ended = watched.over("key")
    watched.all_stored()
    end = f"{ended:.0f} s after Sync, doctor or a restart"
    return Seen("the key is right again", 0, (), "nothing within CPA's retention", end)


def banned(watched):
    """CPA bans our address, because another program there has a wrong key."""
    watched.cpa._state.bans.ban_seconds = 12
    until(lambda: _is_banned(watched.cpa))  # a good login of ours in between clears CPA's count
    watched.cpa.drop_connections()
    seconds, places = watched.seen("key")
    watched.send(5)
    ended = watched.over("key")
    watched.all_stored()
    end = f"by itself when the ban does ({ended:.0f} s of 12 here)"
    return Seen("CPA has banned our address", seconds, places, "what becomes older than CPA's retention", end)


def _is_banned(cpa):
    """Whether another try with a wrong key met the ban."""
    try:
        client(cpa, "another").lpop("usage")
    except redis.RedisError as error:
        return "banned" in str(error)


def down(watched):
    """CPA is stopped."""
    watched.send(1)
    watched.all_stored()
    watched.cpa.stop()
    seconds, places = watched.seen("cpa-away")
    watched.cpa.start()
    ended = watched.over("cpa-away")
    watched.send(5)
    watched.all_stored()
    assert len(watched.gaps()) == 1
    return Seen("CPA is down", seconds, places, "what waited in its queue, a gap", f"{ended:.0f} s after it answers")


def slow(watched, network):
    """CPA's replies do not come."""
    watched.send(1)
    watched.all_stored()
    network.passing.clear()
    watched.send(5)
    seconds, places = watched.seen("cpa-away")
    network.passing.set()
    ended = watched.over("cpa-away")
    until(watched.gaps, LONG, 0.1)
    assert watched.sent - watched.stage.stored in (0, 5)  # the reply that was on its way may have had them
    cost = "the one reply that was on its way, a gap"
    return Seen("CPA does not answer", seconds, places, cost, f"{ended:.0f} s after it answers")


def statistics_off(watched):
    """CPA's statistics are switched off, so it drops its records in silence."""
    watched.send(1)
    watched.all_stored()
    time.sleep(watched.settle)
    watched.cpa.statistics_enabled = False
    watched.send(4)
    seconds, places = watched.seen("statistics-off")
    with watched.stage.client() as web:
        assert web.put("/api/v1/cpa/statistics", json={"value": True}).status_code == 200
    ended = watched.over("statistics-off")
    until(lambda: watched.lost == 4, LONG, 0.1)  # what comes while the counters are read would hide some of them
    watched.send(2)
    watched.all_stored(but=4)
    end = f"{ended:.0f} s after they are on: by the button, doctor --fix or CPA"
    return Seen("usage statistics are off", seconds, places, "what CPA drops, a gap with its number", end)


def retention(watched, seconds_kept):
    """How long CPA keeps records is known, and decides what a stop of five minutes has cost."""
    began = time.monotonic()
    watched.usual -= {"WRONG Retention"}
    with watched.stage.client() as web:
        web.post("/api/v1/sync")
    watched.send(1)
    watched.all_stored()
    places = ()
    if seconds_kept < 60:
        _, places = watched.seen("retention-short")
    seconds = time.monotonic() - began
    watched.drain.stop()
    with closing(sqlite3.connect(watched.stage.database, timeout=20)) as database:
        earlier = "strftime('%Y-%m-%d %H:%M:%f', last_pop_at, '-5 minutes')"
        database.execute(f"UPDATE usage_drainstate SET last_pop_at = {earlier}")
        database.commit()
    watched.start_drain()
    watched.send(1)
    watched.all_stored()
    time.sleep(1)
    until(lambda: bool(watched.gaps()) == (seconds_kept < 300), LONG, 0.1)
    cost = "a stop of 5 minutes is a gap" if seconds_kept < 300 else "a stop of 5 minutes is none"
    return Seen(f"CPA keeps records for {seconds_kept} s", seconds, places, cost, "with the setting of CPA")


def restarted(watched):
    """CPA is restarted, and with it its queue is gone."""
    watched.send(1)
    watched.all_stored()
    time.sleep(0.5)
    watched.cpa.stop()
    time.sleep(1)
    watched.cpa.start()
    seconds, places = watched.seen("gaps")
    watched.send(3)
    watched.all_stored()
    assert len(watched.gaps()) == 1
    with watched.stage.client() as web:
        assert web.post(f"/api/v1/gaps/{watched.gaps()[0]['id']}/dismiss").status_code == 200
    watched.over("gaps")
    return Seen(
        "CPA was restarted", seconds, places, "what waited in its queue, a gap", "at once; the gap is dismissed"
    )


def database_away(watched):
    """The database takes nothing."""
    watched.send(1)
    watched.all_stored()
    with closing(sqlite3.connect(watched.stage.database, timeout=20, isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        watched.send(9)
        seconds, places = watched.seen("drain-silent")
        locker.execute("ROLLBACK")
    ended = watched.over("drain-silent")
    watched.all_stored()
    return Seen(
        "the database is locked", seconds, places, "nothing: records wait in the spool", f"{ended:.0f} s after it"
    )


def disk_full(watched):
    """The spool cannot be written."""
    watched.send(1)
    watched.all_stored()
    mode = watched.stage.spool.stat().st_mode
    os.chmod(watched.stage.spool, 0o500)
    try:
        watched.send(9)
        seconds, places = watched.seen("spool")
    finally:
        os.chmod(watched.stage.spool, mode)
    ended = watched.over("spool")
    watched.all_stored()
    cost = "nothing: records go to the database"
    return Seen("the spool cannot be written", seconds, places, cost, f"{ended:.0f} s after it can be")


def clock_jumped(watched):
    """The clock is set an hour ahead: no time in which records were lost."""
    watched.send(1)
    watched.all_stored()
    watched.drain.popen.send_signal(signal.SIGUSR1)
    time.sleep(1)
    watched.send(5)
    watched.all_stored()
    time.sleep(watched.settle)  # a report, with the gaps
    assert (watched.gaps(), watched.stage.ask("/readyz")[0]) == ([], 200)
    return Seen("the clock is set an hour ahead", 0, (), "nothing, and no gap is told", "")


def dead_letters(watched):
    """A record that cannot be read."""
    watched.cpa.push(b"no record")
    seconds, places = watched.seen("dead-letters")
    watched.send(3)
    watched.all_stored()
    cost = "nothing: it is kept whole"
    return Seen("a record cannot be read", seconds, places, cost, "when it is stored or removed in the admin")


def network(cpa):
    """A relay before a CPA."""
    return Relay(cpa.host, cpa.port)
