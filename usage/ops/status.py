"""How the drain and the metadata sync are doing."""

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.utils import timezone
from msgspec import Meta, Struct

from usage.models import DeadLetter, DrainState, Series
from usage.models.labels import OTHER
from usage.ops import gaps
from usage.ops.incidents import latest
from usage.ops.notices import Watch, is_alive
from usage.query.replica import Replica
from usage.records.decoding import is_known
from usage.records.tokens import family
from usage.time.periods import rfc3339_utc_us


class Guessed(Struct, frozen=True):
    """A provider and an executor that say nothing about how their tokens are counted: we count them as OpenAI does."""

    provider: str
    executor_type: str


class Status(Struct, frozen=True, kw_only=True):
    """How the drain and the metadata sync are doing; a time that never was is null, an error that is not is empty."""

    redis_address: Annotated[str, Meta(description="host:port of CPA's queue.")]
    redis_mode: Annotated[str, Meta(description="The transport of the queue in use, else the one configured.")]
    batches_popped: int
    total_inserted: int
    total_deduped: int
    total_decode_errors: int
    total_too_late: Annotated[int, Meta(description="Records older than the kept detail.")]
    total_folded: Annotated[int, Meta(description="Records whose labels were too many and went to (other).")]
    unknown_fields: Annotated[
        list[str], Meta(description="Names of fields of records that we do not know, 50 at most.")
    ]
    guessed: Annotated[list[Guessed], Meta(description="Whose way to count tokens is guessed.")]
    last_pop_at: datetime | None
    last_inserted_at: datetime | None
    last_error: Annotated[str, Meta(description="What keeps the drain from its work, or did last.")]
    last_error_at: Annotated[datetime | None, Meta(description="Since when.")]
    last_error_ended_at: Annotated[datetime | None, Meta(description="Until when; null while it lasts.")]
    notices: Annotated[list[str], Meta(description="Ids of what is wrong, the most urgent first: see /notices.")]
    last_metadata_sync_at: datetime | None
    last_metadata_error: str
    statistics_enabled: Annotated[bool | None, Meta(description="Whether CPA writes records at all; null: not known.")]
    request_log_enabled: Annotated[bool | None, Meta(description="Whether CPA keeps a log of every request.")]
    refused: Annotated[str | None, Meta(description="What to do about a management key that CPA refuses.")]
    drain_host: Annotated[str, Meta(description="The machine whose drain is at work; empty on SQLite.")]
    replica: Annotated[Replica | None, Meta(description="Of DATABASE_READ_URL; null where there is none.")]
    drain_alive: Annotated[bool, Meta(description="Whether the drain gave a sign of life in the last 45 seconds.")]
    lag_ms: Annotated[int, Meta(description="From the arrival to the commit of the last batch.")]
    spool_files: Annotated[int, Meta(description="Batches popped and not stored yet.")]
    spool_bytes: int
    dead_letters: Annotated[int, Meta(description="Records kept whole because they could not be stored.")]
    gaps: Annotated[list[gaps.GapRow], Meta(description="Newest first, the latest 100.")]
    proved_at: Annotated[datetime | None, Meta(description="When the totals were last compared with their events.")]
    proof: Annotated[str | None, Meta(description="What that found.")]
    proof_holds: Annotated[bool | None, Meta(description="Whether all was as it should be.")]
    zone: Annotated[str, Meta(description="The time zone days are counted in.")]
    detail_from: Annotated[str | None, Meta(description="Start of kept detail; null while everything is kept.")]


def status(watched: Watch | None = None) -> Status:
    """The state of the drain, the catalog's view of CPA, and recent errors; `watched`: of a page that has looked."""
    watched, error = watched or Watch(), latest()
    state, cpa = watched.state, watched.connection
    as_stored = {name: value for name, value in vars(state).items() if name in Status.__struct_fields__}
    as_shown = {
        "redis_address": settings.REDIS_QUEUE_ADDR,
        "unknown_fields": unknown_fields(state),
        "guessed": guessed(),
        "redis_mode": state.mode or settings.QUEUE_MODE,
        "last_metadata_sync_at": cpa.last_sync_at,
        "last_metadata_error": cpa.last_error,
        "statistics_enabled": cpa.statistics_enabled,
        "request_log_enabled": cpa.request_log_enabled,
        "refused": cpa.refusal(),
        "last_error": error.sentence if error else "",
        "last_error_at": error and error.since,
        "last_error_ended_at": error and error.until,
        "notices": [notice.id for notice in watched.notices],
        "drain_host": state.host,
        "replica": watched.replica,
        "drain_alive": is_alive(state, timezone.now()),
        "proof": state.proof or None,
        "dead_letters": DeadLetter.objects.count(),
        "gaps": gaps.rows(),
        "zone": state.zone or settings.TIME_ZONE,
        "detail_from": None if state.events_from is None else rfc3339_utc_us(state.events_from),
    }
    return Status(**as_stored | as_shown)


def unknown_fields(state: DrainState) -> list[str]:
    """Names of fields of records that this version does not know."""
    return [name for name in state.unknown_fields if not is_known(name)]


def guessed() -> list[Guessed]:
    """The providers and executors whose family is not known."""
    pairs = Series.objects.exclude(provider=OTHER).order_by("provider", "executor_type")
    pairs = pairs.values_list("provider", "executor_type").distinct()
    return [Guessed(provider, executor) for provider, executor in pairs if not family(executor, provider)]
