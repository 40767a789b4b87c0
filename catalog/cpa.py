"""The only HTTP client of CPA's management API: one conversation at a time, each with an end to its time and bytes.

    with Cpa() as cpa:
        files = cpa.auth_files()

httpx limits each read, not the whole reply, so a drip of bytes would hold it for ever; hence an event loop's deadline.
It is imported where it is used: 20 MB that a process which never asks CPA need not have.
"""

import asyncio
import logging
import re
import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from msgspec import Struct

from catalog import facts
from catalog.models import Connection
from catalog.problems import (
    RUNNING,
    NotOffered,
    Problem,
    Refused,
    Unavailable,
    Unreachable,
    problem_of,
    quoted,
    refusal_of,
)

__all__ = ["Build", "Cpa", "NotOffered", "Problem", "Refused", "RequestLog", "Unavailable", "Unreachable"]

log = logging.getLogger(__name__)

MANAGEMENT = "/v0/management/"
REPLY_BYTES = 16 * 1024 * 1024
LOG_BYTES = 20 * 1024 * 1024


class Build(Struct, frozen=True):
    """Which CPA answered."""

    version: str
    commit: str
    build_date: str


class RequestLog(Struct, frozen=True):
    """CPA's log of one request. `truncated`: it is longer than LOG_BYTES. Not found: empty, and `reason` says why."""

    found: bool
    filename: str = ""
    body: bytes = b""
    truncated: bool = False
    reason: str = ""

    @property
    def text(self) -> str:
        """For people; a character cut in two or never valid shows as U+FFFD."""
        return self.body.decode(errors="replace")


class Reply(Struct, frozen=True):
    """What came back: `headers` in lower case, `cut` when there was more than was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool


class Cpa:
    """A conversation. Every question may raise a Problem: Refused, Unreachable, NotOffered or Unavailable."""

    def __init__(self, seconds: float | None = None):
        """Each question may take CPA_TIMEOUT; with `seconds` for all of them, at most half of what is left."""
        self._timeout = settings.CPA_TIMEOUT.total_seconds()
        self._ends = None if seconds is None else time.monotonic() + seconds
        self.build: Build | None = None
        self.ahead: float | None = None  # seconds by which CPA's clock is ahead of ours, to about a second

    def __enter__(self):
        """Raises Refused, without asking CPA, while the key is known to be refused."""
        for name, what in (("CPA_BASE_URL", "the address of CPA"), ("CPA_MANAGEMENT_KEY", "the secret-key of CPA")):
            if not getattr(settings, name):
                raise Unavailable(f"{name} is not set: set it to {what}.")
        if sentence := Connection.refused():
            raise Refused(sentence)
        self._was_refused = Connection.was_refused()
        self._http = _client()
        self._runner = asyncio.Runner()
        return self

    def __exit__(self, *exception):
        self._runner.run(self._http.aclose())
        self._runner.close()

    def auth_files(self) -> facts.AuthFileList:
        """The accounts CPA signs in to."""
        return self._read("auth-files", facts.auth_files)

    def provider_keys(self, list_name: str) -> list[facts.ProviderFacts]:
        """The upstream keys of one of facts.PROVIDER_LISTS."""
        return self._read(list_name, lambda body: facts.provider_keys(list_name, body))

    def key_attempts(self) -> int:
        """Attempts counted for upstream keys since CPA started."""
        return self._read("api-key-usage", facts.key_attempts)

    def models(self) -> list[str]:
        """Names of the models CPA offers to its clients."""
        key = self._read("api-keys", facts.client_key)
        reply = self._ask("GET", "/v1/models", key=key)
        return _decoded("/v1/models", self._good("/v1/models", reply), facts.model_names)

    def statistics_enabled(self) -> bool:
        """Whether CPA writes usage records at all."""
        return self._switch("usage-statistics-enabled")

    def set_statistics_enabled(self, value: bool):
        """Switch usage records on or off."""
        self._set_switch("usage-statistics-enabled", value)

    def request_log_enabled(self) -> bool:
        """Whether CPA keeps a log of every request, and not only of the last failed ones."""
        return self._switch("request-log")

    def set_request_log_enabled(self, value: bool):
        """Switch request logs on or off."""
        self._set_switch("request-log", value)

    def queue_retention(self) -> int:
        """For how many seconds CPA keeps a record that nobody takes."""
        return self._read("config", facts.queue_retention)

    def error_logs(self) -> list[facts.ErrorLog]:
        """Logs of failed requests that CPA keeps while request logs are off."""
        return self._read("request-error-logs", facts.error_logs)

    def request_log(self, request_id: str) -> RequestLog:
        """CPA's log of one request; at most LOG_BYTES of it."""
        if not re.fullmatch(r"[\w-]{1,64}", request_id, re.ASCII):
            return RequestLog(found=False, reason="This is no request id.")
        reply = self._manage("GET", f"request-log-by-id/{quote(request_id, safe='')}", most=LOG_BYTES)
        if reply.status == 404 and (reason := facts.error_words(reply.body)):
            return RequestLog(found=False, reason=quoted(reason))
        self._good("request-log-by-id", reply, whole=False)
        named = re.search(r'filename="([\w.-]{1,255})"', reply.headers.get("content-disposition", ""), re.ASCII)
        return RequestLog(True, named[1] if named else f"{request_id}.log", reply.body, reply.cut)

    def _switch(self, name):
        return self._read(name, lambda body: facts.switch(name, body))

    def _set_switch(self, name, value):
        self._good(name, self._manage("PUT", name, json={"value": value}))

    def _read(self, name, decode):
        return _decoded(name, self._good(name, self._manage("GET", name)), decode)

    def _good(self, name, reply, whole=True) -> bytes:
        if reply.status not in (200, 206):
            raise problem_of(name, reply.status, reply.body)
        if whole and reply.cut:
            raise Unavailable(f"CPA's {name} is larger than {REPLY_BYTES >> 20} MB: set CPA_BASE_URL to CPA itself.")
        return reply.body

    def _manage(self, method, name, json=None, most=REPLY_BYTES) -> Reply:
        """A management reply of any status but 401 and 403, which end all tries for a while."""
        reply = self._ask(method, MANAGEMENT + name, settings.CPA_MANAGEMENT_KEY, json, most)
        self.build = _build(reply.headers) or self.build
        self.ahead = _ahead(reply.headers.get("date", ""), time.time())
        if reply.status in (401, 403):
            raise self._refused(reply)
        if reply.status == 200 and self._was_refused:
            self._note_accepted()
        return reply

    def _ask(self, method, path, key, json=None, most=REPLY_BYTES) -> Reply:
        import httpx

        seconds = self._seconds()
        headers = {"Authorization": f"Bearer {key}".encode()} if key else {}
        # Who is there accepts a connection soon; the whole of the reply is limited by the deadline.
        timeout = httpx.Timeout(None, connect=seconds / 2)
        try:
            question = self._http.build_request(method, path, headers=headers, json=json, timeout=timeout)
            return self._runner.run(_reply(self._http, question, most, seconds))
        except TimeoutError:
            raise Unavailable(f"CPA did not answer {path} in full within {seconds:.1f} seconds.") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            reason = quoted(error) or "no connection in time"
            raise Unreachable(f"CPA does not answer at {settings.CPA_BASE_URL} ({reason}). {RUNNING}") from None
        except (httpx.HTTPError, UnicodeError) as error:  # its words may hold the key, UnicodeError: no host name
            raise Unavailable(f"The connection to CPA broke at {path} ({type(error).__name__}).") from None

    def _seconds(self):
        if self._ends is None:
            return self._timeout
        return max(min(self._timeout, (self._ends - time.monotonic()) / 2), 0)

    def _refused(self, reply):
        sentence = refusal_of(reply.body)
        try:
            Connection.refuse(sentence)
        except (DatabaseError, InterfaceError):
            log.error("The database is away: other processes learn of the refused key when it is back.")
        return Refused(sentence)

    def _note_accepted(self):
        self._was_refused = False
        try:
            Connection.accepted()
        except (DatabaseError, InterfaceError):
            log.error("The database is away: other processes learn of the accepted key when it is back.")


