"""A snapshot of the database in which the same question is read once."""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from usage.models import snapshots
from usage.query.replica import reading

_read: ContextVar[dict | None] = ContextVar("read", default=None)


@contextmanager
def snapshot():
    """Every query inside sees the same state of the database, and functions marked `once` are called once."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        with reading() as alias, snapshots.snapshot(alias):
            yield
    finally:
        _read.reset(token)


def once(read):
    """Decorator of a function or method that reads: inside a snapshot the same arguments get the same answer again.

    For hashable arguments, and answers that are not changed.
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
