"""PostgreSQL stops for a while under a running drain: the same as with a SQLite file, over a connection that breaks."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from simulator import Simulator
from tests.faults.stage import AT_WORK, Stage, free_port, push
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


class Relay:
    """Passes connections on to PostgreSQL; stopped, it cuts them and refuses new ones, as a stopped server does."""

    def __init__(self, host, port):
        self.target, self.port = (host, int(port)), free_port()
        self.start()

    def start(self):
        self._open, self._listener = [], socket.create_server(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._serve, args=[self._listener], daemon=True)
        self._thread.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.create_connection(self.target)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=[one, other], daemon=True).start()

    @staticmethod
    def _pass_on(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)


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
            stage = Stage(tmp_path, cpa.base_url, cpa.management_key, DATABASE_URL=address)
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
        away = "The database does not answer just now: try again in a moment."
        assert stage.ask("/api/v1/status") == (503, {"error": away})
        code, page = stage.ask("/")
        assert (code, away in page) == (503, True)
        assert stage.ask("/readyz") == (503, {"status": "unready", "reason": away})
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
        assert damage() == []  # nobody looked into the indexes
        ask("CREATE EXTENSION amcheck")
        connection.close()  # which remembers the order as it was
        assert damage() == ['Index fickle_index: item order invariant violated for index "fickle_index".']
        ask("DROP TABLE fickle")
        assert damage() == []
