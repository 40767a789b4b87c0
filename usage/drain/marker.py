"""A file beside the spool that stands while a subscription does: who finds it knows that a subscriber died."""

import contextlib
import os
from pathlib import Path


class Marker:
    """Made when a subscription begins, removed when it is left in good order.

    The database learns of a subscription a little later, and not at all while it is away.
    """

    def __init__(self, directory: Path):
        """`left_behind`: when the subscription began in which an earlier process died, µs since the epoch; or None."""
        self._path = Path(directory) / "subscribed"
        self.left_behind: int | None = None
        with contextlib.suppress(FileNotFoundError):
            self.left_behind = self._path.stat().st_mtime_ns // 1000

    def note(self, subscribed: bool):
        """A subscription begins, or was left."""
        with contextlib.suppress(OSError):  # a disk that is full must not keep us from reading
            if subscribed:
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))  # one that stands keeps its time
            else:
                self._path.unlink()