def _client():
    import httpx

    try:
        address = httpx.URL(settings.CPA_BASE_URL)
    except httpx.InvalidURL:
        raise Unavailable("CPA_BASE_URL is no address: set one such as http://127.0.0.1:8317.") from None
    return httpx.AsyncClient(
        base_url=address,
        # No compression: a small reply could unpack to any size.
        headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"cpa-usage/{settings.VERSION}"},
        trust_env=False,  # a proxy meant for the outside world does not know the way to CPA
        verify=settings.CPA_BASE_URL.startswith("https"),  # reading the certificates takes longer than a question
    )


async def _reply(http, question, most, seconds) -> Reply:
    async with asyncio.timeout(seconds):
        reply = await http.send(question, stream=True)
        try:
            body, cut = await _body(reply, most)
        finally:
            await reply.aclose()
    return Reply(reply.status_code, dict(reply.headers), body, cut)


async def _body(reply, most) -> tuple[bytes, bool]:
    """Up to `most` bytes, and whether there were more."""
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise Unavailable("CPA's reply is compressed, which nobody asked for: set CPA_BASE_URL to CPA itself.")
    body = bytearray()
    async for chunk in reply.aiter_raw():
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False


def _decoded(name, body, decode):
    try:
        return decode(body)
    except facts.Nonsense:
        raise Unavailable(f"CPA's {name} is not what CPA sends: set CPA_BASE_URL to CPA itself.") from None


def _build(headers) -> Build | None:
    said = [quoted(headers.get(f"x-cpa-{name}", ""))[:64] for name in ("version", "commit", "build-date")]
    return Build(*said) if any(said) else None


def _ahead(date, now) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except ValueError:  # none was sent, or it does not read
        return None
