"""One refresh of everything CPA says about itself: ask each list, compare, write what differs in one transaction."""

import time

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from msgspec import Struct, structs

from catalog.cpa import Build, Cpa
from catalog.facts import PROVIDER_LISTS, AuthFileFacts, AuthFileList, ProviderFacts
from catalog.models import AuthFile, Connection, Provider
from catalog.problems import NotOffered, Problem, Refused, Unavailable, Unreachable

BUSY = "Another refresh of CPA's lists is running: try again in a moment."
ERROR_CHARACTERS = 500
WRITING_SECONDS = 30  # a result is written within this, however busy the database is
# Once known, these are not forgotten because CPA leaves them out.
NAMES = ("name", "email", "type", "provider", "label", "plan")


class SyncResult(Struct, frozen=True):
    """What a sync did. `changed`: accounts and keys written. `error` is '' when all went well, `error_before` is that
    of the sync before. `busy`: another process is at it, and nothing was done."""

    changed: int = 0
    error: str = ""
    error_before: str = ""
    busy: bool = False


class Heard(Struct):
    """What CPA answered; None (or no entry in `keys`) where it did not."""

    files: AuthFileList | None = None
    keys: dict[str, list[ProviderFacts]] = {}
    key_attempts: int | None = None
    models: list[str] | None = None
    statistics_enabled: bool | None = None
    request_log_enabled: bool | None = None
    build: Build | None = None
    errors: list[str] = []
    answered: bool = False

    def ask(self, question, *details, optional=False):
        """The answer, or None: a list that fails must not blank the others. Raises Refused and Unreachable.

        `optional` is what older versions of CPA do not have.
        """
        try:
            answer = question(*details)
        except (Refused, Unreachable):
            raise
        except Unavailable as problem:
            if not (optional and isinstance(problem, NotOffered)):
                self.errors.append(str(problem))
            return None
        self.answered = True
        return answer


def sync(seconds: float | None = None, wait: bool = False) -> SyncResult:
    """Refresh everything within `seconds` (by default three times CPA_TIMEOUT); only one refresh runs at a time.

    While another's runs, `wait` for its end and refresh then, or else leave it at that. Raises only for the database.
    """
    ends = time.monotonic() + (seconds or 3 * settings.CPA_TIMEOUT.total_seconds())
    if sentence := Connection.refused():
        return SyncResult(error=sentence, error_before=sentence)
    connection = _take_turn(ends, wait)
    if connection is None:
        return SyncResult(error=BUSY if wait else "", busy=True)
    try:
        return _store(_hear(ends - time.monotonic()), connection)
    except BaseException:
        connection.end_sync()
        raise


def sync_now() -> str:
    """Refresh everything within CPA_TIMEOUT, for somebody who waits: what failed, or ''."""
    return sync(settings.CPA_TIMEOUT.total_seconds(), wait=True).error


def _take_turn(ends, wait) -> Connection | None:
    while True:
        left = max(ends - time.monotonic(), 0)
        connection = Connection.take_sync(left + WRITING_SECONDS)
        if connection or not wait or not left:
            return connection
        time.sleep(min(0.1, left))


def _hear(seconds) -> Heard:
    heard = Heard()
    try:
        with Cpa(seconds) as cpa:
            _ask_all(cpa, heard)
    except Problem as problem:
        heard.errors.append(str(problem))
    return heard


def _ask_all(cpa, heard):
    heard.files = heard.ask(cpa.auth_files)
    heard.build = cpa.build
    for name in PROVIDER_LISTS:
        keys = heard.ask(cpa.provider_keys, name, optional=True)
        if keys is not None:
            heard.keys[name] = keys
    heard.statistics_enabled = heard.ask(cpa.statistics_enabled, optional=True)
    heard.request_log_enabled = heard.ask(cpa.request_log_enabled, optional=True)
    heard.key_attempts = heard.ask(cpa.key_attempts, optional=True)
    heard.models = heard.ask(cpa.models)


def _store(heard, connection) -> SyncResult:
    rows, gone = _differences(heard)
    news = _news(heard, connection)
    error = " ".join(heard.errors)[:ERROR_CHARACTERS]
    result = SyncResult(len(rows) + len(gone), error, connection.last_error)
    fields = {**news, **_report(heard, error)}
    if result.changed or news:
        fields["revision"] = models.F("revision") + 1
    with transaction.atomic():
        if not connection.end_sync(**fields):
            return SyncResult(busy=True)
        for model in (AuthFile, Provider):
            _write(model, [r for r in rows if isinstance(r, model)], [r.pk for r in gone if isinstance(r, model)])
    return result


def _differences(heard) -> tuple[list, list]:
    """Rows to write (new or changed), and rows that CPA no longer lists where the list itself was answered."""
    rows, gone = [], []
    if heard.files is not None:
        _compare(AuthFile.objects.all(), heard.files.items, rows, gone)
    if heard.keys:
        types = [PROVIDER_LISTS[name] for name in heard.keys]
        listed = [facts for keys in heard.keys.values() for facts in keys]
        _compare(Provider.objects.all(), listed, rows, gone, types)
    return rows, gone


def _compare(known, listed: list[AuthFileFacts | ProviderFacts], rows, gone, types=None):
    """`types`: only rows of these provider types can be gone."""
    model, known = known.model, {row.auth_index: row for row in known}
    listed = {facts.auth_index: facts for facts in listed}
    for index, facts in listed.items():
        row, said = known.get(index), structs.asdict(facts)
        if row is not None:
            said |= {name: getattr(row, name) for name in NAMES if not said.get(name, True)}
        if row is None or row.absent_since or any(getattr(row, name) != value for name, value in said.items()):
            rows.append(model(**said))
    gone += [
        row
        for index, row in known.items()
        if index not in listed and not row.absent_since and (types is None or row.provider_type in types)
    ]


def _news(heard, connection) -> dict:
    """Fields of the connection that people see and that differ."""
    build = structs.asdict(heard.build) if heard.build else {}
    said = build | {
        "statistics_enabled": heard.statistics_enabled,
        "request_log_enabled": heard.request_log_enabled,
        "models_offered": heard.models,
    }
    return {name: value for name, value in said.items() if value is not None and getattr(connection, name) != value}


def _report(heard, error) -> dict:
    """Fields that tell how it went."""
    now = timezone.now()
    fields = {"last_error": error, "last_error_at": now if error else None}
    if heard.answered:
        fields["last_sync_at"] = now
    if heard.files is not None and heard.key_attempts is not None:
        fields["attempts_counted"] = heard.files.attempts + heard.key_attempts
    return fields


def _write(model, rows, gone):
    if rows:
        fields = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "auth_index")]
        model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["auth_index"], update_fields=fields)
    if gone:
        model.objects.filter(pk__in=gone).update(absent_since=timezone.now())
