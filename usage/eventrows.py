"""Events as the API shows them."""

from collections.abc import Iterable
from typing import Annotated

from django.conf import settings
from msgspec import Meta

from pricing.book import PriceBook
from pricing.rates import cost
from usage.answers import PICO, EventRow
from usage.explaining import Explanation, explained
from usage.models import Event
from usage.periods import local_day, rfc3339_utc_us


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


def event_rows(events: Iterable[Event]) -> list[EventRow]:
    """Rows of events read with their series, model and key; each priced with the rates of its day."""
    book = PriceBook.current()
    return [_row(EventRow, event, book) for event in events]


def event_detail(event: Event) -> EventDetail:
    """Everything about one event, read with its series and client."""
    book = PriceBook.current()
    return _row(
        EventDetail,
        event,
        book,
        price=explained(event, book),
        unclassified_tokens=event.unclassified,
        tier=event.series.tier,
        context_over=event.series.context_over,
        fail_body_length=event.fail_body_length,
        client_ip=event.client.ip,
        x_forwarded_for=event.client.forwarded_for,
        user_agent=event.client.user_agent,
    )


def event_cost(event: Event, book: PriceBook) -> int | None:
    """Pico-USD; None without a price."""
    series, day = event.series, local_day(event.timestamp // 1_000_000, settings.TIME_ZONE)
    rates = book.rates(series.model_id, day, series.tier, series.context_over)
    if rates is None:
        return None
    classes = (event.uncached, event.cache_read, event.cache_write, event.output, event.reasoning, event.unclassified)
    return cost(rates, *classes)


def _row(shape, event, book, **more):
    series, pico = event.series, event_cost(event, book)
    group, display = series.group
    return shape(
        event_key=event.key,
        timestamp=rfc3339_utc_us(event.timestamp),
        provider=series.provider,
        executor_type=series.executor_type,
        model=series.model.name,
        alias=series.requested_model,
        api_group_key=group,
        api_group_display=display,
        source=series.source,
        source_display=series.source_display,
        auth_index=series.auth_index,
        auth_type=series.auth_type,
        endpoint=series.endpoint,
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
        failed=series.failed,
        fail_status_code=event.fail_status_code,
        fail_body=event.fail_body,
        reasoning_effort=series.reasoning_effort,
        service_tier=event.service_tier,
        request_service_tier=event.request_service_tier,
        response_service_tier=event.response_service_tier,
        cost=None if pico is None else pico / PICO,
        final=event.final,
        claimed_timestamp=None if event.claimed is None else rfc3339_utc_us(event.claimed),
        **more,
    )
