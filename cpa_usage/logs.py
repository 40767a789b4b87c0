"""Log files by day, such as web-2026-11-24.log, readable by this user alone, paths masked in them, and quiet probes."""

import logging
import os
from datetime import date
from functools import wraps
from pathlib import Path
from threading import Lock

from cpa_usage.keys import mask

logger = logging.getLogger(__name__)


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


def logs_turns(view):
    """Decorator of a probe that answers 200 or 503: one line when it turns, in this process, not one for each probe."""
    last, lock = 200, Lock()

    @wraps(view)
    def wrapper(request):
        nonlocal last
        response = view(request)
        response._has_been_logged = True  # else Django logs each
        with lock:
            turned = response.status_code in (200, 503) and response.status_code != last
            last = response.status_code if turned else last
        if turned:
            level = logging.INFO if last == 200 else logging.WARNING
            logger.log(level, "%s turned to %s: %s", request.path_info, last, response.content.decode())
        return response

    return wrapper


def _private(path, flags):
    return os.open(path, flags, mode=0o600)
