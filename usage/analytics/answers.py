"""The shapes of our answers: what analytics returns, what the API sends, and what its schema says."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing
from pricing.tokenclasses import CACHE_WRITES
from usage.models import MEASURES
from usage.time.periods import rfc3339_utc_us

PICO = 10**12
_AT = {name: i for i, name in enumerate(MEASURES)}

Instant = Annotated[str, Meta(description="RFC 3339; UTC with Z for instants and buckets up to an hour.")]
Tokens = Annotated[int, Meta(description="Tokens.")]
Usd = Annotated[float, Meta(description="US dollars, unrounded; unpriced tokens add nothing.")]


class Figures(Struct, frozen=True, kw_only=True):
    """The measures every answer is made of."""

    total: Annotated[int, Meta(description="Attempts: one record of CPA each; pages call them requests.")] = 0
    success: int = 0
    failed: int = 0
    input_tokens: Annotated[int, Meta(description="Uncached input, billed at the prompt price.")] = 0
    output_tokens: Annotated[int, Meta(description="Output with reasoning, billed at the completion price.")] = 0
    reasoning_tokens: Tokens = 0
    cached_tokens: Annotated[int, Meta(description="The same as cache_read_tokens.")] = 0
    cache_read_tokens: Tokens = 0
    cache_creation_tokens: Annotated[int, Meta(description="Written to a cache, for however long.")] = 0
    cache_creation_1h_tokens: Annotated[int, Meta(description="Of these: for an hour, as far as CPA tells.")] = 0
    total_tokens: Annotated[int, Meta(description="CPA's own figure.")] = 0
    cost: Usd = 0.0
    unpriced_tokens: Annotated[int, Meta(description="Tokens of models without a price.")] = 0
    unpriced_requests: Annotated[
        int, Meta(description="Successes of unknown cost: without a price, or without any tokens to price.")
    ] = 0
    without_tokens: Annotated[int, Meta(description="Successes without any tokens, such as images.")] = 0
    client_requests: Annotated[int, Meta(description="Requests as clients saw them: retries count once.")] = 0
    client_failed: int = 0

    @property
    def input_total(self) -> int:
        """All input: uncached, read from and written to a cache."""
        return self.input_tokens + self.cache_read_tokens + self.cache_creation_tokens

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of input that was read from a cache."""
        return self.cache_read_tokens / self.input_total if self.input_total else None

    @property
    def success_rate(self) -> float | None:
        """The share of attempts that succeeded."""
        return self.success / self.total if self.total else None

    @property
    def answered_rate(self) -> float | None:
        """The share of clients' requests that were answered, retries counted once."""
        return 1 - self.client_failed / self.client_requests if self.client_requests else None

    @property
    def known_cost(self) -> float | None:
        """The cost; None where nothing that was used has a known one."""
        unknown = has_no_known_cost(self.success, self.cost, self.unpriced_tokens, self.unpriced_requests)
        return None if unknown else self.cost


def has_no_known_cost(successes, cost, unpriced_tokens, unpriced_requests) -> bool:
    """Whether nothing of what was used has a known cost."""
    return not cost and bool(unpriced_requests or unpriced_tokens) and unpriced_requests >= successes


# Measures that answers call as totals do.
AS_COUNTED = ("failed", "client_requests", "client_failed", "without_tokens", "unpriced_tokens", "unpriced_requests")


def figures(row) -> dict:
    """The fields of Figures from measures in the order of MEASURES."""
    at = dict(zip(MEASURES, row, strict=True))
    return {
        **{name: at[name] for name in AS_COUNTED},
        **tokens_of(at),
        "total": at["requests"],
        "success": at["requests"] - at["failed"],
        "cost": at["cost"] / PICO,
    }


def tokens_of(counted: Mapping[str, int]) -> dict[str, int]:
    """The fields that answers count tokens in, of an event or of totals, from its token classes and its total."""
    return {
        "input_tokens": counted["uncached"],
        "output_tokens": counted["output"] + counted["reasoning"],
        "reasoning_tokens": counted["reasoning"],
        "cached_tokens": counted["cache_read"],
        "cache_read_tokens": counted["cache_read"],
        "cache_creation_tokens": sum(counted[name] for name in CACHE_WRITES),
        "cache_creation_1h_tokens": counted["cache_write_1h"],
        "total_tokens": counted["total"],
    }


Mean = Annotated[float | None, Meta(description="Milliseconds; null where nothing was measured.")]


class Summary(Figures, frozen=True, kw_only=True):
    """The measures, with how long answers took on average."""

    mean_latency_ms: Mean
    mean_ttft_ms: Mean


def summary_of(row) -> Summary:
    """From measures in the order of MEASURES."""
    return Summary(
        **figures(row),
        mean_latency_ms=_mean(row[_AT["latency_ms"]], row[_AT["latency_count"]]),
        mean_ttft_ms=_mean(row[_AT["ttft_ms"]], row[_AT["ttft_count"]]),
    )


def _mean(total, count):
    return total / count if count else None


def instant(us: int | None) -> str | None:
    """A moment (µs since the epoch) as RFC 3339; None stays None."""
    return None if us is None else rfc3339_utc_us(us)


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


class Analysis(Listing, frozen=True, kw_only=True):
    """Who used what, most requests first."""

    by_api: list[GroupFigures]
    by_model: list[ModelFigures]
    by_api_and_model: list[GroupModelFigures]
    detail_from: str | None


class Names(Listing, frozen=True, kw_only=True):
    """Names, sorted."""

    items: list[str]
