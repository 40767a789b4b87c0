"""Why attempts failed: by status and by the message of the upstream."""

from typing import Annotated

from django.db.models import Count, Max
from msgspec import Meta, Struct

from usage.models import Event
from usage.models.querysets import MESSAGE_LENGTH
from usage.query.filters import UsageFilter
from usage.query.reader import Reader
from usage.query.snapshots import snapshot
from usage.time.periods import rfc3339_utc_us

SHOWN = 50


class Reason(Struct, frozen=True):
    """Failures that share a status and the beginning of a message."""

    status: int
    message: Annotated[str, Meta(description=f"The first {MESSAGE_LENGTH} characters of the body.")]
    count: int
    last: Annotated[str, Meta(description="When the newest of them began.")]


class StatusCount(Struct, frozen=True):
    """Failures with one status code, 0 for those without one."""

    status: int
    count: int


class Failures(Struct, frozen=True, kw_only=True):
    """The commonest reasons among the kept events of a period."""

    total: int
    by_status: list[StatusCount]
    reasons: list[Reason]


@snapshot()
def failures(filters: UsageFilter) -> Failures:
    """By status and message, the commonest first; of kept events only."""
    found = sorted(_counted(filters), key=lambda row: (-row[2], -row[3]))
    by_status: dict[int, int] = {}
    for status, _, count, _ in found:
        by_status[status] = by_status.get(status, 0) + count
    return Failures(
        total=sum(by_status.values()),
        by_status=[StatusCount(*pair) for pair in sorted(by_status.items(), key=lambda item: (-item[1], item[0]))],
        reasons=[Reason(status, message, n, rfc3339_utc_us(last)) for status, message, n, last in found[:SHOWN]],
    )


def _counted(filters):
    """(status, message, how many, µs of the newest) of each reason."""
    period = Reader.of(filters).kept().filters.period
    events = Event.objects.filter(failed=True).between(period.start, period.end).matching(filters).with_message()
    by = ("fail_status_code", "message")
    return (
        events.values_list(*by).annotate(n=Count("id"), last=Max("timestamp")).values_list(*by, "n", "last").order_by()
    )
