"""CPA's management API: one conversation at a time, with limits on its time and bytes.

with Cpa() as cpa:
    files = cpa.auth_files()
"""

import re
import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from django.conf import settings
from msgspec import Struct

from catalog import facts
from catalog.models import Connection
from catalog.problems import NotOffered, Refused, Unavailable, problem_of, quoted, refusal_of

MANAGEMENT = "/v0/management/"
REPLY_BYTES = 16 * 1024 * 1024
OK = (200, 206)
LOG_BYTES = 2 * 1024 * 1024  # of a request's log, in one piece
# CPA's switches, by the field of Connection that remembers them.
SWITCHES = {"statistics_enabled": "usage-statistics-enabled", "request_log_enabled": "request-log"}


class RequestLog(Struct, frozen=True):
    """CPA's log of one request, or a part of it. `truncated`: it goes on; `size`: all of its bytes."""

    found: bool
    filename: str = ""
    body: bytes = b""
    truncated: bool = False
    size: int = 0

    @property
    def text(self) -> str:
        """The body as text; a truncated or invalid character shows as U+FFFD."""
        return self.body.decode(errors="replace")


class Cpa:
    """A conversation. Every request may raise a Problem: Refused, Unreachable, NotOffered or Unavailable."""

    def __init__(self, seconds: float | None = None, by_person: bool = False, memory=Connection):
        """Each request may take CPA_TIMEOUT; with `seconds` for all of them, at most half of what is left.

        A person may have a refused key tried before its rest is over. `memory` is what is known of the key: that of
        all processes, or the drain's (usage.collector.queue.Key), which needs no database.
        """
        self._timeout = settings.CPA_TIMEOUT.total_seconds()
        self._ends = None if seconds is None else time.monotonic() + seconds
        self._by_person, self._memory = by_person, memory
        self._login, self._accepted = None, False
        self.build: dict[str, str] = {}  # which CPA answered, by the fields of Connection
        self.ahead: float | None = None  # seconds by which CPA's clock is ahead of ours, to about a second

    def __enter__(self):
        for name, meaning in (("CPA_BASE_URL", "the address of CPA"), ("CPA_MANAGEMENT_KEY", "the secret-key of CPA")):
            if not getattr(settings, name):
                raise Unavailable(f"{name} is not set: set it to {meaning}.")
        from catalog import client  # with httpx

        self._fetch = client.fetch
        try:
            self._http = client.client()
        except client.httpx.InvalidURL:
            raise Unavailable("CPA_BASE_URL is no address: set one such as http://127.0.0.1:8317.") from None
        return self

    def __exit__(self, *exception):
        self._http.close()
        if self._login and not self._accepted:
            self._login.release()

    def auth_files(self) -> list[facts.Row]:
        """The accounts CPA signs in to."""
        return self._read("auth-files", facts.auth_files)

    def provider_keys(self, list_name: str) -> list[facts.Row]:
        """The upstream keys of one of facts.PROVIDER_LISTS."""
        return self._read(list_name, lambda body: facts.provider_keys(list_name, body))

    def counters(self) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
        """Attempts CPA counted since it started: of each account by auth_index, of each upstream key by address and
        fingerprint; an older CPA counts those of accounts alone."""
        files = self._read("auth-files", facts.file_counts)
        try:
            return files, self._read("api-key-usage", facts.key_counts)
        except NotOffered:
            return files, {}

    def models(self) -> list[str]:
        """Names of the models CPA offers to its clients."""
        key = self._read("api-keys", facts.client_key)
        return _decoded("/v1/models", self._ask("GET", "/v1/models", key=key), facts.model_names)

    def queue_retention(self) -> int | None:
        """Seconds for which CPA keeps a record that is not popped; None when it does not tell."""
        return self._read("config", facts.queue_retention)

    def switch(self, name: str) -> bool:
        """The state of one of SWITCHES."""
        return self._read(SWITCHES[name], lambda body: facts.switch(SWITCHES[name], body))

    def set_switch(self, name: str, value: bool):
        """Turn one of SWITCHES on or off, and let all processes know."""
        _checked(SWITCHES[name], self._manage("PUT", SWITCHES[name], json={"value": value}))
        Connection.change(**{name: value})

    def request_log(self, request_id: str, start: int = 0) -> RequestLog:
        """CPA's log of one request; at most LOG_BYTES of it, from the byte `start`."""
        if not re.fullmatch(r"[\w-]{1,64}", request_id, re.ASCII):
            return RequestLog(found=False)
        part = {"Range": f"bytes={start}-{start + LOG_BYTES - 1}"}
        reply = self._manage("GET", f"request-log-by-id/{quote(request_id, safe='')}", most=LOG_BYTES, headers=part)
        if reply.status == 404 and facts.error_words(reply.body):
            return RequestLog(found=False)
        _checked("request-log-by-id", reply)
        named = re.search(r'filename="([\w.-]{1,255})"', reply.headers.get("content-disposition", ""), re.ASCII)
        end, size = start + len(reply.body), _size(reply, start)
        return RequestLog(True, named[1] if named else f"{request_id}.log", reply.body, end < size, size)

    def _read(self, name, decode):
        return _decoded(name, self._manage("GET", name), decode)

    def _manage(self, method, name, **wanted):
        """A management reply of any status but 401 and 403, which end all tries for a while.

        Raises Refused, without asking CPA, while the key is known to be refused.
        """
        self._login = self._login or self._memory.claim(self._by_person, self._seconds())
        reply = self._ask(method, MANAGEMENT + name, settings.CPA_MANAGEMENT_KEY, **wanted)
        self.build = _build(reply.headers) or self.build
        self.ahead = _ahead(reply.headers.get("date", ""), time.time())
        if reply.status in (401, 403):
            self._login = None
            raise Refused(self._memory.refuse(refusal_of(reply.body)))
        if reply.status in OK and not self._accepted:
            self._accepted = True
            if not self._login.accepts:
                self._memory.accepted()
        return reply

    def _ask(self, method, path, key, most=REPLY_BYTES, **wanted):
        return self._fetch(self._http, method, path, key=key, most=most, seconds=self._seconds(), **wanted)

    def _seconds(self) -> float:
        if self._ends is None:
            return self._timeout
        return max(min(self._timeout, (self._ends - time.monotonic()) / 2), 0)


def _checked(name, reply):
    if reply.status not in OK:
        raise problem_of(name, reply.status, reply.body)
    return reply


def _decoded(name, reply, decode):
    if _checked(name, reply).truncated:
        raise Unavailable(f"CPA's {name} is larger than {REPLY_BYTES >> 20} MB: set CPA_BASE_URL to CPA itself.")
    try:
        return decode(reply.body)
    except facts.UnexpectedReply:
        raise Unavailable(f"CPA's {name} is not what CPA sends: set CPA_BASE_URL to CPA itself.") from None


def _size(reply, start) -> int:
    """Bytes of the whole file of which a reply is the part from `start`."""
    found = re.fullmatch(rf"bytes {start}-\d{{1,15}}/(\d{{1,15}})", reply.headers.get("content-range", ""), re.ASCII)
    if start and not found:
        raise Unavailable("CPA does not send a log in parts: set CPA_BASE_URL to CPA itself.")
    return int(found[1]) if found else len(reply.body) + reply.truncated


def _build(headers) -> dict[str, str]:
    names = {"version": "x-cpa-version", "commit": "x-cpa-commit", "build_date": "x-cpa-build-date"}
    words = {field: quoted(headers.get(name, ""))[:64] for field, name in names.items()}
    return words if any(words.values()) else {}


def _ahead(date, now) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):  # none was sent, or it cannot be read
        return None
