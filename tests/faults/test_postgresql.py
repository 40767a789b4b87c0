"""PostgreSQL stops, or only says nothing, for a while under a running drain, web server and task cluster."""

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from simulator import Simulator
from tests.faults.relay import Relay
from tests.faults.stage import AT_WORK, Stage, push
from tests.waiting import until
from usage.models import Day, Event
from usage.rollups.integrity import damage_in, looks
from usage.rollups.proof import prove

# An order that turns around under an index which was made with the other one: what a broken page looks like from above.
FICKLE = """
CREATE FUNCTION fickle(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp(a, b)';
CREATE OPERATOR CLASS fickle_ops FOR TYPE int USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 fickle(int, int);
CREATE TABLE fickle AS SELECT n FROM generate_series(1, 1000) AS n;
CREATE INDEX fickle_index ON fickle USING btree (n fickle_ops);
"""
TURNED = (
    "CREATE OR REPLACE FUNCTION fickle(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp(b, a)'"
)
GONE = "DROP TABLE IF EXISTS fickle; DROP FUNCTION IF EXISTS fickle CASCADE; DROP EXTENSION IF EXISTS amcheck;"


AWAY = "The database does not answer just now: try again in a moment."
PRICED = "Processed 'pricing.tasks.price_models'"  # as often as there is a new model
PAGES = ("/", "/requests/", "/analysis/", "/api/v1/status", "/api/v1/usage/overview", "/api/v1/usage/events")


class StoppedServer:
    """All processes of the server behind the test's connection, which stand still while `passing` is not set."""

    def __init__(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._main = self._parent(cursor.fetchone()[0])

    def clear(self):
        self._send(signal.SIGSTOP)

    def set(self):
        self._send(signal.SIGCONT)

    def _send(self, number):
        os.kill(self._main, number)  # first: it starts no more
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self._parent(path.name) == self._main:
                    os.kill(int(path.name), number)

    @staticmethod
    def _parent(pid):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


if connection.vendor == "postgresql":

    @pytest.fixture
    def relay(transactional_db):
        found = connection.settings_dict
        relay = Relay(found["HOST"], found["PORT"])
        yield relay
        with contextlib.suppress(OSError):
            relay.stop()

    @pytest.fixture
    def stage(tmp_path: Path, relay):
        found = connection.settings_dict | {"HOST": "127.0.0.1", "PORT": relay.port}
        address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**found)
        with Simulator() as cpa:
            stage = Stage(tmp_path, cpa.base_url, cpa.management_key, DATABASE_URL=address, LOG_LEVEL="debug")
            stage.cpa = cpa
            yield stage
            stage.end()

    def test_a_server_that_stops_for_a_while(stage, relay, soak):
        cpa, drain, web = stage.cpa, stage.drain(), stage.web()
        drain.says(AT_WORK)
        push(cpa, 10)
        until(lambda: Event.objects.count() == 10)
        relay.stop()
        push(cpa, 500, start=10)
        drain.says("The database cannot be used: ")
        until(lambda: stage.waiting and not cpa.queued)
        assert stage.ask("/api/v1/status") == (503, {"error": AWAY})
        code, page = stage.ask("/")
        assert (code, AWAY in page) == (503, True)
        assert stage.ask("/readyz") == (503, {"status": "unready", "reason": AWAY})
        time.sleep(60 if soak else 1)
        push(cpa, 500, start=510)
        until(lambda: not cpa.queued)
        relay.start()
        until(lambda: Event.objects.count() == 1010 and not stage.waiting)
        drain.says("The database answers again.")
        assert stage.ask("/api/v1/usage/overview")[1]["summary"]["total"] == 1010
        until(lambda: stage.ask("/readyz")[0] == 200)
        proof = prove()
        assert (proof.holds, sum(Day.objects.values_list("requests", flat=True))) == (True, 1010)
        assert (drain.stop(), web.stop()) == (0, 0)

    @pytest.fixture
    def silences(relay, soak):
        """What is clear()ed to make the database silent, and set() again; set in any case after the test."""
        # Other tests share the server: it is stopped in a soak alone, which has it for itself.
        made = [relay.passing, StoppedServer()] if soak else [relay.passing]
        yield made
        for passing in made:
            passing.set()

    def test_a_server_that_says_nothing(stage, silences, soak):
        cpa, drain, web = stage.cpa, stage.drain(), stage.web()
        tasks = stage.start("tasks", "manage.py", "qcluster")
        tasks.says("running.")
        drain.says(AT_WORK)
        push(cpa, 10)
        until(lambda: Event.objects.count() == 10 and PRICED in tasks.log)
        for number, passing in enumerate(silences):
            passing.clear()
            push(cpa, 500, start=10 + 500 * number, model=f"new-{number}")
            says_so(stage)
            drain.says("The database cannot be used: ")
            until(lambda: stage.waiting and not cpa.queued)
            time.sleep(80 if soak else 0)
            passing.set()
            until(lambda: not stage.waiting)
            until(lambda: stage.ask("/readyz")[0] == 200)
            until(lambda: tasks.log.count(PRICED) >= number + 2)  # noqa: B023  it is asked here and now
        sent = Event.objects.count()
        assert sent == 10 + 500 * len(silences)
        silences[0].clear()
        push(cpa, 500, start=sent)
        until(lambda: not cpa.queued)
        for process in (drain, tasks, web):
            process.popen.terminate()  # all at once, as a stop of the target does
        assert [process.stop() for process in (drain, tasks, web)] == [0, 0, 0]
        silences[0].set()
        drain = stage.drain()
        until(lambda: Event.objects.count() == sent + 500 and not stage.waiting)
        assert drain.stop() == 0
        proof = prove()
        assert (proof.holds, sum(Day.objects.values_list("requests", flat=True))) == (True, sent + 500)

    def says_so(stage):
        """Pages, API and readiness say it to more clients at once than the web has threads, and none waits in vain."""
        with ThreadPoolExecutor(len(PAGES)) as clients:
            asked = [clients.submit(stage.ask, page) for page in PAGES]
            assert stage.ask("/readyz") == (503, {"status": "unready", "reason": AWAY})
            assert stage.ask("/healthz")[0] == 200
            assert {reply.result()[0] for reply in asked} == {503}

    @pytest.fixture
    def ask(transactional_db):
        """Runs SQL, and takes back what it made."""

        def run(sql):
            with connection.cursor() as cursor:
                cursor.execute(sql)

        yield run
        run(GONE)

    def damage():
        return [sentence for look in looks() for sentence in damage_in(look)]

    def test_amcheck_walks_every_index_where_it_is_installed(ask):
        ask(FICKLE)
        ask(TURNED)
        assert damage() == []  # no index was looked into
        ask("CREATE EXTENSION amcheck")
        connection.close()  # which remembers the order as it was
        assert damage() == ['Index fickle_index: item order invariant violated for index "fickle_index".']
        ask("DROP TABLE fickle")
        assert damage() == []
