"""Sentences and a page for a database that is unreachable, locked, read-only, damaged or of another version."""

import logging

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
# The first entry with words that the error contains is taken: texts of SQLite's result codes and of psycopg.
SENTENCES = (
    (("locked", "lock timeout"), gettext_lazy("The database is locked by another process: try again in a moment.")),
    (("malformed", "not a database"), gettext_lazy("The database is damaged: restore a backup (manage.py restore).")),
    (
        ("readonly", "read-only"),
        gettext_lazy("The database cannot be written: its file, folder or server is read-only."),
    ),
    (("is full", "no space left"), gettext_lazy("The disk of the database is full: make room.")),
    (("i/o error",), gettext_lazy("The disk of the database fails or is full: look at the system's log.")),
    (
        ("no such table", "no such column", "no column named", "does not exist"),
        gettext_lazy("The database is empty or of another version: run manage.py migrate."),
    ),
    (
        ("unable to open",),
        gettext_lazy("The database file is missing or cannot be opened: restore a backup, or run manage.py migrate."),
    ),
)


def is_away(error: BaseException | None) -> bool:
    """Whether the error is about the database itself, not about the data or the query given to it."""
    return isinstance(error, DatabaseError | InterfaceError) and not isinstance(error, DataError | IntegrityError)


def sentence_of(error: BaseException) -> str:
    """What is wrong and what to do, without names of hosts or files, for it is shown without a login."""
    words = str(error).lower()
    known = (sentence for signs, sentence in SENTENCES if any(sign in words for sign in signs))
    return str(next(known, _("The database does not answer just now: try again in a moment.")))


class AwayPages:
    """Middleware: a page with the sentence instead of a traceback in the log and a page "Server Error"."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        """The page for a view that failed because of the database; None for every other exception."""
        if not is_away(exception):
            return None
        log.error("The database does not answer: %s", str(exception).strip() or type(exception).__name__)
        return away(request, exception)


def away(request, error):
    """503 with the sentence: JSON below api/, a page that needs no database elsewhere."""
    from cpa_usage.http.errors import error_response

    if f"{request.path_info}/".startswith("/api/"):
        response = error_response(503, sentence_of(error))
    else:
        response = render(request, "away.html", {"sentence": sentence_of(error)}, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
