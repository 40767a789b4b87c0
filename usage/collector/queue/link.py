"""One authenticated RESP connection to CPA, on redis-py's Connection: no pool, no retry, no hidden command.

A pop is final, so nothing here may repeat one behind our back; CPA knows neither HELLO nor CLIENT nor SELECT, and
counts every command before AUTH as a failed login.
"""

import socket
import time

import redis
from django.conf import settings

from usage.collector.queue.errors import Away, Cut, NotResp, QueueError, Stopped, away, quoted
from usage.collector.queue.key import Key
from usage.collector.queue.replies import Replies

# A large reply is read in parts, each of which stays far below; only a record that is passed over is longer.
REPLY_BYTES = 256 * 1024 * 1024
REPLY_SECONDS = 60  # from the question to the last byte of a part, however busily the bytes trickle in
# CPA itself never closes a connection that is logged in, not before its end; what stands between may, after a rest.
REST_SECONDS = 20  # that nothing on the way is known to mind
RESTARTED = "CPA closed the connection between two pops: if it was restarted, what waited in its queue is lost"

SPEAKS_OTHER = ("resp auth disabled", "resp usage output is disabled", "unknown command")


class Meter:
    """A socket that counts what arrives for one reply and gives up on one that is too large or too slow."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self.expect()

    def expect(self):
        """A reply or the next part of one begins."""
        self.received, self._deadline = 0, time.monotonic() + REPLY_SECONDS

    def recv(self, size: int) -> bytes:
        piece = self._sock.recv(size)
        self.received += len(piece)
        if self.received > REPLY_BYTES:
            raise OSError(f"a reply of more than {REPLY_BYTES >> 20} MB was given up")
        if self.received and time.monotonic() > self._deadline:
            raise OSError(f"a reply was not complete after {REPLY_SECONDS} s")
        return piece

    def __getattr__(self, name):
        return getattr(self._sock, name)


class _Metered:
    def _connect(self):
        self.meter = Meter(super()._connect())
        return self.meter


class _PlainConnection(_Metered, redis.Connection):
    pass


class _TlsConnection(_Metered, redis.SSLConnection):
    pass


class Link:
    """The connection; made and authenticated when first used, gone after any error."""

    def __init__(self, key: Key, timeout: float | None = None):
        """`timeout`: seconds of silence that mean nobody is there."""
        host, _, port = settings.REDIS_QUEUE_ADDR.rpartition(":")
        timeout = timeout or settings.CPA_TIMEOUT.total_seconds()
        self._key = key
        self._heard_at = 0.0  # the latest reply
        self._closed_on_us = False  # and nobody was told yet
        self.connection = (_TlsConnection if settings.REDIS_QUEUE_TLS else _PlainConnection)(
            host=host.strip("[]"),
            port=int(port),
            password=settings.CPA_MANAGEMENT_KEY,
            protocol=2,
            driver_info=None,
            parser_class=Replies,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
        )

    @property
    def open(self) -> bool:
        return self.connection.is_connected

    def login(self):
        """Connect and authenticate, unless that is done. Raises Refused, NotResp or Away."""
        if self.open:
            return
        self._key.check()
        try:
            self.connection.connect()
        except (redis.RedisError, UnicodeError) as error:  # UnicodeError: a host name that is none
            self.close()
            failure = self._login_failed(error)
            if isinstance(failure, Stopped):
                self._closed_on_us = False  # which tells it better
            raise failure from None
        self._key.accepted()

    def send(self, *words):
        """Send a command; raises Away."""
        try:
            self.connection.send_command(*words)
        except (redis.RedisError, OSError) as error:
            raise self._broken(Away, error) from None

    def receive(self):
        """The reply to what was sent, or the next part of it. Raises Refused or Away when CPA answers with an error.

        Raises Cut when no whole answer comes: CPA may have done what it was asked for, and given records away.
        """
        try:
            reply = self.connection.read_response()
        except (redis.ResponseError, redis.AuthenticationError) as error:
            self.close()
            raise self._answered(error) from None
        except (redis.RedisError, OSError) as error:
            raise self._broken(Cut, error) from None
        self._heard_at = time.monotonic()
        return reply

    def ask(self, *words):
        """Log in if need be, send a command and return its reply. Raises as `login` and `receive` do.

        Raises Cut, and has asked nothing, when CPA answers again but closed the connection after its latest reply.
        """
        self._notice_a_close()
        self.login()
        self.tell_of_a_close()
        self.connection.meter.expect()
        self.send(*words)
        return self.receive()

    def tell_of_a_close(self):
        """Raises Cut, once, when CPA closed the connection after its latest reply and nobody was told."""
        if self._closed_on_us:
            self._closed_on_us = False
            raise Cut(f"{RESTARTED}.")

    def waiting(self, seconds: float) -> bool:
        """Whether something arrives within `seconds`. Raises Away when the connection is gone."""
        try:
            return self.connection.can_read(timeout=seconds)
        except (redis.RedisError, OSError) as error:
            raise self._broken(Away, error) from None

    def close(self):
        self.connection.disconnect()

    def _notice_a_close(self):
        """A connection that CPA closed while we slept says so only when it is read; nothing was asked on it yet."""
        if self.open:
            try:
                self.waiting(0)
            except Away:
                self._closed_on_us = time.monotonic() - self._heard_at < REST_SECONDS

    def _broken(self, kind: type[Away], error) -> Away:
        self.close()
        return kind(f"The connection to CPA's queue broke: {quoted(error)}")

    def _login_failed(self, error) -> QueueError:
        where = f"CPA's queue at {settings.REDIS_QUEUE_ADDR}"
        if isinstance(error, redis.ResponseError | redis.AuthenticationError):
            if any(words in str(error).lower() for words in SPEAKS_OTHER):
                return NotResp(f"{where} is closed: {quoted(error)}")
            return self._key.refused(f"CPA refuses the management key: {quoted(error)}")
        if isinstance(error, redis.InvalidResponse) or _hung_up(error):
            return NotResp(f"{where} does not speak RESP: {quoted(error)}")
        return away(f"{where} does not answer: {quoted(error)}", error)

    def _answered(self, error) -> QueueError:
        words = str(error).lower()
        if isinstance(error, redis.AuthenticationError) or "banned" in words or "management key" in words:
            return self._key.refused(f"CPA refuses the management key: {quoted(error)}")
        return Away(f"CPA answers the pop with: {quoted(error)}")


def _hung_up(error) -> bool:
    """Closed without a word at AUTH (RESP is off, or plain text met TLS), or no TLS there (TLS met plain text)."""
    words = str(error).lower()
    return any(sign in words for sign in ("closed by server", "reset by peer", "wrong_version_number", "eof occurred"))
