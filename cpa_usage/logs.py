"""Log files by the day: web-2026-11-24.log and so on, for this user alone."""

import logging
import os
from datetime import date
from pathlib import Path


class DailyFileHandler(logging.FileHandler):
    """Appends each record to the file of its local day.

    Nothing is renamed, so processes of one role may share a file; usage.retention.prune_logs removes old ones.
    """

    def __init__(self, directory: str | Path, role: str):
        self.directory, self.role, self.day = Path(directory), role, date.today()
        super().__init__(self._path(), encoding="utf-8", delay=True)

    def emit(self, record):
        day = date.fromtimestamp(record.created)
        if day != self.day:
            self._turn_to(day)
        super().emit(record)

    def _turn_to(self, day):
        if self.stream:
            self.stream.close()
            self.stream = None  # the next record opens the new one
        self.day = day
        self.baseFilename = self._path()

    def _path(self):
        return os.path.abspath(self.directory / f"{self.role}-{self.day}.log")

    def _open(self):
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_private)


def _private(path, flags):
    return os.open(path, flags, mode=0o600)
