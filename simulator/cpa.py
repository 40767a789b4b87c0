"""The simulator as a Python object: a CPA in a thread of its own, driven and watched from any other."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from simulator.catalog import Catalog
from simulator.server import Server
from simulator.state import State

SLICE, LARGE_SLICE = 64, 1000  # records put in one go


class Simulator:
    """`with Simulator() as cpa:` serves until the block ends.

    Port 0 takes a free one and keeps it over a restart. `retention_seconds` and `ban_seconds` run on `clock`
    (seconds, as time.monotonic), so a test can let time pass. `resp=False` refuses RESP as an HTTP-only proxy would.
    """

    def __init__(
        self,
        *,
        management_key: str = "lab-management-key",
        port: int = 0,
        host: str = "127.0.0.1",
        retention_seconds: float = 60,
        ban_seconds: float = 1800,
        idle_seconds: float = 10,
        resp: bool = True,
        zone: str = "UTC",
        catalog: Catalog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.host, self.port = host, port
        self.management_key = management_key
        self._state = State(
            management_key=management_key,
            catalog=catalog or Catalog.default(),
            retention_seconds=retention_seconds,
            ban_seconds=ban_seconds,
            idle_seconds=idle_seconds,
            zone=zone,
            resp=resp,
            clock=clock,
        )
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Simulator":
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> "Simulator":
        """Serve, with an empty queue. Raises OSError when the port is taken; a second start does nothing."""
        if self._thread:
            return self
        self._loop = asyncio.new_event_loop()
        self._server = Server(self._state)
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator", daemon=True)
        self._thread.start()
        try:
            self.port = self._run(self._server.listen(self.host, self.port))
        except OSError:
            self._end_loop()
            raise
        return self

    def stop(self) -> None:
        """Close every connection and forget what CPA keeps in memory only; the port stays ours for a start()."""
        if not self._thread:
            return
        self._run(self._server.stop())
        self._end_loop()
        self._state.forget()

    # What happens at CPA

    def push(self, *records: bytes | str | dict) -> None:
        """Requests that ended: one record each, to the subscribers or into the queue. Returns when they are there."""
        self.push_many(_raw(record) for record in records)

    def push_many(self, records: Iterable[bytes]) -> None:
        """The same for any number of ready-made records.

        In small slices while a client listens, between which the loop serves its connections: a burst within one
        turn of it would overflow any subscriber.
        """
        records = iter(records)
        while batch := list(islice(records, SLICE if self.subscribers else LARGE_SLICE)):
            self._call(self._state.record, batch)

    def count(self, auth_index: str, times: int = 1, failed: bool = False) -> None:
        """Requests that CPA counts for an account and writes no record of: count_tokens, streams without usage."""
        self._call(self._state.ledger.count, auth_index, times, failed)

    def feed(self, history: Iterator[bytes]) -> None:
        """Records made only when popped: they come before the queue's own and know no retention."""
        self._call(setattr, self._state.queue, "history", history)

    def refresh(self) -> None:
        """Tell subscribers that an auth file or the configuration changed."""
        self._call(self._state.queue.refresh)

    def drop_connections(self) -> None:
        """Cut every open connection; the queue and the port stay."""
        self._call(self._server.drop_connections)

    # What can be seen of it

    @property
    def queued(self) -> int:
        """Records that wait for a pop and are not too old."""
        return self._call(len, self._state.queue)

    @property
    def popped(self) -> int:
        """Records handed out by LPOP, RPOP and usage-queue since the beginning."""
        return self._state.queue.popped

    @property
    def published(self) -> int:
        """Records sent to subscribers, each one counted per subscriber."""
        return self._state.queue.published

    @property
    def expired(self) -> int:
        """Records that retention took."""
        return self._state.queue.expired

    @property
    def dropped(self) -> int:
        """Records lost to subscribers that lagged too far."""
        return self._state.queue.dropped

    @property
    def auth_failures(self) -> int:
        """Failed logins counted, over both protocols."""
        return self._state.bans.failures

    @property
    def subscribers(self) -> int:
        """Connections that starve the queue now."""
        return len(self._state.queue.subscribers)

    @property
    def connections(self) -> int:
        return len(self._server.connections) if self._thread else 0

    @property
    def has_history(self) -> bool:
        """Whether a fed history still has records to give."""
        return self._state.queue.history is not None

    # What can be changed

    @property
    def catalog(self) -> Catalog:
        """Edit it in place: the next reply says so."""
        return self._state.catalog

    @catalog.setter
    def catalog(self, catalog: Catalog) -> None:
        self._state.catalog = catalog

    @property
    def resp(self) -> bool:
        return self._state.resp

    @resp.setter
    def resp(self, allowed: bool) -> None:
        self._state.resp = allowed

    @property
    def fail_paths(self) -> dict[str, int]:
        """Path (without query) -> HTTP status it fails with."""
        return self._state.fail_paths

    @fail_paths.setter
    def fail_paths(self, paths: dict[str, int]) -> None:
        self._state.fail_paths = paths

    @property
    def hang_paths(self) -> set[str]:
        """Paths that never answer."""
        return self._state.hang_paths

    @hang_paths.setter
    def hang_paths(self, paths: Iterable[str]) -> None:
        self._state.hang_paths = set(paths)

    @property
    def statistics_enabled(self) -> bool:
        """usage-statistics-enabled: while False, records are dropped in silence."""
        return self._state.queue.enabled

    @statistics_enabled.setter
    def statistics_enabled(self, enabled: bool) -> None:
        self._state.queue.enabled = enabled

    @property
    def request_log(self) -> bool:
        """request-log: while False, only the last ten failed requests have a log."""
        return self._state.ledger.request_log

    @request_log.setter
    def request_log(self, enabled: bool) -> None:
        self._state.ledger.request_log = enabled

    # Crossing into the server's thread

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _call(self, function, *arguments):
        if not self._thread:  # stopped: no other thread looks
            return function(*arguments)

        async def called():
            return function(*arguments)

        return self._run(called())

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = None


def _raw(record: bytes | str | dict) -> bytes:
    if isinstance(record, dict):
        return msgspec.json.encode(record)
    return record.encode() if isinstance(record, str) else bytes(record)
