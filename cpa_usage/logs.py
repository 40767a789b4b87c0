"""Logs as text or JSON, with the request's id: files by day for this user alone, masked paths, and quiet probes."""

import json
import logging
import os
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from threading import Lock

from cpa_usage.keys import mask

logger = logging.getLogger(__name__)
request_id: ContextVar[str] = ContextVar("request_id", default="")


def configured(form: str, level: str, process: str, directory: Path | None) -> dict:
    """LOGGING of the settings; `form` is json or text, without a `directory` no file is written."""
    lines = {"()": "cpa_usage.logs.JsonLines", "process": process}
    if form == "text":
        lines = {"format": "{asctime} {levelname} {name}: {of_request}{message}", "style": "{"}
    plain = {"formatter": "line", "filters": ["request"]}
    handlers = {"console": {"class": "logging.StreamHandler", **plain}}
    if directory:
        named = {"class": "cpa_usage.logs.DailyFileHandler", "directory": directory, "process": process}
        handlers["file"] = named | plain
    tasks = "WARNING" if level == "INFO" else level  # at info django-q logs each step of each task
    quiet = {"httpx": "WARNING", "httpcore": "WARNING", "django-q": tasks}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": lines},
        "filters": {"request": {"()": "cpa_usage.logs.OfRequest"}},
        "handlers": handlers,
        "root": {"handlers": [*handlers], "level": level},
        "loggers": {name: {"level": least} for name, least in quiet.items()},
    }


class JsonLines(logging.Formatter):
    """An object a line, for programs."""

    def __init__(self, process: str):
        super().__init__()
        self.process = process

    def format(self, record):
        shown = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self.process,
            "request_id": request_id.get(),
            "message": record.getMessage(),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in shown.items() if value}, ensure_ascii=False)


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


class OfRequest(logging.Filter):
    """Adds the request's id, and shows the pattern of its address, or a mask: a path may contain a key."""

    def filter(self, record):
        record.of_request = f"[{id}] " if (id := request_id.get()) else ""
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            shown = f"/{request.resolver_match.route}" if request.resolver_match else mask(path)
            written = (path, path.encode("unicode_escape").decode("ascii"))  # as Django's log_message has it
            record.args = tuple(shown if argument in written else argument for argument in record.args)
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
