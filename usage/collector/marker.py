"""A file beside the spool that stands while a subscription does: who finds it knows that a subscriber died."""

import contextlib
import os
import threading
from pathlib import Path


class Marker:
    """Made when a subscription begins, removed when it is left in good order.

    The database learns of a subscription a little later, and not at all while it is away.
    """

    def __init__(self, directory: Path):
        """`left_behind`: when the subscription began in which an earlier process died, µs since the epoch; or None."""
        self._path, self._lock = Path(directory) / "subscribed", threading.Lock()
        self._subscribed = False
        self.left_behind: int | None = None
        with contextlib.suppress(FileNotFoundError):
            self.left_behind = self._path.stat().st_mtime_ns // 1000

    def note(self, subscribed: bool):
        """A subscription begins, or was left."""
        with self._lock:
            self._subscribed = subscribed
            self._place()

    def told(self):
        """What was left behind is recorded as a gap: from now on the marker is ours alone."""
        with self._lock:
            if self.left_behind is not None:
                self.left_behind = None
                self._place()

    def _place(self):
        with contextlib.suppress(OSError):  # a disk that is full must not keep us from reading
            if self._subscribed or self.left_behind is not None:
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))  # one that stands keeps its time
            else:
                self._path.unlink()
