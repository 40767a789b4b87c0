"""What CPA remembers about requests: counts per account, and the records a request log is written from."""

from collections import OrderedDict
from collections.abc import Callable
from zoneinfo import ZoneInfo

import msgspec

from simulator.gotime import local

ERROR_LOGS = 10  # error-logs-max-files
REQUEST_LOGS = 5_000  # CPA keeps all; a simulator that runs for days must not
BUCKET_SECONDS = 600
BUCKETS = 20


class Noted(msgspec.Struct):
    """The few fields of a record that CPA itself remembers."""

    auth_index: str = ""
    request_id: str = ""
    failed: bool = False


_decoder = msgspec.json.Decoder(Noted)


class Ledger:
    """Notes each record once. `clock` is the wall clock in seconds since the epoch."""

    def __init__(self, zone: ZoneInfo, clock: Callable[[], float]):
        self.zone, self.clock = zone, clock
        self.request_log = False
        self.counts: dict[str, Account] = {}
        self.logs: OrderedDict[str, list[bytes]] = OrderedDict()
        self.error_logs: OrderedDict[str, list[bytes]] = OrderedDict()

    def note(self, raw: bytes) -> bool:
        """Count it for its account and keep it for its request's log; says whether it failed."""
        try:
            noted = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):  # a test may queue anything
            return False
        self.count(noted.auth_index, 1, noted.failed)
        if noted.request_id:
            self._keep(noted.request_id, raw, noted.failed)
        return noted.failed

    def count(self, auth_index: str, times: int, failed: bool) -> None:
        """Count attempts of an account."""
        account = self.counts.get(auth_index) or self.counts.setdefault(auth_index, Account())
        for _ in range(times):
            account.add(failed, int(self.clock()))

    def counts_of(self, auth_index: str) -> dict:
        """`success`, `failed` and `recent_requests` (twenty ten-minute buckets, local time) of an account."""
        account = self.counts.get(auth_index) or Account()
        last = int(self.clock()) // BUCKET_SECONDS
        recent = [self._bucket(account, slot) for slot in range(last - BUCKETS + 1, last + 1)]
        return {"success": account.success, "failed": account.failed, "recent_requests": recent}

    def attempts(self, request_id: str) -> tuple[list[bytes], bool]:
        """The records of a logged request and whether its log is an error log; empty when there is no log."""
        if request_id in self.logs:
            return self.logs[request_id], False
        return self.error_logs.get(request_id, []), True

    def _keep(self, request_id: str, raw: bytes, failed: bool) -> None:
        if self.request_log:
            _remember(self.logs, request_id, raw, REQUEST_LOGS)
        elif failed:
            _remember(self.error_logs, request_id, raw, ERROR_LOGS)
        else:
            self.error_logs.pop(request_id, None)  # a retry got through: the request did not fail

    def _bucket(self, account: "Account", slot: int) -> dict:
        success, failed = account.recent.get(slot, (0, 0))
        start, end = (local((slot + step) * BUCKET_SECONDS, self.zone).strftime("%H:%M") for step in (0, 1))
        return {"time": f"{start}-{end}", "success": success, "failed": failed}


class Account:
    """Attempts of one credential since the start, and per ten minutes of late."""

    __slots__ = ("failed", "recent", "success")

    def __init__(self):
        self.success = self.failed = 0
        self.recent: dict[int, tuple[int, int]] = {}

    def add(self, failed: bool, now: int) -> None:
        self.failed += failed
        self.success += not failed
        slot = now // BUCKET_SECONDS
        success, failures = self.recent.get(slot, (0, 0))
        self.recent[slot] = (success + (not failed), failures + failed)
        if len(self.recent) > BUCKETS:
            del self.recent[min(self.recent)]


def _remember(logs: OrderedDict, request_id: str, raw: bytes, at_most: int) -> None:
    logs.setdefault(request_id, []).append(raw)
    if len(logs) > at_most:
        logs.popitem(last=False)
