"""What is wrong with a database that is unreachable, locked, read-only, damaged or of another version, in words."""

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

RETRY_SECONDS = 5
# The first entry with words that the error contains is taken: texts of SQLite's result codes and of psycopg.
SENTENCES = (
    (("locked", "lock timeout"), gettext_lazy("The database is locked by another process: try again in a moment.")),
    (("malformed", "not a database"), gettext_lazy("The database is damaged: restore a backup (manage.py restore).")),
    (
        ("session is read-only", "read-only transaction"),
        gettext_lazy("The database is read-only just now: a replica answers, and no primary."),
    ),
    (
        ("readonly", "read-only"),
        gettext_lazy("The database cannot be written: its file, folder or server is read-only."),
    ),
    (("is full", "no space left"), gettext_lazy("The disk of the database is full: make room.")),
    (("i/o error",), gettext_lazy("The disk of the database fails or is full: look at the system's log.")),
    (
        ("no such table", "no such column", "no column named", "does not exist", "not up to date"),
        gettext_lazy("The database is empty or of another version: run manage.py migrate."),
    ),
    (("newer version",), gettext_lazy("The database is of a newer version: install that one.")),
    (
        ("unable to open",),
        gettext_lazy("The database file is missing or cannot be opened: restore a backup, or run manage.py migrate."),
    ),
)


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the error is about the database itself, not about the data or the query given to it."""
    return isinstance(error, DatabaseError | InterfaceError) and not isinstance(error, DataError | IntegrityError)


def sentence_of(error: BaseException) -> str:
    """What is wrong and what to do, without names of hosts or files, for it is shown without a login."""
    words = str(error).lower()
    known = (sentence for signs, sentence in SENTENCES if any(sign in words for sign in signs))
    return str(next(known, _("The database does not answer just now: try again in a moment.")))
