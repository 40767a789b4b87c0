"""Where questions read: the replica of DATABASE_READ_URL while it follows closely, else the primary, as all else does.

Whether it has a change of a price, a name or CPA's lists is seen by their counters, and how far it is behind by the
heartbeat of the drain, which both have: that needs no right on the server, and a standstill is no lag.
"""

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.models import Subquery
from msgspec import Meta, Struct

from aliases.models import Revision as AliasRevision
from catalog.models import Connection
from cpa_usage.postgresql.options import REPLICA
from pricing.models import Revision as PriceRevision
from usage.models import DrainState

FARTHEST_SECONDS = 60  # behind, before the primary is read instead
AWAY_SECONDS = 5  # until a replica that is away, or far behind, is tried again
BEHIND_SECONDS = 1  # the same of one that lacks a change: a request that began to read the primary goes on so
COUNTERS = ((PriceRevision, "number"), (AliasRevision, "number"), (Connection, "revision"))

_reading: ContextVar[str] = ContextVar("reading", default=DEFAULT_DB_ALIAS)
_choice: ContextVar[list[str] | None] = ContextVar("choice", default=None)


class Replica(Struct, frozen=True):
    """How the replica follows the primary."""

    lag_seconds: Annotated[float | None, Meta(description="How far it is behind; null while it does not answer.")]
    in_use: Annotated[bool, Meta(description="Whether pages and the API read it, and not the primary.")]


class _Known:
    """The last look of this process, and until when (time.monotonic()) it reads the primary."""

    looked_at, primary_until, found = 0.0, 0.0, Replica(None, in_use=False)


class Router:
    """Django's router of databases."""

    def db_for_read(self, model, **hints):
        """The replica inside reading(), when that chose it."""
        return _reading.get()

    def db_for_write(self, model, **hints):
        """Write to the primary, wherever the row was read."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *objects, **hints):
        """Allow every relation: both databases hold the same rows."""
        return True

    def allow_migrate(self, db, *names, **hints):
        """Migrate the primary alone: the replica follows it."""
        return db == DEFAULT_DB_ALIAS


@contextmanager
def one_choice():
    """Around a request: all of it is read from one database, so that a tag is never newer than what it is on."""
    token = _choice.set([])
    try:
        yield
    finally:
        _choice.reset(token)


@contextmanager
def reading():
    """Models are read from the replica inside, or from the primary; yields the alias."""
    made = [] if (found := _choice.get()) is None else found
    if not made:
        made.append(_chosen())
    token = _reading.set(made[0])
    try:
        yield _reading.get()
    finally:
        _reading.reset(token)


def replica() -> Replica | None:
    """How the replica follows, as of a few seconds ago; None without one. Raises django.db.Error."""
    if REPLICA not in settings.DATABASES:
        return None
    return _look() if time.monotonic() - _Known.looked_at > AWAY_SECONDS else _Known.found


def _chosen() -> str:
    if REPLICA not in settings.DATABASES or connection.in_atomic_block or time.monotonic() < _Known.primary_until:
        return DEFAULT_DB_ALIAS
    return REPLICA if _look().in_use else DEFAULT_DB_ALIAS


def _look() -> Replica:
    there, lag, same = counted(DEFAULT_DB_ALIAS), None, False
    try:
        here = counted(REPLICA)
        lag, same = max(0.0, (there[0] - here[0]).total_seconds()), there[2:] == here[2:]
    except Error:
        connections[REPLICA].close()  # it may be useless now
    except TypeError:  # before the first heartbeat
        lag = 0.0
    close = lag is not None and lag <= FARTHEST_SECONDS
    now = time.monotonic()
    if not (close and same):
        _Known.primary_until = now + (BEHIND_SECONDS if close else AWAY_SECONDS)
    _Known.looked_at, _Known.found = now, Replica(lag, in_use=close and same)
    return _Known.found


def counted(alias: str) -> tuple:
    """The drain's last heartbeat, the counter of the data, and COUNTERS: None where nothing was counted yet."""
    numbers = [model.objects.using(alias).filter(pk=1).values_list(field, flat=True) for model, field in COUNTERS]
    state = DrainState.objects.using(alias).filter(pk=1)
    found = state.values_list("heartbeat_at", "data_version", *map(Subquery, numbers)).first()
    return found or (None, None, *(number.first() for number in numbers))  # before the first drain
