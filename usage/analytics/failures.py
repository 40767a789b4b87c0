"""Why attempts failed: by status and by the message of the upstream."""

from typing import Annotated

from django.db.models import Count, Max, Window
from msgspec import Meta, Struct

from cpa_usage.http.lists import Listing, totals_of
from usage.models import Event
from usage.models.querysets import MESSAGE_LENGTH
from usage.query.filters import UsageFilter
from usage.query.largest import MOST
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


class Failures(Listing, frozen=True, kw_only=True):
    """The commonest reasons among the kept events of a period."""

    total: int
    by_status: list[StatusCount]
    reasons: list[Reason]


@snapshot()
def failures(filters: UsageFilter, limit: int = SHOWN) -> Failures:
    """By status and message, the commonest first; of kept events only."""
    period = Reader.of(filters).kept().filters.period
    events = Event.objects.filter(failed=True).between(period.start, period.end).matching(filters).with_message()
    statuses = _counted(events, "fail_status_code").order_by("-n", "fail_status_code")[:MOST]
    found = list(_counted(events, "fail_status_code", "message").order_by("-n", "-last")[:limit])
    reasons = [Reason(status, message, n, rfc3339_utc_us(last)) for status, message, n, last, _ in found]
    return Failures(
        total=events.count(),
        by_status=[StatusCount(status, n) for status, n, *_ in statuses],
        reasons=reasons,
        totals=totals_of(reasons=(found[0][-1] if found else 0, reasons)),
    )


def _counted(events, *by):
    """Rows of (*by, how many, µs of the newest, how many such rows there are)."""
    counts = {"n": Count("id"), "last": Max("timestamp"), "groups": Window(Count("*"))}
    return events.values_list(*by).annotate(**counts).values_list(*by, *counts)
