"""Events as the API shows them."""

from datetime import datetime
from typing import Annotated

from django.db.models import F
from django.utils.timezone import localtime
from msgspec import Meta, Struct, convert

from pricing.tokenclasses import CLASSES
from usage.analytics.answers import PICO, Instant, instant, tokens_of
from usage.analytics.events.explaining import Explanation, cost_of, explained, found_for, is_minimum
from usage.models.event import key_of
from usage.models.labels import group_of, key_name
from usage.models.querysets import EventQuerySet
from usage.query.names import account_names
from usage.query.partial import price_book
from usage.time.periods import rfc3339_utc_us


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
    source_display: Annotated[str, Meta(description="Its name, where people gave it one.")]
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
    cache_creation_1h_tokens: int
    total_tokens: int
    failed: bool
    fail_status_code: int
    fail_body: str
    reasoning_effort: str
    service_tier: str
    request_service_tier: str
    response_service_tier: str
    cost: Annotated[float | None, Meta(description="US dollars; null when it is not known: price.reason says why.")]
    cost_is_minimum: Annotated[bool, Meta(description="Whether it may have cost more: price.at_least says why.")]
    final: Annotated[bool, Meta(description="Whether this attempt ended the client's request.")]
    claimed_timestamp: Annotated[str | None, Meta(description="The record's own time, where it was not believed.")]


class EventDetail(EventRow, frozen=True, kw_only=True):
    """One upstream attempt, with all that is kept of it."""

    unclassified_tokens: Annotated[int, Meta(description="Tokens of the total that belong to no class.")]
    tier: Annotated[str, Meta(description="What it is billed as: '', flex, priority, batch or fast.")]
    context_over: Annotated[int, Meta(description="The context step of its price: its input is larger than this.")]
    fail_body_length: Annotated[int, Meta(description="Characters of the error body before it was cut.")]
    client_ip: str
    x_forwarded_for: str
    user_agent: str
    price: Annotated[Explanation, Meta(description="What is behind the cost.")]


class FullRow(EventRow, frozen=True, kw_only=True):
    """One upstream attempt with all that gives the same totals in another database."""

    cache_creation_5m_tokens: int
    unclassified_tokens: int
    tier: str
    context_over: int
    clock: int
    api_key: str
    api_key_mask: str
    api_key_name: str
    fail_body_length: int
    client_ip: str
    x_forwarded_for: str
    user_agent: str

    @property
    def local_time(self) -> datetime:
        """When it began by the clocks of the zone, to the second and without an offset, as spreadsheets know times."""
        return localtime(datetime.fromisoformat(self.timestamp)).replace(microsecond=0, tzinfo=None)


class ExportRow(FullRow, frozen=True, kw_only=True):
    """The same as files hold it: the account as records call it, not as people do."""


# How an event is stored: where a field of the answer has another name, and what the fields below are computed from.
OF_SERIES = (
    *("provider", "executor_type", "source", "source_display", "auth_index", "auth_type", "endpoint"),
    *("reasoning_effort", "model_id", "requested_model", "tier", "context_over", "clock"),
)
STORED = {name: F(f"series__{name}") for name in OF_SERIES} | {
    "model": F("series__model__name"),
    "alias": F("series__requested_model"),
    "api_key": F("series__api_key__fingerprint"),
    "api_key_mask": F("series__api_key__mask"),
    "api_key_name": F("series__api_key__alias"),
    "cache_creation_5m_tokens": F("cache_write"),
    "unclassified_tokens": F("unclassified"),
}
PLAIN = (
    *("timestamp", "fingerprint", "request_id", "latency_ms", "ttft_ms", "failed", "fail_status_code", "fail_body"),
    *("service_tier", "request_service_tier", "response_service_tier", "final", "claimed", "fail_body_length"),
    *("total", *CLASSES),
)
OF_CLIENT = {
    "client_ip": F("client__ip"),
    "x_forwarded_for": F("client__forwarded_for"),
    "user_agent": F("client__user_agent"),
}


def event_rows(events: EventQuerySet, shape: type[EventRow] = EventRow) -> list[EventRow]:
    """The events as they come, in this shape; each priced with the rates of its day."""
    book = price_book()
    # Plain values: an instance of each event, series, model and key would take thrice as long.
    more = OF_CLIENT if issubclass(shape, FullRow) else {}
    names = {} if shape is ExportRow else account_names()
    return [convert(_completed(event, book, names), shape) for event in events.values(*PLAIN, **STORED, **more)]


def event_detail(events: EventQuerySet) -> EventDetail | None:
    """Everything about the first event, if there is one."""
    event = events.values(*PLAIN, **STORED, **OF_CLIENT).first()
    if event is None:
        return None
    book = price_book()
    completed = _completed(event, book, account_names())
    return convert({**completed, "price": explained(event, book)}, EventDetail)


def _completed(event, book, names):
    """The values of an event with what is computed from them; `names` of accounts, by index or source."""
    name = key_name(event["api_key_name"], event["api_key_mask"])
    group, display = group_of(event["api_key"], name, event["provider"], event["endpoint"])
    found = found_for(event, book)
    cost = cost_of(event, found)
    return {
        **event,
        **tokens_of(event),
        "event_key": key_of(event["timestamp"], event["fingerprint"]),
        "timestamp": rfc3339_utc_us(event["timestamp"]),
        "api_group_key": group,
        "api_group_display": display,
        "source_display": names.get(event["auth_index"]) or names.get(event["source"]) or event["source_display"],
        "cost": None if cost is None else cost / PICO,
        "cost_is_minimum": cost is not None and is_minimum(event, found),
        "claimed_timestamp": instant(event["claimed"]),
    }
