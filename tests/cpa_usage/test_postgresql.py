"""PostgreSQL as the project uses it: every wait has an end, and a slow statement of a server that answers has time."""

import socket
import time

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection

if connection.vendor == "postgresql":
    from cpa_usage.postgresql import base

    pytestmark = pytest.mark.django_db

    @pytest.fixture(autouse=True)
    def impatient(monkeypatch):
        """Known to be silent by no earlier test, and asked soon."""
        monkeypatch.setattr(base, "QUIET_SECONDS", 0.2)
        monkeypatch.setattr(base.Connection, "silent_until", 0.0)

    @pytest.fixture
    def mute():
        """The address of a server that accepts connections, and nothing else."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield {"host": "127.0.0.1", "port": server.getsockname()[1], "connect_timeout": 2}

    def ask(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def test_the_server_has_limits_too():
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "tcp_user_timeout")
        assert [ask(f"SHOW {name}") for name in names] == ["1h", "20s", "5min", "20000"]
        assert settings.STATEMENT_SECONDS == 3600  # of a command; the web has a minute

    def test_a_slow_statement_has_time_while_the_server_answers(monkeypatch):
        asked = []
        monkeypatch.setattr(base.Connection, "connect", lambda *_, **__: asked.append(1) or psycopg.connect("nowhere"))
        assert ask("SELECT 7 FROM pg_sleep(1)") == 7
        assert len(asked) > 1

    def test_a_reply_that_never_comes_is_an_error(monkeypatch, mute):
        dsn = psycopg.conninfo.make_conninfo(**mute)
        monkeypatch.setattr(psycopg.ConnectionInfo, "dsn", dsn)  # of a server that stopped meanwhile
        with pytest.raises(OperationalError, match="connection timeout expired"):
            ask("SELECT pg_sleep(4)")
        connection.close()

    def test_a_silent_server_is_not_asked_by_every_thread(monkeypatch, mute):
        with pytest.raises(psycopg.errors.ConnectionTimeout, match="expired"):
            base.Connection.connect(**mute)
        with pytest.raises(psycopg.errors.ConnectionTimeout, match="the server has said nothing for a while"):
            base.Connection.connect(**mute)
        monkeypatch.setattr(base.Connection, "silent_until", time.monotonic() - 1)
        address = connection.get_connection_params()
        base.Connection.connect(**address).close()
        assert base.Connection.silent_until == 0.0
