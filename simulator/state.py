"""What one running CPA knows: its queue, who failed to log in, its settings, catalogue and ledger."""

import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from simulator import management, models
from simulator.bans import Bans, Refused
from simulator.catalog import Catalog
from simulator.errors import error_event
from simulator.http import JSON, Request, Response
from simulator.ledger import Ledger
from simulator.queue import UsageQueue

VERSION = {
    "X-Cpa-Version": "v7.2.140",
    "X-Cpa-Commit": "a7e3596b7",
    "X-Cpa-Build-Date": "unknown",
    "X-Cpa-Support-Plugin": "1",
}


class State:
    """Everything the two protocols share; used from the server's loop only."""

    def __init__(
        self,
        *,
        management_key: str,
        catalog: Catalog,
        retention_seconds: float,
        ban_seconds: float,
        idle_seconds: float,
        zone: str,
        resp: bool,
        clock: Callable[[], float],
    ):
        self.bans = Bans(management_key, ban_seconds, clock)
        self.queue = UsageQueue(retention_seconds, clock)
        self.zone = ZoneInfo(zone)
        self.ledger = Ledger(self.zone, time.time)
        self.catalog = catalog
        self.idle_seconds, self.resp = idle_seconds, resp
        self.debug = False
        self.fail_paths: dict[str, int] = {}
        self.hang_paths: set[str] = set()
        self.error_listeners: list = []

    def record(self, records: list[bytes]) -> None:
        """Requests that ended just now: counted, logged, put into the queue and reported to error listeners."""
        for raw in records:
            failed = self.ledger.note(raw)
            if failed and self.error_listeners and (event := error_event(raw, self.catalog)):
                self.error_listeners[:] = [heard for heard in self.error_listeners if heard.deliver(event)]
        self.queue.put(records)

    def pop(self, count: int) -> list[bytes]:
        """Pop; what comes from a lazy history is counted and logged now, for that is when it comes to be."""
        records = self.queue.pop(count)
        if self.queue.history is not None:  # not run dry, so all of these came from it
            for raw in records:
                self.ledger.note(raw)
        return records

    def forget(self) -> None:
        """A restart: queue, listeners and bans are gone; settings and logs are on disk."""
        self.queue.clear()
        self.error_listeners.clear()
        self.bans.forget()
        self.ledger.counts.clear()

    def respond(self, request: Request, address: str) -> Response | None:
        """The reply to one HTTP request; None means that it never comes."""
        if request.path in self.hang_paths:
            return None
        if status := self.fail_paths.get(request.path):
            return Response(status, b'{"error":"injected failure"}', JSON)
        if request.path.startswith("/v0/management"):
            return self._manage(request, address)
        return models.respond(self.catalog, request)

    def _manage(self, request: Request, address: str) -> Response:
        if not self.bans.key:
            return Response(404)
        try:
            self.bans.check(address, _presented_key(request.headers))
            response = management.respond(self, request)
        except Refused as refusal:
            response = Response.of({"error": str(refusal)}, refusal.status)
        response.headers.update(VERSION)
        return response


def _presented_key(headers: dict[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key
    return scheme or headers.get("x-management-key", "")
