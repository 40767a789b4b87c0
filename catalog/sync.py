"""One refresh of everything CPA says about itself: read each list, compare, write what differs in one transaction."""

import time
from collections.abc import Iterable
from itertools import chain
from operator import attrgetter

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from msgspec import Struct, structs

from catalog.cpa import SWITCHES, Build, Cpa
from catalog.facts import PROVIDER_LISTS, AuthFileList, Row
from catalog.models import AuthFile, Connection, Provider
from catalog.problems import NotOffered, Problem, Refused, Unreachable

BUSY = "Another refresh of CPA's lists is running: try again in a moment."
ERROR_CHARACTERS = 500
WRITING_SECONDS = 30  # a result is written within this, however busy the database is
# Once known, these are not blanked when CPA leaves them out.
NAMES = ("name", "email", "type", "provider", "label", "plan")


class SyncResult(Struct, frozen=True):
    """What a sync did. `changed`: accounts and keys written. `error` is '' when all went well, `error_before` is that
    of the sync before. `busy`: another process syncs, and nothing was done."""

    changed: int = 0
    error: str = ""
    error_before: str = ""
    busy: bool = False


class Lists:
    """CPA's lists and switches; None (or no entry in `keys` and `switches`) where they could not be read."""

    def __init__(self):
        self.files: AuthFileList | None = None
        self.keys: dict[str, list[Row]] = {}
        self.switches: dict[str, bool] = {}
        self.key_attempts: int | None = None
        self.models: list[str] | None = None
        self.build: Build | None = None
        self.errors: list[str] = []
        self.answered = self.over = False

    def read_all(self, cpa):
        """One list after the other; a refusal midway leaves what was read before it."""
        self.files = self._read(cpa.auth_files)
        self.build = cpa.build
        self.keys = self._read_each(cpa.provider_keys, PROVIDER_LISTS)
        self.switches = self._read_each(cpa.switch, SWITCHES)
        self.key_attempts = self._read(cpa.key_attempts, optional=True)
        self.models = self._read(cpa.models)

    def _read(self, method, *arguments, optional=False):
        """The result of a method of Cpa, or None. `optional`: older versions of CPA do not have it."""
        if self.over:
            return None
        try:
            found = method(*arguments)
        except Problem as problem:
            self.over = isinstance(problem, Refused | Unreachable)
            if not (optional and isinstance(problem, NotOffered)):
                self.errors.append(str(problem))
            return None
        self.answered = True
        return found

    def _read_each(self, method, names):
        """The results of an optional method of Cpa by name, of those that can be read."""
        results = {name: self._read(method, name, optional=True) for name in names}
        return {name: result for name, result in results.items() if result is not None}


def sync(seconds: float | None = None, wait: bool = False) -> SyncResult:
    """Refresh everything within `seconds` (by default three times CPA_TIMEOUT); only one refresh runs at a time.

    While another one runs, `wait` for its end and refresh then, or else do nothing. Raises only for the database.
    """
    ends = time.monotonic() + (seconds or 3 * settings.CPA_TIMEOUT.total_seconds())
    if sentence := Connection.refused():
        return SyncResult(error=sentence, error_before=sentence)
    connection = _take_lease(ends, wait)
    if connection is None:
        return SyncResult(error=BUSY if wait else "", busy=True)
    try:
        return _store(_read(ends - time.monotonic()), connection)
    except BaseException:
        connection.end_sync()
        raise


def sync_now() -> str:
    """Refresh everything within CPA_TIMEOUT, for a user who waits: the error, or ''."""
    return sync(settings.CPA_TIMEOUT.total_seconds(), wait=True).error


def _take_lease(ends, wait) -> Connection | None:
    while True:
        left = max(ends - time.monotonic(), 0)
        connection = Connection.take_sync(left + WRITING_SECONDS)
        if connection or not wait or not left:
            return connection
        time.sleep(min(0.1, left))


def _read(seconds) -> Lists:
    lists = Lists()
    try:
        with Cpa(seconds) as cpa:
            lists.read_all(cpa)
    except Problem as problem:
        lists.errors.append(str(problem))
    return lists


def _store(lists, connection) -> SyncResult:
    news, error = _news(lists, connection), " ".join(lists.errors)[:ERROR_CHARACTERS]
    with transaction.atomic():
        if not connection.end_sync(**news, **_report(lists, error)):
            return SyncResult(busy=True)
        changed = _write(AuthFile, lists.files.items) if lists.files else 0
        if lists.keys:
            types = [PROVIDER_LISTS[name] for name in lists.keys]
            changed += _write(Provider, chain(*lists.keys.values()), lambda row: row.provider_type in types)
        if changed or news:
            Connection.change()
    return SyncResult(changed, error, connection.last_error)


def _write(model, listed: Iterable[Row], can_be_gone=lambda row: True) -> int:
    """Write rows that are new or differ, and mark those that CPA no longer lists: how many rows.

    `can_be_gone`: whether the list that a row was read from is among those listed.
    """
    known = {row.auth_index: row for row in model.objects.all()}
    listed = {fields["auth_index"]: _with_names(fields, known) for fields in listed}
    names = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "auth_index")]
    values = attrgetter(*names)
    rows = [model(**fields) for fields in listed.values()]
    rows = [row for row in rows if row.auth_index not in known or values(row) != values(known[row.auth_index])]
    gone = [r.pk for i, r in known.items() if i not in listed and not r.absent_since and can_be_gone(r)]
    if rows:
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["auth_index"], update_fields=names)
    if gone:
        model.objects.filter(pk__in=gone).update(absent_since=timezone.now())
    return len(rows) + len(gone)


def _with_names(fields, known) -> Row:
    """The fields of a row, with the names it had where CPA leaves them out."""
    row = known.get(fields["auth_index"])
    return fields | {name: getattr(row, name) for name in NAMES if row and not fields.get(name, True)}


def _news(lists, connection) -> dict:
    """Fields of the connection that people see and that differ."""
    fields = lists.switches | (structs.asdict(lists.build) if lists.build else {})
    if lists.models is not None:
        fields["models_offered"] = lists.models
    return {name: value for name, value in fields.items() if getattr(connection, name) != value}


def _report(lists, error) -> dict:
    """Fields of the connection that say how the sync went."""
    now = timezone.now()
    fields = {"last_error": error, "last_error_at": now if error else None}
    if lists.answered:
        fields["last_sync_at"] = now
    if lists.files is not None and lists.key_attempts is not None:
        fields["attempts_counted"] = lists.files.attempts + lists.key_attempts
    return fields
