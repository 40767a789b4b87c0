"""CPA's queue over RESP, by redis-py: the login, and the transport that pops.

CPA knows AUTH, LPOP, RPOP and SUBSCRIBE, and counts every other command before AUTH as a failed login. So redis-py must
send nothing of its own: protocol 2 (no HELLO), no driver_info (no CLIENT SETINFO), database 0 (no SELECT), no client
name and no health check (PING). Nor may it retry: a pop is final, and five failed logins ban our address.
"""

import time

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from catalog.problems import quoted
from usage.collector.queue.errors import Interrupted, NotResp, NotRunning, QueueError, Unavailable, unavailable
from usage.collector.queue.key import Key

# With no supported errors redis-py neither repeats a command nor reconnects a subscription by itself.
NO_RETRY = Retry(NoBackoff(), 0, supported_errors=())
# What redis-py raises, and what it runs into in replies that are no RESP: lengths that are no numbers, messages
# without parts, arrays of arrays without end. ValueError is an impossible host name as well.
BROKEN = (redis.RedisError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
ERROR_REPLIES = (redis.ResponseError, redis.AuthenticationError)
# CPA does not close a connection that is logged in before CPA itself ends; a proxy may, after it was idle for long.
IDLE_SECONDS = 20
RESTARTED = "CPA closed the connection between two pops: if it was restarted, what waited in its queue is lost"
RESP_IS_OFF = ("resp auth disabled", "resp usage output is disabled", "unknown command")


def login(key: Key, single: bool = True) -> redis.Redis:
    """A client that is logged in: with a `single` connection for commands, or one in its pool for a subscription.

    Raises Refused, NotResp or Unavailable.
    """
    key.check()
    host, _, port = settings.REDIS_QUEUE_ADDR.rpartition(":")
    timeout = settings.CPA_TIMEOUT.total_seconds()
    try:
        client = redis.Redis(
            host=host.strip("[]"),
            port=int(port),
            password=settings.CPA_MANAGEMENT_KEY,
            protocol=2,
            driver_info=None,
            retry=NO_RETRY,
            ssl=settings.REDIS_QUEUE_TLS,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            single_connection_client=single,
        )
        if not single:
            client.connection_pool.release(client.connection_pool.get_connection())
    except BROKEN as error:
        raise _login_failed(key, error) from None
    key.accepted()
    return client


class PopTransport:
    """LPOP: what is not popped stays with CPA for its retention, also while this process restarts."""

    name = "pop"

    def __init__(self, key: Key):
        self._key = key
        self._client: redis.Redis | None = None
        self._replied_at = 0.0

    def pop(self, limit: int) -> list[bytes]:
        """Up to `limit` records, oldest first; [] when the queue is empty. Raises a QueueError.

        Raises Interrupted, without popping, when CPA closed the connection after its latest reply.
        """
        closed = self._was_closed()
        try:
            self._client = self._client or login(self._key)
        except NotRunning:
            raise  # a gap of its own reason
        except QueueError as error:
            raise (Interrupted(f"{RESTARTED}.") if closed else error) from None
        if closed:
            raise Interrupted(f"{RESTARTED}.")
        return self._lpop(limit)

    def close(self) -> list[bytes]:
        """Disconnect; nothing is on its way between two pops."""
        if self._client:
            self._client.connection_pool.disconnect()
            self._client = None
        return []

    def _was_closed(self) -> bool:
        """Whether CPA has closed the connection though it was in use lately; no pop has been lost in it."""
        if self._client is None:
            return False
        try:
            self._client.connection.can_read()
        except BROKEN:
            self.close()
            return time.monotonic() - self._replied_at < IDLE_SECONDS
        return False

    def _lpop(self, limit: int) -> list[bytes]:
        try:
            records = self._client.lpop(settings.REDIS_QUEUE_KEY, limit) or []
        except BROKEN as error:
            self.close()
            raise command_failed(self._key, error) from None
        if not isinstance(records, list) or not all(isinstance(record, bytes) for record in records):
            self.close()
            raise Interrupted("CPA's queue answers a pop with something that is no list of records.")
        self._replied_at = time.monotonic()
        return records


def command_failed(key: Key, error: Exception) -> QueueError:
    """The error to raise for a command that was sent: Interrupted unless CPA answered it with an error."""
    if not isinstance(error, ERROR_REPLIES):
        return Interrupted(f"The connection to CPA's queue broke: {quoted(error)}.")
    words = str(error).lower()
    if isinstance(error, redis.AuthenticationError) or "banned" in words or "management key" in words:
        return key.refused(f"CPA refuses the management key: {quoted(error)}")
    return Unavailable(f"CPA answers the pop with: {quoted(error)}")


def _login_failed(key: Key, error: Exception) -> QueueError:
    where = f"CPA's queue at {settings.REDIS_QUEUE_ADDR}"
    if isinstance(error, ERROR_REPLIES):
        if any(words in str(error).lower() for words in RESP_IS_OFF):
            return NotResp(f"{where} is closed: {quoted(error)}")
        return key.refused(f"CPA refuses the management key: {quoted(error)}")
    if isinstance(error, redis.InvalidResponse) or _hung_up(error):
        return NotResp(f"{where} does not speak RESP: {quoted(error)}.")
    return unavailable(f"{where} does not answer: {quoted(error)}.", error)


def _hung_up(error) -> bool:
    """Closed without a word at AUTH (RESP is off, or plain text met TLS), or no TLS there (TLS met plain text)."""
    words = str(error).lower()
    return any(sign in words for sign in ("closed by server", "reset by peer", "wrong_version_number", "eof occurred"))
