"""The shapes of our answers: what analytics returns, what the API sends, and what its schema says."""

from typing import Annotated

from msgspec import Meta, Struct

from usage.models import MEASURES

PICO = 10**12
_AT = {name: i for i, name in enumerate(MEASURES)}

Instant = Annotated[str, Meta(description="RFC 3339; UTC with Z for instants and buckets up to an hour.")]
Tokens = Annotated[int, Meta(description="Tokens.")]
Usd = Annotated[float, Meta(description="US dollars, unrounded; unpriced tokens add nothing.")]


class Figures(Struct, frozen=True, kw_only=True):
    """The measures every answer is made of."""

    total: Annotated[int, Meta(description="Attempts: one record of CPA each.")] = 0
    success: int = 0
    failed: int = 0
    input_tokens: Annotated[int, Meta(description="Uncached input, billed at the prompt price.")] = 0
    output_tokens: Annotated[int, Meta(description="Output with reasoning, billed at the completion price.")] = 0
    reasoning_tokens: Tokens = 0
    cached_tokens: Annotated[int, Meta(description="The same as cache_read_tokens.")] = 0
    cache_read_tokens: Tokens = 0
    cache_creation_tokens: Tokens = 0
    total_tokens: Annotated[int, Meta(description="CPA's own figure.")] = 0
    cost: Usd = 0.0
    unpriced_tokens: Annotated[int, Meta(description="Tokens of models without a price.")] = 0
    client_requests: Annotated[int, Meta(description="Requests as clients saw them: retries count once.")] = 0
    client_failed: int = 0


def figures(row) -> dict:
    """The fields of Figures from measures in the order of MEASURES."""
    requests, failed, client_requests, client_failed, uncached, read, write, output, reasoning, _, total = row[:11]
    return {
        "total": requests,
        "success": requests - failed,
        "failed": failed,
        "input_tokens": uncached,
        "output_tokens": output + reasoning,
        "reasoning_tokens": reasoning,
        "cached_tokens": read,
        "cache_read_tokens": read,
        "cache_creation_tokens": write,
        "total_tokens": total,
        "cost": row[_AT["cost"]] / PICO,
        "unpriced_tokens": row[_AT["unpriced_tokens"]],
        "client_requests": client_requests,
        "client_failed": client_failed,
    }


class Bucket(Figures, frozen=True, kw_only=True):
    """The measures of one hour or day."""

    bucket: Instant


class Cell(Struct, frozen=True):
    """One cell of a health grid."""

    bucket: Instant
    total: int
    failed: int


class Overview(Struct, frozen=True, kw_only=True):
    """The period at a glance."""

    summary: Figures
    hourly_series: Annotated[list[Bucket], Meta(description="Gap-free UTC hours; the last 7 days of a long period.")]
    daily_series: Annotated[list[Bucket], Meta(description="Gap-free local days.")]
    health_grid: Annotated[list[list[Cell]], Meta(description="Quarter hours, a row a local day; 31 rows at most.")]
    generated_at: Instant
    detail_from: Annotated[str | None, Meta(description="Start of kept detail; null while everything is kept.")]


class DayCell(Struct, frozen=True):
    """One day of the year view."""

    date: str
    bucket: Instant
    total: int
    failed: int


class Year(Struct, frozen=True):
    """A year in which something happened."""

    year: int
    total: int


class Health(Struct, frozen=True, kw_only=True):
    """A year of days, and one of them in five-minute cells."""

    year: int
    start: Instant
    end: Instant
    days: list[DayCell]
    years: list[Year]
    selected_day: str | None
    detail: Annotated[list[list[Cell]], Meta(description="Rows of 48 five-minute cells of the selected day.")]
    detail_from: str | None


class GroupFigures(Figures, frozen=True, kw_only=True):
    """The measures of one client key (else provider, else endpoint, else unknown)."""

    api_group_key: str
    api_group_display: str


class ModelFigures(Figures, frozen=True, kw_only=True):
    """The measures of one model."""

    model: str


class GroupModelFigures(GroupFigures, frozen=True, kw_only=True):
    """The measures of one model as used by one group."""

    model: str


class Analysis(Struct, frozen=True, kw_only=True):
    """Who used what, most requests first."""

    by_api: list[GroupFigures]
    by_model: list[ModelFigures]
    by_api_and_model: list[GroupModelFigures]
    detail_from: str | None


class KeyOption(Struct, frozen=True):
    """A client key to choose."""

    api_key: str
    label: str


class SourceOption(Struct, frozen=True):
    """A source to choose."""

    source: str
    label: str


class FilterOptions(Struct, frozen=True, kw_only=True):
    """What occurs in the period and can be filtered by."""

    models: list[str]
    sources: list[str]
    api_key_options: list[KeyOption]
    source_options: list[SourceOption]
    providers: list[str]
    endpoints: list[str]
    requested_models: list[str]
    reasoning_efforts: list[str]
    tiers: list[str]
    detail_from: str | None


class Credential(Figures, frozen=True, kw_only=True):
    """One account: an auth file or a provider's key."""

    source: str
    source_display: str
    auth_index: str
    name: str
    email: str
    provider: str
    status: str
    last_seen: Annotated[str | None, Meta(description="Start of its newest kept quarter hour, in the period or not.")]


class Credentials(Struct, frozen=True, kw_only=True):
    """Accounts, most requests first."""

    items: list[Credential]
    detail_from: str | None


class EventRow(Struct, frozen=True, kw_only=True):
    """One upstream attempt."""

    event_key: str
    timestamp: Instant
    provider: str
    executor_type: str
    model: str
    alias: Annotated[str, Meta(description="The model name the client asked for.")]
    api_group_key: str
    api_group_display: str
    source: str
    source_display: str
    auth_index: str
    auth_type: str
    endpoint: str
    request_id: str
    latency_ms: int
    ttft_ms: int
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    total_tokens: int
    failed: bool
    fail_status_code: int
    fail_body: str
    reasoning_effort: str
    service_tier: str
    request_service_tier: str
    response_service_tier: str
    cost: Annotated[float | None, Meta(description="US dollars; null when the model has no price.")]
    final: Annotated[bool, Meta(description="Whether this attempt ended the client's request.")]
    claimed_timestamp: Annotated[str | None, Meta(description="The record's own time, where it was not believed.")]


class EventPage(Struct, frozen=True, kw_only=True):
    """One page of events, newest first."""

    total: int
    page: int
    page_size: int
    total_pages: int
    items: list[EventRow]
    detail_from: str | None


class Names(Struct, frozen=True):
    """Names, sorted."""

    items: list[str]
