"""Whether CPA was stopped, as its port alone shows: a CPA that starts has forgotten that it refused a key."""

import socket
import time
from urllib.parse import urlsplit

from django.conf import settings

CONNECT_SECONDS = 1
STANDS_SECONDS = 5  # CPA itself closes a connection on which nothing came for 10 s


class Port:
    """Connections on which nothing is sent, each held from one look to the next."""

    def __init__(self):
        self._held: socket.socket | None = None
        self._held_at = 0.0
        self._stood = False  # a connection stood once: a port where none does says nothing

    def was_stopped(self) -> bool:
        """Whether CPA ended the connection of the latest look, or its port refuses one now."""
        stood, ended = self._let_go()
        refused = self._refuses()
        stopped = self._stood and (ended or refused)
        self._stood = (self._stood or stood) and not stopped
        return stopped

    def _let_go(self) -> tuple[bool, bool]:
        """Drop the held connection; returns (whether it was still open, whether CPA ended it)."""
        held, self._held = self._held, None
        if held is None:
            return False, False
        with held:
            ended = _was_ended(held)
        lately = time.monotonic() - self._held_at < STANDS_SECONDS
        return not ended, ended and lately

    def _refuses(self) -> bool:
        """Whether the port refuses a connection; one that it takes is held."""
        url = settings.CPA_BASE_URL if settings.QUEUE_MODE == "http" else f"//{settings.REDIS_QUEUE_ADDR}"
        try:
            address = urlsplit(url)
            port = address.port or (443 if address.scheme == "https" else 80)
            self._held = socket.create_connection((address.hostname, port), CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            return isinstance(error, ConnectionRefusedError)
        self._held_at = time.monotonic()
        return False


def _was_ended(held: socket.socket) -> bool:
    held.setblocking(False)
    try:
        return held.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
