"""Django's PostgreSQL backend, except that a server which says nothing is an error within seconds.

Limits that the server watches over (options.py) end nothing when it has stopped, and nor do those of TCP, for the
kernel under it still acknowledges. So while a reply is missing, a second connection asks whether the server answers.
"""

import time

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg.errors import ConnectionTimeout

from cpa_usage.postgresql.options import REPLICA

QUIET_SECONDS = 3  # without a reply, before the server is asked; and after it was silent, before it is asked again
# How often in a row the server must not answer: pages fail soon, but one slow log-in ends no migration and no proof.
SILENCES = 1 if settings.STATEMENT_SECONDS == settings.PAGE_SECONDS else 2
LONGEST_SECONDS = settings.STATEMENT_SECONDS + 2 * QUIET_SECONDS  # where the server does not keep to its own limit


class Connection(psycopg.Connection):
    """A connection on which no wait is endless."""

    silent_until = 0.0  # of the process: the server was silent, and is not asked before this time.monotonic()

    @classmethod
    def connect(cls, *arguments, **options):
        """Raises ConnectionTimeout at once while the server is known to be silent: one thread at a time tries again."""
        now = time.monotonic()
        if now < cls.silent_until:
            raise ConnectionTimeout("the server has said nothing for a while")
        if cls.silent_until:
            cls.silent_until = now + QUIET_SECONDS
        try:
            made = super().connect(*arguments, **options)
        except ConnectionTimeout:
            cls.silent_until = time.monotonic() + QUIET_SECONDS
            raise
        cls.silent_until = 0.0
        return made

    def wait(self, gen, interval=0.1, timeout=LONGEST_SECONDS):
        """Raises OperationalError when the server is silent, and after `timeout` seconds in any case."""
        return super().wait(self._watched(gen), interval, timeout)

    def _watched(self, gen):
        """The same steps as `gen`; between them psycopg says every `interval` whether something came."""
        came, silences, ask_at = None, 0, time.monotonic() + (0 if self.silent_until else QUIET_SECONDS)
        while True:
            try:
                wanted = gen.send(came)
            except StopIteration as end:
                return end.value
            came = yield wanted
            if came:
                silences, ask_at = 0, time.monotonic() + QUIET_SECONDS
            elif time.monotonic() > ask_at:
                silences = self._silences(silences)
                ask_at = time.monotonic() + QUIET_SECONDS

    def _silences(self, before):
        """How often in a row the server has not answered, with this time. Raises ConnectionTimeout at the last."""
        try:
            self.connect(self.info.dsn, password=self.info.password).close()
        except ConnectionTimeout:
            if before + 1 >= SILENCES:
                self.pgconn.finish()
                raise
            return before + 1
        except psycopg.Error:
            pass  # an answer too, such as: too many connections
        return 0


class ReplicaConnection(Connection):
    """To DATABASE_READ_URL: that its server is silent says nothing about the primary."""

    silent_until = 0.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend, with these connections."""

    def get_new_connection(self, conn_params):
        """Raises psycopg.Error."""
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return (ReplicaConnection if self.alias == REPLICA else Connection).connect(**conn_params)

    def is_usable(self):
        """Whether the server answers and, unless it is to be a replica, is not one by now: then another is primary."""
        try:
            with self.connection.cursor() as cursor:
                return cursor.execute("SHOW transaction_read_only").fetchone() == ("off",) or self.alias == REPLICA
        except psycopg.Error:
            return False

    def chunked_cursor(self):
        """The server's own cursor in a transaction alone: a pooler may give the next statement to another session."""
        return super().chunked_cursor() if self.in_atomic_block else self.cursor()
