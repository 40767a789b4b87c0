"""One refresh of everything CPA says about itself: read each list, compare, write what differs in one transaction."""

import time
from collections.abc import Iterable
from itertools import chain
from operator import attrgetter

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from msgspec import Struct

from catalog.cpa import SWITCHES, Cpa
from catalog.facts import PROVIDER_LISTS, Row
from catalog.models import AccountState, AuthFile, Connection, Provider
from catalog.problems import NotOffered, Problem, Refused, Unreachable
from cpa_usage.incidents import Incident

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
    """CPA's lists, and what the row of Connection takes (`fields`); None, or no entry, where nothing could be read."""

    def __init__(self):
        self.files: list[Row] | None = None
        self.keys: dict[str, list[Row]] = {}
        self.fields: dict[str, object] = {}
        self.errors: list[str] = []
        self.not_offered: list[str] = []
        self.answered = self.refused = self.over = False

    def read_all(self, cpa):
        """Read one list after the other; after a refusal the lists read so far are kept."""
        self.files = self._read(cpa.auth_files)
        keys = {name: self._read(cpa.provider_keys, name) for name in PROVIDER_LISTS}
        fields = {name: self._read(cpa.switch, name) for name in SWITCHES}
        fields |= {"models_offered": self._read(cpa.models), "retention_seconds": self._read(cpa.queue_retention)}
        self.keys, self.fields = _known(keys), _known(fields) | cpa.build
        if self.files is not None and not self.over:
            self.fields["not_offered"] = self.not_offered

    def _read(self, method, *arguments):
        """The result of a method of Cpa, or None."""
        if self.over:
            return None
        try:
            found = method(*arguments)
        except Problem as problem:
            self._note(problem)
            return None
        self.answered = True
        return found

    def _note(self, problem):
        """Older versions of CPA do not have all of it; one that does not tell its accounts has no management API."""
        missing = problem.name if isinstance(problem, NotOffered) else ""
        if missing and missing != "auth-files":
            self.not_offered.append(missing)
            return
        self.refused = isinstance(problem, Refused)
        self.over = bool(missing) or isinstance(problem, Refused | Unreachable)
        self.errors.append(str(problem))


def _known(results):
    """The lists that could be read."""
    return {name: result for name, result in results.items() if result is not None}


def sync(seconds: float | None = None, by_person: bool = False) -> SyncResult:
    """Refresh everything within `seconds` (by default three times CPA_TIMEOUT); only one refresh runs at a time.

    While another one runs, nothing is done; a person waits for its end and gets a refresh then, and may have a refused
    key tried before its rest is over. Raises only for the database.
    """
    ends = time.monotonic() + (seconds or 3 * settings.CPA_TIMEOUT.total_seconds())
    connection = _take_lease(ends, by_person)
    if connection is None:
        return SyncResult(error=BUSY if by_person else "", busy=True)
    try:
        return _store(_read(ends - time.monotonic(), by_person), connection)
    except BaseException:
        connection.end_sync()
        raise


def sync_now() -> str:
    """Refresh everything within CPA_TIMEOUT, for a user who waits: the error, or ''."""
    return sync(settings.CPA_TIMEOUT.total_seconds(), by_person=True).error


def _take_lease(ends, wait) -> Connection | None:
    while True:
        left = max(ends - time.monotonic(), 0)
        connection = Connection.take_sync(left + WRITING_SECONDS)
        if connection or not wait or not left:
            return connection
        time.sleep(min(0.1, left))


def _read(seconds, by_person) -> Lists:
    lists = Lists()
    try:
        with Cpa(seconds, by_person) as cpa:
            lists.read_all(cpa)
    except Problem as problem:
        lists.errors.append(str(problem))
    return lists


def _store(lists, connection) -> SyncResult:
    news = {name: value for name, value in lists.fields.items() if getattr(connection, name) != value}
    error = " ".join(lists.errors)[:ERROR_CHARACTERS]
    with transaction.atomic():
        if not connection.end_sync(**news, **_report(lists, error)):
            return SyncResult(busy=True)
        changed = _write(AuthFile, lists.files) if lists.files is not None else 0
        if lists.keys:
            types = [PROVIDER_LISTS[name] for name in lists.keys]
            changed += _write(Provider, chain(*lists.keys.values()), lambda row: row.provider_type in types)
        if changed or news:
            Connection.change()
        if error and not lists.refused:  # that is an incident of its own
            Incident.begin("sync", error)
        elif connection.last_error:
            Incident.end("sync")
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
    model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["auth_index"], update_fields=names)
    model.objects.filter(pk__in=gone).update(absent_since=timezone.now())
    if model is AuthFile:
        before = {index: row.state for index, row in known.items()}
        states = {row.auth_index: (row.state, row.status_message) for row in rows}
        states |= {row.auth_index: ("absent", "") for row in known.values() if row.pk in gone}
        AccountState.note({index: new for index, new in states.items() if new[0] != before.get(index)})
    return len(rows) + len(gone)


def _with_names(fields, known) -> Row:
    """The fields of a row, with the names it had where CPA leaves them out."""
    row = known.get(fields["auth_index"])
    return fields | {name: getattr(row, name) for name in NAMES if row and not fields.get(name, True)}


def _report(lists, error) -> dict:
    """Fields of the connection that say how the sync went."""
    now = timezone.now()
    fields = {"last_error": error, "last_error_at": now if error else None}
    if lists.answered:
        fields["last_sync_at"] = now
    return fields
