"""One consistent view of the database for questions that take several queries, and what was read in it already."""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from django.db import connection, transaction

_read: ContextVar[dict | None] = ContextVar("read", default=None)


@contextmanager
def snapshot():
    """Every query inside sees the same state, none waits for the writer, and what is read `once` is read once."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        with _transaction():
            yield
    finally:
        _read.reset(token)


def once(read):
    """Decorator of a function or method that reads: inside a snapshot the same arguments get the same answer again.

    For hashable arguments and answers that nobody changes.
    """

    @wraps(read)
    def wrapper(*arguments):
        known = _read.get()
        if known is None:
            return read(*arguments)
        key = (read, *arguments)
        if key not in known:
            known[key] = read(*arguments)
        return known[key]

    return wrapper


@contextmanager
def _transaction():
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with _deferred():
            yield
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield


@contextmanager
def _deferred():
    """A transaction that does not take SQLite's write lock, as all others here do at their start."""
    connection.ensure_connection()  # which sets the mode
    mode = connection.transaction_mode
    connection.transaction_mode = "DEFERRED"
    try:
        with transaction.atomic():
            connection.transaction_mode = mode
            yield
    finally:
        connection.transaction_mode = mode
