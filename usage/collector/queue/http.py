"""The door for places where only HTTP gets through: the management API pops the same queue."""

import time
from collections import deque

import httpx
import msgspec
from django.conf import settings

from usage.collector.queue.errors import Away, Cut, away, quoted
from usage.collector.queue.key import Key
from usage.collector.queue.link import REPLY_BYTES, REPLY_SECONDS
from usage.collector.queue.replies import KEPT_BYTES, LONGEST_RECORD, PART_BYTES, cut

PATH = "/v0/management/usage-queue"
_NOT_ASKED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class HttpDoor:
    """GET usage-queue?count=N; every question is a login."""

    name = "http"

    def __init__(self, key: Key):
        self._key = key
        self._decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
        self._client = _client()
        self._waiting: deque[msgspec.Raw] = deque()  # views of a body, which is held whole: it is one JSON text

    @property
    def unread(self) -> int:
        return len(self._waiting)

    def pop(self, limit: int) -> list[bytes]:
        """Up to `limit` records, oldest first, byte for byte as CPA sent them. Raises a QueueError."""
        if not self._waiting:
            self._key.check()
            body = self._fetch(limit)
            try:
                self._waiting.extend(self._decode(body))
            except msgspec.DecodeError:
                raise Cut("CPA's usage-queue answered with something that is no list of records.") from None
        return self.rest()

    def rest(self) -> list[bytes]:
        """The next part of the reply."""
        records, size = [], 0
        while self._waiting and size < PART_BYTES:
            records.append(_of_bounded_size(memoryview(self._waiting.popleft())))
            size += len(records[-1])
        return records

    def close(self) -> list[bytes]:
        self._client.close()
        self._client = _client()  # closed ones cannot be used again; a new one connects when it is asked
        return []

    def _fetch(self, limit: int) -> bytearray:
        """The reply's body. Once asked, CPA may have given records away, whether or not its answer arrives."""
        try:
            with self._client.stream("GET", PATH, params={"count": limit}) as response:
                self._judge(response)
                return self._whole(response)
        except _NOT_ASKED as error:
            sentence = f"CPA's management API does not answer: {type(error).__name__} {quoted(error)}"
            raise away(sentence, error) from None
        except httpx.HTTPError as error:
            raise Cut(f"CPA's management API broke off: {type(error).__name__} {quoted(error)}") from None

    def _judge(self, response):
        if response.status_code == 200:
            self._key.accepted()
        elif response.status_code in (401, 403):
            raise self._key.refused(f"CPA refuses the management key: {_words(response)}")
        elif response.status_code == 404:
            raise Away(f"{settings.CPA_BASE_URL} has no {PATH}: is this CPA, and is its management API switched on?")
        else:
            raise Away(f"CPA's management API answers {response.status_code}: {_words(response)}")

    @staticmethod
    def _whole(response) -> bytearray:
        body, deadline = bytearray(), time.monotonic() + REPLY_SECONDS
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > REPLY_BYTES:
                raise Cut(f"A reply of more than {REPLY_BYTES >> 20} MB was given up.")
            if time.monotonic() > deadline:
                raise Cut(f"A reply was not complete after {REPLY_SECONDS} s.")
        return body


def _of_bounded_size(record: memoryview) -> bytes:
    return bytes(record) if len(record) <= LONGEST_RECORD else cut(bytes(record[:KEPT_BYTES]), len(record))


def _client() -> httpx.Client:
    return httpx.Client(
        base_url=settings.CPA_BASE_URL,
        headers={"Authorization": f"Bearer {settings.CPA_MANAGEMENT_KEY}"},
        timeout=settings.CPA_TIMEOUT.total_seconds(),
        trust_env=False,  # a proxy meant for the outside world does not know the way to CPA
    )


def _words(response) -> str:
    """The reason in an error reply; its first part is enough."""
    for chunk in response.iter_bytes(1024):
        try:
            return quoted(msgspec.json.decode(chunk)["error"])
        except (msgspec.DecodeError, KeyError, TypeError):
            return quoted(chunk.decode(errors="replace"))
    return "no reason given"
