"""The HTTP client of CPA. Importing it loads httpx: 20 MB that a process which never asks CPA need not have."""

import time
from typing import NamedTuple

import httpx
from django.conf import settings

from catalog.problems import RUNNING, Unavailable, Unreachable, quoted


class Reply(NamedTuple):
    """A reply of any status; `truncated`: its body is longer than what was asked for."""

    status: int
    headers: httpx.Headers
    body: bytes
    truncated: bool


def client() -> httpx.Client:
    """A client of CPA_BASE_URL, for the caller to close. Raises httpx.InvalidURL for a bad address."""
    return httpx.Client(
        base_url=settings.CPA_BASE_URL,
        # No compression: a small reply could unpack to any size.
        headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"cpa-usage/{settings.VERSION}"},
        timeout=settings.CPA_TIMEOUT.total_seconds(),
        trust_env=False,  # a proxy meant for the internet does not reach CPA
        verify=settings.CPA_BASE_URL.startswith("https"),  # reading the certificates takes longer than a request
    )


def bearer(key: str) -> dict[str, bytes]:
    """The header that signs a request with a key of CPA's, which may hold any character; none without a key."""
    return {"Authorization": f"Bearer {key}".encode()} if key else {}


def fetch(
    http: httpx.Client, method: str, path: str, *, key: str, most: int, seconds: float, json=None, headers=None
) -> Reply:
    """One request and at most `most` bytes of its reply, in `seconds`; half of them to connect.

    Raises Unreachable when no connection is made, Unavailable when the reply is late, broken or compressed.
    """
    late = Unavailable(f"CPA did not answer {path} in full within {seconds:.1f} seconds.")
    if seconds <= 0:
        raise late
    ends, timeout = time.monotonic() + seconds, httpx.Timeout(seconds, connect=seconds / 2)
    headers = bearer(key) | (headers or {})
    try:
        with http.stream(method, path, headers=headers, json=json, timeout=timeout) as reply:
            return Reply(reply.status_code, reply.headers, *_body(reply, most, ends))
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        reason = quoted(error) or "no connection in time"
        raise Unreachable(f"CPA does not answer at {settings.CPA_BASE_URL} ({reason}). {RUNNING}") from None
    except httpx.TimeoutException:
        raise late from None
    except (httpx.HTTPError, UnicodeError) as error:  # its words may hold the key; UnicodeError: no host name
        raise Unavailable(f"The connection to CPA broke at {path} ({type(error).__name__}).") from None


def _body(reply, most, ends) -> tuple[bytes, bool]:
    """Up to `most` bytes, and whether there were more. httpx limits each read; `ends` limits all of them."""
    if reply.headers.get("content-encoding", "identity") != "identity":
        raise Unavailable("CPA's reply is compressed, which was not asked for: set CPA_BASE_URL to CPA itself.")
    body = bytearray()
    for chunk in reply.iter_raw():
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), True
        if time.monotonic() > ends:
            raise httpx.ReadTimeout("")
    return bytes(body), False
