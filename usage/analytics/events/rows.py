"""Events as the API shows them."""

from typing import Annotated

from django.conf import settings
from msgspec import Meta, Struct

from pricing.book import PriceBook
from pricing.rates import cost
from usage.analytics.answers import PICO, Instant, instant
from usage.analytics.events.explaining import Explanation, explained
from usage.models.event import key_of
from usage.models.labels import group_of, key_name
from usage.models.querysets import EventQuerySet
from usage.time.periods import local_day, rfc3339_utc_us
from usage.time.units import SECOND_US


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


class EventDetail(EventRow, frozen=True, kw_only=True):
    """One upstream attempt, with all that is kept of it."""

    unclassified_tokens: Annotated[int, Meta(description="Tokens of the total that belong to no class.")]
    tier: Annotated[str, Meta(description="What it is billed as: '', flex, priority or batch.")]
    context_over: Annotated[int, Meta(description="The context step of its price: its input is larger than this.")]
    fail_body_length: Annotated[int, Meta(description="Characters of the error body before it was cut.")]
    client_ip: str
    x_forwarded_for: str
    user_agent: str
    price: Annotated[Explanation, Meta(description="What is behind the cost.")]


MEASURED = ("uncached", "cache_read", "cache_write", "output", "reasoning", "unclassified", "total")
COLUMNS = (
    *("timestamp", "fingerprint", "request_id", "latency_ms", "ttft_ms", *MEASURED, "fail_status_code", "fail_body"),
    *("service_tier", "request_service_tier", "response_service_tier", "final", "claimed", "series__provider"),
    *("series__executor_type", "series__model_id", "series__model__name", "series__requested_model", "series__source"),
    *("series__source_display", "series__auth_index", "series__auth_type", "series__api_key__fingerprint"),
    *("series__api_key__mask", "series__api_key__alias", "series__endpoint", "series__tier", "series__context_over"),
    *("series__reasoning_effort", "failed"),
)
MORE = ("fail_body_length", "client__ip", "client__forwarded_for", "client__user_agent")


def event_rows(events: EventQuerySet) -> list[EventRow]:
    """The events as they come; each priced with the rates of its day."""
    book = PriceBook.current()
    # Plain values: an instance of each event, series, model and key would take thrice as long.
    return [_row(EventRow, event, book) for event in events.values_list(*COLUMNS, named=True)]


def event_detail(events: EventQuerySet) -> EventDetail | None:
    """Everything about the first event, if there is one."""
    event = events.values_list(*COLUMNS, *MORE, named=True).first()
    if event is None:
        return None
    book = PriceBook.current()
    return _row(
        EventDetail,
        event,
        book,
        price=explained(event, book),
        unclassified_tokens=event.unclassified,
        tier=event.series__tier,
        context_over=event.series__context_over,
        fail_body_length=event.fail_body_length,
        client_ip=event.client__ip,
        x_forwarded_for=event.client__forwarded_for,
        user_agent=event.client__user_agent,
    )


def _cost(event, book):
    """US dollars; None without a price."""
    day = local_day(event.timestamp // SECOND_US, settings.TIME_ZONE)
    rates = book.rates(event.series__model_id, day, event.series__tier, event.series__context_over)
    if rates is None:
        return None
    classes = (event.uncached, event.cache_read, event.cache_write, event.output, event.reasoning, event.unclassified)
    return cost(rates, *classes) / PICO


def _row(shape, event, book, **more):
    provider, endpoint, key = event.series__provider, event.series__endpoint, event.series__api_key__fingerprint
    name = key_name(event.series__api_key__alias, event.series__api_key__mask)
    group, display = group_of(key, name, provider, endpoint)
    return shape(
        event_key=key_of(event.timestamp, event.fingerprint),
        timestamp=rfc3339_utc_us(event.timestamp),
        provider=provider,
        executor_type=event.series__executor_type,
        model=event.series__model__name,
        alias=event.series__requested_model,
        api_group_key=group,
        api_group_display=display,
        source=event.series__source,
        source_display=event.series__source_display,
        auth_index=event.series__auth_index,
        auth_type=event.series__auth_type,
        endpoint=endpoint,
        request_id=event.request_id,
        latency_ms=event.latency_ms,
        ttft_ms=event.ttft_ms,
        input_tokens=event.uncached,
        output_tokens=event.output + event.reasoning,
        reasoning_tokens=event.reasoning,
        cached_tokens=event.cache_read,
        cache_read_tokens=event.cache_read,
        cache_creation_tokens=event.cache_write,
        total_tokens=event.total,
        failed=event.failed,
        fail_status_code=event.fail_status_code,
        fail_body=event.fail_body,
        reasoning_effort=event.series__reasoning_effort,
        service_tier=event.service_tier,
        request_service_tier=event.request_service_tier,
        response_service_tier=event.response_service_tier,
        cost=_cost(event, book),
        final=event.final,
        claimed_timestamp=instant(event.claimed),
        **more,
    )
