"""Log files by day, such as web-2026-11-24.log, readable by this user alone, and paths masked in them."""

import logging
import os
from datetime import date
from pathlib import Path

from cpa_usage.keys import mask


class DailyFileHandler(logging.Handler):
    """Appends each record to the file of its local day.

    The file is opened for each record and nothing is renamed, so processes of one kind may share it.
    usage.rollups.retention.prune_logs removes old ones.
    """

    def __init__(self, directory: Path, process: str):
        super().__init__()
        self.directory, self.process = directory, process

    def emit(self, record):
        path = self.directory / f"{self.process}-{date.fromtimestamp(record.created)}.log"
        try:
            with open(path, "a", encoding="utf-8", opener=_private) as file:
                file.write(f"{self.format(record)}\n")
        except Exception:  # as handlers of the standard library do: what is logged must not fail
            self.handleError(record)


class MaskedPaths(logging.Filter):
    """Shows the pattern of a failed request's address, or a mask: the path may contain a key that a user pasted."""

    def filter(self, record):
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            shown = f"/{request.resolver_match.route}" if request.resolver_match else mask(path)
            record.args = tuple(shown if argument == path else argument for argument in record.args)
        return True


def _private(path, flags):
    return os.open(path, flags, mode=0o600)
