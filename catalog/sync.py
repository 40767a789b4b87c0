"""One refresh of everything CPA says about itself: read each list, compare, write what differs in one transaction."""

import time

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from msgspec import Struct, structs

from catalog.cpa import SWITCHES, Build, Cpa
from catalog.facts import PROVIDER_LISTS, AuthFileList, Row
from catalog.models import AuthFile, Connection, Provider
from catalog.problems import NotOffered, Problem, Refused, Unavailable, Unreachable

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


class Lists(Struct):
    """CPA's lists and switches; None (or no entry in `keys` and `switches`) where they could not be read."""

    files: AuthFileList | None = None
    keys: dict[str, list[Row]] = {}
    key_attempts: int | None = None
    models: list[str] | None = None
    switches: dict[str, bool] = {}
    build: Build | None = None
    errors: list[str] = []
    answered: bool = False

    def read(self, method, *arguments, optional=False):
        """The result of a method of Cpa, or None: a list that fails must not blank the others.

        Raises Refused and Unreachable. `optional`: older versions of CPA do not have it.
        """
        try:
            found = method(*arguments)
        except (Refused, Unreachable):
            raise
        except Unavailable as problem:
            if not (optional and isinstance(problem, NotOffered)):
                self.errors.append(str(problem))
            return None
        self.answered = True
        return found

    def read_into(self, found: dict, method, name: str):
        """Keep the result of an optional method of Cpa by name, if it can be read."""
        result = self.read(method, name, optional=True)
        if result is not None:
            found[name] = result


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
            _read_all(cpa, lists)
    except Problem as problem:
        lists.errors.append(str(problem))
    return lists


def _read_all(cpa, lists):
    """One list after the other, so that a refusal midway leaves what was read before it."""
    lists.files = lists.read(cpa.auth_files)
    lists.build = cpa.build
    for name in PROVIDER_LISTS:
        lists.read_into(lists.keys, cpa.provider_keys, name)
    for name in SWITCHES:
        lists.read_into(lists.switches, cpa.switch, name)
    lists.key_attempts = lists.read(cpa.key_attempts, optional=True)
    lists.models = lists.read(cpa.models)


def _store(lists, connection) -> SyncResult:
    rows, gone = _differences(lists)
    news = _news(lists, connection)
    error = " ".join(lists.errors)[:ERROR_CHARACTERS]
    result = SyncResult(len(rows) + len(gone), error, connection.last_error)
    fields = {**news, **_report(lists, error)}
    if result.changed or news:
        fields["revision"] = models.F("revision") + 1
    with transaction.atomic():
        if not connection.end_sync(**fields):
            return SyncResult(busy=True)
        for model in (AuthFile, Provider):
            _write(model, [r for r in rows if isinstance(r, model)], [r.pk for r in gone if isinstance(r, model)])
    return result


def _differences(lists) -> tuple[list, list]:
    """Rows to write (new or changed), and rows that CPA no longer lists where the list itself was read."""
    rows, gone = [], []
    if lists.files is not None:
        _compare(AuthFile.objects.all(), lists.files.items, rows, gone)
    if lists.keys:
        types = [PROVIDER_LISTS[name] for name in lists.keys]
        listed = [row for rows in lists.keys.values() for row in rows]
        _compare(Provider.objects.all(), listed, rows, gone, types)
    return rows, gone


def _compare(known, listed: list[Row], rows, gone, types=None):
    """`types`: only rows of these provider types can be gone."""
    model, known = known.model, {row.auth_index: row for row in known}
    listed = {fields["auth_index"]: fields for fields in listed}
    for index, fields in listed.items():
        row = known.get(index)
        if row is not None:
            fields |= {name: getattr(row, name) for name in NAMES if not fields.get(name, True)}
        if row is None or row.absent_since or any(getattr(row, name) != value for name, value in fields.items()):
            rows.append(model(**fields))
    gone += [
        row
        for index, row in known.items()
        if index not in listed and not row.absent_since and (types is None or row.provider_type in types)
    ]


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


def _write(model, rows, gone):
    if rows:
        fields = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "auth_index")]
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["auth_index"], update_fields=fields)
    if gone:
        model.objects.filter(pk__in=gone).update(absent_since=timezone.now())
