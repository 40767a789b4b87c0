"""The transport for networks where only HTTP gets through: the management API pops the same queue."""

import httpx
import msgspec
from django.conf import settings

from catalog.client import bearer, client
from catalog.facts import error_words
from catalog.problems import quoted
from usage.collector.queue.errors import Interrupted, Unavailable, unavailable
from usage.collector.queue.key import Key

PATH = "/v0/management/usage-queue"
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class HttpTransport:
    """GET usage-queue?count=N; every request is a login."""

    name = "http"

    def __init__(self, key: Key):
        self._key = key
        self._decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
        self._client = client()

    def pop(self, limit: int) -> list[memoryview]:
        """Up to `limit` records, oldest first, byte for byte as CPA sent them. Raises a QueueError."""
        self._key.check()
        try:
            # Views of the reply: a copy of each record would take the memory of a large reply twice.
            return list(map(memoryview, self._decode(self._fetch(limit))))
        except (msgspec.DecodeError, RecursionError):
            raise Interrupted("CPA's usage-queue answered with something that is no list of records.") from None

    def close(self) -> list[bytes]:
        """Disconnect; the next pop connects again."""
        self._client.close()
        self._client = client()
        return []

    def _fetch(self, limit: int) -> bytearray:
        """The reply's body. Once asked, CPA may have given records away, whether or not its answer arrives."""
        body = bytearray()
        try:
            with self._client.stream(
                "GET", PATH, params={"count": limit}, headers=bearer(settings.CPA_MANAGEMENT_KEY)
            ) as response:
                self._check(response)
                for chunk in response.iter_bytes():
                    body += chunk
        except _NOT_SENT as error:
            sentence = f"CPA's management API does not answer: {type(error).__name__} {quoted(error)}"
            raise unavailable(sentence, error) from None
        except httpx.HTTPError as error:
            raise Interrupted(f"CPA's management API broke off: {type(error).__name__} {quoted(error)}") from None
        return body

    def _check(self, response):
        if response.status_code == 200:
            self._key.accepted()
            return
        response.read()
        words = quoted(error_words(response.content) or "no reason given")
        if response.status_code in (401, 403):
            raise self._key.refused(f"CPA refuses the management key: {words}")
        if response.status_code == 404:
            raise Unavailable(
                f"{settings.CPA_BASE_URL} has no {PATH}: is this CPA, and is its management API switched on?"
            )
        raise Unavailable(f"CPA's management API answers {response.status_code}: {words}")
