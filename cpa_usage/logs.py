"""Log files by day, such as web-2026-11-24.log, readable by this user alone, and paths masked in them."""

import logging
import os
import re
from datetime import date
from functools import cache
from pathlib import Path

from django.conf import settings
from django.urls import get_resolver

from cpa_usage.keys import mask


class DailyFileHandler(logging.FileHandler):
    """Appends each record to the file of its local day.

    Nothing is renamed, so processes of one kind may share a file; usage.rollups.retention.prune_logs removes old ones.
    """

    def __init__(self, directory: Path, process: str):
        self.directory, self.process, self.day = directory, process, date.today()
        super().__init__(self._path(), encoding="utf-8", delay=True)

    def emit(self, record):
        day = date.fromtimestamp(record.created)
        if day != self.day:
            self._switch_to(day)
        super().emit(record)

    def _switch_to(self, day):
        if self.stream:
            self.stream.close()
            self.stream = None  # the next record opens the new one
        self.day = day
        self.baseFilename = self._path()

    def _path(self):
        return os.path.abspath(self.directory / f"{self.process}-{self.day}.log")

    def _open(self):
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_private)


class MaskedPaths(logging.Filter):
    """Masks the path that Django logs of a failed request: it may contain a key that a user pasted."""

    def filter(self, record):
        path = getattr(getattr(record, "request", None), "path", None)
        if path and isinstance(record.args, tuple):
            record.args = tuple(masked_path(path) if argument == path else argument for argument in record.args)
        return True


def masked_path(path: str) -> str:
    """The path with a mask for every part that does not occur in our own addresses."""
    known = _words(get_resolver()) | set(settings.APP_BASE_PATH.split("/"))
    return "/".join(part if part in known else mask(part) for part in path.split("/"))


@cache
def _words(resolver) -> frozenset[str]:
    return frozenset(_words_of(resolver))


def _words_of(resolver):
    yield from re.findall(r"[\w.-]+", str(resolver.pattern))
    for child in getattr(resolver, "url_patterns", ()):
        yield from _words_of(child)


def _private(path, flags):
    return os.open(path, flags, mode=0o600)
